"""Capital cost is linear in every size, priced by inputs, and refuses what is not a size."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.cost import CapitalCosts, capital_cost_usd

WITHOUT_INSTALLATION = CapitalCosts(installation_fraction=0.0)
SIZES = st.floats(0.0, 5_000.0)


@pytest.mark.parametrize(
    ("capacity_mwh", "power_mw", "dg_mw", "million_usd"),
    [(50, 12.5, 0, 15.6), (100, 25, 0, 31.3), (250, 62.5, 0, 78.1), (150, 37.5, 5, 47.9), (250, 62.5, 10, 80.1)],
)
def test_the_published_demo_prices_come_out_without_installation(
    capacity_mwh: float, power_mw: float, dg_mw: float, million_usd: float
) -> None:
    usd = capital_cost_usd(capacity_mwh, power_mw, dg_mw, costs=WITHOUT_INSTALLATION)

    assert usd / 1e6 == pytest.approx(million_usd, abs=0.0501)


def test_installation_adds_fifteen_percent_unless_said_otherwise() -> None:
    assert capital_cost_usd(100, 50, 10) == pytest.approx((30e6 + 2.5e6 + 2e6) * 1.15)


@given(SIZES, SIZES, SIZES, SIZES)
def test_the_price_of_a_plant_is_the_sum_of_its_parts(energy: float, power: float, dg: float, solar: float) -> None:
    costs = CapitalCosts(solar_usd_per_mw=600_000.0)
    parts = [(energy, 0, 0, 0), (0, power, 0, 0), (0, 0, dg, 0), (0, 0, 0, solar)]

    whole = capital_cost_usd(energy, power, dg, solar, costs=costs)

    assert whole == pytest.approx(sum(capital_cost_usd(*part, costs=costs) for part in parts))


@given(SIZES, st.floats(0.1, 1_000.0))
def test_more_of_anything_never_costs_less(size: float, more: float) -> None:
    assert capital_cost_usd(size + more, size, size) > capital_cost_usd(size, size, size)
    assert capital_cost_usd(size, size + more, size) > capital_cost_usd(size, size, size)
    assert capital_cost_usd(size, size, size + more) > capital_cost_usd(size, size, size)


def test_solar_is_free_until_it_is_priced() -> None:
    assert capital_cost_usd(100, 50, 10, 67) == capital_cost_usd(100, 50, 10)
    assert capital_cost_usd(0, 0, 0, 2, costs=CapitalCosts(solar_usd_per_mw=1e6)) == pytest.approx(2.3e6)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, True, "100", None, 10**400])
def test_a_size_that_is_none_is_refused_by_name(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="power_mw"):
        capital_cost_usd(100, bad, 0)  # type: ignore[arg-type]


def test_all_wrong_prices_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        CapitalCosts(bess_usd_per_mwh=-1.0, dg_usd_per_mw=math.nan)

    assert [problem.where for problem in caught.value.problems] == ["costs.bess_usd_per_mwh", "costs.dg_usd_per_mw"]


def test_an_installation_share_in_percent_is_caught() -> None:
    with pytest.raises(InvalidInputError, match=r"for 15 % give 0\.15"):
        CapitalCosts(installation_fraction=15.0)


def test_every_assumption_can_be_printed() -> None:
    printed = json.loads(json.dumps(CapitalCosts().to_dict()))

    assert CapitalCosts(**printed) == CapitalCosts()
