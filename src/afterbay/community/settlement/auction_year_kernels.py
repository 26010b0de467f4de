"""Many books of one tree, step by step: orders meet at each place from the leaves to the grid.

A step depends on no other step: the remembered order of the slots only saves sorting. So steps may be cut
into any parts and cleared in any order, with the same bits.
"""

from __future__ import annotations

import numpy as np

from afterbay.community.settlement.auction_kernels import clear_sorted
from afterbay.community.settlement.auction_layout import Market, Ways
from afterbay.community.settlement.auction_sort_kernels import sort_slots
from afterbay.core.compiled import Floats, Indices, inlined, njit

__all__ = ["clear_steps"]


@njit
def _price_slots(
    market: Market,
    node: int,
    kwh: Floats,
    left: Floats,
    bid_price: Floats,
    offer_price: Floats,
    column: Indices,
    key: Floats,
    energy: Floats,
) -> bool:
    """Write key (best first when ascending) and energy at a node's bus of every open order; can any two trade?"""
    depth, slot_node = market.depth, market.slot_node
    down, up = market.down, market.up
    local_fee = market.local_fee[node]
    best_bid = -np.inf
    best_offer = np.inf
    known = -1
    bid_scale, bid_slope, bid_offset = 1.0, 1.0, 0.0
    offer_scale, offer_slope, offer_offset = 1.0, 1.0, 0.0
    for slot in range(market.first_slot[node], market.last_slot[node]):
        if left[slot] <= 0.0:
            continue
        start = slot_node[slot]
        if start != known:
            known = start
            level = depth[start] - depth[node]
            bid_scale, bid_slope, bid_offset = (
                down.scale[start, level],
                down.slope[start, level],
                down.offset[start, level],
            )
            offer_scale, offer_slope, offer_offset = (
                up.scale[start, level],
                up.slope[start, level],
                up.offset[start, level],
            )
        if kwh[slot] < 0.0:
            price = bid_price[column[slot]] * bid_slope - bid_offset
            key[slot] = -price
            energy[slot] = left[slot] * bid_scale
            best_bid = max(best_bid, price)
        else:
            price = offer_price[column[slot]] * offer_slope + offer_offset + local_fee
            key[slot] = price
            energy[slot] = left[slot] * offer_scale
            best_offer = min(best_offer, price)
    return best_bid >= best_offer


@njit
def _open_in_order(
    buying: bool, kwh: Floats, left: Floats, key: Floats, remembered: Indices, begin: int, end: int, slots: Indices
) -> int:
    """Write the open slots of one side in the remembered order; return their number, -1 if it is not their order."""
    count = 0
    before = -1
    for place in range(begin, end):
        slot = remembered[place]
        if left[slot] <= 0.0 or (kwh[slot] < 0.0) != buying:
            continue
        if count > 0 and (key[before] > key[slot] or (key[before] == key[slot] and before > slot)):
            return -1
        slots[count] = slot
        before = slot
        count += 1
    return count


@njit
def _remember(
    market: Market,
    node: int,
    buying: bool,
    price: Floats,
    column: Indices,
    remembered: Indices,
    side_key: Floats,
    spare: Indices,
    counts: Indices,
) -> None:
    """Put all slots of a node in the order that they would have if all of them were on this side."""
    way = market.down if buying else market.up
    first, last = market.first_slot[node], market.last_slot[node]
    slots = remembered[market.list_start[node] : market.list_start[node + 1]]
    for slot in range(first, last):
        start = market.slot_node[slot]
        level = market.depth[start] - market.depth[node]
        if buying:
            side_key[slot] = -(price[column[slot]] * way.slope[start, level] - way.offset[start, level])
        else:
            side_key[slot] = price[column[slot]] * way.slope[start, level] + way.offset[start, level]
        slots[slot - first] = slot
    sort_slots(slots, last - first, side_key, spare, counts)


@inlined
def _sorted_side(
    market: Market,
    node: int,
    buying: bool,
    step: int,
    failed: Indices,
    kwh: Floats,
    left: Floats,
    key: Floats,
    price: Floats,
    column: Indices,
    remembered: Indices,
    side_key: Floats,
    slots: Indices,
    spare: Indices,
    counts: Indices,
) -> int:
    """Write the open slots of one side of a node, best first; return their number."""
    begin, end = market.list_start[node], market.list_start[node + 1]
    count = _open_in_order(buying, kwh, left, key, remembered, begin, end, slots)
    if count >= 0:
        return count
    if failed[node] < step - 1:
        _remember(market, node, buying, price, column, remembered, side_key, spare, counts)
        count = _open_in_order(buying, kwh, left, key, remembered, begin, end, slots)
    # Where every step has an order of its own, remembering would cost more than it saves.
    failed[node] = step
    if count >= 0:
        return count
    count = 0
    for slot in range(market.first_slot[node], market.last_slot[node]):
        if left[slot] > 0.0 and (kwh[slot] < 0.0) == buying:
            slots[count] = slot
            count += 1
    sort_slots(slots, count, key, spare, counts)
    return count


