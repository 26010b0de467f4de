"""The sizes of a sweep: inclusive ranges that never pass their maximum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import Problems

__all__ = ["MAX_CASES", "WARN_CASES", "SizeGrid", "inclusive_range"]

MAX_CASES = 50_000
"""More cases than this are refused."""
LEAST_SIZE = 1e-6
"""A size below this (1 Wh, 1 W) is a slip, not a plant [MWh, h, MW]."""
WARN_CASES = 10_000
"""More cases than this deserve a warning; they run."""


def inclusive_range(least: float, most: float, step: float) -> tuple[float, ...]:
    """Return least, least + step, ... up to most at the latest.

    `most` itself is included when the steps meet it (to rounding) and never passed.

    Raises:
        InvalidInputError: If a number is not finite, `step` is not positive or `least` > `most`.
    """
    problems = Problems()
    for name, value in (("least", least), ("most", most), ("step", step)):
        if not math.isfinite(value):
            problems.add(name, value, "a finite number", "give a number")
    if step <= 0.0 and least != most:
        problems.add("step", step, "> 0", "give the distance between two sizes")
    if least > most:
        problems.add("least", f"{least:g} with most = {most:g}", "least <= most", "swap the two")
    problems.raise_if_any()
    if least == most:
        return (float(least),)
    count = math.floor((most - least) / step + 1e-9)
    return tuple(min(least + place * step, most) for place in range(count + 1))


@dataclass(frozen=True)
class SizeGrid:
    """Every combination of the sizes given, battery energy outermost.

    Raises:
        InvalidInputError: If an axis is empty, negative or doubled, or there are too many cases.
    """

    bess_mwh: tuple[float, ...]
    """Battery energies [MWh]."""
    durations_h: tuple[float, ...]
    """Energy over power [h]."""
    dg_mw: tuple[float, ...] = (0.0,)
    """Generator ratings [MW]."""
    solar_mw: tuple[float, ...] | None = None
    """Solar capacities [MW]; None leaves the profile as it is."""
    solar_base_mw: float | None = None
    """What capacity the profile stands for [MW]; default: its own peak."""

    def __post_init__(self) -> None:
        problems = Problems()
        axes = {"bess_mwh": 0.0, "durations_h": None, "dg_mw": 0.0}
        if self.solar_mw is not None:
            axes["solar_mw"] = 0.0
        for name, least in axes.items():
            object.__setattr__(self, name, _axis(name, getattr(self, name), least, problems))
        base = self.solar_base_mw
        if base is not None and not (math.isfinite(base) and base > 0.0):
            problems.add("solar_base_mw", base, "> 0 MW", "give the capacity that the profile stands for")
        problems.raise_if_any()
        if len(self) > MAX_CASES:
            problems.add(
                "grid",
                f"{len(self):,} cases",
                f"at most {MAX_CASES:,}",
                "take wider steps or fewer durations, then refine around the best",
            )
        problems.raise_if_any()

    def __len__(self) -> int:
        solar = 1 if self.solar_mw is None else len(self.solar_mw)
        return len(self.bess_mwh) * len(self.durations_h) * len(self.dg_mw) * solar

    @property
    def warning(self) -> str | None:
        """A word on a large grid, or None."""
        if len(self) <= WARN_CASES:
            return None
        return f"{len(self):,} cases are many; wider steps find the same region sooner"

    @cached_property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """The sizes of every case, each of shape (m,): capacity, duration, power, dg_capacity, solar_capacity."""
        solar = np.array([math.nan] if self.solar_mw is None else self.solar_mw)
        capacity, duration, generator, sun = (
            axis.ravel()
            for axis in np.meshgrid(
                np.array(self.bess_mwh),
                np.array(self.durations_h),
                np.array(self.dg_mw),
                solar,
                indexing="ij",
            )
        )
        columns = {
            "capacity": capacity,
            "duration": duration,
            "power": capacity / duration,
            "dg_capacity": generator,
        }
        return columns if self.solar_mw is None else {**columns, "solar_capacity": sun}


def _axis(name: str, values: Sequence[float], least: float | None, problems: Problems) -> tuple[float, ...]:
    allowed = "0 or" if least is not None else "only"
    allowed += f" numbers >= {LEAST_SIZE:g}"
    try:
        axis = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        problems.add(name, repr(values), allowed, "give a list of numbers")
        return (1.0,)
    if not axis:
        problems.add(name, "no sizes", allowed, "give at least one")
    bad = [
        value
        for value in axis
        if not math.isfinite(value) or (value != 0.0 and value < LEAST_SIZE) or (least is None and value == 0.0)
    ]
    if bad:
        problems.add(name, ", ".join(f"{value:g}" for value in bad[:5]), allowed, "drop or correct these")
    if len(set(axis)) != len(axis):
        problems.add(name, ", ".join(f"{value:g}" for value in axis), "each size once", "drop the doubled ones")
    return axis
