"""Commands: sent, foreseen, followed, ended."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Query, Request, Response

from afterbay.fleet.commands import Preview
from afterbay.server.errors import documented
from afterbay.server.fleet.router.asking import Actor, Fleet, IdempotencyKey, span
from afterbay.server.fleet.schemas import (
    DISPATCH_EXAMPLES,
    CommandOut,
    DispatchIn,
    DispatchOut,
    PreviewOut,
    ScheduleIn,
    ScheduleOut,
)
from afterbay.server.fleet.service import FleetService
from afterbay.server.units import Line, Moment

__all__ = ["router"]

router = APIRouter(tags=["dispatch"])
_REFUSED = documented(400, 404, 409, 413, 422, 503)
_Examples: Any = DISPATCH_EXAMPLES
_DispatchBody = Annotated[DispatchIn, Body(openapi_examples=_Examples)]


@router.post("/dispatch", status_code=202, responses=_REFUSED)
async def dispatch(
    body: _DispatchBody,
    request: Request,
    response: Response,
    fleet: Fleet,
    actor: Actor,
    key: IdempotencyKey = None,
) -> DispatchOut:
    """Send a power to an asset, a site or a group; `Location` is where to follow it.

    What is beyond a limit is clamped and says so (`clamped`), or is refused with `strict`. An asset that is offline
    is a conflict, unless `deliver_within_s` asks to wait for it.
    """
    outcome = fleet.submit(body.body(), actor=actor, key=key, not_before=body.not_before)
    await fleet.headend.kept()  # what was accepted is known after a restart too
    response.headers["Location"] = f"{request.url.path}/{outcome.command.id}"
    if outcome.duplicate:
        response.headers["Idempotent-Replayed"] = "true"
    return DispatchOut.of_outcome(outcome, fleet.headend.inventory, fleet.clock())


@router.post("/dispatch/preview", responses=_REFUSED)
async def preview(body: _DispatchBody, fleet: Fleet) -> PreviewOut:
    """Foresee a command: ramp, state of charge to its end, shares and shortfall. Nothing is sent."""
    return PreviewOut.of(cast(Preview, fleet.preview(body.body())), fleet.clock())


@router.post("/dispatch/schedule", status_code=202, responses=_REFUSED)
async def schedule(
    body: ScheduleIn, response: Response, fleet: Fleet, actor: Actor, key: IdempotencyKey = None
) -> ScheduleOut:
    """Send a list of intervals to one target: a command per interval, all or none.

    The key is the schedule's id; without one it gets a new id.
    """
    rows: list[dict[str, object]] = [interval.model_dump() for interval in body.intervals]
    schedule_id, outcomes = fleet.submit_schedule(body.model_dump(exclude={"intervals"}), rows, actor=actor, key=key)
    await fleet.headend.kept()
    if outcomes and all(outcome.duplicate for outcome in outcomes):
        response.headers["Idempotent-Replayed"] = "true"
    inventory, now = fleet.headend.inventory, fleet.clock()
    commands = [DispatchOut.of_outcome(outcome, inventory, now) for outcome in outcomes]
    return ScheduleOut(schedule_id=schedule_id, commands=commands)


@router.get("/dispatch/history", responses=documented(404, 422))
async def history(
    response: Response,
    fleet: Fleet,
    asset_id: Annotated[str | None, Query(description="Commands that mean this asset")] = None,
    site_id: Annotated[str | None, Query(description="Commands for this site")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Not before this time")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Before this time")] = None,
    start: Annotated[Moment | None, Query(description="The same as from")] = None,
    end: Annotated[Moment | None, Query(description="The same as to")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="The newest so many")] = 200,
) -> list[CommandOut]:
    """List commands, newest first: from the database, or what is in memory without one."""
    asset = None if asset_id is None else fleet.asset(asset_id).id
    site = None if site_id is None else fleet.site(site_id).id
    past = span(since, until, start, end, limit)
    commands, complete = await fleet.commands(past, asset_id=asset, site_id=site)
    if not complete:
        response.headers["Warning"] = '199 - "the database does not answer; only recent commands are listed"'
    return [CommandOut.of(command, fleet.headend.inventory) for command in commands]


@router.get("/dispatch/{command_id}", responses=documented(404, 503))
async def get_command(command_id: str, fleet: Fleet) -> CommandOut:
    """Show one command with every step of its life."""
    return CommandOut.of(await fleet.command(command_id), fleet.headend.inventory)


@router.delete("/dispatch/{command_id}", status_code=202, responses=documented(404, 409))
async def delete_command(command_id: str, fleet: Fleet, actor: Actor) -> CommandOut:
    """End a command now: its assets ramp to its fallback."""
    return await _cancelled(fleet, command_id, actor, "")


@router.post("/dispatch/{command_id}/cancel", status_code=202, responses=documented(404, 409, 422))
async def cancel_command(
    command_id: str,
    fleet: Fleet,
    actor: Actor,
    reason: Annotated[Line, Body(embed=True, description="Why, for the record")] = "",
) -> CommandOut:
    """End a command now, and say why."""
    return await _cancelled(fleet, command_id, actor, reason)


async def _cancelled(fleet: FleetService, command_id: str, actor: str, reason: str) -> CommandOut:
    command = fleet.cancel(command_id, actor=actor, reason=reason)
    await fleet.headend.kept()
    return CommandOut.of(command, fleet.headend.inventory)
