"""What households that trade with each other make of a quarter hour: one price, first come the keenest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cleared", "Offer", "clear"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody would sell or buy at a price."""

    price: float
    """Least price of a seller, highest price of a buyer [per kWh]."""
    micro: int
    """Energy in millionths of a kWh."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The outcome: the same energy on both sides."""

    price: float | None
    """Middle between the last seller and the last buyer [per kWh]; None when nothing is traded."""
    sold_micro: tuple[int, ...]
    """By seller, in the order of the asks."""
    bought_micro: tuple[int, ...]


def clear(asks: Sequence[Offer], bids: Sequence[Offer]) -> Cleared:
    """Match the cheapest sellers with the keenest buyers as far as both gain.

    Offers of one price share what is left for them in proportion to their size, so that their order is of no
    consequence beyond single millionths of a kWh.
    """
    supply = sorted({ask.price for ask in asks if ask.micro > 0})
    demand = sorted({bid.price for bid in bids if bid.micro > 0}, reverse=True)
    of_supply = {price: sum(ask.micro for ask in asks if ask.price == price) for price in supply}
    of_demand = {price: sum(bid.micro for bid in bids if bid.price == price) for price in demand}
    traded, last = 0, None
    seller, buyer = 0, 0
    given, taken = 0, 0
    while seller < len(supply) and buyer < len(demand) and supply[seller] <= demand[buyer]:
        last = (supply[seller], demand[buyer])
        step = min(given + of_supply[supply[seller]], taken + of_demand[demand[buyer]]) - traded
        traded += step
        if traded == given + of_supply[supply[seller]]:
            given = traded
            seller += 1
        if traded == taken + of_demand[demand[buyer]]:
            taken = traded
            buyer += 1
    if last is None:
        return Cleared(None, (0,) * len(asks), (0,) * len(bids))
    return Cleared(sum(last) / 2.0, _served(asks, supply, traded), _served(bids, demand, traded))


def _served(offers: Sequence[Offer], levels: Sequence[float], traded: int) -> tuple[int, ...]:
    """Serve the levels in their order; the last one in proportion, the odd units to the first of it."""
    served = [0] * len(offers)
    left = traded
    for price in levels:
        rows = [row for row, offer in enumerate(offers) if offer.price == price]
        size = sum(offers[row].micro for row in rows)
        share = min(left, size)
        for row in rows:
            served[row] = offers[row].micro * share // size
        odd = share - sum(served[row] for row in rows)
        for row in rows:
            more = min(odd, offers[row].micro - served[row], 1)
            served[row] += more
            odd -= more
        left -= share
        if left == 0:
            break
    return tuple(served)
