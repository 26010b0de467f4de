"""Rules with a community, by hand: prices, bounds, fees and who bears them, taxes, one bill for all."""

from __future__ import annotations

import numpy as np
import pytest
from community_meters import meters, random_net
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.settlement import (
    BillSharing,
    CommunityPrice,
    MidMarketRate,
    SupplyDemandRatio,
    settle,
    supply_demand_price,
    two_price_ratio,
)
from afterbay.community.sharing import SHARING_RULES, Sharing
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff
from afterbay.core.errors import InvalidInputError

SHARED = SHARING_RULES["proportional"]
FLAT = Tariff(0.30, 0.10)


def _flat(*houses: House, tariff: Tariff = FLAT) -> Grid:
    return Grid(tariffs={"all": tariff}, houses=houses)


TWO = _flat(House("A"), House("B"))


def test_mid_market_rate_splits_the_gain_in_half() -> None:
    settled = settle(meters(TWO, [[3.0, -2.0]]), [MidMarketRate(SHARED)])

    assert settled.of("mid_market_rate").bills == pytest.approx([-(2.0 * 0.20 + 1.0 * 0.10), 2.0 * 0.20])
    assert settled.savings("mid_market_rate") == pytest.approx([0.20, 0.20])


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 50), st.floats(0.01, 50), st.floats(0.0, 0.2), st.floats(0.0, 0.3), st.floats(0, 1))
def test_the_supply_demand_price_stays_in_its_window_and_falls_with_supply(
    supply: float, demand: float, feed_in: float, spread: float, compensation: float
) -> None:
    retail = feed_in + spread

    price = float(supply_demand_price(supply, demand, feed_in, retail, compensation))
    more = float(supply_demand_price(supply * 1.5, demand, feed_in, retail, compensation))

    assert feed_in <= price <= retail
    assert more <= price + 1e-12


def test_the_supply_demand_price_meets_retail_without_supply_and_feed_in_with_plenty() -> None:
    prices = supply_demand_price([0.0, 5.0, 9.0], 5.0, 0.10, 0.30)

    assert prices.tolist() == pytest.approx([0.30, 0.10, 0.10])


def test_a_feed_in_price_of_zero_or_less_is_the_limit_of_the_formula() -> None:
    assert supply_demand_price(2.0, 4.0, 0.0, 0.30) == pytest.approx(
        supply_demand_price(2.0, 4.0, 1e-12, 0.30), abs=1e-9
    )
    assert float(supply_demand_price(2.0, 4.0, -0.05, 0.30)) == -0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_bills_by_the_supply_demand_ratio_are_those_of_the_two_price_form(seed: int, n_houses: int) -> None:
    net = random_net(seed, 6, n_houses)
    grid = _flat(*(House(f"H{number}") for number in range(n_houses)))

    settled = settle(meters(grid, net), [SupplyDemandRatio(SHARED)])

    expected = np.zeros(n_houses)
    for row in net:
        supply, demand = float(np.maximum(row, 0).sum()), float(np.maximum(-row, 0).sum())
        buying, selling = two_price_ratio(supply, demand, 0.10, 0.30)
        expected += np.maximum(-row, 0) * buying - np.maximum(row, 0) * selling
    assert settled.of("supply_demand_ratio").bills == pytest.approx(expected)


def test_each_bus_has_its_own_price_when_sharing_stays_there() -> None:
    grid = Grid(
        tariffs={"all": FLAT},
        transformers=(
            Transformer("T1", houses=(House("A"), House("B"))),
            Transformer("T2", houses=(House("C"), House("D"))),
        ),
    )
    rule = SupplyDemandRatio(Sharing(scope="transformer"))

    settled = settle(meters(grid, [[1.0, -4.0, 4.0, -4.0]]), [rule])

    scarce = 0.30 * 0.10 / (0.20 * 0.25 + 0.10)
    assert settled.of(rule.name).bills == pytest.approx([-scarce, scarce + 3 * 0.30, -0.4, 0.4])


