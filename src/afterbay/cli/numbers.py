"""Numbers as people read them: units, thousands, and never 100.0 % for 99.96 %."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

__all__ = ["energy", "hours", "millions", "money", "percent", "plain", "power", "signed"]

_MOST_DIGITS = 6


def percent(value: float, *targets: float) -> str:
    """Write a share with one decimal, and with more where rounding would show 0, 100 or a target falsely."""
    for digits in range(1, _MOST_DIGITS):
        shown = round(value, digits)
        if not any(shown == target and abs(value - target) > 1e-9 for target in (0.0, 100.0, *targets)):
            break
    return f"{value:,.{digits}f} %".replace("-", "−")


def power(mw: float) -> str:
    """Write a power with one decimal: `12.5 MW`."""
    return f"{plain(mw, 1)} MW"


def energy(mwh: float) -> str:
    """Write an energy: one decimal below 1,000 MWh, none above."""
    return f"{plain(mwh, 0 if abs(mwh) >= 1000.0 else 1)} MWh"


def hours(value: float) -> str:
    """Write hours as a whole number, or with decimals when they are no whole hours."""
    whole = abs(value - round(value)) < 1e-9
    return f"{plain(value, 0 if whole else 2)} h"


def millions(usd: float) -> str:
    """Write money with three significant digits: `$46.9 M`."""
    sign = "−" if usd < 0.0 else ""
    amount = abs(usd) / 1e6
    digits = 0 if amount >= 100.0 else 1 if amount >= 10.0 else 2
    # A half goes up, as people round money.
    shown = Decimal(repr(amount)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{sign}${shown:,} M"


def money(usd: float) -> str:
    """Write money in full: `$46,875,000`."""
    return f"{'−' if usd < 0.0 else ''}${abs(usd):,.0f}"


def plain(value: float, digits: int) -> str:
    """Write a number with thousands separators and a real minus sign; a zero has no sign."""
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def signed(text: str) -> str:
    """Put a plus before a difference that has no sign."""
    return text if text.startswith("−") or not any(digit in text for digit in "123456789") else f"+{text}"
