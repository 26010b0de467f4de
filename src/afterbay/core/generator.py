"""A generator: rating, least load, fuel by a flat rate or a Willans line, starts and run hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core import kernels
from afterbay.core.checks import check_sizes, is_number, read_series, require_step
from afterbay.core.errors import OutOfRangeError, Problem, Problems

__all__ = ["Generator", "GeneratorRun", "run_generator"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """A generator at any scale: power in P, fuel in whatever unit the coefficients carry per P·h.

    Fuel of a running hour is `fuel_per_rating_h * rating + fuel_per_energy * output` (Willans line); with
    `fuel_per_rating_h` = 0 it is a flat rate. For litres and megawatts multiply L/kWh by 1000.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    rating: float
    """Largest output [P], >= 0."""
    min_load: float = 0.0
    """Least output of a running generator, share of the rating [-]."""
    fuel_per_rating_h: float = 0.0
    """Fuel per hour and P of rating, burnt at no load already [fuel/(P·h)]."""
    fuel_per_energy: float = 0.0
    """Fuel per energy on top of that [fuel/(P·h)]."""

    def __post_init__(self) -> None:
        problems = Problems()
        check_sizes(self, ("rating", "min_load", "fuel_per_rating_h", "fuel_per_energy"), problems)
        if not problems and self.min_load > 1.0:
            problems.add("min_load", self.min_load, "a fraction 0..1", f"did you mean {self.min_load / 100.0:g}?")
        problems.raise_if_any()

    def fuel(self, output: float, *, dt_h: float = 1.0) -> float:
        """Return the fuel of one step of `dt_h` [h] at `output` [P]; a generator that gives nothing is off.

        Raises:
            OutOfRangeError: If `output` is no finite number >= 0, or `dt_h` none above 0.
        """
        require_step(dt_h)
        if not (is_number(output) and output >= 0.0):
            raise OutOfRangeError(Problem("output", repr(output), "a finite number >= 0 [P]", "0 is off"))
        return float(kernels.generator_fuel(output, self.rating, self.fuel_per_rating_h, self.fuel_per_energy, dt_h))


class GeneratorRun(NamedTuple):
    """What a run of a generator comes to."""

    output: FloatArray
    """Output of each step [P], shape (n,)."""
    fuel: FloatArray
    """Fuel of each step, shape (n,)."""
    starts: int
    """Steps that run after a step at rest [-]."""
    run_hours: float
    """Time running [h]."""
    running: bool
    """Does it run at the end?"""


def run_generator(generator: Generator, requests: ArrayLike, *, dt_h: float, running: bool = False) -> GeneratorRun:
    """Let a generator follow requests, held between its least load and its rating; 0 switches it off.

    Args:
        generator: The generator.
        requests: Power asked for in each step [P], >= 0, shape (n,).
        dt_h: Length of a step [h], > 0.
        running: Did it run before the first step? Then the first step is no start.

    Raises:
        OutOfRangeError: If a request is negative or no finite number, or the step is none.
    """
    require_step(dt_h)
    asked = read_series("requests", requests, least=0.0, move="0 switches it off")
    output, fuel = np.empty_like(asked), np.empty_like(asked)
    starts, steps, still_on = kernels.run_generator(
        asked,
        generator.rating,
        generator.min_load * generator.rating,
        generator.fuel_per_rating_h,
        generator.fuel_per_energy,
        dt_h,
        running,
        output,
        fuel,
    )
    return GeneratorRun(output, fuel, int(starts), steps * dt_h, bool(still_on))
