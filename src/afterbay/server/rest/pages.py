"""What a person sees who comes with a browser: the style of our few pages, and problems in words."""

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, MutableHeaders

from afterbay.server.errors import PROBLEM

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ProblemPages", "page_policy", "page_style"]

_MOST_BYTES: Final = 100_000
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>afterbay: {title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<main class="page">
<h1>{title}</h1>
{lines}
<p>{ways}</p>
<p class="help">Status {status}{request}</p>
</main>
</body>
</html>
"""


@cache
def page_style() -> str:
    """Return the style sheet of our pages; it goes into each of them."""
    return files("afterbay.server.rest").joinpath("page.css").read_text(encoding="utf-8")


def page_policy(page: str) -> str:
    """Return the Content-Security-Policy that lets a page's own script and style run, and no other."""
    scripts, styles = (re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("script", "style"))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts)) or chr(39) + 'none' + chr(39)}",
            f"style-src {' '.join(map(_hash, styles))}",
            "connect-src 'self'",
            "img-src data:",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


class ProblemPages:
    """ASGI middleware: a problem becomes a page when a browser opened its address; programs get the document."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass on everything; rewrite a problem that is about to be shown to a person."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_person(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = b""

        async def rewritten(message: "Message") -> None:
            nonlocal held, body
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                await _send_page(held, body, send)

        await self._app(scope, receive, rewritten)


async def _send_page(start: "Message", body: bytes, send: "Send") -> None:
    try:
        page = _page(json.loads(body[:_MOST_BYTES])).encode()
    except (ValueError, KeyError, TypeError):
        # Whatever it is, it is still the answer.
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-type"] = "text/html; charset=utf-8"
    headers["content-length"] = str(len(page))
    headers["content-security-policy"] = page_policy(page.decode())
    headers["cache-control"] = "no-store"
    headers.add_vary_header("Accept")
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": page})


def _page(problem: dict[str, Any]) -> str:
    """Return a problem in words; all of it may come from the request, so all of it is escaped."""
    status, title, detail = int(problem["status"]), str(problem["title"]), str(problem["detail"])
    lines = [detail] if detail != title else [f"There is nothing at {problem.get('instance', 'this address')}."]
    ways = ['<a href="/">To the start</a>', '<a href="/docs">API documentation</a>',
            f'<a href="{escape(str(problem["type"]))}">What this kind of problem is</a>']  # fmt: skip
    if status in (401, 403):
        ways.insert(0, '<a href="/welcome">Sign in</a>')
    request = problem.get("request_id")
    return _PAGE.format(
        title=escape(title), style=page_style(), lines="\n".join(f"<p>{escape(line)}</p>" for line in lines),
        ways=" &middot; ".join(ways), status=status,
        request=f"; the server's log has it as <code>{escape(str(request))}</code>" if request else "",
    )  # fmt: skip


def _is_person(headers: Headers) -> bool:
    """Does a browser open an address? Programs name JSON, or anything; a page's own requests name anything."""
    accepted = [part.partition(";")[0].strip().lower() for part in headers.get("accept", "").split(",")]
    return "text/html" in accepted and not any("json" in one for one in accepted)


def _is_problem(start: "Message") -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith(PROBLEM) and "content-encoding" not in headers


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
