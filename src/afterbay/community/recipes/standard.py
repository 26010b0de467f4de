"""Standard load profiles of the German energy association, as profiles of a community."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.profile import CommunityProfile
from afterbay.community.recipes.recipe import Recipe
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.profiles import standard_load_profile

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["standard_load"]


def standard_load(
    name: str, kind: str, annual_kwh: float, year: int, *, holidays: Iterable[date | str] = ()
) -> CommunityProfile:
    """Return a standard load on the clock of the grid.

    The profile is that of the calendar year, with its weekdays, and goes on outside it by whole weeks.
    It is the mean of many customers: a single house is far less smooth.

    Args:
        name: Name of the profile.
        kind: One of `afterbay.profiles.STANDARD_LOADS`, such as `h25`.
        annual_kwh: Energy of the year [kWh], >= 0.
        year: Calendar year.
        holidays: Days that count as Sundays.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
        MissingExtraError: If demandlib is not installed.
    """
    if not is_number(annual_kwh):
        raise InvalidInputError(Problem("annual_kwh", repr(annual_kwh), "a finite number >= 0", "give kWh"))
    try:
        days = sorted({day if isinstance(day, date) else date.fromisoformat(day) for day in holidays})
    except (TypeError, ValueError):
        raise InvalidInputError(
            Problem("holidays", repr(holidays), "dates such as 2024-12-25", "write them so")
        ) from None
    load = standard_load_profile(kind, annual_kwh / 1000.0, year, holidays=days)
    recipe = Recipe("standard", {"kind": load.kind, "annual_kwh": float(annual_kwh), "year": year, "holidays": days})
    return CommunityProfile(
        name,
        "kW",
        "dated",
        load.dt_h,
        _by_wall_clock(np.asarray(load.values) * 1000.0, load.start),
        recipe,
        start=datetime(year, 1, 1),
        repeats=True,
        notes=tuple(f"{what}: {said}" for what, said in load.assumptions.items()),
    )


def _by_wall_clock(by_standard_time: np.ndarray, start: datetime) -> np.ndarray:
    """Put rows of German standard time back on the clock on the wall, 96 rows a day."""
    import pandas as pd

    rows = pd.date_range(start, periods=len(by_standard_time), freq="15min").tz_convert("Europe/Berlin")
    shown = pd.Series(by_standard_time, index=rows.tz_localize(None))
    shown = shown[~shown.index.duplicated()]
    every = pd.date_range(datetime(start.year, 1, 1), periods=len(by_standard_time), freq="15min")
    # The hour that the clock skips in spring takes the row before it; in its own zone nobody reads it.
    return np.array(shown.reindex(every).ffill(), dtype=np.float64)
