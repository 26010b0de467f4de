"""Share a block of meter readings on paper: pool by pool, from the lowest bus to the highest.

Sharing moves no energy. What a house has to give and what it needs stay at its meter; a pool at a bus sees
them through the transformers between, and what arrives is what is paid. Formulas: docs/concepts/sharing.md.
"""

from __future__ import annotations

from afterbay.community.sharing.fill_kernels import divide
from afterbay.community.sharing.layout import DUST, Plan, Room, Shared
from afterbay.community.sharing.path_kernels import find_flows, find_own, find_paths
from afterbay.community.step.tree import Tree
from afterbay.core.compiled import Floats, Indices, inlined, njit

__all__ = ["book_purchases", "book_sales", "left_over", "share_steps"]


@inlined
def left_over(whole: float, used: float) -> float:
    """What a pool leaves of one side; the dust of rounding is nothing, or it would be traded higher up."""
    left = whole - used
    return left if left > DUST * whole else 0.0


@njit
def share_steps(
    begin: int, end: int, net_kwh: Floats, day: Indices, tree: Tree, plan: Plan, shared: Shared, room: Room
) -> None:
    """Share steps `begin` to `end` of an empty result; `day` is the row of each step in the sums by level."""
    n_nodes, n_houses = tree.parent.shape[0], net_kwh.shape[1]
    offer, need, supply, demand = room.offer, room.need, room.supply, room.demand
    for step in range(begin, end):
        net = net_kwh[step]
        if not find_own(net, tree, room):
            continue
        find_flows(tree, room)
        for house in range(n_houses):
            offer[house] = max(net[house], 0.0)
            need[house] = max(-net[house], 0.0)
        if not plan.level_by_level:
            if plan.whole_grid:
                _pool(0, step, True, False, day, tree, plan, shared, room)
            else:
                for node in range(n_nodes):
                    _pool(node, step, False, False, day, tree, plan, shared, room)
            continue
        for node in range(n_nodes):
            supply[node] = room.own_supply[node]
            demand[node] = room.own_demand[node]
        for node in range(n_nodes - 1, -1, -1):
            if supply[node] > 0.0 and demand[node] > 0.0:
                matched = _pool(node, step, plan.whole_grid, True, day, tree, plan, shared, room)
                supply[node] = left_over(supply[node], matched)
                demand[node] = left_over(demand[node], matched)
            if node > 0 and plan.whole_grid:
                above = tree.parent[node]
                supply[above] += supply[node] * room.eta_up[node]
                demand[above] += demand[node] / room.eta_down[node]


@njit
def _pool(
    node: int,
    step: int,
    whole: bool,
    with_losses: bool,
    day: Indices,
    tree: Tree,
    plan: Plan,
    shared: Shared,
    room: Room,
) -> float:
    """Share at one bus; return what was shared, measured there.

    `whole`: with all that is below, else with the bus's own houses only.
    """
    offer, need, limit, part = room.offer, room.need, room.limit, room.part
    first = tree.first_house[node]
    last = tree.last_house[node] if whole else tree.own_end[node]
    last_node = tree.last_node[node] if whole else node + 1
    supply = 0.0
    demand = 0.0
    find_paths(node, last_node, with_losses, tree, room)
    for below in range(node, last_node):
        up, down = room.up[below], room.down[below]
        for house in range(tree.first_house[below], tree.own_end[below]):
            supply += offer[house] * up
            demand += need[house] / down
    if supply <= 0.0 or demand <= 0.0:
        return 0.0
    amount = min(supply, demand)
    for below in range(node, last_node):
        down = room.down[below]
        for house in range(tree.first_house[below], tree.own_end[below]):
            limit[house] = need[house] / down
    pool = amount if plan.level_by_level else supply
    bought = divide(plan.buyers, plan.buyers_within, pool, limit, part, first, last, tree.house_class, tree.house_key)
    if bought > amount:  # keys that add up to more than 1 promise more than there is
        for house in range(first, last):
            part[house] *= amount / bought
        bought = amount
    if bought <= 0.0:
        return 0.0
    at_meters = book_purchases(node, last_node, step, day, tree, shared, room)
    for below in range(node, last_node):
        up = room.up[below]
        for house in range(tree.first_house[below], tree.own_end[below]):
            limit[house] = offer[house] * up
    divide(plan.sellers, plan.sellers_within, bought, limit, part, first, last, tree.house_class, tree.house_key)
    book_sales(node, last_node, step, at_meters / bought, day, tree, shared, room)
    shared.matched_kwh[step, node] += bought
    if plan.level_by_level:
        if left_over(supply, bought) == 0.0:
            offer[first:last] = 0.0
        if left_over(demand, bought) == 0.0:
            need[first:last] = 0.0
    return bought


@njit
def book_purchases(node: int, last_node: int, step: int, day: Indices, tree: Tree, shared: Shared, room: Room) -> float:
    """Book what each buyer gets; return the sum at the buyers' meters."""
    part, need, depth = room.part, room.need, room.depth
    local = tree.local_fee_per_kwh[node]
    total = 0.0
    sums = shared.bought_level_kwh[day[step]]
    for below in range(node, last_node):
        level = depth[below] - depth[node]
        fee, fee_share, factor = room.fee[below] + local, room.fee_share[below], room.down[below]
        for house in range(tree.first_house[below], tree.own_end[below]):
            if part[house] > 0.0:
                bought = min(part[house] * factor, need[house])
                need[house] -= bought
                total += bought
                shared.bought_kwh[step, house] += bought
                shared.buyer_fee[step, house] += bought * fee
                shared.buyer_fee_kwh[step, house] += bought * fee_share
                sums[level, house] += bought
    return total


@njit
def book_sales(
    node: int, last_node: int, step: int, arrived: float, day: Indices, tree: Tree, shared: Shared, room: Room
) -> None:
    """Book what each seller gives; `arrived` is what reaches the buyers' meters per kWh at the pool's bus."""
    part, offer, depth = room.part, room.offer, room.depth
    sums = shared.sold_level_kwh[day[step]]
    for below in range(node, last_node):
        level = depth[below] - depth[node]
        fee, fee_share, factor = room.fee[below], room.fee_share[below], room.up[below]
        for house in range(tree.first_house[below], tree.own_end[below]):
            if part[house] > 0.0:
                sold = min(part[house] / factor, offer[house])
                paid = part[house] * arrived
                offer[house] -= sold
                shared.sold_kwh[step, house] += sold
                shared.paid_kwh[step, house] += paid
                shared.seller_fee[step, house] += paid * fee
                shared.seller_fee_kwh[step, house] += paid * fee_share
                sums[level, house] += sold
