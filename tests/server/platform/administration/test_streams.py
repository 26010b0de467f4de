"""Jobs and messages come as one stream that goes on where its reader was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import InvalidInputError
from afterbay.server.platform.administration.streams import all_events, check_place, read_topics
from afterbay.server.platform.jobs.feed import JobFeed
from afterbay.server.platform.jobs.service import enqueue
from afterbay.server.platform.notifications.service import notify
from afterbay.server.principal import SYSTEM, Principal
from afterbay.server.rest.events import Event

ANNA = Principal(UUID(int=1), "anna@example.org", is_admin=False, permissions={"bess-sizing": frozenset({"create"})})
BERT = Principal(UUID(int=2), "bert@example.org")


def _tell(sessions: sessionmaker[Session], who: Principal, title: str) -> None:
    with sessions.begin() as session:
        notify(session, SYSTEM, who.id, "quota.near", title, deliver=lambda *_: None)


def _start_job(sessions: sessionmaker[Session], number: int) -> None:
    with sessions.begin() as session:
        enqueue(session, ANNA, task="test", args={}, module="bess-sizing", resource_id=UUID(int=number))


async def _take(source: AsyncIterator[Event], count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.append(await anext(source))
    return found


def _follow(
    sessions: sessionmaker[Session], topics: list[str], last_id: str | None, count: int, happen: object = None
) -> list[Event]:
    async def run() -> list[Event]:
        feed = JobFeed(sessions.kw["bind"].url)
        feed.start()
        source = all_events(feed, sessions, ANNA, topics, last_id)
        try:
            waiting = asyncio.ensure_future(_take(source, count))
            await asyncio.sleep(0.3)
            if callable(happen):
                await asyncio.to_thread(happen)
            return await waiting
        finally:
            await source.aclose()  # type: ignore[attr-defined]
            feed.stop()

    return asyncio.run(run())


def test_what_happens_comes_to_whom_it_concerns(sessions: sessionmaker[Session]) -> None:
    def happen() -> None:
        _tell(sessions, BERT, "not for Anna")
        _tell(sessions, ANNA, "for Anna")
        _start_job(sessions, 7)

    found = _follow(sessions, ["jobs", "notifications"], None, 2, happen)

    assert sorted(event.kind for event in found) == ["job", "notification"]
    (message,) = (event.data for event in found if event.kind == "notification")
    assert message.title == "for Anna"


def test_a_reader_that_comes_back_gets_what_it_missed_and_no_message_twice(sessions: sessionmaker[Session]) -> None:
    (first,) = _follow(sessions, ["notifications"], None, 1, lambda: _tell(sessions, ANNA, "one"))
    _tell(sessions, ANNA, "two")
    _tell(sessions, ANNA, "three")

    missed = _follow(sessions, ["notifications"], first.id, 2)

    assert [event.data.title for event in missed] == ["two", "three"]


def test_a_job_that_changed_meanwhile_is_told_again(sessions: sessionmaker[Session]) -> None:
    (first,) = _follow(sessions, ["jobs"], None, 1, lambda: _start_job(sessions, 7))
    _start_job(sessions, 8)

    later = _follow(sessions, ["jobs"], first.id, 2)

    assert {event.data.resource_id for event in later} == {UUID(int=7), UUID(int=8)}


@pytest.mark.parametrize("place", ["x", "jobs", "jobs=x", "weather=2026-01-01T00:00:00Z", "jobs=2026-01-01"])
def test_a_place_that_is_none_is_refused_before_the_stream_begins(place: str) -> None:
    with pytest.raises(InvalidInputError, match="Last-Event-ID"):
        check_place(place)


@pytest.mark.parametrize("topics", ["", ",", "weather", "jobs,weather"])
def test_an_unknown_topic_is_refused_with_those_there_are(topics: str) -> None:
    with pytest.raises(InvalidInputError, match="jobs, notifications"):
        read_topics(topics)


def test_a_topic_named_twice_is_one() -> None:
    assert read_topics(" jobs, jobs,notifications ") == ["jobs", "notifications"]


def test_a_topic_that_was_silent_is_not_forgotten_by_who_comes_back(sessions: sessionmaker[Session]) -> None:
    topics = ["jobs", "notifications"]
    (first,) = _follow(sessions, topics, None, 1, lambda: _start_job(sessions, 7))
    _tell(sessions, ANNA, "while nobody looked")

    found = _follow(sessions, topics, first.id, 2)

    assert first.kind == "job"
    assert "while nobody looked" in [event.data.title for event in found if event.kind == "notification"]


def test_a_message_whose_transaction_ends_late_is_told_too_and_nothing_twice(sessions: sessionmaker[Session]) -> None:
    late = sessions()
    notify(late, SYSTEM, ANNA.id, "quota.near", "late", deliver=lambda *_: None)

    async def run() -> list[str]:
        source = all_events(JobFeed(sessions.kw["bind"].url), sessions, ANNA, ["notifications"], before)
        try:
            first = await _take(source, 1)
            await asyncio.to_thread(late.commit)
            _tell(sessions, ANNA, "last")
            return [event.data.title for event in [*first, *await _take(source, 2)]]
        finally:
            await source.aclose()  # type: ignore[attr-defined]

    before = f"notifications={(datetime.now(UTC) - timedelta(seconds=5)).isoformat()}"
    _tell(sessions, ANNA, "early")
    titles = asyncio.run(run())
    late.close()
    assert sorted(titles) == ["early", "last", "late"]
