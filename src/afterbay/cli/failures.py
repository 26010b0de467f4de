"""Errors as sentences, documents and exit codes."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer

from afterbay.cli import output
from afterbay.core.errors import (
    AfterbayError,
    CancelledError,
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    NotAllowedError,
    NotFoundError,
    PhysicsError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CONFLICT",
    "GOAL_NOT_REACHED",
    "INTERRUPTED",
    "INVALID_INPUT",
    "NOT_ALLOWED",
    "NOT_FOUND",
    "PARTIAL",
    "UNAVAILABLE",
    "UNEXPECTED",
    "USAGE",
    "exit_code_of",
    "reader_may_leave",
    "report_failure",
]

UNEXPECTED = 1
USAGE = 2
INVALID_INPUT = 3
NOT_FOUND = 4
NOT_ALLOWED = 5
CONFLICT = 6
UNAVAILABLE = 7
GOAL_NOT_REACHED = 8
PARTIAL = 9
INTERRUPTED = 130

_DISK = (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES)
_TITLES = {
    UNEXPECTED: "unexpected error",
    USAGE: "usage",
    INVALID_INPUT: "the input cannot be used",
    NOT_FOUND: "not found",
    NOT_ALLOWED: "not allowed",
    CONFLICT: "in use",
    UNAVAILABLE: "not available",
    GOAL_NOT_REACHED: "a check of the result failed",
    INTERRUPTED: "interrupted",
}


def exit_code_of(error: BaseException) -> int | None:
    """Return the exit code of an error, or None where the command line itself knows best."""
    if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):
        return None
    # `reader_may_leave` knows what to do.
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, (KeyboardInterrupt, CancelledError)):
        return INTERRUPTED
    if isinstance(error, (InvalidInputError, MissingExtraError)):
        return INVALID_INPUT
    if isinstance(error, NotFoundError):
        return NOT_FOUND
    if isinstance(error, NotAllowedError):
        return NOT_ALLOWED
    if isinstance(error, ConflictError):
        return CONFLICT
    if isinstance(error, UnavailableError):
        return UNAVAILABLE
    # A full or read-only disk is nobody's mistake in the input, and no defect of ours.
    if isinstance(error, OSError) and error.errno in _DISK:
        return UNAVAILABLE
    return GOAL_NOT_REACHED if isinstance(error, PhysicsError) else UNEXPECTED


def report_failure(error: BaseException, code: int, *, as_json: bool) -> None:
    """Say what went wrong: a problem document on stdout with `--json`, lines on stderr otherwise."""
    ours = isinstance(error, AfterbayError)
    # A run called damaged may be a defect of ours in reading it; its cause tells the two apart.
    hidden = error.__cause__ is not None if ours else code == UNEXPECTED
    if hidden and os.environ.get("AFTERBAY_DEBUG"):
        output.note("".join(traceback.format_exception(error)))
    problems = error.problems if isinstance(error, InvalidInputError) else ()
    detail = str(error) if ours or code == UNAVAILABLE else f"{type(error).__name__}: {error}"
    if code == USAGE:
        detail = str(getattr(error, "format_message", error.__str__)())
    if code == INTERRUPTED and not ours:
        detail = "stopped before the end"
    title = "a package is missing" if isinstance(error, MissingExtraError) else _TITLES[code]
    if as_json:
        document: dict[str, Any] = {
            "title": title,
            "detail": detail,
            "code": code,
            "errors": [problem.to_dict() for problem in problems],
        }
        output.json_document(document)
        return
    if problems:
        count = len(problems)
        output.note(f"{title}: {count} problem{'s' if count > 1 else ''}")
        for problem in problems:
            output.note(f"  {problem}")
        return
    more = "" if ours or code != UNEXPECTED else " (set AFTERBAY_DEBUG=1 to see where)"
    title = "error" if ours and code == UNEXPECTED else title
    output.note(f"{title}: {' '.join(detail.split())}{more}")


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End well and silently when the reader of our output has seen enough (`| head`)."""
    try:
        yield
    except BrokenPipeError:
        # Python writes what is left in its buffers when it ends, which would fail once more.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
        raise typer.Exit(0) from None
