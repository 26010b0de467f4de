"""Each picture in one sentence: shown below its title, and read aloud where the picture cannot be seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from afterbay.sizing.charts import amounts
from afterbay.sizing.charts.points import Points, read_points
from afterbay.sizing.charts.quantities import CARPETS, chosen, shown
from afterbay.sizing.charts.series import carpet_values, not_served_hours
from afterbay.sizing.days import day_steps

if TYPE_CHECKING:
    from afterbay.sizing.goal import Row
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["day_headline", "describe_carpet", "describe_day", "describe_pareto", "sentence_of"]


def describe_pareto(
    rows: Iterable[Row],
    *,
    x: str = "capital_cost_usd",
    y: str = "delivery_pct",
    target_pct: float | None = None,
    recommended: int | None = None,
) -> str:
    """Say in one sentence what `pareto_chart` shows for the same arguments.

    Raises:
        InvalidInputError: As `pareto_chart`.
    """
    return sentence_of(read_points(rows, x, y, target_pct, recommended))


def sentence_of(points: Points) -> str:
    """Say in one sentence what a set of points shows."""

    def pair(index: int) -> str:
        return f"{shown(points.y_of, points.y[index])} at {shown(points.x_of, points.x[index])}"

    first, last = int(points.front[0]), int(points.front[-1])
    count, best = len(points), len(points.front)
    beaten_by = f"{best:,} of {count:,} options {'is' if best == 1 else 'are'} beaten by no other"
    span = pair(first) if first == last or pair(first) == pair(last) else f"{pair(first)} up to {pair(last)}"
    parts = ["The only option: " + pair(0) if count == 1 else f"{beaten_by}: {span}"]
    if points.target is not None:
        meeting = int(points.meets_target().sum())
        verb = "reaches" if meeting <= 1 else "reach"
        parts.append(f"{meeting or 'none'} {verb} the target of {amounts.percent(points.target)}")
    if points.recommended is not None:
        parts.append(f"recommended is {points.plant(points.recommended)} with {pair(points.recommended)}")
    return "; ".join(parts) + "."


def describe_carpet(results: HourlyResults, column: str = "soc_pct") -> str:
    """Say in one sentence what `carpet_chart` shows for the same arguments.

    Raises:
        InvalidInputError: If the column cannot be drawn.
    """
    carpet = chosen(CARPETS, "column", column)
    values = carpet_values(results, column)
    known = values[np.isfinite(values)]
    if column in ("soc_pct", "bess_power") and results.params.bess_capacity == 0.0:
        what = "There is no battery"
    elif known.size == 0:
        what = "There is no load"
    else:
        write = amounts.percent if carpet.unit == "%" else amounts.power
        mean, low, high = (write(float(f(known))) for f in (np.mean, np.min, np.max))
        what = f"{carpet.name} is {low} to {high}, on average {mean}"
    return f"{what}; {_not_served(results, slice(0, len(results)))}."


def day_headline(results: HourlyResults, day: int, days: int = 1) -> str:
    """Say in a few words what happens in `days` days from `day` on: `3 of 24 h not served`.

    Raises:
        OutOfRangeError: If the run does not have these days.
    """
    return _not_served(results, day_steps(results, day, days))


def describe_day(results: HourlyResults, day: int, days: int = 1) -> str:
    """Say in one sentence what `day_chart` shows for the same arguments.

    Raises:
        OutOfRangeError: If the run does not have these days.
    """
    steps = day_steps(results, day, days)
    dt_h = results.params.dt_h

    def energy(column: str) -> float:
        return float(getattr(results, column)[steps].sum()) * dt_h

    load = energy("load")
    if load > 0.0:
        flows = (("solar serves", "solar_to_load"), ("the battery", "bess_to_load"), ("the generator", "dg_to_load"))
        shares = [f"{name} {amounts.percent(100.0 * energy(column) / load)}" for name, column in flows]
        parts = [f"of {amounts.energy(load)} of load, {', '.join(shares)}"]
    else:
        parts = ["there is no load"]
    if energy("unserved") > 0.0:
        parts.append(f"{amounts.energy(energy('unserved'))} are missing")
    if energy("solar_curtailed") > 0.0:
        parts.append(f"{amounts.energy(energy('solar_curtailed'))} of solar are curtailed")
    if results.params.bess_capacity > 0.0:
        low, high = (amounts.percent(float(f(results.soc_pct[steps]))) for f in (np.min, np.max))
        parts.append(f"the battery stays at {low}" if low == high else f"the battery is between {low} and {high}")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _not_served(results: HourlyResults, steps: slice) -> str:
    missing, load_hours = not_served_hours(results, steps)
    whole = (steps.stop - steps.start) * results.params.dt_h
    if load_hours == 0.0:
        return "no load to serve"
    of = amounts.hours(load_hours) + ("" if load_hours == whole else " with load")
    if missing == 0.0:
        return f"all {of} served"
    number = amounts.hours(missing).removesuffix(f"{amounts.NBSP}h")
    return f"none of {of} fully served" if missing == load_hours else f"{number} of {of} not served"
