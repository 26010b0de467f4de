"""Errors of the server as `application/problem+json` (RFC 9457), for every error there is.

```
400 the request is no JSON          409 ConflictError            428 a version is needed
401 no or a wrong token             412 another version          429 QuotaError, asked too often
403 NotAllowedError                 413 TooLargeError            500 a defect of ours
404 NotFoundError                   415 a body of another type   503 UnavailableError, MissingExtraError
406 no format that was asked for    422 InvalidInputError
```

`type` leads to a page that explains the kind of problem; every application with these handlers serves it.
"""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from afterbay.core.errors import (
    AfterbayError,
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    NotAllowedError,
    NotFoundError,
    QuotaError,
    TooLargeError,
    UnavailableError,
)

__all__ = ["PROBLEM", "NotSignedInError", "StatusError", "add_error_handlers", "documented", "problem_response"]

PROBLEM = "application/problem+json"
_log = logging.getLogger(__name__)


class StatusError(AfterbayError):
    """An error of the conversation over HTTP, with a status of its own."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    headers: ClassVar[Mapping[str, str]] = {}


class NotSignedInError(StatusError, NotAllowedError):
    """Nobody is signed in, or the sign-in has ended."""

    status: ClassVar[int] = 401
    code: ClassVar[str] = "unauthorized"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


_STATUS: tuple[tuple[type[AfterbayError], int, str], ...] = (
    (InvalidInputError, 422, "invalid-input"),
    (NotFoundError, 404, "not-found"),
    (NotAllowedError, 403, "forbidden"),
    (TooLargeError, 413, "too-large"),
    (QuotaError, 429, "too-many"),
    (ConflictError, 409, "conflict"),
    (UnavailableError, 503, "unavailable"),
    (MissingExtraError, 503, "missing-package"),
)
_KINDS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request itself cannot be read: broken JSON, a broken header."),
    "unauthorized": (401, "Nobody is signed in, or the token is wrong or has ended. Sign in, or send another token."),
    "forbidden": (403, "You are signed in and may not do this. An administrator can give you a role that may."),
    "not-found": (404, "There is nothing here that you may see."),
    "method-not-allowed": (405, "This address does not know this method; the header Allow names those it knows."),
    "not-acceptable": (406, "None of the formats in Accept is made here; `detail` names those that are."),
    "conflict": (409, "What is asked for does not fit the present state, or somebody else holds it."),
    "changed-meanwhile": (412, "Somebody changed it since you read it. Get it again and apply your change to that."),
    "too-large": (413, "The body or the file is larger than you may send."),
    "media-type": (415, "A body of this Content-Type is not read here."),
    "wrong-host": (421, "This server answers names of this machine only."),
    "invalid-input": (422, "What was sent breaks a rule. `errors` has every problem, each with a pointer."),
    "precondition-needed": (428, "Send If-Match with the ETag of the version that your change starts from."),
    "too-many": (429, "A limit is used up. Retry-After says when to try again, where waiting helps."),
    "unexpected": (500, "A defect of ours. The server's log has the details under `request_id`."),
    "unavailable": (503, "Another system does not answer at the moment. Retry-After says when to try again."),
    "missing-package": (503, "The server lacks an optional package; its administrator can install it."),
    "problem": (400, "The request was refused; `detail` says why."),
}
_CODES = {status: code for code, (status, _) in reversed(_KINDS.items()) if code not in ("problem", "missing-package")}
_RETRY_S = 5
_LONGEST = 200
_LITERAL = "'\"[{-0123456789TFN"
_TAGS = ("union_tag_invalid", "union_tag_not_found")
_ABSENT = ("missing", "union_tag_not_found")
_SECRET = ("password", "token", "secret")
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Kind of the problem: address of a page that explains it"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and the next move"},
        "instance": {"type": "string", "description": "Path of the request"},
        "code": {"type": "string"},
        "request_id": {"type": "string", "description": "Under which the server's log has this request"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Where it stands in the body, or /NAME of a parameter",
                    },
                    "detail": {"type": "string"},
                    "hint": {"type": "string", "description": "The next move"},
                    "value": {"description": "What was given, as JSON; what is long is cut to a text"},
                },
            },
        },
    },
}


def problem_response(
    status: int,
    detail: str,
    *,
    instance: str = "",
    code: str = "",
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return one problem as a response."""
    code = code or _CODES.get(status, "problem")
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if instance:
        body["instance"] = instance
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    if errors:
        body["errors"] = errors
    return _ProblemResponse(body, status, headers=dict(headers or {}), media_type=PROBLEM)


