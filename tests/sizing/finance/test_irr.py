"""A rate of return solves its flows, is the only one, and otherwise the report says why there is none."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.finance.irr import calculate_irr, calculate_mirr, calculate_xirr, irr_report, xirr_report

_LAW = settings(deadline=None)
START = date(2025, 1, 1)


def _npv(rate: float, flows: list[float]) -> float:
    return math.fsum(flow * (1 + rate) ** -year for year, flow in enumerate(flows))


def _size(rate: float, flows: list[float]) -> float:
    return _npv(rate, [abs(flow) for flow in flows])


@_LAW
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_every_rate_found_is_a_root_of_the_npv_and_there_are_never_more_than_sign_changes(flows: list[float]) -> None:
    report = irr_report(flows)

    assert len(report.rates) <= report.sign_changes
    assert all(-0.99 < rate <= 10.0 + 1e-9 for rate in report.rates)
    assert list(report.rates) == sorted(report.rates)
    assert (report.rate is None) == (len(report.rates) != 1)
    for rate in report.rates:
        assert abs(_npv(rate, flows)) <= 1e-9 * _size(rate, flows)


@_LAW
@given(st.floats(1.0, 1e6), st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_an_investment_that_returns_more_than_it_took_has_one_positive_rate(paid: float, gains: list[float]) -> None:
    assume(sum(gains) > paid * 1.001)
    flows = [-paid, *gains]
    rate = calculate_irr(flows)

    if rate is None:
        assert _npv(10.0, flows) > 0.0  # it earns more than 1000 % a year
    else:
        assert rate > 0.0
        assert _npv(rate * 0.99, flows) > 0.0 > _npv(rate * 1.01, flows)


@_LAW
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20), st.integers(-20, 20))
def test_the_rate_depends_neither_on_the_currency_nor_on_the_side(flows: list[int], power: int) -> None:
    scaled = [-(2.0**power) * flow for flow in flows]

    assert irr_report(scaled).rates == pytest.approx(irr_report(flows).rates, abs=1e-7)


@_LAW
@given(st.lists(st.floats(-0.8, 5.0), min_size=2, max_size=5, unique=True))
def test_every_rate_that_was_put_in_is_found(rates: list[float]) -> None:
    logs = np.log1p(sorted(rates))
    assume(np.diff(logs).min() > 0.05)
    flows = np.poly([1 + rate for rate in rates]).tolist()

    report = irr_report(flows)

    assert report.rate is None
    assert report.rates == pytest.approx(sorted(rates), abs=1e-5)
    assert f"{len(rates)} rates" in report.words


@pytest.mark.parametrize(
    ("flows", "rates"),
    [
        ([-100, 230, -132], (0.1, 0.2)),
        ([-1, 5, -6], (1.0, 2.0)),
        ([-100, 220, -121], (0.1,)),  # it only touches 0
        ([-1, 2.3001, -1.322_615], (0.15, 0.1501)),  # both between two steps of the scan
        ([-1, 11], (10.0,)),
        ([-1, 0.011], (-0.989,)),
    ],
)
def test_rates_that_are_hard_to_see_are_found(flows: list[float], rates: tuple[float, ...]) -> None:
    assert irr_report(flows).rates == pytest.approx(rates, abs=1e-6)


@pytest.mark.parametrize(
    ("flows", "words"),
    [
        ([0, 0, 0], "every flow is 0"),
        ([-5], "all flows are paid"),
        ([5, 0, 1], "all flows are received"),
        ([-1, 1e6], "the only rate lies outside -99 %..1000 %"),
        ([-1e6, 1], "the only rate lies outside"),
        ([100, -300, 250], "change sign twice, but none lies between"),
        ([-100, 230, -132], "change sign twice and 2 rates give an NPV of 0: 10 %, 20 % a year. Judge by the NPV"),
    ],
)
def test_a_missing_rate_is_explained(flows: list[float], words: str) -> None:
    report = irr_report(flows)

    assert report.rate is None
    assert calculate_irr(flows) is None
    assert report.words.startswith("No ")
    assert words in report.words


def test_a_single_rate_is_named_and_a_loan_is_told_from_an_investment() -> None:
    assert irr_report([-100, 110]).words == "10 % a year is the only rate between -99 % and 1000 % with an NPV of 0."
    assert "what it costs" not in irr_report([-100, 110]).words
    assert "the rate it costs" in irr_report([100, -110]).words
    assert irr_report([-100, 110]).to_dict() == {
        "rate": pytest.approx(0.1),
        "rates": [pytest.approx(0.1)],
        "sign_changes": 1,
        "words": irr_report([-100, 110]).words,
    }


def test_a_hundred_years_of_months_have_a_rate() -> None:
    flows = [-1000.0] + [10.0] * 1199 + [-500.0]

    report = irr_report(flows)

    assert report.sign_changes == 2
    assert 0.01 in [round(rate, 4) for rate in report.rates]


@_LAW
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12))
def test_dated_flows_of_365_days_have_the_rate_of_yearly_ones(flows: list[int]) -> None:
    dates = [START + timedelta(days=365 * year) for year in range(len(flows))]

    assert xirr_report(dates, flows).rates == pytest.approx(irr_report(flows).rates, abs=1e-7)


def test_dated_flows_with_two_rates_have_none() -> None:
    dates = [START, date(2026, 1, 1), date(2027, 1, 1)]

    assert calculate_xirr(dates, [-100, 230, -132]) is None
    assert xirr_report(dates, [-100, 230, -132]).rates == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3])
def test_the_modified_rate_grows_what_is_paid_into_what_is_received(rate: float) -> None:
    flows = [-100.0, 30.0, -20.0, 90.0, 60.0]

    found = calculate_mirr(flows, rate, 0.1)

    paid = -sum(flow * (1 + rate) ** -year for year, flow in enumerate(flows) if flow < 0)
    received = sum(flow * 1.1 ** (4 - year) for year, flow in enumerate(flows) if flow > 0)
    assert found == pytest.approx((received / paid) ** (1 / 4) - 1)


def test_flows_of_one_sign_have_no_modified_rate() -> None:
    assert calculate_mirr([-1, -2], 0.08, 0.08) is None
    assert calculate_mirr([1, 0], 0.08, 0.08) is None


def test_bad_flows_rates_and_dates_are_named() -> None:
    with pytest.raises(InvalidInputError, match="cash_flows"):
        calculate_irr([1.0, math.nan])
    with pytest.raises(InvalidInputError) as caught:
        calculate_mirr("x", 8.0, -2.0)
    assert [problem.where for problem in caught.value.problems] == ["cash_flows", "finance_rate", "reinvest_rate"]
    with pytest.raises(InvalidInputError, match="dates"):
        calculate_xirr([START], [1.0, 2.0])


def test_a_rate_is_right_to_the_last_digits_where_the_fast_solver_stops_early() -> None:
    flows = [-100.0, 100.0, 0.0, 7.0]
    rate = calculate_irr(flows)

    assert rate is not None
    assert abs(_npv(rate, flows)) <= 1e-12 * _size(rate, flows)
