"""How often somebody may ask: a moving window for each address, and for each principal."""

import hashlib
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from afterbay.core.errors import InvalidInputError, Problem, QuotaError
from afterbay.server.errors import problem_response

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RateLimiter", "RateLimits", "RateRules", "count_principal", "read_rate"]

_SIGN_IN: Final = "/api/v1/auth/"


@dataclass(frozen=True, slots=True)
class RateRules:
    """How many requests in which time, such as `600/minute`; `off` or empty: no limit."""

    per_principal: str = "600/minute"
    per_address: str = "3000/minute"
    sign_in: str = "30/minute"
    """Unsafe requests to the paths of signing in, for each address: passwords are not to be guessed."""


def read_rate(text: str, where: str = "rate limit") -> RateLimitItem | None:
    """Return a rate, or None for `off` and for an empty text.

    Raises:
        InvalidInputError: If it is no rate.
    """
    # An empty variable of the environment means its default, so that there is a word for it.
    if text.strip().lower() in ("", "off"):
        return None
    try:
        return parse(text)
    except ValueError:
        raise InvalidInputError(
            Problem(where, repr(text), "a count and a time", "write it as 600/minute, or off")
        ) from None


class RateLimiter:
    """Counts requests in this process."""

    def __init__(self, rules: RateRules) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._rates = {
            "principal": read_rate(rules.per_principal, "AFTERBAY_RATE_LIMIT"),
            "address": read_rate(rules.per_address, "AFTERBAY_RATE_LIMIT_ADDRESS"),
            "sign-in": read_rate(rules.sign_in, "AFTERBAY_RATE_LIMIT_SIGN_IN"),
        }

    def count(self, kind: str, whose: str) -> "Count | None":
        """Count one request; None where there is no limit.

        Args:
            kind: `principal`, `address` or `sign-in`.
            whose: Id of the principal, or the address.
        """
        rate = self._rates[kind]
        if rate is None:
            return None
        # Hashed: a limiter's memory is no list of who was here.
        key = hashlib.sha256(whose.encode("utf-8", "replace")).hexdigest()[:32]
        passed = self._window.hit(rate, kind, key)
        stats = self._window.get_window_stats(rate, kind, key)
        reset_s = max(1, math.ceil(stats.reset_time - time.time()))
        return Count(passed, rate.amount, max(0, stats.remaining), reset_s)


@dataclass(frozen=True, slots=True)
class Count:
    """How far a window is used."""

    passed: bool
    limit: int
    remaining: int
    reset_s: int
    """Until there is more room [s]."""

    def headers(self) -> dict[str, str]:
        """Return the `RateLimit-*` headers."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }

    def detail(self) -> str:
        """Return the sentence for who is refused."""
        return f"too many requests, at most {self.limit} in this time -> try again in {self.reset_s} s"


def count_principal(connection: HTTPConnection, principal_id: "UUID") -> None:
    """Count a request of a principal, once it is known who asks; nothing to do where nobody counts.

    Raises:
        QuotaError: If its window is used up.
    """
    limiter: RateLimiter | None = getattr(connection.app.state, "rates", None)
    state = connection.scope.setdefault("state", {})
    if limiter is None or state.get("rate_counted") == principal_id:
        return
    state["rate_counted"] = principal_id
    count = limiter.count("principal", str(principal_id))
    if count is None:
        return
    state["rate"] = _tighter(state.get("rate"), count)
    if not count.passed:
        raise QuotaError(count.detail(), retry_after_s=count.reset_s)


class RateLimits:
    """ASGI middleware that counts by address, and writes the headers of the tightest window."""

    def __init__(self, app: "ASGIApp", limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Refuse with 429, or pass on."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        address = scope["client"][0] if scope.get("client") else ""
        counts = [self._limiter.count("address", address)]
        if scope["path"].startswith(_SIGN_IN) and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            counts.append(self._limiter.count("sign-in", address))
        for count in counts:
            if count is not None:
                state["rate"] = _tighter(state.get("rate"), count)
            if count is not None and not count.passed:
                headers = {"Retry-After": str(count.reset_s), **count.headers()}
                refused = problem_response(429, count.detail(), instance=scope["path"], headers=headers)
                await refused(scope, receive, send)
                return

        async def with_headers(message: "Message") -> None:
            count: Count | None = state.get("rate")
            if message["type"] == "http.response.start" and count is not None:
                more = [(name.lower().encode(), value.encode()) for name, value in count.headers().items()]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        await self._app(scope, receive, with_headers)


def _tighter(one: Count | None, other: Count) -> Count:
    return other if one is None or other.remaining < one.remaining else one
