"""A battery: energy, bounds, ratings, one-way efficiencies. The same code at 4 s, 15 min and 1 h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core import kernels
from afterbay.core.checks import check_sizes, is_number, read_series, require_step
from afterbay.core.errors import OutOfRangeError, Problem, Problems
from afterbay.core.units import one_way_efficiency

__all__ = ["Battery", "BatteryRun", "BatteryState", "run_battery", "step_battery"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery at any scale: energy in P·h, power in P, both at the terminals.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    capacity: float
    """Nameplate energy [P·h], >= 0."""
    charge_power: float
    """Largest charging power [P], >= 0."""
    discharge_power: float
    """Largest discharging power [P], >= 0."""
    charge_efficiency: float = 1.0
    """One way: energy into the cells over energy at the terminals [-]."""
    discharge_efficiency: float = 1.0
    """One way: energy at the terminals over energy out of the cells [-]."""
    min_soc: float = 0.0
    """Lower bound of the state of charge, share of capacity [-]."""
    max_soc: float = 1.0
    """Upper bound of the state of charge, share of capacity [-]."""
    standing_loss_per_h: float = 0.0
    """Share of the stored energy that leaks per hour, down to the lower bound [-]."""

    def __post_init__(self) -> None:
        problems = Problems()
        check_sizes(self, ("capacity", "charge_power", "discharge_power"), problems)
        for name in ("charge_efficiency", "discharge_efficiency"):
            value = getattr(self, name)
            if not (is_number(value) and 0.0 < value <= 1.0):
                problems.add(name, value, "a fraction above 0, up to 1 (one way)", "0.9327 for 87 % round trip")
        for name in ("min_soc", "max_soc", "standing_loss_per_h"):
            value = getattr(self, name)
            if not (is_number(value) and 0.0 <= value <= 1.0):
                problems.add(name, value, "a fraction 0..1", "give a share, not a percentage")
        if not problems and self.min_soc > self.max_soc:
            problems.add("min_soc", self.min_soc, f"<= max_soc ({self.max_soc:g})", "swap the two")
        problems.raise_if_any()

    @classmethod
    def from_round_trip(cls, *, round_trip_efficiency: float, **rest: float) -> Battery:
        """Make a battery whose losses are the same both ways; `rest` are the other fields."""
        one_way = one_way_efficiency(round_trip_efficiency)
        return cls(charge_efficiency=one_way, discharge_efficiency=one_way, **rest)

    @property
    def floor(self) -> float:
        """Least energy [P·h]."""
        return self.capacity * self.min_soc

    @property
    def ceiling(self) -> float:
        """Most energy [P·h]."""
        return self.capacity * self.max_soc

    @property
    def usable(self) -> float:
        """Energy between floor and ceiling [P·h]."""
        return self.ceiling - self.floor

    @property
    def limits(self) -> tuple[float, float, float, float, float, float, float]:
        """Floor, ceiling, charge and discharge power, both efficiencies, standing loss: as kernels take them."""
        return (
            self.floor,
            self.ceiling,
            self.charge_power,
            self.discharge_power,
            self.charge_efficiency,
            self.discharge_efficiency,
            self.standing_loss_per_h,
        )

    def check_energy(self, energy: float) -> None:
        """Refuse a stored energy outside floor..ceiling.

        Raises:
            OutOfRangeError: If `energy` [P·h] is outside; a battery never starts where it cannot be.
        """
        slack = 1e-9 * max(1.0, self.capacity)
        if not (is_number(energy) and self.floor - slack <= energy <= self.ceiling + slack):
            raise OutOfRangeError(
                Problem("energy", repr(energy), f"{self.floor:g}..{self.ceiling:g}", "start inside the band")
            )


class BatteryState(NamedTuple):
    """What one step left behind."""

    energy: float
    """Stored energy at the end of the step [P·h]."""
    power: float
    """Power that the cells really gave, + discharges [P]."""
    standing_loss: float
    """Energy that leaked in the step [P·h]."""


class BatteryRun(NamedTuple):
    """The columns of a run, each of shape (n,)."""

    energy: FloatArray
    """Stored energy at the end of each step [P·h]."""
    power: FloatArray
    """Power that the cells really gave, + discharges [P]."""
    standing_loss: FloatArray
    """Energy that leaked in each step [P·h]."""


def step_battery(battery: Battery, energy: float, request: float, *, dt_h: float) -> BatteryState:
    """Advance one battery by `dt_h` [h].

    Args:
        battery: The battery.
        energy: Stored energy before the step [P·h].
        request: Power asked for, + discharges, - charges [P].
        dt_h: Length of the step [h], > 0.

    Raises:
        OutOfRangeError: If the energy is outside the band, or request or step are no numbers.
    """
    battery.check_energy(energy)
    require_step(dt_h)
    if not is_number(request):
        raise OutOfRangeError(Problem("request", repr(request), "a finite number", "0 leaves it at rest"))
    return BatteryState(*kernels.battery_step(energy, float(request), *battery.limits, dt_h))


def run_battery(battery: Battery, requests: ArrayLike, *, start_energy: float, dt_h: float) -> BatteryRun:
    """Let one battery follow a series of requests.

    Args:
        battery: The battery.
        requests: Power asked for in each step, + discharges [P], shape (n,).
        start_energy: Stored energy before the first step [P·h].
        dt_h: Length of a step [h], > 0.

    Raises:
        OutOfRangeError: If the energy is outside the band, or a request is no finite number.
    """
    battery.check_energy(start_energy)
    require_step(dt_h)
    asked = read_series("requests", requests, move="0 leaves it at rest")
    run = BatteryRun(np.empty_like(asked), np.empty_like(asked), np.empty_like(asked))
    kernels.run_battery(asked, float(start_energy), np.array(battery.limits), dt_h, *run)
    return run
