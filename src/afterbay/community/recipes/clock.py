"""Which row of a profile a step of a run needs: by time, never by position.

Every profile follows one clock: the wall of the grid, with its clock changes, or a fixed distance from
UTC. A typical day, week or year is looked up by that clock; 29 February takes 28 February. In spring the
clock skips four quarter hours, and so does the profile; in autumn it shows four twice, and the profile
gives them twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.recipes.profile import Calendar
    from afterbay.core.timeline import Timeline

__all__ = ["DAY_S", "Steps", "rows_of", "wall_seconds", "weeks_back", "zone_named"]

DAY_S = 86_400
_WEEK_S = 7 * DAY_S
_YEAR_WEEKS = 365.2425 / 7.0
Seconds = NDArray[np.int64]


def zone_named(time_zone: str) -> ZoneInfo:
    """Return a zone by its IANA name.

    Raises:
        InvalidInputError: If there is none of this name.
    """
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise InvalidInputError(
            Problem("time_zone", repr(time_zone), "an IANA zone such as 'Europe/Berlin' or 'UTC'", "check the spelling")
        ) from None


def wall_seconds(utc_s: Seconds, time_zone: str, utc_offset_h: float | None) -> Seconds:
    """Return what a clock shows, as seconds since 1970-01-01 on that clock."""
    if utc_offset_h is not None:
        return utc_s + round(utc_offset_h * 3600.0)
    if time_zone == "UTC":
        return utc_s
    import pandas as pd

    index = pd.DatetimeIndex(utc_s.astype("datetime64[s]")).tz_localize("UTC")
    shown = index.tz_convert(zone_named(time_zone)).tz_localize(None)
    return shown.to_numpy().astype("datetime64[s]").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Steps:
    """A timeline, a zone and one clock."""

    timeline: Timeline
    time_zone: str
    utc_offset_h: float | None

    def fineness_s(self, dt_s: int) -> int:
        """Return the longest part of a step [s] that never touches two rows of `dt_s`."""
        step_s = int(self.timeline.step.total_seconds())
        shown = self.wall(0, self.timeline.count, step_s) if self.timeline.count else np.zeros(1, dtype=np.int64)
        apart = np.unique(shown % dt_s)
        return math.gcd(step_s, dt_s, *(int(rest) for rest in apart))

    def wall(self, first: int, count: int, part_s: int) -> Seconds:
        """Return what the clock shows at every part of the steps, shape (count x parts,)."""
        step_s = int(self.timeline.step.total_seconds())
        begin = round(self.timeline.start.timestamp()) + first * step_s
        utc_s = begin + part_s * np.arange(count * (step_s // part_s), dtype=np.int64)
        return wall_seconds(utc_s, self.time_zone, self.utc_offset_h)


def rows_of(calendar: Calendar, wall_s: Seconds, dt_s: int, start_s: int, n_rows: int, *, repeats: bool) -> Seconds:
    """Return the row for each moment; outside 0..n_rows - 1 where a dated profile has none."""
    if calendar == "dated":
        rows: Seconds = (wall_s - start_s) // dt_s
        if repeats:
            rows = np.where((rows < 0) | (rows >= n_rows), _repeated(wall_s, dt_s, start_s, n_rows), rows)
        return rows
    per_day = DAY_S // dt_s
    of_day: Seconds = wall_s % DAY_S // dt_s
    if calendar == "day":
        return of_day
    days: Seconds = wall_s // DAY_S
    if calendar == "week":
        return (days + 3) % 7 * per_day + of_day  # 1970-01-01 was a Thursday
    return day_of_year(days) * per_day + of_day


def day_of_year(days: Seconds) -> Seconds:
    """Return 0..364 for days since 1970; 29 February is 28 February."""
    year = days.astype("datetime64[D]").astype("datetime64[Y]")
    begin = year.astype("datetime64[D]").astype(np.int64)
    length = (year + 1).astype("datetime64[D]").astype(np.int64) - begin
    place = days - begin
    return np.asarray(place - ((length == 366) & (place >= 59)), dtype=np.int64)


def weeks_back(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the whole number of weeks that is nearest to so many years."""
    return np.asarray(np.rint(years * _YEAR_WEEKS), dtype=np.int64)


def _repeated(wall_s: Seconds, dt_s: int, start_s: int, n_rows: int) -> Seconds:
    """Shift by whole weeks, so that a Sunday stays a Sunday and the season within days of itself."""
    year_s = round(_YEAR_WEEKS * _WEEK_S)
    years = (wall_s - start_s) // year_s
    moved = wall_s - _WEEK_S * weeks_back(years)
    rows: Seconds = (moved - start_s) // dt_s
    weeks_52 = 52 * _WEEK_S // dt_s
    rows = np.where(rows >= n_rows, rows - weeks_52, rows)
    return np.where(rows < 0, rows + weeks_52, rows)


def seconds_of(moment: datetime) -> int:
    """Return seconds since 1970-01-01 of a moment, on its own clock when it has no zone."""
    return round((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
