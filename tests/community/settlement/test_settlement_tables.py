"""Statements, fairness, tables and files of a settlement."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from community_meters import meters, random_net
from community_settling import every_rule
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.settlement import (
    MidMarketRate,
    NetMetering,
    Settlement,
    days_frame,
    fairness_of,
    gini,
    months_frame,
    settle,
    steps_frame,
)
from afterbay.community.settlement.rounding import largest_remainder
from afterbay.community.sharing import SHARING_RULES
from afterbay.community.topology.records import Grid, House
from afterbay.community.topology.tariff import Tariff
from afterbay.core.errors import InvalidInputError, MissingExtraError, NotFoundError

GRID = Grid(
    currency="CHF",
    tariffs={"all": Tariff(0.30, 0.10, 0.08, network_share=0.4, local_network_reduction=0.4, monthly_fee=3.0)},
    houses=tuple(House(f"H{number}", key=0.2) for number in range(5)),
)


def _settled(n_steps: int = 200) -> Settlement:
    return settle(meters(GRID, random_net(5, n_steps, 5)), every_rule())


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=25))
def test_the_gini_coefficient_is_the_mean_difference_of_all_pairs(savings: list[float]) -> None:
    absolute = sum(abs(one) for one in savings)
    pairs = sum(abs(a - b) for a, b in itertools.product(savings, repeat=2))
    expected = pairs / (2 * len(savings) * absolute) if absolute else 0.0

    assert gini(savings) == pytest.approx(expected, abs=1e-9)
    assert 0.0 <= gini(savings) <= 1.0


def test_the_gini_coefficient_of_known_cases() -> None:
    assert gini([5.0, 5.0, 5.0]) == 0.0
    assert gini([0.0, 0.0, 0.0, 8.0]) == pytest.approx(0.75)
    assert gini([1.0, 2.0, 3.0]) == pytest.approx(2 / 9)
    assert gini([-1.0, 1.0]) == pytest.approx(0.5)
    assert gini([]) == 0.0


def test_fairness_names_the_worst_member_and_counts_the_losers() -> None:
    fair = fairness_of([3.0, -2.0, 5.0, -2.0], ["A", "D", "B", "C"])

    assert (fair.worst_member, fair.worst_saving) == ("C", -2.0)
    assert (fair.best_member, fair.spread, fair.members_worse_off) == ("B", 7.0, 2)
    assert (fair.total_saving, fair.median_saving) == (4.0, 0.5)


def test_equal_remainders_are_rounded_by_name_not_by_place() -> None:
    assert largest_remainder(np.array([0.5, 0.5, -1.0]), 0, ["b", "a", "c"]).tolist() == [0, 1, -1]
    assert largest_remainder(np.array([0.5, 0.5, -1.0]), 0, ["a", "b", "c"]).tolist() == [1, 0, -1]


def test_the_largest_remainder_gets_the_missing_unit() -> None:
    assert largest_remainder(np.array([0.1, 0.9, -1.0]), 0, ["a", "b", "c"]).tolist() == [0, 1, -1]


def test_the_lines_of_a_statement_add_up_to_its_bill_to_the_cent() -> None:
    settled = _settled()

    for rule in settled.rules:
        for house in settled.house_names:
            statement = settled.statement(house, rule)
            assert round(sum(statement.lines.values()) + statement.bill_after, 6) == 0.0
            place = settled.house_names.index(house)
            assert statement.bill_after == pytest.approx(settled.of(rule).bills[place], abs=0.0101)
            assert statement.bill_before == pytest.approx(settled.of("utility_only").bills[place], abs=0.0101)
            assert statement.currency == "CHF"


def test_currencies_without_cents_round_to_whole_units() -> None:
    settled = _settled()

    rounded = settled.rounded_accounts("utility_only", decimals=0)

    assert sum(rounded.values()) == 0.0
    assert all(amount == round(amount) for amount in rounded.values())


def test_money_columns_are_named_after_the_currency_and_energy_in_kwh() -> None:
    bills = _settled().bills

    assert bills.attrs["units"]["saving_chf"] == "CHF"
    assert bills.attrs["units"]["community_bought_kwh"] == "kWh"
    known = {"rule", "house", "open_credit", *bills.attrs["units"]}
    assert set(bills.columns) == known
    assert (bills["bill_before_chf"] - bills["bill_after_chf"]).to_numpy() == pytest.approx(
        bills["saving_chf"].to_numpy()
    )


def test_days_months_and_bills_add_up() -> None:
    settled = _settled()

    for rule in settled.rules:
        days, months = days_frame(settled, rule), months_frame(settled, rule)
        line = "utility_purchase_chf"
        assert days[line].sum() == pytest.approx(months[line].sum())
        bills = settled.bills
        assert months[line].sum() == pytest.approx(bills.loc[bills["rule"] == rule, line].sum())
        assert list(days["day"].cat.categories) == ["2023-05-01", "2023-05-02", "2023-05-03"]


def test_the_ledger_by_step_is_indexed_by_utc_and_sums_to_zero() -> None:
    frame = steps_frame(_settled(), "bill_sharing")

    assert str(frame.index.tz) == "UTC"  # type: ignore[attr-defined]
    accounts = frame[["houses_chf", "utility_chf", "network_chf", "state_chf", "community_fund_chf"]]
    assert accounts.sum(axis=1).abs().max() < 1e-9
    assert frame.attrs["units"]["turnover_chf"] == "CHF"


def test_totals_show_the_local_price_and_fairness_of_every_rule() -> None:
    settled = settle(meters(GRID, [[2.0, -1.0, -1.0, 0.0, 0.0]]), [MidMarketRate(SHARING_RULES["proportional"])])

    totals = settled.totals.set_index("rule")

    ceiling = 0.30 * (1 - 0.4 * 0.6)
    assert totals.loc["mid_market_rate", "local_price_per_kwh"] == pytest.approx((0.10 + ceiling) / 2)
    assert np.isnan(totals.loc["utility_only", "local_price_per_kwh"])  # type: ignore[arg-type]
    assert totals.attrs["units"]["local_price_per_kwh"] == "CHF/kWh"
    assert totals.loc["utility_only", "gini"] == 0.0


def test_every_table_is_written_and_read_back(tmp_path: Path) -> None:
    settled = _settled()

    written = settled.write(tmp_path)

    names = [f"settlement_{name}.parquet" for name in ("bills", "totals", "steps", "months", "days")]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    bills = pd.read_parquet(written[0])
    pd.testing.assert_frame_equal(bills, settled.bills)
    assert bills.attrs["units"] == settled.bills.attrs["units"]
    steps = pd.read_parquet(written[2])
    one = steps[steps["rule"] == "net_billing"].set_index("time").drop(columns="rule")
    assert one.to_numpy().tobytes() == steps_frame(settled, "net_billing").to_numpy().tobytes()
    assert len(pd.read_parquet(written[4])) == len(settled.rules) * 3 * 5


def test_days_that_were_not_kept_are_neither_shown_nor_written(tmp_path: Path) -> None:
    settled = settle(meters(GRID, random_net(5, 96, 5)), [NetMetering()], daily=False)

    with pytest.raises(NotFoundError, match="daily=True"):
        days_frame(settled, "net_metering")
    assert "settlement_days.parquet" not in {path.name for path in settled.write(tmp_path)}


def test_a_folder_that_does_not_exist_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="a folder that exists"):
        _settled().write(tmp_path / "gone")

    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, globals_, locals_, fromlist, level)

    settled = _settled()
    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(MissingExtraError, match=r"afterbay\[parquet\]"):
        settled.write(tmp_path)
