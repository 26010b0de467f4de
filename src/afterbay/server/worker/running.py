"""Puts a worker together and runs it until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

from afterbay.server.db import make_engine, read_url
from afterbay.server.platform.jobs.bodies import load_bodies, schedules
from afterbay.server.platform.jobs.compute import open_compute
from afterbay.server.platform.jobs.service.leases import Leases, RetryRule
from afterbay.server.platform.jobs.tasks.beating import Beat
from afterbay.server.platform.jobs.tasks.running import Runner
from afterbay.server.platform.jobs.tasks.timing import Timing
from afterbay.server.platform.jobs.tasks.worker import QueueLoop
from afterbay.server.platform.notifications.tasks import tell_of_job
from afterbay.server.platform.storage import open_storage
from afterbay.server.warming import start_warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.bodies import Ended
    from afterbay.server.platform.jobs.compute import Compute
    from afterbay.server.platform.storage import Storage

__all__ = ["MODULES", "WorkerSettings", "run_worker"]

MODULES: Final = (
    "afterbay.server.worker.upkeep",
    "afterbay.server.platform.notifications.tasks",
    "afterbay.server.profiles.tasks",
    "afterbay.server.sizing.tasks.bodies",
    "afterbay.server.sizing.tasks.upkeep",
)
"""The modules that say what jobs do."""

_log = logging.getLogger(__name__)
_FROZEN: Final = 4.0
"""A transaction that stands still so many times longer than a worker may be silent is ended."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know."""

    database_url: str
    storage_url: str
    """A folder, `s3://bucket/folder` or `gs://bucket/folder`."""
    dask: str | None = None
    """Address of a Dask scheduler for heavy work; None: processes of this machine."""
    compute_processes: int | None = None
    """Processes for heavy work; None: one for each core."""
    concurrency: int = 2
    """Jobs that run at once."""
    timing: Timing = field(default_factory=Timing)
    retries: RetryRule = field(default_factory=RetryRule)


def run_worker(
    settings: WorkerSettings,
    *,
    stop: threading.Event,
    modules: Sequence[str] = MODULES,
    on_finished: Ended | None = tell_of_job,
    warm: bool = True,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs until `stop` is set; what runs then is finished or given back to the queue within the graces.

    Args:
        settings: What it needs to know.
        stop: Ends it; set by a signal, or by the server that runs it.
        modules: Modules that register bodies, endings and schedules; one that is missing is an error.
        on_finished: Told of every job that ended, in the same transaction; by default its owner gets a message.
        warm: Load the compiled kernels in the background, so that the first job need not wait for them.
        ready: Called when jobs are listened for.

    Raises:
        InvalidInputError: If an address cannot be used.
        ImportError: If a module is missing.
    """
    load_bodies(modules)
    engine = make_engine(read_url(settings.database_url), pool_size=settings.concurrency + 2)
    _end_frozen_transactions(engine, settings.timing.stalled_s * _FROZEN)
    sessions = sessionmaker(engine, expire_on_commit=False)
    storage = open_storage(settings.storage_url)
    compute = open_compute(processes=settings.compute_processes, dask=settings.dask)
    leases = Leases(sessions, settings.retries, on_finished)
    if warm:
        start_warm_up()
    try:
        asyncio.run(_work(settings, stop, ready, sessions=sessions, leases=leases, storage=storage, compute=compute))
    finally:
        compute.close()
        engine.dispose()


async def _work(
    settings: WorkerSettings,
    stop: threading.Event,
    ready: Callable[[], None],
    *,
    sessions: sessionmaker[Session],
    leases: Leases,
    storage: Storage,
    compute: Compute,
) -> None:
    timing = settings.timing
    runner = Runner(
        leases, sessions=sessions, storage=storage, compute=compute, slots=settings.concurrency, timing=timing
    )
    loop = QueueLoop(
        read_url(settings.database_url), runner, sessions, schedules(), slots=settings.concurrency, timing=timing
    )
    beat = Beat(runner, leases, timing)
    beat.start()
    try:
        await loop.run(stop, ready)
    finally:
        # The loop goes on meanwhile, so that attempts that end can say so.
        await asyncio.to_thread(runner.stop)
        await asyncio.to_thread(beat.stop)


def _end_frozen_transactions(engine: Engine, seconds: float) -> None:
    """Let the database end a transaction of ours that nothing happens in.

    A process that is frozen, and not dead, would hold the row of its job, and nobody else could take it over.
    """

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = {int(seconds * 1000)}")
        connection.commit()
