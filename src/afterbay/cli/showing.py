"""One option of a run, printed, as CSV, as JSON or as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from afterbay.cli import looking, output, runfolder
from afterbay.cli.options_table import label_of
from afterbay.cli.requests import read_day, read_hour
from afterbay.sizing.days import day_steps

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.cli.runfolder import StoredRun
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["Request", "show_option"]


@dataclass(frozen=True, slots=True)
class Request:
    """What to show of an option."""

    option: str
    day: str | None
    hour: str | None
    why: bool
    as_csv: bool
    png: Path | None
    as_json: bool


def show_option(run: StoredRun, request: Request) -> None:
    """Run one option again and show what was asked for."""
    row = run.row_of(request.option)
    hourly = run.simulate(row)
    day = None if request.day is None else read_day(request.day, hourly, run.start)
    step = None if request.hour is None else read_hour(request.hour, hourly.params.dt_h)
    reasons = looking.explanations(hourly, day, step) if day is not None and (request.why or step is not None) else []
    if request.png is not None:
        _draw(hourly, day, request.png, run)
    if request.as_json:
        output.json_document(_document(run, row, hourly, day, reasons))
    elif request.as_csv:
        steps = slice(None) if day is None else day_steps(hourly, day)
        typer.echo(runfolder.hourly_csv(hourly, run.start, steps), nl=False)
    elif reasons:
        output.lines(reasons)
    elif day is not None:
        title = f"Option {run.results['option'][row]}, {label_of(run.results, row)}: {looking.day_name(run, day)}"
        output.lines([title, *looking.day_lines(hourly, day)])
    else:
        output.lines(looking.option_summary(run, row, hourly))


def _document(
    run: StoredRun, row: int, hourly: HourlyResults, day: int | None, reasons: list[str]
) -> dict[str, object]:
    document: dict[str, object] = {
        "option": run.results["option"][row],
        "label": label_of(run.results, row),
        "input_hash": run.facts["input_hash"],
        "stale": run.stale,
        "metrics": {name: column[row] for name, column in run.results.items()},
        "physics": hourly.physics.to_dict(),
    }
    if day is not None:
        steps = day_steps(hourly, day)
        document |= {
            "day": day,
            "hours": {name: getattr(hourly, name)[steps].tolist() for name in hourly.columns},
            "why": reasons,
        }
    return document


def _draw(hourly: HourlyResults, day: int | None, file: Path, run: StoredRun) -> None:
    from afterbay.sizing.charts import carpet_chart, day_chart, save_png

    figure = carpet_chart(hourly, start=run.start) if day is None else day_chart(hourly, day, start=run.start)
    save_png(figure, file)
    output.note(f"drawn: {file}")
