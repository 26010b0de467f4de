"""People are told of their jobs, grants, quotas and shares, and of nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.platform.jobs.bodies import Subject, about
from afterbay.server.platform.jobs.view import JobView
from afterbay.server.platform.modules.service import Quotas, check_quota
from afterbay.server.platform.notifications.service import find_notifications
from afterbay.server.platform.notifications.tasks import tell_of_grant, tell_of_job, tell_of_share, wire_quotas
from afterbay.server.principal import SYSTEM, Principal

ANNA = Principal(UUID(int=1), "anna@example.org", "Anna")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
JOB = JobView(
    id=uuid4(), task="sizing.optimization", module="bess-sizing", resource_id=uuid4(), owner_id=ANNA.id,
    state="succeeded", progress=1.0, message="70 cases", eta_s=None, attempts=1, cancel_requested=False,
    created_at=NOW, started_at=NOW, finished_at=NOW, not_before=None, error=None, result={},
)  # fmt: skip


def _told(sessions: sessionmaker[Session], who: Principal = ANNA) -> list[tuple[str, str, str]]:
    with sessions() as session:
        return [(one.kind, one.title, one.body) for one in find_notifications(session, who).items]


def test_whoever_started_a_job_is_told_how_it_ended(sessions: sessionmaker[Session]) -> None:
    failed = replace(JOB, id=uuid4(), state="failed", error={"detail": "the solar profile is gone"})
    with sessions.begin() as session:
        tell_of_job(session, JOB)
        tell_of_job(session, failed)

    assert _told(sessions) == [
        ("job.failed", "BESS Sizing Tool, a job failed", "the solar profile is gone"),
        ("job.succeeded", "BESS Sizing Tool, a job is finished", "70 cases"),
    ]


@pytest.mark.parametrize(
    "ended",
    [replace(JOB, state="cancelled"), replace(JOB, owner_id=SYSTEM.id), replace(JOB, module="platform")],
    ids=["cancelled", "of the program", "of no module"],
)
def test_a_wish_the_clock_and_deliveries_themselves_tell_nobody(
    sessions: sessionmaker[Session], ended: JobView
) -> None:
    with sessions.begin() as session:
        tell_of_job(session, ended)

    assert _told(sessions) == []
    assert _told(sessions, SYSTEM) == []


def test_a_changed_grant_is_told_with_who_changed_it(sessions: sessionmaker[Session]) -> None:
    boss = Principal(UUID(int=9), "boss@example.org")
    with sessions.begin() as session:
        tell_of_grant(session, boss, ANNA.id, "fleet", "operator")
        tell_of_grant(session, boss, ANNA.id, "fleet", None)

    assert _told(sessions) == [
        ("grant.changed", "Fleet Operation: your role was taken away", "changed by boss@example.org"),
        ("grant.changed", "Fleet Operation: you are operator now", "changed by boss@example.org"),
    ]


def test_nearing_a_quota_is_told_once(sessions: sessionmaker[Session]) -> None:
    quotas, used = Quotas({("bess-sizing", "max_simulations_per_day"): 10}), [0]
    quotas.count_by("bess-sizing", "max_simulations_per_day", lambda _session, _user: (used[0], 60))
    wire_quotas(SimpleNamespace(quotas=quotas))

    for number in range(10):
        used[0] = number
        with sessions.begin() as session:
            check_quota(session, ANNA, "bess-sizing", "max_simulations_per_day", quotas)

    assert [title for _, title, _ in _told(sessions)] == ["BESS Sizing Tool: 9 of 10 used (max_simulations_per_day)"]


def test_a_share_with_an_address_without_an_account_is_no_error(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        tell_of_share(session, ANNA, "nobody@example.org", "the project Quarry", "/x")

    assert _told(sessions) == []


def test_a_job_whose_module_knows_its_name_is_told_by_it_with_a_link_to_the_result(
    sessions: sessionmaker[Session],
) -> None:
    @about("test.telling")
    def names(_session: Session, job: JobView) -> Subject:
        return Subject("Red Rock, first sweep", f"/runs/{job.resource_id}", "70 sizes")

    known = replace(JOB, id=uuid4(), task="test.telling", message="")
    with sessions.begin() as session:
        tell_of_job(session, known)
        tell_of_job(session, replace(known, id=uuid4(), state="failed", error={"detail": "no sun"}))

    with sessions() as session:
        failed, done = find_notifications(session, ANNA).items
    assert (done.title, done.body) == ("Red Rock, first sweep is finished", "70 sizes")
    assert (failed.title, failed.body) == ("Red Rock, first sweep failed", "no sun")
    assert done.link == failed.link == f"/runs/{known.resource_id}"
