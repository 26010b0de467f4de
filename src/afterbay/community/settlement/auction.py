"""An auction of one step: orders in, who trades how much at which price out.

The rules are explained in docs/concepts/local-market.md. The result does not depend on the order in which
orders are given, unless `tie_rule="first"` asks for just that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.settlement.auction_kernels import cancel_own, clear_sorted, cross
from afterbay.community.settlement.auction_rules import (
    TIE_RULES,
    PriceRule,
    PricingRule,
    TieRule,
    pricing_code,
    require_choice,
)
from afterbay.core.checks import is_number
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import OutOfRangeError, Problem

if TYPE_CHECKING:
    from afterbay.community.settlement.orders import OrderBook, OrderColumns

__all__ = ["Clearing", "clear_book"]


@dataclass(frozen=True, slots=True, eq=False)
class Clearing:
    """What a book trades. Columns stand in the order of the book: n bids, m offers."""

    book: OrderBook
    bid_kwh: Floats
    """Bought by each bid [kWh], shape (n,)."""
    bid_price: Floats
    """Paid by each bid [money/kWh], nan where it buys nothing, shape (n,)."""
    offer_kwh: Floats
    """Sold by each offer [kWh], shape (m,)."""
    offer_price: Floats
    """Received by each offer [money/kWh], nan where it sells nothing, shape (m,)."""

    @property
    def volume_kwh(self) -> float:
        """Energy that changes hands [kWh]."""
        return float(self.offer_kwh.sum())

    @property
    def paid(self) -> float:
        """Money from all buyers."""
        return _money(self.bid_kwh, self.bid_price)

    @property
    def earned(self) -> float:
        """Money to all sellers."""
        return _money(self.offer_kwh, self.offer_price)

    @property
    def fund(self) -> float:
        """What buyers pay beyond what sellers receive; 0 but for rounding unless the rule is a trade reduction."""
        return self.paid - self.earned

    @property
    def welfare(self) -> float:
        """What the energy is worth to its buyers beyond what it is worth to its sellers, by their orders."""
        return float(self.bid_kwh @ self.book.bids.price) - float(self.offer_kwh @ self.book.offers.price)

    @property
    def price(self) -> float:
        """Average price of a kilowatt-hour to its buyers, the one price of a uniform auction; nan without trade."""
        seen = self.bid_price[self.bid_kwh > 0.0]
        if not seen.size:
            return float("nan")
        return float(seen[0]) if np.all(seen == seen[0]) else self.paid / float(self.bid_kwh.sum())


def clear_book(
    book: OrderBook,
    pricing: PricingRule = "uniform",
    *,
    price_rule: PriceRule = "marginal",
    tie_rule: TieRule = "pro_rata",
    price_bounds: tuple[float, float] | None = None,
    whole_bids: bool = False,
) -> Clearing:
    """Clear one book.

    Nobody trades with oneself: what an owner bids for and offers at crossing prices is cancelled beforehand.

    Args:
        book: The orders of the step.
        pricing: How prices are made.
        price_rule: Who sets the price of a uniform auction; without effect on the others.
        tie_rule: Who is served first among equal prices.
        price_bounds: Lowest and highest price of the market [money/kWh]: bids above are taken as at the highest,
            offers below as at the lowest; so bids below and offers above find no partner.
        whole_bids: Serve bids whole, and stop at the first that cannot be.

    Raises:
        InvalidInputError: If a rule does not exist or the bounds are reversed.
    """
    code = pricing_code(pricing, price_rule)
    require_choice("tie_rule", tie_rule, TIE_RULES)
    low, high = _bounds(price_bounds)
    bid_kwh, offer_kwh = _without_own(book)
    bid_rows = _sorted_rows(book.bids, bid_kwh, -book.bids.price, tie_rule)
    offer_rows = _sorted_rows(book.offers, offer_kwh, book.offers.price, tie_rule)
    bids = bid_kwh[bid_rows], np.minimum(book.bids.price[bid_rows], high)
    offers = offer_kwh[offer_rows], np.maximum(book.offers.price[offer_rows], low)
    n_bids = bid_rows.size
    if whole_bids:
        last, _, rest, _ = cross(*bids, n_bids, *offers, offer_rows.size)
        n_bids = last if rest > 0.0 else last + 1
    filled = np.zeros(bid_rows.size), np.zeros(offer_rows.size)
    units = np.full(bid_rows.size, np.nan), np.full(offer_rows.size, np.nan)
    in_order = tie_rule != "pro_rata"
    clear_sorted(code, in_order, *bids, n_bids, *offers, offer_rows.size, *filled, *units)
    return Clearing(
        book,
        *_as_given(len(book.bids), bid_rows, filled[0], units[0]),
        *_as_given(len(book.offers), offer_rows, filled[1], units[1]),
    )


def _bounds(bounds: tuple[float, float] | None) -> tuple[float, float]:
    if bounds is None:
        return -np.inf, np.inf
    if len(bounds) != 2 or not all(is_number(bound) for bound in bounds) or bounds[0] > bounds[1]:
        raise OutOfRangeError(
            Problem("price_bounds", repr(bounds), "two numbers, the lowest price first", "as (feed_in, retail)")
        )
    return float(bounds[0]), float(bounds[1])


def _without_own(book: OrderBook) -> tuple[Floats, Floats]:
    """Return the quantities that are left when owners have served themselves, in the order of the book."""
    bids, offers = book.bids, book.offers
    bid_kwh, offer_kwh = bids.kwh.copy(), offers.kwh.copy()
    selling = np.zeros(len(bids) + len(offers), dtype=bool)
    selling[offers.owner] = True
    if selling[bids.owner].any():
        # Quantity and id decide among equal prices, so that it does not matter how the orders came.
        bid_rows = np.lexsort((bids.id_rank, bid_kwh, -bids.price, bids.owner))
        offer_rows = np.lexsort((offers.id_rank, offer_kwh, offers.price, offers.owner))
        left = bid_kwh[bid_rows], offer_kwh[offer_rows]
        cancel_own(
            bids.owner[bid_rows], bids.price[bid_rows], left[0],
            offers.owner[offer_rows], offers.price[offer_rows], left[1],
        )  # fmt: skip
        bid_kwh[bid_rows], offer_kwh[offer_rows] = left
    return bid_kwh, offer_kwh


def _sorted_rows(columns: OrderColumns, kwh: Floats, key: Floats, tie_rule: TieRule) -> Indices:
    """Return the rows that may trade, best first; among equal prices as the tie rule says."""
    rows = np.flatnonzero(kwh > 0.0)
    if tie_rule == "first":
        return rows[np.argsort(key[rows], kind="stable")]
    if tie_rule == "id":
        return rows[np.lexsort((columns.id_rank[rows], key[rows]))]
    # A level adds its quantities up in this order: the same bits however the orders were given.
    return rows[np.lexsort((columns.id_rank[rows], kwh[rows], key[rows]))]


def _as_given(count: int, rows: Indices, filled: Floats, units: Floats) -> tuple[Floats, Floats]:
    kwh, price = np.zeros(count), np.full(count, np.nan)
    kwh[rows] = filled
    price[rows] = np.where(filled > 0.0, units, np.nan)
    return kwh, price


def _money(kwh: Floats, price: Floats) -> float:
    return float(kwh @ np.where(kwh > 0.0, price, 0.0))
