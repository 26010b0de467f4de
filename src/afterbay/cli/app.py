"""The command as a whole: its groups, its errors and its exit codes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import afterbay
from afterbay.cli import output, profile, size
from afterbay.cli.failures import exit_code_of, report_failure

__all__ = ["app", "main"]


class _Root(TyperGroup):
    """Turns every error into a sentence and an exit code; no stack trace reaches a user."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            code = exit_code_of(error)
            if code is None:
                raise
            report_failure(error, code, as_json=output.wants_json(ctx))
            raise typer.Exit(code) from error


app = typer.Typer(
    cls=_Root,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=(
        "Size, share and dispatch energy storage.\n\n\b\n"
        "Examples:\n"
        "  afterbay size run examples/red_rock_quarry.yaml\n"
        "  afterbay profile inspect solar.csv\n\n\b\n"
        "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid input, 4 not found, 8 goal not reached,\n"
        "9 partial results, 130 interrupted. AFTERBAY_DEBUG=1 shows the trace of an unexpected error."
    ),
)
app.add_typer(size.app, name="size")
app.add_typer(profile.app, name="profile")


@app.command(
    **output.told(
        "Show which afterbay this is, and on what it runs.",
        "afterbay version",
        "afterbay version --json",
    )
)
def version(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Show which afterbay this is, and on what it runs."""
    from importlib import metadata

    parts = {"afterbay": afterbay.__version__, "python": sys.version.split()[0]}
    for package in ("numpy", "numba", "pandas", "pvlib", "matplotlib"):
        try:
            parts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            parts[package] = "not installed"
    if as_json:
        output.json_document(parts)
    else:
        output.lines(f"{name} {number}" for name, number in parts.items())


def main() -> None:
    """Run the command; the entry point of the installed script."""
    # A terminal that cannot show a sign gets a question mark in its place, not a crash.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
