"""`afterbay config`: every setting of the server, its value and where that comes from."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from afterbay.cli import output
from afterbay.cli.surroundings import misspelt

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode=None,
    **output.told(
        "Show every setting of the server, its value and its origin; secrets are hidden.",
        "afterbay config",
        "afterbay config --changed --json",
    ),
)


@app.callback()
def config(
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not the default.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Show every setting."""
    from afterbay.server.settings import read_settings, stated

    for sentence in misspelt(os.environ):
        output.warn(sentence)
    found = [one for one in stated(read_settings()) if not (changed and one.origin == "default")]
    if as_json:
        output.json_document([asdict(one) for one in found])
        return
    if not found:
        output.lines(["every setting is the default"])
        return
    wide = max(len(one.variable) for one in found)
    width = min(max(len(one.value) for one in found), 60)
    output.lines(f"{one.variable:<{wide}}  {one.value:<{width}}  {one.origin}" for one in found)
