"""Run one plant under one rule and keep every hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.sizing import kernels
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row, hours_of_day
from afterbay.sizing.physics import PhysicsCheck, physics_check
from afterbay.sizing.templates import Template, resolve_template

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from afterbay.sizing.params import SimulationParams

__all__ = ["HourlyResult", "HourlyResults", "run_simulation"]

FloatArray = NDArray[np.float64]

_DG_MODES = np.array(["OFF", "NORMAL", "EMERGENCY", "TAKEOVER", "CYCLE"])
_BESS_STATES = np.array(["Idle", "Charging", "Discharging"])


@dataclass(frozen=True, slots=True)
class HourlyResult:
    """One step of a simulation: power in MW (mean over the step), energy in MWh, fuel in litres."""

    t: int = 0
    """Number of the step, from 1."""
    day: int = 0
    """Number of the day, from 1."""
    hour_of_day: int = 0
    load: float = 0.0
    solar: float = 0.0
    solar_to_load: float = 0.0
    solar_to_bess: float = 0.0
    """At the AC side, before charging losses [MW]."""
    solar_curtailed: float = 0.0
    bess_to_load: float = 0.0
    """At the AC side, after discharging losses [MW]."""
    dg_to_load: float = 0.0
    dg_to_bess: float = 0.0
    dg_curtailed: float = 0.0
    dg_running: bool = False
    dg_mode: str = "OFF"
    """OFF, NORMAL, EMERGENCY, TAKEOVER or CYCLE."""
    dg_output_mw: float = 0.0
    """Gross output [MW]."""
    dg_fuel_consumed: float = 0.0
    """Fuel on gross output [L]."""
    cycle_charging: bool = False
    bess_assisted: bool = False
    """The battery delivered beside a generator that could not carry the load alone."""
    unserved: float = 0.0
    soc: float = 0.0
    """Energy in the cells at the end of the step [MWh]."""
    soc_pct: float = 0.0
    daily_cycles: float = 0.0
    """Discharge of the day so far over usable energy [-]."""
    bess_disabled: bool = False
    """The day's cycle allowance is used up."""
    is_night: bool = False
    is_day: bool = False
    is_blackout: bool = False
    bess_state: str = "Idle"
    bess_power: float = 0.0
    """+ discharges, - charges [MW]."""
    bess_to_load_from_dg: float = 0.0
    """Part of `bess_to_load` that a generator once made [MW]."""
    soc_from_dg: float = 0.0
    """Part of `soc` that a generator once made [MWh]."""
    bess_standing_loss: float = 0.0
    """Energy that leaked from the cells in the step [MWh]."""


_NAMES = tuple(field.name for field in fields(HourlyResult))


