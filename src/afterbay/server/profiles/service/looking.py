"""Figures and pictures of a series: totals, the mean day and week, months, and the year as a carpet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from afterbay.profiles import load_statistics, solar_statistics

__all__ = ["PREVIEWS", "Preview", "PreviewKind", "preview_of", "statistics_of"]

PreviewKind: TypeAlias = Literal["day", "week", "month", "carpet"]
PREVIEWS: Final = ("day", "week", "month", "carpet")
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MOST_DAYS: Final = 1_100
"""A carpet shows at most about three years."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Aggregates of a series."""

    kind: str
    labels: list[str]
    """Hours, weekdays with hours, months, or days."""
    mean_mw: list[float] | None = None
    p10_mw: list[float] | None = None
    p90_mw: list[float] | None = None
    energy_mwh: list[float] | None = None
    rows_mw: list[list[float | None]] | None = None
    """Of a carpet: one row a day, one value an hour."""


def statistics_of(profile_type: str, values: NDArray[np.float64], dt_h: float | None) -> dict[str, Any]:
    """Return the library's figures of a series [MW], and those that do not depend on its step.

    Figures of hours are of hourly means. A series that does not tell its step counts as hourly.
    """
    step = dt_h or 1.0
    hourly = _hourly(values, step)
    found: dict[str, Any]
    if profile_type == "load":
        found = {**load_statistics(hourly).to_dict(), "total_energy_mwh": float(values.sum() * step)}
    else:
        found = {**solar_statistics(hourly).to_dict(), "total_mwh": float(values.sum() * step)}
    return {
        **found,
        "steps": len(values),
        "dt_h": step,
        "days": len(values) * step / 24.0,
        "highest_mw": float(values.max()),
        "p99_mw": float(np.percentile(values, 99)),
    }


def preview_of(kind: PreviewKind, values: NDArray[np.float64], dt_h: float | None, start: datetime | None) -> Preview:
    """Return aggregates of a series [MW]; without a calendar it begins on a 1 January that is a Monday."""
    hourly = _hourly(values, dt_h or 1.0)
    first = start.hour if start is not None else 0
    hours = (np.arange(len(hourly)) + first) % 24
    days = (np.arange(len(hourly)) + first) // 24
    if kind == "day":
        return _spread(kind, hourly, hours, [f"{hour:02d}:00" for hour in range(24)])
    if kind == "week":
        weekday = (days + (start.weekday() if start is not None else 0)) % 7
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        return _spread(
            kind, hourly, weekday * 24 + hours, [f"{day} {hour:02d}:00" for day in names for hour in range(24)]
        )
    if kind == "month":
        return _months(hourly, days, start)
    return _carpet(hourly, hours, days)


def _spread(kind: str, hourly: NDArray[np.float64], place: NDArray[np.int64], labels: list[str]) -> Preview:
    groups = [hourly[place == one] for one in range(len(labels))]
    kept = [(label, group) for label, group in zip(labels, groups, strict=True) if group.size]
    return Preview(
        kind,
        [label for label, _ in kept],
        mean_mw=[float(group.mean()) for _, group in kept],
        p10_mw=[float(np.percentile(group, 10)) for _, group in kept],
        p90_mw=[float(np.percentile(group, 90)) for _, group in kept],
    )


def _months(hourly: NDArray[np.float64], days: NDArray[np.int64], start: datetime | None) -> Preview:
    count = int(days[-1]) + 1
    if start is None:
        year = np.repeat(np.arange(12), _MONTH_DAYS)
        months = np.resize(year, count) + 12 * (np.arange(count) // 365)
        labels = [f"{month % 12 + 1:02d}" for month in range(int(months[-1]) + 1)]
    else:
        dates = np.datetime64(start.date(), "D") + np.arange(count)
        stamped = dates.astype("datetime64[M]")
        months = (stamped - stamped[0]).astype(np.int64)
        labels = [str(stamped[0] + month) for month in range(int(months[-1]) + 1)]
    place = months[days]
    energy = np.bincount(place, weights=hourly, minlength=len(labels))
    hours = np.bincount(place, minlength=len(labels))
    return Preview("month", labels, mean_mw=(energy / np.maximum(hours, 1)).tolist(), energy_mwh=energy.tolist())


def _carpet(hourly: NDArray[np.float64], hours: NDArray[np.int64], days: NDArray[np.int64]) -> Preview:
    count = min(int(days[-1]) + 1, _MOST_DAYS)
    rows = np.full((count, 24), np.nan)
    shown = days < count
    rows[days[shown], hours[shown]] = hourly[shown]
    plain: list[list[float | None]] = [[None if value != value else float(value) for value in row] for row in rows]
    return Preview("carpet", [str(day + 1) for day in range(count)], rows_mw=plain)


def _hourly(values: NDArray[np.float64], step_h: float) -> NDArray[np.float64]:
    """Return means of hours; what is left over at the end makes a shorter last hour."""
    if step_h >= 1.0:
        return np.repeat(values, max(round(step_h), 1))
    per_hour = round(1.0 / step_h)
    starts = np.arange(0, len(values), per_hour)
    return np.asarray(np.add.reduceat(values, starts) / np.diff([*starts, len(values)]))
