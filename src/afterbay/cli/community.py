"""`afterbay community`: a neighbourhood that shares and trades."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from afterbay.cli import community_edit, output
from afterbay.cli.failures import GOAL_NOT_REACHED, INVALID_INPUT

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "A neighbourhood that shares and trades solar power.",
        "afterbay community create elm --example elm-street",
        "afterbay community run elm --from 2023-06-01 --days 7",
    ),
)
app.add_typer(community_edit.node_app, name="node")
app.add_typer(community_edit.profile_app, name="profile")

_Community = Annotated[Path, typer.Argument(help="Folder of the community, or its grid file.", metavar="COMMUNITY")]
_Run = Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")]
_Json = Annotated[bool, output.JSON_OPTION]
_Rule = Annotated[str, typer.Option(help="none, proportional, equal, priority, static, cascade or dynamic.")]
_Scope = Annotated[str, typer.Option(help="grid, or transformer: shared inside each transformer only.")]
_Out = Annotated[Path | None, typer.Option(help="Folder of the result.")]


@app.command(
    **output.told(
        "Make a community: an example, or an empty grid to build on.",
        "afterbay community create elm --example elm-street",
        "afterbay community create my_village --time-zone Europe/Berlin --retail 0.30 --feed-in 0.08",
    )
)
def create(
    community: Annotated[Path, typer.Argument(help="Folder to make.", metavar="COMMUNITY")],
    example: Annotated[str | None, typer.Option(help="elm-street or two-houses.")] = None,
    name: Annotated[str, typer.Option(help="Display name of the grid.")] = "",
    time_zone: Annotated[str | None, typer.Option(help="Zone whose days and tariffs hold; default: UTC.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of all prices; default: EUR.")] = None,
    place: Annotated[str | None, typer.Option(help="Latitude,longitude; solar needs it.")] = None,
    retail: Annotated[float | None, typer.Option(help="Price of a kWh from the utility; settling needs it.")] = None,
    feed_in: Annotated[float | None, typer.Option(help="Price of a kWh to the utility; default: 0.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the example's profiles.")] = 1,
    as_json: _Json = False,
) -> None:
    """Make a community: an example, or an empty grid to build on."""
    from afterbay.cli.community_making import make_community

    output.told_lines(
        make_community(community, example, name, time_zone, currency, place, retail, feed_in, seed), as_json=as_json
    )


@app.command(
    **output.told(
        "Show the tree, what is missing where, and what stands behind each meter.",
        "afterbay community show elm",
        "afterbay community show elm T-1.1",
    )
)
def show(
    community: _Community,
    node: Annotated[str | None, typer.Argument(help="Show only what is below this node.", metavar="NODE")] = None,
    as_json: _Json = False,
) -> None:
    """Show the tree, what is missing where, and what stands behind each meter."""
    from afterbay.cli.community_showing import tree_lines
    from afterbay.cli.communityfolder import load_grid
    from afterbay.community.topology import find_node, grid_to_document

    grid = load_grid(community)
    if node is not None:
        find_node(grid, node)
    if as_json:
        output.json_document(grid_to_document(grid))
    else:
        output.lines(tree_lines(grid, node))


@app.command(
    **output.told(
        "List everything that is wrong or doubtful; nothing is run, nothing is written.",
        "afterbay community check elm",
        "afterbay community check grid.json --json",
    )
)
def check(community: _Community, as_json: _Json = False) -> None:
    """List everything that is wrong or doubtful; nothing is run, nothing is written."""
    from afterbay.cli.communityfolder import load_grid, load_profiles
    from afterbay.community.topology import check_grid

    grid = load_grid(community)
    found = check_grid(grid, frozenset(load_profiles(community)))
    errors = sum(finding.severity == "error" for finding in found)
    if as_json:
        output.json_document({"errors": errors, "findings": [finding.to_dict() for finding in found]})
    else:
        output.lines(str(finding) for finding in found)
        output.lines([f"{errors} errors, {len(found) - errors} warnings"] if found else ["ready to run"])
    if errors:
        raise typer.Exit(INVALID_INPUT)


@app.command(
    "import",
    **output.told(
        "Take a grid from a JSON file or from a power network; says what changes before it writes.",
        "afterbay community import village.json --to my_village --dry-run",
        "afterbay community import feeder_network.json --to feeder --yes",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(help="Grid document or network file (JSON).", metavar="FILE")],
    to: Annotated[Path, typer.Option(help="Folder of the community.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Replace a grid that is there.")] = False,
    as_json: _Json = False,
) -> None:
    """Take a grid from a JSON file or from a power network; says what changes before it writes."""
    from afterbay.cli.community_making import import_grid

    told = import_grid(file, to, dry_run=dry_run, yes=yes)
    if as_json:
        output.json_document(told)
    else:
        output.lines(told["lines"])


@app.command(
    **output.told(
        "Write the grid (.json), its schema (--schema), or the profiles of all houses (.zip of CSV).",
        "afterbay community export elm --out elm.json",
        "afterbay community export elm --out profiles.zip --from 2023-06-01 --days 7",
    )
)
def export(
    community: _Community,
    out: Annotated[Path, typer.Option(help="File to write: .json or .zip.")],
    schema: Annotated[bool, typer.Option("--schema", help="Write the JSON Schema of grid documents.")] = False,
    start: Annotated[str, typer.Option("--from", help="First day of the profiles.")] = "2023-01-01",
    days: Annotated[int, typer.Option(min=1, help="Days of the profiles.")] = 365,
    as_json: _Json = False,
) -> None:
    """Write the grid (.json), its schema (--schema), or the profiles of all houses (.zip of CSV)."""
    from afterbay.cli.community_making import export_community

    output.told_lines(export_community(community, out, schema=schema, start=start, days=days), as_json=as_json)


@app.command(
    **output.told(
        "Run every quarter hour and share the surplus; Ctrl-C stops, --resume goes on.",
        "afterbay community run elm --from 2023-06-01 --days 7",
        "afterbay community run elm --from 2023-01-01 --to 2023-12-31 --rule equal --out out/elm-equal",
    )
)
def run(
    community: _Community,
    start: Annotated[str, typer.Option("--from", help="First local day.")],
    days: Annotated[int | None, typer.Option(min=1, help="Number of days.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last local day.")] = None,
    rule: _Rule = "proportional",
    scope: _Scope = "grid",
    series: Annotated[str, typer.Option(help="Houses whose full series is kept: all, none, or names.")] = "none",
    meters: Annotated[bool, typer.Option("--meters", help="Keep the meter of every house and step.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Kept for whatever draws numbers later, such as bids.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads; default: all cores.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the stopped run in --out.")] = False,
    charts: Annotated[bool, typer.Option(help="Draw pictures too (needs matplotlib).")] = False,
    out: _Out = None,
    as_json: _Json = False,
) -> None:
    """Run every quarter hour and share the surplus; Ctrl-C stops, --resume goes on."""
    from afterbay.cli import community_running as running

    folder = out or Path("out") / f"{(community if community.is_dir() else community.with_suffix('')).name}-{rule}"
    finished = running.run_stored(
        community, folder, start, days, end, rule, scope, series,
        keep_meters=meters, seed=seed, jobs=jobs, resume=resume,
    )  # fmt: skip
    document = running.results_document(finished)
    if as_json:
        output.json_document({"folder": str(folder), **document})
    else:
        output.lines(running.results_lines(finished, document))
        output.note(f"kept in {folder}; next: afterbay community settle {quote(str(folder))}")
    if charts:
        output.note(f"pictures: {', '.join(map(str, running.draw_pictures(finished, folder)))}")
    if not document["physics"]["passed"]:
        raise typer.Exit(GOAL_NOT_REACHED)


@app.command(
    **output.told(
        "Show the key figures of a run, of its transformers or of its houses.",
        "afterbay community results out/elm-proportional",
        "afterbay community results out/elm-proportional --houses --csv",
    )
)
def results(
    run: _Run,
    houses: Annotated[bool, typer.Option("--houses", help="One row per house.")] = False,
    transformers: Annotated[bool, typer.Option("--transformers", help="One row per transformer.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with every figure.")] = False,
    tables: Annotated[Path | None, typer.Option(help="Write every table as Parquet into this folder.")] = None,
    charts: Annotated[bool, typer.Option(help="Draw pictures beside the run (needs matplotlib).")] = False,
    as_json: _Json = False,
) -> None:
    """Show the key figures of a run, of its transformers or of its houses."""
    from afterbay.cli import community_running as running
    from afterbay.cli.communityfolder import open_stored_run

    opened = open_stored_run(run)
    if tables is not None:
        output.note(f"tables: {', '.join(map(str, running.write_tables(opened, tables)))}")
    if charts:
        output.note(f"pictures: {', '.join(map(str, running.draw_pictures(opened, run)))}")
    if houses or transformers:
        running.print_rows(opened, "house" if houses else "transformer", as_csv=as_csv, as_json=as_json)
        return
    document = running.results_document(opened)
    if as_json:
        output.json_document(document)
    elif as_csv:
        output.lines(running.figures_csv(document))
    else:
        output.lines(running.results_lines(opened, document))


@app.command(
    **output.told(
        "Lay runs on identical inputs side by side.",
        "afterbay community compare out/elm-none out/elm-equal out/elm-proportional",
        "afterbay community compare out/elm-none out/elm-equal --json",
    )
)
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", metavar="RUN...")], as_json: _Json = False
) -> None:
    """Lay runs on identical inputs side by side."""
    from afterbay.cli import community_running as running
    from afterbay.cli.communityfolder import open_stored_run

    opened = {str(folder): open_stored_run(folder) for folder in dict.fromkeys(runs)}
    running.print_comparison(opened, as_json=as_json)


@app.command(
    **output.told(
        "Settle one physical run under every rule, or those you name, side by side.",
        "afterbay community settle out/elm-proportional",
        "afterbay community settle out/elm-proportional --rule mid_market_rate --rule double_auction --house H-1.1.1",
    )
)
def settle(
    run: _Run,
    rule: Annotated[list[str] | None, typer.Option(help="Rule; give it several times. Default: all.")] = None,
    house: Annotated[str | None, typer.Option(help="Print the statement of one house.")] = None,
    feed_in: Annotated[float | None, typer.Option(help="Guaranteed price, for the rule feed_in.")] = None,
    out: _Out = None,
    as_json: _Json = False,
) -> None:
    """Settle one physical run under every rule, or those you name, side by side."""
    from afterbay.cli import community_settling as settling
    from afterbay.cli.community_making import make_folder
    from afterbay.cli.communityfolder import open_stored_run
    from afterbay.core.errors import NotFoundError

    opened = open_stored_run(run)
    # What takes a minute must not fail at its end for a word that was wrong at its beginning.
    if house is not None and house not in opened.grid.house_names:
        raise NotFoundError(f"house {house!r} is not in {run} -> see afterbay community results {run} --houses")
    if out is not None:
        make_folder(out)
    settled = settling.settle_run(opened, rule, feed_in)
    if out is not None:
        output.note(f"tables: {', '.join(map(str, settled.write(out)))}")
    if as_json:
        output.json_document(settling.document(settled, house))
    else:
        keyed = any(member.key for member, _ in opened.grid.every_house())
        output.lines(
            settling.statement_lines(settled, house) if house else settling.summary_lines(settled, keyed=keyed)
        )
    if not all(balance.holds for balance in settled.balances()):
        raise typer.Exit(GOAL_NOT_REACHED)
