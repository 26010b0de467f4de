"""Makes the web applications of the server."""

from typing import Any

from fastapi import FastAPI

import afterbay
from afterbay.server.errors import add_error_handlers, documented
from afterbay.server.fleet.router import fleet_router, page_router
from afterbay.server.fleet.service import FleetService
from afterbay.server.guard import Guard, Rules

__all__ = ["create_headend_app"]

_ABOUT = """Telemetry and commands of a fleet of batteries, solar, wind and chargers.

Power is in MW and positive out of the asset (discharge, generation, export); energy is in MWh; `efficiency` is one way;
times are UTC. Errors are `application/problem+json`. Lists of the past take `from` and `to` (or `start` and `end`).
"""


def create_headend_app(fleet: FleetService, rules: Rules | None = None) -> FastAPI:
    """Return the stand-alone headend's REST, at the root, with its page."""
    app = FastAPI(
        title="afterbay headend",
        version=afterbay.__version__,
        description=_ABOUT,
        docs_url=None,  # it would fetch scripts from elsewhere
        redoc_url=None,
        responses=documented(401, 422, 500),
    )
    app.state.fleet = fleet
    add_error_handlers(app)
    app.include_router(page_router)
    app.include_router(fleet_router)
    middleware: Any = Guard
    app.add_middleware(middleware, rules=rules or Rules())
    return app
