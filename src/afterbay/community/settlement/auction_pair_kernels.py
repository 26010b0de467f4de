"""Trades in pairs: one bid, one offer, and the network fee between their clusters.

Orders are sorted best first: bids from dear to cheap, offers from cheap to dear; ties are settled by that order.
"""

from __future__ import annotations

import numpy as np

from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["match_by_gain", "match_dear_offers_first"]


@njit
def _other_owner(rows: Indices, start: int, end: int, left: Floats, owner: Indices, not_this: int) -> int:
    """Return the first row of a cluster that still has energy and another owner, -1 if there is none."""
    for place in range(start, end):
        row: int = rows[place]
        if left[row] > 0.0 and owner[row] != not_this:
            return row
    return -1


@njit
def match_by_gain(
    bid_left: Floats,
    bid_price: Floats,
    bid_owner: Indices,
    bid_rows: Indices,
    bid_ends: Indices,
    offer_left: Floats,
    offer_price: Floats,
    offer_owner: Indices,
    offer_rows: Indices,
    offer_ends: Indices,
    fee: Floats,
    trade_bid: Indices,
    trade_offer: Indices,
    trade_kwh: Floats,
) -> int:
    """Match the pair with the largest gain (bid - offer - fee) again and again; return the number of trades.

    Among equal gains the lower fee goes first, so local energy stays local. `bid_rows` lists the bids of each
    cluster in turn, best first; cluster c ends at `bid_ends[c]`. `bid_left` and `offer_left` are used up.
    """
    n_clusters = bid_ends.size
    bid_at = np.zeros(n_clusters, dtype=np.int64)
    offer_at = np.zeros(n_clusters, dtype=np.int64)
    for cluster in range(1, n_clusters):
        bid_at[cluster] = bid_ends[cluster - 1]
        offer_at[cluster] = offer_ends[cluster - 1]
    count = 0
    while True:
        best_bid = -1
        best_offer = -1
        best_gain = 0.0
        best_fee = np.inf
        for buying in range(n_clusters):
            while bid_at[buying] < bid_ends[buying] and bid_left[bid_rows[bid_at[buying]]] <= 0.0:
                bid_at[buying] += 1
            if bid_at[buying] == bid_ends[buying]:
                continue
            for selling in range(n_clusters):
                while offer_at[selling] < offer_ends[selling] and offer_left[offer_rows[offer_at[selling]]] <= 0.0:
                    offer_at[selling] += 1
                if offer_at[selling] == offer_ends[selling]:
                    continue
                bid = bid_rows[bid_at[buying]]
                offer = offer_rows[offer_at[selling]]
                between = fee[selling, buying]
                if bid_price[bid] < offer_price[offer] + between:
                    continue
                if bid_owner[bid] != offer_owner[offer]:
                    gain = bid_price[bid] - (offer_price[offer] + between)
                    if _is_better(gain, between, bid, offer, best_gain, best_fee, best_bid, best_offer):
                        best_bid, best_offer, best_gain, best_fee = bid, offer, gain, between
                    continue
                # Nobody trades with oneself: the best pair holds one of the two and the next of another owner.
                other = _other_owner(
                    offer_rows, offer_at[selling], offer_ends[selling], offer_left, offer_owner, bid_owner[bid]
                )
                if other >= 0 and bid_price[bid] >= offer_price[other] + between:
                    gain = bid_price[bid] - (offer_price[other] + between)
                    if _is_better(gain, between, bid, other, best_gain, best_fee, best_bid, best_offer):
                        best_bid, best_offer, best_gain, best_fee = bid, other, gain, between
                other = _other_owner(
                    bid_rows, bid_at[buying], bid_ends[buying], bid_left, bid_owner, offer_owner[offer]
                )
                if other >= 0 and bid_price[other] >= offer_price[offer] + between:
                    gain = bid_price[other] - (offer_price[offer] + between)
                    if _is_better(gain, between, other, offer, best_gain, best_fee, best_bid, best_offer):
                        best_bid, best_offer, best_gain, best_fee = other, offer, gain, between
        if best_bid < 0:
            return count
        traded = min(bid_left[best_bid], offer_left[best_offer])
        bid_left[best_bid] -= traded
        offer_left[best_offer] -= traded
        trade_bid[count] = best_bid
        trade_offer[count] = best_offer
        trade_kwh[count] = traded
        count += 1


@njit
def _is_better(
    gain: float, fee: float, bid: int, offer: int, best_gain: float, best_fee: float, best_bid: int, best_offer: int
) -> bool:
    if best_bid < 0 or gain > best_gain:
        return True
    if gain < best_gain:
        return False
    if fee != best_fee:
        return fee < best_fee
    return bid < best_bid or (bid == best_bid and offer < best_offer)


@njit
def match_dear_offers_first(
    bid_left: Floats,
    bid_price: Floats,
    bid_owner: Indices,
    bid_cluster: Indices,
    offer_left: Floats,
    offer_price: Floats,
    offer_owner: Indices,
    offer_cluster: Indices,
    fee: Floats,
    trade_bid: Indices,
    trade_offer: Indices,
    trade_kwh: Floats,
) -> int:
    """Let each offer, the dearest first, take the best bids that reach it; return the number of trades.

    A dear offer reaches fewest bids, and all of them are open to cheaper offers too. So serving it first trades
    the most energy that pairs can trade, as long as no fee and no owner stands between them.
    """
    count = 0
    first = 0
    for offer in range(offer_left.size - 1, -1, -1):
        while first < bid_left.size and bid_left[first] <= 0.0:
            first += 1
        for bid in range(first, bid_left.size):
            if offer_left[offer] <= 0.0:
                break
            reach = offer_price[offer] + fee[offer_cluster[offer], bid_cluster[bid]]
            if bid_left[bid] <= 0.0 or bid_price[bid] < reach or bid_owner[bid] == offer_owner[offer]:
                continue
            traded = min(bid_left[bid], offer_left[offer])
            bid_left[bid] -= traded
            offer_left[offer] -= traded
            trade_bid[count] = bid
            trade_offer[count] = offer
            trade_kwh[count] = traded
            count += 1
    return count
