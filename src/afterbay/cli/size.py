"""`afterbay size`: which battery to build."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from afterbay.cli import output
from afterbay.cli.failures import GOAL_NOT_REACHED, PARTIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from afterbay.cli.runfolder import StoredRun

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Which battery to build.",
        "afterbay size check examples/red_rock_quarry.yaml",
        "afterbay size run examples/red_rock_quarry.yaml",
    ),
)

_Project = Annotated[Path, typer.Argument(help="Project file (.yaml or .json).", metavar="PROJECT")]
_Run = Annotated[Path, typer.Argument(help="Run folder, or the project file of a run.", metavar="RUN")]
_Json = Annotated[bool, output.JSON_OPTION]
_Set = Annotated[
    list[str] | None, typer.Option("--set", help="section.key=value in place of the file's.", metavar="KEY=VALUE")
]
_Grid = Annotated[str | None, typer.Option(help="Sizes, such as bess=50:250:50,hours=4,dg=0:10:5.")]
_Goal = Annotated[str | None, typer.Option(help="Goal, such as 'delivery>=99,min=cost'.")]
_Option = Annotated[str, typer.Option(help="best, or the number of an option.")]
_Day = Annotated[str | None, typer.Option(help="worst, best, typical, a number from 1, or a date.")]


def _overrides(settings: list[str] | None, grid: str | None, goal: str | None) -> dict[str, object]:
    from afterbay.cli import requests

    found = requests.read_settings(settings or [])
    found |= requests.read_grid(grid) if grid is not None else {}
    return found | (requests.read_goal(goal) if goal is not None else {})


@app.command(
    **output.told(
        "Read a project and say what would be run; nothing is run, nothing is written.",
        "afterbay size check project.yaml",
        "afterbay size check project.yaml --json",
    )
)
def check(
    project: _Project, settings: _Set = None, grid: _Grid = None, goal: _Goal = None, as_json: _Json = False
) -> None:
    """Read a project and say what would be run; nothing is run, nothing is written."""
    from afterbay.cli.checking import check_document, check_lines
    from afterbay.sizing.project import load_project

    found = load_project(project, _overrides(settings, grid, goal))
    if as_json:
        output.json_document(check_document(found))
        return
    output.lines(check_lines(found))
    for warning in found.warnings:
        output.warn(warning)


@app.command(
    **output.told(
        "Simulate every size of a project, recommend one and write the run.",
        "afterbay size run project.yaml",
        "afterbay size run project.yaml --grid bess=50:250:50,hours=4,dg=0:10:5 --goal 'delivery>=99,min=cost'",
        "afterbay size run project.yaml --remote",
        "afterbay size run 'Red Rock Quarry' --remote --set setup_config.bess_efficiency=90",
    )
)
def run(
    project: _Project,
    settings: _Set = None,
    grid: _Grid = None,
    goal: _Goal = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/<project name>.")] = None,
    charts: Annotated[bool, typer.Option(help="Draw pictures too (needs matplotlib).")] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="On the server of `afterbay login`; PROJECT may be a name or id there.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Simulate every size of a project, recommend one and write the run."""
    overrides = _overrides(settings, grid, goal)
    if remote:
        if jobs is not None or charts:
            raise typer.BadParameter("--jobs and --charts are of runs on this machine, not of --remote")
        from afterbay.cli.remote import run_remote

        done = run_remote(str(project), overrides, out)
        _tell(done.facts, done.folder, charts=False, as_json=as_json)
        return
    from afterbay.cli import runfolder
    from afterbay.cli.running import draw_pictures, run_project
    from afterbay.sizing.project import load_project

    found = load_project(project, overrides)
    for warning in found.warnings:
        output.warn(warning)
    folder = out or runfolder.default_folder(found.name)
    finished = run_project(found, folder, overrides=overrides, jobs=jobs)
    # Pictures after the numbers, which nobody should wait for while they are drawn.
    _tell(finished.facts, folder, charts=charts, as_json=as_json, draw=lambda: draw_pictures(folder, found, finished))


def _tell(
    facts: dict[str, Any],
    folder: Path | None,
    *,
    charts: bool,
    as_json: bool,
    draw: Callable[[], None] = lambda: None,
) -> None:
    """Tell what came of a run, and end as it ended."""
    from afterbay.cli.running import exit_code_of_run, tell_run

    if as_json:
        output.json_document({"folder": None if folder is None else str(folder), **facts})
    else:
        tell_run(facts, folder, charts=charts)
    if charts:
        draw()
    if not facts["complete"]:
        output.note(f"stopped: {facts['cases_finished']:,} of {facts['cases']:,} sizes are kept in {folder}")
    code = exit_code_of_run(facts)
    if code:
        raise typer.Exit(code)


