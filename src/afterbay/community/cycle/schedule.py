"""Which quarter hours are due, and when: aligned to the clock, never to when the last one ended."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.core.errors import InvalidInputError, OutOfRangeError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ON_TIME", "cycle_id", "cycle_moment", "due", "next_quarter", "punctuality", "quarters"]

ON_TIME: Final = timedelta(seconds=30)
"""A cycle that begins within this time of its quarter hour is on time."""
_ID: Final = "%Y%m%d_%H%M"
_MOST_QUARTERS: Final = 96 * 366
_PATTERN: Final = re.compile(r"\d{8}_\d{4}")


def cycle_id(at: datetime) -> str:
    """Return the name of a cycle, that of its results: `20240911_1415` (UTC)."""
    return quarter_of(at).strftime(_ID)


def cycle_moment(name: str) -> datetime:
    """Return the quarter hour that a name stands for (UTC).

    Raises:
        InvalidInputError: If it is no name of a cycle.
    """
    moment: datetime | None = None
    if _PATTERN.fullmatch(name):
        try:
            moment = datetime.strptime(name, _ID).replace(tzinfo=UTC)
        except ValueError:
            moment = None
    if moment is None or moment != quarter_of(moment):
        raise InvalidInputError(
            Problem("cycle", name[:40], "YYYYMMDD_HHMM on a quarter hour (UTC)", "such as 20240911_1415")
        )
    return moment


def next_quarter(moment: datetime) -> datetime:
    """Return the first quarter hour after `moment` (UTC)."""
    return quarter_of(moment) + STEP


def quarters(start: datetime, end: datetime) -> Iterator[datetime]:
    """Walk the quarter hours from `start` up to `end`, both rounded down, the end not included.

    Raises:
        OutOfRangeError: If they are more than a year.
    """
    first, last = quarter_of(start), quarter_of(end)
    count = (last - first) // STEP
    if count > _MOST_QUARTERS:
        raise OutOfRangeError(Problem("to", last.isoformat(), "at most a year after from", "do it year by year"))
    return (first + STEP * index for index in range(count))


def due(done: datetime | None, now: datetime, *, reach: timedelta) -> list[datetime]:
    """Return the quarter hours to simulate now, oldest first.

    Each battery starts where the quarter hour before left it, so that none is done before its elders.

    Args:
        done: The last quarter hour that was done; None: nothing ever was, and the next one begins the history.
        now: The moment (UTC).
        reach: Longest time to go back; what is older stays missed.

    Returns:
        Quarter hours up to the one that holds `now`, which has begun and is not over.
    """
    if done is None:
        return []
    first = max(quarter_of(done) + STEP, quarter_of(now - reach))
    return list(quarters(first, next_quarter(now)))


def punctuality(at: datetime, began: datetime) -> Literal["ok", "late", "backfilled"]:
    """Return the state of a cycle that went well: on time, late in its own quarter hour, or made up for later."""
    if began - at <= ON_TIME:
        return "ok"
    return "late" if began < at + STEP else "backfilled"
