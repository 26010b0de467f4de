"""Meters made by hand or by chance: sources for settlements without a physical run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from afterbay.community.step.meters import MeterBlock
from afterbay.community.step.tree import TreeArrays, tree_arrays
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff
from afterbay.core.compiled import Floats
from afterbay.core.timeline import Timeline

__all__ = ["QUARTER", "Meters", "meters", "random_grids", "random_net"]

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Meters:
    """A run whose meters are known: an array of shape (n_steps, n_houses), in blocks of any length."""

    grid: Grid
    net_kwh: Floats
    timeline: Timeline
    block_steps: int = 96

    @property
    def tree(self) -> TreeArrays:
        return tree_arrays(self.grid)

    def blocks(self) -> Iterator[MeterBlock]:
        for first in range(0, self.timeline.count, self.block_steps):
            yield MeterBlock(first, self.net_kwh[first : first + self.block_steps])


def meters(
    grid: Grid,
    net_kwh: Sequence[Sequence[float]] | Floats,
    start: datetime = datetime(2023, 5, 1, tzinfo=UTC),
    step: timedelta = QUARTER,
    block_steps: int = 96,
) -> Meters:
    """Return a source; rows of `net_kwh` are steps, columns are houses."""
    net = np.ascontiguousarray(net_kwh, dtype=np.float64)
    net.setflags(write=False)
    return Meters(grid, net, Timeline(start, step, net.shape[0]), block_steps)


def random_net(seed: int, n_steps: int, n_houses: int, scale_kwh: float = 1.0) -> Floats:
    """Return meters of both signs, with quiet houses and round numbers among them."""
    rng = np.random.default_rng(seed)
    net = rng.normal(0.0, scale_kwh, (n_steps, n_houses))
    net[rng.random(net.shape) < 0.15] = 0.0
    return np.where(rng.random(net.shape) < 0.2, np.round(net), net)


_SHARES = st.floats(0.0, 1.0)
_PRICES = st.floats(0.0, 0.2)


@st.composite
def _tariffs(draw: st.DrawFn) -> Tariff:
    feed_in = draw(_PRICES)
    return Tariff(
        retail_per_kwh=feed_in + draw(st.floats(0.0, 0.3)),
        feed_in_per_kwh=feed_in,
        tax_fraction=draw(_SHARES),
        tax_per_kwh=draw(_PRICES),
        monthly_fee=draw(st.floats(0.0, 20.0)),
        network_share=draw(_SHARES),
        local_network_reduction=draw(_SHARES),
        local_tax_share=draw(_SHARES),
    )


@st.composite
def random_grids(draw: st.DrawFn, most_houses: int = 40, most_depth: int = 5) -> Grid:
    """Draw a grid: a random tree, keys that add up to 1, fees, losses and up to three tariffs."""
    n_houses = draw(st.integers(1, most_houses))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tariffs = {f"t{number}": draw(_tariffs()) for number in range(draw(st.integers(1, 3)))}
    weights = rng.random(n_houses)
    keys = weights / weights.sum()
    numbers = iter(range(n_houses))

    def house() -> House:
        number = next(numbers)
        name = list(tariffs)[int(rng.integers(len(tariffs)))]
        return House(f"H-{number:03d}", tariff=name if rng.random() < 0.8 else None, key=float(keys[number]))

    def transformer(number: int, depth: int, houses: int) -> Transformer:
        own = int(rng.integers(0, houses + 1)) if depth < most_depth else houses
        own_houses = tuple(house() for _ in range(own))
        below = transformer(number * 10 + 1, depth + 1, houses - own) if houses > own else None
        fee, fraction, local = rng.choice([0.0, 0.01, 0.03], size=3)
        return Transformer(
            f"T-{number}",
            forward_efficiency=float(rng.choice([1.0, 0.98, 0.9])),
            backward_efficiency=float(rng.choice([1.0, 0.97])),
            fee_per_kwh=float(fee),
            fee_fraction=float(fraction),
            local_fee_per_kwh=float(local),
            houses=own_houses,
            transformers=() if below is None else (below,),
        )

    at_grid = int(rng.integers(0, n_houses + 1))
    own = tuple(house() for _ in range(at_grid))
    transformers, left, number = [], n_houses - at_grid, 1
    while left:
        part = int(rng.integers(1, left + 1))
        transformers.append(transformer(number, 1, part))
        left, number = left - part, number + 1
    return Grid(tariffs=tariffs, houses=own, transformers=tuple(transformers), time_zone=draw(st.sampled_from(_ZONES)))


_ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")
