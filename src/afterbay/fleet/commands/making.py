"""A checked request as a new command: its number, its times, its parts."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.fleet.commands.command import Change, Command, Part

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.fleet.commands.limits import CheckedRequest
    from afterbay.fleet.commands.request import CommandRequest

__all__ = ["command_id_of", "key_taken", "make_command", "request_digest"]

_COMMANDS: Final = UUID("0f6d8a4c-35b1-5a0e-9c57-2b1d3f7e6a90")


def command_id_of(key: str | None, request: CommandRequest, not_before: datetime | None = None) -> str:
    """Return the id of a new command: always the same for a key and its request, a new one without a key.

    So an agent knows a repetition as the command that it has, also when the headend lost its memory in between.
    """
    if key is None:
        return str(uuid4())
    return str(uuid5(_COMMANDS, f"{request_digest(request, not_before)} {key}"))


def make_command(
    checked: CheckedRequest,
    *,
    command_id: str,
    key: str,
    seq: int,
    now: datetime,
    actor: str,
    not_before: datetime | None,
    deliver: timedelta,
) -> Command:
    """Return the command of a checked request.

    Its times count from the moment it is to begin: waiting for an asset does not move its end. `deliver` is the
    deadline of one that does not ask to be queued.
    """
    request, begin = checked.request, not_before or now
    waits = request.deliver_within_s is not None
    within = deliver if request.deliver_within_s is None else timedelta(seconds=request.deliver_within_s)
    end = None if request.duration_s is None else begin + timedelta(seconds=request.duration_s)
    meant = checked.split.allocations
    return Command(
        id=command_id,
        key=key,
        digest=request_digest(request, not_before),
        seq=seq,
        target=checked.target.kind,
        target_id=checked.target.id,
        requested_mw=checked.requested_mw,
        mw=checked.mw,
        clamped=checked.clamped,
        reason=checked.reason,
        submitted_at=now,
        actor=actor,
        # Who is offline and not waited for is not told; should its gateway have it after all, it may join.
        parts=tuple(Part(part.asset_id, mw=part.mw) for part in meant if waits or part.online),
        members=tuple(part.asset_id for part in meant),
        duration_s=request.duration_s,
        deliver_by=begin + within if end is None else min(begin + within, end),
        not_before=not_before,
        valid_until=end,
        fallback_mw=request.fallback_mw,
        hold_offline_s=request.hold_offline_s,
        note=request.note,
        history=(Change(now, "submitted", actor, checked.reason),),
    )


def request_digest(request: CommandRequest, not_before: datetime | None = None) -> str:
    """Return what tells a repetition of a request from another request."""
    said = {**request.to_dict(), "not_before": None if not_before is None else not_before.isoformat()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def key_taken(before: Command, key: str | None = None) -> InvalidInputError:
    """Return the error of a key that came with one request and now comes with another; of a schedule its own key."""
    asked = f"{before.requested_mw:g} MW for {before.target} {before.target_id}, command {before.id}"
    problem = Problem(
        "Idempotency-Key",
        f"{(key or before.key)!r} belongs to another request ({asked})",
        "the same request again, or a new key",
        "use a new key for each request",
    )
    return InvalidInputError(problem)
