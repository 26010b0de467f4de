"""Days of a run as calendar days: which date a day is, and where an axis of days has its ticks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NoReturn

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["Calendar", "DayTicks", "calendar_of"]

_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
"""Not from the locale, so that a picture is the same everywhere."""
_COMMON_YEAR: Final = date(2001, 1, 1)
_LEAP_YEAR: Final = date(2000, 1, 1)
_MOST_DAY_LABELS: Final = 14
_FEWEST_MONTH_DAYS: Final = 60
_MOST_MONTH_DAYS: Final = 750
_LEAST_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class DayTicks:
    """Ticks of an axis that counts days from 0: where parts begin, and a label in the middle of each."""

    edges: tuple[float, ...]
    centres: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The dates of a run; without a first date, days are only numbered."""

    first: date | None
    count: int
    """Number of days [-]."""
    year_is_known: bool

    def date_of(self, day: int) -> str:
        """Return the date of day `day` (from 1) as `10 Dec 2024`, without the year if it is unknown, or nothing."""
        if self.first is None:
            return ""
        moment = self.first + timedelta(days=day - 1)
        return f"{_short(moment)} {moment.year}" if self.year_is_known else _short(moment)

    def day_name(self, day: int) -> str:
        """Return `Day 345 (10 Dec)`, or `Day 345` where the date is unknown."""
        shown = self.date_of(day)
        return f"Day {day} ({shown})" if shown else f"Day {day}"

    def short_name(self, day: int) -> str:
        """Return `10 Dec`, or the number of the day where the date is unknown, for a tick."""
        return str(day) if self.first is None else _short(self.first + timedelta(days=day - 1))

    @property
    def short_axis_title(self) -> str:
        """Title of an axis with `short_name` at its ticks."""
        return "Day of the run" if self.first is None else "Date"

    @property
    def axis_title(self) -> str:
        """Title of an axis of these days."""
        if self.first is None or self.count <= _FEWEST_MONTH_DAYS:
            return self.short_axis_title
        one_year = self.first.month == self.first.day == 1 and self.count <= 366
        return "Day of the year, by month" if one_year else "Date"

    def ticks(self) -> DayTicks:
        """Return ticks that stay readable from one day to twenty years."""
        if self.first is None or self.count <= _FEWEST_MONTH_DAYS:
            return self._by_day()
        by_year = self.count > _MOST_MONTH_DAYS
        dates = [self.first + timedelta(days=day) for day in range(self.count)]
        starts = [
            day for day, moment in enumerate(dates)
            if day == 0 or (moment.day == 1 and (not by_year or moment.month == 1))
        ]  # fmt: skip
        edges = (*map(float, starts), float(self.count))
        if by_year:
            return _centred(edges, [str(dates[day].year) for day in starts])
        labels = []
        for day in starts:
            begins_year = self.year_is_known and (day == 0 or dates[day].month == 1)
            year = f"\n{dates[day].year}" if begins_year else ""
            labels.append(_MONTHS[dates[day].month - 1] + year)
        return _centred(edges, labels)

    def _by_day(self) -> DayTicks:
        stride = -(-self.count // _MOST_DAY_LABELS)
        edges = tuple(float(day) for day in range(self.count + 1))
        labels = [self.short_name(day + 1) if day % stride == 0 else "" for day in range(self.count)]
        return _centred(edges, labels)


def calendar_of(days: int, start: date | datetime | None) -> Calendar:
    """Return the calendar of a run of `days` days that starts at `start`.

    A run of 365 or 366 days without a start is taken to begin on 1 January, as the metrics do.

    Raises:
        InvalidInputError: If `start` is no date, or a time other than midnight: step 1 is hour 0 of a day.
    """
    if start is None:
        anonymous_year = {365: _COMMON_YEAR, 366: _LEAP_YEAR}.get(days)
        return Calendar(anonymous_year, days, year_is_known=False)
    first = _as_date(start)
    if days > (date.max - first).days:
        _refuse_start(first.isoformat())
    return Calendar(first, days, year_is_known=True)


def _as_date(start: object) -> date:
    if not isinstance(start, date):
        _refuse_start(repr(start))
    if not isinstance(start, datetime):
        return start
    if start.timetz().replace(tzinfo=None) != time.min:
        _refuse_start(start.isoformat())
    return start.date()


def _refuse_start(got: str) -> NoReturn:
    raise InvalidInputError(
        Problem(
            "start",
            got,
            "a date, or a time at midnight",
            "give the day on which the run begins; its first step is hour 0 of that day",
        )
    )


def _centred(edges: tuple[float, ...], labels: list[str]) -> DayTicks:
    widths = [right - left for left, right in pairwise(edges)]
    # A month of a few days at either end has no room for its name.
    named = [
        (edge + width / 2.0, label)
        for edge, width, label in zip(edges[:-1], widths, labels, strict=True)
        if label and width >= _LEAST_SHARE * max(widths)
    ]
    return DayTicks(edges, tuple(place for place, _ in named), tuple(label for _, label in named))


def _short(moment: date) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]}"
