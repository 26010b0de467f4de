"""Run a sharing rule written in plain Python through the same pools as the compiled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.sharing.path_kernels import find_flows, find_own, find_paths
from afterbay.community.sharing.rule import Pool
from afterbay.community.sharing.share_kernels import book_purchases, book_sales, left_over
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.sharing.layout import Room, Shared
    from afterbay.community.sharing.rule import SharingRule
    from afterbay.community.step.tree import TreeArrays
    from afterbay.core.compiled import Floats, Indices

__all__ = ["share_steps_by"]

_TOLERANCE = 1e-9


def share_steps_by(
    rule: SharingRule,
    begin: int,
    end: int,
    net_kwh: Floats,
    day: Indices,
    tree: TreeArrays,
    shared: Shared,
    room: Room,
) -> None:
    """Share steps `begin` to `end` by a rule of the user's.

    Raises:
        InvalidInputError: If the rule gives more than there is, or not as much as it hands out.
    """
    arrays = tree.tree
    whole = rule.scope == "grid"
    for step in range(begin, end):
        if not find_own(net_kwh[step], arrays, room):
            continue
        find_flows(arrays, room)
        room.offer[:] = np.maximum(net_kwh[step], 0.0)
        room.need[:] = np.maximum(-net_kwh[step], 0.0)
        nodes = range(tree.n_nodes - 1, -1, -1) if rule.level_by_level or not whole else (0,)
        for node in nodes:
            _share_at(node, step, rule, day, tree, shared, room, whole=whole)


def _share_at(
    node: int,
    step: int,
    rule: SharingRule,
    day: Indices,
    tree: TreeArrays,
    shared: Shared,
    room: Room,
    *,
    whole: bool,
) -> None:
    arrays = tree.tree
    first = int(arrays.first_house[node])
    last = int(arrays.last_house[node] if whole else arrays.own_end[node])
    last_node = int(arrays.last_node[node]) if whole else node + 1
    find_paths(node, last_node, rule.level_by_level, arrays, room)
    at = arrays.house_node[first:last]
    offers, needs = room.offer[first:last] * room.up[at], room.need[first:last] / room.down[at]
    supply, demand = float(offers.sum()), float(needs.sum())
    if supply <= 0.0 or demand <= 0.0:
        return
    for column in (offers, needs):
        column.setflags(write=False)
    houses = np.arange(first, last)
    pool = Pool(node, houses, offers, needs, arrays.house_class[first:last], arrays.house_key[first:last])
    given, received = (np.asarray(column, dtype=np.float64) for column in rule.share(pool))
    _check(rule, tree.node_names[node], step, pool, given, received)
    bought = float(received.sum())
    if bought <= 0.0:
        return
    room.part[first:last] = received
    at_meters = book_purchases(node, last_node, step, day, arrays, shared, room)
    room.part[first:last] = given
    book_sales(node, last_node, step, at_meters / bought, day, arrays, shared, room)
    shared.matched_kwh[step, node] += bought
    if left_over(supply, bought) == 0.0:
        room.offer[first:last] = 0.0
    if left_over(demand, bought) == 0.0:
        room.need[first:last] = 0.0


def _check(rule: SharingRule, bus: str, step: int, pool: Pool, given: Floats, received: Floats) -> None:
    where = f"sharing rule {rule.name!r} at {bus}, step {step}"
    allowed = "given <= offers, received <= needs, equal sums, all >= 0, one value per house"
    room = _TOLERANCE * max(float(pool.offers_kwh.sum()), float(pool.needs_kwh.sum()))
    wrong = None
    if given.shape != pool.offers_kwh.shape or received.shape != pool.needs_kwh.shape:
        wrong = f"shapes {given.shape} and {received.shape}"
    elif not (np.isfinite(given).all() and np.isfinite(received).all()):
        wrong = "a value that is no number"
    elif (given < 0.0).any() or (given > pool.offers_kwh + room).any():
        wrong = f"house {pool.houses[np.argmax(given - pool.offers_kwh)]} gives more than it offers, or less than 0"
    elif (received < 0.0).any() or (received > pool.needs_kwh + room).any():
        wrong = f"house {pool.houses[np.argmax(received - pool.needs_kwh)]} gets more than it needs, or less than 0"
    elif abs(float(given.sum() - received.sum())) > room:
        wrong = f"{float(given.sum())} kWh given and {float(received.sum())} kWh received"
    if wrong is not None:
        raise InvalidInputError(Problem(where, wrong, allowed, "mend the rule's share()"))
