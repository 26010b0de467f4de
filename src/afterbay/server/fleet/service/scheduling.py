"""Schedules: a list of intervals for one target, accepted whole or not at all, and accepted once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from afterbay.fleet.commands import (
    find_target,
    interval_key,
    key_taken,
    read_intervals,
    schedule_of,
    schedule_requests,
)
from afterbay.fleet.headend import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.commands import Command, Interval
    from afterbay.fleet.headend import Headend

__all__ = ["submit_schedule"]

_ALL = 1_000_000


def submit_schedule(
    headend: Headend,
    body: Mapping[str, object],
    rows: Sequence[Mapping[str, object]],
    *,
    now: datetime,
    actor: str,
    key: str | None,
) -> tuple[str, list[Outcome]]:
    """Accept a list of intervals; return the schedule's id and one outcome per interval, in order.

    The whole list is checked before the first is sent. A repetition with the same key is answered with the commands
    of the first time, also when some of them are over; what was not accepted then is accepted now.

    Raises:
        InvalidInputError: It is not well formed, or the key belongs to another schedule.
        NotFoundError: Whom it names is unknown.
        UnavailableError: A gateway does not read what it is sent; a repetition with the same key goes on from there.
    """
    intervals = sorted(read_intervals(rows), key=lambda each: (each.start, each.end))
    named = {name: str(body[name]).lower() for name in ("asset_id", "site_id", "group_id") if body.get(name)}
    target = find_target(
        headend.inventory,
        asset_id=named.get("asset_id"),
        site_id=named.get("site_id"),
        group_id=named.get("group_id"),
    )
    schedule_id = key or str(uuid4())
    known = _known(headend, schedule_id, intervals, (target.kind, target.id))
    # Those that are over and forgotten were accepted with the rest.
    left = [each for place, each in enumerate(intervals) if place not in known and not (known and each.end <= now)]
    requests = {} if not left else {
        scheduled.interval: scheduled
        for scheduled in schedule_requests(
            left,
            now=now,
            asset_id=named.get("asset_id"),
            site_id=named.get("site_id"),
            group_id=named.get("group_id"),
            strict=bool(body.get("strict", False)),
            allow_gaps=bool(known) or bool(body.get("allow_gaps", False)),
        )
    }  # fmt: skip
    for scheduled in requests.values():
        headend.preview(scheduled.request)
    outcomes = []
    for place, each in enumerate(intervals):
        if place in known:
            outcomes.append(Outcome(known[place], None, duplicate=True))
        elif each in requests:
            scheduled = requests[each]
            own_key = interval_key(schedule_id, place, len(intervals))
            outcomes.append(
                headend.submit(scheduled.request, actor=actor, key=own_key, not_before=scheduled.not_before)
            )
    return schedule_id, outcomes


def _known(
    headend: Headend, schedule_id: str, intervals: Sequence[Interval], target: tuple[str, str]
) -> dict[int, Command]:
    """Return the commands that this schedule made before, by their place in it; refuse another schedule's key."""
    found = {}
    for command in headend.commands(limit=_ALL):
        known = schedule_of(command)
        if known is None or known[0] != schedule_id:
            continue
        _, place, count = known
        same = count == len(intervals) and (
            (command.requested_mw, command.valid_until) == (intervals[place].mw, intervals[place].end)
            and (command.target, command.target_id) == target
        )
        if not same:
            raise key_taken(command, schedule_id)
        found[place] = command
    return found
