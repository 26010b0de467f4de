"""Proportional sharing on both sides, the usual rule, by node instead of by house.

All houses at a bus give the same share of what they offer and get the same share of what they need. So pools
work on the sums of each bus, and the houses are visited once at the end. Same formulas as the general kernel.
"""

from __future__ import annotations

from afterbay.community.sharing.layout import Plan, Room, Shared
from afterbay.community.sharing.path_kernels import find_flows, find_own
from afterbay.community.step.tree import Tree
from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["share_proportionally"]


@njit
def share_proportionally(
    begin: int, end: int, net_kwh: Floats, day: Indices, tree: Tree, plan: Plan, shared: Shared, room: Room
) -> None:
    """Share steps `begin` to `end` of an empty result; `day` is the row of each step in the sums by level."""
    # Fields are taken out of their records once: inside a loop that would cost more than the loop.
    parent, depth, local_fee = tree.parent, room.depth, tree.local_fee_per_kwh
    fee_per_kwh, fee_fraction, eta_up, eta_down = tree.fee_per_kwh, tree.fee_fraction, room.eta_up, room.eta_down
    up, down, fees, fee_shares = room.up, room.down, room.fee, room.fee_share
    own_supply, own_demand, left_supply, left_demand = (
        room.own_supply, room.own_demand, room.left_supply, room.left_demand,
    )  # fmt: skip
    of_supply, of_demand, sold_at, bought_at = room.of_supply, room.of_demand, room.sold_at, room.bought_at
    matched = shared.matched_kwh
    n_nodes = parent.shape[0]
    by_bus = plan.level_by_level or not plan.whole_grid
    with_losses = plan.level_by_level
    for step in range(begin, end):
        net = net_kwh[step]
        if not find_own(net, tree, room):
            continue
        find_flows(tree, room)
        of_supply[:] = 0.0
        of_demand[:] = 0.0
        sold_at[:] = 0.0
        bought_at[:] = 0.0
        left_supply[:] = 1.0
        left_demand[:] = 1.0
        for turn in range(n_nodes if by_bus else 1):
            node = n_nodes - 1 - turn if by_bus else 0
            last_node = tree.last_node[node] if plan.whole_grid else node + 1
            some_supply = 0.0
            some_demand = 0.0
            for below in range(node, last_node):
                some_supply += own_supply[below]
                some_demand += own_demand[below]
            if some_supply <= 0.0 or some_demand <= 0.0:
                continue
            supply = 0.0
            demand = 0.0
            for below in range(node, last_node):
                up[below], down[below], fees[below], fee_shares[below] = 1.0, 1.0, 0.0, 0.0
                if below > node:
                    above = parent[below]
                    if with_losses:
                        up[below], down[below] = up[above] * eta_up[below], down[above] * eta_down[below]
                    fees[below] = fees[above] + fee_per_kwh[below]
                    fee_shares[below] = fee_shares[above] + fee_fraction[below]
                supply += own_supply[below] * up[below]
                demand += own_demand[below] / down[below]
            amount = min(supply, demand)
            sell_share, buy_share = amount / supply, amount / demand
            arrived = some_demand * buy_share / amount
            local = local_fee[node]
            for below in range(node, last_node):
                level = depth[below] - depth[node]
                # Shares of what the houses had at first, so that one product gives what each of them moved.
                sold = left_supply[below] * sell_share
                bought = left_demand[below] * buy_share
                paid = sold * up[below] * arrived
                of_supply[0, below] += sold
                of_supply[1, below] += paid
                of_supply[2, below] += paid * fees[below]
                of_supply[3, below] += paid * fee_shares[below]
                of_demand[0, below] += bought
                of_demand[1, below] += bought * (fees[below] + local)
                of_demand[2, below] += bought * fee_shares[below]
                sold_at[level, below] += sold
                bought_at[level, below] += bought
                own_supply[below] *= 1.0 - sell_share
                own_demand[below] *= 1.0 - buy_share
                left_supply[below] *= 1.0 - sell_share
                left_demand[below] *= 1.0 - buy_share
            matched[step, node] += amount
        _book(step, net, day[step], tree, shared, room)


@njit
def _book(step: int, net: Floats, day: int, tree: Tree, shared: Shared, room: Room) -> None:
    """Write what each house moved: its meter times the shares of its bus."""
    bought_kwh, buyer_fee, buyer_fee_kwh = shared.bought_kwh[step], shared.buyer_fee[step], shared.buyer_fee_kwh[step]
    sold_kwh, paid_kwh = shared.sold_kwh[step], shared.paid_kwh[step]
    seller_fee, seller_fee_kwh = shared.seller_fee[step], shared.seller_fee_kwh[step]
    sold_level, bought_level = shared.sold_level_kwh[day], shared.bought_level_kwh[day]
    of_supply, of_demand, sold_at, bought_at = room.of_supply, room.of_demand, room.sold_at, room.bought_at
    first_house, own_end, depth = tree.first_house, tree.own_end, room.depth
    for node in range(first_house.shape[0]):
        first, last = first_house[node], own_end[node]
        if of_supply[0, node] > 0.0:
            _times(net, min(of_supply[0, node], 1.0), first, last, sold_kwh)
            _times(net, of_supply[1, node], first, last, paid_kwh)
            _times(net, of_supply[2, node], first, last, seller_fee)
            _times(net, of_supply[3, node], first, last, seller_fee_kwh)
            for level in range(depth[node] + 1):
                _times(net, sold_at[level, node], first, last, sold_level[level])
        if of_demand[0, node] > 0.0:
            _times(net, -min(of_demand[0, node], 1.0), first, last, bought_kwh)
            _times(net, -of_demand[1, node], first, last, buyer_fee)
            _times(net, -of_demand[2, node], first, last, buyer_fee_kwh)
            for level in range(depth[node] + 1):
                _times(net, -bought_at[level, node], first, last, bought_level[level])


@njit
def _times(net: Floats, share: float, first: int, last: int, column: Floats) -> None:
    """Add the share of every meter of the right sign."""
    if share != 0.0:
        for house in range(first, last):
            column[house] += max(net[house] * share, 0.0)
