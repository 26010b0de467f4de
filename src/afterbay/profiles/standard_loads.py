"""Standard load profiles of the German energy association (BDEW), through demandlib."""

from __future__ import annotations

import calendar
import math
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["STANDARD_LOADS", "StandardLoad", "standard_load_profile"]

STANDARD_LOADS: dict[str, str] = {
    "h0": "households, 1999",
    "h0_dyn": "households, 1999, smoothed over the seasons",
    "g0": "business, general",
    "g1": "business on weekdays 8 to 18",
    "g2": "business with use mostly in the evening",
    "g3": "business around the clock",
    "g4": "shop, hairdresser",
    "g5": "bakery",
    "g6": "weekend business",
    "l0": "farms, general",
    "l1": "farms with milk or animals",
    "l2": "farms, others",
    "h25": "households, 2025",
    "g25": "business, 2025",
    "l25": "farms, 2025",
    "p25": "households with solar, 2025 (grid draw)",
    "s25": "households with solar and battery, 2025 (grid draw)",
}
"""What each kind stands for."""

_STEPS_H = (0.25, 1.0)
_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, eq=False)
class StandardLoad:
    """A standard load over one calendar year."""

    values: NDArray[np.float64]
    """Mean power of each step [MW], shape (n,), read-only."""
    kind: str
    annual_mwh: float
    start: datetime
    """Midnight of 1 January at UTC+1: German standard time all year."""
    dt_h: float
    """Step [h]."""
    assumptions: dict[str, str]


def standard_load_profile(
    kind: str, annual_mwh: float, year: int, *, holidays: Iterable[date] = (), dt_h: float = 0.25
) -> StandardLoad:
    """Return a standard load scaled to an energy per year.

    People follow the clock on the wall, rows follow standard time: in summer the row of 07:00
    standard time carries what the profile gives for 08:00. A leap year has its 29 February.

    Args:
        kind: One of `STANDARD_LOADS`, in any case.
        annual_mwh: Energy of the year [MWh], >= 0.
        year: Calendar year.
        holidays: Days that count as Sundays; by default none.
        dt_h: 0.25 or 1.0 [h].

    Returns:
        The profile [MW]; its energy is `annual_mwh` to rounding.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
        MissingExtraError: If demandlib is not installed.

    Source: BDEW standard load profiles (1999 and 2025), tables from demandlib.
    """
    problems = Problems()
    name = kind.lower() if isinstance(kind, str) else ""
    if name not in STANDARD_LOADS:
        problems.add("kind", repr(kind), ", ".join(STANDARD_LOADS), "choose one of these")
    number = isinstance(annual_mwh, (int, float)) and not isinstance(annual_mwh, bool)
    if not number or not (math.isfinite(annual_mwh) and annual_mwh >= 0.0):
        problems.add("annual_mwh", annual_mwh, "a finite number of MWh, 0 or more", "give the energy of a year")
    if not isinstance(year, int) or not 1980 <= year <= 2100:
        problems.add("year", year, "a year 1980..2100", "give a calendar year")
    if dt_h not in _STEPS_H:
        problems.add("dt_h", dt_h, "0.25 or 1.0 h", "choose one of these")
    days = list(holidays)
    if not all(isinstance(day, date) for day in days):
        problems.add("holidays", days, "dates", "give datetime.date values")
    problems.raise_if_any()
    shape = _on_standard_time(_clock_profile(name, year, days), year)
    if dt_h != _STEPS_H[0]:
        shape = shape.reshape(-1, 4).mean(axis=1)
    if not (np.isfinite(shape).all() and (shape >= 0.0).all() and shape.sum() > 0.0):
        got = f"a profile of {name} that does not cover {year}"
        raise InvalidInputError(Problem("kind", got, "another kind or year", "report this with its input"))
    values = shape * (annual_mwh / (shape.sum() * dt_h))
    values.setflags(write=False)
    start = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assumptions = {
        "profile": f"BDEW {name.upper()}: {STANDARD_LOADS[name]}",
        "clock": f"rows in standard time (UTC+1), habits on the clock of {_ZONE}",
        "holidays": f"{len(days)} days as Sundays" if days else "none",
        "coincidence": "the mean of many customers: a single one is far less smooth",
    }
    return StandardLoad(values, name, float(annual_mwh), start, float(dt_h), assumptions)


def _clock_profile(name: str, year: int, days: list[date]) -> pd.Series[float]:
    """Return the profile by the clock on the wall, every day with 96 quarter hours."""
    import pandas as pd

    moments = [datetime(day.year, day.month, day.day) for day in days]
    steps = (366 if calendar.isleap(year) else 365) * 96
    # demandlib sets the warnings of the whole process to errors; this keeps that inside.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from demandlib import bdew
        except ImportError:
            raise MissingExtraError("demandlib", "bdew", "a standard load profile") from None
        if name.endswith("25"):
            index = pd.date_range(f"{year}-01-01", periods=steps, freq="15min")
            series = getattr(bdew, name.upper())(index, holidays=moments or None)
            return pd.Series(np.asarray(series, dtype=np.float64), index=index)
        table = bdew.ElecSlp(year, holidays=moments or None).get_scaled_power_profiles({name: 1.0})
        return pd.Series(table[name].to_numpy(dtype="float64"), index=table.index)


def _on_standard_time(by_clock: pd.Series[float], year: int) -> NDArray[np.float64]:
    """Look up every quarter hour of standard time under what the clock shows then."""
    import pandas as pd

    rows = pd.date_range(f"{year}-01-01", periods=len(by_clock), freq="15min", tz="Etc/GMT-1")
    shown = rows.tz_convert(_ZONE).tz_localize(None)
    return np.array(by_clock.reindex(shown), dtype=np.float64)
