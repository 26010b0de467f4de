"""Workers for tests: real processes, and how to talk to them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import session_scope
from afterbay.server.platform.jobs import service
from afterbay.server.platform.jobs.view import JobView
from afterbay.server.principal import Principal

ENGINEER = Principal(UUID(int=7), "engineer@example.org", "E", permissions={"bess-sizing": frozenset({"create"})})
STRANGER = Principal(UUID(int=8), "stranger@example.org")
ADMINISTRATOR = Principal(UUID(int=9), "admin@example.org", is_admin=True)
EFFECTS = "CREATE TABLE effects (job_id uuid NOT NULL, attempt integer NOT NULL)"

_Found = TypeVar("_Found")
_MAIN = """
import signal, sys, threading
from afterbay.server.platform.jobs.service.leases import RetryRule
from afterbay.server.platform.jobs.tasks.timing import Timing
from afterbay.server.worker import WorkerSettings, run_worker

if __name__ == "__main__":
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    url, storage, timing = sys.argv[1:4]
    settings = WorkerSettings(
        url, storage, compute_processes=2, concurrency=2, timing=Timing(**eval(timing)),
        retries=RetryRule(most_failures=3, first_s=0.05),
    )
    run_worker(settings, stop=stop, modules=["server_bodies"], warm=False, ready=lambda: print("ready", flush=True))
    print("ended", flush=True)
"""


@contextmanager
def worker(url: str, folder: Path, *, environment: dict[str, str] | None = None, **timing: float) -> Iterator[Any]:
    """Run a worker as a process of its own until it listens; it is killed at the end."""
    patience = {"beat_s": 0.2, "stalled_s": 1.5, "cancel_grace_s": 0.6, "stop_grace_s": 0.5, "stop_force_s": 0.5}
    script = folder / f"worker-{uuid4().hex}.py"
    script.write_text(_MAIN)
    paths = os.pathsep.join([str(Path(__file__).parent), *(one for one in sys.path if one.endswith("src"))])
    process = subprocess.Popen(
        [sys.executable, str(script), url, str(folder / "storage"), repr({**patience, **timing})],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths, **(environment or {})}, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def ask_for(
    sessions: sessionmaker[Session], task: str, *, who: Principal = ENGINEER, key: str | None = None, **args: Any
) -> UUID:
    """Queue a job and return its id."""
    with session_scope(sessions) as session:
        return service.enqueue(
            session, who, task=task, args=args, module="bess-sizing", resource_id=UUID(int=1), key=key
        )


def look(sessions: sessionmaker[Session], job_id: UUID) -> JobView:
    """Return a job."""
    with session_scope(sessions) as session:
        return service.find(session, ADMINISTRATOR, job_id)


def wait_until(find: Callable[[], _Found | None], *, seconds: float = 45.0) -> _Found:
    """Return what is found as soon as it is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = find()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing within {seconds} s")


def ended(sessions: sessionmaker[Session], job_id: UUID, *, seconds: float = 45.0) -> JobView:
    """Return a job when it is over."""

    def over() -> JobView | None:
        job = look(sessions, job_id)
        return job if job.finished else None

    return wait_until(over, seconds=seconds)


def effects(sessions: sessionmaker[Session], job_id: UUID) -> list[int]:
    """Return the attempts whose effect was committed."""
    with session_scope(sessions) as session:
        return list(session.scalars(text("SELECT attempt FROM effects WHERE job_id = :job"), {"job": job_id}))
