"""Moments on the wire: microseconds since 1970 in our fields, RFC 3339 text in those of the original."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from afterbay.core.errors import InvalidInputError, Problem

__all__ = ["LATEST_US", "from_micros", "from_text", "to_micros", "to_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)

LATEST_US = 253_402_300_800_000_000
"""First microsecond of the year 10000, which Python cannot say any more."""


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970; exact, which a float of seconds is not."""
    return (moment - _EPOCH) // _MICRO


def from_micros(micros: int) -> datetime:
    """Return the moment in UTC.

    Raises:
        InvalidInputError: Before 1970 or after 9999.
    """
    if not 0 <= micros < LATEST_US:
        raise InvalidInputError(Problem("timestamp_us", str(micros), "microseconds since 1970, before the year 10000"))
    return _EPOCH + timedelta(microseconds=micros)


def to_text(moment: datetime) -> str:
    """Return RFC 3339 with milliseconds and Z, as the original writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str, where: str = "timestamp") -> datetime:
    """Return the moment in UTC; text without an offset is UTC.

    Raises:
        InvalidInputError: It is no RFC 3339 moment.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError(Problem(where, text[:40], "a moment such as 2026-11-21T08:00:00.000Z")) from None
