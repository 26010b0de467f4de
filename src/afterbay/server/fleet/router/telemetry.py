"""Samples: the newest, those of the past, and one that a client measured itself."""

from typing import Annotated

from fastapi import APIRouter, Query

from afterbay.server.errors import documented
from afterbay.server.fleet.router.asking import Actor, Fleet, Past
from afterbay.server.fleet.schemas import TelemetryIn, TelemetryOut

__all__ = ["router"]

router = APIRouter(tags=["telemetry"])


@router.get("/telemetry/{asset_id}", responses=documented(404))
async def get_telemetry(asset_id: str, fleet: Fleet) -> TelemetryOut:
    """Show the newest sample of an asset; 404 also when it never sent one, for nothing is made up."""
    return TelemetryOut.of(fleet.telemetry(asset_id))


@router.get("/telemetry/{asset_id}/history", responses=documented(404, 422, 503))
async def get_history(
    asset_id: str,
    fleet: Fleet,
    past: Past,
    step_s: Annotated[
        float | None, Query(ge=1, le=366 * 86400, description="Means over steps of so many seconds, by their begin")
    ] = None,
) -> list[TelemetryOut]:
    """List samples of an asset, newest first; 503 without a database."""
    return [TelemetryOut.of(sample) for sample in await fleet.samples(asset_id, past, step_s)]


@router.post("/telemetry", status_code=202, responses=documented(400, 404, 409, 413, 422))
async def push_telemetry(body: TelemetryIn, fleet: Fleet, actor: Actor) -> TelemetryOut:
    """Take a sample for an asset that no agent serves."""
    asset = fleet.asset(body.asset_id)
    fleet.push(body.to_record(fleet.clock(), (asset.min_mw, asset.max_mw)), actor=actor)
    return TelemetryOut.of(fleet.telemetry(asset.id))
