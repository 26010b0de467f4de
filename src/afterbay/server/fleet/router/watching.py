"""Who is there, what happened, how the headend is, and all of it live."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from afterbay.core.errors import NotFoundError
from afterbay.fleet.commands import Command
from afterbay.fleet.headend import AgentRow, Change, Subscription
from afterbay.fleet.messages import Event, Heartbeat, Telemetry
from afterbay.server.errors import documented
from afterbay.server.fleet.router.asking import Fleet, Past
from afterbay.server.fleet.schemas import (
    AgentOut,
    CommandOut,
    EventIn,
    EventOut,
    HealthOut,
    HeartbeatOut,
    TelemetryOut,
)
from afterbay.server.fleet.service import FleetService

__all__ = ["live_events", "router"]

router = APIRouter(tags=["watching"])
Kind = Literal["telemetry", "command", "session", "event", "inventory"]
_QUIET_S = 15.0


@router.get("/agents")
async def list_agents(fleet: Fleet) -> list[AgentOut]:
    """List every configured asset and who serves it, also those that never connected."""
    return [AgentOut.of(row) for row in fleet.headend.agents()]


@router.get("/heartbeat/{asset_id}", responses=documented(404))
async def get_heartbeat(asset_id: str, fleet: Fleet) -> HeartbeatOut:
    """Show the newest heartbeat of an asset."""
    beat = fleet.headend.heartbeat(fleet.asset(asset_id).id)
    if beat is None:
        raise NotFoundError(f"asset {asset_id} has sent no heartbeat yet")
    return HeartbeatOut.of(beat)


@router.get("/heartbeat/{asset_id}/history", responses=documented(404, 422, 503))
async def get_heartbeats(asset_id: str, fleet: Fleet, past: Past) -> list[HeartbeatOut]:
    """List heartbeats of an asset, newest first; 503 without a database."""
    asset = fleet.asset(asset_id).id
    return [HeartbeatOut.of(Heartbeat(asset, at)) for at in await fleet.heartbeats(asset, past)]


@router.post("/events", status_code=201, responses=documented(400, 404, 413, 422))
async def raise_event(body: EventIn, fleet: Fleet) -> EventOut:
    """Note something that happened to an asset."""
    return EventOut.of(fleet.raise_event(body.asset_id, body.event_type, body.severity, body.message))


@router.get("/events", responses=documented(422))
async def list_events(fleet: Fleet, past: Past) -> list[EventOut]:
    """List events of all assets and of the headend itself, newest first."""
    return [EventOut.of(event) for event in await fleet.events(None, past)]


@router.get("/events/{asset_id}/history", responses=documented(404, 422))
async def get_events(asset_id: str, fleet: Fleet, past: Past) -> list[EventOut]:
    """List events of an asset, newest first."""
    return [EventOut.of(event) for event in await fleet.events(asset_id, past)]


@router.get("/health", responses={503: {"model": HealthOut, "description": "Degraded"}})
async def health(response: Response, fleet: Fleet) -> HealthOut:
    """Say how the headend is; 503 when its database fails."""
    found = HealthOut.of(await fleet.health(), fleet.headend.health())
    if found.db == "error":
        response.status_code = 503
    return found


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"},
        **documented(404, 422),
    },
)
async def stream(
    request: Request,
    fleet: Fleet,
    kind: Annotated[list[Kind] | None, Query(description="Only these kinds; default: all")] = None,
    asset_id: Annotated[list[str] | None, Query(description="Only these assets; default: all")] = None,
) -> StreamingResponse:
    """Tell what changes, as it changes: first the newest sample of every asset, then every change.

    The name of an event is its kind, its data what the matching GET would answer. A slow reader gets the newest
    state of each thing and not all states between.
    """
    assets = None if asset_id is None else [fleet.asset(one).id for one in asset_id]
    subscription = fleet.headend.subscribe(kind, assets)
    events = live_events(fleet, subscription, first=kind is None or "telemetry" in kind, request=request)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def live_events(
    fleet: FleetService, subscription: Subscription, *, first: bool, request: Request | None = None
) -> AsyncIterator[str]:
    """Yield the text of server-sent events until the listener or the headend goes."""
    with subscription, fleet.listening(subscription.close):
        yield ": afterbay\nretry: 2000\n\n"
        if first:
            for asset_id, sample in fleet.latest().items():
                if subscription.asset_ids is None or asset_id in subscription.asset_ids:
                    yield _event("telemetry", TelemetryOut.of(sample))
        while True:
            try:
                change = await asyncio.wait_for(anext(subscription), _QUIET_S)
            except StopAsyncIteration:
                return
            except TimeoutError:
                # Nobody would notice a dead connection otherwise, neither they nor we.
                yield ": quiet\n\n"
                if request is not None and await request.is_disconnected():
                    return
                continue
            data = _data(fleet, change)
            yield _event(change.kind, data)


def _data(fleet: FleetService, change: Change) -> BaseModel | dict[str, Any]:
    match change.data:
        case Telemetry():
            return TelemetryOut.of(change.data)
        case Command():
            return CommandOut.of(change.data, fleet.headend.inventory)
        case AgentRow():
            return AgentOut.of(change.data)
        case Event():
            return EventOut.of(change.data)
        case _:
            return {}


def _event(kind: str, data: BaseModel | dict[str, Any]) -> str:
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data)
    return f"event: {kind}\ndata: {text}\n\n"
