"""Rows of the results file as text: whole micro-units written with six decimals, exact by nature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Indices, njit

__all__ = ["write_rows"]

_COMMA = 44
_MINUS = 45
_POINT = 46
_ZERO = 48
_LINE_END = 10
_DECIMALS = 6


@njit
def _write_number(value: int, text: NDArray[np.uint8], place: int) -> int:
    if value < 0:
        text[place] = _MINUS
        place += 1
        value = -value
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    digits = max(digits, _DECIMALS + 1)
    end = place + digits + 1
    spot = end - 1
    for index in range(digits):
        if index == _DECIMALS:
            text[spot] = _POINT
            spot -= 1
        text[spot] = _ZERO + value % 10
        value //= 10
        spot -= 1
    return end


@njit
def write_rows(
    ids: NDArray[np.uint8], stamp: NDArray[np.uint8], micro: Indices, text: NDArray[np.uint8], place: int
) -> int:
    """Write one line per row to `text` from `place` on; return the place after the last one.

    `ids` has shape (n, 36), `stamp` (19,), `micro` (n, 8); `text` must hold 36 + 19 + 23 x 8 + 10 bytes per row.
    """
    for row in range(ids.shape[0]):
        for letter in range(ids.shape[1]):
            text[place] = ids[row, letter]
            place += 1
        text[place] = _COMMA
        place += 1
        for letter in range(stamp.shape[0]):
            text[place] = stamp[letter]
            place += 1
        for column in range(micro.shape[1]):
            text[place] = _COMMA
            place = _write_number(micro[row, column], text, place + 1)
        text[place] = _LINE_END
        place += 1
    return place
