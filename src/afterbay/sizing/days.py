"""Which day to look at: the worst, the best, the typical one. Days count from 1, as the column `day`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import OutOfRangeError, Problem
from afterbay.core.timeline import steps_per_day

if TYPE_CHECKING:
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["best_day", "count_days", "daily_energy_mwh", "day_steps", "typical_day", "worst_day"]

FloatArray = NDArray[np.float64]

_DIGITS: Final = 9
"""Energies are compared at 1e-9 MWh, so that rounding noise never decides which day is named."""

_TYPICAL_FLOWS: Final = (
    "solar_to_load", "solar_to_bess", "solar_curtailed", "bess_to_load", "dg_to_load", "unserved",
)  # fmt: skip


def count_days(results: HourlyResults) -> int:
    """Return how many calendar days a run touches; the last one may be cut short."""
    return -(-len(results) // steps_per_day(results.params.dt_h))


def day_steps(results: HourlyResults, day: int, days: int = 1) -> slice:
    """Return the steps of `days` days from day `day` on, as a slice of the columns.

    Raises:
        OutOfRangeError: If the run does not have these days.
    """
    last = count_days(results)
    if isinstance(day, bool) or not isinstance(day, (int, np.integer)) or not 1 <= day <= last:
        raise OutOfRangeError(
            Problem("day", repr(day), f"a whole number 1..{last}", "count days from 1, as the column day does")
        )
    if isinstance(days, bool) or not isinstance(days, (int, np.integer)) or not 1 <= days <= last - day + 1:
        raise OutOfRangeError(
            Problem(
                "days",
                repr(days),
                f"a whole number 1..{last - day + 1} from day {day} on",
                f"the run ends with day {last}",
            )
        )
    per_day = steps_per_day(results.params.dt_h)
    return slice((int(day) - 1) * per_day, min((int(day) - 1 + int(days)) * per_day, len(results)))


def daily_energy_mwh(results: HourlyResults, column: str) -> FloatArray:
    """Return the energy of a power column per day [MWh], shape (n_days,)."""
    values: FloatArray = getattr(results, column)
    return np.add.reduceat(values, _first_steps(results)) * results.params.dt_h


def worst_day(results: HourlyResults) -> int:
    """Return the day with the most unserved energy, from 1.

    If nothing is unserved, it is the day on which the battery comes lowest. Ties are decided by the most
    generator energy, then by the earlier day. A last day that is cut short counts.
    """
    unserved = _rounded(daily_energy_mwh(results, "unserved"))
    generator = _rounded(daily_energy_mwh(results, "dg_output_mw"))
    if unserved.max() > 0.0:
        return int(np.argmax(unserved)) + 1
    return int(np.lexsort((-generator, _lowest_mwh(results)))[0]) + 1


def best_day(results: HourlyResults) -> int:
    """Return the day with the least unserved energy, from 1.

    Ties are decided by the least generator energy, then by the battery that stays fullest at its lowest,
    then by the earlier day. A last day that is cut short counts only if there is no whole one.
    """
    unserved, generator = (_rounded(daily_energy_mwh(results, column)) for column in ("unserved", "dg_output_mw"))
    whole = _whole_days(results)
    order = np.lexsort((-_lowest_mwh(results)[whole], generator[whole], unserved[whole]))
    return int(order[0]) + 1


def typical_day(results: HourlyResults) -> int:
    """Return the real day whose energies are nearest to those of the mean day, from 1.

    Compared are the daily energies [MWh] of solar to load, to battery and curtailed, battery to load,
    generator to load and unserved (Euclidean distance). The earlier day wins a tie; a last day that is cut
    short counts only if there is no whole one.
    """
    whole = _whole_days(results)
    flows = np.column_stack([daily_energy_mwh(results, column)[whole] for column in _TYPICAL_FLOWS])
    distance = np.linalg.norm(flows - flows.mean(axis=0), axis=1)
    return int(np.argmin(_rounded(distance))) + 1


def _first_steps(results: HourlyResults) -> NDArray[np.intp]:
    return np.arange(0, len(results), steps_per_day(results.params.dt_h), dtype=np.intp)


def _whole_days(results: HourlyResults) -> slice:
    return slice(0, max(len(results) // steps_per_day(results.params.dt_h), 1))


def _lowest_mwh(results: HourlyResults) -> FloatArray:
    return _rounded(np.minimum.reduceat(results.soc, _first_steps(results)))


def _rounded(values: FloatArray) -> FloatArray:
    return np.round(values, _DIGITS)
