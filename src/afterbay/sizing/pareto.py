"""The shape of a trade-off: what nothing beats, where more battery stops paying, how little may do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.goal import FloatArray, Goal, Row, limits_of, read_options

__all__ = [
    "KNEE_HOURS_PER_10_MWH",
    "best_hours_by_size",
    "dominated_mask",
    "find_optimal_size",
    "green_summary",
    "marginal_gains",
    "pareto_front",
]

KNEE_HOURS_PER_10_MWH: Final = 300.0
"""Below this gain per 10 MWh [h] a larger battery is taken not to pay (sizing.md section 10)."""

_BLOCK_ROWS: Final = 512


def dominated_mask(objectives: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell which options are beaten: another is no worse in every objective and better in one.

    Args:
        objectives: One row per option, every column to be made small, shape (n_options, n_objectives).

    Returns:
        True where an option is dominated, shape (n_options,). Equal options do not dominate each other.

    Raises:
        InvalidInputError: If the table is not two-dimensional or holds a value that is not a number.
    """
    table = _finite_table(objectives)
    if len(table) == 0:
        return np.zeros(0, dtype=np.bool_)
    # Sorted lexicographically and without copies, an option can only be beaten by an earlier one,
    # and being no worse in every column already means being better in one.
    distinct, where = np.unique(table, axis=0, return_inverse=True)
    beaten = np.zeros(len(distinct), dtype=np.bool_)
    front = distinct[:0]
    for start in range(0, len(distinct), _BLOCK_ROWS):
        block = distinct[start : start + _BLOCK_ROWS]
        # Whatever beats an option is itself on the front or beaten by it: the front is enough.
        alive = ~_beaten_by(front, block)
        among = block[alive]
        unbeaten = ~_beaten_by(among, among, earlier_only=True)
        alive[alive] = unbeaten
        beaten[start : start + _BLOCK_ROWS] = ~alive
        front = np.concatenate([front, among[unbeaten]])
    return beaten[where.reshape(-1)]


