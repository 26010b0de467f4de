"""Numbers that never say more than is true."""

from __future__ import annotations

import pytest

from afterbay.cli import numbers


@pytest.mark.parametrize(
    ("value", "targets", "shown"),
    [
        (99.96, (), "99.96 %"),
        (100.0, (), "100.0 %"),
        (99.9999, (), "99.9999 %"),
        (0.04, (), "0.04 %"),
        (0.0, (), "0.0 %"),
        (98.96, (99.0,), "98.96 %"),
        (98.96, (), "99.0 %"),
        (66.7123, (), "66.7 %"),
    ],
)
def test_a_share_never_seems_to_reach_what_it_does_not(value: float, targets: tuple[float, ...], shown: str) -> None:
    assert numbers.percent(value, *targets) == shown


def test_units_thousands_and_signs() -> None:
    assert numbers.power(12.5) == "12.5 MW"
    assert numbers.energy(999.94) == "999.9 MWh"
    assert numbers.energy(29160.0) == "29,160 MWh"
    assert numbers.hours(4017.0) == "4,017 h"
    assert numbers.hours(10.25) == "10.25 h"
    assert numbers.plain(-20.0, 1) == "−20.0"
    assert numbers.plain(-0.001, 1) == "0.0"


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (46_875_000, "$46.9 M"),
        (31_250_000, "$31.3 M"),
        (9_999_000, "$10.00 M"),
        (800_400_000, "$800 M"),
        (0, "$0.00 M"),
        (-15_625_000, "−$15.6 M"),
    ],
)
def test_money_has_three_digits_that_count(usd: float, shown: str) -> None:
    assert numbers.millions(usd) == shown


def test_a_difference_has_a_sign_unless_it_is_nothing() -> None:
    assert numbers.signed("0.0 MWh") == "0.0 MWh"
    assert numbers.signed("1.0 MWh") == "+1.0 MWh"
    assert numbers.signed("−1.0 MWh") == "−1.0 MWh"
