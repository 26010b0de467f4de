"""The loop of a worker around procrastinate's: it survives a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import procrastinate
import psycopg

from afterbay.server.db import session_scope
from afterbay.server.platform.jobs.queue import QUEUE, RUN
from afterbay.server.platform.jobs.service import enqueue
from afterbay.server.principal import SYSTEM

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from sqlalchemy import URL
    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.bodies import Schedule
    from afterbay.server.platform.jobs.tasks.running import Runner
    from afterbay.server.platform.jobs.tasks.timing import Timing

__all__ = ["QueueLoop"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.1
_PAUSE_S = 0.5
_NOTHING = UUID(int=0)


@dataclass(frozen=True, slots=True)
class QueueLoop:
    """Takes tickets from the queue and hands them to the runner; starts what is due by the clock."""

    url: URL
    runner: Runner
    sessions: sessionmaker[Session]
    schedules: Sequence[Schedule]
    slots: int
    timing: Timing

    async def run(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Work until `stop` is set; then come back at once, whatever goes on in the runner.

        Args:
            stop: Ends the loop.
            ready: Called when the queue is listened to for the first time.
        """
        app = self._app()
        stopping = asyncio.create_task(_wait_for(stop))
        told = False
        while not stopping.done():
            try:
                await self._reach()
                async with app.open_async():
                    if not told:
                        told = True
                        ready()
                    await self._work(app, stopping)
            except (psycopg.Error, procrastinate.exceptions.ProcrastinateException, OSError) as error:
                _log.warning("the queue does not answer (%s); trying again", _first_line(error))
                await asyncio.wait([stopping], timeout=_PAUSE_S)

    async def _work(self, app: procrastinate.App, stopping: asyncio.Task[None]) -> None:
        """Run procrastinate's worker until it is to stop, or fails with the database."""
        working = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE], concurrency=self.slots, install_signal_handlers=False, delete_jobs="always",
                fetch_job_polling_interval=self.timing.poll_s, update_heartbeat_interval=self.timing.stalled_s / 4.0,
                stalled_worker_timeout=self.timing.stalled_s,
                # What runs goes on in the runner, which gives it its own time; the ticket is worth nothing by then.
                shutdown_graceful_timeout=0.0,
            )
        )  # fmt: skip
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    async def _reach(self) -> None:
        """See that the database answers before a pool is opened, which would take its time to notice."""
        async with await psycopg.AsyncConnection.connect(self._conninfo(), connect_timeout=5):
            pass

    def _conninfo(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def _app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._conninfo(),
            min_size=1,
            max_size=2,
            # By default half a minute, in which a worker that is asked to stop would wait for a database that is away.
            timeout=5.0,
            kwargs={
                "application_name": "afterbay worker",
                "connect_timeout": 5,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 20000,
            },
        )
        app = procrastinate.App(connector=connector)

        async def run(context: procrastinate.JobContext, *, job_id: str) -> None:
            if context.job.id is not None:
                await self.runner.run(UUID(job_id), context.job.id)

        app.task(name=RUN, queue=QUEUE, pass_context=True)(run)
        for one in self.schedules:
            self._add(app, one)
        return app

    def _add(self, app: procrastinate.App, due: Schedule) -> None:
        async def start(timestamp: int) -> None:
            await asyncio.to_thread(self._start, due, timestamp)

        task: Any = app.task(name=f"afterbay.due.{due.task}", queue=QUEUE)(start)
        app.periodic(cron=due.cron, periodic_id=due.task)(task)

    def _start(self, due: Schedule, timestamp: int) -> None:
        # The key makes two workers, or a second try, start one job.
        with session_scope(self.sessions) as session:
            enqueue(session, SYSTEM, task=due.task, args={}, module=due.module, resource_id=_NOTHING,
                    key=f"{due.task}@{timestamp}")  # fmt: skip


async def _wait_for(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(_LOOK_S)


def _first_line(error: BaseException) -> str:
    lines = str(error.__cause__ or error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
