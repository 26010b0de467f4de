"""Share a block of meter readings under a rule."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.sharing.layout import PROPORTIONAL, Room, Shared
from afterbay.community.sharing.proportional_kernels import share_proportionally
from afterbay.community.sharing.rule import Sharing
from afterbay.community.sharing.share_kernels import share_steps

if TYPE_CHECKING:
    from afterbay.community.sharing.rule import SharingRule
    from afterbay.community.step.tree import TreeArrays
    from afterbay.core.compiled import Floats, Indices

__all__ = ["SharedBlock", "room_for", "share_block", "shared_for"]


@dataclass(frozen=True, slots=True, eq=False)
class SharedBlock:
    """Who shares with whom in a block, on paper. T steps, H houses, N nodes, L levels; all arrays read-only."""

    bought_kwh: Floats
    """From neighbours, at the buyer's meter [kWh], shape (T, H)."""
    sold_kwh: Floats
    """To neighbours, at the seller's meter [kWh], shape (T, H)."""
    paid_kwh: Floats
    """What of it arrived at the buyers' meters [kWh]; in each step it adds up to what was bought, shape (T, H)."""
    buyer_fee: Floats
    """Constant network fees of the buyer's side and of the bus [currency], shape (T, H)."""
    seller_fee: Floats
    """Constant network fees of the seller's side [currency], shape (T, H)."""
    buyer_fee_kwh: Floats
    """Energy bought times fees that are shares of the price [kWh]; times the price they are money, shape (T, H)."""
    seller_fee_kwh: Floats
    matched_kwh: Floats
    """Energy shared at each bus, measured there [kWh], shape (T, N)."""
    bought_level_kwh: Floats
    """Bought by day and by the transformers that the buyer's side crossed [kWh], shape (days, L, H)."""
    sold_level_kwh: Floats


def share_block(
    tree: TreeArrays,
    rule: SharingRule,
    net_kwh: Floats,
    *,
    dt_h: float = 0.25,
    days: Indices | None = None,
    threads: int = 1,
) -> SharedBlock:
    """Share the meter readings of a block.

    Args:
        tree: The tree as arrays.
        rule: A `Sharing`, or any `SharingRule` of your own.
        net_kwh: Energy through each meter, + out of the house [kWh], shape (T, H).
        dt_h: Step [h]; the load loss of a transformer depends on it.
        days: First step of each local day, and T, shape (days + 1,); default: the block is one day.
        threads: Threads to run on; the result has the same bits with any number.
    """
    n_steps = net_kwh.shape[0]
    starts = np.array([0, n_steps], dtype=np.int64) if days is None else days
    day = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    shared = shared_for(tree, n_steps, starts.size - 1)
    net = np.ascontiguousarray(net_kwh, dtype=np.float64)
    if rule.scope != "house":
        if isinstance(rule, Sharing):
            plan = rule.plan
            simple = plan.buyers == PROPORTIONAL and plan.sellers == PROPORTIONAL
            share = share_proportionally if simple else share_steps

            def work(span: tuple[int, int]) -> None:
                share(span[0], span[1], net, day, tree.tree, plan, shared, room_for(tree, dt_h))

        else:
            from afterbay.community.sharing.own_rule import share_steps_by

            def work(span: tuple[int, int]) -> None:
                share_steps_by(rule, span[0], span[1], net, day, tree, shared, room_for(tree, dt_h))

        spans = list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))
        if threads > 1 and len(spans) > 1 and isinstance(rule, Sharing):
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(work, spans):
                    pass
        else:
            for span in spans:
                work(span)
    for column in shared:
        column.setflags(write=False)
    return SharedBlock(*shared)


def shared_for(tree: TreeArrays, n_steps: int, n_days: int) -> Shared:
    """Return an empty result for a block."""
    houses, levels = tree.n_houses, int(tree.depth.max(initial=0)) + 1
    bought, sold, paid, buyer_fee, seller_fee, buyer_fee_kwh, seller_fee_kwh = (
        np.zeros((n_steps, houses)) for _ in range(7)
    )
    return Shared(
        bought_kwh=bought,
        sold_kwh=sold,
        paid_kwh=paid,
        buyer_fee=buyer_fee,
        seller_fee=seller_fee,
        buyer_fee_kwh=buyer_fee_kwh,
        seller_fee_kwh=seller_fee_kwh,
        matched_kwh=np.zeros((n_steps, tree.n_nodes)),
        bought_level_kwh=np.zeros((n_days, levels, houses)),
        sold_level_kwh=np.zeros((n_days, levels, houses)),
    )


def room_for(tree: TreeArrays, dt_h: float) -> Room:
    """Return room to work in for one thread."""
    houses, nodes, levels = tree.n_houses, tree.n_nodes, int(tree.depth.max(initial=0)) + 1
    offer, need, limit, part = np.zeros((4, houses))
    up, down, fee, fee_share, supply, demand = np.zeros((6, nodes))
    eta_up, eta_down, own_supply, own_demand, left_supply, left_demand = np.zeros((6, nodes))
    return Room(
        offer, need, limit, part,
        up, down, fee, fee_share, supply, demand,
        eta_up, eta_down, own_supply, own_demand, left_supply, left_demand,
        of_supply=np.zeros((4, nodes)), of_demand=np.zeros((3, nodes)),
        sold_at=np.zeros((levels, nodes)), bought_at=np.zeros((levels, nodes)), depth=tree.depth, dt_h=dt_h,
    )  # fmt: skip
