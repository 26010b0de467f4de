"""Jobs belong to the transaction that asks for them, to their owner, and to one attempt at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import server_bodies  # noqa: F401 -- registers what is told of ends
from server_workers import ADMINISTRATOR, ENGINEER, STRANGER, ask_for, effects, look
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    OutOfRangeError,
    Problem,
    UnavailableError,
)
from afterbay.server.db import session_scope
from afterbay.server.platform.jobs import service
from afterbay.server.platform.jobs.service.leases import LeaseLostError, Leases, RetryRule, Taken, forget_jobs
from afterbay.server.platform.jobs.service.records import error_record
from afterbay.server.principal import Principal

Jobs = sessionmaker[Session]
RULE = RetryRule(most_failures=3, first_s=10.0)


def _ticket(jobs: Jobs, job_id: UUID) -> int:
    with session_scope(jobs) as session:
        return int(session.scalars(text("SELECT ticket FROM jobs WHERE id = :id"), {"id": job_id}).one())


def _tickets(jobs: Jobs) -> int:
    with session_scope(jobs) as session:
        return int(session.scalars(text("SELECT count(*) FROM procrastinate_jobs")).one())


def _take(jobs: Jobs, job_id: UUID) -> tuple[Leases, Taken]:
    leases = Leases(jobs, RULE)
    taken = leases.take(job_id, _ticket(jobs, job_id))
    assert taken is not None
    return leases, taken


def _make_silent(jobs: Jobs, job_id: UUID) -> None:
    with session_scope(jobs) as session:
        session.execute(
            text("UPDATE jobs SET heartbeat_at = heartbeat_at - interval '1 hour' WHERE id = :id"), {"id": job_id}
        )


def test_a_job_of_a_transaction_that_fails_never_was(jobs: Jobs) -> None:
    with jobs() as session:
        service.enqueue(session, ENGINEER, task="test.echo", args={}, module="m", resource_id=uuid4())
        session.rollback()

    assert _tickets(jobs) == 0


def test_the_same_key_is_the_same_job_of_its_owner_alone(jobs: Jobs) -> None:
    first = ask_for(jobs, "test.echo", key="k", number=1)

    assert ask_for(jobs, "test.echo", key="k", number=1) == first
    assert ask_for(jobs, "test.echo", key="k", number=1, who=STRANGER) != first
    assert ask_for(jobs, "test.echo", number=1) != first
    assert _tickets(jobs) == 3
    with pytest.raises(ConflictError, match="belongs to another job"):
        ask_for(jobs, "test.echo", key="k", number=2)


@pytest.mark.parametrize("x", [float("nan"), object()])
def test_arguments_that_are_no_json_are_refused(jobs: Jobs, x: object) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        ask_for(jobs, "test.echo", x=x)


def test_only_owner_and_administrators_see_a_job(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    narrow = Principal(ENGINEER.id, ENGINEER.email, scopes=frozenset({"fleet:read"}))
    reader = Principal(ENGINEER.id, ENGINEER.email, scopes=frozenset({"bess-sizing:read"}))

    with session_scope(jobs) as session:
        for who in (ENGINEER, ADMINISTRATOR, reader):
            assert service.find(session, who, job_id).owner_id == ENGINEER.id
        for who in (STRANGER, narrow):
            for act in (service.find, service.cancel, service.retry):
                with pytest.raises(NotFoundError, match="not found among"):
                    act(session, who, job_id)
        with pytest.raises(NotAllowedError, match="bess-sizing:create"):
            service.cancel(session, reader, job_id)


def test_a_queued_job_is_cancelled_at_once_and_its_end_is_told(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    with session_scope(jobs) as session:
        job = service.cancel(session, ENGINEER, job_id)
        again = service.cancel(session, ENGINEER, job_id)

    assert (job.state, again) == ("cancelled", job)
    assert job.finished_at is not None
    assert effects(jobs, job_id) == [-1]
    assert _tickets(jobs) == 0
    with session_scope(jobs) as session:
        found = session.execute(text("SELECT actor, resource_id FROM audit_events WHERE action = 'job.cancelled'"))
        assert [tuple(row) for row in found] == [(ENGINEER.email, str(job_id))]


def test_a_job_that_is_over_can_be_run_again_unless_it_succeeded(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo", key="k")
    leases, taken = _take(jobs, job_id)
    with session_scope(jobs) as session, pytest.raises(ConflictError, match="is running"):
        service.retry(session, ENGINEER, job_id)
    assert leases.fail(taken.lease, InvalidInputError(Problem("a", "b", "c"))) is not None

    with session_scope(jobs) as session:
        assert service.retry(session, ENGINEER, job_id).state == "queued"
    leases, again = _take(jobs, job_id)
    assert again.attempt == 2
    assert leases.succeed(again.lease, {"x": 1}) is not None

    job = look(jobs, job_id)
    assert (job.state, job.result, job.error, job.progress) == ("succeeded", {"x": 1}, None, 1.0)
    for act in (service.retry, service.cancel):
        with session_scope(jobs) as session, pytest.raises(ConflictError, match="succeeded"):
            act(session, ENGINEER, job_id)


def test_a_ticket_is_good_once(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    ticket = _ticket(jobs, job_id)
    leases, _ = _take(jobs, job_id)

    assert leases.take(job_id, ticket) is None


def test_a_passing_fault_waits_longer_each_time_and_ends_the_job_at_last(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    waits = []
    for _ in range(3):
        leases, taken = _take(jobs, job_id)
        job = leases.fail(taken.lease, UnavailableError("away"))
        assert job is not None
        if job.not_before is not None:
            waits.append((job.not_before - datetime.now(UTC)).total_seconds())

    assert waits == pytest.approx([10.0, 20.0], abs=3.0)
    job = look(jobs, job_id)
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error == {"code": "unavailable", "detail": "failed 3 times: away", "errors": []}
    assert effects(jobs, job_id) == [-1]


def test_an_attempt_that_lost_its_job_changes_nothing(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    leases, zombie = _take(jobs, job_id)
    _make_silent(jobs, job_id)
    assert [job.state for job in leases.recover(60.0)] == ["queued"]
    _, taken = _take(jobs, job_id)
    before = look(jobs, job_id)

    with pytest.raises(LeaseLostError), leases.fenced(zombie.lease) as session:
        session.execute(text("INSERT INTO effects VALUES (:id, 1)"), {"id": job_id})
    with pytest.raises(LeaseLostError):
        leases.report(zombie.lease, 0.5, "late", None)
    assert leases.succeed(zombie.lease, {}) is None
    assert leases.fail(zombie.lease, ValueError()) is None
    assert leases.cancel(zombie.lease) is None
    assert leases.give_back(zombie.lease) is None
    assert leases.beat([zombie.lease, taken.lease]) == {taken.lease: False}

    assert look(jobs, job_id) == before
    assert effects(jobs, job_id) == []


def test_a_queued_job_whose_ticket_died_with_a_worker_is_queued_again(jobs: Jobs) -> None:
    taken_by_the_dead, gone, fine = (ask_for(jobs, "test.echo") for _ in range(3))
    with session_scope(jobs) as session:
        session.execute(text("UPDATE jobs SET changed_at = changed_at - interval '1 hour'"))
        ticket = text(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (SELECT ticket FROM jobs WHERE id = :i)"
        )
        session.execute(ticket, {"i": taken_by_the_dead})
        ticket = text("DELETE FROM procrastinate_jobs WHERE id = (SELECT ticket FROM jobs WHERE id = :i)")
        session.execute(ticket, {"i": gone})

    found = Leases(jobs, RULE).recover(60.0)

    assert {job.id for job in found} == {taken_by_the_dead, gone}
    for job_id in (taken_by_the_dead, gone, fine):
        _take(jobs, job_id)


def test_a_job_that_kills_every_worker_is_given_up(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    for _ in range(3):
        leases, _taken = _take(jobs, job_id)
        assert leases.recover(60.0) == []
        _make_silent(jobs, job_id)
        leases.recover(60.0)

    job = look(jobs, job_id)
    assert (job.state, job.attempts) == ("failed", 3)
    assert job.error is not None
    assert "its worker died 3 times" in job.error["detail"]


def test_a_silent_job_that_was_cancelled_is_cancelled(jobs: Jobs) -> None:
    job_id = ask_for(jobs, "test.echo")
    leases, taken = _take(jobs, job_id)
    with session_scope(jobs) as session:
        service.cancel(session, ENGINEER, job_id)
    assert leases.beat([taken.lease]) == {taken.lease: True}
    _make_silent(jobs, job_id)

    assert [job.state for job in leases.recover(60.0)] == ["cancelled"]


def test_jobs_that_ended_long_ago_are_forgotten_with_their_tickets(jobs: Jobs) -> None:
    old, open_one = ask_for(jobs, "test.echo"), ask_for(jobs, "test.echo")
    leases, taken = _take(jobs, old)
    leases.succeed(taken.lease, {})
    with session_scope(jobs) as session:
        session.execute(text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id <> (SELECT ticket FROM jobs "
                             "WHERE id = :i)"), {"i": open_one})  # fmt: skip

    with session_scope(jobs) as session:
        assert forget_jobs(session, datetime.now(UTC) - timedelta(days=1)) == 0
        assert forget_jobs(session, datetime.now(UTC) + timedelta(days=1)) == 1

    assert look(jobs, open_one).state == "queued"
    assert _tickets(jobs) == 1


def test_a_listener_that_fails_does_not_keep_a_job_from_ending(jobs: Jobs) -> None:
    def spoil(session: Session, ended: object) -> None:
        session.execute(text("SELECT nothing FROM nowhere"))

    job_id = ask_for(jobs, "test.echo")
    leases = Leases(jobs, RULE, spoil)
    taken = leases.take(job_id, _ticket(jobs, job_id))
    assert taken is not None
    leases.succeed(taken.lease, {})

    assert look(jobs, job_id).state == "succeeded"
    assert effects(jobs, job_id) == [-1]


def test_a_defect_is_told_without_its_details_and_ours_with_all_problems() -> None:
    assert "secret" not in str(error_record(ZeroDivisionError("secret")))
    told = error_record(OutOfRangeError([Problem("/a", "1", "2", "3"), Problem("/b", "x\x00", "y")]))

    assert told["code"] == "out-of-range"
    assert [one["where"] for one in told["errors"]] == ["/a", "/b"]
    assert "\x00" not in str(told)
