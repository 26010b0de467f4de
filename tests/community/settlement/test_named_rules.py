"""Rules by name: every rule of the specification is there, and settles."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from community_meters import meters, random_net

from afterbay.community.settlement import (
    RULE_NAMES,
    CommunityPrice,
    MidMarketRate,
    SettlementRule,
    named_rule,
    settle,
    standard_rules,
)
from afterbay.community.sharing import Sharing
from afterbay.community.topology.records import Grid, House
from afterbay.community.topology.tariff import Tariff
from afterbay.core.errors import InvalidInputError


def test_every_name_gives_a_rule_of_this_name() -> None:
    for name in RULE_NAMES:
        rule = named_rule(name, feed_in_per_kwh=0.12)
        assert rule.name == name
        assert isinstance(rule, SettlementRule)


def test_an_unknown_rule_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(InvalidInputError, match="got 'barter', allowed: one of: utility_only, net_metering"):
        named_rule("barter")
    with pytest.raises(InvalidInputError, match="without one it is the rule utility_only"):
        named_rule("feed_in")


def test_the_sharing_is_passed_on_and_key_rules_take_its_scope() -> None:
    near = Sharing(buyers="equal", scope="transformer")

    rate, keys = named_rule("mid_market_rate", sharing=near), named_rule("static_keys", sharing=near)

    assert isinstance(rate, MidMarketRate)
    assert rate.sharing == near
    assert isinstance(keys, CommunityPrice)
    assert keys.sharing == Sharing(buyers="static", scope="transformer")


def test_all_standard_rules_settle_side_by_side_and_balance() -> None:
    grid = Grid(
        tariffs={"all": Tariff(0.3, 0.08, 0.19, 0.02, 9.0, 0.4, 0.5)},
        houses=tuple(House(f"H{number}", key=0.1) for number in range(10)),
    )

    settled = settle(meters(grid, random_net(8, 192, 10)), standard_rules(feed_in_per_kwh=0.1))

    settled.check()
    assert set(settled.rules) == set(RULE_NAMES)
    traded = settled.totals.set_index("rule")["community_bought_kwh"]
    alone = {"utility_only", "net_metering", "net_billing", "feed_in"}
    assert all((traded[rule] > 0.0) == (rule not in alone) for rule in settled.rules)
    assert np.isfinite(settled.totals.select_dtypes("number").drop(columns="local_price_per_kwh").to_numpy()).all()


def test_the_table_of_the_docs_is_what_the_program_says() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "settlement.md"
    shown = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", page.read_text("utf-8"), re.M)
    grid = Grid(
        tariffs={"flat": Tariff(0.30, 0.08)}, houses=(House("A", key=0.2), House("B", key=0.5), House("C", key=0.3))
    )
    hours = [[3.0, -1.0, 0.0], [5.0, -4.0, -2.0], [-1.0, -3.0, -2.0]]

    settled = settle(meters(grid, hours, step=timedelta(hours=1)), standard_rules(feed_in_per_kwh=0.12))

    price = settled.totals.set_index("rule")["local_price_per_kwh"]
    said = []
    for rule in settled.rules:
        bills = [f"{settled.statement(house, rule).bill_after:.2f}" for house in "ABC"]
        local = "–" if np.isnan(price[rule]) else f"{price[rule]:.3f}"
        said.append((rule, *bills, local, f"{settled.fairness(rule).gini:.2f}"))
    assert shown == said
