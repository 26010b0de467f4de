"""Bodies are bounded, and JSON is looked at before it is read: depth, NUL, halves of characters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from afterbay.server.errors import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimits", "BodyRules", "check_json", "check_text"]

_DEEPEST: Final = 64
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(rb"[\[\]{}]")
_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_NO_JSON: Final = re.compile(rb"NaN|Infinity")


@dataclass(frozen=True, slots=True)
class BodyRules:
    """How large a body may be."""

    usual_bytes: int = 1_048_576
    uploads: Mapping[str, int] = field(default_factory=dict)
    """Most bytes by the beginning of the path, for what is no JSON on routes that take files."""

    def most(self, path: str, *, is_json: bool) -> int:
        """Return the most bytes that a body on this path may have."""
        if is_json:
            return self.usual_bytes
        found = [size for start, size in self.uploads.items() if path == start or path.startswith(start + "/")]
        return max([self.usual_bytes, *found])


class BodyLimits:
    """ASGI middleware that refuses bodies too large (413) and JSON that no database can keep (400, 422)."""

    def __init__(self, app: "ASGIApp", rules: BodyRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer what may not pass, and pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        # No type: FastAPI reads it as JSON.
        is_json = media_type in ("", "application/json") or media_type.endswith("+json")
        most = self._rules.most(scope["path"], is_json=is_json)
        try:
            _check_address(scope)
            _check_length(headers.get("content-length"), most)
            bounded = _Bounded(receive, most)
            inner: Receive = await _checked_json(bounded) if is_json and _has_body(headers) else bounded
        except HTTPException as error:
            answer = problem_response(error.status_code, error.detail, instance=scope["path"])
            await answer(scope, receive, send)
            return
        await self._app(scope, inner, send)


def check_json(body: bytes) -> None:
    """Refuse JSON that no reader or database of ours can take.

    Raises:
        HTTPException: 400 for what is no JSON (NaN, a NUL byte), 422 for too deep, NUL and half characters in texts.
    """
    if b"\0" in body:
        raise HTTPException(400, "the body has a NUL byte and is no JSON")
    if b"\\u" in body:
        check_escapes(body)
    outside = body
    if body.count(b"[") + body.count(b"{") > _DEEPEST or _NO_JSON.search(body):
        outside = _STRING.sub(b"", body)
        _check_depth(outside)
        if _NO_JSON.search(outside):
            raise HTTPException(400, "NaN and Infinity are no JSON -> send null for what is not known")


def check_escapes(body: bytes) -> None:
    """Refuse an escaped NUL and half a surrogate pair, which PostgreSQL cannot store.

    Raises:
        HTTPException: 422.
    """
    high_ends_at = -1
    for match in _ESCAPE.finditer(body):
        if match[1] is None:
            continue
        code = int(match[1], 16)
        if code == 0:
            raise HTTPException(422, "a text holds NUL (\\u0000), which cannot be stored -> leave it out")
        low = 0xDC00 <= code <= 0xDFFF
        follows = match.start() == high_ends_at
        # A second half stands right behind a first one, and nothing else does.
        if low != follows or (high_ends_at >= 0 and not follows):
            break
        high_ends_at = match.end() if 0xD800 <= code <= 0xDBFF else -1
    else:
        if high_ends_at < 0:
            return
    raise HTTPException(422, "a text holds half a surrogate pair, which is no character -> send whole characters")


def check_text(text: str, where: str) -> None:
    """Refuse NUL and half characters in a text of the address.

    Raises:
        HTTPException: 422.
    """
    if "\0" in text or "\ufffd" in text:
        raise HTTPException(422, f"the {where} holds characters that are no text (NUL, or no UTF-8)")


def _check_address(scope: "Scope") -> None:
    from urllib.parse import unquote_to_bytes

    check_text(scope["path"], "path")
    query = unquote_to_bytes(scope.get("query_string", b""))
    try:
        check_text(query.decode("utf-8"), "query")
    except UnicodeDecodeError:
        check_text("\ufffd", "query")


def _check_length(length: str | None, most: int) -> None:
    if length is not None and not (length.isascii() and length.isdecimal()):
        raise HTTPException(400, "Content-Length is no number")
    if length is not None and (len(length) > 18 or int(length) > most):
        raise _too_large(most)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the body is too large, at most {most:,} bytes here")


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _check_depth(outside: bytes) -> None:
    depth = 0
    for match in _BRACKET.finditer(outside):
        depth += 1 if match[0] in b"[{" else -1
        if depth > _DEEPEST:
            raise HTTPException(422, f"the JSON is nested deeper than {_DEEPEST} levels")


class _Bounded:
    """Counts a body while it is read."""

    def __init__(self, receive: "Receive", most: int) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0

    async def __call__(self) -> "Message":
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise _too_large(self._most)
        return message


async def _checked_json(receive: "Receive") -> "Receive":
    """Read a whole body, check it, and return what gives it once more."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return _replay([message], receive)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    body = b"".join(parts)
    check_json(body)
    return _replay([{"type": "http.request", "body": body, "more_body": False}], receive)


def _replay(kept: "list[Message]", receive: "Receive") -> "Receive":
    async def again() -> "Message":
        return kept.pop(0) if kept else await receive()

    return again