def test_community_price_lies_where_it_is_put() -> None:
    rules = [CommunityPrice(SHARED, position, name=f"at {position}") for position in (0.0, 0.25, 1.0)]

    settled = settle(meters(TWO, [[2.0, -2.0]]), rules)

    for position in (0.0, 0.25, 1.0):
        price = 0.10 + position * 0.20
        assert settled.of(f"at {position}").bills == pytest.approx([-2 * price, 2 * price])


def test_a_fixed_price_is_held_within_bounds_unless_they_are_off() -> None:
    held = CommunityPrice(SHARED, per_kwh=0.50, name="held")
    free = CommunityPrice(SHARED, per_kwh=0.50, within_bounds=False, name="free")

    settled = settle(meters(TWO, [[2.0, -2.0]]), [held, free])

    assert settled.of("held").bills == pytest.approx([-0.60, 0.60])
    assert settled.of("free").bills == pytest.approx([-1.00, 1.00])


def test_an_old_generous_feed_in_tariff_sells_to_the_utility_and_the_others_go_on_trading() -> None:
    grid = Grid(
        tariffs={"now": FLAT, "old": Tariff(0.30, 0.45)},
        houses=(House("A", tariff="old"), House("B"), House("C")),
    )

    settled = settle(meters(grid, [[2.0, 1.0, -2.0]]), [MidMarketRate(SHARED)])

    assert settled.of("mid_market_rate").bills == pytest.approx([-0.90, -0.20, 0.20 + 0.30])


def test_houses_with_different_tariffs_trade_between_the_dearest_feed_in_and_the_cheapest_retail() -> None:
    grid = Grid(
        tariffs={"a": Tariff(0.40, 0.06), "b": Tariff(0.24, 0.12)},
        houses=(House("A", tariff="a"), House("B", tariff="b"), House("C", tariff="a"), House("D", tariff="b")),
    )

    settled = settle(meters(grid, [[1.0, 1.0, -1.0, -1.0]]), [MidMarketRate(SHARED)])

    assert settled.of("mid_market_rate").bills == pytest.approx([-0.18, -0.18, 0.18, 0.18])


def test_local_trades_pay_the_network_charge_less_its_reduction() -> None:
    grid = _flat(House("A"), House("B"), tariff=Tariff(0.30, 0.06, network_share=0.5, local_network_reduction=0.6))

    settled = settle(meters(grid, [[1.0, -1.0]]), [CommunityPrice(SHARED, 1.0)])

    # 0.15 of the retail price is network charge; a local trade pays 0.06 of it, so that energy is worth up to 0.24.
    assert settled.of("community_price").bills == pytest.approx([-0.24, 0.30])
    assert settled.accounts("community_price")["network"] == pytest.approx(0.06)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_local_trades_owe_their_share_of_the_taxes(share: float) -> None:
    tariff = Tariff(0.30, 0.10, tax_fraction=0.2, tax_per_kwh=0.05, local_tax_share=share)
    grid = _flat(House("A"), House("B"), tariff=tariff)

    settled = settle(meters(grid, [[1.0, -2.0]]), [MidMarketRate(SHARED)])

    local, rest = share * (0.20 * 0.2 + 0.05), 0.30 * 0.2 + 0.05
    assert settled.accounts("mid_market_rate")["state"] == pytest.approx(local + rest)


LOSSY = Grid(
    tariffs={"all": FLAT},
    local_fee_per_kwh=0.004,
    transformers=(
        Transformer("T1", backward_efficiency=0.9, fee_per_kwh=0.01, fee_fraction=0.05, houses=(House("A"),)),
        Transformer("T2", forward_efficiency=0.8, fee_per_kwh=0.02, houses=(House("B"),)),
    ),
)


def test_the_seller_is_paid_for_what_arrives() -> None:
    settled = settle(meters(LOSSY, [[10.0, -9.0]]), [CommunityPrice(SHARED, per_kwh=0.20)])
    lines = settled.bills.set_index(["rule", "house"]).loc["community_price"]

    arrived = 10.0 * 0.9 * 0.8
    assert lines.loc["A", "community_sold_kwh"] == pytest.approx(10.0)
    assert lines.loc["B", "community_bought_kwh"] == pytest.approx(arrived)
    assert lines.loc["A", "community_sale_eur"] == pytest.approx(arrived * 0.20)
    assert lines.loc["B", "community_purchase_eur"] == pytest.approx(-arrived * 0.20)


