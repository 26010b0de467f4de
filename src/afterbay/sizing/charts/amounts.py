"""Numbers as people read them in a picture: digits by quantity, a no-break space, a real minus."""

from __future__ import annotations

import math

__all__ = ["NBSP", "energy", "hours", "millions_usd", "percent", "power", "size", "with_unit"]

NBSP = "\u00a0"
_MINUS = "\u2212"
_MOST_DIGITS = 6


def with_unit(number: str, unit: str) -> str:
    """Join a number and its unit by a no-break space, with U+2212 for a minus."""
    return number.replace("-", _MINUS) + NBSP + unit


def percent(value: float) -> str:
    """Write percent with one digit, with more where rounding would claim 0 or 100 %: 99.96 stays 99.96."""
    digits = 1
    while digits < _MOST_DIGITS and (
        (value < 100.0 and round(value, digits) >= 100.0) or (value > 0.0 and round(value, digits) <= 0.0)
    ):
        digits += 1
    return with_unit(f"{value:.{digits}f}", "%")


def power(mw: float) -> str:
    """Write a power [MW] with one digit."""
    return with_unit(f"{mw:,.1f}", "MW")


def energy(mwh: float) -> str:
    """Write an energy [MWh]: one digit below 1,000, none above."""
    return with_unit(f"{mwh:,.1f}" if abs(mwh) < 999.95 else f"{mwh:,.0f}", "MWh")


def size(value: float, unit: str) -> str:
    """Write a nameplate size with a digit only where it has one: `150 MWh`, `37.5 MW`."""
    return with_unit(f"{value:,.1f}".removesuffix(".0"), unit)


def hours(value: float) -> str:
    """Write hours [h]: whole as they are, quarter hours with their digits."""
    return with_unit(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0"), "h")


def millions_usd(usd: float) -> str:
    """Write money [USD] in millions with three significant digits: `$48.9 M`."""
    # A half rounds up, as people do: 31.25 is 31.3.
    millions = usd / 1e6 + math.copysign(1e-9, usd) * (usd != 0.0)
    digits = 2 if millions == 0.0 else max(0, 2 - math.floor(math.log10(abs(millions))))
    return with_unit(f"${millions:,.{min(digits, 3)}f}", "M")
