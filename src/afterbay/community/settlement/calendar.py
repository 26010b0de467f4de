"""Local days, months and years of a run: where sums end and when periods are settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from afterbay.community.settlement.rule import PeriodName
    from afterbay.community.step.meters import MeterBlock
    from afterbay.core.compiled import Floats, Indices
    from afterbay.core.timeline import Timeline

__all__ = ["RunCalendar", "run_calendar", "whole_days"]


@dataclass(frozen=True, slots=True, eq=False)
class RunCalendar:
    """A run cut into local days and local months. D days, M months."""

    first_step: Indices
    """First step of each day, and the number of steps as the last entry, shape (D + 1,)."""
    day_names: tuple[str, ...]
    """Local dates, such as 2023-03-26."""
    month_of_day: Indices
    """Shape (D,)."""
    month_names: tuple[str, ...]
    """Local months, such as 2023-03."""
    steps_of_month: Floats
    """Steps in the whole calendar month, be they in the run or not; clock changes included, shape (M,)."""
    month_of_step: Indices
    """Shape (n_steps,)."""

    @property
    def n_days(self) -> int:
        """Number of local days that the run touches."""
        return len(self.day_names)

    def ends(self, period: PeriodName, day: int) -> bool:
        """Is this the last day of a period, or of the run?"""
        if day == self.n_days - 1:
            return True
        return self._name(period, day) != self._name(period, day + 1)

    def label(self, period: PeriodName, day: int) -> str:
        """Return the period that a day belongs to, in words."""
        return self._name(period, day) or f"{self.day_names[0]}..{self.day_names[-1]}"

    def covered_fraction(self, period: PeriodName, day: int) -> float:
        """Return the share of the period around `day` that the run covers [fraction]; a year counts its months."""
        if period == "run":
            return 1.0
        steps = np.bincount(self.month_of_step, minlength=len(self.month_names)) / self.steps_of_month
        name = self._name(period, day)
        within = [month for month, known in enumerate(self.month_names) if known.startswith(name)]
        return float(steps[within].sum()) / (1.0 if period == "month" else 12.0)

    def _name(self, period: PeriodName, day: int) -> str:
        return self.day_names[day][: {"month": 7, "year": 4, "run": 0}[period]]


def run_calendar(timeline: Timeline, time_zone: str) -> RunCalendar:
    """Cut a run into local days and months; a step belongs to the day in which it starts.

    Raises:
        InvalidInputError: If the run has no steps.
    """
    import pandas as pd

    if timeline.count == 0:
        raise InvalidInputError(Problem("timeline", "no steps", "at least one step", "settle a run that has begun"))
    zone = ZoneInfo(time_zone)
    local = pd.date_range(timeline.start, periods=timeline.count, freq=timeline.step).tz_convert(zone).tz_localize(None)
    days = local.to_numpy().astype("datetime64[D]")
    new_day = np.concatenate([[0], np.flatnonzero(days[1:] != days[:-1]) + 1]).astype(np.int64)
    dates = days[new_day]
    months, month_of_day = np.unique(dates.astype("datetime64[M]"), return_inverse=True)
    edges = pd.DatetimeIndex(np.append(months, months[-1] + 1).astype("datetime64[ns]"))
    # In a few zones the clock changes at midnight: then the month begins at the first moment that exists.
    instants = edges.tz_localize(zone, ambiguous=np.ones(len(edges), dtype=bool), nonexistent="shift_forward")
    # Months follow one another, as the days of a run do: each edge ends one month and begins the next.
    lengths = np.diff(instants.tz_convert("UTC").tz_localize(None).to_numpy()) / np.timedelta64(timeline.step)
    per_day = np.diff(np.append(new_day, timeline.count))
    return RunCalendar(
        first_step=np.append(new_day, timeline.count),
        day_names=tuple(str(date) for date in dates),
        month_of_day=month_of_day.astype(np.int64),
        month_names=tuple(str(month) for month in months),
        steps_of_month=lengths.astype(np.float64),
        month_of_step=np.repeat(month_of_day.astype(np.int64), per_day),
    )


def whole_days(blocks: Iterable[MeterBlock], calendar: RunCalendar, n_houses: int) -> Iterator[tuple[int, Floats]]:
    """Cut blocks into whole local days, so that no sum depends on how long a block is.

    Yields:
        Day and its meters [kWh], shape (n_steps, n_houses), read-only.

    Raises:
        InvalidInputError: If the blocks do not follow one another from the first step of the run to the last.
    """
    day, at, waiting = 0, 0, [np.empty((0, n_houses))]
    for block in blocks:
        if block.first != at or block.net_kwh.shape[1:] != (n_houses,):
            got = f"shape {block.net_kwh.shape} from step {block.first}"
            raise InvalidInputError(
                Problem("meters", got, f"{n_houses} houses from step {at}", "give all blocks in order, none twice")
            )
        begin = 0
        at += block.net_kwh.shape[0]
        while day < calendar.n_days and calendar.first_step[day + 1] <= at:
            end = int(calendar.first_step[day + 1]) - block.first
            waiting.append(block.net_kwh[begin:end])
            yield day, _joined(waiting)
            day, begin, waiting = day + 1, end, []
        waiting.append(block.net_kwh[begin:])
    if day < calendar.n_days or at != int(calendar.first_step[-1]):
        allowed = f"{int(calendar.first_step[-1])} steps"
        raise InvalidInputError(Problem("meters", f"{at} steps", allowed, "give every block of the run"))


def _joined(parts: list[Floats]) -> Floats:
    filled = [part for part in parts if part.shape[0]]
    net = filled[0].view() if len(filled) == 1 else np.concatenate(filled)
    net = np.ascontiguousarray(net, dtype=np.float64)
    if net.flags.writeable:
        net = net.view()
        net.setflags(write=False)
    return net
