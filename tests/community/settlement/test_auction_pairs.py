"""Trades in pairs: published cases, fees between clusters, laws."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from community_books import best_matching, book_orders, books, published, published_book
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.settlement.auction import clear_book
from afterbay.community.settlement.auction_figures import crossing, most_volume_kwh
from afterbay.community.settlement.auction_pairs import PAIR_PRICES, PAIRINGS, Pairing, PairPrice, Trades, match_pairs
from afterbay.community.settlement.orders import Order, OrderBook, order_book
from afterbay.core.compiled import Floats
from afterbay.core.errors import InvalidInputError

_SOME = settings(max_examples=60, deadline=None)
_pairings = st.sampled_from(PAIRINGS)
_prices = st.sampled_from(PAIR_PRICES)


def _tuples(trades: Trades) -> list[tuple[object, object, float, float]]:
    bids, offers = trades.book.bids.ids, trades.book.offers.ids
    return [
        (bids[bid], offers[offer], float(kwh), float(price))
        for bid, offer, kwh, price in zip(trades.bid, trades.offer, trades.kwh, trades.price, strict=True)
    ]


def test_pub_04_with_dear_offers_first_makes_the_published_trades() -> None:
    wanted = published("PUB-04")["expected"]

    trades = match_pairs(published_book("PUB-04"), pairing="volume")

    assert _tuples(trades) == [tuple(trade) for trade in wanted["trades_in_that_anchor"]]
    assert trades.volume_kwh == pytest.approx(wanted["total_kwh"], abs=1e-9)
    assert trades.paid == pytest.approx(wanted["buyer_cost_total"], abs=1e-9)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_pub_04_keeps_its_invariants_in_every_pairing(pairing: Pairing) -> None:
    trades = match_pairs(published_book("PUB-04"), pairing=pairing)
    bids, offers = trades.book.bids, trades.book.offers

    assert (bids.owner[trades.bid] != offers.owner[trades.offer]).all()
    assert trades.price.tolist() == bids.price[trades.bid].tolist()
    bought = np.bincount(trades.bid, trades.kwh, minlength=len(bids))
    sold = np.bincount(trades.offer, trades.kwh, minlength=len(offers))
    assert (bought <= bids.kwh).all()
    assert (sold <= offers.kwh).all()
    by_id = dict(zip(bids.ids, bought.tolist(), strict=True))
    assert (by_id[8], by_id[9]) == (45.0, 50.0)
    # Seeking the largest gain finds partners for all 135 kWh; the published order leaves 10 of bid 7.
    assert by_id[7] == (40.0 if pairing == "gain" else 30.0)


def _pub_09() -> list[Any]:
    return [(number, case) for number, case in enumerate(published("PUB-09")["expected"]["cases"])]


@pytest.mark.parametrize("number", range(6))
def test_pub_09_matches_over_the_fees_between_clusters_local_first(number: int) -> None:
    given_case, case = published("PUB-09")["input"], _pub_09()[number][1]
    cluster = {int(actor): place for actor, place in given_case["clusters"].items()}
    orders = [
        *(Order(f"bid {a}", "bid", given_case["energy_each_kwh"], p, f"{a}", cluster[a]) for a, p in case["bids"]),
        *(
            Order(f"offer {a}", "offer", given_case["energy_each_kwh"], p, f"{a}", cluster[a])
            for a, p in case["offers"]
        ),
    ]

    trades = match_pairs(order_book(orders), "pay_as_offer", fee_per_kwh=given_case["fee_matrix"])

    wanted = [(f"bid {m['bid']}", f"offer {m['offer']}", 1.0, m["price"]) for m in case["matches"]]
    assert _tuples(trades) == wanted
    assert trades.paid == pytest.approx(trades.earned + trades.fees, abs=1e-12)


def test_pub_01_could_trade_four_units_at_prices_of_their_own() -> None:
    book = published_book("PUB-01")

    wanted = published("PUB-01")["expected"]
    assert most_volume_kwh(book) == pytest.approx(wanted["max_traded_volume_any_pairing"], abs=1e-9)
    assert crossing(book).volume_kwh == pytest.approx(wanted["equilibrium_qty"], abs=1e-9)
    assert crossing(book).welfare == pytest.approx(wanted["max_total_welfare"], abs=1e-9)


@_SOME
@given(books())
def test_no_pairing_trades_more_than_dear_offers_first(book: OrderBook) -> None:
    most = most_volume_kwh(book)

    assert most == pytest.approx(best_matching(book, welfare=False, self_trade=True), rel=1e-6, abs=1e-6)
    assert most >= crossing(book).volume_kwh - 1e-9


@_SOME
@given(books())
def test_without_fees_and_common_owners_the_largest_gain_first_gives_the_most_welfare(book: OrderBook) -> None:
    trades = match_pairs(book)

    assert trades.welfare == pytest.approx(best_matching(book, welfare=True), rel=1e-6, abs=1e-6)
    assert trades.volume_kwh == pytest.approx(clear_book(book).volume_kwh, rel=1e-9, abs=1e-9)


def _fee(seed: int) -> Floats:
    fee = np.random.default_rng(seed).choice([0.0, 0.25, 0.5, 1.0], size=(3, 3))
    return np.asarray(fee, dtype=np.float64)


@_SOME
@given(book_orders(owners=3, clusters=3), _pairings, _prices, st.integers(0, 1_000))
def test_pairs_keep_every_limit_and_no_pair_that_could_still_trade_is_left(
    orders: list[Order], pairing: Pairing, price: PairPrice, seed: int
) -> None:
    book, fee = order_book(orders), _fee(seed)
    bids, offers = book.bids, book.offers

    trades = match_pairs(book, price, pairing=pairing, fee_per_kwh=fee)

    left_bid = bids.kwh - np.bincount(trades.bid, trades.kwh, minlength=len(bids))
    left_offer = offers.kwh - np.bincount(trades.offer, trades.kwh, minlength=len(offers))
    assert (trades.kwh > 0.0).all()
    assert (left_bid >= -1e-12).all()
    assert (left_offer >= -1e-12).all()
    assert (bids.owner[trades.bid] != offers.owner[trades.offer]).all()
    assert (trades.price <= bids.price[trades.bid]).all()
    assert (trades.price - trades.fee_per_kwh >= offers.price[trades.offer] - 1e-12).all()
    assert trades.paid == pytest.approx(trades.earned + trades.fees, rel=1e-12, abs=1e-12)
    landed = offers.price + fee[offers.cluster][:, bids.cluster].T if len(bids) and len(offers) else np.zeros((0, 0))
    for bid, offer in np.argwhere(landed <= bids.price[:, np.newaxis]) if landed.size else []:
        if bids.owner[bid] != offers.owner[offer]:
            assert min(left_bid[bid], left_offer[offer]) <= 1e-12
    assert trades.welfare <= best_matching(book, welfare=True, fee=fee) + 1e-6


@_SOME
@given(book_orders(owners=3, clusters=3), st.randoms(use_true_random=False), _pairings, st.integers(0, 1_000))
def test_the_order_in_which_orders_are_given_does_not_change_a_trade(
    orders: list[Order], chance: random.Random, pairing: Pairing, seed: int
) -> None:
    shuffled = list(orders)
    chance.shuffle(shuffled)

    one = match_pairs(order_book(orders), pairing=pairing, fee_per_kwh=_fee(seed))
    other = match_pairs(order_book(shuffled), pairing=pairing, fee_per_kwh=_fee(seed))

    assert _tuples(one) == _tuples(other)


@pytest.mark.parametrize(
    ("fee", "word"),
    [
        ([[0.0]], "add the missing rows"),
        ([[0.0, -1.0], [0.0, 0.0]], "-1 from cluster 0 to 1"),
        ([[0.0, float("nan")], [0.0, 0.0]], "nan from cluster 0 to 1"),
        ("free", "give a list of rows"),
    ],
)
def test_fees_that_are_no_square_of_numbers_are_refused(fee: Any, word: str) -> None:
    book = order_book([Order(1, "bid", 1.0, 2.0, cluster=1), Order(2, "offer", 1.0, 1.0)])

    with pytest.raises(InvalidInputError, match=word):
        match_pairs(book, fee_per_kwh=fee)


def test_without_fees_it_does_not_matter_where_orders_come_from() -> None:
    book = order_book([Order(1, "bid", 1.0, 2.0, cluster=10**9), Order(2, "offer", 1.0, 1.0)])

    assert match_pairs(book).volume_kwh == 1.0


def test_an_unknown_pairing_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidInputError, match="gain, volume"):
        match_pairs(published_book("PUB-04"), pairing="love")  # type: ignore[arg-type]
