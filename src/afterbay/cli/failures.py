"""Errors as sentences, documents and exit codes."""

from __future__ import annotations

import os
import traceback
from typing import Any

import typer

from afterbay.cli import output
from afterbay.core.errors import (
    AfterbayError,
    CancelledError,
    InvalidInputError,
    NotFoundError,
    PhysicsError,
)

__all__ = [
    "GOAL_NOT_REACHED",
    "INTERRUPTED",
    "INVALID_INPUT",
    "NOT_FOUND",
    "PARTIAL",
    "UNEXPECTED",
    "exit_code_of",
    "report_failure",
]

UNEXPECTED = 1
INVALID_INPUT = 3
NOT_FOUND = 4
GOAL_NOT_REACHED = 8
PARTIAL = 9
INTERRUPTED = 130

_TITLES = {
    UNEXPECTED: "unexpected error",
    INVALID_INPUT: "the input cannot be used",
    NOT_FOUND: "not found",
    GOAL_NOT_REACHED: "a check of the result failed",
    INTERRUPTED: "interrupted",
}


def exit_code_of(error: BaseException) -> int | None:
    """Return the exit code of an error, or None where the command line itself knows best."""
    if isinstance(error, typer.Abort) or hasattr(error, "exit_code"):
        return None
    # A reader that has seen enough (`| head`) is no error of ours.
    if isinstance(error, BrokenPipeError):
        return None
    if isinstance(error, (KeyboardInterrupt, CancelledError)):
        return INTERRUPTED
    if isinstance(error, InvalidInputError):
        return INVALID_INPUT
    if isinstance(error, NotFoundError):
        return NOT_FOUND
    return GOAL_NOT_REACHED if isinstance(error, PhysicsError) else UNEXPECTED


def report_failure(error: BaseException, code: int, *, as_json: bool) -> None:
    """Say what went wrong: a problem document on stdout with `--json`, lines on stderr otherwise."""
    ours = isinstance(error, AfterbayError)
    if not ours and code == UNEXPECTED and os.environ.get("AFTERBAY_DEBUG"):
        output.note("".join(traceback.format_exception(error)))
    problems = error.problems if isinstance(error, InvalidInputError) else ()
    detail = str(error) if ours else f"{type(error).__name__}: {error}"
    if code == INTERRUPTED:
        detail = "stopped before anything was finished; nothing was written"
    if as_json:
        document: dict[str, Any] = {
            "title": _TITLES[code],
            "detail": detail,
            "code": code,
            "errors": [problem.to_dict() for problem in problems],
        }
        output.json_document(document)
        return
    if problems:
        count = len(problems)
        output.note(f"{_TITLES[code]}: {count} problem{'s' if count > 1 else ''}")
        for problem in problems:
            output.note(f"  {problem}")
        return
    more = "" if ours or code != UNEXPECTED else " (set AFTERBAY_DEBUG=1 to see where)"
    title = "error" if ours and code == UNEXPECTED else _TITLES[code]
    output.note(f"{title}: {' '.join(detail.split())}{more}")
