"""A worker whose database is stopped goes on when it is back; what it worked out meanwhile is not lost."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import server_bodies  # noqa: F401
from server_bodies import traces
from server_workers import EFFECTS, ask_for, effects, ended, look, wait_until, worker
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import UnavailableError
from afterbay.server.db import Base, make_engine, read_url, session_scope
from afterbay.server.postgres import EmbeddedPostgres

_AWAY_S = 3.0
"""Twice the time after which a silent worker counts as dead."""


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test alone, which may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="afterbay-test-"))
    server = EmbeddedPostgres(folder / "pg", {"fsync": "off", "max_connections": "30"})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_is_stopped_for_a_while_costs_no_job(server: EmbeddedPostgres, tmp_path: Path) -> None:
    url = server.ensure_database("away")
    engine = make_engine(read_url(url))
    tables = [Base.metadata.tables[name] for name in ("jobs", "audit_events")]
    Base.metadata.create_all(engine, tables)
    jobs: sessionmaker[Session] = sessionmaker(engine)
    with session_scope(jobs) as session:
        session.execute(text(EFFECTS))

    with worker(url, tmp_path):
        # Its body goes on and ends while nobody can be told.
        running = ask_for(jobs, "test.deaf", seconds=_AWAY_S / 2, folder=str(tmp_path))
        reporting = ask_for(jobs, "test.steps", steps=40, pause_s=_AWAY_S * 1.5 / 40, folder=str(tmp_path))
        waiting = ask_for(jobs, "test.echo")
        wait_until(lambda: traces(tmp_path, "begun") == 2)
        server.stop()
        with pytest.raises(UnavailableError):
            ask_for(jobs, "test.echo")
        time.sleep(_AWAY_S)
        server.start()
        later = ask_for(jobs, "test.echo")
        ends = [ended(jobs, one, seconds=40) for one in (running, reporting, waiting, later)]

    assert [job.state for job in ends] == ["succeeded"] * 4
    # Nobody was taken for dead, nothing was done twice.
    assert [job.attempts for job in ends] == [1, 1, 1, 1]
    assert effects(jobs, reporting) == [1]
    assert look(jobs, running).error is None
    engine.dispose()
