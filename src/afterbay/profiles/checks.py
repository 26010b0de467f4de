"""Defects of a series in time, and the repairs that were asked for.

Every check returns the frame, the report and the problems it found. When a defect is rejected the
check goes on with the least harmful reading, so that one error names all defects of the file.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import Problem
from afterbay.profiles.report import Gaps
from afterbay.profiles.stamps import instants_ns, stamp_text

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.profiles.report import ImportReport
    from afterbay.profiles.stamps import Stamps

__all__ = ["FILL_LIMIT_H", "Checked", "check_duplicates", "check_gaps", "check_order", "check_values"]

FILL_LIMIT_H = 2.0
"""Longest gap [h] that may be filled by a straight line."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """A series between two checks."""

    frame: pd.DataFrame
    report: ImportReport
    problems: tuple[Problem, ...] = ()

    def found(self, where: str, got: str, allowed: str, move: str) -> Checked:
        """Return the same with one problem more."""
        problem = Problem(f"{self.report.path}, {where}", got, allowed, move)
        return replace(self, problems=(*self.problems, problem))

    def noted(self, frame: pd.DataFrame, change: str, **facts: Any) -> Checked:
        """Return a changed frame, with the change in the report."""
        report = replace(self.report, changed=(*self.report.changed, change), **facts)
        return replace(self, frame=frame, report=report)

    def warned(self, *warnings: str) -> Checked:
        """Return the same with warnings in the report."""
        return replace(self, report=replace(self.report, warnings=(*self.report.warnings, *warnings)))


def check_order(state: Checked, stamps: Stamps, unsorted: str) -> Checked:
    """Find rows that are earlier than the row before them."""
    back = int((np.diff(instants_ns(state.frame.index)) < 0).sum())
    if not back:
        return state
    state = replace(state, report=replace(state.report, unsorted_rows=back))
    if stamps.kind == "elapsed":
        return state.warned(f"the elapsed time starts again {back} times")
    frame = state.frame.sort_index(kind="stable")
    if unsorted == "sort":
        return state.noted(frame, f"rows sorted by time: {back} were earlier than the row before")
    got = f"{back} rows earlier than the row before"
    state = state.found("order", got, "rows in order of time", 'unsorted="sort"')
    return replace(state, frame=frame)


def check_duplicates(state: Checked, stamps: Stamps, duplicates: str) -> Checked:
    """Find stamps that stand more than once."""
    twice = state.frame.index.duplicated(keep="first")
    count = int(twice.sum())
    if not count:
        return state
    if stamps.kind == "elapsed":
        return state.warned(f"{count} elapsed times stand more than once")
    index = state.frame.index[twice]
    where = tuple(stamp_text(stamp, stamps) for stamp in index[:_SHOWN])
    state = replace(state, report=replace(state.report, duplicates=count, duplicates_where=where))
    if duplicates == "mean":
        means = state.frame.groupby(level=0).mean()
        return state.noted(means, f"{count} repeated stamps replaced by the mean of their rows")
    kept = state.frame[~twice]
    if duplicates == "first":
        return state.noted(kept, f"{count} repeated stamps dropped, the first row of each kept")
    got = f"{count} repeated stamps ({', '.join(where)}){_clock_change(index, stamps, (10, 11))}"
    state = state.found("duplicates", got, "every stamp once", 'duplicates="first" or duplicates="mean"')
    return replace(state, frame=kept)


def check_gaps(state: Checked, stamps: Stamps, column: str, dt_h: float | None, gaps: str, leap_day: str) -> Checked:
    """Find missing rows and empty cells, tell a left-out 29 February from a gap, and repair as asked."""
    import pandas as pd

    frame, missing_rows = state.frame, 0
    if stamps.kind == "calendar" and dt_h is not None:
        first, last = frame.index[0], frame.index[-1]
        full = pd.date_range(first, last, freq=pd.Timedelta(hours=dt_h), name=frame.index.name)
        left_out, text = _leap_day(full, frame.index, stamps)
        full = full[~left_out]
        missing_rows = len(full) - len(frame)
        state = replace(state, report=replace(state.report, leap_day=text, rows_expected=len(full)))
        if missing_rows:
            frame = frame.reindex(full)
    empty = frame[column].isna().to_numpy()
    if empty.any():
        state = _treat_gaps(replace(state, frame=frame), stamps, column, dt_h, gaps, empty, missing_rows)
    if leap_day == "drop" and stamps.kind == "calendar":
        wall = stamps.wall(pd.DatetimeIndex(state.frame.index))
        leap = (wall.month == 2) & (wall.day == 29)
        if leap.any():
            state = state.noted(state.frame[~leap], f"29 February dropped: {int(leap.sum())} rows")
    return state


def check_values(state: Checked, column: str, quantity: str, negatives: str) -> Checked:
    """Find negative values (a defect of load and solar only) and outliers."""
    values = state.frame[column].to_numpy()
    below = values < 0.0
    positive = values[values > 0.0]
    limit = 5.0 * float(np.percentile(positive, 99)) if positive.size else np.inf
    far = (values > limit).nonzero()[0]
    where = tuple(f"{state.frame.index[i]}: {values[i]:g}" for i in far[:_SHOWN])
    report = replace(state.report, negatives=int(below.sum()), outliers=int(far.size), outliers_where=where)
    state = replace(state, report=report)
    if far.size:
        state = state.warned(f"{far.size} values above 5 x P99 = {limit:g}: check them")
    if quantity != "other" and not values.any():
        state = state.warned(f"all values of {column} are zero")
    if not below.any():
        return state
    count, first = int(below.sum()), state.frame.index[below][0]
    if quantity == "other":
        return state.warned(f"{count} negative values: allowed, {column} is not a power of load or solar")
    if negatives == "keep":
        return state.warned(f"{count} negative values of {quantity} kept as asked")
    if negatives == "zero":
        frame = state.frame.assign(**{column: np.where(below, 0.0, values)})
        return state.noted(frame, f"{count} negative values set to zero")
    got = f"{count} negative values of {quantity} (first at {first}, lowest {values[below].min():g})"
    return state.found(f"column {column}", got, "0 or more", 'negatives="zero" or negatives="keep"')


def _treat_gaps(
    state: Checked, stamps: Stamps, column: str, dt_h: float | None, gaps: str, empty: Any, missing_rows: int
) -> Checked:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False]))))
    begins, ends = edges[::2], edges[1::2]
    longest = int((ends - begins).max())
    index = state.frame.index
    where = tuple(
        f"{stamp_text(index[a], stamps)}, {b - a} steps" for a, b in zip(begins[:_SHOWN], ends[:_SHOWN], strict=True)
    )
    longest_h = None if dt_h is None else longest * dt_h
    record = Gaps(len(begins), missing_rows, int(empty.sum()) - missing_rows, longest_h, where)
    state = replace(state, report=replace(state.report, gaps=record))
    what = f"{record.count} gaps ({record.missing_rows} missing rows, {record.missing_values} empty cells)"
    got = f"{what}, longest {longest} steps: {'; '.join(where)}{_clock_change(index[begins], stamps, (3, 4))}"
    if gaps == "reject":
        return state.found("gaps", got, "a value in every step", 'gaps="fill" (up to 2 h) or gaps="keep"')
    if gaps == "keep":
        if not missing_rows:
            return state.warned(f"{what} kept as asked")
        return state.noted(state.frame, f"{missing_rows} missing rows inserted without a value")
    if longest_h is None or longest_h > FILL_LIMIT_H + 1e-9 or empty[0] or empty[-1]:
        return state.found(
            "gaps",
            got,
            f"for filling: gaps of at most {FILL_LIMIT_H:g} h between two values, in a known step",
            'mend the file, or gaps="keep"',
        )
    at = np.arange(len(empty), dtype=float)
    values = state.frame[column].to_numpy(copy=True)
    values[empty] = np.interp(at[empty], at[~empty], values[~empty])
    change = f"{int(empty.sum())} values of {column} filled by straight lines in {record.count} gaps"
    return state.noted(state.frame.assign(**{column: values}), change)


def _leap_day(full: pd.DatetimeIndex, present: Any, stamps: Stamps) -> tuple[Any, str]:
    """Mark the steps of a 29 February that is left out as a whole, and say what was found."""
    wall = stamps.wall(full)
    on_leap_day = np.asarray((wall.month == 2) & (wall.day == 29))
    there = np.asarray(full.isin(present))
    years = [int(year) for year in np.unique(wall.year) if calendar.isleap(int(year))]
    if not years:
        return np.zeros(len(full), dtype=bool), "not a leap year"
    left_out, said = np.zeros(len(full), dtype=bool), []
    for year in years:
        day = on_leap_day & np.asarray(wall.year == year)
        if not day.any():
            said.append(f"{year} is a leap year, its 29 February lies outside the file")
        elif not there[day].any():
            left_out |= day
            said.append(f"absent: {year} has a 29 February and the file leaves it out")
        else:
            said.append(f"present: 29 February {year}")
    return left_out, "; ".join(said)


def _clock_change(index: Any, stamps: Stamps, months: tuple[int, int]) -> str:
    """Hint that a naive file probably follows a clock that changes."""
    if stamps.kind != "calendar" or index.tz is not None:
        return ""
    suspect = (index.dayofweek == 6) & (index.hour <= 3) & np.isin(index.month, months)
    return " - this looks like a clock change: name the zone with zone=" if suspect.any() else ""
