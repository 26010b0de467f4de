"""Schedules: a list of intervals for one target, checked in words, as requests with a begin and an end."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.fleet.commands.plain import moment_from
from afterbay.fleet.commands.request import LONGEST_S, CommandRequest, check_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.commands.command import Command

__all__ = [
    "Interval",
    "ScheduledRequest",
    "interval_key",
    "read_intervals",
    "schedule_of",
    "schedule_requests",
]


@dataclass(frozen=True, slots=True)
class Interval:
    """A power from a start to an end."""

    start: datetime
    end: datetime
    mw: float


@dataclass(frozen=True, slots=True)
class ScheduledRequest:
    """A request that begins later: check it, then `submit(..., not_before=begin)`."""

    request: CommandRequest
    not_before: datetime
    interval: Interval
    """What it was made of."""


def interval_key(schedule_id: str, place: int, count: int) -> str:
    """Return the idempotency key of one interval of a schedule of so many.

    The space keeps it apart from every key that a client can send in a header.
    """
    return f"{schedule_id} {place}/{count}"


def schedule_of(command: Command) -> tuple[str, int, int] | None:
    """Return the schedule that a command is an interval of, its place and their count; None: it came alone."""
    schedule_id, _, rest = command.key.rpartition(" ")
    place, _, count = rest.partition("/")
    return (schedule_id, int(place), int(count)) if schedule_id and place.isdecimal() and count.isdecimal() else None


def read_intervals(rows: Sequence[Mapping[str, object]]) -> tuple[Interval, ...]:
    """Read rows of `start`, `end` (RFC 3339, or datetimes with a zone) and `mw`.

    Raises:
        InvalidInputError: With every problem found.
    """
    problems = Problems()
    found = []
    for place, row in enumerate(rows):
        times = {name: _read_time(row.get(name), f"intervals[{place}].{name}", problems) for name in ("start", "end")}
        mw = row.get("mw")
        if not is_number(mw):
            problems.add(f"intervals[{place}].mw", mw, "a finite number [MW], + leaves the asset", "0 stops it")
        elif times["start"] is not None and times["end"] is not None:
            found.append(Interval(times["start"], times["end"], float(cast("float", mw))))
    if not rows:
        problems.add("intervals", "none", "at least one interval", "give start, end and mw of each")
    problems.raise_if_any()
    return tuple(found)


def schedule_requests(
    intervals: Sequence[Interval],
    *,
    now: datetime,
    asset_id: str | None = None,
    site_id: str | None = None,
    group_id: str | None = None,
    strict: bool = False,
    allow_gaps: bool = False,
    fallback_mw: float = 0.0,
) -> tuple[ScheduledRequest, ...]:
    """Turn a schedule into requests, one per interval, in the order of their starts.

    One interval may be running already; it begins now. Each may wait for its asset until its own end.

    Raises:
        InvalidInputError: In words: which intervals overlap, where a gap is (unless gaps are allowed: the
            fallback holds in them), which one ends before it starts or is over already.
    """
    problems = Problems()
    ordered = sorted(intervals, key=lambda each: (each.start, each.end))
    if not ordered:
        problems.add("intervals", "none", "at least one interval", "give start, end and mw of each")
    for each in ordered:
        _check_interval(each, now, problems)
    for before, after in pairwise(ordered):
        if after.start < before.end:
            problems.add("intervals", f"{_said(after)} begins before {_said(before)} has ended", "one power at a time",
                         f"let it start at {_clock(before.end)}")  # fmt: skip
        elif after.start > before.end and not allow_gaps:
            problems.add("intervals", f"nothing is planned from {_clock(before.end)} to {_clock(after.start)}",
                         "no gap", "add an interval of 0 MW, or allow gaps: the fallback holds in them")  # fmt: skip
    problems.raise_if_any()
    found = []
    for each in ordered:
        begin = max(each.start, now)
        left_s = (each.end - begin).total_seconds()
        request = CommandRequest(
            mw=each.mw,
            asset_id=asset_id,
            site_id=site_id,
            group_id=group_id,
            duration_s=left_s,
            strict=strict,
            deliver_within_s=left_s,
            fallback_mw=fallback_mw,
        )
        check_form(request)
        found.append(ScheduledRequest(request, begin, each))
    return tuple(found)


def _read_time(value: object, where: str, problems: Problems) -> datetime | None:
    try:
        return moment_from(value, where)
    except InvalidInputError as error:
        problems.extend(
            Problem(each.where, each.got, each.allowed, "give it in RFC 3339 with its zone") for each in error.problems
        )
        return None


def _check_interval(each: Interval, now: datetime, problems: Problems) -> None:
    if not is_number(each.mw):
        problems.add("intervals", repr(each.mw), "a finite number [MW]", "0 stops it")
    if each.end <= each.start:
        problems.add("intervals", f"{_said(each)} ends before it starts", "an end after its start", "swap the two")
    elif each.end <= now:
        problems.add("intervals", f"{_said(each)} is over", f"an end after {_clock(now)}", "leave it out")
    elif (each.start - now).total_seconds() > LONGEST_S:
        problems.add("intervals", f"{_said(each)} begins too late", f"at most {LONGEST_S / 86_400:g} days ahead",
                     "send it later")  # fmt: skip


def _said(each: Interval) -> str:
    return f"{each.mw:g} MW from {_clock(each.start)} to {_clock(each.end)}"


def _clock(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
