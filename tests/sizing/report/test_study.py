from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_files import write

from afterbay.core.errors import InvalidInputError, PhysicsError
from afterbay.sizing.finance import FinancialConfig, FinancialProjection, PlantSize, YearEnergy
from afterbay.sizing.projection import ProjectionConfig, project_years
from afterbay.sizing.report import Column, Figure, Money, Picture, Study, Table, money_of, study_of
from afterbay.sizing.report.tables import monthly_table

MADE_ON = date(2026, 11, 21)


def test_the_conclusion_names_the_recommended_size_and_the_goal(study: Study, quarry: Any) -> None:
    chosen = quarry.recommendation["recommended"]

    assert f"{chosen['capacity']:g} MWh" in study.conclusion[0]
    assert "at least 99 % of the load hours" in study.conclusion[1]
    assert study.meets_goal
    assert [figure.unit for figure in study.figures] == ["%", "M USD", "%"]
    assert study.figures[1].value == pytest.approx(chosen["capital_cost_usd"] / 1e6)


def test_the_months_add_up_to_the_year(study: Study, quarry: Any) -> None:
    metrics = quarry.result.metrics_of(study.shown_case)
    year = {
        "Load": metrics.total_load,
        "Solar": metrics.total_solar_generation,
        "Solar curtailed": metrics.total_solar_curtailed,
        "Generator unused": metrics.total_dg_curtailed,
        "Generator hours": metrics.dg_runtime_hours,
        "Fuel": metrics.total_fuel_consumed,
    }

    assert list(study.monthly.column("Month").values)[::11] == ["Jan", "Dec"]
    for column in study.monthly.columns:
        if column.summed:
            assert sum(column.values) == pytest.approx(column.total)  # type: ignore[arg-type]
    for name, total in year.items():
        assert study.monthly.column(name).total == pytest.approx(total)


def test_months_that_do_not_add_up_are_refused(quarry: Any) -> None:
    metrics = replace(quarry.result.metrics_of(2), total_solar_curtailed=1.0)

    with pytest.raises(PhysicsError, match="Solar curtailed: the months add up"):
        monthly_table(quarry.hourly, metrics, quarry.project.start)


def test_the_energy_of_each_source_is_used_up(study: Study) -> None:
    shares: dict[str, float] = {}
    for source, _, _, share in study.balance.rows():
        shares[str(source)] = shares.get(str(source), 0.0) + float(share)  # type: ignore[arg-type]

    assert set(shares) == {"Solar", "Battery", "Generator"}
    assert list(shares.values()) == pytest.approx([100.0] * 3)


def test_the_parts_of_the_capital_add_up(study: Study) -> None:
    amount = study.capital.column("Amount")

    assert sum(amount.values) == pytest.approx(amount.total)  # type: ignore[arg-type]
    assert amount.total == pytest.approx(17.625e6)


def test_the_risks_are_the_numbers_of_the_case(study: Study, quarry: Any) -> None:
    metrics = quarry.result.metrics_of(study.shown_case)
    text = " ".join(study.risks)

    assert f"{metrics.dg_runtime_hours:,.0f} h in {metrics.dg_starts:,} starts" in text
    assert f"{metrics.pct_solar_curtailed:.1f} % of the solar energy is curtailed" in text
    assert "not served" not in text
    assert "one year of weather" in text


def test_a_goal_out_of_reach_says_what_blocks_it_and_what_would_reach_it(tmp_path: Path, run_case: Any) -> None:
    goal = {"delivery_mode": "at_least", "delivery_target_pct": 100.0, "optimize_for": "min_cost"}
    sizes = {"capacity_values": [10.0], "dg_values": [0.0], "optimization_goal": goal}
    case = run_case(write(tmp_path, sizing_config=sizes))

    found = study_of(case.project, case.result, case.recommendation, made_on=MADE_ON)

    assert not found.meets_goal
    assert found.conclusion[0].startswith("No size in this range reaches the goal: at least 100 %")
    assert any(line.startswith("generator: 0.0 -> 10.0 MW") for line in found.reasons)
    assert any("load hours are not served whole" in line for line in found.risks)
    assert sum(line.startswith("What blocks it") for line in (*found.reasons, *found.risks)) == 1
    assert list(found.monthly.column("Month").values) == ["Days 1\u20132"]


