"""`afterbay size show|compare|why`: one option hour by hour, several side by side, and the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from afterbay.cli import numbers
from afterbay.cli.options_table import label_of
from afterbay.cli.tables import table
from afterbay.core.timeline import steps_per_day
from afterbay.sizing.days import day_steps
from afterbay.sizing.explain import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterbay.cli.runfolder import StoredRun
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["compare_document", "compare_lines", "day_lines", "day_name", "explanations", "option_summary"]

_METRICS: Final[tuple[tuple[str, str, Callable[[float], str], int], ...]] = (
    ("delivery_pct", "Delivery (share of load hours)", numbers.percent, +1),
    ("load_served_pct", "Load served (energy)", numbers.percent, +1),
    ("pct_green_energy_of_demand", "Solar share of the demand (energy)", numbers.percent, +1),
    ("pct_solar_curtailed", "Solar curtailed", numbers.percent, -1),
    ("total_solar_to_load", "Solar to load", numbers.energy, 0),
    ("total_solar_to_bess", "Solar to battery", numbers.energy, 0),
    ("total_solar_curtailed", "Solar not used", numbers.energy, -1),
    ("total_bess_to_load", "Battery to load", numbers.energy, 0),
    ("total_bess_losses", "Lost in the battery", numbers.energy, -1),
    ("total_dg_to_load", "Generator to load", numbers.energy, 0),
    ("total_unserved", "Not served", numbers.energy, -1),
    ("dg_runtime_hours", "Generator hours", numbers.hours, -1),
    ("dg_starts", "Generator starts", lambda value: numbers.plain(value, 0), -1),
    ("total_fuel_consumed", "Fuel", lambda value: f"{numbers.plain(value, 0)} L", -1),
    ("bess_equivalent_cycles", "Battery cycles", lambda value: numbers.plain(value, 1), -1),
    ("capital_cost_usd", "Capital cost", numbers.money, -1),
)
"""Column, words, how it is written, and whether more (+1) or less (-1) is better."""


def option_summary(run: StoredRun, row: int, hourly: HourlyResults) -> list[str]:
    """Return the numbers of one option over the whole run, with the physics check."""
    target = run.facts["recommendation"]["goal"]["delivery_target_pct"]
    lines = [[words, _written(write, run.results[name][row], target)] for name, words, write, _ in _METRICS]
    head = [f"Option {run.results['option'][row]}", label_of(run.results, row)]
    checks = [f"{'holds ' if law.holds else 'BROKEN'} {law.name}" for law in hourly.physics.laws]
    return [*table(head, lines), "", hourly.physics.summary, *checks]


def _written(write: Callable[..., str], value: float | None, target: float | None) -> str:
    if value is None:
        return "—"
    return write(value, target) if write is numbers.percent and target is not None else write(value)


def day_name(run: StoredRun, day: int) -> str:
    """Name a day by its number, and its date where there is a calendar."""
    from datetime import timedelta

    start = run.start
    return f"Day {day}" + (f", {start + timedelta(days=day - 1):%d %b %Y}" if start else "")


def day_lines(hourly: HourlyResults, day: int) -> list[str]:
    """Return one day as a table of its steps."""
    steps = day_steps(hourly, day)
    dt_h = hourly.params.dt_h
    rows = []
    for row in range(steps.start, steps.stop):
        step = hourly[row]
        minute = round((row - steps.start) * dt_h * 60)
        rows.append([
            f"{minute // 60:02d}:{minute % 60:02d}",
            numbers.plain(step.load, 1),
            numbers.plain(step.solar, 1),
            _battery(step.bess_power),
            numbers.plain(step.dg_output_mw, 1) if step.dg_running else "—",
            numbers.plain(step.solar_curtailed, 1),
            numbers.plain(step.unserved, 1) if step.unserved >= 0.05 or step.unserved == 0.0 else "0.0+",
            f"{step.soc_pct:.1f} % ({numbers.energy(step.soc)})",
        ])  # fmt: skip
    head = ["TIME", "LOAD MW", "SOLAR MW", "BATTERY MW", "GENERATOR MW", "CURTAILED MW", "NOT SERVED MW", "STORED"]
    return table(head, rows)


def _battery(power_mw: float) -> str:
    if abs(power_mw) < 0.05:
        return "■ idle       0.0"
    return f"{'▲ discharging' if power_mw > 0 else '▼ charging'} {numbers.plain(power_mw, 1):>5}"


def explanations(hourly: HourlyResults, day: int, step: int | None) -> list[str]:
    """Return why one step of a day, or every step of it, went as it did."""
    first = (day - 1) * steps_per_day(hourly.params.dt_h)
    steps = day_steps(hourly, day)
    chosen = range(steps.start, steps.stop) if step is None else [min(first + step, steps.stop - 1)]
    return [explain(hourly, row + 1) for row in chosen]


def compare_document(run: StoredRun, rows: Sequence[int]) -> dict[str, Any]:
    """Return the options side by side as plain values."""
    metrics = []
    for name, words, _, better in _METRICS:
        values = [run.results[name][row] for row in rows]
        metrics.append({
            "metric": name,
            "words": words,
            "values": values,
            "difference_to_first": [None if None in (value, values[0]) else value - values[0] for value in values],
            "best": _best(values, better),
        })  # fmt: skip
    options = [{"option": run.results["option"][row], "label": label_of(run.results, row)} for row in rows]
    return {"options": options, "metrics": metrics}


def compare_lines(run: StoredRun, rows: Sequence[int]) -> list[str]:
    """Return the options side by side: the same rows, the best marked, differences to the first."""
    head = [""]
    for place, row in enumerate(rows):
        head += [f"#{run.results['option'][row]} {label_of(run.results, row)}"] + (["DIFFERENCE"] if place else [])
    lines = []
    target = run.facts["recommendation"]["goal"]["delivery_target_pct"]
    for name, words, write, better in _METRICS:
        values = [run.results[name][row] for row in rows]
        best = _best(values, better)
        line = [words]
        for place, value in enumerate(values):
            mark = "✓ best " if best[place] else ""
            line.append(mark + _written(write, value, target))
            if place:
                missing = value is None or values[0] is None
                line.append("—" if missing else numbers.signed(_difference(write, value - values[0])))
        lines.append(line)
    return table(head, lines)


def _difference(write: Callable[..., str], value: float) -> str:
    return f"{numbers.plain(value, 2)} points" if write is numbers.percent else write(value)


def _best(values: Sequence[float | None], better: int) -> list[bool]:
    """Mark the best of several, unless they are all equal or there is no better."""
    known = [value for value in values if value is not None]
    if not better or len(known) < len(values) or len(set(known)) == 1:
        return [False] * len(values)
    best = max(known) if better > 0 else min(known)
    return [value == best for value in values]
