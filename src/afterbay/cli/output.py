"""Where text goes: data to stdout, everything else to stderr; colour only on a terminal that wants it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "JSON_OPTION",
    "asks_for_json",
    "bold",
    "is_terminal",
    "json_document",
    "lines",
    "note",
    "remember_json",
    "told_lines",
    "wants_json",
    "warn",
]

_META = "afterbay.json"


def _remember(ctx: typer.Context, value: bool) -> bool:
    # Known before anything can fail, so that an error is a document as well.
    remember_json(ctx, value)
    return value


JSON_OPTION: Any = typer.Option("--json", help="Print one JSON document.", callback=_remember, is_eager=True)


def asks_for_json(words: list[str]) -> bool:
    """Is `--json` among the words of a command line?"""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def remember_json(ctx: Any, value: bool) -> None:
    """Note for the whole command line that JSON is wanted; once noted it stays."""
    ctx.meta[_META] = wants_json(ctx) or value


def wants_json(ctx: Any) -> bool:
    """Did the user ask for JSON?"""
    return bool(ctx.meta.get(_META, False))


def told(sentence: str, *examples: str) -> dict[str, Any]:
    """Return the help of a command: examples first, because they are what people look for."""
    # The mark keeps the lines of a block apart.
    shown = "\n".join(f"  {example}" for example in examples)
    return {"help": f"\b\nExamples:\n{shown}\n\n{sentence}", "short_help": sentence}


def lines(text: Iterable[str]) -> None:
    """Print data, one line each."""
    for line in text:
        typer.echo(line)


def told_lines(text: Iterable[str], *, as_json: bool) -> None:
    """Print what a command did, as lines or as one document."""
    if as_json:
        json_document({"told": list(text)})
    else:
        lines(text)


def json_document(value: Any) -> None:
    """Print one JSON document; a number that is not finite is null."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def note(text: str) -> None:
    """Say something about the work, beside the data."""
    typer.echo(text, err=True)


def warn(text: str) -> None:
    """Say something the user should look at."""
    typer.echo(f"warning: {text}", err=True)


def is_terminal(stream: Any = None) -> bool:
    """Is somebody looking at this stream? Default: stderr."""
    stream = sys.stderr if stream is None else stream
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Make text bold on a terminal, unless NO_COLOR says otherwise."""
    if not is_terminal(sys.stdout) or os.environ.get("NO_COLOR"):
        return text
    return str(typer.style(text, bold=True))
