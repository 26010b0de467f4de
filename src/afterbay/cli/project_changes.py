"""`afterbay project import|export|share|delete|restore`: what changes projects of a server, or takes them along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afterbay.cli import output
from afterbay.cli.project_words import Json, ProjectWord, profile_files, server

if TYPE_CHECKING:
    from afterbay.client import BESSAPIClient

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add these commands to `afterbay project`."""
    app.command(
        "import",
        **output.told(
            "Bring a project file and its profiles; a project of yours of the same name gets its answers.",
            "afterbay project import examples/red_rock_quarry.yaml",
        ),
    )(import_)
    app.command(
        **output.told(
            "Write a project with its profiles into a folder, from which `size run` takes it.",
            "afterbay project export 'Red Rock Quarry' --out quarry",
        )
    )(export)
    app.command(
        **output.told(
            "Let somebody open a project, to view or to edit; without an address, say who may.",
            "afterbay project share 'Red Rock Quarry'",
            "afterbay project share 'Red Rock Quarry' bob@example.org --edit",
            "afterbay project share 'Red Rock Quarry' bob@example.org --revoke",
        )
    )(share)
    app.command(
        **output.told("Delete a project; it can be restored for 30 days.", "afterbay project delete 'Red Rock Quarry'")
    )(delete)
    app.command(**output.told("Take back a deletion.", "afterbay project restore 'Red Rock Quarry'"))(restore)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Project file (.yaml or .json).")], as_json: Json = False
) -> None:
    """Bring a project file and its profiles."""
    from afterbay.cli.remote_project import bring_project
    from afterbay.sizing.project import load_project

    project = load_project(file)
    for warning in project.warnings:
        output.warn(warning)
    with server() as client:
        brought = bring_project(client, project, {})
    if as_json:
        output.json_document({"project": brought.project, "told": list(brought.told)})
    else:
        output.lines([*brought.told, f"id {brought.project['id']}"])


def export(
    project: ProjectWord,
    out: Annotated[Path | None, typer.Option(help="Folder; default: the project's name.")] = None,
    as_json: Json = False,
) -> None:
    """Write a project with its profiles into a folder."""
    from afterbay.cli import runfolder
    from afterbay.core.errors import InvalidInputError, Problem

    with server() as client:
        found = client.find_project(project)
        document = client.project_config(found["id"])
        folder = out or Path(runfolder.default_folder(found["name"]).name)
        file = folder / "project.json"
        if file.exists():
            raise InvalidInputError(
                Problem("--out", f"{file}, which exists", "a folder without a project.json", "choose another --out")
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"{folder}: {error.strerror}"
            raise InvalidInputError(
                Problem("--out", why, "a folder that can be written", "choose another --out")
            ) from None
        profiles = profile_files(document)
        for name, profile_id in profiles.items():
            client.profiles.download(profile_id, folder / name)
        runfolder.write_file(file, json.dumps(document, indent=1, ensure_ascii=False))
    if as_json:
        output.json_document({"file": str(file), "profiles": [*profiles], "project": document})
    else:
        output.lines([str(file), *(str(folder / name) for name in profiles)])
        output.note(f"next: afterbay size run {file}")


def share(
    project: ProjectWord,
    email: Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="Who; default: say who may.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="To edit; default: to view.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it back.")] = False,
    as_json: Json = False,
) -> None:
    """Let somebody open a project."""
    if email is None and (edit or revoke):
        raise typer.BadParameter("--edit and --revoke need an address")
    if edit and revoke:
        raise typer.BadParameter("--edit or --revoke, not both")
    if email is not None and "@" not in email:
        raise typer.BadParameter(f"{email} is no address such as name@example.org")
    with server() as client:
        found = client.find_project(project)
        if email is not None and revoke:
            client.shares.take(found["id"], email)
        elif email is not None:
            client.shares.give(found["id"], email, "edit" if edit else "view")
        shares = client.shares.all(found["id"]) if found["access"] == "owner" else []
    if as_json:
        output.json_document({"project": found["id"], "shares": shares})
    else:
        output.lines([f"{one['email']}  {one['permission']}" for one in shares] or ["shared with nobody"])


def delete(
    project: ProjectWord,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a project."""
    import sys

    with server() as client:
        found = client.find_project(project)
        if not yes and output.is_terminal(sys.stdin):
            typer.confirm(f"Delete {found['name']!r} (version {found['version']})?", abort=True, err=True)
        client.delete_project(found["id"])
    output.told_lines(
        [f"{found['name']} is deleted; for 30 days: afterbay project restore {found['id']}"], as_json=as_json
    )


def restore(project: ProjectWord, as_json: Json = False) -> None:
    """Take back a deletion."""
    with server() as client:
        found = client.restore_project(_deleted(client, project))
    output.told_lines([f"{found['name']} is back: {found['id']}"], as_json=as_json)


def _deleted(client: BESSAPIClient, word: str) -> str:
    from afterbay.client.naming import find_named

    found = find_named(
        word, "deleted project", client.list_projects(deleted=True), lambda one: str(one["id"]),
        lambda one: str(one["name"]),
    )  # fmt: skip
    return str(found["id"])
