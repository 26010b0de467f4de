"""Times and time spans as people give them, and as the wire has them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["read_moment", "read_span", "shown_span", "stamp", "when"]

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|min|m|h|d)", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST_S = 366 * 86_400.0


def read_span(value: str | float | timedelta, where: str = "for") -> float:
    """Return a time span in seconds: `1h`, `1h30m`, `15 min`, `90s`, `2d`, or a number of seconds.

    Raises:
        InvalidInputError: If it is none, not above 0 or longer than a year.
    """
    seconds = _seconds(value)
    if seconds is None or not 0.0 < seconds <= _LONGEST_S:
        got = value if isinstance(value, str) else repr(value)
        raise InvalidInputError(Problem(where, got, "a time span such as 90s, 15min, 1h, 1h30m, 2d", "give one"))
    return seconds


def _seconds(value: Any) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_number(value):
        return float(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return number if math.isfinite(number) else None
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        return None
    return math.fsum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)


def read_moment(text: str, now: datetime, where: str = "from") -> datetime:
    """Return a moment: `now`, a span before now (`6h`), or a time (UTC unless it has a zone).

    Raises:
        InvalidInputError: If it is none of these.
    """
    if text.strip().lower() == "now":
        return now
    ago = None if re.match(r"\s*\d{4}-", text) else _seconds(text)
    try:
        if ago is not None:
            return now - timedelta(seconds=ago)
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        allowed = "a time such as 2026-11-21T08:00 (UTC), 2026-11-21T09:00+01:00, or a span before now such as 6h"
        raise InvalidInputError(Problem(where, text, allowed, "mend it")) from None


def when(value: Any) -> datetime | None:
    """Return a time of the wire in UTC, or None for none and for what cannot be read."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """Return a time for the wire: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown_span(seconds: float) -> str:
    """Return a time span in the two largest units that it has: `1 h 50 min`, `3 min 5 s`, `4 s`."""
    if not math.isfinite(seconds):
        return "never"
    whole = max(round(seconds), 0)
    parts = [(whole // 86_400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"
