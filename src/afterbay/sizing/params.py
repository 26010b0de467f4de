"""What a simulation must know: `SimulationParams`, checked as a whole when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import Problems
from afterbay.sizing.checks import Checker

if TYPE_CHECKING:
    from typing import Any

__all__ = ["SimulationParams"]

FloatArray = NDArray[np.float64]


def _no_steps() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulationParams:
    """A plant, its profiles and its rules.

    Shares are fractions [-]: 0.87, not 87. Efficiency is round trip, one way is its square root. The
    horizon is the length of the profiles. Defaults are those of the sizing plan, section 4.2.

    Raises:
        InvalidInputError: With every problem found, when the object is made.

    Example:
        >>> params = SimulationParams(load_profile=[10.0] * 24, solar_profile=[0.0] * 24, bess_capacity=40)
        >>> params.bess_efficiency
        0.87
    """

    load_profile: ArrayLike = field(default_factory=_no_steps)
    """Load per step [MW], >= 0, shape (n,)."""
    solar_profile: ArrayLike = field(default_factory=_no_steps)
    """Solar per step [MW], >= 0, shape (n,)."""

    bess_capacity: float = 100.0
    """Nameplate energy of the battery [MWh]."""
    bess_charge_power: float = 100.0
    """Largest charging power at the AC side [MW]."""
    bess_discharge_power: float = 100.0
    """Largest discharging power at the AC side [MW]."""
    bess_efficiency: float = 0.87
    """Round-trip efficiency [-]."""
    bess_min_soc: float = 0.05
    """Lower bound of the state of charge, share of capacity [-]."""
    bess_max_soc: float = 0.95
    """Upper bound of the state of charge, share of capacity [-]."""
    bess_initial_soc: float = 0.50
    """State of charge before the first step, inside the bounds [-]."""
    bess_standing_loss_per_h: float = 0.0
    """Share of the stored energy that leaks per hour, down to the lower bound [-]."""
    bess_daily_cycle_limit: float | None = None
    """Delivered discharge per calendar day over usable energy [-]; None is no limit, 0 is refused."""
    bess_enforce_cycle_limit: bool | None = None
    """A stated limit is enforced unless this says False."""

    dg_enabled: bool = True
    """Is there a generator? Without one its rating counts as 0."""
    dg_capacity: float = 0.0
    """Generator rating [MW]."""
    dg_charges_bess: bool = False
    """Generator surplus may charge the battery."""
    dg_load_priority: Literal["bess_first", "dg_first"] = "bess_first"
    """Who serves a deficit first (templates T1 and T3)."""
    dg_takeover_mode: bool = True
    """The generator takes the whole load, if its rating covers it, when solar and battery cannot."""
    dg_operating_mode: Literal["binary", "variable"] = "binary"
    """`binary`: full output when on. `variable`: follows the load between minimum load and rating."""
    dg_min_load: float = 0.30
    """Least output of a variable generator, share of its rating [-]."""
    dg_off_trigger: Literal["soc_band", "window_end"] = "soc_band"
    """`window_end`: a generator with a night or day window runs from its first hour to its last."""

    night_start_hour: int = 18
    """First hour of the night window, 0..23 [h]."""
    night_end_hour: int = 6
    """Hour at which the night window ends, 0..24; start after end wraps midnight [h]."""
    day_start_hour: int = 6
    """First hour of the day window [h]."""
    day_end_hour: int = 18
    """Hour at which the day window ends [h]."""
    blackout_start_hour: int = 22
    """First hour in which template T3 keeps the generator off [h]."""
    blackout_end_hour: int = 6
    """Hour at which the blackout ends; equal to the start means no blackout [h]."""
    dg_soc_on_threshold: float = 0.20
    """At or below this share of capacity the generator starts (T2, T4 to T6) [-]."""
    dg_soc_off_threshold: float = 0.80
    """At or above this share of capacity it stops [-]."""
    emergency_soc_threshold: float = 0.15
    """At or below this share of capacity it may run outside its window [-]."""
    allow_emergency_dg_day: bool = False
    """Emergency by day, for the night templates T2 and T6."""
    allow_emergency_dg_night: bool = False
    """Emergency by night, for the day template T5."""

    dg_fuel_curve_enabled: bool = False
    """Fuel by a Willans line instead of a flat rate."""
    dg_fuel_f0: float = 0.03
    """Fuel at no load [L/h per kW of rating]."""
    dg_fuel_f1: float = 0.22
    """Fuel per energy [L/kWh]."""
    dg_fuel_flat_rate: float = 0.25
    """Fuel per energy of the flat rate [L/kWh]."""
    cycle_charging_enabled: bool = False
    """Once started, a variable generator also charges the battery up to `cycle_charging_off_soc`."""
    cycle_charging_min_load: float = 0.70
    """Least output while cycle charging, share of the rating [-]."""
    cycle_charging_off_soc: float = 0.80
    """Share of capacity at which cycle charging ends [-]."""

    binary_delivery: bool = False
    """All or nothing: a step whose load cannot be served whole is not served at all."""
    dt_h: float = 1.0
    """Length of a step [h]; a day must be a whole number of steps."""

    def __post_init__(self) -> None:
        problems = Problems()
        check = Checker(self, problems)
        load = check.series("load_profile")
        solar = check.series("solar_profile")
        check.same_length("load_profile", load, "solar_profile", solar)
        for name in ("bess_capacity", "bess_charge_power", "bess_discharge_power", "dg_capacity"):
            check.size(name)
        for name in ("dg_fuel_f0", "dg_fuel_f1", "dg_fuel_flat_rate"):
            check.number(name, least=0.0)
        check.fraction("bess_efficiency", above_zero=True)
        for name in _FRACTIONS:
            check.fraction(name)
        check.number("bess_standing_loss_per_h", least=0.0, most=1.0)
        check.ordered("bess_min_soc", "bess_max_soc")
        check.inside("bess_initial_soc", "bess_min_soc", "bess_max_soc")
        check.ordered("dg_soc_on_threshold", "dg_soc_off_threshold", may_equal=True)
        if self.bess_daily_cycle_limit is not None:
            check.number("bess_daily_cycle_limit", above=0.0, or_none=True)
        for name in _FLAGS:
            check.flag(name)
        check.flag("bess_enforce_cycle_limit", or_none=True)
        check.choice("dg_load_priority", ("bess_first", "dg_first"))
        check.choice("dg_operating_mode", ("binary", "variable"))
        check.choice("dg_off_trigger", ("soc_band", "window_end"))
        for window in ("night", "day", "blackout"):
            check.hour(f"{window}_start_hour", 23)
            check.hour(f"{window}_end_hour", 24)
        check.step("dt_h")
        self._check_cycle_charging(problems)
        problems.raise_if_any()
        object.__setattr__(self, "load_profile", load)
        object.__setattr__(self, "solar_profile", solar)

    def _check_cycle_charging(self, problems: Problems) -> None:
        if self.cycle_charging_enabled is not True:
            return
        if self.dg_operating_mode != "variable":
            problems.add(
                "cycle_charging_enabled",
                "True with dg_operating_mode='binary'",
                "a generator that can vary its output",
                "set dg_operating_mode='variable' (a binary generator already runs at full output)",
            )
        if isinstance(self.bess_max_soc, float) and isinstance(self.cycle_charging_off_soc, (int, float)):
            self._check_cycle_mark(problems)
        if self.dg_charges_bess is False:
            problems.add(
                "cycle_charging_enabled",
                "True with dg_charges_bess=False",
                "a generator that may charge the battery",
                "set dg_charges_bess=True or switch cycle charging off",
            )

    def _check_cycle_mark(self, problems: Problems) -> None:
        if self.cycle_charging_off_soc > self.bess_max_soc:
            problems.add(
                "cycle_charging_off_soc",
                f"{self.cycle_charging_off_soc:g} with bess_max_soc = {self.bess_max_soc:g}",
                "at most bess_max_soc, or the generator would never stop",
                "lower cycle_charging_off_soc or raise bess_max_soc",
            )

    @property
    def load_mw(self) -> FloatArray:
        """Load per step [MW], shape (n,), read-only."""
        return np.asarray(self.load_profile)

    @property
    def solar_mw(self) -> FloatArray:
        """Solar per step [MW], shape (n,), read-only."""
        return np.asarray(self.solar_profile)

    @property
    def steps(self) -> int:
        """Number of steps of the horizon [-]."""
        return int(self.load_mw.shape[0])

    @property
    def usable_mwh(self) -> float:
        """Energy between the bounds of the state of charge [MWh]."""
        return self.bess_capacity * (self.bess_max_soc - self.bess_min_soc)

    @property
    def enforced_cycle_limit(self) -> float | None:
        """The cycle limit that acts, or None."""
        return None if self.bess_enforce_cycle_limit is False else self.bess_daily_cycle_limit

    @property
    def dg_rating_mw(self) -> float:
        """Rating of the generator that counts: 0 when it is disabled [MW]."""
        return self.dg_capacity if self.dg_enabled else 0.0

    def __repr__(self) -> str:
        shown: dict[str, Any] = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("load_profile", "solar_profile")
        }
        inside = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"SimulationParams(<{self.steps} steps>, {inside})"


_FRACTIONS = (
    "bess_min_soc",
    "bess_max_soc",
    "bess_initial_soc",
    "dg_soc_on_threshold",
    "dg_soc_off_threshold",
    "emergency_soc_threshold",
    "dg_min_load",
    "cycle_charging_min_load",
    "cycle_charging_off_soc",
)
_FLAGS = (
    "dg_enabled",
    "dg_charges_bess",
    "dg_takeover_mode",
    "allow_emergency_dg_day",
    "allow_emergency_dg_night",
    "dg_fuel_curve_enabled",
    "cycle_charging_enabled",
    "binary_delivery",
)
