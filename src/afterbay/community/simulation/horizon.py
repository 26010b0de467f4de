"""The steps of a run and the local days that they fall on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.timeline import Timeline

if TYPE_CHECKING:
    from afterbay.core.compiled import Floats, Indices

__all__ = ["LocalDays", "horizon", "local_days"]

_QUARTER_HOUR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, eq=False)
class LocalDays:
    """The local days that a timeline touches; in most zones a day has 92, 96 or 100 quarter hours."""

    dates: tuple[date, ...]
    """Every local date, in order."""
    starts: Indices
    """First step of each day, and the number of steps, shape (days + 1,)."""
    hour: Floats
    """Local hour of day at the start of every step, shape (n_steps,)."""


def horizon(
    start: date | str, days: int | None = None, *, end: date | str | None = None, time_zone: str = "UTC"
) -> Timeline:
    """Return the quarter hours of whole local days.

    Args:
        start: First local day.
        days: Number of days; or give `end`.
        end: Last local day, included.
        time_zone: IANA name of the zone whose days are meant.

    Raises:
        InvalidInputError: If a date or zone cannot be read, or the end lies before the start.
    """
    first = _read_date("start", start)
    if (days is None) == (end is None):
        raise InvalidInputError(Problem("days", repr(days), "either days or end", "give one of the two"))
    if end is not None:
        after = _read_date("end", end) + timedelta(days=1)
    elif isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_600:
        raise InvalidInputError(Problem("days", repr(days), "a whole number from 1 to 36600", "365 for a year"))
    else:
        after = first + timedelta(days=days)
    if after <= first:
        raise InvalidInputError(Problem("end", str(end), f"{first} or later", "exchange start and end"))
    zone = _read_zone(time_zone)
    begins, ends = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
    count = (ends - begins) / _QUARTER_HOUR
    if count != int(count) or begins.minute % 15:
        raise InvalidInputError(
            Problem("time_zone", time_zone, "a zone whose days begin on a quarter hour", "give start in UTC")
        )
    return Timeline(begins, _QUARTER_HOUR, int(count))


def local_days(timeline: Timeline, time_zone: str) -> LocalDays:
    """Return the local days that a timeline touches; the first and the last may be cut.

    Raises:
        InvalidInputError: If the zone is unknown.
    """
    zone = _read_zone(time_zone)
    starts, dates = [0], [timeline.start.astimezone(zone).date()]
    last = timeline.label(timeline.count - 1).astimezone(zone).date() if timeline.count else dates[0]
    while dates[-1] < last:
        tomorrow = dates[-1] + timedelta(days=1)
        begins = datetime.combine(tomorrow, time(), zone).astimezone(UTC)
        # A zone that changes its clock at midnight has no 00:00 that day; the day begins with its first step.
        starts.append(-((timeline.start - begins) // timeline.step))
        dates.append(tomorrow)
    import pandas as pd

    index = pd.date_range(timeline.start, periods=timeline.count, freq=timeline.step).tz_convert(zone)
    hour = np.asarray(index.hour + index.minute / 60.0 + index.second / 3600.0, dtype=np.float64)
    return LocalDays(tuple(dates), np.array([*starts, timeline.count], dtype=np.int64), hour)


def _read_date(where: str, value: date | str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InvalidInputError(
            Problem(where, repr(value), "a date such as 2023-06-01", "write year-month-day")
        ) from None


def _read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            Problem("time_zone", repr(name), "an IANA name such as Europe/Berlin", "look it up in the IANA list")
        ) from None