@njit
def _book_side(
    market: Market,
    way: Ways,
    node: int,
    toward: float,
    fee_here: float,
    slots: Indices,
    count: int,
    offered: Floats,
    filled: Floats,
    unit: Floats,
    left: Floats,
    metered_kwh: Floats,
    money: Floats,
    fees: Floats,
) -> tuple[float, float, int]:
    """Add one side's trades to the rows of a step; return energy and worth at the place, and orders used up.

    `toward` is 1 when the way's factor adds to the money (buyers) and -1 when it takes from it (sellers).
    """
    depth, slot_node, slot_house = market.depth, market.slot_node, market.slot_house
    energy = 0.0
    worth = 0.0
    used_up = 0
    known = -1
    scale, dearer, per_kwh = 1.0, 0.0, 0.0
    for place in range(count):
        traded = filled[place]
        if traded <= 0.0:
            continue
        slot = slots[place]
        start = slot_node[slot]
        if start != known:
            known = start
            level = depth[start] - depth[node]
            scale, dearer, per_kwh = (
                way.scale[start, level],
                toward * (way.factor[start, level] - 1.0),
                way.fee[start, level],
            )
        metered = left[slot]
        if traded < offered[place]:
            metered = min(traded / scale, metered)
        left[slot] -= metered
        used_up += left[slot] <= 0.0
        paid = traded * unit[place]
        local = traded * fee_here
        house = slot_house[slot]
        metered_kwh[house] += metered
        money[house] += paid
        fees[house] += local + (paid - local) * dearer + metered * per_kwh
        energy += traded
        worth += paid
    return energy, worth, used_up


@njit
def clear_steps(
    market: Market,
    rule: int,
    in_order: bool,
    kwh: Floats,
    bid_price: Floats,
    offer_price: Floats,
    column: Indices,
    bought_kwh: Floats,
    sold_kwh: Floats,
    paid: Floats,
    earned: Floats,
    fees: Floats,
    traded_kwh: Floats,
    traded_value: Floats,
) -> None:
    """Clear every step of `kwh`, + offered, - asked for, shape (n_steps, K).

    Prices have shape (n_steps, C); `column` is the column of each slot. The results are zero at the start: five
    of shape (n_steps, n_houses), and energy and its worth at each place, shape (n_steps, N).
    """
    is_place, list_start = market.is_place, market.list_start
    first_slot = market.first_slot
    n_nodes = is_place.size
    n_slots = market.slot_node.size
    bid_list = np.empty(list_start[n_nodes], dtype=np.int64)
    offer_list = np.empty(list_start[n_nodes], dtype=np.int64)
    for node in range(n_nodes):
        for place in range(list_start[node], list_start[node + 1]):
            bid_list[place] = first_slot[node] + place - list_start[node]
            offer_list[place] = bid_list[place]
    # The step in which a remembered order last failed.
    bid_failed, offer_failed = np.full(n_nodes, -2, dtype=np.int64), np.full(n_nodes, -2, dtype=np.int64)
    left, key, energy, side_key = np.zeros(n_slots), np.zeros(n_slots), np.zeros(n_slots), np.zeros(n_slots)
    bids, offers = np.empty(n_slots, dtype=np.int64), np.empty(n_slots, dtype=np.int64)
    spare, counts = np.empty(n_slots, dtype=np.int64), np.empty(n_slots + 1, dtype=np.int64)
    bid_kwh, bid_at, bid_fill, bid_unit = np.empty(n_slots), np.empty(n_slots), np.empty(n_slots), np.empty(n_slots)
    offer_kwh, offer_at = np.empty(n_slots), np.empty(n_slots)
    offer_fill, offer_unit = np.empty(n_slots), np.empty(n_slots)
    for step in range(kwh.shape[0]):
        row = kwh[step]
        buyers = 0
        sellers = 0
        for slot in range(n_slots):
            here = row[slot]
            left[slot] = abs(here)
            buyers += here < 0.0
            sellers += here > 0.0
        for node in range(n_nodes - 1, -1, -1):
            # A night without supply costs a look, and so does a tree whose supply is sold.
            if buyers == 0 or sellers == 0:
                break
            if is_place[node] == 0:
                continue
            if not _price_slots(market, node, row, left, bid_price[step], offer_price[step], column, key, energy):
                continue
            n_bids = _sorted_side(
                market, node, True, step, bid_failed, row, left, key, bid_price[step], column,
                bid_list, side_key, bids, spare, counts,
            )  # fmt: skip
            n_offers = _sorted_side(
                market, node, False, step, offer_failed, row, left, key, offer_price[step], column,
                offer_list, side_key, offers, spare, counts,
            )  # fmt: skip
            for place in range(n_bids):
                bid_kwh[place] = energy[bids[place]]
                bid_at[place] = -key[bids[place]]
            for place in range(n_offers):
                offer_kwh[place] = energy[offers[place]]
                offer_at[place] = key[offers[place]]
            if not clear_sorted(
                rule, in_order, bid_kwh, bid_at, n_bids, offer_kwh, offer_at, n_offers,
                bid_fill, offer_fill, bid_unit, offer_unit,
            ):  # fmt: skip
                continue
            _, worth, used_up = _book_side(
                market, market.down, node, 1.0, 0.0, bids, n_bids, bid_kwh, bid_fill, bid_unit,
                left, bought_kwh[step], paid[step], fees[step],
            )  # fmt: skip
            buyers -= used_up
            volume, _, used_up = _book_side(
                market, market.up, node, -1.0, market.local_fee[node], offers, n_offers, offer_kwh, offer_fill,
                offer_unit, left, sold_kwh[step], earned[step], fees[step],
            )  # fmt: skip
            sellers -= used_up
            traded_kwh[step, node] += volume
            traded_value[step, node] += worth