def pareto_front(cost: npt.ArrayLike, value: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return the options that nothing beats on both axes of a picture, cheapest first.

    Args:
        cost: What should be small, shape (n,).
        value: What should be large, shape (n,).

    Returns:
        Indices of the front, by rising cost, shape (n_front,); equal options stand there together.

    Raises:
        InvalidInputError: If the two differ in length or hold a value that is not a number.
    """
    costs, values = (np.asarray(axis, dtype=np.float64) for axis in (cost, value))
    if costs.ndim != 1 or costs.shape != values.shape:
        got = f"shapes {costs.shape} and {values.shape}"
        raise InvalidInputError(Problem("cost, value", got, "two lists of one length", "give one pair a point"))
    table = _finite_table(np.column_stack([costs, values]))
    if len(table) == 0:
        return np.zeros(0, dtype=np.intp)
    order = np.lexsort((-values, costs))
    sorted_costs, sorted_values = costs[order], values[order]
    best_so_far = np.maximum.accumulate(sorted_values)
    is_new_best = np.concatenate([[True], sorted_values[1:] > best_so_far[:-1]])
    cheapest_with_best = np.maximum.accumulate(np.where(is_new_best, np.arange(len(order)), 0))
    on_front = (sorted_values == best_so_far) & (sorted_costs == sorted_costs[cheapest_with_best])
    return np.asarray(order[on_front])


def marginal_gains(hours_by_size: Mapping[float, float]) -> list[dict[str, float]]:
    """Return what each step to the next battery size brings.

    Args:
        hours_by_size: Hours with full delivery [h] by battery size [MWh].

    Returns:
        By rising size, from the second on: `size_mwh`, `total_hours`, and `marginal_hours_per_10mwh`,
        the hours gained on the way from the size before, per 10 MWh.
    """
    return [
        {
            "size_mwh": larger,
            "marginal_hours_per_10mwh": (hours_by_size[larger] - hours_by_size[size]) / (larger - size) * 10.0,
            "total_hours": hours_by_size[larger],
        }
        for size, larger in pairwise(sorted(hours_by_size))
    ]


def best_hours_by_size(capacity_mwh: FloatArray, delivery_hours: FloatArray) -> dict[float, float]:
    """Return the most hours with full delivery [h] that each battery size [MWh] reaches."""
    best: dict[float, float] = {}
    for size, hours in zip(capacity_mwh.tolist(), delivery_hours.tolist(), strict=True):
        best[size] = max(hours, best.get(size, 0.0))
    return best


def find_optimal_size(
    results: Mapping[int, float] | Mapping[float, float] | Iterable[Row],
    *,
    threshold_hours_per_10mwh: float = KNEE_HOURS_PER_10_MWH,
) -> dict[str, Any]:
    """Find where a larger battery stops paying.

    The size returned is the first whose own increment is below the threshold, that is the size just
    **past** the knee, as in the original (BUG-28); `knee_size_mwh` is the last one that still paid.

    Args:
        results: Hours with full delivery [h] by battery size [MWh], or rows as for
            `calculate_recommendations`; of several rows with one size the most hours count.
        threshold_hours_per_10mwh: Gain that a step must bring to pay [h per 10 MWh], > 0.

    Returns:
        `optimal_size_mwh`, `delivery_hours`, `knee_size_mwh` (None if every step pays, or there is
        only one size), `marginal_improvements` (rounded to 0.1 h), and `reason`, a sentence.

    Raises:
        InvalidInputError: If there is no size, or a number is negative or not finite.

    Source: sizing.md section 10, find_optimal; defect 28.
    """
    hours_by_size = _best_hours_by_size(results, threshold_hours_per_10mwh)
    gains = marginal_gains(hours_by_size)
    ordered = sorted(hours_by_size)
    chosen, knee = ordered[-1], None
    pays = f"{threshold_hours_per_10mwh:g} h"
    reason = f"{chosen:g} MWh is the only battery size, so there is no step to compare."
    if gains:
        reason = f"{chosen:g} MWh is the largest size; every step up to it brings at least {pays} per 10 MWh."
    for before, gain in zip(ordered, gains, strict=False):
        if gain["marginal_hours_per_10mwh"] < threshold_hours_per_10mwh:
            chosen, knee = gain["size_mwh"], before
            reason = (
                f"the knee is at {before:g} MWh; the step to {chosen:g} MWh brings "
                f"{gain['marginal_hours_per_10mwh']:.1f} h per 10 MWh, less than the {pays} that pays, "
                f"so {chosen:g} MWh is the first size past it."
            )
            break
    return {
        "optimal_size_mwh": chosen,
        "delivery_hours": hours_by_size[chosen],
        "knee_size_mwh": knee,
        "marginal_improvements": [
            {**gain, "marginal_hours_per_10mwh": round(gain["marginal_hours_per_10mwh"], 1)} for gain in gains
        ],
        "reason": reason,
    }


def green_summary(
    results: Iterable[Row],
    *,
    target_pct: float = 50.0,
    max_wastage_pct: float | None = 20.0,
    measure: str = "pct_green_energy",
) -> dict[str, Any]:
    """Count the options that reach a green-energy target, and how small each part can be among them.

    Args:
        results: Options with their metrics, see `Row`; solar plants in `solar_capacity` [MW].
        target_pct: Least green energy [%].
        max_wastage_pct: Most solar energy curtailed [%]; None is no limit.
        measure: How green energy is counted, one of `GREEN_ENERGY_MEASURES`.

    Returns:
        `config_count`, `viable_count`, `viable` (indices into `results`), and `smallest_each_alone`
        (`solar_mw`, `bess_mwh`, `dg_mw`; None if unknown): three minima, each from whichever option has
        it. Together they are **not one configuration** and usually miss the target; `note` says so.

    Raises:
        InvalidInputError: If the target or a row cannot be used; every problem is named.

    Source: sizing.md section 11.
    """
    goal = Goal(green_energy_target_pct=target_pct, max_wastage_pct=max_wastage_pct, green_energy_measure=measure)
    options = read_options(
        results, needs=("capacity_mwh", "wastage_pct", "green_energy_pct"), green_energy_measure=measure
    )
    viable = np.logical_and.reduce([limit.met for limit in limits_of(goal, options)], axis=0)
    parts = {"solar_mw": options.solar_mw, "bess_mwh": options.capacity_mwh, "dg_mw": options.dg_mw}
    known = {name: sizes[viable & ~np.isnan(sizes)] for name, sizes in parts.items()}
    return {
        "config_count": len(options),
        "viable_count": int(viable.sum()),
        "viable": np.flatnonzero(viable).tolist(),
        "smallest_each_alone": {name: float(sizes.min()) if len(sizes) else None for name, sizes in known.items()},
        "note": "Each size is the smallest of all viable options on its own; they are not one configuration.",
        "green_energy_target_pct": target_pct,
        "green_energy_measure": measure,
        "max_wastage_pct": max_wastage_pct,
    }


def _best_hours_by_size(
    results: Mapping[int, float] | Mapping[float, float] | Iterable[Row], threshold: float
) -> dict[float, float]:
    problems = Problems()
    if not (math.isfinite(threshold) and threshold > 0.0):
        problems.add("threshold_hours_per_10mwh", threshold, "a finite number > 0", "the usual value is 300")
        problems.raise_if_any()
    if isinstance(results, Mapping):
        results = [{"capacity": size, "metrics": {"delivery_hours": hours}} for size, hours in results.items()]
    options = read_options(results, needs=("capacity_mwh", "delivery_hours"))
    return best_hours_by_size(options.capacity_mwh, options.delivery_hours)


def _finite_table(objectives: npt.ArrayLike) -> FloatArray:
    table = np.asarray(objectives, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        got = f"shape {table.shape}" if table.ndim != 2 else "a value that is not finite"
        raise InvalidInputError(Problem("objectives", got, "finite numbers, one row per option"))
    # Adding zero turns -0.0 into 0.0, which `np.unique` and a reader would otherwise tell apart.
    return table + 0.0


def _beaten_by(front: FloatArray, options: FloatArray, *, earlier_only: bool = False) -> npt.NDArray[np.bool_]:
    beats = np.ones((len(front), len(options)), dtype=np.bool_)
    # Both are sorted, the front before the options, so the first column never speaks against it.
    for column in range(1, options.shape[1]):
        beats &= front[:, column, None] <= options[None, :, column]
    if earlier_only:
        beats &= np.arange(len(front))[:, None] < np.arange(len(options))[None, :]
    return np.asarray(beats.any(axis=0))
