"""The rules of a statement by hand: when what is paid, what is depreciated and taxed, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.cost import CapitalCosts, capital_cost_usd
from afterbay.sizing.finance import (
    LINES,
    EnergyColumns,
    FinancialConfig,
    FinancialProjection,
    PlantSize,
    YearEnergy,
    npv_columns,
)

PLANT = PlantSize(bess_mwh=100.0, bess_mw=25.0, dg_mw=10.0)
FREE = FinancialConfig(
    project_life_years=4,
    depreciation_years=4,
    costs=CapitalCosts(bess_usd_per_mwh=1_000, bess_usd_per_mw=0, dg_usd_per_mw=0, installation_fraction=0),
    penalty_usd_per_unserved_hour=0.0,
    battery_om_usd_per_mwh_year=0.0,
    generator_om_usd_per_mw_year=0.0,
    tax_fraction=0.0,
)
"""100,000 USD to build, and nothing to pay but what a test asks for."""


def _year(year: int, **given: float) -> YearEnergy:
    nothing = dict.fromkeys(
        ("delivered_mwh", "dg_mwh", "dg_hours", "fuel_l", "unserved_mwh", "unserved_hours", "effective_mwh"), 0.0
    )
    return YearEnergy(year=year, **{**nothing, **given})


def _years(count: int, **given: float) -> list[YearEnergy]:
    return [_year(year, **given) for year in range(1, count + 1)]


def _project(config: FinancialConfig, **given: float) -> FinancialProjection:
    return FinancialProjection(config, PLANT, _years(config.project_life_years, **given))


def test_capital_is_that_of_the_cost_model() -> None:
    assert _project(FinancialConfig()).capital_usd == capital_cost_usd(100.0, 25.0, 10.0)


def test_prices_rise_from_year_two_on_each_at_its_own_rate() -> None:
    config = replace(
        FREE,
        energy_price_usd_per_mwh=10.0,
        energy_price_escalation_fraction=-0.5,
        fuel_escalation_fraction=0.1,
        inflation_fraction=1.0,
        battery_om_usd_per_mwh_year=3.0,
    )

    lines = _project(config, delivered_mwh=8.0, fuel_l=2.0, effective_mwh=1.0).lines

    assert lines["energy_revenue_usd"] == pytest.approx([0, 80, 40, 20, 10])
    assert lines["fuel_usd"] == pytest.approx([0, 3, 3.3, 3.63, 3.993])
    assert lines["battery_om_usd"] == pytest.approx([0, 3, 6, 12, 24])


def test_both_penalties_add_up() -> None:
    config = replace(FREE, penalty_usd_per_unserved_mwh=7.0, penalty_usd_per_unserved_hour=11.0)

    assert _project(config, unserved_mwh=3.0, unserved_hours=2.0).lines["penalty_usd"][1] == 43.0


def test_augmentation_is_paid_in_its_year() -> None:
    years = _years(4)
    years[2] = _year(3, augmentation_mwh=2.0)

    project = FinancialProjection(FREE, PLANT, tuple(years))

    assert project.lines["augmentation_usd"].tolist() == [0, 0, 0, 500_000, 0]


@pytest.mark.parametrize(
    ("lives", "dated"),
    [
        ({"battery_life_years": 2}, [0, 0, 100 * 250_000, 0, 0]),  # year 4 is the end: nothing is bought
        ({"inverter_life_years": 1}, [0, *[25 * 50_000] * 3, 0]),
        ({"generator_life_years": 3}, [0, 0, 0, 10 * 200_000, 0]),
        ({"generator_life_hours": 3_000.0}, [0, 0, 10 * 200_000, 10 * 200_000, 0]),  # 4,000, then 1,000 + 2,000 h
        ({"generator_life_hours": 4_500.0, "generator_life_years": 2}, [0, 0, 10 * 200_000, 0, 0]),
        ({}, [0, 0, 0, 0, 0]),
    ],
)
def test_a_part_is_renewed_at_the_end_of_its_life_but_not_at_the_end_of_the_project(
    lives: dict[str, Any], dated: list[float]
) -> None:
    assert _project(replace(FREE, **lives), dg_hours=2_000.0).lines["replacement_usd"].tolist() == dated


def test_replacements_of_the_physical_results_are_priced() -> None:
    years = _years(4)
    years[1] = _year(2, battery_replaced_mwh=1.0, inverter_replaced_mw=2.0, generator_replaced_mw=3.0)

    project = FinancialProjection(FREE, PLANT, tuple(years))

    assert project.lines["replacement_usd"].tolist() == [0, 0, 250_000 + 100_000 + 600_000, 0, 0]


def test_a_loss_lowers_the_tax_of_later_years() -> None:
    config = replace(FREE, energy_price_usd_per_mwh=1.0, tax_fraction=0.5, depreciation_years=2)
    delivered = (30_000.0, 40_000.0, 25_000.0, 60_000.0)
    years = tuple(_year(year, delivered_mwh=mwh) for year, mwh in enumerate(delivered, 1))

    with_losses = FinancialProjection(config, PLANT, years).lines
    without = FinancialProjection(replace(config, loss_carry_forward=False), PLANT, years).lines

    assert with_losses["profit_before_tax_usd"].tolist() == [0, -20_000, -10_000, 25_000, 60_000]
    assert with_losses["loss_carried_forward_usd"].tolist() == [0, 20_000, 30_000, 5_000, 0]
    assert with_losses["tax_usd"].tolist() == [0, 0, 0, 0, 27_500]
    assert without["tax_usd"].tolist() == [0, 0, 0, 12_500, 30_000]


def test_a_horizon_shorter_than_the_depreciation_writes_the_rest_off_against_the_residual_value() -> None:
    config = replace(FREE, depreciation_years=10, residual_value_fraction=0.3, tax_fraction=0.5)

    lines = _project(config, delivered_mwh=1_000.0).lines

    assert lines["depreciation_usd"].tolist() == [0, 10_000, 10_000, 10_000, 70_000]
    assert lines["residual_value_usd"].tolist() == [0, 0, 0, 0, 30_000]
    assert lines["profit_before_tax_usd"][-1] == 100_000 + 30_000 - 70_000


def test_capitalised_renewals_are_depreciated_and_cost_the_same_cash() -> None:
    years = _years(4)
    years[1] = _year(2, augmentation_mwh=0.1)
    expensed = FinancialProjection(FREE, PLANT, tuple(years))
    capitalised = FinancialProjection(replace(FREE, renewals_capitalised=True), PLANT, tuple(years))

    assert capitalised.lines["investment_usd"].tolist() == [100_000, 0, 25_000, 0, 0]
    assert capitalised.lines["opex_usd"].tolist() == [0] * 5
    assert capitalised.lines["depreciation_usd"].tolist() == [0, 25_000, 25_000, 31_250, 43_750]
    assert capitalised.npv_usd == expensed.npv_usd
    assert capitalised.lcos_usd_per_mwh is None
    assert capitalised.roi_pct == expensed.roi_pct == -125.0


def test_levelised_costs_count_what_they_say() -> None:
    config = replace(
        FREE,
        discount_rate_fraction=0.0,
        residual_value_fraction=0.2,
        penalty_usd_per_unserved_hour=100.0,
        energy_price_usd_per_mwh=0.0,
    )

    project = _project(config, delivered_mwh=250.0, unserved_hours=10.0, fuel_l=0.0)

    assert project.lcoe_usd_per_mwh == pytest.approx((100_000 - 20_000) / 1_000)
    assert project.lcos_usd_per_mwh == pytest.approx((100_000 + 4_000) / 1_000)


def test_at_a_price_of_its_lcoe_an_untaxed_plant_is_worth_nothing() -> None:
    cost = _project(replace(FREE, generator_om_usd_per_mw_year=100.0), delivered_mwh=300.0).lcoe_usd_per_mwh
    assert cost is not None

    worth = _project(
        replace(FREE, generator_om_usd_per_mw_year=100.0, energy_price_usd_per_mwh=cost), delivered_mwh=300.0
    )

    assert worth.npv_usd == pytest.approx(0.0, abs=1e-6)
    assert worth.irr_fraction == pytest.approx(FREE.discount_rate_fraction)
    assert worth.discounted_payback_years is None or worth.discounted_payback_years == pytest.approx(4.0)


def test_a_plant_that_never_earns_says_so() -> None:
    project = _project(FREE)

    assert project.irr_fraction is None
    assert project.mirr_fraction is None
    assert "all flows are paid" in project.irr.words
    assert project.payback_years is None
    assert "never" in repr(project)
    assert _project(replace(FREE, costs=CapitalCosts(0, 0, 0, 0, 0))).roi_pct is None


def test_a_plant_that_earns_is_told_in_one_line() -> None:
    project = _project(FREE, delivered_mwh=400.0)

    assert repr(project).startswith("<FinancialProjection: NPV 0.0 MUSD over 4 years at 8 %, paid back after 2.5 years")
    assert project.mirr_fraction is not None
    assert project.irr_fraction is not None
    assert FREE.discount_rate_fraction < project.mirr_fraction < project.irr_fraction


def test_everything_can_be_stored_and_shown() -> None:
    project = _project(FinancialConfig(), delivered_mwh=100_000.0)
    frame = project.to_frame()

    stored = json.loads(json.dumps(project.to_dict()))

    assert list(frame.columns) == list(LINES)
    assert list(frame.index) == stored["years"] == list(range(21))
    assert frame.attrs["units"]["tax_usd"] == "USD"
    assert stored["npv_usd"] == pytest.approx(sum(part["usd"] for part in stored["waterfall"]))
    assert stored["totals"]["tax_usd"] == pytest.approx(frame["tax_usd"].sum())
    assert not {"cumulative_usd", "loss_carried_forward_usd"} & set(stored["totals"])
    assert {row["name"] for row in stored["assumptions"]} >= {"tax_fraction", "costs.bess_usd_per_mwh"}


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (_years(3), r"1, 2, 3, allowed: 1\.\.4 in order"),
        (_years(5), r"1\.\.4 in order"),
        (_years(4)[::-1], r"4, 3, 2, 1, allowed"),
        ([], "no year"),
        ([{"year": 1}], "YearEnergy of each year"),
        ("four", "YearEnergy of each year"),
        (None, "YearEnergy of each year"),
    ],
)
def test_years_that_are_not_those_of_the_project_are_refused(years: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        FinancialProjection(FREE, PLANT, years)


def test_what_is_no_config_or_plant_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="FinancialConfig"):
        FinancialProjection({}, PLANT, tuple(_years(4)))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="EnergyColumns"):
        npv_columns(FREE, {}, bess_mwh=1.0, bess_mw=1.0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="PlantSize"):
        FinancialProjection(FREE, 100.0, tuple(_years(4)))  # type: ignore[arg-type]


def test_a_life_stated_twice_or_shorter_than_a_year_is_refused() -> None:
    config = replace(FREE, battery_life_years=2, generator_life_hours=1_000.0)
    years = tuple(replace(year, battery_replaced_mwh=1.0, dg_hours=2_000.0) for year in _years(4))

    with pytest.raises(InvalidInputError) as caught:
        FinancialProjection(config, PLANT, years)

    assert [problem.where for problem in caught.value.problems] == ["battery_replaced_mwh", "generator_life_hours"]


def test_amounts_beyond_reason_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="check the units"):
        _project(replace(FREE, energy_price_usd_per_mwh=1e9), delivered_mwh=1e9)


def test_wrong_columns_are_named() -> None:
    good = {name: np.zeros((2, 3)) for name in ("delivered_mwh", "dg_mwh", "fuel_l", "unserved_mwh", "unserved_hours")}

    with pytest.raises(InvalidInputError) as caught:
        EnergyColumns(**good, dg_hours=np.full((2, 3), 9_000.0), effective_mwh=np.array([1.0]))
    assert [problem.where for problem in caught.value.problems] == ["dg_hours", "effective_mwh"]
    with pytest.raises(InvalidInputError, match=r"one shape \(n_cases, n_years\)"):
        EnergyColumns(**good, dg_hours=np.zeros((3, 3)), effective_mwh=np.zeros((2, 3)))
    with pytest.raises(InvalidInputError, match="delivered_mwh"):
        EnergyColumns(
            **{**good, "delivered_mwh": "much"},  # type: ignore[arg-type]
            dg_hours=np.zeros((2, 3)), effective_mwh=np.zeros((2, 3)),
        )  # fmt: skip


def test_columns_and_sizes_must_fit_the_project() -> None:
    idle = np.zeros((2, 3))
    energy = EnergyColumns(
        delivered_mwh=idle, dg_mwh=idle, dg_hours=idle, fuel_l=idle,
        unserved_mwh=idle, unserved_hours=idle, effective_mwh=idle,
    )  # fmt: skip

    with pytest.raises(InvalidInputError, match="3 years, allowed: 4 years"):
        npv_columns(FREE, energy, bess_mwh=1.0, bess_mw=1.0)
    with pytest.raises(InvalidInputError) as caught:
        npv_columns(FREE, energy, bess_mwh=[1.0, 2.0, 3.0], bess_mw=-1.0)
    assert [problem.where for problem in caught.value.problems] == ["bess_mw", "bess_mwh"]


def test_all_problems_of_a_year_and_of_a_plant_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        _year(0, delivered_mwh=-1.0, fuel_l=math.nan, dg_hours=8_785.0, effective_mwh="1")  # type: ignore[arg-type]
    found = [problem.where for problem in caught.value.problems]
    assert found == ["year", "delivered_mwh", "dg_hours", "fuel_l", "effective_mwh"]

    with pytest.raises(InvalidInputError) as caught:
        PlantSize(bess_mwh=-1.0, bess_mw=True, dg_mw=1e300)
    assert [problem.where for problem in caught.value.problems] == ["bess_mwh", "bess_mw", "dg_mw"]
