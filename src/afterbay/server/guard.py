"""Who may ask, from where, and how much at once: checked before a request reaches its route.

On loopback anybody on this machine may ask, but no page of another site may: the `Host` must be a loopback name.
Elsewhere a token is needed, and TLS or a proxy that is named (decision of `check_exposure`).

`Guard` stands before the headend and knows its tokens; `Shield` stands before the platform, where people sign in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

from afterbay.core.errors import Problems
from afterbay.server.errors import problem_response
from afterbay.server.settings import Settings, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ANYBODY", "Guard", "Rules", "Shield", "ShieldRules", "actor_of", "check_exposure", "shield_rules"]

_BROWSER_HEADERS = {
    # Style attributes are how charts and the page of the API draw; scripts come from us alone.
    "content-security-policy": "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
ANYBODY = "operator"
"""Actor of a request on loopback that shows no token."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard asks of a request."""

    tokens: Mapping[str, str] = field(default_factory=dict)
    """Names by token; none: no token is asked for."""
    proxies: frozenset[str] = frozenset()
    """Addresses that alone may call; none: anybody."""
    max_body_bytes: int = 1_048_576
    loopback_only: bool = True
    """Answer loopback names only: a page elsewhere that points its own name here gets nothing."""
    secure: bool = False
    """Clients reach us over TLS, ours or the proxy's."""
    open_paths: frozenset[str] = frozenset({"/", "/health"})
    """Answered without a token: the page, which holds no data, and the health for a supervisor."""


def check_exposure(settings: Settings) -> Rules:
    """Return the rules that settings ask for.

    Raises:
        InvalidInputError: If the address is not loopback and anything of what that needs is missing.
    """
    tokens = settings.tokens()
    problems = Problems()
    host = str(settings.http)
    outside = not is_loopback(settings.http.host)
    has_tls = settings.tls_cert is not None and settings.tls_key is not None
    if (settings.tls_cert is None) != (settings.tls_key is None):
        problems.add("AFTERBAY_TLS_CERT, AFTERBAY_TLS_KEY", "one of the two", "both, or neither")
    if outside and not tokens:
        problems.add(host, "no tokens", "an address off loopback needs tokens",
                     "set AFTERBAY_FLEET_TOKENS=name:token, or listen on 127.0.0.1")  # fmt: skip
    if outside and not has_tls and not settings.trusted_proxies:
        problems.add(host, "plain HTTP", "an address off loopback needs TLS or a named proxy",
                     "set AFTERBAY_TLS_CERT and AFTERBAY_TLS_KEY, or AFTERBAY_TRUSTED_PROXIES")  # fmt: skip
    problems.raise_if_any()
    return Rules(
        tokens=tokens,
        proxies=frozenset(settings.trusted_proxies),
        max_body_bytes=settings.max_body_kb * 1024,
        loopback_only=not outside and not tokens and not settings.trusted_proxies,
        secure=has_tls or bool(settings.trusted_proxies),
    )


def actor_of(scope: Mapping[str, Any]) -> str:
    """Return who asks; a request that came past no guard is nobody's."""
    return str(scope.get("state", {}).get("actor", ANYBODY))


class Guard:
    """ASGI middleware that keeps the rules."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass, and pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self._refuse(scope, headers)
        if refused is not None:
            status, detail = refused
            extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            await problem_response(status, detail, instance=scope["path"], headers=extra)(scope, receive, send)
            return
        body = _Bounded(receive, self._rules.max_body_bytes)
        await self._app(scope, body, self._with_headers(send))

    def _refuse(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        rules = self._rules
        caller = scope["client"][0] if scope.get("client") else ""
        if rules.proxies and caller not in rules.proxies:
            return 403, "only the named proxy may call"
        if rules.proxies and headers.get("x-forwarded-proto", "").lower() != "https":
            return 403, "the proxy did not say that its client uses https (X-Forwarded-Proto)"
        if rules.loopback_only and not is_loopback(_host_name(headers.get("host", ""))):
            return 421, "this server answers 127.0.0.1, [::1] and localhost only"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > rules.max_body_bytes:
            return 413, f"the body is too large, at most {rules.max_body_bytes:,} bytes"
        name = self._name(headers.get("authorization", ""))
        if rules.tokens and name is None and scope["path"] not in rules.open_paths:
            return 401, "a token is needed -> send `Authorization: Bearer TOKEN`"
        scope.setdefault("state", {})["actor"] = name or ANYBODY
        return None

    def _name(self, header: str) -> str | None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = None
        # As long for a wrong token as for a right one.
        for token, name in self._rules.tokens.items():
            if compare_digest(token.encode(), given.strip().encode("utf-8", "replace")):
                found = name
        return found

    def _with_headers(self, send: Send) -> Send:
        added = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
        ]
        if self._rules.secure:
            added.append((b"strict-transport-security", b"max-age=31536000"))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        return with_headers


@dataclass(frozen=True, slots=True)
class ShieldRules:
    """From where the platform is reached."""

    proxies: frozenset[str] = frozenset()
    """Addresses that alone may call; none: anybody."""
    loopback_only: bool = True
    """Answer loopback names only: a page elsewhere that points its own name here gets nothing."""
    secure: bool = False
    """Clients reach us over TLS, ours or the proxy's."""
    probes: frozenset[str] = frozenset({"/healthz", "/readyz"})
    """Answered to this machine itself, also without the proxy."""


