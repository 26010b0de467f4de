"""What the platform does by the clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import session_scope
from afterbay.server.platform.jobs import service
from afterbay.server.platform.jobs.bodies import find_body, load_bodies, schedules
from afterbay.server.platform.jobs.compute import open_compute
from afterbay.server.platform.jobs.context import JobContext
from afterbay.server.platform.jobs.service.leases import Leases
from afterbay.server.platform.storage import open_storage
from afterbay.server.principal import SYSTEM
from afterbay.server.worker import MODULES


@pytest.fixture
def job(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[JobContext]:
    """A job that this process runs now."""
    with session_scope(sessions) as session:
        job_id = service.enqueue(session, SYSTEM, task="x", args={}, module="platform", resource_id=UUID(int=0))
        ticket = session.scalars(text("SELECT ticket FROM jobs")).one()
    leases = Leases(sessions)
    taken = leases.take(job_id, ticket)
    assert taken is not None
    compute = open_compute(processes=1)
    yield JobContext(taken, leases, sessions=sessions, storage=open_storage(tmp_path / "store"), compute=compute)
    compute.close()


def test_everything_that_is_due_by_the_clock_has_a_body() -> None:
    load_bodies(MODULES)

    found = {one.task for one in schedules()}
    assert {"platform.forget", "platform.collect_orphans"} <= found
    for task in found:
        assert callable(find_body(task))


def test_a_module_that_is_missing_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        load_bodies(["afterbay.server.nowhere"])


def test_old_jobs_are_forgotten_and_the_present_one_stays(job: JobContext) -> None:
    load_bodies(MODULES)
    with session_scope(job.sessions) as session:
        old = service.enqueue(session, SYSTEM, task="x", args={}, module="platform", resource_id=uuid4())
        service.cancel(session, SYSTEM, old)
        session.execute(
            text("UPDATE jobs SET finished_at = :at WHERE id = :id"),
            {"at": datetime.now(UTC) - timedelta(days=91), "id": old},
        )

    told = find_body("platform.forget")(job, {})

    assert told["jobs"] == 1
    with session_scope(job.sessions) as session:
        assert session.scalars(text("SELECT id FROM jobs")).all() == [job.id]


def test_remains_of_interrupted_writes_are_collected(job: JobContext, tmp_path: Path) -> None:
    load_bodies(MODULES)
    job.storage.put("a.bin", b"x")
    remains = tmp_path / "store" / ".partial" / "remains"
    remains.write_bytes(b"half")
    os.utime(remains, (0, 0))

    told = find_body("platform.collect_orphans")(job, {})

    assert told == {"objects": 0, "partial": 1}
    assert job.storage.get("a.bin") == b"x"
