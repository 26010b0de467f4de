"""Answers of a server or a headend that are no success, as our errors."""

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
_RIGHT = "is this the address of an afterbay?"
_SIGN_IN = "sign in first"
_WAYS_IN = "sign in with afterbay login, or name a token that may in AFTERBAY_TOKEN"


def error_of(status: int, document: Any, text: str, where: str) -> AfterbayError:
    """Return the error that an answer means.

    Args:
        status: HTTP status.
        document: The answer as JSON; None when it is none.
        text: The answer as text.
        where: Method and address, for the message.
    """
    problem: Mapping[str, Any] = document if isinstance(document, dict) else {}
    detail = str(problem.get("detail") or problem.get("title") or _plain(text))
    if status in _INVALID:
        found = problem.get("errors")
        problems = [_problem(one) for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        return InvalidInputError(problems or [_sentence(where, detail)])
    if status == 401 and problem.get("code") == "unauthorized" and _SIGN_IN in detail:
        # The server cannot tell who forgot to sign in from whose token is over; only we know that both may be.
        return NotAllowedError(f"{where}: nobody is signed in, or the token is wrong or over -> {_WAYS_IN}")
    if status in (401, 403):
        return NotAllowedError(detail if "->" in detail else f"{detail} -> {_WAYS_IN}")
    if status == 404:
        # A server of ours says what is not there; another one, or another path, only that there is no such page.
        known = problem and detail != problem.get("title")
        return NotFoundError(
            detail if known else f"{where}: there is nothing here -> is this the address of an afterbay?"
        )
    if status in (409, 412):
        return ConflictError(detail)
    if status in _AWAY:
        return UnavailableError(detail)
    if problem:
        noted = (
            f" -> its administrator finds request {problem['request_id']} in the log" if "request_id" in problem else ""
        )
        return AfterbayError(f"{where}: the answer was {status}: {detail}{noted}")
    return AfterbayError(f"{where}: the answer was {status}: {detail} -> is this the address of an afterbay?")


def _plain(text: str) -> str:
    """Return the answer of another program in short; a page of markup says nothing in a terminal."""
    words = " ".join(text.split())
    if words.lower().startswith(("<!doctype", "<html")):
        return "a web page"
    return words[:_MOST_TEXT] or "no reason"


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
