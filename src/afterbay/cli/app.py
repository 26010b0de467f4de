"""The command as a whole: its groups, its errors and its exit codes."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import afterbay
from afterbay.cli import (
    agent,
    community,
    config,
    cycle,
    db,
    doctor,
    fleet,
    headend,
    login,
    openapi,
    output,
    profile,
    project,
    serve,
    size,
    token,
    user,
    worker,
)
from afterbay.cli.failures import USAGE, exit_code_of, reader_may_leave, report_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["app", "main"]


class _Root(TyperGroup):
    """Turns every error into a sentence and an exit code; no stack trace reaches a user."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        # Read before the words are understood: words that are not understood are to be a document too.
        as_json = output.asks_for_json(args)
        with reader_may_leave(), _failures_as_exits(lambda: as_json):
            ctx = super().make_context(info_name, args, parent, **extra)
        output.remember_json(ctx, as_json)
        return ctx

    def invoke(self, ctx: Any) -> Any:
        with reader_may_leave(), _failures_as_exits(lambda: output.wants_json(ctx)):
            return super().invoke(ctx)


@contextmanager
def _failures_as_exits(wants_json: Callable[[], bool]) -> Iterator[None]:
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        as_json = wants_json()
        code = exit_code_of(error)
        if code is None and as_json and getattr(error, "exit_code", None) == USAGE and hasattr(error, "format_message"):
            code = USAGE
        if code is None:
            raise
        report_failure(error, code, as_json=as_json)
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
        "  afterbay community create elm --example elm-street\n"
        "  afterbay serve\n\n\b\n"
        "Exit codes: 0 done, 1 unexpected, 2 usage, 3 invalid input or a missing package, 4 not found,\n"
        "5 not allowed, 6 in use or would be lost, 7 not available, 8 a goal or a check failed, 9 partial,\n"
        "130 interrupted.\n"
        "AFTERBAY_DEBUG=1 shows the trace of an unexpected error."
    ),
)
app.add_typer(size.app, name="size")
app.add_typer(community.app, name="community")
app.add_typer(cycle.app, name="cycle")
app.add_typer(fleet.app, name="fleet")
app.add_typer(headend.app, name="headend")
app.add_typer(agent.app, name="agent")
app.add_typer(profile.app, name="profile")
app.add_typer(serve.app, name="serve")
app.add_typer(worker.app, name="worker")
app.add_typer(login.app, name="login")
app.add_typer(login.logout_app, name="logout")
app.add_typer(project.app, name="project")
app.add_typer(user.app, name="user")
app.add_typer(token.app, name="token")
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")
app.add_typer(doctor.app, name="doctor")
app.add_typer(openapi.app, name="openapi")


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
