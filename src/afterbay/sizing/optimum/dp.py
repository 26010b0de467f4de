"""A dispatch with perfect foresight that a real plant can follow, by dynamic programming.

It knows what the linear bound leaves out: hours served whole or not at all, the generator's minimum load and
the cost of a start.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import Problems
from afterbay.core.timeline import steps_per_day
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row, hours_of_day
from afterbay.sizing.kernels import total_up
from afterbay.sizing.optimum.checks import is_number
from afterbay.sizing.optimum.grid_kernels import midnight_values, replay
from afterbay.sizing.optimum.kernels import Plant
from afterbay.sizing.physics import PhysicsCheck, physics_check
from afterbay.sizing.templates import Template

if TYPE_CHECKING:
    from afterbay.sizing.params import SimulationParams

__all__ = ["Schedule", "schedule"]

FloatArray = NDArray[np.float64]

ALLOWANCE_LEVELS: Final = 13
"""Points of the grid for what is left of a day's cycle allowance."""
RUN_COST: Final = 1e-3
"""A generated MWh is worth this much of a served one: it breaks ties towards less fuel."""
_FREE = Template(name="Optimum", window="always", trigger="deficit", description="Any output in any hour.")
_SHOWN = (
    "load", "solar", "solar_to_load", "solar_to_bess", "solar_curtailed", "bess_to_load", "dg_to_load", "dg_to_bess",
    "dg_curtailed", "dg_output_mw", "dg_fuel_consumed", "unserved", "soc", "daily_cycles", "bess_standing_loss",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """One dispatch with perfect foresight, run with the exact physics: what it serves is real.

    The true optimum is no lower, but for the grid it was searched on; `bound` says how much higher it may be.
    """

    objective: Literal["hours_served", "energy_served"]
    hours_served: float
    """Load hours served whole [h]."""
    energy_served_mwh: float
    unserved_mwh: float
    generator_mwh: float
    """Gross output [MWh]."""
    generator_hours: float
    generator_starts: int
    fuel_l: float
    solar_curtailed_mwh: float
    foreseen: float
    """What the grid promised, in hours or MWh, less the small costs of running and starting."""
    achieved: float
    """What the replay came to, counted alike."""
    levels: int
    """Points of the grid for stored energy [-]."""
    columns: Mapping[str, FloatArray]
    """The steps, named as in `HourlyResult`, each shape (n,)."""
    physics: PhysicsCheck
    solve_s: float
    """Time of both directions [s]."""

    @property
    def grid_error(self) -> float:
        """Promise less replay, in hours or MWh: how far the grid itself may be off."""
        return self.foreseen - self.achieved

    @property
    def unit(self) -> str:
        """Unit of objective and grid error."""
        return "h" if self.objective == "hours_served" else "MWh"

    def lines(self) -> list[str]:
        """Return the schedule as sentences for a person."""
        return [
            f"With perfect foresight this plant can serve {self.hours_served:,.1f} h whole and "
            f"{self.energy_served_mwh:,.1f} MWh (searched for {_WORDS[self.objective]}).",
            f"Generator {self.generator_hours:,.1f} h, {self.generator_starts} starts, {self.generator_mwh:,.1f} MWh; "
            f"solar curtailed {self.solar_curtailed_mwh:,.1f} MWh; {self.physics.summary}.",
            f"Grid of {self.levels} levels: it promised {self.foreseen:,.2f} {self.unit}, the exact replay brought "
            f"{self.achieved:,.2f} {self.unit}, a grid error of {self.grid_error:,.2f} {self.unit}.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, without the columns."""
        hidden = ("columns", "physics")
        numbers = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in hidden}
        return numbers | {"unit": self.unit, "grid_error": self.grid_error, "physics": self.physics.to_dict()}


_WORDS = {"hours_served": "whole hours", "energy_served": "energy"}


def schedule(
    params: SimulationParams,
    *,
    objective: Literal["hours_served", "energy_served"] = "hours_served",
    start_cost_h: float = 0.01,
    levels: int = 150,
) -> Schedule:
    """Search a dispatch with perfect foresight that keeps minimum load, starts and all-or-nothing delivery.

    Args:
        params: Plant and profiles. A binary generator gives its rating when on, a variable one at least
            `dg_min_load`; windows, thresholds and takeover are those of rules and do not bind it.
        objective: Hours served whole, or energy served.
        start_cost_h: What a start of the generator is worth, in hours of delivery (with `energy_served`:
            hours at its rating) [h].
        levels: Points of the grid for stored energy, 2..2000; finer is slower and closer.

    Returns:
        The schedule, replayed with the exact physics.

    Raises:
        InvalidInputError: If an argument is out of its range.
        PhysicsError: If the replay breaks a balance: a defect of ours.

    Source: docs/concepts/optimum.md.
    """
    _check(objective, start_cost_h, levels)
    began = time.perf_counter()
    # The rules' own conditions do not bind it, so they must not refuse the plant either.
    case = case_row(replace(params, dg_off_trigger="soc_band"), _FREE)
    plant = _plant(params, case, objective, start_cost_h)
    per_day = steps_per_day(params.dt_h)
    allowances = ALLOWANCE_LEVELS if plant.allowance > 0.0 else 1
    midnights = np.zeros((-(-params.steps // per_day) + 1, 2, levels))
    flows = np.zeros((params.steps, len(at.FLOWS)))
    codes = np.zeros((params.steps, len(at.CODES)), dtype=np.int8)
    codes[:, at.HOUR_OF_DAY] = np.resize(hours_of_day(params.dt_h), params.steps)
    energy = float(case[at.CAPACITY] * case[at.INITIAL_SOC_PCT] / 100.0)
    midnight_values(plant, params.load_mw, params.solar_mw, per_day, allowances, midnights)
    achieved = replay(
        plant, params.load_mw, params.solar_mw, per_day, allowances, energy, midnights, flows, codes
    )  # fmt: skip
    taken = time.perf_counter() - began
    totals = np.zeros(len(at.TOTALS))
    total_up(case, flows, codes, per_day, totals)
    physics = physics_check(case, totals, params.load_mw, params.solar_mw)
    physics.raise_if_failed()
    dt_h = params.dt_h
    band = plant.ceiling - plant.floor
    place = (energy - plant.floor) / band * (levels - 1) if band > 0.0 else 0.0
    return Schedule(
        objective,
        float(totals[at.T_FULL]) * dt_h,
        float(totals[at.T_LOAD] - totals[at.T_UNSERVED]) * dt_h,
        float(totals[at.T_UNSERVED]) * dt_h,
        float(totals[at.T_DG_OUTPUT]) * dt_h,
        float(totals[at.T_DG_STEPS]) * dt_h,
        int(totals[at.T_DG_STARTS]),
        float(totals[at.T_FUEL]),
        float(totals[at.T_SOLAR_CURTAILED]) * dt_h,
        float(np.interp(place, np.arange(levels), midnights[0, 0])),
        float(achieved),
        levels,
        {name: np.ascontiguousarray(flows[:, at.FLOWS.index(name)]) for name in _SHOWN},
        physics,
        taken,
    )


def _plant(params: SimulationParams, case: FloatArray, objective: str, start_cost_h: float) -> Plant:
    capacity, rating = float(case[at.CAPACITY]), params.dg_rating_mw
    counts_hours = objective == "hours_served"
    # In hours the same cost is a share of an hour at the rating.
    unit_mw = rating if rating > 0.0 else 1.0
    limit = params.enforced_cycle_limit
    usable = capacity * (case[at.MAX_SOC_PCT] - case[at.MIN_SOC_PCT]) / 100.0
    return Plant(
        floor=float(capacity * case[at.MIN_SOC_PCT] / 100.0),
        ceiling=float(capacity * case[at.MAX_SOC_PCT] / 100.0),
        p_charge=float(params.bess_charge_power),
        p_discharge=float(params.bess_discharge_power),
        eta=math.sqrt(case[at.EFFICIENCY_PCT] / 100.0),
        loss_per_h=float(params.bess_standing_loss_per_h),
        allowance=float(limit * usable) if limit is not None else 0.0,
        usable=float(usable),
        rating=float(rating),
        least=float(rating * (params.dg_min_load if params.dg_operating_mode == "variable" else 1.0)),
        dg_charges=float(params.dg_charges_bess),
        binary=float(params.binary_delivery),
        counts_hours=float(counts_hours),
        run_cost=RUN_COST / unit_mw if counts_hours else RUN_COST,
        start_cost=start_cost_h if counts_hours else start_cost_h * unit_mw,
        fuel_per_rating_h=float(case[at.FUEL_PER_RATING_H]),
        fuel_per_energy=float(case[at.FUEL_PER_ENERGY]),
        dt_h=float(params.dt_h),
    )


def _check(objective: str, start_cost_h: float, levels: int) -> None:
    problems = Problems()
    if objective not in _WORDS:
        problems.add("objective", objective, " | ".join(_WORDS), "choose one of these")
    if not (is_number(start_cost_h) and start_cost_h >= 0.0):
        problems.add("start_cost_h", start_cost_h, "a finite number >= 0 [h]", "0.01 prefers fewer starts")
    if isinstance(levels, bool) or not isinstance(levels, (int, np.integer)) or not 2 <= levels <= 2000:
        problems.add("levels", levels, "a whole number 2..2000", "100 to 200 suit a year")
    problems.raise_if_any()
