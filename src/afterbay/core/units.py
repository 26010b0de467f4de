"""The only unit conversions of afterbay. Everything else carries its unit in its name."""

from __future__ import annotations

import math
from decimal import Decimal

from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problem

__all__ = [
    "fraction_to_percent",
    "kw_to_mw",
    "mw_to_kw",
    "one_way_efficiency",
    "percent_to_fraction",
    "round_trip_efficiency",
]


def percent_to_fraction(percent: float) -> float:
    """Turn percent [%] into a fraction [-] by moving the decimal point: 87.0 becomes 0.87.

    The decimal digits of the number are moved, not divided, so that the way back is exact.
    """
    return _shift(percent, -2)


def fraction_to_percent(fraction: float) -> float:
    """Turn a fraction [-] into percent [%] by moving the decimal point: 0.07 becomes 7.0.

    Multiplying by 100 would give 7.000000000000001; stored files and results compare to the bit.
    """
    return _shift(fraction, 2)


def one_way_efficiency(round_trip: float) -> float:
    """Split a round-trip efficiency [-] evenly over charge and discharge: 0.87 gives 0.9327 [-].

    Raises:
        OutOfRangeError: If `round_trip` is not in (0, 1].
    """
    if not (is_number(round_trip) and 0.0 < round_trip <= 1.0):
        raise OutOfRangeError(
            Problem("round_trip", repr(round_trip), "0 < efficiency <= 1", "give a fraction such as 0.87")
        )
    return math.sqrt(round_trip)


def round_trip_efficiency(one_way: float) -> float:
    """Return the round-trip efficiency [-] of the same one-way efficiency both ways [-]."""
    return one_way * one_way


def kw_to_mw(kw: float) -> float:
    """Turn kilowatts into megawatts (and kWh into MWh)."""
    return kw / 1000.0


def mw_to_kw(mw: float) -> float:
    """Turn megawatts into kilowatts (and MWh into kWh)."""
    return mw * 1000.0


def _shift(number: float, places: int) -> float:
    if not math.isfinite(number):
        return float(number)
    return float(Decimal(repr(float(number))).scaleb(places))
