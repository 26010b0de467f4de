"""Numbers about the server for Prometheus, and the line of the log for each request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from starlette.responses import PlainTextResponse, Response

from afterbay.server.errors import problem_response
from afterbay.server.settings import is_loopback

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Metrics", "WatchRequests", "add_metrics_route"]

_log = logging.getLogger("afterbay.request")
_LATENCIES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
_QUIET = ("/healthz", "/readyz", "/metrics")


class Metrics:
    """The numbers of one application; no other application shares them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "afterbay_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "afterbay_request_seconds", "Time to the end of an answer.", ("method", "route"),
            buckets=_LATENCIES_S, registry=self.registry,
        )  # fmt: skip
        self._active = Gauge("afterbay_requests_active", "Requests being answered.", registry=self.registry)
        self._jobs = Gauge("afterbay_jobs", "Jobs by state.", ("state",), registry=self.registry)
        self._pool = Gauge("afterbay_database_connections", "Connections to the database.", ("state",),
                           registry=self.registry)  # fmt: skip
        ProcessCollector(registry=self.registry)

    def started(self) -> None:
        """Note that a request has come."""
        self._active.inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note an answer.

        Args:
            method: As it came; one that nobody knows counts as `other`.
            route: Template of the path, such as `/api/v1/jobs/{job_id}`: ids would make a series for each of them.
            status: Of the answer.
            seconds: From the request's first byte to the answer's last [s].
        """
        known = method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
        self._active.dec()
        self._requests.labels(known, route, str(status)).inc()
        self._latency.labels(known, route).observe(seconds)

    def watch_pool(self, engine: Engine) -> None:
        """Show how many connections of an engine are in use and idle."""
        pool: Any = engine.pool
        self._pool.labels("in use").set_function(lambda: pool.checkedout())
        self._pool.labels("idle").set_function(lambda: pool.checkedin())

    def set_jobs(self, counts: Mapping[str, int]) -> None:
        """Note how many jobs are in which state."""
        for state, count in counts.items():
            self._jobs.labels(state).set(count)

    def text(self) -> bytes:
        """Return everything in Prometheus' format."""
        return generate_latest(self.registry)


class WatchRequests:
    """ASGI middleware: counts and logs every request, and answers what an endpoint did not catch."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._templates: dict[Any, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request and note its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began, start = 500, False, self._clock()

        async def noted(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                status, began = int(message["status"]), True
            await send(message)

        self._metrics.started()
        try:
            try:
                await self._app(scope, receive, noted)
            except Exception:
                _log.exception("%s %s failed", scope["method"], scope["path"])
                if began:
                    raise
                answer = problem_response(
                    500, "an unexpected error; the server's log has the details", instance=scope["path"]
                )
                await answer(scope, receive, noted)
        finally:
            seconds = self._clock() - start
            self._metrics.answered(scope["method"], self._template(scope), status, seconds)
            level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
            actor = scope.get("state", {}).get("actor", "-")
            _log.log(level, "%s %s %d in %.0f ms for %s", scope["method"], scope["path"], status, 1000 * seconds, actor)

    def _template(self, scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        if endpoint is None or "app" not in scope:
            return "none"
        if self._templates is None or endpoint not in self._templates:
            routes: Iterable[Any] = iter_route_contexts(scope["app"].routes)
            self._templates = {route.endpoint: route.path for route in routes if route.path}
        return self._templates.get(endpoint, "mounted")


def add_metrics_route(
    app: FastAPI, metrics: Metrics, *, token: str | None, refresh: Callable[[], None], direct: bool
) -> None:
    """Serve `/metrics` to this machine, and to who shows the token.

    Args:
        app: Gets the route.
        metrics: To show.
        token: None: nobody else.
        refresh: Fills in what is asked for only now, such as jobs; may raise, then the rest is shown.
        direct: Requests come without a proxy, so that a loopback address is a caller on this machine.
    """

    def shown(request: Request) -> Response:
        local = direct and request.client is not None and is_loopback(request.client.host)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        named = token is not None and scheme.lower() == "bearer" and compare_digest(given.encode(), token.encode())
        if not (local or named):
            return problem_response(
                403, "metrics are for this machine, or for AFTERBAY_METRICS_TOKEN as a bearer token"
            )
        try:
            refresh()
        except Exception as error:
            _log.warning("metrics without jobs: %s", error)
        return PlainTextResponse(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/metrics", shown, include_in_schema=False, response_class=PlainTextResponse)
