"""What a kilowatt-hour costs and earns at the meter, by local time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from afterbay.core.compiled import Floats

if TYPE_CHECKING:
    from afterbay.core.timeline import Timeline

__all__ = ["Tariff", "TariffPeriod", "local_hours"]


@dataclass(frozen=True, slots=True)
class TariffPeriod:
    """A window of local time with prices of its own; later periods win over earlier ones."""

    from_h: float
    """Start [h local]; a window with from_h > to_h goes over midnight."""
    to_h: float
    retail_per_kwh: float | None = None
    feed_in_per_kwh: float | None = None
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Monday is 0."""
    months: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of the utility for one kind of customer; taxes are on top of the retail price."""

    retail_per_kwh: float
    """Price of a kilowatt-hour from the grid, energy and network, without tax."""
    feed_in_per_kwh: float = 0.0
    """Paid for a kilowatt-hour to the grid."""
    tax_fraction: float = 0.0
    """Tax on what is bought, as a share of the money."""
    tax_per_kwh: float = 0.0
    """Levy on each kilowatt-hour bought."""
    monthly_fee: float = 0.0
    """Fixed charge per month, spread evenly over the steps of the month."""
    network_share: float = 0.0
    """Share of the retail price that is network fee; local trades may be spared part of it."""
    local_network_reduction: float = 0.0
    """Share of the network fee that a local trade is spared [fraction]."""
    local_tax_share: float = 1.0
    """Share of tax and levy that a local trade owes [fraction]; 0 where energy of the community is free of them."""
    periods: tuple[TariffPeriod, ...] = ()

    def prices(self, timeline: Timeline, time_zone: str) -> tuple[Floats, Floats]:
        """Return retail and feed-in price of every step, shape (n_steps,) each."""
        retail = np.full(timeline.count, self.retail_per_kwh)
        feed_in = np.full(timeline.count, self.feed_in_per_kwh)
        if self.periods:
            hour, weekday, month = local_hours(timeline, time_zone)
            for period in self.periods:
                within = (
                    (hour >= period.from_h) & (hour < period.to_h)
                    if period.from_h <= period.to_h
                    else (hour >= period.from_h) | (hour < period.to_h)
                )
                within &= np.isin(weekday, period.weekdays) & np.isin(month, period.months)
                if period.retail_per_kwh is not None:
                    retail[within] = period.retail_per_kwh
                if period.feed_in_per_kwh is not None:
                    feed_in[within] = period.feed_in_per_kwh
        return retail, feed_in


def local_hours(timeline: Timeline, time_zone: str) -> tuple[Floats, Floats, Floats]:
    """Return hour of day, weekday (Monday 0) and month of the start of every step, in local time."""
    import pandas as pd

    index = pd.date_range(timeline.start, periods=timeline.count, freq=timeline.step).tz_convert(ZoneInfo(time_zone))
    hour = index.hour + index.minute / 60.0 + index.second / 3600.0
    return (
        np.asarray(hour, dtype=np.float64),
        np.asarray(index.weekday, dtype=np.float64),
        np.asarray(index.month, dtype=np.float64),
    )
