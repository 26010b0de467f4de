"""Orders as columns, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from afterbay.community.settlement.orders import Order, order_book
from afterbay.core.errors import InvalidInputError


def test_a_book_keeps_the_order_and_numbers_owners_across_both_sides() -> None:
    book = order_book(
        [
            Order("b10", "bid", 1.0, 3.0, "ann"), Order(2, "offer", 2.0, 1.0, "ben", cluster=1),
            Order("b9", "bid", 3.0, 4.0, "ben"), Order(1, "offer", 4.0, 2.0, "ann"),
        ]
    )  # fmt: skip

    assert book.bids.ids == ("b10", "b9")
    assert book.bids.kwh.tolist() == [1.0, 3.0]
    assert book.offers.price.tolist() == [1.0, 2.0]
    assert book.offers.cluster.tolist() == [1, 0]
    assert book.bids.owner.tolist() == book.offers.owner.tolist()[::-1]
    assert book.offers.id_rank.tolist() == [1, 0]
    assert not book.bids.kwh.flags.writeable


def test_an_order_without_an_owner_may_trade_with_every_other() -> None:
    book = order_book([Order(1, "bid", 1.0, 3.0), Order(2, "offer", 1.0, 1.0), Order(3, "offer", 1.0, 1.0, "1")])

    assert len({*book.bids.owner.tolist(), *book.offers.owner.tolist()}) == 3


def test_every_wrong_order_is_named_at_once() -> None:
    orders: list[Any] = [
        Order(1, "buy", 1.0, 1.0),  # type: ignore[arg-type]
        Order(2, "bid", 0.0, 1.0),
        Order(2, "bid", 1.0, float("nan")),
        Order(3, "offer", float("inf"), 1.0, cluster=-1),
    ]

    with pytest.raises(InvalidInputError) as caught:
        order_book(orders)

    assert [problem.where for problem in caught.value.problems] == [
        "order 1: side", "order 2: qty_kwh", "order 2", "order 2: price", "order 3: qty_kwh", "order 3: cluster",
    ]  # fmt: skip


def test_an_empty_book_has_two_empty_sides() -> None:
    book = order_book([])

    assert (len(book.bids), len(book.offers)) == (0, 0)
