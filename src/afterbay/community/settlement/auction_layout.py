"""A market over a tree as arrays: where orders meet, and what the way there costs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from afterbay.core.compiled import Codes, Floats, Indices

if TYPE_CHECKING:
    from afterbay.community.settlement.auction_rules import Scope
    from afterbay.community.step.tree import TreeArrays

__all__ = ["Market", "Ways", "market_layout", "with_slots"]


class Ways(NamedTuple):
    """From a node's bus to the bus k transformers above: all arrays have shape (N nodes, levels).

    A buyer at the node pays `factor` x (money at the place) + `fee` x (energy at its meter); a seller receives
    `factor` x (money at the place) - `fee` x (energy at its meter). Energy at the place is `scale` x (at the meter).
    So the price at the place is `slope` x (price at the meter), less `offset` for a bid, plus `offset` for an offer.
    """

    scale: Floats
    factor: Floats
    fee: Floats
    slope: Floats
    offset: Floats


class Market(NamedTuple):
    """A market over a tree of N nodes. Orders stand in slots, K of them, those of a house side by side."""

    is_place: Codes
    """Whether orders meet at each node's bus, shape (N,)."""
    depth: Indices
    """Transformers between the grid and each node's bus, shape (N,)."""
    local_fee: Floats
    """Fee on energy matched at the bus [money/kWh], shape (N,)."""
    first_slot: Indices
    """First slot that may trade at each node, shape (N,)."""
    last_slot: Indices
    """One past the last such slot, shape (N,)."""
    list_start: Indices
    """Where the remembered order of each node's slots begins, shape (N + 1,)."""
    slot_node: Indices
    """Node that each slot's house hangs from, shape (K,)."""
    slot_house: Indices
    """House of each slot, shape (K,)."""
    down: Ways
    """What the way down to a buyer costs."""
    up: Ways
    """What the way up from a seller costs."""


@lru_cache(maxsize=16)
def _ways(tree: TreeArrays, fees: bool, losses: bool) -> tuple[Ways, Ways]:
    """Return the ways down to buyers and up from sellers."""
    arrays, depth = tree.tree, tree.depth
    shape = (tree.n_nodes, int(depth.max()) + 1)
    scales, factors, charges = np.ones((2, *shape)), np.ones((2, *shape)), np.zeros((2, *shape))
    for node in range(tree.n_nodes):
        crossed = node
        for level in range(1, int(depth[node]) + 1):
            per_kwh = arrays.fee_per_kwh[crossed] if fees else 0.0
            dearer = 1.0 + arrays.fee_fraction[crossed] if fees else 1.0
            shrinks = (1.0 / arrays.eta_down[crossed], arrays.eta_up[crossed]) if losses else (1.0, 1.0)
            # The fee is on the energy at the lower bus, and a share of the money on the side the energy comes from.
            for way, (shrink, grow, paid) in enumerate(
                zip(shrinks, (dearer, 1.0 / dearer), (1.0, 1.0 / dearer), strict=True)
            ):
                scale, factor = scales[way, node, level - 1], factors[way, node, level - 1]
                scales[way, node, level] = scale * shrink
                factors[way, node, level] = factor * grow
                charges[way, node, level] = charges[way, node, level - 1] + per_kwh * scale * factor * paid
            crossed = int(arrays.parent[crossed])
    slopes = 1.0 / (factors * scales)
    columns = (scales, factors, charges, slopes, charges * slopes)
    return Ways(*(column[0] for column in columns)), Ways(*(column[1] for column in columns))


@lru_cache(maxsize=16)
def market_layout(tree: TreeArrays, scope: Scope, fees: bool, losses: bool) -> Market:
    """Lay out a market with one slot per house.

    Args:
        tree: The grid as arrays.
        scope: Where orders meet.
        fees: Whether the network charges its fees.
        losses: Whether energy shrinks on its way as the transformers' efficiencies say.
    """
    return with_slots(tree, scope, fees, losses, np.arange(tree.n_houses, dtype=np.int64))


def with_slots(tree: TreeArrays, scope: Scope, fees: bool, losses: bool, slot_house: Indices) -> Market:
    """Lay out a market whose slots belong to these houses, in the order of the houses."""
    arrays = tree.tree
    last_house = arrays.own_end if scope == "transformer" else arrays.last_house
    first_slot = np.searchsorted(slot_house, arrays.first_house).astype(np.int64)
    last_slot = np.searchsorted(slot_house, last_house).astype(np.int64)
    is_place = np.ones(tree.n_nodes, dtype=np.int8)
    if scope == "grid":
        is_place[1:] = 0
    # It takes two to trade.
    is_place[last_slot - first_slot < 2] = 0
    lengths = np.where(is_place > 0, last_slot - first_slot, 0)
    down, up = _ways(tree, fees, losses)
    market = Market(
        is_place=is_place,
        depth=tree.depth,
        local_fee=arrays.local_fee_per_kwh if fees else np.zeros(tree.n_nodes),
        first_slot=first_slot,
        last_slot=last_slot,
        list_start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        slot_node=arrays.house_node[slot_house],
        slot_house=slot_house,
        down=down,
        up=up,
    )
    # Read-only throughout: one kind of array for the compiler, whatever the scope.
    for column in (*market[:-2], *down, *up):
        column.setflags(write=False)
    return market
