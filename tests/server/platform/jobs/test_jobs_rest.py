"""`/api/v1/jobs`: who sees what, waiting for an end, and the stream that goes on where a reader was."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from server_workers import ADMINISTRATOR, ENGINEER, STRANGER, ask_for, wait_until
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import InvalidInputError
from afterbay.server.db import read_url, session_scope
from afterbay.server.errors import add_error_handlers
from afterbay.server.platform.identity.access import _current_user
from afterbay.server.platform.jobs.events import job_events
from afterbay.server.platform.jobs.feed import JobFeed
from afterbay.server.platform.jobs.router import router
from afterbay.server.platform.jobs.service import cancel
from afterbay.server.platform.jobs.service.leases import Leases
from afterbay.server.principal import Principal
from afterbay.server.rest.events import Event

Jobs = sessionmaker[Session]
PEOPLE = {who.email: who for who in (ENGINEER, STRANGER, ADMINISTRATOR)}


@pytest.fixture
def client(jobs: Jobs) -> Iterator[TestClient]:
    app = FastAPI()
    add_error_handlers(app)
    app.include_router(router)
    app.state.sessions = jobs
    app.state.engine = jobs.kw["bind"]

    def signed_in(request: Request) -> Principal:
        return PEOPLE[request.headers["X-Who"]]

    app.dependency_overrides[_current_user] = signed_in
    with TestClient(app, headers={"X-Who": ENGINEER.email}) as made:
        yield made
    feed: JobFeed | None = getattr(app.state, "job_feed", None)
    if feed is not None:
        feed.stop()


def _finish(jobs: Jobs, job_id: UUID) -> None:
    with session_scope(jobs) as session:
        ticket = session.scalars(text("SELECT ticket FROM jobs WHERE id = :id"), {"id": job_id}).one()
    leases = Leases(jobs)
    taken = leases.take(job_id, ticket)
    assert taken is not None
    leases.succeed(taken.lease, {"x": 1})


def test_a_list_has_own_jobs_newest_first_in_pages(client: TestClient, jobs: Jobs) -> None:
    own = [str(ask_for(jobs, "test.echo", number=number)) for number in range(3)]
    other = str(ask_for(jobs, "test.fail", who=STRANGER))

    first = client.get("/api/v1/jobs", params={"limit": 2})
    rest = client.get("/api/v1/jobs", params={"limit": 2, "cursor": first.json()["next_cursor"]})
    everybody = client.get("/api/v1/jobs", headers={"X-Who": ADMINISTRATOR.email})
    narrowed = client.get("/api/v1/jobs", headers={"X-Who": ADMINISTRATOR.email}, params={"task": "test.fail"})

    assert [one["id"] for one in first.json()["items"] + rest.json()["items"]] == own[::-1]
    assert 'rel="next"' in first.headers["Link"]
    assert rest.json()["next_cursor"] is None
    assert [one["id"] for one in everybody.json()["items"]] == [other, *own[::-1]]
    assert [one["id"] for one in narrowed.json()["items"]] == [other]
    assert client.get("/api/v1/jobs", params={"state": "running"}).json()["items"] == []
    # Asking for somebody else's shows one's own, none of theirs.
    assert other not in client.get("/api/v1/jobs", params={"owner_id": str(STRANGER.id)}).text


def test_a_job_of_somebody_else_is_not_there(client: TestClient, jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    stranger = {"X-Who": STRANGER.email}

    answers = [
        client.get(f"/api/v1/jobs/{job_id}", headers=stranger),
        client.get(f"/api/v1/jobs/{job_id}", headers={**stranger, "Prefer": "wait=1"}),
        client.delete(f"/api/v1/jobs/{job_id}", headers=stranger),
        client.post(f"/api/v1/jobs/{job_id}/retry", headers=stranger),
        client.get(f"/api/v1/jobs/{uuid4()}"),
    ]

    assert [one.status_code for one in answers] == [404] * 5


def test_a_job_has_a_version_and_says_when_to_ask_again(client: TestClient, jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    answer = client.get(f"/api/v1/jobs/{job_id}")
    same = client.get(f"/api/v1/jobs/{job_id}", headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.json()["state"] == "queued"
    assert answer.headers["Retry-After"] == "1"
    assert same.status_code == 304

    _finish(jobs, job_id)
    changed = client.get(f"/api/v1/jobs/{job_id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert changed.json()["result"] == {"x": 1}
    assert "Retry-After" not in changed.headers


def test_whoever_prefers_to_wait_is_answered_at_the_end_of_the_job(client: TestClient, jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    threading.Timer(0.5, _finish, (jobs, job_id)).start()

    waited = client.get(f"/api/v1/jobs/{job_id}", headers={"Prefer": "respond-async, wait=20"})

    assert waited.json()["state"] == "succeeded"
    assert waited.headers["Preference-Applied"] == "wait=20"
    # In vain: the time is up.
    other = ask_for(jobs, "test.echo")
    assert client.get(f"/api/v1/jobs/{other}", headers={"Prefer": "wait=1"}).json()["state"] == "queued"


def test_a_job_is_cancelled_and_run_again(client: TestClient, jobs: Jobs) -> None:
    address = f"/api/v1/jobs/{ask_for(jobs, 'test.echo')}"

    assert client.post(f"{address}/retry").status_code == 409
    assert client.delete(address).json()["state"] == "cancelled"
    assert client.delete(address).status_code == 200
    again = client.post(f"{address}/retry", headers={"Idempotency-Key": "once-more"})
    replayed = client.post(f"{address}/retry", headers={"Idempotency-Key": "once-more"})

    assert (again.status_code, again.json()["state"]) == (202, "queued")
    assert again.headers["Location"] == address
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.json() == again.json()


async def _read(
    feed: JobFeed, jobs: Jobs, who: Principal, last_id: str | None, count: int, act: list[threading.Timer]
) -> list[Event]:
    found: list[Event] = []
    source = job_events(feed, jobs, who, last_id)
    for one in act:
        one.start()
    async with asyncio.timeout(15):
        async for event in source:
            found.append(event)
            if len(found) == count:
                break
    await source.aclose()  # type: ignore[attr-defined]
    return found


def test_a_stream_tells_every_end_and_goes_on_where_a_reader_was(jobs: Jobs, platform_url: str) -> None:
    feed = JobFeed(read_url(platform_url))
    feed.start()
    try:
        wait_until(lambda: feed.listening)
        job_id = ask_for(jobs, "test.echo")
        ask_for(jobs, "test.echo", who=STRANGER)

        first = asyncio.run(_read(feed, jobs, ENGINEER, None, 1, []))
        live = asyncio.run(
            _read(feed, jobs, ENGINEER, first[-1].id, 2, [threading.Timer(0.3, _finish, (jobs, job_id))])
        )
        third = ask_for(jobs, "test.echo")
        with session_scope(jobs) as session:
            cancel(session, ENGINEER, third)
        missed = asyncio.run(_read(feed, jobs, ENGINEER, live[-1].id, 2, []))
    finally:
        feed.stop()

    assert [(event.data.id, event.data.state) for event in first] == [(job_id, "queued")]
    # What was seen just before may come again, with the same version; the end comes.
    assert live[0].data == first[0].data
    assert live[-1].data.id == job_id
    assert {event.data.id for event in missed} == {job_id, third}
    assert {event.data.id: event.data.state for event in missed}[third] == "cancelled"


def test_a_feed_survives_the_loss_of_its_connection(jobs: Jobs, platform_url: str) -> None:
    feed = JobFeed(read_url(platform_url))
    feed.start()
    try:
        wait_until(lambda: feed.listening)
        with session_scope(jobs) as session:
            session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"))
        job_id = ask_for(jobs, "test.echo")
        found = asyncio.run(_read(feed, jobs, ENGINEER, None, 2, [threading.Timer(2.0, _finish, (jobs, job_id))]))
    finally:
        feed.stop()

    assert found[-1].data.id == job_id


@pytest.mark.parametrize("last_id", ["yesterday", "2026-01-01T00:00:00", ""])
def test_an_event_id_that_is_none_is_refused(jobs: Jobs, platform_url: str, last_id: str) -> None:
    feed = JobFeed(make_url(platform_url))

    with pytest.raises(InvalidInputError, match="Last-Event-ID"):
        asyncio.run(_read(feed, jobs, ENGINEER, last_id, 1, []))
