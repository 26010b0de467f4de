"""The local market over a run: published fees, laws on random trees, and settling with the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from community_books import published
from community_meters import meters, random_grids, random_net
from community_settling import trade_blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterbay.community.settlement import auction_market, settle
from afterbay.community.settlement.auction import clear_book
from afterbay.community.settlement.auction_market import LocalMarket
from afterbay.community.settlement.auction_rules import PRICE_RULES, PRICING_RULES, SCOPES, PricingRule, Scope, TieRule
from afterbay.community.settlement.bids import BidLimits, BidPrices, FixedPrice, Margin, PerHouse, ZeroIntelligence
from afterbay.community.settlement.orders import Order, order_book
from afterbay.community.settlement.rule import TradeBlock
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff, TariffPeriod
from afterbay.core.errors import InvalidInputError
from plain_python import plain_copy

_SOME = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_seeds = st.integers(0, 2**32 - 1)


def _markets() -> list[LocalMarket]:
    wild = FixedPrice(bid=99.0, offer=-99.0)
    return [
        *(LocalMarket(pricing=pricing, scope=scope) for pricing in PRICING_RULES for scope in SCOPES),
        *(
            LocalMarket(price_rule=rule, bids=ZeroIntelligence(3), scope="hierarchical", name=f"drawn_{rule}")
            for rule in PRICE_RULES
        ),
        LocalMarket(pricing="pay_as_bid", bids=wild, fees=False, network_charge=False, name="wild"),
        LocalMarket(tie_rule="house", losses=False, bids=Margin(0.3, 0.2), name="shaded"),
    ]


def _one_block(grid: Grid, net: Any) -> TradeBlock:
    return next(trade_blocks(meters(grid, net)))


_TARIFF = {"t": Tariff(0.30, 0.10)}


def _two_ends(**fees: float) -> Grid:
    """A buyer and a seller, each behind a transformer of its own."""
    ends = (
        Transformer("T-1", houses=(House("buyer"),), **fees),  # type: ignore[arg-type]
        Transformer("T-2", houses=(House("seller"),), **fees),  # type: ignore[arg-type]
    )
    return Grid(tariffs=_TARIFF, transformers=ends)


@pytest.mark.parametrize("scope", ["grid", "hierarchical"])
def test_pub_07_charges_the_fee_of_every_level_crossed(scope: Scope) -> None:
    case = published("PUB-07")
    given_case, expected = case["input"], case["expected"]
    grid = replace(_two_ends(fee_per_kwh=0.01), local_fee_per_kwh=0.02)
    bids = FixedPrice(given_case["bid_rate"], given_case["offer_rate"])
    block = _one_block(grid, [[-1.0, 1.0]])

    found = LocalMarket(pricing="pay_as_bid", scope=scope, bids=bids, price_bounds=None).clear(block)
    cheap = LocalMarket(pricing="pay_as_offer", scope=scope, bids=bids, price_bounds=None).book(block)

    booking = found.booking
    assert found.price_per_kwh[0, 0] == pytest.approx(expected["bid_at_match_level"], abs=1e-9)
    assert booking.paid[0, 0] + booking.fees[0, 0] == pytest.approx(expected["buyer_pays"], abs=1e-9)
    assert booking.earned[0, 1] - booking.fees[0, 1] == pytest.approx(expected["seller_receives"], abs=1e-9)
    assert booking.fees.sum() == pytest.approx(expected["total_fee"], abs=1e-9)
    # The notes of the case: as an offer, 0.14 for the buyer, 0.10 for the seller, 0.13 where they meet.
    assert cheap.paid[0, 0] == pytest.approx(expected["offer_at_match_level"], abs=1e-9)
    assert cheap.paid[0, 0] + cheap.fees[0, 0] == pytest.approx(0.14, abs=1e-9)
    assert cheap.earned[0, 1] - cheap.fees[0, 1] == pytest.approx(0.10, abs=1e-9)
    assert cheap.fees.sum() == pytest.approx(expected["total_fee"], abs=1e-9)


def test_a_fee_in_percent_is_a_share_of_the_money_on_the_side_that_energy_comes_from() -> None:
    block = _one_block(_two_ends(fee_fraction=0.1), [[-1.0, 1.0]])

    booking = LocalMarket(pricing="pay_as_offer").book(block)

    assert booking.earned[0, 1] == pytest.approx(0.11)
    assert booking.fees[0] == pytest.approx([0.011, 0.01])


def test_energy_shrinks_in_the_transformers_that_it_crosses() -> None:
    block = _one_block(_two_ends(forward_efficiency=0.8, backward_efficiency=0.9), [[-99.0, 10.0]])

    lossy, free = LocalMarket().clear(block), LocalMarket(losses=False).clear(block)

    assert lossy.booking.sold_kwh[0, 1] == pytest.approx(10.0)
    assert lossy.traded_kwh[0, 0] == pytest.approx(9.0)
    assert lossy.booking.bought_kwh[0, 0] == pytest.approx(7.2)
    assert free.booking.bought_kwh[0, 0] == pytest.approx(10.0)


def test_losses_that_cost_more_than_the_margin_stop_the_trade() -> None:
    block = _one_block(_two_ends(forward_efficiency=0.5, backward_efficiency=0.6), [[-99.0, 10.0]])

    assert LocalMarket().book(block).sold_kwh.sum() == 0.0


def _two_streets() -> Grid:
    streets = (
        Transformer("T-1", fee_per_kwh=0.02, houses=(House("a"), House("b"))),
        Transformer("T-2", fee_per_kwh=0.02, houses=(House("c"), House("d"))),
    )
    return Grid(tariffs=_TARIFF, transformers=streets)


@pytest.mark.parametrize(
    ("scope", "bought", "at_nodes"),
    [
        ("transformer", [0.0, 2.0, 1.0, 0.0], [0.0, 2.0, 1.0]),
        ("hierarchical", [0.0, 2.0, 4.0, 0.0], [3.0, 2.0, 1.0]),
        ("grid", [0.0, 2.0, 4.0, 0.0], [6.0, 0.0, 0.0]),
    ],
)
def test_a_hierarchical_market_matches_at_each_bus_and_sends_the_rest_up(
    scope: Scope, bought: list[float], at_nodes: list[float]
) -> None:
    block = _one_block(_two_streets(), [[5.0, -2.0, -4.0, 1.0]])

    found = LocalMarket(scope=scope).clear(block)

    assert found.booking.bought_kwh[0] == pytest.approx(bought)
    assert found.traded_kwh[0] == pytest.approx(at_nodes)
    crossing_kwh = 0.0 if scope == "transformer" else 3.0 if scope == "hierarchical" else 6.0
    assert found.booking.fees.sum() == pytest.approx(2 * 0.02 * crossing_kwh)
    assert np.isnan(found.price_per_kwh[0]).tolist() == [kwh == 0.0 for kwh in at_nodes]


@_SOME
@given(random_grids(), _seeds)
def test_no_house_trades_more_than_its_meter_shows_or_at_a_price_beyond_its_limit(grid: Grid, seed: int) -> None:
    block = _one_block(grid, random_net(seed, 20, len(grid.house_names)))

    for market in _markets():
        booking = market.book(block)
        retail = block.local_retail_per_kwh if market.network_charge else block.retail_per_kwh
        for column in (booking.bought_kwh, booking.sold_kwh, booking.paid, booking.earned, booking.fees):
            assert (column >= -1e-12).all()
        # What is sold at two places adds up to the meter but for the last bit.
        assert (booking.bought_kwh <= np.maximum(-block.net_kwh, 0.0) * (1.0 + 1e-12)).all()
        assert (booking.sold_kwh <= np.maximum(block.net_kwh, 0.0) * (1.0 + 1e-12)).all()
        buying = booking.bought_kwh > 0.0
        outlay = (booking.paid + booking.fees)[buying]
        assert (outlay <= (retail * booking.bought_kwh)[buying] + 1e-9).all()
        selling = booking.sold_kwh > 0.0
        received = (booking.earned - booking.fees)[selling]
        assert (received >= (block.feed_in_per_kwh * booking.sold_kwh)[selling] - 1e-9).all()


@_SOME
@given(random_grids(), _seeds)
def test_sellers_earn_what_buyers_pay_and_a_trade_reduction_owes_nothing(grid: Grid, seed: int) -> None:
    block = _one_block(grid, random_net(seed, 20, len(grid.house_names)))

    for market in _markets():
        booking = market.book(block)
        kept = booking.paid.sum(axis=1) - booking.earned.sum(axis=1)
        if market.budget_balanced:
            assert kept == pytest.approx(0.0, abs=1e-9)
        else:
            assert (kept >= -1e-9).all()
        lost = booking.sold_kwh.sum(axis=1) - booking.bought_kwh.sum(axis=1)
        assert (lost >= -1e-9).all() if market.losses else lost == pytest.approx(0.0, abs=1e-9)


@_SOME
@given(random_grids(), _seeds)
def test_the_ledger_balances_and_no_house_is_worse_off_than_with_the_utility(grid: Grid, seed: int) -> None:
    settled = settle(meters(grid, random_net(seed, 40, len(grid.house_names))), _markets())

    settled.check()
    before = settled.of("utility_only").bills
    for market in _markets():
        assert (settled.of(market.name).bills <= before + 1e-9).all()


@_SOME
@given(random_grids(), _seeds)
def test_the_market_at_the_substation_is_the_auction_of_one_book(grid: Grid, seed: int) -> None:
    block = _one_block(grid, random_net(seed, 6, len(grid.house_names)))

    for pricing in PRICING_RULES:
        market = LocalMarket(pricing=pricing, fees=False, losses=False, bids=ZeroIntelligence(seed))
        # One by one, so that the price of an order can be read off: the draw is the same for both sides.
        drawn = market.bids.prices(_limits(block))  # type: ignore[union-attr]
        booking = market.book(block)
        for step in range(block.n_steps):
            net = block.net_kwh[step]
            price = np.where(net < 0.0, np.minimum(drawn.bid[step], block.local_retail_per_kwh[step]), 0.0)
            price = np.where(net > 0.0, np.maximum(drawn.offer[step], block.feed_in_per_kwh[step]), price)
            orders = [
                Order(house, "bid" if net[house] < 0.0 else "offer", abs(float(net[house])), float(price[house]))
                for house in np.flatnonzero(net).tolist()
            ]
            # Ids are places of houses: which of two equal orders a trade reduction drops follows them in both.
            tie_rule: TieRule = "id" if pricing == "trade_reduction" else "pro_rata"
            cleared = clear_book(order_book(orders), pricing, tie_rule=tie_rule)
            bids = np.array(cleared.book.bids.ids, dtype=np.int64)
            offers = np.array(cleared.book.offers.ids, dtype=np.int64)
            assert booking.bought_kwh[step, bids] == pytest.approx(cleared.bid_kwh, rel=1e-9, abs=1e-12)
            assert booking.sold_kwh[step, offers] == pytest.approx(cleared.offer_kwh, rel=1e-9, abs=1e-12)
            assert booking.paid[step].sum() == pytest.approx(cleared.paid, rel=1e-9, abs=1e-12)
            assert booking.earned[step].sum() == pytest.approx(cleared.earned, rel=1e-9, abs=1e-12)


def _limits(block: TradeBlock) -> BidLimits:
    prices = block.prices
    return BidLimits(
        block.first, prices.local_retail_per_kwh, prices.feed_in_per_kwh, prices.tariff_of, block.tree.house_names
    )


@_SOME
@given(random_grids(), _seeds)
def test_a_step_has_the_same_bits_alone_and_among_others_and_in_plain_python(grid: Grid, seed: int) -> None:
    whole = meters(grid, random_net(seed, 12, len(grid.house_names)))
    block = _one_block(grid, whole.net_kwh)
    plain: Any = plain_copy("afterbay.community.settlement.auction_year_kernels")

    for market in _markets():
        among = _bytes(market, block)
        alone = [_bytes(market, _part(block, step)) for step in range(block.n_steps)]
        assert [b"".join(rows) for rows in zip(*alone, strict=True)] == among
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(auction_market, "clear_steps", plain.clear_steps)
            assert _bytes(market, block) == among


@pytest.mark.parametrize("scope", SCOPES)
def test_prices_that_change_places_in_the_course_of_a_day_do_not_confuse_the_order(scope: Scope) -> None:
    # Which tariff is dearer changes at 6, 12 and 18 h; the order of houses is remembered from step to step.
    swapped = (TariffPeriod(6.0, 12.0, 0.40, 0.05), TariffPeriod(18.0, 24.0, 0.20, 0.12))
    tariffs = {"a": Tariff(0.30, 0.10, periods=swapped), "b": Tariff(0.32, 0.08), "c": Tariff(0.28, 0.11)}
    streets = tuple(
        Transformer(f"T-{street}", houses=tuple(House(f"H-{street}.{n}", tariff="abc"[n * 5 % 3]) for n in range(9)))
        for street in range(3)
    )
    net = random_net(11, 96, 27)
    block = _one_block(Grid(tariffs=tariffs, transformers=streets), net)

    for pricing in PRICING_RULES:
        market = LocalMarket(pricing=pricing, scope=scope)
        alone = [_bytes(market, _part(block, step)) for step in range(block.n_steps)]
        assert [b"".join(rows) for rows in zip(*alone, strict=True)] == _bytes(market, block)


def _part(block: TradeBlock, step: int) -> TradeBlock:
    rows = slice(step, step + 1)
    prices = replace(
        block.prices,
        **{
            name: getattr(block.prices, name)[rows]
            for name in block.prices.__slots__
            if not name.startswith("_") and name != "tariff_of"
        },
        _by_house={},
    )
    return TradeBlock(block.tree, block.first + step, block.dt_h, block.net_kwh[rows], prices)


def _bytes(market: LocalMarket, block: TradeBlock) -> list[bytes]:
    booking = market.book(block)
    return [
        column.tobytes()
        for column in (booking.bought_kwh, booking.sold_kwh, booking.paid, booking.earned, booking.fees)
    ]


@_SOME
@given(st.integers(2, 30), _seeds)
def test_the_order_of_the_houses_does_not_matter_where_equals_share(n_houses: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    houses = tuple(House(f"H-{number}") for number in range(n_houses))
    net = random_net(seed, 8, n_houses)
    turned = rng.permutation(n_houses)
    one = Grid(tariffs=_TARIFF, houses=houses)
    other = Grid(tariffs=_TARIFF, houses=tuple(houses[number] for number in turned))

    for pricing in ("uniform", "pay_as_bid", "pay_as_offer"):
        market = LocalMarket(pricing=pricing, bids=ZeroIntelligence(1))
        first, second = market.book(_one_block(one, net)), market.book(_one_block(other, net[:, turned]))
        for name in ("bought_kwh", "sold_kwh", "paid", "earned", "fees"):
            assert getattr(first, name)[:, turned] == pytest.approx(getattr(second, name), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("pricing", PRICING_RULES)
def test_a_night_without_supply_trades_nothing(pricing: PricingRule) -> None:
    block = _one_block(_two_streets(), [[-5.0, -2.0, -4.0, -1.0]])

    found = LocalMarket(pricing=pricing, scope="hierarchical").clear(block)

    assert not found.booking.bought_kwh.any()
    assert not found.traded_kwh.any()


def test_a_trade_reduction_shows_its_surplus_in_the_fund() -> None:
    houses = tuple(House(name) for name in "abcd")
    grid = Grid(tariffs=_TARIFF, houses=houses)
    source = meters(grid, [[-1.0, -1.0, 1.0, 1.0]], datetime(2023, 5, 1, 10, tzinfo=UTC))

    settled = settle(source, [LocalMarket(pricing="trade_reduction")])

    # One of the two pairs trades; it pays 0.30 and receives 0.10.
    assert settled.accounts("trade_reduction")["community_fund"] == pytest.approx(0.20)


def test_names_of_markets_tell_rule_and_scope() -> None:
    names = [LocalMarket(pricing=pricing, scope=scope).name for pricing in PRICING_RULES for scope in SCOPES]

    assert len(set(names)) == len(names)
    assert (names[0], names[-1]) == ("double_auction", "trade_reduction_hierarchical")


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        LocalMarket(
            pricing="free", price_rule="mean", tie_rule="coin", scope="world", bids="high", price_bounds=(3.0, 1.0)  # type: ignore[arg-type]
        )  # fmt: skip

    wanted = ["pricing", "price_rule", "tie_rule", "scope", "bids", "price_bounds"]
    assert [problem.where for problem in caught.value.problems] == wanted


class _Broken:
    def __init__(self, prices: BidPrices) -> None:
        self._prices = prices

    def prices(self, limits: BidLimits) -> BidPrices:
        return self._prices


@pytest.mark.parametrize(
    ("shape", "column", "fill", "word"),
    [
        ((2, 1), [0, 0], 1.0, r"bid prices: got shape \(2, 1\)"),
        ((1, 1), [0], 1.0, "a column of the prices for each of 2 houses"),
        ((1, 1), [0, 1], 1.0, "a column of the prices for each of 2 houses"),
        ((1, 2), [0, 1], float("nan"), "nan or inf"),
    ],
)
def test_a_strategy_that_gives_no_usable_prices_is_refused(
    shape: tuple[int, int], column: list[int], fill: float, word: str
) -> None:
    prices = np.full(shape, fill)
    market = LocalMarket(bids=_Broken(BidPrices(prices, prices, np.array(column))))

    with pytest.raises(InvalidInputError, match=word):
        market.book(_one_block(_two_ends(), [[-1.0, 1.0]]))


def test_houses_may_have_strategies_of_their_own() -> None:
    grid = Grid(tariffs=_TARIFF, houses=tuple(House(name) for name in ("low", "high", "sun")))
    bids = PerHouse({"low": FixedPrice(0.15, 0.12), "high": FixedPrice(0.25, 0.12)})

    booking = LocalMarket(pricing="pay_as_bid", bids=bids).book(_one_block(grid, [[-1.0, -1.0, 1.0]]))

    assert booking.bought_kwh[0].tolist() == [0.0, 1.0, 0.0]
    assert booking.paid[0].tolist() == [0.0, 0.25, 0.0]
