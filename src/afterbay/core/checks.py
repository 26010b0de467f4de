"""Checks that every record of the core needs: what a number is, and what a series of numbers is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import OutOfRangeError, Problem, Problems

__all__ = ["check_sizes", "is_number", "read_series", "require_step"]


def is_number(value: object) -> bool:
    """Is this a finite real number that a kernel can use? True and text are none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return False
    try:
        return math.isfinite(value)
    except (OverflowError, TypeError):  # a whole number beyond all floats, or a complex one
        return False


def check_sizes(record: object, names: tuple[str, ...], problems: Problems) -> None:
    """Note every named field that is not a finite number >= 0."""
    for name in names:
        value = getattr(record, name)
        if not (is_number(value) and value >= 0.0):
            problems.add(name, value, "a finite number >= 0", "give it as a positive number")


def require_step(dt_h: object) -> None:
    """Refuse a step that is not a finite number above 0 [h].

    Raises:
        OutOfRangeError: If it is not.
    """
    if not (is_number(dt_h) and dt_h > 0.0):  # type: ignore[operator]
        raise OutOfRangeError(Problem("dt_h", repr(dt_h), "a finite number > 0 [h]", "0.25 for 15 min"))


def read_series(name: str, values: ArrayLike, *, least: float = -math.inf, move: str) -> NDArray[np.float64]:
    """Return a series of finite numbers >= `least`, shape (n,), ready for a kernel.

    Raises:
        OutOfRangeError: If it is not one, naming the first step that is wrong.
    """
    allowed = "one finite number per step" if least == -math.inf else f"one finite number >= {least:g} per step"
    try:
        series = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise OutOfRangeError(Problem(name, repr(values)[:60], allowed, move)) from None
    if series.ndim != 1:
        raise OutOfRangeError(Problem(name, f"shape {series.shape}", allowed, move))
    wrong = np.flatnonzero(~(np.isfinite(series) & (series >= least)))
    if wrong.size:
        raise OutOfRangeError(Problem(name, f"{series[wrong[0]]} at step {wrong[0]}", allowed, move))
    return series
