"""Errors of the server as `application/problem+json` (RFC 9457), for every error there is.

```
400 the request is no JSON          409 ConflictError            500 a defect of ours
401 no or a wrong token             413 the body is too large    503 UnavailableError, MissingExtraError
404 NotFoundError                   422 InvalidInputError
```
"""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from afterbay.core.errors import (
    AfterbayError,
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROBLEM", "add_error_handlers", "documented", "problem_response"]

PROBLEM = "application/problem+json"
_log = logging.getLogger(__name__)
_STATUS: tuple[tuple[type[AfterbayError], int, str], ...] = (
    (InvalidInputError, 422, "invalid-input"),
    (NotFoundError, 404, "not-found"),
    (ConflictError, 409, "conflict"),
    (UnavailableError, 503, "unavailable"),
    (MissingExtraError, 503, "missing-package"),
)
_CODES = {400: "bad-request", 401: "unauthorized", 403: "forbidden", 404: "not-found", 405: "method-not-allowed",
          409: "conflict", 413: "too-large", 415: "media-type", 421: "wrong-host", 422: "invalid-input",
          500: "unexpected", 503: "unavailable"}  # fmt: skip
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Kind of the problem"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and the next move"},
        "instance": {"type": "string", "description": "Path of the request"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("pointer", "detail", "hint", "value")},
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
        "type": f"about:blank#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if instance:
        body["instance"] = instance
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


async def _ours(request: Request, error: AfterbayError) -> JSONResponse:
    path = request.url.path
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            found = getattr(error, "problems", ())
            errors = [
                {"pointer": problem.where, "detail": f"got {problem.got}, allowed: {problem.allowed}",
                 "hint": problem.next_move, "value": problem.got}
                for problem in found
            ]  # fmt: skip
            headers = {"Retry-After": "5"} if status == 503 else None
            return problem_response(status, str(error), instance=path, code=code, errors=errors, headers=headers)
    _log.error("%s %s: %s", request.method, path, error, exc_info=error)
    return problem_response(500, str(error), instance=path)


async def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    broken = any(one["type"] == "json_invalid" for one in found)
    errors = [
        {"pointer": "/".join(("", *(str(part) for part in one["loc"][1:]))) or "/", "detail": str(one["msg"]),
         "value": _shown(one.get("input"))}
        for one in found
    ]  # fmt: skip
    detail = "; ".join(f"{one['pointer']}: {one['detail']}" for one in errors)
    status = 400 if broken else 422
    return problem_response(status, detail or "the request is not valid", instance=request.url.path, errors=errors)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    return problem_response(
        error.status_code, str(error.detail), instance=request.url.path, headers=error.headers
    )  # fmt: skip


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "an unexpected error; the server's log has the details", instance=request.url.path)


def _shown(value: Any) -> str:
    """What was given, short, and as text: NaN is no JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value[:200] if isinstance(value, str) else repr(value)[:200]
