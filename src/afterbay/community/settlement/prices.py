"""The utility's prices of a run, by tariff and step, and by house for the rules that ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from afterbay.community.settlement.calendar import RunCalendar
    from afterbay.community.topology.records import Grid
    from afterbay.core.compiled import Floats, Indices
    from afterbay.core.timeline import Timeline

__all__ = ["DayPrices", "MeterPrices", "PriceName", "meter_prices"]

PriceName = Literal["retail_per_kwh", "local_retail_per_kwh", "feed_in_per_kwh"]

_SHARES: Final = ("network_share", "local_network_reduction", "tax_fraction", "local_tax_share")


@dataclass(frozen=True, slots=True, eq=False)
class DayPrices:
    """Prices of consecutive steps. T tariffs; every array is read-only."""

    tariff_of: Indices
    """Tariff of each house, shape (n_houses,)."""
    retail_per_kwh: Floats
    """What a kilowatt-hour from the utility costs, network included, tax not, shape (n_steps, T)."""
    local_retail_per_kwh: Floats
    """Retail less the network charge that local energy bears, shape (n_steps, T)."""
    spared_retail_per_kwh: Floats
    """Retail less the network charge that local energy is spared, shape (n_steps, T)."""
    feed_in_per_kwh: Floats
    """What a kilowatt-hour to the utility earns, shape (n_steps, T)."""
    fixed_fee: Floats
    """Monthly fee of each step [currency], shape (n_steps, T)."""
    _by_house: dict[str, Floats] = field(default_factory=dict, repr=False)

    def by_house(self, name: PriceName) -> Floats:
        """Return a price for every house, shape (n_steps, n_houses); made once."""
        found = self._by_house.get(name)
        if found is None:
            found = self._by_house[name] = np.take(getattr(self, name), self.tariff_of, axis=1)
            found.setflags(write=False)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class MeterPrices:
    """All that the tariffs of a grid say about a run. T tariffs; every array is read-only."""

    names: tuple[str, ...]
    """Names of the tariffs."""
    all_steps: DayPrices
    """Prices of every step of the run."""
    network_share: Floats
    """Share of the retail price that is network charge, shape (T,)."""
    local_network_share: Floats
    """Share of the retail price that a local trade owes as network charge, shape (T,)."""
    tax_fraction: Floats
    """Tax as a share of the money, shape (T,)."""
    tax_per_kwh: Floats
    """Levy [currency/kWh], shape (T,)."""
    local_tax_share: Floats
    """Share of both taxes that a local trade owes, shape (T,)."""

    def day(self, first: int, end: int) -> DayPrices:
        """Return the prices of the steps from `first` up to `end`."""
        whole = self.all_steps
        return DayPrices(
            whole.tariff_of,
            whole.retail_per_kwh[first:end],
            whole.local_retail_per_kwh[first:end],
            whole.spared_retail_per_kwh[first:end],
            whole.feed_in_per_kwh[first:end],
            whole.fixed_fee[first:end],
        )


def meter_prices(grid: Grid, timeline: Timeline, calendar: RunCalendar) -> MeterPrices:
    """Return every price of a run.

    Raises:
        InvalidInputError: If the grid has no tariff, a house names one that does not exist, or a share is outside 0..1.
    """
    names = tuple(grid.tariffs)
    tariffs = tuple(grid.tariffs.values())
    problems = Problems()
    if not tariffs:
        problems.add(f"{grid.name}.tariffs", "none", "at least one tariff", "say what a kilowatt-hour costs")
    for house, _ in grid.every_house():
        if house.tariff is not None and house.tariff not in grid.tariffs:
            known = ", ".join(names) or "none"
            problems.add(f"{house.name}.tariff", house.tariff, f"one of: {known}", "name a tariff of the grid")
    for name, tariff in grid.tariffs.items():
        for share in _SHARES:
            if not 0.0 <= getattr(tariff, share) <= 1.0:
                problems.add(f"tariffs.{name}.{share}", getattr(tariff, share), "0..1", "give a fraction")
    problems.raise_if_any()
    place = {name: index for index, name in enumerate(names)}
    tariff_of = np.array([place.get(house.tariff or names[0], 0) for house, _ in grid.every_house()], dtype=np.int64)
    series = [tariff.prices(timeline, grid.time_zone) for tariff in tariffs]
    retail = np.stack([retail for retail, _ in series], axis=1)
    feed_in = np.stack([feed_in for _, feed_in in series], axis=1)
    network = np.array([tariff.network_share for tariff in tariffs])
    local_network = network * (1.0 - np.array([tariff.local_network_reduction for tariff in tariffs]))
    monthly = np.array([tariff.monthly_fee for tariff in tariffs])
    prices = MeterPrices(
        names=names,
        all_steps=DayPrices(
            tariff_of=tariff_of,
            retail_per_kwh=retail,
            local_retail_per_kwh=retail * (1.0 - local_network),
            spared_retail_per_kwh=retail * (1.0 - (network - local_network)),
            feed_in_per_kwh=feed_in,
            fixed_fee=(1.0 / calendar.steps_of_month[calendar.month_of_step])[:, np.newaxis] * monthly,
        ),
        network_share=network,
        local_network_share=local_network,
        tax_fraction=np.array([tariff.tax_fraction for tariff in tariffs]),
        tax_per_kwh=np.array([tariff.tax_per_kwh for tariff in tariffs]),
        local_tax_share=np.array([tariff.local_tax_share for tariff in tariffs]),
    )
    whole = prices.all_steps
    for column in (whole.tariff_of, whole.retail_per_kwh, whole.local_retail_per_kwh, whole.spared_retail_per_kwh):
        column.setflags(write=False)
    for column in (whole.feed_in_per_kwh, whole.fixed_fee):
        column.setflags(write=False)
    return prices
