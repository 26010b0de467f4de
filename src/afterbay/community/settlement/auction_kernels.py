"""Clearing of one book whose orders are sorted best first: who is served, and at which price.

Every function works on the first `n` entries of its arrays. A level is a set of neighbouring orders of the same
price; what concerns a level is shared within it, so that equal orders fare alike. Callers own validation.
"""

from __future__ import annotations

from afterbay.core.compiled import Floats, Indices, njit

__all__ = [
    "BUYER",
    "MARGINAL",
    "MIDPOINT",
    "PAY_AS_BID",
    "PAY_AS_OFFER",
    "SELLER",
    "TRADE_REDUCTION",
    "cancel_own",
    "clear_sorted",
    "cross",
    "fill_side",
    "level_is_open",
    "matched_average",
    "uniform_price",
]

MARGINAL = 0
MIDPOINT = 1
SELLER = 2
BUYER = 3
PAY_AS_BID = 4
PAY_AS_OFFER = 5
TRADE_REDUCTION = 6

_CRUMB = 1e-12
"""Two quantities closer than this share of their orders are the same: what is left is rounding, no energy."""


@njit
def cross(
    bid_kwh: Floats, bid_price: Floats, n_bids: int, offer_kwh: Floats, offer_price: Floats, n_offers: int
) -> tuple[int, int, float, float]:
    """Return the last bid and offer that trade (-1: none) and what each of the two has left [kWh]."""
    bid = 0
    offer = 0
    last_bid = -1
    last_offer = -1
    bid_left = bid_kwh[0] if n_bids > 0 else 0.0
    offer_left = offer_kwh[0] if n_offers > 0 else 0.0
    bid_rest = 0.0
    offer_rest = 0.0
    while bid < n_bids and offer < n_offers and bid_price[bid] >= offer_price[offer]:
        last_bid = bid
        last_offer = offer
        more = bid_left - offer_left
        crumb = _CRUMB * (bid_kwh[bid] + offer_kwh[offer])
        bid_rest = more if more > crumb else 0.0
        offer_rest = -more if -more > crumb else 0.0
        bid_left = bid_rest
        offer_left = offer_rest
        if bid_rest == 0.0:
            bid += 1
            if bid < n_bids:
                bid_left = bid_kwh[bid]
        if offer_rest == 0.0:
            offer += 1
            if offer < n_offers:
                offer_left = offer_kwh[offer]
    return last_bid, last_offer, bid_rest, offer_rest


@njit
def level_is_open(price: Floats, n: int, last: int, rest: float) -> bool:
    """Does the level of the last order that trades want more than it gets?"""
    return rest > 0.0 or (last + 1 < n and bool(price[last + 1] == price[last]))


@njit
def fill_side(kwh: Floats, price: Floats, n: int, last: int, rest: float, in_order: bool, fill: Floats) -> float:
    """Write what each order trades [kWh] and return the sum; the last level shares pro rata unless `in_order`."""
    for place in range(n):
        fill[place] = 0.0
    total: float = 0.0
    first = last
    if in_order:
        fill[last] = kwh[last] - rest
        for place in range(last):
            fill[place] = kwh[place]
            total += kwh[place]
        total += fill[last]
        return total
    while first > 0 and price[first - 1] == price[last]:
        first -= 1
    for place in range(first):
        fill[place] = kwh[place]
        total += kwh[place]
    wanted: float = 0.0
    served: float = 0.0
    end = first
    while end < n and price[end] == price[last]:
        wanted += kwh[end]
        if end == last:
            served = wanted - rest
        end += 1
    share: float = served / wanted
    for place in range(first, end):
        fill[place] = kwh[place] * share
    total += served
    return total


@njit
def uniform_price(
    rule: int,
    bid_price: Floats,
    n_bids: int,
    last_bid: int,
    bid_rest: float,
    offer_price: Floats,
    n_offers: int,
    last_offer: int,
    offer_rest: float,
) -> float:
    """Return the one price of a book that trades up to `last_bid` and `last_offer`."""
    bid: float = bid_price[last_bid]
    offer: float = offer_price[last_offer]
    if rule == SELLER:
        return offer
    if rule == BUYER:
        return bid
    if rule == MARGINAL:
        if level_is_open(offer_price, n_offers, last_offer, offer_rest):
            return offer
        if level_is_open(bid_price, n_bids, last_bid, bid_rest):
            return bid
        # Both curves end at the same quantity: every price that no refused order undercuts would do.
        if last_bid + 1 < n_bids:
            offer = max(offer, bid_price[last_bid + 1])
        if last_offer + 1 < n_offers:
            bid = min(bid, offer_price[last_offer + 1])
    # Halves first: the sum of two large prices stays finite, and the middle stays between them.
    return min(max(0.5 * offer + 0.5 * bid, offer), bid)