@app.command(
    **output.told(
        "List the options of a run.",
        "afterbay size results out/Red_Rock_Quarry --pareto",
        "afterbay size results project.yaml --sort cost --top 10 --json",
    )
)
def results(
    run: _Run,
    pareto: Annotated[bool, typer.Option("--pareto", help="Only what nothing beats in cost and delivery.")] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first N.")] = None,
    sort: Annotated[str, typer.Option(help="option, delivery, cost, battery, curtailed, dg_hours, ...")] = "option",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with every metric.")] = False,
    as_json: _Json = False,
) -> None:
    """List the options of a run."""
    from afterbay.cli import listing, runfolder

    with _open(run) as stored:
        rows = listing.chosen_rows(stored, pareto=pareto, top=top, sort=sort)
        if as_json:
            output.json_document(listing.rows_document(stored, rows))
        elif as_csv:
            typer.echo(runfolder.table_csv(stored.results, rows), nl=False)
        else:
            from afterbay.cli.options_table import option_lines, summary_lines

            output.lines([*option_lines(stored.facts, rows), "", *summary_lines(stored.facts)])
        if not stored.facts["complete"]:
            raise typer.Exit(PARTIAL)


@app.command(
    **output.told(
        "Show one option: its totals, or one day hour by hour.",
        "afterbay size show out/Red_Rock_Quarry --day worst",
        "afterbay size show out/Red_Rock_Quarry --option 3 --day 2019-12-14 --hour 03:00 --why",
    )
)
def show(
    run: _Run,
    option: _Option = "best",
    day: _Day = None,
    hour: Annotated[str | None, typer.Option(help="An hour of the day, such as 03:00; needs --day.")] = None,
    why: Annotated[bool, typer.Option("--why", help="Say why, in a sentence; needs --day.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every hour as CSV.")] = False,
    png: Annotated[Path | None, typer.Option(help="Draw into this file: the day, or the year as a carpet.")] = None,
    as_json: _Json = False,
) -> None:
    """Show one option: its totals, or one day hour by hour."""
    if day is None and (hour is not None or why):
        raise typer.BadParameter("--hour and --why look at one day: add --day worst")
    from afterbay.cli.showing import Request, show_option

    with _open(run) as stored:
        show_option(stored, Request(option, day, hour, why, as_csv, png, as_json))


@app.command(
    **output.told(
        "Put two or three options side by side.",
        "afterbay size compare out/Red_Rock_Quarry 3 9",
        "afterbay size compare out/Red_Rock_Quarry best 9 15 --json",
    )
)
def compare(
    run: _Run,
    first: Annotated[str, typer.Argument(help="best, or the number of an option.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Another option.", metavar="B")],
    third: Annotated[str | None, typer.Argument(help="One more.", metavar="[C]")] = None,
    as_json: _Json = False,
) -> None:
    """Put two or three options side by side."""
    from afterbay.cli.looking import compare_document, compare_lines

    with _open(run) as stored:
        rows = [stored.row_of(name) for name in (first, second, third) if name is not None]
        if as_json:
            output.json_document(compare_document(stored, rows))
        else:
            output.lines(compare_lines(stored, rows))


@app.command(
    **output.told(
        "Say why an hour went as it did, from the decision that was really taken.",
        "afterbay size why out/Red_Rock_Quarry --day worst --hour 03:00",
        "afterbay size why out/Red_Rock_Quarry --option 7 --day 349",
    )
)
def why(
    run: _Run,
    option: _Option = "best",
    day: Annotated[str, typer.Option(help="worst, best, typical, a number from 1, or a date.")] = "worst",
    hour: Annotated[str | None, typer.Option(help="Such as 03:00; default: every hour of the day.")] = None,
    as_json: _Json = False,
) -> None:
    """Say why an hour went as it did, from the decision that was really taken."""
    from afterbay.cli.showing import Request, show_option

    with _open(run) as stored:
        show_option(stored, Request(option, day, hour, True, False, None, as_json))


@contextmanager
def _open(run: Path) -> Iterator[StoredRun]:
    from afterbay.cli import runfolder

    stored = runfolder.find_run(run)
    with runfolder.reading(stored.folder):
        for sentence in stored.stale:
            output.warn(sentence)
        if not stored.facts["complete"]:
            output.warn(f"partial run: {stored.facts['cases_finished']:,} of {stored.facts['cases']:,} sizes")
        yield stored


