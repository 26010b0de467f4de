"""Present values, payback and levelised costs follow their definitions and refuse what is no money."""

from __future__ import annotations

import math
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, OutOfRangeError
from afterbay.sizing.finance.cashflow import (
    calculate_npv,
    calculate_xnpv,
    discounted_payback_years,
    payback_columns,
    payback_years,
)
from afterbay.sizing.finance.levelised import (
    annuity_usd,
    capital_recovery_fraction,
    fixed_charge_lcoe_usd_per_mwh,
    levelised_cost_usd_per_mwh,
)

RATES = st.floats(-0.5, 1.0)
GAINS = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30)
FLOWS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(st.floats(1.0, 1e6), GAINS.filter(lambda gains: max(gains) > 1.0), RATES, RATES)
def test_the_npv_of_an_investment_falls_with_the_rate(
    paid: float, gains: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    flows = [-paid, *gains]

    assert calculate_npv(high, flows) <= calculate_npv(low, flows) * (
        1 + math.copysign(1e-12, calculate_npv(low, flows))
    )
    assert calculate_npv(1.0, flows) < calculate_npv(0.0, flows)


@given(FLOWS, FLOWS, RATES, st.floats(-100.0, 100.0))
def test_npv_is_linear_in_the_flows(one: list[float], other: list[float], rate: float, factor: float) -> None:
    length = min(len(one), len(other))
    first, second = np.array(one[:length]), np.array(other[:length])

    whole = calculate_npv(rate, factor * first + second)

    size = calculate_npv(rate, abs(factor) * np.abs(first) + np.abs(second))
    assert whole == pytest.approx(
        factor * calculate_npv(rate, first) + calculate_npv(rate, second), abs=1e-9 * size + 1e-9
    )


@given(FLOWS)
def test_without_a_rate_the_npv_is_the_sum(flows: list[float]) -> None:
    assert calculate_npv(0.0, flows) == pytest.approx(math.fsum(flows), abs=1e-6)


def test_the_flow_of_today_is_not_discounted() -> None:
    assert calculate_npv(0.25, [-7.0]) == -7.0
    assert calculate_npv(0.25, [0.0, 125.0]) == pytest.approx(100.0)


@given(FLOWS, st.floats(0.001, 1000.0))
def test_payback_does_not_depend_on_the_currency(flows: list[float], factor: float) -> None:
    whole = [round(flow) for flow in flows]
    power = 2.0 ** round(math.log2(factor))  # scaled exactly, so that a sum of 0 stays one

    assert payback_years([power * flow for flow in whole]) == payback_years(whole)


@given(st.floats(1.0, 1e6), st.lists(st.floats(1.0, 1e5), min_size=1, max_size=30), st.floats(0.0, 1.0))
def test_discounting_never_brings_payback_forward(paid: float, gains: list[float], rate: float) -> None:
    flows = [-paid, *gains]
    simple, discounted = payback_years(flows), discounted_payback_years(rate, flows)

    assert discounted is None or (simple is not None and simple <= discounted * (1 + 1e-9))


@pytest.mark.parametrize(
    ("flows", "years"),
    [
        ([-100, 50, 50], 2.0),
        ([-100, 40, 120], 1.5),
        ([-100, 150, -100, 100], 2 / 3),  # the first time, whatever follows
        ([0, 0, 0], None),
        ([5], None),
        ([5, 5], None),  # nothing was put in
        ([0, -10, 20], 1.5),
        ([-100, 50], None),
    ],
)
def test_payback_is_linear_within_the_year(flows: list[float], years: float | None) -> None:
    assert payback_years(flows) == (None if years is None else pytest.approx(years))


@given(st.lists(FLOWS.map(lambda flows: (flows * 8)[:8]), min_size=1, max_size=6))
def test_payback_of_many_rows_is_that_of_each(rows: list[list[float]]) -> None:
    found = payback_columns(np.array(rows))

    assert [None if np.isnan(years) else years for years in found] == [payback_years(row) for row in rows]


@given(st.floats(0.0, 1.0), st.integers(1, 60), st.floats(1.0, 1e9))
def test_an_annuity_repays_exactly_what_was_lent(rate: float, years: int, lent: float) -> None:
    payments = [annuity_usd(lent, rate, years)] * years

    assert calculate_npv(rate, [-lent, *payments]) == pytest.approx(0.0, abs=1e-9 * lent)


def test_without_interest_a_loan_is_repaid_in_equal_parts() -> None:
    assert capital_recovery_fraction(0.0, 20) == 1 / 20
    assert capital_recovery_fraction(1e-17, 20) == pytest.approx(1 / 20)
    assert capital_recovery_fraction(-0.01, 20) < 1 / 20


def test_the_fixed_charge_method_agrees_with_levelised_flows() -> None:
    even = fixed_charge_lcoe_usd_per_mwh(
        capital_usd=1e6,
        fixed_charge_fraction=capital_recovery_fraction(0.08, 20),
        fixed_usd_per_year=2e4,
        variable_usd_per_mwh=3.0,
        mwh_per_year=5e3,
    )
    yearly = levelised_cost_usd_per_mwh(0.08, [1e6] + [2e4 + 3.0 * 5e3] * 20, [0.0] + [5e3] * 20)

    assert yearly == pytest.approx(even)


def test_without_energy_there_is_no_cost_per_energy() -> None:
    assert levelised_cost_usd_per_mwh(0.08, [100.0, 1.0], [0.0, 0.0]) is None


@given(FLOWS, st.floats(-0.5, 1.0))
def test_dated_flows_of_365_days_are_yearly_flows(flows: list[float], rate: float) -> None:
    start = date(2025, 1, 1).toordinal()
    dates = [date.fromordinal(start + 365 * year) for year in range(len(flows))]

    assert calculate_xnpv(rate, dates, flows) == pytest.approx(calculate_npv(rate, flows), rel=1e-9, abs=1e-6)


def test_dated_flows_may_come_in_any_order_after_the_first_and_share_a_day() -> None:
    first, second = date(2025, 1, 1), datetime(2026, 1, 1, 12)

    mixed = calculate_xnpv(0.25, [first, second, first, second], [-50, 60, -50, 65])

    assert mixed == pytest.approx(0.0)


@pytest.mark.parametrize(("rate", "move"), [(8.0, r"for 8 % give 0\.08"), (-1.0, "sign"), (-3, "sign")])
def test_an_impossible_rate_is_refused_with_what_was_meant(rate: float, move: str) -> None:
    with pytest.raises(InvalidInputError, match=move):
        calculate_npv(rate, [-1.0, 2.0])


@pytest.mark.parametrize("rate", [math.nan, math.inf, True, "0.08", None, 1j, 10**400])
def test_a_rate_that_is_no_number_is_refused(rate: object) -> None:
    with pytest.raises(InvalidInputError, match="rate"):
        calculate_npv(rate, [-1.0, 2.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("flows", [[], [1.0, math.nan], [1e300], "text", [[1.0]], None, [1j], [1.0] * 2_000, [10**400]])
def test_flows_that_are_none_are_refused(flows: object) -> None:
    with pytest.raises(InvalidInputError, match="cash_flows"):
        calculate_npv(0.08, flows)  # type: ignore[arg-type]


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        levelised_cost_usd_per_mwh(9.0, [math.nan], [-1.0])
    assert [problem.where for problem in caught.value.problems] == ["rate", "costs_usd", "energy_mwh"]

    with pytest.raises(InvalidInputError) as caught:
        fixed_charge_lcoe_usd_per_mwh(
            capital_usd=-1, fixed_charge_fraction=7, fixed_usd_per_year=0, variable_usd_per_mwh=0, mwh_per_year=1
        )
    assert [problem.where for problem in caught.value.problems] == ["capital_usd", "fixed_charge_fraction"]


def test_a_rate_at_which_values_leave_the_floats_is_refused() -> None:
    with pytest.raises(OutOfRangeError, match="further from -1"):
        calculate_npv(-0.9999, [1.0] * 100)


def test_at_a_negative_rate_large_flows_are_still_paid_back() -> None:
    assert discounted_payback_years(-0.9, [-1e15, *[0.0] * 18, 1e15]) == pytest.approx(18.0)


def test_series_of_different_length_and_energy_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="give today's energy too"):
        levelised_cost_usd_per_mwh(0.08, [1.0, 2.0], [1.0])
    with pytest.raises(InvalidInputError, match="periods"):
        capital_recovery_fraction(0.08, 0)
    with pytest.raises(InvalidInputError, match="without energy"):
        fixed_charge_lcoe_usd_per_mwh(
            capital_usd=1, fixed_charge_fraction=0.1, fixed_usd_per_year=0, variable_usd_per_mwh=0, mwh_per_year=0
        )


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ([date(2025, 1, 1)], "1 dates for 2 amounts"),
        (None, "None in row 0"),
        (["2025-01-01", date(2026, 1, 1)], "fromisoformat"),
        ([date(2026, 1, 1), date(2025, 1, 1)], "earliest date first"),
    ],
)
def test_dates_that_do_not_fit_are_refused(dates: list[date], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        calculate_xnpv(0.08, dates, [-1.0, 2.0])
