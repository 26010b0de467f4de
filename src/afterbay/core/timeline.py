"""Time in equal steps: UTC inside, an interval is labelled by its start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Timeline", "steps_per_day"]

_DAY_S = 86_400


def steps_per_day(dt_h: float) -> int:
    """Return how many steps of `dt_h` [h] make a day.

    Raises:
        OutOfRangeError: If a day is not a whole number of steps.
    """
    allowed = "a step of a second or more that divides 24 h evenly, such as 1, 0.5 or 0.25"
    if not (is_number(dt_h) and 1.0 / 3600.0 <= dt_h <= 24.0):
        raise OutOfRangeError(Problem("dt_h", repr(dt_h), allowed, "give the step length in hours"))
    steps = round(24.0 / dt_h)
    if abs(steps * dt_h - 24.0) > 1e-9:
        raise OutOfRangeError(Problem("dt_h", repr(dt_h), allowed, "give the step length in hours"))
    return steps


@dataclass(frozen=True, slots=True)
class Timeline:
    """`count` intervals of `step`, the first one starting at `start` (UTC)."""

    start: datetime
    """Start of the first interval, with a zone; kept in UTC."""
    step: timedelta
    """Length of an interval: a whole number of seconds that divides a day."""
    count: int
    """Number of intervals [-]."""

    def __post_init__(self) -> None:
        seconds = self.step.total_seconds()
        if seconds <= 0 or seconds != int(seconds) or _DAY_S % int(seconds):
            raise OutOfRangeError(
                Problem("step", str(self.step), "whole seconds that divide a day", "use 4 s, 15 min or 1 h")
            )
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 0:
            raise OutOfRangeError(Problem("count", repr(self.count), "a whole number >= 0", "give a number of steps"))
        if self.start.tzinfo is None:
            raise OutOfRangeError(
                Problem("start", self.start.isoformat(), "a time with a zone", "add tzinfo=timezone.utc")
            )
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        try:
            _ = self.start + self.step * self.count
        except OverflowError:
            raise OutOfRangeError(
                Problem("count", repr(self.count), "an end before the year 10000", "give fewer steps")
            ) from None

    @property
    def dt_h(self) -> float:
        """Length of an interval [h]."""
        return self.step.total_seconds() / 3600.0

    @property
    def end(self) -> datetime:
        """End of the last interval (UTC), which belongs to no interval."""
        return self.start + self.step * self.count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[datetime]:
        return (self.start + self.step * index for index in range(self.count))

    def label(self, index: int) -> datetime:
        """Return the start of interval `index` (UTC); negative counts from the end."""
        if not -self.count <= index < self.count:
            raise OutOfRangeError(
                Problem("index", repr(index), f"-{self.count}..{self.count - 1}", "stay inside the timeline")
            )
        return self.start + self.step * (index % self.count)

    def index_of(self, moment: datetime) -> int:
        """Return the interval that contains `moment` (start included, end not).

        Raises:
            OutOfRangeError: If `moment` has no zone or lies outside the timeline.
        """
        if moment.tzinfo is None:
            raise OutOfRangeError(
                Problem("moment", moment.isoformat(), "a time with a zone", "add tzinfo=timezone.utc")
            )
        index = (moment - self.start) // self.step
        if not 0 <= index < self.count:
            raise OutOfRangeError(
                Problem(
                    "moment",
                    moment.isoformat(),
                    f"{self.start.isoformat()} up to {self.end.isoformat()}",
                    "ask for a time inside the timeline",
                )
            )
        return int(index)

    @classmethod
    def containing(cls, moment: datetime, step: timedelta, count: int = 1) -> Timeline:
        """Return a timeline whose first interval contains `moment`, aligned to midnight UTC."""
        if moment.tzinfo is None:
            raise OutOfRangeError(
                Problem("moment", moment.isoformat(), "a time with a zone", "add tzinfo=timezone.utc")
            )
        cls(moment, step, 0)  # refuses a step that does not divide a day
        utc = moment.astimezone(UTC)
        midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(midnight + step * ((utc - midnight) // step), step, count)
