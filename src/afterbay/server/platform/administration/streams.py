"""Everything that a user follows as one stream: jobs and messages, taken up again where the reader was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.db import session_scope
from afterbay.server.platform.jobs.events import job_events
from afterbay.server.platform.notifications.schemas import NotificationOut
from afterbay.server.platform.notifications.service import messages_since
from afterbay.server.rest.events import Event, poll_events

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.feed import JobFeed
    from afterbay.server.principal import Principal

__all__ = ["TOPICS", "all_events", "check_place", "message_events", "read_topics"]

TOPICS: Final = ("jobs", "notifications")
_EVERY_S: Final = 1.0
_OVERLAP: Final = timedelta(seconds=10)
"""A message bears the moment at which its transaction began; one that ended late stands among those already told."""


def message_events(sessions: sessionmaker[Session], principal: Principal, last_id: str | None) -> AsyncIterator[Event]:
    """Give the messages to a user from now on, or from the last one that was seen.

    Raises:
        InvalidInputError: If the id is none of this stream.
    """
    began = _moment(last_id)
    told: dict[UUID, datetime] = {}

    def ask(seen: str | None) -> Sequence[Event]:
        place = began if seen is None else _moment(seen)
        with session_scope(sessions) as session:
            found = messages_since(session, principal.id, max(place - _OVERLAP, began), limit=1_000)
        fresh = [one for one in found if one.id not in told]
        for known in [known for known, moment in told.items() if moment < place - 2 * _OVERLAP]:
            del told[known]
        events = []
        for one in fresh:
            told[one.id] = one.created_at
            place = max(place, one.created_at)  # the place of a late one is where the reader was already
            events.append(Event(place.astimezone(UTC).isoformat(), NotificationOut.model_validate(one), "notification"))
        return events

    return poll_events(ask, last_id, every_s=_EVERY_S)


async def all_events(
    feed: JobFeed,
    sessions: sessionmaker[Session],
    principal: Principal,
    topics: Sequence[str],
    last_id: str | None,
) -> AsyncIterator[Event]:
    """Give what happens under some topics as one stream; its ids hold the place in each of them.

    Args:
        feed: Wakes the stream of jobs.
        sessions: For short questions.
        principal: Who asks.
        topics: Some of `TOPICS`.
        last_id: Id of the last event that was seen, or None.

    Raises:
        InvalidInputError: If the id is none of this stream.
    """
    places = _places(last_id)
    # A topic that was silent has a place too: who comes back with an id misses nothing of it.
    reached = {topic: datetime.now(UTC).isoformat() for topic in topics} | places
    sources = {
        topic: job_events(feed, sessions, principal, places.get(topic))
        if topic == "jobs"
        else message_events(sessions, principal, places.get(topic))
        for topic in topics
    }
    upcoming = {topic: asyncio.ensure_future(anext(source)) for topic, source in sources.items()}
    try:
        while upcoming:
            await asyncio.wait(upcoming.values(), return_when=asyncio.FIRST_COMPLETED)
            for topic, coming in list(upcoming.items()):
                if not coming.done():
                    continue
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    del upcoming[topic]
                    continue
                upcoming[topic] = asyncio.ensure_future(anext(sources[topic]))
                reached[topic] = event.id
                shown = ";".join(f"{name}={place}" for name, place in sorted(reached.items()))
                yield Event(shown, event.data, event.kind)
    finally:
        for coming in upcoming.values():
            coming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await coming
        for source in sources.values():
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()


def _places(last_id: str | None) -> dict[str, str]:
    if last_id is None:
        return {}
    places = {}
    for part in last_id.split(";"):
        topic, equals, place = part.partition("=")
        if topic not in TOPICS or not equals:
            raise _unknown(last_id)
        places[topic] = place
    return places


def read_topics(text: str) -> list[str]:
    """Return the topics that a request names.

    Raises:
        InvalidInputError: For one that there is not, or none at all.
    """
    found = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    unknown = [word for word in found if word not in TOPICS]
    if unknown or not found:
        raise InvalidInputError(Problem("/topics", ", ".join(unknown) or "nothing", ", ".join(TOPICS)))
    return found


def check_place(last_id: str | None) -> str | None:
    """Return the id of an event of this stream, before its answer begins.

    Raises:
        InvalidInputError: If it is none.
    """
    for place in _places(last_id).values():
        _moment(place)
    return last_id


def _moment(last_id: str | None) -> datetime:
    if last_id is None:
        return datetime.now(UTC)
    try:
        # A moment without a zone cannot be compared with one that has it.
        return max(datetime.fromisoformat(last_id), datetime(2020, 1, 1, tzinfo=UTC))
    except (ValueError, TypeError):
        raise _unknown(last_id) from None


def _unknown(last_id: str) -> InvalidInputError:
    problem = Problem(
        "Last-Event-ID", repr(last_id[:100]), "the id of an event of this stream", "leave it out to begin"
    )
    return InvalidInputError(problem)
