"""Forgets what is over: sessions, links, counts of failures. For a schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from afterbay.server.platform.identity.repository import DelayRepository, LinkRepository, SessionRepository

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = ["forget_what_is_over"]

# Long enough that a second use of a stolen refresh token is still noticed and recorded.
_KEPT: Final = timedelta(days=30)


def forget_what_is_over(session: Session, now: datetime) -> int:
    """Delete what ended 30 days ago and nobody asks for any more; the trail keeps that it was. Return how many."""
    before = now - _KEPT
    return (
        SessionRepository(session).forget(before)
        + LinkRepository(session).forget(before)
        + DelayRepository(session).forget(before)
    )
