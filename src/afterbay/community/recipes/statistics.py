"""Key figures and pictures of a profile: energy, peak, load factor, average day, week by quarter hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.clock import DAY_S, Steps
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["PowerStatistics", "StreetStatistics", "power_statistics", "street_statistics"]


@dataclass(frozen=True, slots=True, eq=False)
class PowerStatistics:
    """Figures of one series over a horizon."""

    energy_kwh: float
    """Energy of the horizon [kWh], or per installed kW [kWh/kW]."""
    annual_kwh: float
    """The same over 365 days [kWh]."""
    peak_kw: float
    mean_kw: float
    load_factor: float
    """Mean over peak [fraction]; 0 without load."""
    average_day: Floats
    """Mean power of each quarter hour of the local day [kW], shape (96,); nan where there is none."""
    week: Floats
    """Mean power by weekday (Monday first) and quarter hour [kW], shape (7, 96); nan where there is none."""


@dataclass(frozen=True, slots=True)
class StreetStatistics:
    """Figures of many houses together; medians are over houses."""

    houses: int
    annual_kwh_mean: float
    annual_kwh_median: float
    peak_to_mean_median: float
    """Peak over mean of a single house [-]."""
    peak_to_mean_low: float
    """Of the lowest quarter of the houses [-]."""
    peak_to_mean_high: float
    """Of the highest quarter of the houses [-]."""
    load_factor_median: float
    """Mean over peak of a single house [fraction]."""
    coincidence: float
    """Peak of the sum over the sum of the peaks [fraction]."""
    street_peak_to_mean: float
    """Peak over mean of the sum [-]."""
    evening_share: float
    """Energy from 17 to 22 h local over all energy [fraction]."""
    evening_to_night: float
    """Mean power from 17 to 22 h over that from 1 to 5 h local [-]."""
    daily_variation_median: float
    """Standard deviation of a house's daily energy over its mean [-]."""
    winter_to_summer: float
    """Mean power of December to February over June to August [-]; nan where one is missing."""

    def to_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def power_statistics(values: ArrayLike, timeline: Timeline, time_zone: str) -> PowerStatistics:
    """Describe one series.

    Args:
        values: Mean power of each step [kW], shape (timeline.count,), such as a row of a reader.
        timeline: Its steps, of a quarter hour.
        time_zone: Clock of the average day and of the week.

    Raises:
        InvalidInputError: If the series does not fit the timeline.
    """
    power = _fitting(np.atleast_2d(np.asarray(values, dtype=np.float64)), timeline)[0]
    wall = Steps(timeline, time_zone, None).wall(0, timeline.count, 900)
    quarter = wall % DAY_S // 900
    place = (wall // DAY_S + 3) % 7 * 96 + quarter
    mean, peak = float(power.mean()), float(power.max())
    return PowerStatistics(
        energy_kwh=float(power.sum()) * timeline.dt_h,
        annual_kwh=mean * 8760.0,
        peak_kw=peak,
        mean_kw=mean,
        load_factor=mean / peak if peak > 0.0 else 0.0,
        average_day=_means(power, quarter, 96),
        week=_means(power, place, 672).reshape(7, 96),
    )


def street_statistics(values: Floats, timeline: Timeline, time_zone: str) -> StreetStatistics:
    """Describe many houses over whole days of quarter hours.

    Args:
        values: Mean power of each house and step [kW], shape (n_houses, timeline.count).
        timeline: The steps, of a quarter hour.
        time_zone: Clock of evening and night.

    Raises:
        InvalidInputError: If the series do not fit the timeline.
    """
    power = _fitting(np.asarray(values, dtype=np.float64), timeline)
    wall = Steps(timeline, time_zone, None).wall(0, timeline.count, 900)
    hour = wall % DAY_S / 3600.0
    month = wall.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    evening, night = (hour >= 17.0) & (hour < 22.0), (hour >= 1.0) & (hour < 5.0)
    mean, peak, total = power.mean(axis=1), power.max(axis=1), power.sum(axis=0)
    ratio = peak / np.maximum(mean, 1e-300)
    whole = power[:, : timeline.count // 96 * 96].reshape(len(power), -1, 96).sum(axis=2)
    winter, summer = total[np.isin(month, (12, 1, 2))], total[np.isin(month, (6, 7, 8))]
    return StreetStatistics(
        houses=len(power),
        annual_kwh_mean=float(mean.mean()) * 8760.0,
        annual_kwh_median=float(np.median(mean)) * 8760.0,
        peak_to_mean_median=float(np.median(ratio)),
        peak_to_mean_low=float(np.quantile(ratio, 0.25)),
        peak_to_mean_high=float(np.quantile(ratio, 0.75)),
        load_factor_median=float(np.median(1.0 / ratio)),
        coincidence=float(total.max() / peak.sum()),
        street_peak_to_mean=float(total.max() / total.mean()),
        evening_share=float(total[evening].sum() / total.sum()),
        evening_to_night=float(total[evening].mean() / total[night].mean()),
        daily_variation_median=float(np.median(whole.std(axis=1) / whole.mean(axis=1))),
        winter_to_summer=float(winter.mean() / summer.mean()) if winter.size and summer.size else float("nan"),
    )


def _fitting(power: Floats, timeline: Timeline) -> Floats:
    if timeline.dt_h != 0.25 or power.ndim != 2 or power.shape[1] != timeline.count or timeline.count < 96:
        got = f"shape {power.shape} for {timeline.count} steps of {timeline.dt_h:g} h"
        allowed = "one value per quarter hour of the timeline, a day or more"
        raise InvalidInputError(Problem("values", got, allowed, "read them with the same timeline"))
    return power


def _means(power: Floats, place: np.ndarray, size: int) -> Floats:
    count = np.bincount(place, minlength=size)
    total = np.bincount(place, weights=power, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
