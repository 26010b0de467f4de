"""`size report`: the whole study as a PDF and a workbook."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.cli import output
from afterbay.cli.progress import show_progress

if TYPE_CHECKING:
    from afterbay.sizing.params import SimulationParams
    from afterbay.sizing.project.model import Project
    from afterbay.sizing.projection import Projection

__all__ = ["write_report"]

_WEATHER_YEARS = 50
"""Drawn years behind P50 and P90: enough for a tenth to be five of them."""


def write_report(project: Project, folder: Path, *, years: int, made_on: date) -> bool:
    """Size a project, follow the chosen option over its years, and write report.pdf and report.xlsx.

    Returns:
        Does an option reach the goal? If none does, the report is about the nearest.
    """
    from afterbay.sizing.finance import FinancialConfig, FinancialProjection, PlantSize
    from afterbay.sizing.optimum import better_template, gap
    from afterbay.sizing.projection import ProjectionConfig, project_years, year_energies
    from afterbay.sizing.recommendation import calculate_recommendations
    from afterbay.sizing.report import (
        lifetime_pictures,
        money_of,
        standard_pictures,
        study_of,
        write_pdf,
        write_workbook,
    )
    from afterbay.sizing.sweep import sweep
    from afterbay.sizing.uncertainty import npv_of, resample_months, tornado, weather_spread

    # Refused before anything runs.
    money = FinancialConfig(project_life_years=years, costs=project.costs, residual_value_fraction=0.0)
    config = ProjectionConfig(years=years)
    with show_progress(len(project.grid)) as progress:
        result = sweep(project.params(), project.template, project.grid, costs=project.costs, progress=progress)
    choice: dict[str, Any] = calculate_recommendations(result, project.goal, costs=project.costs)
    hourly = result.simulate((choice["recommended"] or choice["best_reached"])["index"])
    params = hourly.params
    life = project_years(params, hourly.template, config)
    plant = PlantSize(bess_mwh=params.bess_capacity, bess_mw=params.bess_discharge_power, dg_mw=params.dg_rating_mw)
    finance = FinancialProjection(money, plant, year_energies(life))
    shaken = tornado(params, hourly.template)
    rule = gap(params, hourly.template, price_usd_per_mwh=money.energy_price_usd_per_mwh)
    advice = better_template(params, hourly.template, known=rule)
    weather = resample_months(
        params.load_mw, params.solar_mw, years=_WEATHER_YEARS, seed=0, dt_h=params.dt_h, start=project.start
    )

    def net_present_value_usd(plant: SimulationParams, lived: Projection) -> float:
        return npv_of(plant, lived, finance=money)

    spread = weather_spread(
        params,
        hourly.template,
        weather,
        value=net_present_value_usd,
        config=config,
    )
    pictures = {
        **standard_pictures(project, result, choice, hourly),
        **lifetime_pictures(hourly, life, finance, shaken),
    }
    study = study_of(
        project,
        result,
        choice,
        made_on=made_on,
        hourly=hourly,
        years=life,
        money=money_of(finance),
        pictures=pictures,
        rule_gap=[*rule.lines(), *advice.lines()],
        certainty=spread.lines(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for path in (write_pdf(study, folder / "report.pdf"), write_workbook(study, folder / "report.xlsx")):
        output.lines([str(path)])
    return choice["recommended"] is not None
