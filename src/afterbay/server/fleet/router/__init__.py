"""REST of the fleet: `fleet_router` for whoever mounts it, `page_router` for the stand-alone headend's page."""

from fastapi import APIRouter

from afterbay.server.fleet.router import commands, inventory, page, telemetry, watching

__all__ = ["fleet_router", "page_router"]

fleet_router = APIRouter()
for _part in (inventory, telemetry, commands, watching):
    fleet_router.include_router(_part.router)
page_router = page.router
