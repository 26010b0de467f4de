"""Fill the gaps of a series by a rule that the user chose, and say what was filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from afterbay.core.errors import MissingExtraError, Problem, ProfileError
from afterbay.core.timeline import steps_per_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from afterbay.core.compiled import Floats

__all__ = ["FILL_RULES", "FillRule", "fill_gaps"]

FillRule = Literal["reject", "linear", "pchip", "akima", "spline", "hold", "previous_day", "previous_week", "zero"]
FILL_RULES: tuple[FillRule, ...] = get_args(FillRule)
_CURVES = ("pchip", "akima", "spline")
_DAYS_BACK = {"previous_day": 1, "previous_week": 7}


def fill_gaps(
    values: Floats, rule: FillRule, *, dt_h: float, longest_h: float, where: str
) -> tuple[Floats, tuple[str, ...]]:
    """Fill the steps without a value.

    Args:
        values: A series with NaN where a value is missing, shape (n,).
        rule: `linear`, `pchip`, `akima` and `spline` (cubic) join the values on both sides; `hold`
            keeps the last one; `previous_day` and `previous_week` take the same time of an earlier day;
            `zero` takes none; `reject` fills nothing.
        dt_h: Step [h].
        longest_h: Longest gap that may be filled [h].
        where: What to call the series in an error.

    Returns:
        The series without gaps, and one sentence for each thing that was done.

    Raises:
        ProfileError: If a gap is left: too long, at an end that the rule cannot reach, or `reject`.
        MissingExtraError: If a curve is asked for and scipy is not installed.
    """
    empty = np.isnan(values)
    if not empty.any():
        return values, ()
    begins, ends = _runs(empty)
    lengths = ends - begins
    what = f"{len(begins)} gaps, {int(empty.sum())} steps, the longest {lengths.max() * dt_h:g} h"
    if rule == "reject":
        move = "choose a fill rule: " + ", ".join(FILL_RULES[1:])
        raise ProfileError(Problem(f"{where}, gaps", what, "a value in every step", move))
    if lengths.max() * dt_h > longest_h + 1e-9:
        move = "mend the file, or allow longer gaps with longest_fill_h"
        raise ProfileError(Problem(f"{where}, gaps", what, f"gaps of at most {longest_h:g} h", move))
    filled = values.copy()
    if rule == "zero":
        filled[empty] = 0.0
    elif rule in _DAYS_BACK or rule == "hold":
        back = 1 if rule == "hold" else _DAYS_BACK[rule] * steps_per_day(dt_h)
        for step in np.flatnonzero(empty):
            filled[step] = filled[step - back] if step >= back else np.nan
    elif empty[0] or empty[-1]:
        filled[0] = np.nan if empty[0] else filled[0]
    elif rule == "linear":
        at = np.arange(len(values), dtype=np.float64)
        filled[empty] = np.interp(at[empty], at[~empty], values[~empty])
    else:
        filled[empty] = _curve(values, empty, rule)
    if np.isnan(filled).any():
        got = f"{what}; one of them is at an end of the series"
        raise ProfileError(Problem(f"{where}, gaps", got, f"gaps that {rule} can reach", "choose another fill rule"))
    said = [f"{int(empty.sum())} steps in {len(begins)} gaps filled by the rule {rule}"]
    below = empty & (filled < 0.0)
    if below.any() and not (values[~empty] < 0.0).any():
        filled[below] = 0.0
        said.append(f"{int(below.sum())} filled steps were below zero and set to zero")
    return filled, tuple(said)


def _runs(empty: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False]))))
    return edges[::2], edges[1::2]


def _curve(values: Floats, empty: NDArray[np.bool_], rule: str) -> Floats:
    try:
        from scipy.interpolate import (  # type: ignore[import-untyped, unused-ignore]
            Akima1DInterpolator,
            CubicSpline,
            PchipInterpolator,
        )
    except ImportError:
        raise MissingExtraError("scipy", "solar", f"the fill rule {rule}") from None
    at = np.arange(len(values), dtype=np.float64)
    known, there = at[~empty], values[~empty]
    if len(known) < 2:
        return np.full(int(empty.sum()), np.nan)
    makers = {"pchip": PchipInterpolator, "akima": Akima1DInterpolator, "spline": CubicSpline}
    return np.asarray(makers[rule](known, there)(at[empty]), dtype=np.float64)