@app.command(
    **output.told(
        "Run one option over its years: what it still delivers, and what it is worth.",
        "afterbay size years out/Red_Rock_Quarry",
        "afterbay size years out/Red_Rock_Quarry --option 9 --years 25 --loss 1.5 --fuel-price 1.2",
    )
)
def years(
    run: _Run,
    option: _Option = "best",
    horizon: Annotated[int, typer.Option("--years", help="Years of operation.")] = 20,
    loss: Annotated[float, typer.Option(help="Battery energy lost per year, compound [%].")] = 2.0,
    solar_loss: Annotated[float, typer.Option(help="Solar lost per year, compound [%].")] = 0.5,
    discount: Annotated[float, typer.Option(help="Discount rate [%].")] = 8.0,
    energy_price: Annotated[float, typer.Option(help="Earned per delivered MWh [USD].")] = 100.0,
    fuel_price: Annotated[float, typer.Option(help="Fuel in the first year [USD/L].")] = 1.5,
    residual: Annotated[float, typer.Option(help="Value left at the end, share of the capital [%].")] = 0.0,
    as_json: _Json = False,
) -> None:
    """Run one option over its years: what it still delivers, and what it is worth."""
    from afterbay.cli.lifetime import YearsRequest, show_years

    request = YearsRequest(
        option=option,
        years=horizon,
        loss_pct=loss,
        solar_loss_pct=solar_loss,
        discount_pct=discount,
        energy_price_usd_per_mwh=energy_price,
        fuel_price_usd_per_l=fuel_price,
        residual_pct=residual,
        as_json=as_json,
    )
    with _open(run) as stored:
        show_years(stored, request)


@app.command(
    **output.told(
        "Hold the rule of one option against the best that physics allows.",
        "afterbay size optimum out/Red_Rock_Quarry --option 7",
        "afterbay size optimum out/Red_Rock_Quarry --price 100 --json",
    )
)
def optimum(
    run: _Run,
    option: _Option = "best",
    price: Annotated[float | None, typer.Option(help="What a missed MWh is worth [USD].")] = None,
    as_json: _Json = False,
) -> None:
    """Hold the rule of one option against the best that physics allows."""
    from afterbay.cli.lifetime import show_optimum

    with _open(run) as stored:
        show_optimum(stored, option, price, as_json)


@app.command(
    **output.told(
        "Move every driver of one option by itself, and say which matters most.",
        "afterbay size tornado out/Red_Rock_Quarry",
        "afterbay size tornado out/Red_Rock_Quarry --option 9 --measure total_fuel_consumed --swing 10",
    )
)
def tornado(
    run: _Run,
    option: _Option = "best",
    measure: Annotated[str, typer.Option(help="A metric, such as total_fuel_consumed, or npv_usd.")] = "delivery_pct",
    swing: Annotated[float, typer.Option(help="How far each driver moves, both ways [%].")] = 20.0,
    png: Annotated[Path | None, typer.Option(help="Draw the tornado into this file.")] = None,
    as_json: _Json = False,
) -> None:
    """Move every driver of one option by itself, and say which matters most."""
    from afterbay.cli.lifetime import show_tornado

    with _open(run) as stored:
        show_tornado(stored, option, measure, swing, png, as_json)


@app.command(
    **output.told(
        "Write the whole study as a PDF and a workbook: sizes, years, money, what matters most.",
        "afterbay size report examples/red_rock_quarry.yaml",
        "afterbay size report project.yaml --years 25 --out study --date 2026-11-21",
    )
)
def report(
    project: _Project,
    settings: _Set = None,
    grid: _Grid = None,
    goal: _Goal = None,
    horizon: Annotated[int, typer.Option("--years", help="Years of operation.")] = 20,
    out: Annotated[Path | None, typer.Option(help="Folder of the two files; default: out/<project name>.")] = None,
    made_on: Annotated[str | None, typer.Option("--date", help="Date on the report; default: today.")] = None,
) -> None:
    """Write the whole study as a PDF and a workbook: sizes, years, money, what matters most."""
    from datetime import date

    from afterbay.cli import runfolder
    from afterbay.cli.reporting import write_report
    from afterbay.sizing.project import load_project

    try:
        day = date.fromisoformat(made_on) if made_on is not None else date.today()
    except ValueError:
        raise typer.BadParameter(f"--date {made_on!r} is no date such as 2026-11-21") from None
    found = load_project(project, _overrides(settings, grid, goal))
    for warning in found.warnings:
        output.warn(warning)
    if not write_report(found, out or runfolder.default_folder(found.name), years=horizon, made_on=day):
        raise typer.Exit(GOAL_NOT_REACHED)
