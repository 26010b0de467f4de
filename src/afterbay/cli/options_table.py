"""The options of a run as a table, and the sentences above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from afterbay.cli import numbers
from afterbay.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SORT_KEYS", "label_of", "option_lines", "summary_lines", "telling_rows"]

SORT_KEYS: Final = {
    "option": ("option", False),
    "delivery": ("delivery_pct", True),
    "cost": ("capital_cost_usd", False),
    "battery": ("capacity", False),
    "generator": ("dg_capacity", False),
    "curtailed": ("pct_solar_curtailed", False),
    "dg_hours": ("dg_runtime_hours", False),
    "starts": ("dg_starts", False),
    "cycles": ("bess_equivalent_cycles", False),
    "green": ("pct_green_energy_by_origin", True),
    "unserved": ("total_unserved", False),
}
"""Column of each `--sort` key, and whether more is better."""

_SHOWN_ROWS: Final = 15


def telling_rows(facts: dict[str, Any]) -> list[int]:
    """Return all rows of a small run; of a large one the best, its runners-up and the cheapest of each delivery."""
    count = len(facts["results"]["option"])
    if count <= _SHOWN_ROWS + 5:
        return list(range(count))
    choice = facts["recommendation"]
    best = [choice["recommended"] or choice["best_reached"], *choice["alternatives"]]
    rows = dict.fromkeys(option["index"] for option in best)
    rows |= dict.fromkeys(reversed(choice["pareto"]))
    return sorted(list(rows)[:_SHOWN_ROWS])


def label_of(results: dict[str, list[Any]], row: int) -> str:
    """Name one option: `150 MWh / 37.5 MW, 10 MW generator`."""
    text = f"{results['capacity'][row]:,g} MWh / {round(results['power'][row], 2):,g} MW"
    if results["dg_capacity"][row] > 0.0:
        text += f", {results['dg_capacity'][row]:,g} MW generator"
    if "solar_capacity" in results:
        text += f", {results['solar_capacity'][row]:,g} MW solar"
    return text


def option_lines(facts: dict[str, Any], rows: Sequence[int]) -> list[str]:
    """Return the table of some rows, in their order; the recommended one carries a mark."""
    results, choice = facts["results"], facts["recommendation"]
    target = choice["goal"]["delivery_target_pct"]
    best = choice["recommended"]["index"] if choice["recommended"] else None
    nearest = choice["best_reached"]["index"] if choice["best_reached"] else None
    knee = _knee_row(choice, results)
    solar = "solar_capacity" in results
    head = ["", "#", "BATTERY", *(["SOLAR"] if solar else []), "GENERATOR", "DELIVERY", "CURTAILED", "GEN HOURS",
            "STARTS", "CYCLES", "UNSERVED", "CAPEX", ""]  # fmt: skip
    lines = []
    for row in rows:
        generator = results["dg_capacity"][row]
        notes = []
        if row == best:
            notes.append("recommended")
        if row == nearest:
            notes.append("nearest to the goal")
        if row == knee and row != best:
            notes.append("knee: above it more battery stops paying")
        lines.append([
            "▸" if row in (best, nearest) else "",
            f"{results['option'][row]:,}",
            f"{results['capacity'][row]:,g} MWh / {round(results['power'][row], 2):,g} MW",
            *([f"{results['solar_capacity'][row]:,g} MW"] if solar else []),
            f"{generator:,g} MW" if generator else "—",
            numbers.percent(results["delivery_pct"][row], *([target] if target is not None else [])),
            numbers.percent(results["pct_solar_curtailed"][row]),
            numbers.hours(results["dg_runtime_hours"][row]) if generator else "—",
            f"{results['dg_starts'][row]:,.0f}" if generator else "—",
            f"{results['bess_equivalent_cycles'][row]:,.0f}",
            numbers.energy(results["total_unserved"][row]),
            numbers.millions(results["capital_cost_usd"][row]),
            ", ".join(notes),
        ])  # fmt: skip
    strong = [place for place, row in enumerate(rows) if row == best]
    return table(head, lines, left=(0, 2, len(head) - 1), strong=strong)


def _knee_row(choice: dict[str, Any], results: dict[str, list[Any]]) -> int | None:
    """Return the best-ranked row of the battery size at the knee, if the run shows one."""
    knee = (choice["knee"] or {}).get("knee_size_mwh")
    return next((row for row in choice["ranked"] if results["capacity"][row] == knee), None)


def summary_lines(facts: dict[str, Any]) -> list[str]:
    """Return the recommendation with its reasons, or what stands in its way."""
    lines = []
    if not facts["complete"]:
        lines.append(f"PARTIAL: {facts['cases_finished']:,} of {facts['cases']:,} sizes were run")
    if facts["nearest"]:
        return lines + list(facts["nearest"]["lines"])
    lines += [f"Recommended: {reason}" if place == 0 else reason
              for place, reason in enumerate(facts["recommendation"]["reasons"])]  # fmt: skip
    if not facts["recommendation"]["recommended"]:
        lines += [limit["text"] for limit in facts["recommendation"]["blocked_by"]]
    return lines