class _ProblemResponse(JSONResponse):
    """Shows whatever somebody sent, also what is no text: half a surrogate pair, NUL."""

    def render(self, content: Any) -> bytes:
        """Return the body in plain ASCII."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says about these statuses; goes into `responses=`."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": _SCHEMA}}}
        for status in statuses
    }


def add_error_handlers(app: FastAPI) -> None:
    """Let every error of an application leave as a problem."""
    # Starlette types handlers by the base class; each of these gets only what it is registered for.
    handlers: tuple[tuple[Any, Any], ...] = (
        (AfterbayError, _ours),
        (RequestValidationError, _invalid_request),
        (HTTPException, _http),
        (Exception, _unexpected),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)
    app.add_api_route("/problems/{code}", _explained, include_in_schema=False, response_class=HTMLResponse)


def _explained(code: str) -> HTMLResponse:
    """Return the page that `type` of a problem leads to."""
    if code not in _KINDS:
        raise HTTPException(404, "there is no such kind of problem")
    status, text = _KINDS[code]
    # All of this is ours: what was asked for is shown only after it was found.
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>afterbay: {code}</title>'
        f'<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem">'
        f"<h1>{status} {HTTPStatus(status).phrase}: {code}</h1><p>{text}</p></body></html>\n"
    )


async def _ours(request: Request, error: AfterbayError) -> JSONResponse:
    path = request.url.path
    if isinstance(error, StatusError):
        return problem_response(error.status, str(error), instance=path, code=error.code, headers=error.headers)
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            found = getattr(error, "problems", ())
            errors = [
                {"pointer": problem.where, "detail": f"got {problem.got}, allowed: {problem.allowed}",
                 "hint": problem.next_move, "value": _meant(problem.got)}
                for problem in found
            ]  # fmt: skip
            headers = _when_again(error, status)
            return problem_response(status, str(error), instance=path, code=code, errors=errors, headers=headers)
    _log.error("%s %s: %s", request.method, path, error, exc_info=error)
    return problem_response(500, str(error), instance=path)


def _when_again(error: AfterbayError, status: int) -> dict[str, str]:
    if isinstance(error, QuotaError):
        return {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": str(_RETRY_S)} if status == 503 else {}


async def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    found, path = error.errors(), request.url.path
    if any(one["loc"] == ("body",) and isinstance(one.get("input"), bytes) for one in found):
        given = request.headers.get("content-type", "missing")[:100]
        detail = f"Content-Type is {given}, this reads application/json -> send JSON, and say so"
        return problem_response(415, detail, instance=path)
    errors = [_entry(one) for one in found]
    moves = (f" -> {one['hint']}" if "hint" in one else "" for one in errors)
    detail = "; ".join(f"{one['pointer']}: {one['detail']}{move}" for one, move in zip(errors, moves, strict=True))
    broken = any(one["type"] == "json_invalid" for one in found)
    return problem_response(
        400 if broken else 422, detail or "the request is not valid", instance=path, errors=errors
    )  # fmt: skip


def _entry(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return one problem of a request, as pydantic found it, in the parts of ours."""
    place, context = [str(part) for part in error["loc"][1:]], error.get("ctx") or {}
    value, detail = error.get("input"), str(error["msg"])
    if error["type"] == "json_invalid":
        # The place is a count of characters; there is no value yet.
        return {"pointer": "/", "detail": f"no JSON from character {place[-1]} on: {context.get('error', 'broken')}"}
    if error["type"] in _TAGS:
        place.append(str(context.get("discriminator", "")).strip("'"))
        value = value.get(place[-1]) if isinstance(value, dict) else value
    pointer = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in place)
    entry: dict[str, Any] = {"pointer": pointer or "/", "detail": detail}
    if context.get("hint"):
        entry["hint"] = str(context["hint"])
    # What is missing has no value, and what is secret is not said again.
    if error["type"] not in _ABSENT and not any(word in pointer for word in _SECRET):
        entry["value"] = _shown(value)
    return entry


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods_of(request)))
    return problem_response(error.status_code, str(error.detail), instance=request.url.path, headers=headers)


def _methods_of(request: Request) -> set[str]:
    """Return the methods of every route on this path; the framework names those of the first one only."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and route.methods and compile_path(route.path)[0].match(request.url.path):
            found |= route.methods
    return found


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "an unexpected error; the server's log has the details", instance=request.url.path)


def _shown(value: Any) -> Any:
    """What was given, as JSON; what is long, or is no JSON, as text."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)[:_LONGEST]
    if len(text) <= _LONGEST:
        return value
    return (value if isinstance(value, str) else text)[:_LONGEST]


def _meant(got: str) -> Any:
    """Return the value that a problem of ours shows as Python writes it; other words stay as they are."""
    if not got or got[0] not in _LITERAL or len(got) > _LONGEST:
        return got
    try:
        value = ast.literal_eval(got)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return got
    return _shown(value) if repr(value) == got and not isinstance(value, bytes) else got
