"""What a book could trade at best: where its curves cross, most welfare, most energy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.settlement.auction_kernels import cross, fill_side, level_is_open
from afterbay.community.settlement.auction_pairs import match_pairs

if TYPE_CHECKING:
    from afterbay.community.settlement.orders import OrderBook

__all__ = ["Crossing", "crossing", "most_volume_kwh"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where demand and supply of a book cross, whoever owns the orders."""

    volume_kwh: float
    """Energy that trades at one price [kWh]."""
    low: float
    """Lowest price at which just this energy is bought and sold [money/kWh]; nan when the curves do not cross."""
    high: float
    """Highest such price."""
    bid: float
    """The last bid that is served, at least in part; nan likewise."""
    offer: float
    """The last offer that is served, at least in part; nan likewise."""
    welfare: float
    """Worth to the buyers beyond the worth to the sellers, by their orders: no trades of this book have more."""


def crossing(book: OrderBook) -> Crossing:
    """Return where the curves of a book cross."""
    bid_rows = np.lexsort((book.bids.id_rank, book.bids.kwh, -book.bids.price))
    offer_rows = np.lexsort((book.offers.id_rank, book.offers.kwh, book.offers.price))
    bid_kwh, bid_price = book.bids.kwh[bid_rows], book.bids.price[bid_rows]
    offer_kwh, offer_price = book.offers.kwh[offer_rows], book.offers.price[offer_rows]
    bids, offers = bid_rows.size, offer_rows.size
    last_bid, last_offer, bid_rest, offer_rest = cross(bid_kwh, bid_price, bids, offer_kwh, offer_price, offers)
    if last_bid < 0:
        return Crossing(0.0, np.nan, np.nan, np.nan, np.nan, 0.0)
    bid_fill, offer_fill = np.zeros(bids), np.zeros(offers)
    fill_side(bid_kwh, bid_price, bids, last_bid, bid_rest, True, bid_fill)
    volume = fill_side(offer_kwh, offer_price, offers, last_offer, offer_rest, True, offer_fill)
    bid, offer = float(bid_price[last_bid]), float(offer_price[last_offer])
    low, high = offer, bid
    if level_is_open(offer_price, offers, last_offer, offer_rest):
        high = offer
    elif level_is_open(bid_price, bids, last_bid, bid_rest):
        low = bid
    else:
        low = max([low, *bid_price[last_bid + 1 : last_bid + 2].tolist()])
        high = min([high, *offer_price[last_offer + 1 : last_offer + 2].tolist()])
    return Crossing(volume, low, high, bid, offer, float(bid_fill @ bid_price) - float(offer_fill @ offer_price))


def most_volume_kwh(book: OrderBook) -> float:
    """Return the most energy that pairs can trade when each has a price of its own [kWh], whoever owns the orders.

    It is at least the volume of the crossing: dear offers are served by dear bids, cheap ones by cheap bids.
    """
    sides = (replace(book.bids, owner=0 * book.bids.owner - 1), book.offers)
    return match_pairs(replace(book, bids=sides[0]), pairing="volume").volume_kwh
