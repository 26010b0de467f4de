"""Answers of a headend that are no success, as our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.core.errors import (
    AfterbayError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    Problem,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_of"]

_INVALID = frozenset({400, 413, 415, 422})
_AWAY = frozenset({408, 425, 429, 502, 503, 504})
_MOST_TEXT = 300


def error_of(status: int, document: Any, text: str, where: str) -> AfterbayError:
    """Return the error that an answer means.

    Args:
        status: HTTP status.
        document: The answer as JSON; None when it is none.
        text: The answer as text.
        where: Method and address, for the message.
    """
    problem: Mapping[str, Any] = document if isinstance(document, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or " ".join(text.split())[:_MOST_TEXT] or "no reason")
    if status in _INVALID:
        found = problem.get("errors")
        problems = [_problem(one) for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return InvalidInputError(problems or [_sentence(where, detail)])
    if status in (401, 403):
        move = "" if "->" in detail else " -> a token that may: AFTERBAY_TOKEN; of a server: afterbay login"
        return NotAllowedError(f"{detail}{move}")
    if status == 404:
        # A headend says what is not there; another server only that there is no such page.
        return NotFoundError(detail if problem else f"{where}: there is nothing here -> is this a headend's address?")
    if status in (409, 412):
        return ConflictError(detail)
    if status in _AWAY:
        return UnavailableError(detail)
    return AfterbayError(f"{where}: the headend answered {status}: {detail}")


def _problem(error: Mapping[str, Any]) -> Problem:
    """Read one entry of `errors`; the parts that our server joins are taken apart again."""
    where = str(error.get("pointer") or "request").strip("/").replace("/", ".") or "request"
    detail, hint = str(error.get("detail") or ""), str(error.get("hint") or "")
    if detail.startswith("got ") and ", allowed: " in detail:
        got, allowed = detail.removeprefix("got ").rsplit(", allowed: ", maxsplit=1)
        if not hint:
            allowed, _, hint = allowed.partition(" -> ")
        return Problem(where.removeprefix("body."), got, allowed, hint)
    return Problem(where.removeprefix("body."), str(error.get("value", "something else")), detail, hint)


def _sentence(where: str, detail: str) -> Problem:
    """Put a plain sentence (the original answers 400 with text) into the parts of a problem."""
    return Problem(where, "an answer that refuses it", detail)
