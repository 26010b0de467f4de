"""`afterbay community node` and `afterbay community profile`: edit a community from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from afterbay.cli import output

__all__ = ["node_app", "profile_app"]

node_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Add, change, move and remove transformers and houses.",
        "afterbay community node add my_village transformer --display-name T-1 --set rated_kw=100",
        "afterbay community node set my_village H-1.1.1 import_kw=20",
    ),
)
profile_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    **output.told(
        "Give houses their loads, roofs their sun, cars their habits.",
        "afterbay community profile add my_village load-H-1.1.1 household --set annual_kwh=3500 --seed 1",
        "afterbay community profile preview my_village load-H-1.1.1",
    ),
)

_Community = Annotated[Path, typer.Argument(help="Folder of the community, or its grid file.", metavar="COMMUNITY")]
_Node = Annotated[str, typer.Argument(help="Fixed name of the node, such as H-1.1.1.", metavar="NODE")]
_Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")]
_Set = Annotated[list[str] | None, typer.Option("--set", help="field=value, once for each.", metavar="FIELD=VALUE")]
_Json = Annotated[bool, output.JSON_OPTION]


@node_app.command(
    **output.told(
        "Add a transformer or houses below a node; says the names they got.",
        "afterbay community node add my_village transformer --set rated_kw=100",
        "afterbay community node add my_village house --parent T-1.1 --count 12 --like H-1.1.1",
    )
)
def add(
    community: _Community,
    kind: Annotated[str, typer.Argument(help="transformer or house.", metavar="KIND")],
    parent: Annotated[str | None, typer.Option(help="Node to add it below; default: the grid.")] = None,
    display_name: Annotated[str, typer.Option(help="Name that people read.")] = "",
    settings: _Set = None,
    like: Annotated[str | None, typer.Option(help="House to copy.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many; with --like copies of that house.")] = 1,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Add a transformer or houses below a node; says the names they got."""
    from afterbay.cli import community_changes as changes

    output.told_lines(
        changes.add_nodes(community, kind, parent, display_name, settings or [], like, count, dry_run=dry_run),
        as_json=as_json,
    )


