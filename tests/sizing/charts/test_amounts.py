from __future__ import annotations

import pytest

from afterbay.sizing.charts import amounts


@pytest.mark.parametrize(
    ("value", "shown"),
    [(100.0, "100.0"), (99.96, "99.96"), (99.9999, "99.9999"), (0.0, "0.0"), (0.04, "0.04"), (87.54, "87.5")],
)
def test_percent_never_claims_a_bound_that_is_not_reached(value: float, shown: str) -> None:
    assert amounts.percent(value) == f"{shown}\u00a0%"


@pytest.mark.parametrize(
    ("usd", "shown"),
    [(48_912_000.0, "$48.9"), (5_790_000.0, "$5.79"), (146_400_000.0, "$146"), (0.0, "$0.00"), (1.5e9, "$1,500")],
)
def test_money_has_three_significant_digits(usd: float, shown: str) -> None:
    assert amounts.millions_usd(usd) == f"{shown}\u00a0M"


def test_energy_loses_its_digit_at_a_thousand() -> None:
    assert amounts.energy(999.94) == "999.9\u00a0MWh"
    assert amounts.energy(999.96) == "1,000\u00a0MWh"


def test_a_negative_power_has_a_real_minus() -> None:
    assert amounts.power(-37.5) == "\u221237.5\u00a0MW"


def test_sizes_show_a_digit_only_if_they_have_one() -> None:
    assert amounts.size(150.0, "MWh") == "150\u00a0MWh"
    assert amounts.size(12.5, "MW") == "12.5\u00a0MW"


def test_hours_keep_their_quarters() -> None:
    assert amounts.hours(3.0) == "3\u00a0h"
    assert amounts.hours(3.25) == "3.25\u00a0h"
    assert amounts.hours(1.5) == "1.5\u00a0h"
