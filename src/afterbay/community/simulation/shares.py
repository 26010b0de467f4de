"""A block with its sharing: everything that is kept of it, laid out as the tables are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.sharing import share_block
from afterbay.community.simulation.columns import DAILY_COLUMNS, HOUSE_COLUMNS, NODE_COLUMNS
from afterbay.community.step import FLOWS, NODE_FLOWS, MeterBlock

if TYPE_CHECKING:
    from afterbay.community.sharing import SharingRule
    from afterbay.community.simulation.physics import DayBlock
    from afterbay.community.step import DeviceState, TreeArrays
    from afterbay.core.compiled import Floats, Indices

__all__ = ["SharedDays", "share_days"]


@dataclass(frozen=True, slots=True, eq=False)
class SharedDays:
    """What is kept of a block. D days, T steps, H houses, N nodes, L levels, C chosen houses."""

    first_day: int
    first_step: int
    daily: Floats
    """By `DAILY_COLUMNS`, shape (D, columns, H)."""
    levels: Floats
    """Bought and sold by transformers crossed, shape (D, 2, L, H)."""
    nodes: Floats
    """By `NODE_COLUMNS`, shape (columns, T, N)."""
    series: Floats
    """By `HOUSE_COLUMNS`, shape (columns, T, C)."""
    meters: MeterBlock
    state: DeviceState
    """What the last step left."""


def share_days(
    run: DayBlock, tree: TreeArrays, rule: SharingRule, chosen: Indices, *, dt_h: float, threads: int
) -> SharedDays:
    """Share the meter readings of a block and lay out what is kept."""
    block = run.block
    shared = share_block(tree, rule, block.net_kwh, dt_h=dt_h, days=run.days, threads=threads)
    columns = (shared.bought_kwh, shared.sold_kwh, shared.paid_kwh)
    n_days, n_steps = run.days.size - 1, block.net_kwh.shape[0]
    daily = np.empty((n_days, len(DAILY_COLUMNS), tree.n_houses))
    daily[:, : len(FLOWS)] = block.daily_kwh
    series = np.empty((len(HOUSE_COLUMNS), n_steps, chosen.size))
    series[: len(FLOWS)] = block.series_kwh
    for place, column in enumerate(columns, start=len(FLOWS)):
        # Days are added up one by one, so that the sum of a day does not depend on the block around it.
        for day in range(n_days):
            daily[day, place] = column[run.days[day] : run.days[day + 1]].sum(axis=0)
        series[place] = column[:, chosen]
    nodes = np.empty((len(NODE_COLUMNS), n_steps, tree.n_nodes))
    nodes[: len(NODE_FLOWS)] = block.nodes_kwh
    nodes[len(NODE_FLOWS)] = shared.matched_kwh
    levels = np.stack((shared.bought_level_kwh, shared.sold_level_kwh), axis=1)
    meters = MeterBlock(block.first, block.net_kwh)
    block.net_kwh.setflags(write=False)
    return SharedDays(run.first_day, block.first, daily, levels, nodes, series, meters, run.state)
