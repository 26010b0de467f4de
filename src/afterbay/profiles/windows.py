"""Windows of the day and seasons of the year, as the load builder counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from afterbay.core.errors import Problems

__all__ = ["check_hours", "check_season", "hours_between", "is_whole", "month_bounds"]

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def month_bounds(start_month: int, end_month: int) -> tuple[int, NDArray[np.bool_]]:
    """Return the number of months from one to another, and which of the 365 days they hold (365,)."""
    months = (end_month - start_month) % 12 + 1
    active = np.zeros(12, dtype=bool)
    active[(start_month - 1 + np.arange(months)) % 12] = True
    return months, np.repeat(active, _MONTH_DAYS)


def hours_between(start: int, end: int) -> NDArray[np.bool_]:
    """Return which of the 24 hours a window holds (24,)."""
    hour = np.arange(24)
    if start < end:
        return (start <= hour) & (hour < end)
    if start > end:
        return (hour >= start) | (hour < end)
    return np.zeros(24, dtype=bool)


def check_season(asked: Mapping[str, Any], problems: Problems) -> None:
    """Note months and hours of a season that do not exist."""
    for key in ("start_month", "end_month"):
        if not is_whole(asked[key]) or not 1 <= asked[key] <= 12:
            problems.add(key, asked[key], "a month 1..12", "give the number of the month")
    check_hours(asked, "day_start", "day_end", "", problems)


def check_hours(asked: Mapping[str, Any], start: str, end: str, where: str, problems: Problems) -> None:
    """Note hours of the day that do not exist."""
    for key in (start, end):
        if not is_whole(asked[key]) or not 0 <= asked[key] <= 24:
            problems.add(f"{where}{key}", asked[key], "a whole hour 0..24", "give the hour of the day")


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number; True and False are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
