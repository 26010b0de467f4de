"""Is the server alive, and is it ready? For supervisors and load balancers, without a sign-in."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

__all__ = ["Checks", "Readiness", "add_health_routes"]

Checks = Mapping[str, Callable[[], str | None]]
"""What has to work, by name: each returns what is wrong, or None."""


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """Whether everything that requests need is there."""

    status: str = Field(examples=["ready", "not ready"])
    checks: dict[str, str] = Field(examples=[{"database": "ok", "storage": "ok", "worker": "ok"}])


class Readiness:
    """Asks the checks, and again only after a while: anybody may ask, and some checks write."""

    def __init__(self, checks: Checks, *, keep_s: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._keep_s = keep_s
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        self._asked_at = float("-inf")

    def found(self) -> dict[str, str]:
        """Return `ok` or what is wrong, by name."""
        with self._lock:
            if self._clock() - self._asked_at >= self._keep_s:
                self._found = {name: _asked(check) for name, check in self._checks.items()}
                self._asked_at = self._clock()
            return dict(self._found)


def add_health_routes(app: FastAPI, readiness: Readiness) -> None:
    """Serve `/healthz` (200 while the process lives) and `/readyz` (503 with reasons until all is there)."""

    async def alive() -> Alive:
        return Alive(status="ok")

    def ready() -> JSONResponse:
        found = readiness.found()
        well = all(text == "ok" for text in found.values())
        body = Ready(status="ready" if well else "not ready", checks=found)
        return JSONResponse(body.model_dump(), 200 if well else 503, headers={"Cache-Control": "no-store"})

    app.add_api_route("/healthz", alive, tags=["health"], summary="Is the process alive?")
    not_ready: dict[int | str, dict[str, Any]] = {503: {"model": Ready, "description": "Not ready; `checks` says why"}}
    app.add_api_route(
        "/readyz", ready, tags=["health"], summary="Is everything there?", response_model=Ready, responses=not_ready
    )


def _asked(check: Callable[[], str | None]) -> str:
    try:
        return check() or "ok"
    except Exception as error:
        lines = str(error).strip().splitlines()
        return lines[0][:300] if lines else type(error).__name__