@njit
def matched_average(
    their_price: Floats,
    their_fill: Floats,
    n_theirs: int,
    own_price: Floats,
    own_fill: Floats,
    n_own: int,
    unit: Floats,
) -> None:
    """Write the average of the other side's prices that each level meets, the best orders with the best."""
    theirs = 0
    left = their_fill[0]
    first = 0
    while first < n_own:
        end = first
        needed = 0.0
        while end < n_own and own_price[end] == own_price[first]:
            needed += own_fill[end]
            end += 1
        wanted = needed
        value = 0.0
        while left <= 0.0 and theirs + 1 < n_theirs:
            theirs += 1
            left = their_fill[theirs]
        begun_at = their_price[theirs]
        ended_at = begun_at
        while wanted > 0.0:
            while left <= 0.0 and theirs + 1 < n_theirs and their_fill[theirs + 1] > 0.0:
                theirs += 1
                left = their_fill[theirs]
            # Past their last order only rounding is left: it goes at the last price.
            taken = min(wanted, left) if left > 0.0 else wanted
            ended_at = their_price[theirs]
            value += taken * ended_at
            wanted -= taken
            left -= taken
        average = value / needed if needed > 0.0 else own_price[first]
        if needed > 0.0:
            average = min(max(average, min(begun_at, ended_at)), max(begun_at, ended_at))
        for place in range(first, end):
            unit[place] = average
        first = end


@njit
def clear_sorted(
    rule: int,
    in_order: bool,
    bid_kwh: Floats,
    bid_price: Floats,
    n_bids: int,
    offer_kwh: Floats,
    offer_price: Floats,
    n_offers: int,
    bid_fill: Floats,
    offer_fill: Floats,
    bid_unit: Floats,
    offer_unit: Floats,
) -> bool:
    """Write what each order trades [kWh] and its price per kWh; return whether anything trades at all.

    Nothing is written when nothing trades; orders that trade nothing have a price without meaning.
    """
    last_bid, last_offer, bid_rest, offer_rest = cross(bid_kwh, bid_price, n_bids, offer_kwh, offer_price, n_offers)
    if last_bid < 0:
        return False
    if rule == TRADE_REDUCTION:
        return _reduce(
            last_bid, last_offer, bid_kwh, bid_price, n_bids, offer_kwh, offer_price, n_offers,
            bid_fill, offer_fill, bid_unit, offer_unit,
        )  # fmt: skip
    fill_side(bid_kwh, bid_price, n_bids, last_bid, bid_rest, in_order, bid_fill)
    fill_side(offer_kwh, offer_price, n_offers, last_offer, offer_rest, in_order, offer_fill)
    if rule == PAY_AS_BID:
        for place in range(n_bids):
            bid_unit[place] = bid_price[place]
        matched_average(bid_price, bid_fill, n_bids, offer_price, offer_fill, n_offers, offer_unit)
        return True
    if rule == PAY_AS_OFFER:
        for place in range(n_offers):
            offer_unit[place] = offer_price[place]
        matched_average(offer_price, offer_fill, n_offers, bid_price, bid_fill, n_bids, bid_unit)
        return True
    price = uniform_price(rule, bid_price, n_bids, last_bid, bid_rest, offer_price, n_offers, last_offer, offer_rest)
    for place in range(n_bids):
        bid_unit[place] = price
    for place in range(n_offers):
        offer_unit[place] = price
    return True


@njit
def _reduce(
    last_bid: int,
    last_offer: int,
    bid_kwh: Floats,
    bid_price: Floats,
    n_bids: int,
    offer_kwh: Floats,
    offer_price: Floats,
    n_offers: int,
    bid_fill: Floats,
    offer_fill: Floats,
    bid_unit: Floats,
    offer_unit: Floats,
) -> bool:
    """Leave out the last bid and offer that would trade: their prices bind all others, the longer side is cut."""
    if last_bid == 0 or last_offer == 0:
        return False
    demand = 0.0
    for place in range(last_bid):
        demand += bid_kwh[place]
    supply = 0.0
    for place in range(last_offer):
        supply += offer_kwh[place]
    volume = min(demand, supply)
    bid_share = volume / demand
    offer_share = volume / supply
    for place in range(n_bids):
        bid_fill[place] = bid_kwh[place] * bid_share if place < last_bid else 0.0
        bid_unit[place] = bid_price[last_bid]
    for place in range(n_offers):
        offer_fill[place] = offer_kwh[place] * offer_share if place < last_offer else 0.0
        offer_unit[place] = offer_price[last_offer]
    return True


@njit
def cancel_own(
    bid_owner: Indices, bid_price: Floats, bid_kwh: Floats, offer_owner: Indices, offer_price: Floats, offer_kwh: Floats
) -> None:
    """Take from `bid_kwh` and `offer_kwh` what owners would sell to themselves.

    Both sides are sorted by owner, then best first; the best bid of an owner goes with its best offer.
    """
    bid = 0
    offer = 0
    while bid < bid_kwh.size and offer < offer_kwh.size:
        if bid_owner[bid] < offer_owner[offer]:
            bid += 1
        elif bid_owner[bid] > offer_owner[offer]:
            offer += 1
        elif bid_price[bid] < offer_price[offer]:
            # Its better offers are spent: no further bid of this owner reaches the next one either.
            bid += 1
        else:
            both = min(bid_kwh[bid], offer_kwh[offer])
            bid_kwh[bid] -= both
            offer_kwh[offer] -= both
            if bid_kwh[bid] == 0.0:
                bid += 1
            else:
                offer += 1
