"""`afterbay size run`: sweep, judge, write."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterbay.cli import output, runfolder
from afterbay.cli.failures import GOAL_NOT_REACHED, INTERRUPTED
from afterbay.cli.progress import show_progress, stop_on_interrupt
from afterbay.core.errors import CancelledError, MissingExtraError
from afterbay.sizing.nearest import nearest_changes
from afterbay.sizing.recommendation import calculate_recommendations
from afterbay.sizing.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from afterbay.sizing.project import Project
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["Run", "draw_pictures", "exit_code_of_run", "run_project", "tell_run", "write_run"]


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run."""

    facts: dict[str, Any]
    """What stands in `run.json`."""
    rows: list[dict[str, Any]]
    """The options, as `SweepResult.rows()` gives them."""
    hourly: HourlyResults
    """Every hour of the recommended option, or of the one nearest to the goal."""


def run_project(
    project: Project,
    folder: Path,
    *,
    overrides: dict[str, Any] | None = None,
    jobs: int | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Run:
    """Run every size of a project and write the run folder.

    Args:
        project: A checked project.
        folder: Where the run goes; made if it does not exist.
        overrides: What the user set in place of the file, to be recorded.
        jobs: Threads; default: all cores.
        cancelled: True stops the sweep; what is finished is kept. Default: Ctrl-C.

    Returns:
        What was written, and what the pictures need.

    Raises:
        CancelledError: If it was stopped before a size was finished.
        InvalidInputError: If the folder cannot be written.
        PhysicsError: If a case breaks a balance or a bound.
    """
    runfolder.prepare(folder)
    began = time.monotonic()
    with stop_on_interrupt() as interrupted, show_progress(len(project.grid)) as progress:
        result = sweep(
            project.params(), project.template, project.grid, costs=project.costs, jobs=jobs, progress=progress,
            cancelled=cancelled or interrupted,
        )  # fmt: skip
    seconds = time.monotonic() - began
    if not len(result):
        raise CancelledError("stopped before anything was finished; nothing was written")
    output.note(f"{len(result):,} of {len(project.grid):,} sizes in {seconds:,.1f} s")
    rows = result.rows()
    facts = runfolder.facts_of(project, result, overrides or {}, seconds)
    choice = calculate_recommendations(rows, project.goal, costs=project.costs)
    nearest = None if choice["recommended"] else nearest_changes(result, project.goal)
    shown = choice["recommended"] or choice["best_reached"]
    hourly = result.simulate(shown["index"])
    facts |= {
        "recommendation": choice,
        "nearest": {**nearest.to_dict(), "lines": nearest.lines()} if nearest else None,
        "physics": hourly.physics.to_dict(),
        "hourly_option": facts["results"]["option"][shown["index"]],
    }
    write_run(folder, project, facts, runfolder.hourly_csv(hourly, project.start))
    return Run(facts, rows, hourly)


def write_run(folder: Path, project: Project, facts: dict[str, Any], hourly_csv: str) -> None:
    """Write a run folder; pictures of an earlier run go."""
    import json

    # Pictures of an earlier run would stand beside the new numbers.
    for name in runfolder.FILES:
        if name.endswith(".png"):
            (folder / name).unlink(missing_ok=True)
    runfolder.write_inputs(folder, project)
    runfolder.write_file(folder / "cases.csv", runfolder.cases_csv(facts))
    runfolder.write_file(folder / "hourly.csv", hourly_csv)
    # Last, because it is what makes the folder a run.
    runfolder.write_file(folder / "run.json", json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False))


def tell_run(facts: dict[str, Any], folder: Path | None, *, charts: bool) -> None:
    """Print the table of a run, what is recommended, and where it was written; None: nowhere."""
    from afterbay.cli import options_table

    rows = options_table.telling_rows(facts)
    output.lines(options_table.option_lines(facts, rows))
    output.lines(["", *options_table.summary_lines(facts), ""])
    place = "" if folder is None else f"   {folder}"
    output.lines([f"{facts['physics']['summary']}, every size checked   inputs {facts['input_hash'][:12]}{place}"])
    if folder is None:
        return
    if len(rows) < len(facts["results"]["option"]):
        all_of = f"{len(rows)} of {len(facts['results']['option']):,} sizes shown"
        output.note(f"{all_of}; all of them: afterbay size results {folder}")
    pictures = "" if charts else "; with pictures: size run ... --charts"
    output.note(f"next: afterbay size show {folder} --day worst{pictures}")


def exit_code_of_run(facts: dict[str, Any]) -> int:
    """Return how the command ends: 130 stopped, 8 no size reaches the goal, 0 otherwise."""
    if not facts["complete"]:
        return INTERRUPTED
    return 0 if facts["recommendation"]["recommended"] is not None else GOAL_NOT_REACHED


def draw_pictures(folder: Path, project: Project, run: Run) -> None:
    """Draw the three pictures of a run; without matplotlib, say how to get them."""
    from afterbay.sizing.charts import carpet_chart, day_chart, pareto_chart, save_png, worst_day

    choice, hourly = run.facts["recommendation"], run.hourly
    best = choice["recommended"]["index"] if choice["recommended"] else None
    try:
        target = project.goal.delivery_target_pct
        figures = {
            "pareto.png": pareto_chart(run.rows, target_pct=target, recommended=best),
            "carpet.png": carpet_chart(hourly, start=project.start),
            "worst_day.png": day_chart(hourly, worst_day(hourly), start=project.start),
        }
        for name, figure in figures.items():
            save_png(figure, folder / name)
        output.note(f"pictures: {', '.join(str(folder / name) for name in figures)}")
    except MissingExtraError as error:
        output.note(f"no pictures: {error}")
