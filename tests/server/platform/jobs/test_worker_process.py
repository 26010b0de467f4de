"""Workers as processes of their own: they are killed, stopped, paused, and no job is lost or done twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from server_bodies import traces
from server_workers import ADMINISTRATOR, ENGINEER, ask_for, effects, ended, look, wait_until, worker
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import session_scope
from afterbay.server.platform.jobs import service
from afterbay.server.platform.jobs.view import JobView
from afterbay.server.principal import SYSTEM
from afterbay.server.rest.paging import PageRequest

Jobs = sessionmaker[Session]


def test_a_job_starts_as_soon_as_its_transaction_commits(jobs: Jobs, platform_url: str, tmp_path: Path) -> None:
    with worker(platform_url, tmp_path, poll_s=600.0):
        job = ended(jobs, ask_for(jobs, "test.echo", colour="blue"))

    assert job.state == "succeeded"
    assert job.result == {"args": {"colour": "blue"}, "who": "engineer@example.org", "attempt": 1}
    assert job.started_at is not None
    # Long before the worker would look by itself: it was told.
    assert (job.started_at - job.created_at).total_seconds() < 600.0
    assert effects(jobs, job.id) == [-1]


def test_a_job_whose_worker_is_killed_is_run_again_and_takes_effect_once(
    jobs: Jobs, platform_url: str, tmp_path: Path
) -> None:
    with worker(platform_url, tmp_path) as first, worker(platform_url, tmp_path):
        job_id = ask_for(jobs, "test.steps", steps=4, pause_s=0.05, die_at=[1], folder=str(tmp_path))
        job = ended(jobs, job_id)
        died = first.poll()

    assert died in (None, -signal.SIGKILL)
    assert (job.state, job.attempts) == ("succeeded", 2)
    assert traces(tmp_path, "begun") == 2
    assert effects(jobs, job_id) == [2]


def test_a_worker_that_was_paused_for_too_long_writes_nothing(jobs: Jobs, platform_url: str, tmp_path: Path) -> None:
    with worker(platform_url, tmp_path) as zombie:
        job_id = ask_for(jobs, "test.steps", steps=6, pause_s=0.1, folder=str(tmp_path))
        wait_until(lambda: traces(tmp_path, "begun"))
        os.kill(zombie.pid, signal.SIGSTOP)
        with worker(platform_url, tmp_path):
            job = ended(jobs, job_id)
            os.kill(zombie.pid, signal.SIGCONT)
            # It ends a job of its own: so it has come to its senses.
            assert ended(jobs, ask_for(jobs, "test.echo")).state == "succeeded"
            time.sleep(1.0)
            assert look(jobs, job_id) == job

    assert (job.state, job.attempts) == ("succeeded", 2)
    assert effects(jobs, job_id) == [2]


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(jobs: Jobs, platform_url: str, tmp_path: Path) -> None:
    with worker(platform_url, tmp_path) as process:
        job_id = ask_for(jobs, "test.steps", steps=100, pause_s=0.05, folder=str(tmp_path))
        wait_until(lambda: traces(tmp_path, "begun"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        job = look(jobs, job_id)

    assert job.state == "queued"
    assert job.error is None
    with session_scope(jobs) as session:
        assert service.cancel(session, ENGINEER, job_id).state == "cancelled"


def test_a_worker_that_is_asked_to_stop_lets_a_short_job_finish(jobs: Jobs, platform_url: str, tmp_path: Path) -> None:
    with worker(platform_url, tmp_path, stop_grace_s=10.0) as process:
        job_id = ask_for(jobs, "test.steps", steps=10, pause_s=0.05, folder=str(tmp_path))
        wait_until(lambda: traces(tmp_path, "begun"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert look(jobs, job_id).state == "succeeded"
    assert effects(jobs, job_id) == [1]


def test_a_body_that_listens_to_nobody_does_not_keep_a_worker_from_stopping(
    jobs: Jobs, platform_url: str, tmp_path: Path
) -> None:
    with worker(platform_url, tmp_path) as process:
        job_id = ask_for(jobs, "test.deaf", seconds=60, folder=str(tmp_path))
        wait_until(lambda: traces(tmp_path, "begun"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert look(jobs, job_id).state == "queued"
    assert traces(tmp_path, "done") == 0


@pytest.mark.parametrize("task", ["test.steps", "test.deaf"])
def test_a_running_job_is_cancelled(jobs: Jobs, platform_url: str, tmp_path: Path, task: str) -> None:
    with worker(platform_url, tmp_path):
        job_id = ask_for(jobs, task, steps=600, pause_s=0.05, seconds=60, folder=str(tmp_path))
        wait_until(lambda: traces(tmp_path, "begun"))
        with session_scope(jobs) as session:
            asked = service.cancel(session, ENGINEER, job_id)
        assert (asked.state, asked.cancel_requested) == ("running", True)
        job = ended(jobs, job_id)
        assert ended(jobs, ask_for(jobs, "test.echo")).state == "succeeded"

    assert job.state == "cancelled"
    assert effects(jobs, job_id) == []
    assert traces(tmp_path, "done") == 0


def test_what_is_due_by_the_clock_starts_once_however_many_workers_there_are(
    jobs: Jobs, platform_url: str, tmp_path: Path
) -> None:
    clock = {"TEST_SCHEDULE": "* * * * * */1"}

    def ticks() -> list[JobView] | None:
        with session_scope(jobs) as session:
            wanted = service.Wanted(task="test.tick", state="succeeded")
            found = service.find_page(session, ADMINISTRATOR, PageRequest(200), wanted).items
        return list(found) if len(found) >= 3 else None

    with worker(platform_url, tmp_path, environment=clock), worker(platform_url, tmp_path, environment=clock):
        found = wait_until(ticks)
        with session_scope(jobs) as session:
            keys = session.scalars(text("SELECT key FROM jobs WHERE task = 'test.tick'")).all()

    assert len(set(keys)) == len(keys) >= 3
    assert {job.owner_id for job in found} == {SYSTEM.id}


def test_only_a_passing_fault_is_tried_again(jobs: Jobs, platform_url: str, tmp_path: Path) -> None:
    with worker(platform_url, tmp_path, poll_s=0.2):
        asked = {how: ask_for(jobs, "test.fail", how=how, well_at=2, folder=str(tmp_path))
                 for how in ("input", "defect", "passing")}  # fmt: skip
        found = {how: ended(jobs, job_id) for how, job_id in asked.items()}

    told = {how: (job.state, job.attempts, (job.error or {}).get("code")) for how, job in found.items()}
    assert told == {
        "input": ("failed", 1, "invalid-input"),
        "defect": ("failed", 1, "unexpected"),
        "passing": ("succeeded", 2, None),
    }
    assert traces(tmp_path, "begun") == 4
    assert "secret detail" not in str(found["defect"].error)
