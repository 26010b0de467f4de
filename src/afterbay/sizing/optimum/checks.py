"""Checks of arguments that are no field of a record: numbers and series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from afterbay.core.errors import Problems

__all__ = ["is_number", "series_of"]


def is_number(value: object) -> bool:
    """Is this a finite number, and not True or False?"""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)


def series_of(problems: Problems, name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a series of finite numbers >= 0, shape (n,), and note what is wrong with it."""
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        problems.add(name, type(values).__name__, "one number per step", "pass a list or an array")
        return np.zeros(0)
    wrong = np.argwhere(~(np.isfinite(series) & (series >= 0.0)))
    if series.ndim != 1 or series.size == 0:
        problems.add(name, f"shape {series.shape}", "one number per step", "pass a list or an array")
    elif wrong.size:
        step = int(wrong[0, 0])
        problems.add(name, f"{series[step]:g} at step {step}", "finite numbers >= 0", "fill or drop these steps")
    return series
