"""The numbers behind the pictures, as arrays: what a carpet shows, what a day stacks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.timeline import steps_per_day
from afterbay.sizing import layout as at
from afterbay.sizing.days import count_days, day_steps

if TYPE_CHECKING:
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["DayFlows", "carpet_values", "day_flows", "not_served", "not_served_hours", "to_carpet"]

FloatArray = NDArray[np.float64]

_MET_MW: Final = at.TOLERANCE_MW
"""Less than this unserved counts as served whole, as in the delivery metric (decision 12) [MW]."""


@dataclass(frozen=True, slots=True, eq=False)
class DayFlows:
    """The steps of one or more days; power in MW, shape (n,); energy at the step edges, shape (n + 1,)."""

    edges_h: FloatArray
    """Hours since the first midnight [h], shape (n + 1,)."""
    load: FloatArray
    solar_to_load: FloatArray
    bess_to_load: FloatArray
    dg_to_load: FloatArray
    unserved: FloatArray
    solar_curtailed: FloatArray
    dg_curtailed: FloatArray
    solar_to_bess: FloatArray
    dg_to_bess: FloatArray
    not_served: NDArray[np.bool_]
    """Steps that the hour metric does not forgive, shape (n,)."""
    soc_mwh: FloatArray
    """Energy in the cells [MWh]: before the first step, then at the end of each."""
    dg_mode: NDArray[np.str_]


def not_served(results: HourlyResults) -> NDArray[np.bool_]:
    """Which steps were not served whole, by the tolerance of the delivery metric, shape (n,)."""
    return np.asarray((results.load > 0.0) & (results.unserved >= _MET_MW))


def not_served_hours(results: HourlyResults, steps: slice) -> tuple[float, float]:
    """Return the hours not served whole and the hours with load [h] within some steps."""
    dt_h = results.params.dt_h
    return float(not_served(results)[steps].sum()) * dt_h, float((results.load[steps] > 0.0).sum()) * dt_h


def carpet_values(results: HourlyResults, column: str) -> FloatArray:
    """Return a column of `quantities.CARPETS` per step, shape (n,); NaN where it has no value."""
    if column != "delivery_pct":
        return np.asarray(getattr(results, column), dtype=np.float64)
    load = results.load
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(load > 0.0, 100.0 * (1.0 - results.unserved / load), np.nan)


def to_carpet(results: HourlyResults, values: FloatArray) -> FloatArray:
    """Return a column as a table, shape (steps per day, n_days); NaN after the end of the run."""
    per_day, days = steps_per_day(results.params.dt_h), count_days(results)
    table = np.full(per_day * days, np.nan)
    table[: len(values)] = values
    return table.reshape(days, per_day).T


def day_flows(results: HourlyResults, day: int, days: int = 1) -> DayFlows:
    """Return the flows of `days` days from day `day` (from 1) on.

    Raises:
        OutOfRangeError: If the run does not have these days.
    """
    steps = day_steps(results, day, days)
    params = results.params
    before = results.soc[steps.start - 1] if steps.start else params.bess_capacity * params.bess_initial_soc
    return DayFlows(
        edges_h=np.arange(steps.stop - steps.start + 1) * params.dt_h,
        load=results.load[steps],
        solar_to_load=results.solar_to_load[steps],
        bess_to_load=results.bess_to_load[steps],
        dg_to_load=results.dg_to_load[steps],
        unserved=results.unserved[steps],
        solar_curtailed=results.solar_curtailed[steps],
        dg_curtailed=results.dg_curtailed[steps],
        solar_to_bess=results.solar_to_bess[steps],
        dg_to_bess=results.dg_to_bess[steps],
        not_served=not_served(results)[steps],
        soc_mwh=np.concatenate([[before], results.soc[steps]]),
        dg_mode=results.dg_mode[steps],
    )
