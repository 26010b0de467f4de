"""The pictures of a report: the ones every study has, and the places for others."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.sizing.metrics import calculate_metrics
from afterbay.sizing.report.parts import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure as MatplotlibFigure

    from afterbay.sizing.finance import FinancialProjection
    from afterbay.sizing.project.model import Project
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult
    from afterbay.sizing.uncertainty import Tornado

__all__ = ["PICTURES", "lifetime_pictures", "pictures_of", "standard_pictures"]

PICTURES: Final = {
    "pareto": "options",
    "worst_day": "operation",
    "typical_day": "operation",
    "sankey": "operation",
    "carpet": "operation",
    "months": "operation",
    "years": "years",
    "waterfall": "money",
    "cash": "money",
    "tornado": "money",
}
"""Pictures that have a place of their own, and in which part of the report; any other stands in the last part."""

_DPI: Final = 170
"""Sharp at full width of a page, and a page of pictures stays under half a megabyte."""


def standard_pictures(
    project: Project, result: SweepResult, recommendation: Mapping[str, Any], hourly: HourlyResults
) -> dict[str, Picture]:
    """Draw the Pareto front, the worst day, a typical day and the year.

    Args:
        project: The project.
        result: Its sweep.
        recommendation: Of `calculate_recommendations`.
        hourly: The steps of the case shown.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    from afterbay.sizing.charts import carpet_chart, day_chart, pareto_chart, typical_day, worst_day

    chosen = recommendation["recommended"]
    goal = project.goal
    target = None if goal.delivery_mode == "maximize" else goal.delivery_target_pct
    figures = {
        "pareto": pareto_chart(result.rows(), target_pct=target, recommended=chosen["index"] if chosen else None),
        "worst_day": day_chart(hourly, worst_day(hourly), start=project.start),
        "typical_day": day_chart(hourly, typical_day(hourly), start=project.start),
        "carpet": carpet_chart(hourly, start=project.start),
    }
    return pictures_of(figures)


def lifetime_pictures(
    hourly: HourlyResults, years: Projection, finance: FinancialProjection, shaken: Tornado
) -> dict[str, Picture]:
    """Draw the flows of the first year, the years, the money and what matters most.

    Args:
        hourly: The first year.
        years: All years.
        finance: Their money.
        shaken: Every driver moved by itself.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    from afterbay.sizing.charts import cash_chart, sankey_chart, sankey_flows, tornado_chart, waterfall_chart
    from afterbay.sizing.charts import years_chart as draw_years

    params = hourly.params
    start_mwh = params.bess_capacity * params.bess_initial_soc
    numbers = np.arange(1, len(years) + 1)
    lines = finance.lines
    figures = {
        "sankey": sankey_chart(sankey_flows(calculate_metrics(hourly, params), initial_mwh=start_mwh)),
        "years": draw_years(numbers, years.retention_pct, years.metrics["delivery_pct"]),
        "waterfall": waterfall_chart([(part.name, part.usd) for part in finance.waterfall()]),
        "cash": cash_chart(
            np.arange(len(years) + 1),
            lines["cumulative_usd"],
            lines["cumulative_discounted_usd"],
            payback_year=finance.payback_years,
        ),
    }
    if shaken.bars():
        figures["tornado"] = tornado_chart(shaken.bars(), shaken.base, quantity="Delivery", unit=shaken.unit)
    return pictures_of(figures)


def pictures_of(figures: Mapping[str, MatplotlibFigure]) -> dict[str, Picture]:
    """Turn drawn figures into pictures of a report, each with its sentence."""
    from afterbay.sizing.charts import alt_text, save_png

    with tempfile.TemporaryDirectory() as folder:
        return {
            name: Picture(save_png(figure, Path(folder) / f"{name}.png", dpi=_DPI).read_bytes(), alt_text(figure))
            for name, figure in figures.items()
        }