def test_fees_fall_on_each_side_or_on_whom_the_rule_names_and_their_sum_stays() -> None:
    rules = [
        CommunityPrice(SHARED, per_kwh=0.20, fees=payer, name=payer)
        for payer in ("each_side", "buyer", "seller", "split")
    ]
    settled = settle(meters(LOSSY, [[10.0, -9.0]]), rules)
    fees = settled.bills.set_index(["rule", "house"])["network_fee_eur"]

    seller, buyer = -fees["each_side", "A"], -fees["each_side", "B"]
    assert seller > 0.0
    assert buyer > 0.0
    total = seller + buyer
    assert (fees["buyer", "A"], -fees["buyer", "B"]) == pytest.approx((0.0, total))
    assert (-fees["seller", "A"], fees["seller", "B"]) == pytest.approx((total, 0.0))
    assert (-fees["split", "A"], -fees["split", "B"]) == pytest.approx((total / 2, total / 2))
    for rule in rules:
        assert settled.accounts(rule.name)["network"] == pytest.approx(total)


def test_a_fee_in_percent_grows_with_the_price() -> None:
    rules = [CommunityPrice(SHARED, per_kwh=price, name=f"{price}") for price in (0.20, 0.30)]

    settled = settle(meters(LOSSY, [[10.0, -9.0]]), rules)

    fees = settled.bills.set_index(["rule", "house"])["network_fee_eur"]
    share = fees["0.3", "A"] - fees["0.2", "A"]
    assert share < 0.0
    constant = fees["0.2", "A"] - 2.0 * share
    assert constant / share == pytest.approx(0.01 / (0.05 * 0.10))


def test_one_bill_is_shared_by_the_energy_of_the_members_in_each_month() -> None:
    net = np.zeros((96 * 2, 3))
    net[0] = [4.0, -1.0, -2.0]
    net[100] = [0.0, -3.0, -1.0]
    grid = _flat(House("A"), House("B"), House("C"))

    settled = settle(meters(grid, net), [BillSharing(SHARED)])

    cost, income = 4.0 * 0.30, 1.0 * 0.10
    assert settled.of("bill_sharing").bills == pytest.approx([-income, cost * 4 / 7, cost * 3 / 7])


def test_choices_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="each_side, buyer, seller, split"):
        MidMarketRate(SHARED, fees="nobody")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError) as caught:
        CommunityPrice(SHARED, 1.5, per_kwh=float("nan"), network_fee_to="me")  # type: ignore[arg-type]
    assert {one.where for one in caught.value.problems} == {"position_fraction", "per_kwh", "network_fee_to"}
    with pytest.raises(InvalidInputError, match="within_bounds"):
        CommunityPrice(SHARED, within_bounds=False)
    with pytest.raises(InvalidInputError, match="compensation_fraction"):
        SupplyDemandRatio(SHARED, compensation_fraction=-0.1)
    with pytest.raises(InvalidInputError, match="period"):
        BillSharing(SHARED, period="day")  # type: ignore[arg-type]


def test_those_who_need_energy_and_get_none_do_not_lower_the_price() -> None:
    grid = Grid(
        tariffs={"dear": FLAT, "cheap": Tariff(0.20, 0.10)},
        houses=(House("A", key=0.0), House("B", key=1.0), House("C", tariff="cheap", key=0.0)),
    )

    settled = settle(meters(grid, [[2.0, -2.0, -2.0]]), [CommunityPrice(SHARING_RULES["static"], 1.0)])

    assert settled.of("community_price").bills == pytest.approx([-0.60, 0.60, 0.40])


def test_one_bill_is_shared_with_its_taxes() -> None:
    grid = Grid(
        tariffs={"taxed": Tariff(0.30, 0.10, tax_fraction=0.5), "free": FLAT},
        houses=(House("A", tariff="taxed"), House("B", tariff="free")),
    )

    settled = settle(meters(grid, [[-1.0, -3.0]]), [BillSharing(SHARED)])

    assert settled.of("bill_sharing").bills == pytest.approx([(1.20 + 0.15) / 4, (1.20 + 0.15) * 3 / 4])