def shield_rules(settings: Settings) -> ShieldRules:
    """Return the platform's rules.

    Raises:
        InvalidInputError: If the address is not loopback and clients would reach it in plain text.
    """
    problems = Problems()
    outside = not is_loopback(settings.listen.host)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        problems.add("AFTERBAY_TLS_CERT, AFTERBAY_TLS_KEY", "one of the two", "both, or neither")
    elif outside and not settings.secure:
        problems.add(str(settings.listen), "plain HTTP", "an address off loopback needs TLS or a named proxy",
                     "set AFTERBAY_TLS_CERT and AFTERBAY_TLS_KEY, or AFTERBAY_TRUSTED_PROXIES")  # fmt: skip
    for proxy in settings.trusted_proxies:
        try:
            ip_address(proxy)
        except ValueError:
            problems.add("AFTERBAY_TRUSTED_PROXIES", proxy, "addresses such as 10.0.0.5", "names are not looked up")
    problems.raise_if_any()
    return ShieldRules(
        proxies=frozenset(settings.trusted_proxies),
        loopback_only=not outside and not settings.trusted_proxies,
        secure=settings.secure,
    )


class Shield:
    """ASGI middleware of the platform: host, proxy, TLS and the headers that browsers obey."""

    def __init__(self, app: ASGIApp, rules: ShieldRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass, and pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with_headers = self._with_headers(scope["path"], send)
        answer = self._refuse(scope, Headers(scope=scope))
        if answer is not None:
            await answer(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _refuse(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        rules, path = self._rules, scope["path"]
        caller = scope["client"][0] if scope.get("client") else ""
        if rules.loopback_only and not is_loopback(_host_name(headers.get("host", ""))):
            return problem_response(421, "this server answers 127.0.0.1, [::1] and localhost only", instance=path)
        if not rules.proxies or (path in rules.probes and is_loopback(caller)):
            return None
        if caller not in rules.proxies:
            return problem_response(403, "only the named proxy may call", instance=path)
        if headers.get("x-forwarded-proto", "").strip().lower() != "https":
            if scope["method"] not in ("GET", "HEAD"):
                return problem_response(403, "send this over https: the answer to http is not safe", instance=path)
            query = scope.get("query_string", b"").decode("latin-1")
            address = f"https://{headers.get('host', '')}{quote(path)}{'?' + query if query else ''}"
            return Response(status_code=308, headers={"Location": address})
        scope["scheme"] = "https"
        scope["client"] = (_client_behind(headers.get("x-forwarded-for", ""), rules.proxies) or caller, 0)
        return None

    def _with_headers(self, path: str, send: Send) -> Send:
        added = dict(_BROWSER_HEADERS)
        if self._rules.secure:
            added["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        if path.startswith("/api/"):
            # What one user was answered is not for the next one, and not for a disk.
            added["cache-control"] = "no-store"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {key.lower() for key, _ in message.get("headers", [])}
                more = [(key.encode(), value.encode()) for key, value in added.items() if key.encode() not in given]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        return with_headers


def _client_behind(forwarded: str, proxies: frozenset[str]) -> str:
    """Return the last address of `X-Forwarded-For` that is no proxy of ours: those before it anybody may claim."""
    for part in reversed(forwarded.split(",")):
        try:
            address = str(ip_address(part.strip()))
        except ValueError:
            return ""
        if address not in proxies:
            return address
    return ""


class _Bounded:
    """Counts a body while it is read."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise HTTPException(413, f"the body is too large, at most {self._most:,} bytes")
        return message


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
