"""A solar array: from a weather factor to AC power, clipped at the inverter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core import kernels
from afterbay.core.checks import check_sizes, read_series
from afterbay.core.errors import Problems

__all__ = ["PvArray", "pv_power"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PvArray:
    """A solar array at any scale.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    dc_rating: float
    """Nameplate of the modules [P]."""
    ac_rating: float
    """Largest output of the inverter [P]."""

    def __post_init__(self) -> None:
        problems = Problems()
        check_sizes(self, ("dc_rating", "ac_rating"), problems)
        problems.raise_if_any()


def pv_power(array: PvArray, weather: ArrayLike) -> NDArray[np.float64]:
    """Return the AC power of each step [P], shape (n,).

    Args:
        array: The array.
        weather: Power of the modules as a share of their nameplate, shape (n,); below 0 counts as 0.

    Raises:
        OutOfRangeError: If a factor is no finite number.
    """
    factor = read_series("weather", weather, move="fill or drop these steps first")
    power = np.empty_like(factor)
    kernels.run_pv(factor, array.dc_rating, array.ac_rating, power)
    return power