class HourlyResults:
    """The steps of one simulation as columns: `results.soc`, `results.solar_to_load`, ...

    Every field of `HourlyResult` is a numpy array, shape (n,); iterating gives `HourlyResult` rows.
    `results.physics` is the check that every balance holds; `explain(results, t)` says why a step
    went as it did.
    """

    def __init__(
        self,
        params: SimulationParams,
        template: Template,
        case: FloatArray,
        flows: FloatArray,
        codes: NDArray[np.int8],
        totals: FloatArray,
    ) -> None:
        self.params = params
        self.template = template
        self._case = case
        self._flows = flows
        self._codes = codes
        self._totals = totals

    def __len__(self) -> int:
        return int(self._flows.shape[0])

    def __iter__(self) -> Iterator[HourlyResult]:
        # Python numbers, so that a row prints and serialises like one.
        columns = [getattr(self, name).tolist() for name in _NAMES]
        return (HourlyResult(*row) for row in zip(*columns, strict=True))

    def __getitem__(self, index: int) -> HourlyResult:
        length = len(self)
        if not isinstance(index, (int, np.integer)) or not -length <= index < length:
            raise IndexError(f"step {index!r} of a run of {length} steps")
        return HourlyResult(*(getattr(self, name)[index].item() for name in _NAMES))

    def __getattr__(self, name: str) -> FloatArray:
        if name in at.FLOWS:
            column = np.ascontiguousarray(self._flows[:, at.FLOWS.index(name)])
            self.__dict__[name] = column
            return column
        raise AttributeError(f"no column {name!r}; there are {', '.join(_NAMES)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_NAMES})

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order of `HourlyResult`."""
        return _NAMES

    @property
    def totals(self) -> FloatArray:
        """Totals of the run as the kernel made them, `layout.TOTALS`."""
        return self._totals

    @property
    def case(self) -> FloatArray:
        """The numbers that the kernel read, `layout.CASE`."""
        return self._case

    def steps_as_arrays(self) -> tuple[FloatArray, NDArray[np.int8]]:
        """Return flows and codes as the kernel wrote them, shapes (n, 17) and (n, 7)."""
        return self._flows, self._codes

    @cached_property
    def t(self) -> NDArray[np.int64]:
        """Number of the step, from 1."""
        return np.arange(1, len(self) + 1)

    @cached_property
    def day(self) -> NDArray[np.int64]:
        """Number of the day, from 1."""
        steps_of_day = hours_of_day(self.params.dt_h).shape[0]
        return np.asarray(np.arange(len(self)) // steps_of_day + 1, dtype=np.int64)

    @cached_property
    def hour_of_day(self) -> NDArray[np.int64]:
        """Hour of the day, 0..23."""
        return self._code(at.HOUR_OF_DAY).astype(np.int64)

    @cached_property
    def dg_mode(self) -> NDArray[np.str_]:
        """OFF, NORMAL, EMERGENCY, TAKEOVER or CYCLE."""
        return _DG_MODES[self._code(at.MODE)]

    @cached_property
    def dg_running(self) -> NDArray[np.bool_]:
        """Did the generator run?"""
        return _flags(self._code(at.MODE) != at.MODE_OFF)

    @cached_property
    def cycle_charging(self) -> NDArray[np.bool_]:
        """Did the generator run on to charge the battery?"""
        return _flags(self._code(at.MODE) == at.MODE_CYCLE)

    @cached_property
    def bess_assisted(self) -> NDArray[np.bool_]:
        """Did the battery deliver beside a generator that came first?"""
        return _flags(self._code(at.ASSISTED) != 0)

    @cached_property
    def bess_disabled(self) -> NDArray[np.bool_]:
        """Was the day's cycle allowance used up at the end of the step?"""
        return _flags(self._code(at.DISABLED) != 0)

    @cached_property
    def is_night(self) -> NDArray[np.bool_]:
        """Inside the night window of a night template."""
        return self._in_window("night")

    @cached_property
    def is_day(self) -> NDArray[np.bool_]:
        """Inside the day window of a day template."""
        return self._in_window("day")

    @cached_property
    def is_blackout(self) -> NDArray[np.bool_]:
        """Inside the blackout hours of a blackout template."""
        if self.template.window != "not_blackout":
            return np.zeros(len(self), dtype=bool)
        return _flags(self._code(at.IN_WINDOW) == 0)

    @cached_property
    def soc_pct(self) -> FloatArray:
        """State of charge at the end of the step [% of capacity]; 0 without a battery."""
        capacity = self.params.bess_capacity
        return self.soc / capacity * 100.0 if capacity > 0.0 else np.zeros(len(self))

    @cached_property
    def bess_power(self) -> FloatArray:
        """Battery power [MW], + discharges, - charges."""
        stored = self.solar_to_bess + self.dg_to_bess
        return np.where(self.bess_to_load > 0.0, self.bess_to_load, np.where(stored > 0.0, -stored, 0.0))

    @cached_property
    def bess_state(self) -> NDArray[np.str_]:
        """Idle, Charging or Discharging."""
        return _BESS_STATES[np.where(self.bess_power > 0.0, 2, np.where(self.bess_power < 0.0, 1, 0))]

    @cached_property
    def physics(self) -> PhysicsCheck:
        """The balances and bounds of this run, computed from its flows."""
        return physics_check(self._case, self._totals, self.params.load_mw, self.params.solar_mw)

    @property
    def reasons(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Reason codes of generator and battery as the kernel noted them, each of shape (n,)."""
        return self._code(at.DG_REASON), self._code(at.BESS_REASON)

    def reason_codes(self, t: int) -> tuple[int, int]:
        """Return what the kernel noted for step `t` (from 1): generator and battery reason codes.

        Raises:
            InvalidInputError: If there is no such step.
        """
        if isinstance(t, bool) or not isinstance(t, (int, np.integer)) or not 1 <= t <= len(self):
            raise InvalidInputError(
                Problem("t", repr(t), f"a step 1..{len(self)}", "count steps from 1, as the column t does")
            )
        return int(self._codes[t - 1, at.DG_REASON]), int(self._codes[t - 1, at.BESS_REASON])

    def to_frame(self, start: datetime | None = None) -> pd.DataFrame:
        """Return the steps as a pandas frame, one column per field of `HourlyResult`.

        Args:
            start: Start of the first step; gives a time index. Default: index is `t`.

        Returns:
            A frame of n rows; units are in `frame.attrs["units"]`.
        """
        import pandas as pd

        frame = pd.DataFrame({name: getattr(self, name) for name in _NAMES})
        if start is None:
            frame = frame.set_index("t", drop=False).rename_axis("step")
        else:
            frame.index = pd.date_range(start, periods=len(self), freq=pd.Timedelta(hours=self.params.dt_h))
        frame.attrs["units"] = {name: unit for name, unit in _UNITS.items() if unit}
        return frame

    def _code(self, index: int) -> NDArray[np.int8]:
        return np.ascontiguousarray(self._codes[:, index])

    def _in_window(self, window: str) -> NDArray[np.bool_]:
        if self.template.window != window:
            return np.zeros(len(self), dtype=bool)
        return _flags(self._code(at.IN_WINDOW) != 0)

    def __repr__(self) -> str:
        served = 100.0 * self._totals[at.T_FULL] / max(self._totals[at.T_LOAD_STEPS], 1.0)
        return (
            f"<HourlyResults {self.template.label}: {len(self)} steps of {self.params.dt_h:g} h, "
            f"{served:.1f} % of load hours served, {self.physics.summary}>"
        )


_ENERGY = ("soc", "soc_from_dg", "bess_standing_loss")
_FLAGS = ("is_", "dg_running", "bess_assisted", "bess_disabled", "cycle_")
_UNITLESS = ("t", "day", "daily_cycles", "dg_mode", "bess_state")
_UNITS: dict[str, str] = {
    name: (
        "MWh" if name in _ENERGY
        else "L" if name == "dg_fuel_consumed"
        else "%" if name == "soc_pct"
        else "h" if name == "hour_of_day"
        else "" if name in _UNITLESS or name.startswith(_FLAGS)
        else "MW"
    )
    for name in _NAMES
}  # fmt: skip


def _flags(values: object) -> NDArray[np.bool_]:
    return np.asarray(values, dtype=np.bool_)


def run_simulation(params: SimulationParams, template_id: int | Template) -> HourlyResults:
    """Simulate a plant under one dispatch template.

    Args:
        params: Plant, profiles and rules.
        template_id: 0..6, or a `Template` of your own.

    Returns:
        Every step as columns, with the physics check done.

    Raises:
        UnknownTemplateError: If there is no such template.
        InvalidInputError: If an option of `params` cannot act under this template.
        PhysicsError: If a balance or a bound does not hold: a defect of ours, never of the input.
    """
    template = resolve_template(template_id)
    case = case_row(params, template)
    steps = params.steps
    flows = np.zeros((steps, len(at.FLOWS)))
    codes = np.zeros((steps, len(at.CODES)), dtype=np.int8)
    totals = np.zeros(len(at.TOTALS))
    kernels.dispatch(case, params.load_mw, params.solar_mw, hours_of_day(params.dt_h), flows, codes, totals, True)
    results = HourlyResults(params, template, case, flows, codes, totals)
    results.physics.raise_if_failed()
    return results