@node_app.command(
    "set",
    **output.told(
        "Set fields of nodes; null takes a value back.",
        "afterbay community node set my_village T-1.1 rated_kw=100 forward_efficiency=0.98",
        'afterbay community node set my_village H-1.1.1 \'batteries=[{"capacity_kwh": 8, "charge_kw": 3, '
        '"discharge_kw": 3}]\'',
    ),
)
def set_(
    community: _Community,
    node: _Node,
    settings: Annotated[
        list[str], typer.Argument(help="field=value; lists and records as JSON.", metavar="FIELD=VALUE...")
    ],
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Set fields of nodes; null takes a value back."""
    from afterbay.cli import community_changes as changes

    output.told_lines(changes.set_node(community, node, settings, dry_run=dry_run), as_json=as_json)


@node_app.command(
    **output.told("Give a node another display name.", "afterbay community node rename my_village T-1.1 'Mill Lane'")
)
def rename(
    community: _Community,
    node: _Node,
    display_name: Annotated[str, typer.Argument(help="Name that people read.", metavar="NAME")],
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Give a node another display name."""
    from afterbay.cli import community_changes as changes
    from afterbay.community.topology import rename_node

    output.told_lines(
        changes.change(community, lambda grid: rename_node(grid, node, display_name), dry_run=dry_run), as_json=as_json
    )


@node_app.command(
    **output.told(
        "Hang a node below another one; it keeps its name.", "afterbay community node move my_village H-1.1.1 T-1.2"
    )
)
def move(
    community: _Community,
    node: _Node,
    parent: Annotated[str, typer.Argument(help="Node to hang it below.", metavar="PARENT")],
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Hang a node below another one; it keeps its name."""
    from afterbay.cli import community_changes as changes
    from afterbay.community.topology import move_node

    output.told_lines(
        changes.change(community, lambda grid: move_node(grid, node, parent), dry_run=dry_run), as_json=as_json
    )


@node_app.command(
    **output.told(
        "Remove nodes with all below them; their names never come back.",
        "afterbay community node rm my_village H-1.1.3 --dry-run",
        "afterbay community node rm my_village H-1.1.3 --yes",
    )
)
def rm(
    community: _Community,
    nodes: Annotated[list[str], typer.Argument(help="Fixed names.", metavar="NODE...")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    dry_run: _Dry = False,
    as_json: _Json = False,
) -> None:
    """Remove nodes with all below them; their names never come back."""
    from afterbay.cli import community_changes as changes
    from afterbay.community.topology import remove_nodes
    from afterbay.core.errors import ConflictError

    if not (yes or dry_run):
        raise ConflictError("removing takes all below along -> look with --dry-run, then say --yes")
    output.told_lines(
        changes.change(community, lambda grid: remove_nodes(grid, nodes), dry_run=dry_run), as_json=as_json
    )


@profile_app.command(
    "add",
    **output.told(
        "Add a profile by its recipe, or put another in its place.",
        "afterbay community profile add my_village sun solar_clear_sky --set latitude=50.1 --set longitude=8.7",
        "afterbay community profile add my_village load-H-1.1.1 file --set path=load.csv",
    ),
)
def add_profile(
    community: _Community,
    name: Annotated[str, typer.Argument(help="Name of the profile.", metavar="NAME")],
    source: Annotated[str, typer.Argument(help="Recipe; `profile sources` lists them.", metavar="SOURCE")],
    settings: _Set = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the random part.")] = None,
    as_json: _Json = False,
) -> None:
    """Add a profile by its recipe, or put another in its place."""
    from afterbay.cli import community_changes as changes

    output.told_lines(changes.add_profile(community, name, source, settings or [], seed), as_json=as_json)


@profile_app.command(
    "rm",
    **output.told(
        "Take out profiles that no house uses.", "afterbay community profile rm my_village load-1 old-measurement"
    ),
)
def rm_profiles(
    community: _Community,
    names: Annotated[list[str], typer.Argument(help="Names of profiles.", metavar="NAME...")],
    as_json: _Json = False,
) -> None:
    """Take out profiles that no house uses."""
    from afterbay.cli import community_changes as changes

    output.told_lines(changes.remove_profiles(community, names), as_json=as_json)


@profile_app.command(
    "fill",
    **output.told(
        "Give every load, roof and car without a profile a believable one.",
        "afterbay community profile fill my_village --seed 1",
        "afterbay community profile fill my_village --each --seed 1",
    ),
)
def fill(
    community: _Community,
    each: Annotated[bool, typer.Option("--each", help="A load of its own for every house; changes the grid.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the street.")] = 0,
    as_json: _Json = False,
) -> None:
    """Give every load, roof and car without a profile a believable one."""
    from afterbay.cli import community_changes as changes

    output.told_lines(changes.fill_profiles(community, seed, each=each), as_json=as_json)


@profile_app.command(
    "list", **output.told("List the profiles of a community.", "afterbay community profile list my_village")
)
def list_profiles(community: _Community, as_json: _Json = False) -> None:
    """List the profiles of a community."""
    from afterbay.cli import community_changes as changes

    told: Any = changes.profile_rows(community)
    if as_json:
        output.json_document(told)
    else:
        output.lines(changes.profile_lines(told))


@profile_app.command(
    **output.told("List the recipes and what each of them takes.", "afterbay community profile sources")
)
def sources(as_json: _Json = False) -> None:
    """List the recipes and what each of them takes."""
    from afterbay.cli import community_changes as changes

    output.told_lines(changes.source_lines(), as_json=as_json)


@profile_app.command(
    **output.told(
        "Show the year of a profile in numbers and its average day.",
        "afterbay community profile preview my_village load-H-1.1.1",
    )
)
def preview(
    community: _Community,
    name: Annotated[str, typer.Argument(help="Name of the profile.", metavar="NAME")],
    year: Annotated[int, typer.Option(help="Year to look at.")] = 2023,
    as_json: _Json = False,
) -> None:
    """Show the year of a profile in numbers and its average day."""
    from afterbay.cli import community_changes as changes

    told: Any = changes.profile_preview(community, name, year)
    if as_json:
        output.json_document(told)
    else:
        output.lines(changes.preview_lines(told))
