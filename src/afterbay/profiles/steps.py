"""The step of a series, and how many rows a whole year should have."""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.profiles.checks import Checked, check_duplicates, check_order
from afterbay.profiles.stamps import instants_ns, stamp_text

if TYPE_CHECKING:
    import pandas as pd

    from afterbay.profiles.stamps import Stamps

__all__ = ["check_time", "find_step"]

_ROWS_PER_DAY = (24, 48, 96, 288, 1440)
_NEAR_YEAR = 0.02
_FAR_ROWS = 100_000


def check_time(
    state: Checked, stamps: Stamps, duplicates: str, unsorted: str, dt_h: float | None
) -> tuple[Checked, float | None]:
    """Check order, duplicates and step of the rows; return the step [h] as well."""
    if stamps.kind == "none":
        rows = len(state.frame)
        state = state.warned("no time column: rows are taken in the order of the file" + _odd_year(rows))
        step_min = None if dt_h is None else dt_h * 60.0
        return replace(state, report=replace(state.report, step_min=step_min)), dt_h
    state = check_order(state, stamps, unsorted)
    state = check_duplicates(state, stamps, duplicates)
    step_h, reason = find_step(state.frame.index)
    index = state.frame.index
    first, last = stamp_text(index[0], stamps), stamp_text(index[-1], stamps)
    if step_h is None:
        irregular = reason is not None and reason.startswith("irregular")
        state = state.warned(reason or "")
        facts: dict[str, Any] = {"step_min": "irregular" if irregular else None, "first": first, "last": last}
        state = replace(state, report=replace(state.report, **facts))
        if irregular and dt_h is not None:
            state = state.found("dt_h", f"{dt_h} h", "rows of one length in the file", "leave it out")
        return state, None if irregular else dt_h
    report = replace(state.report, step_min=step_h * 60.0, first=first, last=last)
    state = replace(state, report=report)
    if dt_h is not None and abs(dt_h - step_h) > 1e-9:
        state = state.found("dt_h", f"{dt_h} h", f"{step_h:g} h, as the stamps say", "leave it out")
    if stamps.kind == "calendar":
        state = state.warned(*_explain_year(state, stamps, step_h))
    return state, step_h


def find_step(index: pd.Index[Any]) -> tuple[float | None, str | None]:
    """Return the step [h], or None and why there is none."""
    if len(index) < 2:
        return None, "one row tells no step"
    steps, counts = np.unique(np.diff(instants_ns(index)), return_counts=True)
    common = int(steps[counts.argmax()])
    off = counts[(steps <= 0) | (steps % max(common, 1) != 0)].sum()
    # A stray stamp centuries away would otherwise be a gap of billions of rows.
    far = common > 0 and int(steps @ counts) // common > 10 * len(index) + _FAR_ROWS
    if common <= 0 or off or far or counts.max() < 0.5 * counts.sum():
        return None, (
            f"irregular: the most common distance of rows is {common / 6e10:g} min, "
            f"{int(counts.sum() - counts.max()):,} of {int(counts.sum()):,} differ"
        )
    return common / 3.6e12, None


def _explain_year(state: Checked, stamps: Stamps, step_h: float) -> tuple[str, ...]:
    """Say why a file that begins with a year does not have the rows of that year."""
    import pandas as pd

    wall = stamps.wall(pd.DatetimeIndex(state.frame.index))
    step = pd.Timedelta(hours=step_h)
    year = int(wall[len(wall) // 2].year)
    begin, end = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
    whole = round((end - begin) / step)
    late, early = round((wall[0] - begin) / step), round((end - step - wall[-1]) / step)
    rows = state.report.rows_found
    limit = _NEAR_YEAR * whole
    inside = round((wall[-1] - wall[0]) / step) + 1 - len(wall)
    # A 29 February left out as a whole is stated as such and is no gap.
    if calendar.isleap(year) and not ((wall.month == 2) & (wall.day == 29)).any():
        left_out = round(pd.Timedelta(days=1) / step)
        whole, inside = whole - left_out, inside - left_out
    if max(abs(late), abs(early)) > limit:
        return ()
    if late == 1 and early == -1 and not inside:
        return (f"the stamps run from {wall[0]} to {wall[-1]}: taken as starts of steps, they look like ends",)
    if rows == whole and not inside and not state.report.duplicates:
        return ()  # a whole year on a clock some hours away, such as UTC
    parts = []
    if late:
        side = "after" if late > 0 else "before"
        parts.append(f"it starts {abs(late)} steps {side} the first step of the year, at {wall[0]}")
    if early:
        side = "before" if early > 0 else "after"
        parts.append(f"it ends {abs(early)} steps {side} the last step of the year, at {wall[-1]}")
    if state.report.duplicates:
        parts.append(f"{state.report.duplicates} stamps stand twice")
    if inside > 0:
        parts.append(f"{inside} steps between the first and the last row have no row")
    if not parts:
        return ()
    return (f"{rows:,} rows, {year} has {whole:,} steps: {'; '.join(parts)}",)


def _odd_year(rows: int) -> str:
    for per_day in _ROWS_PER_DAY:
        short, long = 365 * per_day, 366 * per_day
        near = (1.0 - _NEAR_YEAR) * short <= rows <= (1.0 + _NEAR_YEAR) * long
        if near and rows not in (short, long):
            return (
                f"; {rows:,} rows are neither {short:,} (365 days) nor {long:,} (366 days), "
                "and without stamps nobody can say which are missing or too many"
            )
    return ""
