"""One auction: published books and the laws of clearing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from community_books import best_matching, book_orders, books, published, published_book
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.settlement.auction import Clearing, clear_book
from afterbay.community.settlement.auction_figures import crossing
from afterbay.community.settlement.auction_rules import (
    PRICE_RULES,
    PRICING_RULES,
    TIE_RULES,
    PriceRule,
    PricingRule,
    TieRule,
)
from afterbay.community.settlement.orders import Order, OrderBook, OrderColumns, Side, order_book
from afterbay.core.errors import InvalidInputError

_SOME = settings(max_examples=60, deadline=None)
_pricing = st.sampled_from(PRICING_RULES)
_price_rules = st.sampled_from(PRICE_RULES)
_ties = st.sampled_from(TIE_RULES)


@pytest.mark.parametrize(("price_rule", "expected"), [("marginal", "equilibrium_price"), ("midpoint", "midpoint")])
def test_pub_01_trades_three_units_where_the_curves_cross(price_rule: PriceRule, expected: str) -> None:
    wanted = published("PUB-01")["expected"]
    price = wanted.get(expected, wanted["clearing_price_if_midpoint_of_last_accepted_pair"])

    cleared = clear_book(published_book("PUB-01"), price_rule=price_rule)

    assert cleared.volume_kwh == pytest.approx(wanted["equilibrium_qty"], abs=1e-9)
    assert cleared.price == pytest.approx(price, abs=1e-9)
    assert cleared.welfare == pytest.approx(wanted["max_total_welfare"], abs=1e-9)
    assert cleared.offer_kwh.tolist() == [2.0, 1.0, 0.0]


def test_pub_01_by_trade_reduction_leaves_the_marginal_pair_out_and_its_spread_to_the_fund() -> None:
    cleared = clear_book(published_book("PUB-01"), "trade_reduction")

    assert cleared.bid_kwh.tolist() == [0.0, 1.0, 0.0]
    assert cleared.offer_kwh.tolist() == [0.0, 1.0, 0.0]
    assert (cleared.bid_price[1], cleared.offer_price[1], cleared.fund) == (3.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("price_rule", "key"), [("marginal", "clearing_price_marginal_bid"), ("midpoint", "clearing_price_midpoint")]
)
def test_pub_05_clears_at_the_true_crossing(price_rule: PriceRule, key: str) -> None:
    wanted = published("PUB-05")["expected"]["true_crossing"]

    cleared = clear_book(published_book("PUB-05"), price_rule=price_rule)

    assert cleared.volume_kwh == pytest.approx(wanted["clearing_qty"], abs=1e-9)
    assert cleared.price == pytest.approx(wanted[key], abs=1e-9)
    rationed = cleared.book.bids.ids.index(wanted["rationed_bid"])
    assert cleared.bid_kwh[rationed] == pytest.approx(wanted["rationed_bid_kwh"], abs=1e-9)
    assert cleared.welfare == pytest.approx(307.5, abs=1e-9)


def test_pub_05_with_whole_bids_stops_where_the_published_market_stops() -> None:
    wanted = published("PUB-05")["expected"]["anchor"]

    cleared = clear_book(published_book("PUB-05"), price_rule="buyer", whole_bids=True)

    assert cleared.volume_kwh == pytest.approx(wanted["clearing_qty"], abs=1e-9)
    assert cleared.price == pytest.approx(wanted["clearing_price"], abs=1e-9)
    assert cleared.welfare == pytest.approx(295.0, abs=1e-9)
    bought = dict(zip(cleared.book.bids.ids, cleared.bid_kwh.tolist(), strict=True))
    assert bought == {number: sum(kwh for bid, _, kwh, _ in wanted["trades"] if bid == number) for number in bought}


@_SOME
@given(books(), _pricing, _price_rules, _ties)
def test_no_order_gets_more_than_it_asks_and_none_a_price_beyond_its_limit(
    book: OrderBook, pricing: PricingRule, price_rule: PriceRule, tie_rule: TieRule
) -> None:
    cleared = clear_book(book, pricing, price_rule=price_rule, tie_rule=tie_rule)

    bids, offers = cleared.book.bids, cleared.book.offers
    buys, sells = cleared.bid_kwh > 0.0, cleared.offer_kwh > 0.0
    assert (cleared.bid_kwh >= 0.0).all()
    assert (cleared.bid_kwh <= bids.kwh).all()
    assert (cleared.offer_kwh >= 0.0).all()
    assert (cleared.offer_kwh <= offers.kwh).all()
    assert (cleared.bid_price[buys] <= bids.price[buys]).all()
    assert (cleared.offer_price[sells] >= offers.price[sells]).all()
    assert np.isnan(cleared.bid_price[~buys]).all()
    assert np.isnan(cleared.offer_price[~sells]).all()


@_SOME
@given(books(), _pricing, _price_rules, _ties)
def test_money_and_energy_balance(
    book: OrderBook, pricing: PricingRule, price_rule: PriceRule, tie_rule: TieRule
) -> None:
    cleared = clear_book(book, pricing, price_rule=price_rule, tie_rule=tie_rule)

    assert cleared.bid_kwh.sum() == pytest.approx(cleared.offer_kwh.sum(), rel=1e-11, abs=1e-11)
    if pricing == "trade_reduction":
        assert cleared.fund >= -1e-9
    else:
        assert cleared.fund == pytest.approx(0.0, abs=1e-9)


@_SOME
@given(books(), _price_rules, _ties)
def test_a_uniform_price_is_one_price_between_the_last_offer_and_the_last_bid(
    book: OrderBook, price_rule: PriceRule, tie_rule: TieRule
) -> None:
    cleared = clear_book(book, price_rule=price_rule, tie_rule=tie_rule)
    met = crossing(cleared.book)

    seen = np.concatenate([cleared.bid_price, cleared.offer_price])
    assert len(set(seen[~np.isnan(seen)])) <= 1
    if met.volume_kwh:
        assert met.offer <= cleared.price <= met.bid
    if met.volume_kwh and price_rule == "marginal":
        assert met.low <= cleared.price <= met.high


@_SOME
@given(books(), st.sampled_from(["uniform", "pay_as_bid", "pay_as_offer"]), _ties)
def test_the_volume_is_that_of_the_crossing_and_no_matching_has_more_welfare(
    book: OrderBook, pricing: PricingRule, tie_rule: TieRule
) -> None:
    cleared = clear_book(book, pricing, tie_rule=tie_rule)

    bids, offers = cleared.book.bids, cleared.book.offers
    prices = [*bids.price, *offers.price]
    volume = max(
        (min(bids.kwh[bids.price >= p].sum(), offers.kwh[offers.price <= p].sum()) for p in prices), default=0.0
    )
    assert cleared.volume_kwh == pytest.approx(volume, rel=1e-9, abs=1e-9)
    assert cleared.welfare == pytest.approx(best_matching(cleared.book, welfare=True), rel=1e-6, abs=1e-6)
    assert crossing(cleared.book).welfare == pytest.approx(cleared.welfare, rel=1e-9, abs=1e-9)


@_SOME
@given(book_orders(), st.randoms(use_true_random=False), _pricing, _price_rules, st.sampled_from(["pro_rata", "id"]))
def test_the_order_in_which_orders_are_given_does_not_change_a_bit(
    orders: list[Order], chance: random.Random, pricing: PricingRule, price_rule: PriceRule, tie_rule: TieRule
) -> None:
    shuffled = list(orders)
    chance.shuffle(shuffled)

    one = clear_book(order_book(orders), pricing, price_rule=price_rule, tie_rule=tie_rule)
    other = clear_book(order_book(shuffled), pricing, price_rule=price_rule, tie_rule=tie_rule)

    assert _by_id(one) == _by_id(other)


@_SOME
@given(book_orders(owners=3), _pricing, _ties)
def test_nobody_trades_with_oneself(orders: list[Order], pricing: PricingRule, tie_rule: TieRule) -> None:
    cleared = clear_book(order_book(orders), pricing, tie_rule=tie_rule)

    buyers = set(cleared.book.bids.owner[cleared.bid_kwh > 0.0].tolist())
    sellers = set(cleared.book.offers.owner[cleared.offer_kwh > 0.0].tolist())
    assert not buyers & sellers


def test_pub_04_owners_who_could_serve_themselves_need_no_market() -> None:
    cleared = clear_book(published_book("PUB-04"), "pay_as_bid")

    # Every bid of the case is covered by a cheaper offer of the same owner.
    assert cleared.volume_kwh == 0.0


@settings(max_examples=40, deadline=None)
@given(books(most=7), st.data())
def test_a_bidder_gains_nothing_by_misstating_its_price_in_a_trade_reduction(
    book: OrderBook, data: st.DataObject
) -> None:
    orders = _orders(book)
    if not orders:
        return
    liar = data.draw(st.sampled_from(orders))
    lies = sorted({order.price + shift for order in orders for shift in (-0.1, 0.0, 0.1)})

    honest = _utility(orders, liar, liar.price)

    assert honest >= 0.0
    for lie in lies:
        told = [replace(order, price=lie) if order.id == liar.id else order for order in orders]
        assert _utility(told, liar, liar.price) <= honest + 1e-9


@_SOME
@given(st.lists(st.tuples(st.sampled_from(["bid", "offer"]), st.integers(0, 30)), max_size=12))
def test_with_equal_quantities_a_trade_reduction_drops_exactly_one_trade(given_orders: list[tuple[Side, int]]) -> None:
    book = order_book(Order(n, side, 1.0, float(price)) for n, (side, price) in enumerate(given_orders))

    full, reduced = clear_book(book), clear_book(book, "trade_reduction")

    assert reduced.volume_kwh == pytest.approx(max(full.volume_kwh - 1.0, 0.0))


@pytest.mark.parametrize(
    ("tie_rule", "expected"),
    [("pro_rata", [0.5, 1.0, 1.5]), ("first", [1.0, 2.0, 0.0]), ("id", [0.0, 0.0, 3.0])],
)
def test_among_equal_bids_the_tie_rule_decides(tie_rule: TieRule, expected: list[float]) -> None:
    bids = [Order("c", "bid", 1.0, 2.0), Order("b", "bid", 2.0, 2.0), Order("a", "bid", 3.0, 2.0)]

    cleared = clear_book(order_book([*bids, Order("s", "offer", 3.0, 1.0)]), tie_rule=tie_rule)

    assert cleared.bid_kwh.tolist() == expected


def test_equal_sellers_earn_the_same_when_each_buyer_pays_its_bid() -> None:
    orders = [
        Order(1, "bid", 1.0, 5.0), Order(2, "bid", 3.0, 3.0),
        Order(3, "offer", 2.0, 1.0), Order(4, "offer", 2.0, 1.0),
    ]  # fmt: skip

    cleared = clear_book(order_book(orders), "pay_as_bid")

    assert cleared.bid_price.tolist() == [5.0, 3.0]
    assert cleared.offer_price.tolist() == [3.5, 3.5]


def test_with_both_sides_served_in_full_the_price_lies_midway_between_what_is_left_out() -> None:
    orders = [
        Order(1, "bid", 1.0, 9.0), Order(2, "bid", 1.0, 4.0),
        Order(3, "offer", 1.0, 1.0), Order(4, "offer", 1.0, 6.0),
    ]  # fmt: skip

    met = crossing(order_book(orders))

    assert (met.low, met.high, clear_book(order_book(orders)).price) == (4.0, 6.0, 5.0)


def test_rounding_of_quantities_does_not_move_the_price() -> None:
    # 0.1 + 0.2 is a little more than 0.3: what is left is no demand for the dear offer.
    orders = [
        Order(1, "bid", 0.1, 9.0), Order(2, "bid", 0.2, 9.0),
        Order(3, "offer", 0.3, 1.0), Order(4, "offer", 1.0, 8.0),
    ]  # fmt: skip

    cleared = clear_book(order_book(orders), price_rule="seller")

    assert (cleared.price, cleared.offer_kwh.tolist()) == (1.0, [0.3, 0.0])


def test_prices_stay_within_the_bounds_of_the_market() -> None:
    orders = [Order(1, "bid", 1.0, 99.0), Order(2, "offer", 1.0, -99.0), Order(3, "bid", 1.0, 0.05)]

    dear = clear_book(order_book(orders), price_rule="buyer", price_bounds=(0.1, 0.3))
    cheap = clear_book(order_book(orders), price_rule="seller", price_bounds=(0.1, 0.3))

    assert (dear.price, cheap.price, dear.bid_kwh.tolist()) == (0.3, 0.1, [1.0, 0.0])


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda book: clear_book(book, "pay_as_you_like"), "uniform, pay_as_bid"),  # type: ignore[arg-type]
        (lambda book: clear_book(book, price_rule="mean"), "midpoint"),  # type: ignore[arg-type]
        (lambda book: clear_book(book, tie_rule="coin"), "pro_rata"),  # type: ignore[arg-type]
        (lambda book: clear_book(book, price_bounds=(0.3, 0.1)), "lowest price first"),
    ],
)
def test_an_unknown_rule_is_refused_with_those_that_exist(call: Callable[[OrderBook], object], word: str) -> None:
    with pytest.raises(InvalidInputError, match=word):
        call(published_book("PUB-01"))


def _orders(book: OrderBook) -> list[Order]:
    sides: list[tuple[Side, OrderColumns]] = [("bid", book.bids), ("offer", book.offers)]
    return [
        Order(columns.ids[row], side, float(columns.kwh[row]), float(columns.price[row]))
        for side, columns in sides
        for row in range(len(columns))
    ]


def _utility(orders: list[Order], trader: Order, value: float) -> float:
    cleared = clear_book(order_book(orders), "trade_reduction")
    bid = trader.side == "bid"
    columns = cleared.book.bids if bid else cleared.book.offers
    row = columns.ids.index(trader.id)
    kwh = float((cleared.bid_kwh if bid else cleared.offer_kwh)[row])
    price = float((cleared.bid_price if bid else cleared.offer_price)[row])
    return 0.0 if kwh == 0.0 else kwh * (value - price if bid else price - value)


def _by_id(cleared: Clearing) -> dict[object, tuple[str, str]]:
    book = cleared.book
    rows = [
        *zip(book.bids.ids, cleared.bid_kwh, cleared.bid_price, strict=True),
        *zip(book.offers.ids, cleared.offer_kwh, cleared.offer_price, strict=True),
    ]
    return {number: (float(kwh).hex(), float(price).hex()) for number, kwh, price in rows}
