"""Round amounts of money so that what balanced still balances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.core.compiled import Floats

__all__ = ["WholeUnits", "largest_remainder", "round_balanced"]

WholeUnits = NDArray[np.int64]
"""Amounts in whole units of the smallest coin."""


def largest_remainder(units: Floats, total: int, names: Sequence[str]) -> WholeUnits:
    """Round to whole units that add up to `total`.

    Everyone is rounded down first; the units that are then missing go to the largest remainders, among equal ones by
    name, so that the order of the rows does not matter.

    Args:
        units: Amounts in units of the smallest coin, shape (n,).
        total: What the rounded amounts add up to; the sum of the amounts, rounded somehow.
        names: Name of each amount, shape (n,).
    """
    down = np.floor(units)
    missing = total - int(down.sum())
    rounded = down.astype(np.int64)
    if rounded.size == 0:
        return rounded
    # Remainders are compared to a thousandth of a unit: noise of the last bits must not decide.
    remainder = np.round(units - down, 3)
    order = np.array(sorted(range(len(names)), key=lambda place: (-remainder[place], names[place])), dtype=np.int64)
    each, rest = divmod(missing, rounded.size)
    rounded += each
    rounded[order[:rest]] += 1
    return rounded


def round_balanced(amounts: Floats, names: Sequence[str], decimals: int = 2) -> WholeUnits:
    """Round amounts that add up to zero to whole units of 10^-decimals that do so exactly.

    Args:
        amounts: Money, + received, adding up to zero but for the last bits, shape (n,).
        names: Name of each account, shape (n,).
        decimals: Decimals of the currency.
    """
    return largest_remainder(amounts * 10.0**decimals, 0, names)