def test_years_and_money_come_in_when_they_are_given(quarry: Any) -> None:
    result, project = quarry.result, quarry.project
    years = project_years(result.params_of(2), result.template, ProjectionConfig(years=3))
    figure = Figure("Net present value", -1.5, "M USD", 1)
    money = Money(currency="USD", years=range(3), lines={"Net cash flow": [-9.0, 4.0, 5.0]}, figures=(figure,))

    found = study_of(project, result, quarry.recommendation, made_on=MADE_ON, years=years, money=money)

    assert found.years is not None
    assert found.statement is not None
    assert found.years.column("Energy left").values[0] == pytest.approx(100.0)
    assert found.statement.column("Net cash flow").values == [-9.0, 4.0, 5.0]
    assert "The net present value is negative: \u22121.5 M USD." in found.risks
    assert any(line.startswith("At the start of year 3, 96 % of") for line in found.risks)


def test_a_financial_projection_becomes_money_with_every_line() -> None:
    year = {
        "delivered_mwh": 900.0, "dg_mwh": 10.0, "dg_hours": 5.0, "fuel_l": 100.0, "unserved_mwh": 0.0,
        "unserved_hours": 0.0, "effective_mwh": 10.0,
    }  # fmt: skip
    config = FinancialConfig(project_life_years=2, residual_value_fraction=0.0)
    plant = PlantSize(bess_mwh=10.0, bess_mw=5.0, dg_mw=1.0)
    projection = FinancialProjection(config, plant, [YearEnergy(year=y, **year) for y in (1, 2)])

    money = money_of(projection)

    assert list(money.years) == [0, 1, 2]
    assert money.lines["Net cash flow"] == projection.net_cash_flow_usd.tolist()
    assert len(money.lines) == len(projection.lines)
    assert money.figures[0].value == pytest.approx(projection.npv_usd / 1e6)
    assert any(one.name == "Discount rate" and one.source for one in money.assumptions)


def test_every_assumption_has_a_source(study: Study) -> None:
    known = {one.name: one for one in study.assumptions}

    assert all(one.source for one in study.assumptions)
    assert known["Battery efficiency, round trip"].value == 87.0
    assert known["Battery efficiency, round trip"].unit == "%"
    assert known["Installation, on top of all prices"].source == "project"


def test_version_hash_and_date_are_in_the_study(study: Study, quarry: Any) -> None:
    assert study.input_hash == quarry.project.input_hash
    assert study.version
    assert study.made_on == MADE_ON


def test_a_recommendation_of_another_sweep_is_refused(quarry: Any) -> None:
    other = quarry.recommendation | {"config_count": 3}

    with pytest.raises(InvalidInputError, match="recommendation"):
        study_of(quarry.project, quarry.result, other, made_on=MADE_ON)


def test_the_hours_carry_the_clock_of_the_profile(study: Study) -> None:
    first = study.hourly.columns[0]

    assert first.name.startswith("Start of the step (UTC-05:00")
    assert str(first.values[1]) == "2019-01-01 01:00:00"
    assert len(study.hourly) == 8_760


@pytest.mark.parametrize(
    ("value", "shown"), [(99.96, "99.96"), (100.0, "100.0"), (None, "none"), (np.nan, "none"), (44.6, "44.6")]
)
def test_a_figure_never_rounds_up_to_all(value: float | None, shown: str) -> None:
    assert Figure("Delivery", value, "%").shown == shown


def test_parts_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="columns of one length"):
        Table("T", (Column("a", "", [1]), Column("b", "", [1, 2])))
    with pytest.raises(InvalidInputError, match="each heading once"):
        Table("T", (Column("a", "", [1]), Column("a", "", [2])))
    with pytest.raises(InvalidInputError, match=r"(?s)picture\.png.*picture\.alt"):
        Picture(b"GIF89a", " ")
    with pytest.raises(InvalidInputError, match="2 amounts"):
        Money(currency="USD", years=[0], lines={"x": [1.0, 2.0]})
    with pytest.raises(InvalidInputError, match="column"):
        Table("T", (Column("a", "", [1]),)).column("b")
