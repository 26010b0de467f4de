"""Times as the user of `afterbay cycle` gives them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.cycle.runner_service import CycleService

__all__ = ["past_range", "quarter_or_now", "read_since"]

_SPAN = re.compile(r"(\d{1,4})\s*([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def quarter_or_now(text: str | None, service: CycleService) -> datetime:
    """Return a quarter hour that has begun; without a text, the one that is going on.

    Raises:
        InvalidInputError: If it is no quarter hour, or lies ahead.
    """
    now = service.clocks.now()
    if text is None:
        return quarter_of(now)
    moment = _read(text, "--at")
    if moment != quarter_of(moment):
        raise InvalidInputError(
            Problem("--at", text, "minutes 00, 15, 30 or 45", f"such as {quarter_of(moment):%Y-%m-%dT%H:%M}")
        )
    if moment > now:
        raise InvalidInputError(
            Problem("--at", text, f"at most {quarter_of(now):%Y-%m-%dT%H:%M} UTC", "a quarter hour that has begun")
        )
    return moment


def past_range(start: str, end: str, service: CycleService) -> tuple[datetime, datetime]:
    """Return two times with at least one quarter hour between them that has begun.

    Raises:
        InvalidInputError: If there is none.
    """
    first, last = quarter_of(_read(start, "--from")), _read(end, "--to")
    newest = quarter_of(service.clocks.now()) + STEP
    if last > newest:
        raise InvalidInputError(
            Problem("--to", end, f"at most {newest:%Y-%m-%dT%H:%M} UTC", "what lies ahead is run when it is there")
        )
    if quarter_of(last) <= first:
        raise InvalidInputError(Problem("--to", end, f"after {first:%Y-%m-%dT%H:%M}", "give a later time"))
    return first, last


def read_since(text: str, now: datetime) -> datetime:
    """Return the moment that `12h`, `7d` or a time means.

    Raises:
        InvalidInputError: If it is none of these.
    """
    span = _SPAN.fullmatch(text.strip())
    return now - int(span[1]) * _UNITS[span[2]] if span else _read(text, "--since")


def _read(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        allowed = "a time such as 2024-09-11T14:15 (UTC), or 2024-09-11T16:15+02:00"
        more = ", 12h or 7d" if where == "--since" else ""
        raise InvalidInputError(Problem(where, text, allowed + more, "mend it")) from None
