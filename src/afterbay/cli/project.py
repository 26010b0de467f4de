"""`afterbay project`: the projects of a server, and their runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from afterbay.cli import output, project_changes
from afterbay.cli.failures import INVALID_INPUT
from afterbay.cli.project_words import Json, ProjectWord, moment, server
from afterbay.cli.tables import table

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Projects on a server (afterbay login, or AFTERBAY_URL and AFTERBAY_TOKEN).",
        "afterbay project list",
        "afterbay project import examples/red_rock_quarry.yaml",
        "afterbay project runs 'Red Rock Quarry'",
    ),
)


@app.command(
    "list",
    **output.told(
        "List the projects that you may open.",
        "afterbay project list",
        "afterbay project list quarry --deleted --json",
    ),
)
def list_(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of name, description or reference.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; may be given several times.")] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that can still be restored.")] = False,
    as_json: Json = False,
) -> None:
    """List the projects that you may open."""
    with server() as client:
        found = client.list_projects(q=text, tag=tag or [], deleted=deleted)
    if as_json:
        output.json_document({"projects": found})
    elif not found:
        output.note("no project: afterbay project create NAME, or project import FILE")
    else:
        rows = [
            [one["name"], one["status"], one["owner_name"], one["access"], moment(one["updated_at"]),
             ", ".join(one["tags"]), one["id"]]
            for one in found
        ]  # fmt: skip
        output.lines(table(("NAME", "STATUS", "OWNER", "ACCESS", "CHANGED (UTC)", "TAGS", "ID"), rows, left=range(7)))


@app.command(**output.told("Show a project and how its plant is run.", "afterbay project show 'Red Rock Quarry'"))
def show(project: ProjectWord, as_json: Json = False) -> None:
    """Show a project."""
    with server() as client:
        found = client.find_project(project)
        checked = client.validate_project(found["id"])
    if as_json:
        output.json_document({**found, "validation": checked})
        return
    lines = [found["name"], *([found["description"]] if found["description"] else []),
             f"{found['status']}, version {found['version']}, of {found['owner_name']} ({found['access']}), changed "
             f"{moment(found['updated_at'])} UTC", f"id {found['id']}", "", *checked["strategy"]]  # fmt: skip
    lines += [""] if checked["assumptions"] else []
    output.lines([*lines, *checked["assumptions"]])
    _tell_problems(checked)


@app.command(**output.told("Make an empty project.", "afterbay project create 'Red Rock Quarry' --tag mine"))
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    description: Annotated[str, typer.Option(help="In your words.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    as_json: Json = False,
) -> None:
    """Make an empty project."""
    fields: dict[str, Any] = {"description": description} if description else {}
    with server() as client:
        made = client.create_project(name, **fields, tags=tag or [])
    if as_json:
        output.json_document(made)
    else:
        output.lines([f"{made['name']} is made: {made['id']}"])


@app.command(
    **output.told(
        "Check a project: every problem at once; exit code 3 if there is one.",
        "afterbay project validate 'Red Rock Quarry'",
    )
)
def validate(project: ProjectWord, as_json: Json = False) -> None:
    """Check a project."""
    with server() as client:
        checked = client.validate_project(client.find_project(project)["id"])
    if as_json:
        output.json_document(checked)
    elif checked["valid"]:
        cases, steps, dt_h = checked["cases"], checked["steps"], checked["dt_h"]
        output.lines(
            [f"ready: {cases:,} sizes over {steps:,} steps of {dt_h:g} h   inputs {checked['input_hash'][:12]}"]
        )
    _tell_problems(checked, quiet=as_json)
    if not checked["valid"]:
        raise typer.Exit(INVALID_INPUT)


def _tell_problems(checked: dict[str, Any], *, quiet: bool = False) -> None:
    if quiet:
        return
    for warning in checked["warnings"]:
        output.warn(warning)
    for one in checked["problems"]:
        move = f" -> {one['hint']}" if one["hint"] else ""
        output.note(f"  {one['pointer']}: {one['detail']}{move}")


@app.command(
    **output.told("List the runs of a project, newest first.", "afterbay project runs 'Red Rock Quarry' --json")
)
def runs(project: ProjectWord, as_json: Json = False) -> None:
    """List the runs of a project."""
    with server() as client:
        found = client.list_runs(client.find_project(project)["id"])
    if as_json:
        output.json_document({"runs": found})
    elif not found:
        output.note(f"no run yet: afterbay size run '{project}' --remote")
    else:
        rows = [
            [moment(one["created_at"]), one["simulation_type"], one["status"], f"{one['cases'] or 0:,}",
             {True: "yes", False: "no", None: ""}[one["goal_reached"]], one["created_by_name"], one["name"] or "",
             one["id"]]
            for one in found
        ]  # fmt: skip
        head = ("STARTED (UTC)", "TYPE", "STATUS", "SIZES", "GOAL", "BY", "NAME", "ID")
        output.lines(table(head, rows, left=(0, 1, 2, 4, 5, 6, 7)))


@app.command(
    **output.told(
        "Bring the results of a run here, after waiting for its end; they are told and written as of a local run.",
        "afterbay project results 0c8b8cf4-6f53-4d0c-9a0b-1d4d3e1f7a55 --out out/quarry",
    )
)
def results(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, as `project runs` shows it.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: out/<project name>.")] = None,
    as_json: Json = False,
) -> None:
    """Bring the results of a run here."""
    from afterbay.cli import runfolder
    from afterbay.cli.remote import collect, follow
    from afterbay.cli.running import exit_code_of_run, tell_run

    with server() as client:
        found = follow(client.run(run), client.connection.url)
        folder = out or runfolder.default_folder(client.get_project(found.document["project_id"])["name"])
        done = collect(client, found, folder)
    if as_json:
        output.json_document({"folder": None if done.folder is None else str(done.folder), **done.facts})
    else:
        tell_run(done.facts, done.folder, charts=False)
    code = exit_code_of_run(done.facts)
    if code:
        raise typer.Exit(code)


project_changes.add_to(app)
