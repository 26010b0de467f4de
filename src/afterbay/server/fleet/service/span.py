"""A part of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the past: newest first, from `since` up to `until`, at most `limit`."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
