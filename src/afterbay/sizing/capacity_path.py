"""Capacity over the years: cohorts of modules that age on their own, and the parts that are renewed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import Problems
from afterbay.sizing.checks import Checker
from afterbay.sizing.degradation import DegradationConfig

__all__ = ["CapacityEvent", "CapacityPath", "CapacityYear", "Cohort", "PartLife", "capacity_path", "compound_retention"]

FloatArray = NDArray[np.float64]
Part = Literal["battery", "inverter", "generator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLife:
    """When a part of the plant is renewed: after years or running hours, whichever comes first.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    part: Part
    life_years: int | None = None
    """Whole years of service [a]; None: years do not end its life."""
    life_hours: float | None = None
    """Running hours [h]; None: hours do not end its life. A battery has none."""
    running_hours_per_year: float = 0.0
    """Hours it runs each year [h/a]."""
    rating_mw: float = 0.0
    """Rating that is bought again [MW]; a battery is bought again by its energy."""

    def __post_init__(self) -> None:
        problems = Problems()
        check = Checker(self, problems)
        check.choice("part", ("battery", "inverter", "generator"))
        check.number("running_hours_per_year", least=0.0, most=8784.0)
        check.number("rating_mw", least=0.0)
        years: object = self.life_years
        if years is not None and (isinstance(years, bool) or not isinstance(years, (int, np.integer)) or years < 1):
            problems.add("life_years", years, "a whole number of years from 1, or None", "give years of service")
        if self.life_hours is not None and check.number("life_hours", above=0.0, or_none=True):
            if self.part == "battery":
                problems.add("life_hours", self.life_hours, "None for a battery", "give its life_years")
            elif not problems and self.life_hours < self.running_hours_per_year:
                problems.add(
                    "life_hours",
                    f"{self.life_hours:g} h with {self.running_hours_per_year:g} h a year",
                    "at least the running hours of one year",
                    "book what lasts less than a year as yearly maintenance",
                )
        if self.life_years is None and self.life_hours is None:
            problems.add("life_years", "None, and life_hours None", "one of them", "say what ends the life of the part")
        problems.raise_if_any()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityEvent:
    """Something that is bought at the end of a year; finance prices it."""

    year: int
    kind: Literal["augmentation", "battery", "inverter", "generator"]
    """`battery`, `inverter`, `generator`: a part is renewed."""
    mwh: float = 0.0
    """Energy bought [MWh]."""
    mw: float = 0.0
    """Power bought [MW]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Modules that were installed together."""

    installed_mwh: float
    """Capacity when new [MWh]."""
    age_years: int
    """Years of service at the end of the year [a]."""
    effective_mwh: float
    """Capacity at the end of the year [MWh]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityYear:
    """One year of operation; purchases take place at its end."""

    year: int
    """Year of operation, from 1."""
    start_mwh: float
    """Capacity at its start [MWh]: what the year is simulated with."""
    effective_mwh: float
    """Capacity at its end, purchases included [MWh]."""
    installed_mwh: float
    """Capacity when new of all modules in place at its end [MWh]."""
    retention_pct: float
    """Effective over initial capacity [%]; above 100 while an overbuild lasts."""
    augmented: bool
    """Modules were added at its end."""
    cohorts: tuple[Cohort, ...]
    """Modules in place at its end, the oldest purchase first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPath:
    """Capacity and purchases of every year."""

    initial_mwh: float
    """Capacity that the plant is meant to have [MWh]."""
    years: tuple[CapacityYear, ...]
    events: tuple[CapacityEvent, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, texts, lists and dicts."""
        return {
            "initial_mwh": self.initial_mwh,
            "years": [{**asdict(year), "cohorts": [asdict(one) for one in year.cohorts]} for year in self.years],
            "events": [asdict(event) for event in self.events],
        }


def compound_retention(loss_pct_per_year: float, years: int) -> FloatArray:
    """Return the share of capacity left after 0..`years` years [-] of the same loss each year [%].

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    loss: object = loss_pct_per_year
    if not (isinstance(loss, (int, float, np.number)) and 0.0 <= float(loss) < math.inf):
        problems.add("loss_pct_per_year", loss, "a finite number of percent >= 0", "give percent a year")
    _check_years(years, problems)
    problems.raise_if_any()
    # More than all cannot be lost.
    kept = 1.0 - min(loss_pct_per_year, 100.0) / 100.0
    return np.asarray(np.cumprod(np.concatenate(([1.0], np.full(years, kept)))), dtype=np.float64)


def capacity_path(
    initial_mwh: float,
    retention: ArrayLike,
    config: DegradationConfig | None = None,
    *,
    years: int = 20,
    parts: Sequence[PartLife] = (),
) -> CapacityPath:
    """Follow the capacity of a plant, each cohort of modules at its own age.

    Args:
        initial_mwh: Capacity that the plant is meant to have [MWh].
        retention: Share of its capacity that a module keeps at age 0, 1, 2, ... years [-], shape (years + 1 or
            more,), from 1 and never rising: `compound_retention(...)` or `CellLife.relative_capacity`.
        config: Strategy against ageing; default: `DegradationConfig()`, none.
        years: Years of operation [a].
        parts: Parts that are renewed. Nothing is renewed at the end of the last year. A battery is renewed
            cohort by cohort, each at its own age and in its own size.

    Raises:
        InvalidInputError: With every problem found.

    Source: specification of sizing, section 7 (projection; BUG-31: what is installed stays a sum).
    """
    config = config or DegradationConfig()
    kept = _checked(initial_mwh, retention, years, parts)
    overbuild = 1.0 + config.overbuild_fraction if config.strategy == "overbuild" else 1.0
    modules = [(initial_mwh * overbuild, 0)]
    events = [event for part in parts if part.part != "battery" for event in _renewals(part, years)]
    battery_life = min((part.life_years for part in parts if part.part == "battery" and part.life_years), default=None)
    path = []
    for year in range(1, years + 1):
        start = _effective(modules, kept)
        modules = [(mwh, age + 1) for mwh, age in modules]
        if battery_life is not None and year < years:
            renewed = sum(mwh for mwh, age in modules if age >= battery_life)
            modules = [(mwh, 0 if age >= battery_life else age) for mwh, age in modules]
            if renewed > 0.0:
                events.append(CapacityEvent(year=year, kind="battery", mwh=renewed))
        missing = initial_mwh - _effective(modules, kept)
        augmented = config.strategy == "augmentation" and year == config.augmentation_year and missing > 0.0
        if augmented:
            modules.append((missing, 0))
            events.append(CapacityEvent(year=year, kind="augmentation", mwh=missing))
        effective = _effective(modules, kept)
        path.append(
            CapacityYear(
                year=year,
                start_mwh=start,
                effective_mwh=effective,
                installed_mwh=sum(mwh for mwh, _ in modules),
                retention_pct=effective / initial_mwh * 100.0,
                augmented=augmented,
                cohorts=tuple(
                    Cohort(installed_mwh=mwh, age_years=age, effective_mwh=mwh * float(kept[age]))
                    for mwh, age in modules
                ),
            )
        )
    events.sort(key=lambda event: (event.year, event.kind))
    return CapacityPath(initial_mwh=initial_mwh, years=tuple(path), events=tuple(events))


def _effective(modules: list[tuple[float, int]], kept: FloatArray) -> float:
    return sum(mwh * float(kept[age]) for mwh, age in modules)


def _renewals(part: PartLife, years: int) -> list[CapacityEvent]:
    """Return the renewals of an inverter or a generator; hours run since count towards the next one."""
    found = []
    age, hours = 0, 0.0
    for year in range(1, years):
        age += 1
        hours += part.running_hours_per_year
        worn = part.life_hours is not None and hours >= part.life_hours
        if worn or (part.life_years is not None and age >= part.life_years):
            found.append(CapacityEvent(year=year, kind=part.part, mw=part.rating_mw))
            age, hours = 0, hours - part.life_hours if worn and part.life_hours is not None else 0.0
    return found


def _check_years(years: object, problems: Problems) -> None:
    if isinstance(years, bool) or not (isinstance(years, (int, np.integer)) and 1 <= years <= 100):
        problems.add("years", years, "a whole number of years 1..100", "give the years of operation")


def _checked(initial_mwh: object, retention: ArrayLike, years: object, parts: Sequence[PartLife]) -> FloatArray:
    problems = Problems()
    if not (isinstance(initial_mwh, (int, float, np.number)) and 0.0 < float(initial_mwh) < math.inf):
        problems.add("initial_mwh", initial_mwh, "a finite number of MWh > 0", "give the capacity of the plant")
    _check_years(years, problems)
    if len([part for part in parts if part.part == "battery"]) > 1:
        problems.add("parts", "two lives of a battery", "one", "give the shorter one")
    try:
        kept = np.array(retention, dtype=np.float64)
    except (TypeError, ValueError):
        kept = np.zeros(0)
    allowed = "shares from 1 at age 0, never rising, never below 0, up to age `years`"
    move = "use compound_retention(...) or a cell model's relative_capacity"
    if kept.ndim != 1 or kept.size == 0 or not np.all(np.isfinite(kept)):
        problems.add("retention", f"shape {kept.shape}", allowed, move)
    elif kept[0] != 1.0 or np.any(np.diff(kept) > 0.0) or kept[-1] < 0.0:
        problems.add("retention", f"{kept[0]:g} at age 0, {kept.min():g}..{kept.max():g} later", allowed, move)
    elif isinstance(years, (int, np.integer)) and kept.size < years + 1:
        problems.add("retention", f"ages 0..{kept.size - 1} for {years} years", allowed, move)
    problems.raise_if_any()
    return kept
