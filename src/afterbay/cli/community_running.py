"""Run a community from the command line and say what came out."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afterbay.cli import output
from afterbay.cli.communityfolder import load_grid, load_profiles, remember_source
from afterbay.cli.numbers import percent, plain
from afterbay.cli.progress import show_progress, stop_on_interrupt
from afterbay.cli.tables import table
from afterbay.core.errors import CancelledError, InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun

__all__ = [
    "draw_pictures",
    "figures_csv",
    "print_comparison",
    "print_rows",
    "results_document",
    "results_lines",
    "run_stored",
    "write_tables",
]

_KEY_FIGURES = (
    "demand_kwh", "generation_kwh", "own_use_kwh", "shared_kwh", "grid_import_kwh", "grid_export_kwh",
    "self_consumption_fraction", "self_sufficiency_fraction", "peak_import_kw", "peak_export_kw", "overload_h",
    "battery_cycles", "network_loss_kwh", "unserved_connection_kwh", "unserved_network_kwh", "emissions_kg",
)  # fmt: skip
_TRANSFORMER_COLUMNS = ("rated_kw", "peak_loading_fraction", "overload_h", "down_kwh", "up_kwh", "matched_kwh")
_HOUSE_COLUMNS = (
    "demand_kwh", "generation_kwh", "own_use_kwh", "bought_kwh", "sold_kwh", "utility_bought_kwh",
    "utility_sold_kwh", "residual_kwh",
)  # fmt: skip


def run_stored(
    community: Path,
    folder: Path,
    start: str,
    days: int | None,
    end: str | None,
    rule: str,
    scope: str,
    series: str,
    *,
    keep_meters: bool,
    seed: int,
    jobs: int | None,
    resume: bool,
) -> CommunityRun:
    """Run a community into a folder.

    Raises:
        CancelledError: If Ctrl-C stopped it; the finished part is kept.
        InvalidInputError: With every problem of grid, profiles and options.
    """
    from afterbay.community.sharing import named_sharing
    from afterbay.community.simulation import horizon, run_community

    if scope not in ("grid", "transformer"):
        raise InvalidInputError(Problem("--scope", repr(scope), "grid or transformer", "choose one of them"))
    if days is None and end is None:
        raise InvalidInputError(Problem("--days", "neither --days nor --to", "one of them", "such as --days 365"))
    sharing = named_sharing(rule, scope="grid" if scope == "grid" else "transformer")
    grid, profiles = load_grid(community), load_profiles(community)
    steps = horizon(start, days, end=end, time_zone=grid.time_zone)
    kept: Any = series if series in ("all", "none") else tuple(part.strip() for part in series.split(","))
    began = time.monotonic()
    with stop_on_interrupt() as interrupted, show_progress(steps.count, "quarter hours") as progress:
        try:
            finished = run_community(
                grid, profiles, sharing, steps, seed, series=kept, keep_meters=keep_meters, folder=folder,
                resume=resume, progress=progress, cancelled=interrupted, threads=jobs,
            )  # fmt: skip
        except CancelledError as error:
            raise CancelledError(
                f"{error}; kept in {folder} -> the same command with --out {folder} --resume"
            ) from None
    remember_source(folder, community)
    houses = finished.tree.n_houses
    output.note(f"{houses:,} houses x {steps.count:,} quarter hours in {time.monotonic() - began:,.1f} s")
    return finished


def results_document(run: CommunityRun) -> dict[str, Any]:
    """Return the figures of a run for JSON; what has no meaning is null."""
    from afterbay.community.results import KPI_DEFINITIONS, community_check, community_kpis

    check = community_check(run)
    figures = community_kpis(run)
    return {
        "start": run.timeline.start.isoformat(),
        "steps": run.timeline.count,
        "houses": run.tree.n_houses,
        "sharing": run.scenario.sharing,
        "digest": run.scenario.digest,
        "inputs_digest": run.scenario.inputs_digest,
        "kpis": [
            {
                "kpi": name,
                "value": None if math.isnan(value) else value,
                "unit": KPI_DEFINITIONS[name].unit,
                "definition": KPI_DEFINITIONS[name].text,
            }
            for name, value in figures.items()
        ],
        "physics": check.to_dict(),
    }


def results_lines(run: CommunityRun, document: dict[str, Any]) -> list[str]:
    """Return the key figures as a table, and what the physics check says."""
    from afterbay.community.results import KPI_DEFINITIONS

    found = {row["kpi"]: row for row in document["kpis"]}
    rows = [
        (KPI_DEFINITIONS[name].title, shown(found[name]["value"], found[name]["unit"]))
        for name in _KEY_FIGURES
        if found[name]["value"] is not None
    ]
    first, last = run.days.dates[0], run.days.dates[-1]
    head = [f"{run.grid.display_name or run.grid.name}   {first} to {last}   {run.tree.n_houses:,} houses"]
    lines = table(("FIGURE", "VALUE"), rows, left=(0,))
    return [*head, "", *lines, "", f"{document['physics']['summary']}   inputs {run.scenario.inputs_digest[:12]}"]


def figures_csv(document: dict[str, Any]) -> list[str]:
    """Return the figures of a run as CSV; what has no meaning is an empty cell."""
    rows = (
        f"{row['kpi']},{row['unit']},{'' if row['value'] is None else _cell(row['value'])}" for row in document["kpis"]
    )
    return ["kpi,unit,value", *rows]


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def shown(value: float | None, unit: str) -> str:
    """Write a figure with its unit; shares as percent."""
    if value is None or math.isnan(value):
        return "-"
    if unit == "-" and 0.0 <= value <= 1.0:
        return percent(value * 100.0)
    digits = 0 if abs(value) >= 10_000.0 else 1
    return f"{plain(value, digits)}{'' if unit == '-' else f' {unit}'}"


def print_rows(run: CommunityRun, of: str, *, as_csv: bool, as_json: bool) -> None:
    """Print one row per house or transformer."""
    from afterbay.community.results import KPI_DEFINITIONS, house_kpis, transformer_kpis

    house = of == "house"
    columns = house_kpis(run) if house else transformer_kpis(run)
    names = run.tree.house_names if house else run.tree.node_names[1:]
    if as_json:
        rows = [
            {of: name, **{column: None if math.isnan(values[place]) else float(values[place])
                          for column, values in columns.items()}}
            for place, name in enumerate(names)
        ]  # fmt: skip
        output.json_document({f"{of}s": rows, "units": {name: KPI_DEFINITIONS[name].unit for name in columns}})
        return
    if as_csv:
        output.lines([",".join((of, *columns))])
        output.lines(
            ",".join((name, *(_cell(float(values[place])) for values in columns.values())))
            for place, name in enumerate(names)
        )
        return
    chosen = _HOUSE_COLUMNS if house else _TRANSFORMER_COLUMNS
    head = (of.upper(), *(KPI_DEFINITIONS[name].title.upper() for name in chosen))
    lines = [
        (name, *(shown(float(columns[column][place]), _unit(column)) for column in chosen))
        for place, name in enumerate(names)
    ]
    output.lines(table(head, lines))


def _unit(column: str) -> str:
    from afterbay.community.results import KPI_DEFINITIONS

    return KPI_DEFINITIONS[column].unit


def print_comparison(runs: dict[str, CommunityRun], *, as_json: bool) -> None:
    """Print runs side by side."""
    from afterbay.community.results import KPI_DEFINITIONS, compare_runs

    frame = compare_runs(runs)
    if as_json:
        rows = {
            str(name): {run: None if math.isnan(row[run]) else float(row[run]) for run in runs}
            for name, row in frame.iterrows()
        }
        output.json_document({"runs": list(runs), "kpis": rows})
        return
    rows_shown = []
    for name in _KEY_FIGURES:
        unit = KPI_DEFINITIONS[name].unit
        values = [float(frame[run][name]) for run in runs]
        if not all(math.isnan(value) for value in values):
            rows_shown.append((KPI_DEFINITIONS[name].title, *(shown(value, unit) for value in values)))
    output.lines(table(("FIGURE", *(Path(run).name for run in runs)), rows_shown))


def write_tables(run: CommunityRun, folder: Path) -> tuple[Path, ...]:
    """Write every table of a run as Parquet."""
    from afterbay.cli.community_making import make_folder
    from afterbay.community.results import export_run

    make_folder(folder)
    return export_run(run, folder)


def draw_pictures(run: CommunityRun, folder: Path) -> tuple[Path, ...]:
    """Draw the pictures of a run beside its tables."""
    from afterbay.community.results.charts import (
        community_carpet_chart,
        community_sankey_chart,
        house_dumbbell_chart,
        loading_duration_chart,
        save_picture,
    )

    drawings = {"carpet": community_carpet_chart, "sankey": community_sankey_chart, "houses": house_dumbbell_chart}
    if any(transformer.rated_kw for transformer, _ in run.grid.every_transformer()):
        drawings["loading"] = loading_duration_chart
    return tuple(save_picture(draw(run), folder / f"{name}.png") for name, draw in drawings.items())
