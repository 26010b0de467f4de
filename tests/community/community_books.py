"""Order books for tests: published ones, random ones, and small programmes that know the best outcome."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from afterbay.community.settlement.orders import Order, OrderBook, Side, order_book
from shared_data import shared_path

__all__ = ["best_matching", "book_orders", "books", "published", "published_book"]


def published(case: str) -> dict[str, Any]:
    """Return a published case by its id."""
    document = json.loads(shared_path("golden/community_cases.json").read_text(encoding="utf-8"))
    return next(found for found in document["cases"] if found["id"] == case)


def published_book(case: str) -> OrderBook:
    """Return the orders of a published case."""
    given = published(case)["input"]
    sides: list[tuple[Side, str]] = [("bid", "bids"), ("offer", "offers")]
    return order_book(
        Order(order["id"], side, order["qty_kwh"], order["price"], order.get("owner", ""))
        for side, key in sides
        for order in given[key]
    )


_PRICES = st.integers(0, 12).map(lambda step: step / 4) | st.floats(-1.0, 5.0, allow_subnormal=False)
_QUANTITIES = st.integers(1, 8).map(lambda step: step / 2) | st.floats(0.01, 20.0)


@st.composite
def book_orders(draw: st.DrawFn, most: int = 12, owners: int = 0, clusters: int = 1) -> list[Order]:
    """Draw orders, with ties and round numbers among them; without `owners` each has its own."""
    return [
        Order(
            number,
            draw(st.sampled_from(["bid", "offer"])),
            draw(_QUANTITIES),
            draw(_PRICES),
            f"owner {draw(st.integers(1, owners))}" if owners else "",
            draw(st.integers(0, clusters - 1)),
        )
        for number in range(draw(st.integers(0, most)))
    ]


def books(most: int = 12, owners: int = 0) -> st.SearchStrategy[OrderBook]:
    """Draw whole books."""
    return book_orders(most, owners).map(order_book)


def best_matching(
    book: OrderBook, *, welfare: bool, fee: np.ndarray[Any, Any] | None = None, self_trade: bool = False
) -> float:
    """Return the most welfare, or the most energy, of all ways to pair orders: a linear programme."""
    optimize = pytest.importorskip("scipy.optimize")
    bids, offers = book.bids, book.offers
    n_bids, n_offers = len(bids), len(offers)
    if not n_bids or not n_offers:
        return 0.0
    gain = bids.price[:, np.newaxis] - offers.price
    if fee is not None:
        gain = gain - fee[offers.cluster][:, bids.cluster].T
    own = (bids.owner[:, np.newaxis] == offers.owner) & (not self_trade)
    bounds = [(0.0, None if allowed else 0.0) for allowed in ((gain >= 0.0) & ~own).ravel()]
    rows = np.concatenate([np.kron(np.eye(n_bids), np.ones(n_offers)), np.kron(np.ones(n_bids), np.eye(n_offers))])
    weights = gain.ravel() if welfare else np.ones(n_bids * n_offers)
    found = optimize.linprog(-weights, A_ub=rows, b_ub=np.concatenate([bids.kwh, offers.kwh]), bounds=bounds)
    return float(-found.fun)
