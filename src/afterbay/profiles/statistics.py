"""Key figures of hourly load and solar series."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.profiles.windows import check_season, hours_between, month_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LoadStatistics",
    "SeasonalStatistics",
    "SolarStatistics",
    "load_statistics",
    "seasonal_statistics",
    "solar_statistics",
]


@dataclass(frozen=True, slots=True)
class LoadStatistics:
    """Figures of an hourly load."""

    total_energy_mwh: float
    peak_mw: float
    min_mw: float
    avg_mw: float
    load_hours: int
    """Hours with load above zero."""
    no_load_hours: int
    load_factor: float
    """Mean over peak [%]; 0 without load."""
    daily_pattern: tuple[float, ...]
    """Mean load [MW] of each hour of the day; shorter than 24 when the series is."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {**asdict(self), "daily_pattern": list(self.daily_pattern)}


@dataclass(frozen=True, slots=True)
class SeasonalStatistics:
    """How much of a year of 365 days a seasonal load is on."""

    active_months: int
    hours_per_day: int
    total_days: int
    total_active_hours: int

    def to_dict(self) -> dict[str, int]:
        """Return the figures by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SolarStatistics:
    """Figures of an hourly solar series."""

    max_mw: float
    min_mw: float
    mean_mw: float
    total_mwh: float
    capacity_factor: float
    """Mean over the highest value of the series [-], not over the DC nameplate; 0 without sun."""
    zero_hours: int

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def load_statistics(profile: ArrayLike) -> LoadStatistics:
    """Describe an hourly load [MW], shape (n,), n >= 1; the first row is hour 0 of a day.

    Raises:
        InvalidInputError: If the series is empty, not flat, or holds text or missing values.

    Source: sizing.md section 5 (analysis).
    """
    load = _series(profile)
    peak, mean = float(load.max()), float(load.mean())
    hour = np.arange(len(load)) % 24
    active = int((load > 0.0).sum())
    return LoadStatistics(
        total_energy_mwh=float(load.sum()),
        peak_mw=peak,
        min_mw=float(load.min()),
        avg_mw=mean,
        load_hours=active,
        no_load_hours=len(load) - active,
        load_factor=100.0 * mean / peak if peak > 0.0 else 0.0,
        daily_pattern=tuple(float(load[hour == h].mean()) for h in range(min(24, len(load)))),
    )


def seasonal_statistics(start_month: int, end_month: int, day_start: int, day_end: int) -> SeasonalStatistics:
    """Count months, days and hours of a season; `day_end` 0 is midnight, equal hours are none.

    Raises:
        InvalidInputError: If a month or hour does not exist.

    Source: sizing.md section 5; BUG-32 (equal hours counted 24 although the builder gave none).
    """
    asked = {"start_month": start_month, "end_month": end_month, "day_start": day_start, "day_end": day_end}
    problems = Problems()
    check_season(asked, problems)
    problems.raise_if_any()
    months, days = month_bounds(start_month, end_month)
    hours = int(hours_between(day_start, day_end or 24).sum())
    return SeasonalStatistics(months, hours, int(days.sum()), int(days.sum()) * hours)


def solar_statistics(values: ArrayLike) -> SolarStatistics:
    """Describe an hourly solar series [MW], shape (n,), n >= 1.

    Raises:
        InvalidInputError: If the series is empty, not flat, or holds text or missing values.

    Source: sizing.md section 6.
    """
    solar = _series(values)
    peak, mean = float(solar.max()), float(solar.mean())
    return SolarStatistics(
        max_mw=peak,
        min_mw=float(solar.min()),
        mean_mw=mean,
        total_mwh=float(solar.sum()),
        capacity_factor=mean / peak if peak > 0.0 else 0.0,
        zero_hours=int((solar == 0.0).sum()),
    )


def _series(values: ArrayLike) -> NDArray[np.float64]:
    allowed, move = "a flat series of 1 or more finite numbers [MW]", "give one number per hour"
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(Problem("values", "cells that are no numbers", allowed, move)) from None
    if series.ndim != 1 or not series.size or not np.isfinite(series).all():
        got = f"shape {series.shape}, {int((~np.isfinite(series)).sum())} missing"
        raise InvalidInputError(Problem("values", got, allowed, move))
    return series
