"""The lines of a statement agree with each other, and the figures of merit agree with the lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.finance import (
    LINES,
    EnergyColumns,
    FinancialConfig,
    FinancialProjection,
    PlantSize,
    YearEnergy,
    calculate_npv,
    npv_columns,
)

_LAW = settings(deadline=None)
_fractions = st.floats(0.0, 0.3)
_lives = st.one_of(st.none(), st.integers(1, 30))


@st.composite
def configs(draw: st.DrawFn, /, **fixed: Any) -> FinancialConfig:
    """Draw assumptions with every option in play."""
    given: dict[str, Any] = {
        "project_life_years": draw(st.integers(1, 25)),
        "discount_rate_fraction": draw(st.floats(-0.1, 0.3)),
        "energy_price_usd_per_mwh": draw(st.floats(0.0, 400.0)),
        "energy_price_escalation_fraction": draw(st.floats(-0.1, 0.1)),
        "capacity_payment_usd_per_mw_year": draw(st.sampled_from([0.0, 40_000.0])),
        "penalty_usd_per_unserved_mwh": draw(st.sampled_from([0.0, 50.0])),
        "solar_om_usd_per_mw_year": draw(st.sampled_from([0.0, 9_000.0])),
        "inflation_fraction": draw(_fractions),
        "battery_life_years": draw(_lives),
        "inverter_life_years": draw(_lives),
        "generator_life_years": draw(_lives),
        "generator_life_hours": draw(st.one_of(st.none(), st.floats(8_784.0, 60_000.0))),
        "residual_value_fraction": draw(_fractions),
        "tax_fraction": draw(_fractions),
        "depreciation_years": draw(st.integers(1, 30)),
        "loss_carry_forward": draw(st.booleans()),
        "renewals_capitalised": draw(st.booleans()),
    }
    return FinancialConfig(**{**given, **fixed})


@st.composite
def projections(draw: st.DrawFn, /, **fixed: Any) -> FinancialProjection:
    """Draw a plant, its years and assumptions."""
    config = draw(configs(**fixed))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = ("delivered_mwh", "dg_mwh", "dg_hours", "unserved_mwh", "unserved_hours", "effective_mwh")
    years = [
        YearEnergy(
            year=year,
            fuel_l=rng.uniform(0, 1e6),
            augmentation_mwh=float(rng.integers(0, 2) * rng.uniform(0, 20)),
            **{name: rng.uniform(0.0, 8_000.0) for name in columns},
        )
        for year in range(1, config.project_life_years + 1)
    ]
    plant = PlantSize(bess_mwh=rng.uniform(0, 300), bess_mw=rng.uniform(0, 90), dg_mw=rng.uniform(0, 50), solar_mw=9.0)
    return FinancialProjection(config, plant, tuple(years))


@_LAW
@given(projections())
def test_the_lines_of_a_statement_add_up(project: FinancialProjection) -> None:
    lines = project.lines
    renewals = lines["augmentation_usd"] + lines["replacement_usd"]
    running = sum(
        lines[name]
        for name in ("battery_om_usd", "generator_om_usd", "generator_variable_usd", "solar_om_usd", "fuel_usd")
    )
    received = lines["energy_revenue_usd"] + lines["capacity_revenue_usd"] + lines["residual_value_usd"]
    paid = running + lines["penalty_usd"] + renewals + lines["tax_usd"]
    paid[0] += project.capital_usd
    scale = float(np.abs(paid).max() + np.abs(received).max()) + 1.0

    assert list(lines) == list(LINES)
    assert lines["net_cash_flow_usd"] == pytest.approx(received - paid, abs=1e-9 * scale)
    assert lines["ebitda_usd"] == pytest.approx(lines["revenue_usd"] - lines["opex_usd"])
    assert lines["cumulative_usd"][-1] == pytest.approx(lines["net_cash_flow_usd"].sum(), abs=1e-9 * scale)
    today = {name for name, column in lines.items() if column[0] != 0.0}
    assert today <= {
        "investment_usd",
        "net_cash_flow_usd",
        "discounted_usd",
        "cumulative_usd",
        "cumulative_discounted_usd",
    }


@_LAW
@given(projections())
def test_the_npv_is_that_of_the_net_flows_and_of_the_waterfall(project: FinancialProjection) -> None:
    parts = project.waterfall()
    size = sum(abs(part.usd) for part in parts) + 1.0

    assert project.npv_usd == calculate_npv(project.config.discount_rate_fraction, project.net_cash_flow_usd)
    assert project.npv_usd == pytest.approx(sum(part.usd for part in parts), abs=1e-9 * size)
    assert project.npv_usd == pytest.approx(project.lines["cumulative_discounted_usd"][-1], abs=1e-9 * size)
    assert len({part.name for part in parts}) == len(parts)


@_LAW
@given(projections(tax_fraction=0.0, discount_rate_fraction=0.0))
def test_without_tax_and_discount_the_npv_is_the_sum_of_all_flows(project: FinancialProjection) -> None:
    lines = project.lines
    expected = lines["revenue_usd"].sum() + lines["residual_value_usd"].sum() - lines["opex_usd"].sum()

    size = lines["revenue_usd"].sum() + lines["opex_usd"].sum() + project.capital_usd + 1.0
    assert project.npv_usd == pytest.approx(expected - lines["investment_usd"].sum(), abs=1e-9 * size)


@_LAW
@given(projections())
def test_depreciation_is_the_depreciable_base_within_the_horizon_and_never_negative(
    project: FinancialProjection,
) -> None:
    base, depreciation = project.lines["investment_usd"].sum(), project.lines["depreciation_usd"]

    assert depreciation.sum() == pytest.approx(base)
    assert depreciation[0] == 0.0
    assert np.all(depreciation >= 0.0)


@_LAW
@given(projections())
def test_tax_is_never_negative_and_losses_are_used_once(project: FinancialProjection) -> None:
    lines = project.lines
    profit, taxable, left = (
        lines[name] for name in ("profit_before_tax_usd", "taxable_income_usd", "loss_carried_forward_usd")
    )
    gains, losses = np.maximum(profit, 0.0).sum(), np.maximum(-profit, 0.0).sum()

    assert np.all(lines["tax_usd"] >= 0.0)
    assert np.all(taxable <= np.maximum(profit, 0.0))
    assert np.all(left >= 0.0)
    if project.config.loss_carry_forward:
        assert taxable.sum() == pytest.approx(gains - (losses - left[-1]), abs=1e-9 * (gains + losses + 1.0))
    else:
        assert taxable.sum() == pytest.approx(gains)


@_LAW
@given(projections(), st.sampled_from([0.25, 2.0, 1024.0]))
def test_twice_the_prices_are_twice_the_npv_and_the_same_return(project: FinancialProjection, factor: float) -> None:
    config = project.config
    prices = [name for name in config.to_dict() if "_usd_per_" in name]
    costs = {name: value * (factor if "_usd_per_" in name else 1.0) for name, value in config.costs.to_dict().items()}
    dearer = replace(config, costs=CapitalCosts(**costs), **{name: factor * getattr(config, name) for name in prices})

    scaled = FinancialProjection(dearer, project.plant, project.years)

    assert scaled.npv_usd == pytest.approx(factor * project.npv_usd)
    assert scaled.payback_years == pytest.approx(project.payback_years)
    assert scaled.irr.rates == pytest.approx(project.irr.rates, abs=1e-6)


@_LAW
@given(st.lists(projections(project_life_years=7, discount_rate_fraction=0.07), min_size=1, max_size=4), configs())
def test_many_plants_at_once_are_worth_what_each_is_worth(
    projects: list[FinancialProjection], config: FinancialConfig
) -> None:
    shared = replace(config, project_life_years=7)
    names = list(EnergyColumns.__dataclass_fields__)
    energy = EnergyColumns(
        **{name: np.array([[getattr(one, name) for one in project.years] for project in projects]) for name in names}
    )
    sizes = {
        name: np.array([getattr(project.plant, name) for project in projects])
        for name in ("bess_mwh", "bess_mw", "dg_mw", "solar_mw")
    }

    found = npv_columns(shared, energy, **sizes)

    for row, project in enumerate(projects):
        alone = FinancialProjection(shared, project.plant, project.years)
        assert np.array_equal(found.net_cash_flow_usd[row], alone.net_cash_flow_usd)
        assert found.capital_usd[row] == alone.capital_usd
        assert found.npv_usd[row] == pytest.approx(alone.npv_usd, rel=1e-9, abs=1e-3)
        assert found.lcoe_usd_per_mwh[row] == pytest.approx(alone.lcoe_usd_per_mwh)
        assert found.lcos_usd_per_mwh[row] == pytest.approx(alone.lcos_usd_per_mwh)
        for column, years in (
            (found.payback_years, alone.payback_years),
            (found.discounted_payback_years, alone.discounted_payback_years),
        ):
            assert np.isnan(column[row]) if years is None else column[row] == pytest.approx(years)


def test_ten_thousand_plants_are_worth_something_each() -> None:
    cases = 10_000
    rng = np.random.default_rng(seed=3)
    delivered = rng.uniform(50_000, 250_000, (cases, 20))
    idle = np.zeros((1, 1))

    found = npv_columns(
        FinancialConfig(),
        EnergyColumns(delivered_mwh=delivered, dg_mwh=idle, dg_hours=idle, fuel_l=idle, unserved_mwh=idle,
                      unserved_hours=idle, effective_mwh=np.full((cases, 1), 100.0)),
        bess_mwh=100.0, bess_mw=25.0,
    )  # fmt: skip

    assert found.npv_usd.shape == (cases,)
    assert np.corrcoef(found.npv_usd, delivered.sum(axis=1))[0, 1] > 0.9
