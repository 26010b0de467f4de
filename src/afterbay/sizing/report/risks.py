"""The risks of a study in sentences, each built from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.sizing import layout as at
from afterbay.sizing.blockers import blocking_hours

if TYPE_CHECKING:
    from afterbay.sizing.metrics import SummaryMetrics
    from afterbay.sizing.projection import Projection
    from afterbay.sizing.report.money import Money
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = ["risk_sentences"]

_NOTABLE_CURTAILED_PCT = 1.0
_YEAR_H = 8_760.0


def risk_sentences(
    result: SweepResult,
    hourly: HourlyResults,
    metrics: SummaryMetrics,
    *,
    years: Projection | None = None,
    money: Money | None = None,
) -> list[str]:
    """Return what can go wrong or costs more than it seems, worst first.

    Args:
        result: The sweep the case comes from.
        hourly: The steps of the case.
        metrics: Its totals.
        years: The case over its years, if they were simulated.
        money: Its statement, if there is one.
    """
    found = []
    if not hourly.physics.passed:
        found.append(f"The physics check fails ({hourly.physics.summary}): do not use these numbers.")
    found += _delivery(hourly, metrics)
    found += _generator(hourly, metrics)
    found += _curtailment(metrics)
    found += _battery(hourly, metrics, years)
    if money is not None:
        value = next((figure for figure in money.figures if figure.name == "Net present value"), None)
        if value is not None and value.value is not None and value.value < 0.0:
            found.append(f"The net present value is negative: {value.shown} {value.unit}.")
    if years is None or len(years.weather) == 1:
        span = "year" if len(hourly) * hourly.params.dt_h >= 0.99 * _YEAR_H else "period"
        found.append(f"All of this rests on one {span} of weather and load; another can be worse.")
    if not result.complete:
        found.append(f"Only {len(result):,} of {len(result.grid):,} sizes were simulated; a better one may be left.")
    return found


def _delivery(hourly: HourlyResults, metrics: SummaryMetrics) -> list[str]:
    hours = metrics.hours_with_load - metrics.hours_full_delivery
    if hours <= 0.0:
        return []
    short = (hourly.load > 0.0) & (hourly.unserved >= at.TOLERANCE_MW)
    blocked = blocking_hours(hourly)
    return [
        f"{hours:,.0f} load hours are not served whole ({metrics.total_unserved:,.1f} MWh, "
        f"{metrics.pct_unserved:.2f} % of the load); the longest stretch lasts "
        f"{_longest(short) * hourly.params.dt_h:,.0f} h.",
        *([blocked] if blocked else []),
    ]


def _longest(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max())


def _generator(hourly: HourlyResults, metrics: SummaryMetrics) -> list[str]:
    if metrics.dg_runtime_hours <= 0.0:
        return []
    needed = float((hourly.dg_to_load >= at.TOLERANCE_MW).sum()) * hourly.params.dt_h
    share = 100.0 * needed / max(metrics.hours_with_load, 1.0)
    litres = metrics.total_fuel_consumed
    fuel = f"{litres / 1e6:,.2f} million litres" if litres >= 1e6 else f"{litres:,.0f} litres"
    found = [
        f"The generator runs {metrics.dg_runtime_hours:,.0f} h in {metrics.dg_starts:,} starts and burns {fuel}. "
        f"It carries load in {share:.1f} % of the load hours: "
        "if it fails then, so does the supply."
    ]
    if metrics.total_dg_curtailed > 0.01 * metrics.total_dg_generation:
        wasted = 100.0 * metrics.total_dg_curtailed / metrics.total_dg_generation
        found.append(
            f"{wasted:.1f} % of what the generator makes finds no use ({metrics.total_dg_curtailed:,.0f} MWh)."
        )
    return found


def _curtailment(metrics: SummaryMetrics) -> list[str]:
    if metrics.pct_solar_curtailed < _NOTABLE_CURTAILED_PCT:
        return []
    lost = metrics.total_solar_curtailed
    return [f"{metrics.pct_solar_curtailed:.1f} % of the solar energy is curtailed ({lost:,.0f} MWh)."]


def _battery(hourly: HourlyResults, metrics: SummaryMetrics, years: Projection | None) -> list[str]:
    found = []
    if metrics.days_at_cycle_limit > 0:
        limit = hourly.params.bess_daily_cycle_limit or 0.0
        days = metrics.days_at_cycle_limit
        found.append(f"On {days:,} days the battery reaches its limit of {limit:g} cycles and rests.")
    if hourly.params.bess_capacity <= 0.0:
        return found
    if years is None:
        found.append(
            f"The numbers are those of a new battery; it makes {metrics.bess_equivalent_cycles:,.0f} cycles in this "
            "run, and what ageing takes from it is not counted."
        )
    else:
        delivery = years.metrics["delivery_pct"]
        worst = int(np.argmin(delivery))
        found.append(
            f"At the start of year {len(years)}, {years.retention_pct[-1]:.0f} % of the battery's energy is left; "
            + (
                f"delivery is lowest in year {worst + 1} with {delivery[worst]:.2f} %."
                if delivery[worst] < delivery[0]
                else f"delivery is never below the {delivery[0]:.2f} % of year 1."
            )
        )
    return found
