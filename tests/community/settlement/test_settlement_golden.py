"""Published cases: PUB-02, 03, 06, 07 and 08."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pytest
from community_meters import meters

from afterbay.community.settlement import (
    BillSharing,
    CommunityPrice,
    fee_chain,
    order_mid_market_rate,
    order_supply_demand_price,
    settle,
)
from afterbay.community.sharing import SHARING_RULES
from afterbay.community.topology.records import Grid, House, Transformer
from afterbay.community.topology.tariff import Tariff
from shared_data import shared_path


@cache
def _cases() -> dict[str, Any]:
    cases = json.loads(shared_path("golden/community_cases.json").read_text(encoding="utf-8"))["cases"]
    return {case["id"]: case for case in cases}


def _orders(orders: list[dict[str, float]]) -> list[tuple[float, float]]:
    return [(order["qty_kwh"], order["price"]) for order in orders]


def test_pub_02_mid_market_rate_from_orders() -> None:
    case = _cases()["PUB-02"]
    bids, offers = _orders(case["input"]["bids"]), _orders(case["input"]["offers"])
    crossing = [*offers[:2], (offers[2][0], 50.0)]
    expected = {variant["when"]: variant["expected_price"] for variant in case["variants"]}

    assert order_mid_market_rate(bids, offers) == pytest.approx(case["expected"]["price"], abs=case["tolerance"])
    assert order_mid_market_rate([], offers) == expected["no bids"]
    assert order_mid_market_rate(bids, []) == expected["no offers"]
    assert order_mid_market_rate([], []) == expected["neither"]
    assert order_mid_market_rate(bids, crossing) == expected["offer 6 priced 50 (curves cross inside the book)"]


def test_pub_02_divisor_of_three_is_a_third_of_the_same_window() -> None:
    case = _cases()["PUB-02"]
    bids, offers = _orders(case["input"]["bids"]), _orders(case["input"]["offers"])

    third = order_mid_market_rate(bids, offers, divisor=3.0)

    assert third == pytest.approx(case["expected"]["price_with_divisor_3"], abs=case["tolerance"])


def test_pub_03_supply_demand_ratio_from_orders() -> None:
    case = _cases()["PUB-03"]
    bids, offers = _orders(case["input"]["bids"]), _orders(case["input"]["offers"])
    more = [(500.0, 0.0), (500.0, 10.0), (1000.0, 15.0)]
    tolerance = case["tolerance"]

    assert order_supply_demand_price(bids, offers) == pytest.approx(case["expected"]["price"], abs=tolerance)
    with_compensation = order_supply_demand_price(bids, offers, compensation_fraction=0.5)
    assert with_compensation == pytest.approx(case["expected"]["price_with_compensation_0.5"], abs=tolerance)
    assert order_supply_demand_price(bids, more) == case["variants"][0]["expected_price"]


def test_pub_06_static_keys_and_bill() -> None:
    case = _cases()["PUB-06"]
    given, expected = case["input"], case["expected"]
    retail = given["retail_rate"] + given["import_grid_fee"]
    tariff = Tariff(
        retail_per_kwh=retail,
        feed_in_per_kwh=given["feed_in_tariff"],
        tax_per_kwh=sum(given["per_kwh_fees"].values()),
        monthly_fee=given["monthly_fee"],
        network_share=given["import_grid_fee"] / retail,
        # The default of the published rule: a local trade pays 72 % of the grid fee.
        local_network_reduction=0.28,
        local_tax_share=0.0,
    )
    homes = given["homes"]
    grid = Grid(tariffs={"all": tariff}, houses=tuple(House(home["id"], key=home["coefficient"]) for home in homes))
    net = [[home["production"] - home["consumption"] for home in homes]]
    rule = CommunityPrice(SHARING_RULES["static"], position_fraction=1.0, network_fee_to="seller", name="keys")

    settled = settle(meters(grid, net, start=datetime(2025, 5, 1, tzinfo=UTC)), [rule])

    settled.check()
    bills: Any = settled.bills.set_index(["rule", "house"])
    h1, h2 = bills.loc[("keys", "H1")], bills.loc[("keys", "H2")]
    close = {"abs": case["tolerance"]}
    assert h1["community_sold_kwh"] == pytest.approx(expected["H1"]["sold_to_community"], **close)
    assert h1["utility_sold_kwh"] == pytest.approx(expected["H1"]["sold_to_grid"], **close)
    assert h1["community_sale_eur"] == pytest.approx(expected["H1"]["earned_from_community"], **close)
    assert h1["utility_sale_eur"] == pytest.approx(expected["H1"]["earned_from_grid"], **close)
    assert h1["fixed_fee_eur"] == pytest.approx(-expected["H1"]["monthly_fee_share_of_slot"], abs=1e-9)
    assert h1["bill_after_eur"] == pytest.approx(expected["H1"]["bill"], **close)
    assert h1["bill_before_eur"] == pytest.approx(expected["H1"]["bill_without_community"], **close)
    assert h2["community_bought_kwh"] == pytest.approx(expected["H2"]["bought_from_community"], **close)
    assert h2["community_purchase_eur"] == pytest.approx(-expected["H2"]["spent_to_community"], **close)
    assert h2["utility_bought_kwh"] == pytest.approx(expected["H2"]["bought_from_grid"], **close)
    assert h2["bill_after_eur"] == pytest.approx(expected["H2"]["bill"], **close)
    assert h2["bill_before_eur"] == pytest.approx(expected["H2"]["bill_without_community"], **close)
    assert h1["bill_after_eur"] + h2["bill_after_eur"] == pytest.approx(expected["community_bill"], **close)
    assert settled.savings("keys").sum() == pytest.approx(expected["savings"], **close)


def test_pub_06_cascading_keys_trade_all_that_the_note_says() -> None:
    homes = _cases()["PUB-06"]["input"]["homes"]
    grid = Grid(
        tariffs={"all": Tariff(30.0, 7.0)}, houses=tuple(House(home["id"], key=home["coefficient"]) for home in homes)
    )
    rule = CommunityPrice(SHARING_RULES["cascade"], name="cascade")

    settled = settle(meters(grid, [[2.0, -7.0]]), [rule])

    assert settled.totals.set_index("rule").loc["cascade", "community_bought_kwh"] == pytest.approx(2.0)
    assert settled.totals.set_index("rule").loc["cascade", "utility_sold_kwh"] == pytest.approx(0.0)


@pytest.mark.parametrize("pay_as_offer", [False, True])
def test_pub_07_fee_chain(pay_as_offer: bool) -> None:
    case = _cases()["PUB-07"]
    given, expected = case["input"], case["expected"]
    fees = [0.0, 0.01, 0.02, 0.01, 0.0]

    chain = fee_chain(fees, 2, given["bid_rate"], given["offer_rate"], pay_as_offer=pay_as_offer)

    assert chain.matched
    assert chain.bid_at_match == pytest.approx(expected["bid_at_match_level"])
    assert chain.offer_at_match == pytest.approx(expected["offer_at_match_level"])
    assert chain.total_fee == pytest.approx(expected["total_fee"])
    if pay_as_offer:
        assert chain.prices == pytest.approx([0.14, 0.14, 0.13, 0.11, 0.10])
    else:
        assert chain.prices == pytest.approx(list(expected["trade_price_by_market"].values()))
        assert chain.buyer_pays == pytest.approx(expected["buyer_pays"])
        assert chain.seller_receives == pytest.approx(expected["seller_receives"])


def test_pub_07_fees_of_the_tree_are_those_of_the_chain() -> None:
    given, expected = _cases()["PUB-07"]["input"], _cases()["PUB-07"]["expected"]
    grid = Grid(
        tariffs={"all": Tariff(1.0, 0.0)},
        local_fee_per_kwh=0.02,
        transformers=(
            Transformer("N1", fee_per_kwh=0.01, houses=(House("H1"),)),
            Transformer("N2", fee_per_kwh=0.01, houses=(House("H2"),)),
        ),
    )
    at_match = expected["bid_at_match_level"] - 0.02
    rule = CommunityPrice(SHARING_RULES["proportional"], per_kwh=at_match, name="trade")

    settled = settle(meters(grid, [[-given["energy_kwh"], given["energy_kwh"]]]), [rule])

    assert -settled.of("trade").bills == pytest.approx([-expected["buyer_pays"], expected["seller_receives"]])
    assert settled.accounts("trade")["network"] == pytest.approx(expected["total_fee"])


def test_pub_08_bill_sharing() -> None:
    case = _cases()["PUB-08"]
    given, expected = case["input"], case["expected"]
    net = (np.array(given["pv_kw"]) - np.array(given["load_kw"])).T * given["dt_hours"]
    grid = Grid(
        tariffs={"all": Tariff(given["retail"], given["feed_in"])},
        houses=tuple(House(f"H{number}") for number in range(4)),
    )

    settled = settle(meters(grid, net), [BillSharing(SHARING_RULES["proportional"], period="run")])

    settled.check()
    assert settled.of("bill_sharing").bills == pytest.approx(expected["bills"], abs=case["tolerance"])
    assert settled.of("utility_only").bills == pytest.approx(expected["bills_no_community"], abs=case["tolerance"])
    total = settled.totals.set_index("rule").loc["bill_sharing"]
    assert total["utility_bought_kwh"] == pytest.approx(expected["grid_import_kwh"])
    assert total["utility_sold_kwh"] == pytest.approx(expected["grid_export_kwh"])
    assert -total["houses_eur"] == pytest.approx(expected["sum_bills"])
