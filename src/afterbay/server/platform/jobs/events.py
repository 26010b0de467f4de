"""Changes of jobs as a stream that goes on where a reader was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.db import session_scope
from afterbay.server.platform.jobs.schemas import JobOut
from afterbay.server.platform.jobs.service import changed_since, open_jobs
from afterbay.server.rest.events import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.feed import JobFeed
    from afterbay.server.platform.jobs.view import JobView
    from afterbay.server.principal import Principal

__all__ = ["KIND", "job_events"]

KIND: Final = "job"
_OVERLAP: Final = timedelta(seconds=10)
"""A change may commit so much later than it was made; what a reader saw already is left out."""
_QUIET_S: Final = 15.0
_MOST: Final = 500


async def job_events(
    feed: JobFeed, sessions: sessionmaker[Session], principal: Principal, last_id: str | None
) -> AsyncIterator[Event]:
    """Give the jobs that a principal may see whenever they change, each as it is then.

    A new reader first gets the jobs that are not over. One that comes back gets what changed since, and may get again
    what changed in the seconds before: jobs carry a version. Steps that follow one another fast may be left out, the
    last one never is.

    Args:
        feed: Wakes us.
        sessions: For short questions.
        principal: Who asks.
        last_id: Id of the last event that was seen, or None.

    Raises:
        InvalidInputError: If the id is none of this stream.
    """
    seen: dict[UUID, int] = {}
    since = _read(last_id)

    def first() -> list[tuple[datetime, JobView]]:
        with session_scope(sessions) as session:
            return open_jobs(session, principal, limit=_MOST)

    def more(moment: datetime) -> list[tuple[datetime, JobView]]:
        with session_scope(sessions) as session:
            return changed_since(session, principal, moment, limit=_MOST)

    def concerns(news: Mapping[str, Any]) -> bool:
        return principal.is_admin or news["owner"] == str(principal.id)

    with feed.waiter(concerns) as waiter:
        if since is None:
            since = datetime.now(UTC)
            found = await to_thread.run_sync(first)
        else:
            found = await to_thread.run_sync(more, since - _OVERLAP)
        while True:
            for changed_at, job in found:
                if seen.get(job.id) != job.version:
                    seen[job.id] = job.version
                    since = max(since, changed_at)
                    yield Event(_written(changed_at), JobOut.model_validate(job), KIND)
            if len(found) < _MOST:
                await waiter.wait(_QUIET_S)
            found = await to_thread.run_sync(more, found[-1][0] if len(found) == _MOST else since - _OVERLAP)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _read(last_id: str | None) -> datetime | None:
    if last_id is None:
        return None
    try:
        # A moment without a zone cannot be compared with one that has it.
        return max(datetime.fromisoformat(last_id), datetime(2020, 1, 1, tzinfo=UTC))
    except (ValueError, TypeError):
        raise InvalidInputError(
            Problem("Last-Event-ID", repr(last_id[:100]), "the id of an event of this stream", "leave it out to begin")
        ) from None
