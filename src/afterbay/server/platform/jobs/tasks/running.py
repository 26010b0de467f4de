"""Runs the bodies of jobs, each in a thread of its own, and sees to it that every one of them comes to an end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from afterbay.core.errors import AfterbayError, UnavailableError
from afterbay.server.platform.jobs.bodies import find_body
from afterbay.server.platform.jobs.context import JobCancelled, JobContext, JobInterrupted
from afterbay.server.platform.jobs.service.leases import is_passing

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.compute import Compute
    from afterbay.server.platform.jobs.service.leases import Leases, Taken
    from afterbay.server.platform.jobs.tasks.timing import Timing
    from afterbay.server.platform.storage import Storage

__all__ = ["Runner", "Running"]

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_LONGEST_PAUSE_S = 2.0


@dataclass(slots=True, eq=False)
class Running:
    """One attempt that goes on in this process."""

    taken: Taken
    context: JobContext
    free: Callable[[], None]
    """Frees the slot."""
    thread: threading.Thread
    over: threading.Event = field(default_factory=threading.Event)
    giving_back: bool = False
    cancelled_at: float | None = None
    """When the body was asked to stop for good, by the monotonic clock."""

    def cancel(self) -> None:
        """Ask the body to stop for good at its next report."""
        self.cancelled_at = self.cancelled_at if self.cancelled_at is not None else time.monotonic()
        self.context.cancel()


class Runner:
    """The attempts of one worker."""

    def __init__(
        self,
        leases: Leases,
        *,
        sessions: sessionmaker[Session],
        storage: Storage,
        compute: Compute,
        slots: int,
        timing: Timing,
    ) -> None:
        self._leases = leases
        self._sessions = sessions
        self._storage = storage
        self._compute = compute
        self._slots = asyncio.Semaphore(slots)
        self._timing = timing
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._ending = threading.Event()

    @property
    def running(self) -> list[Running]:
        """The attempts that go on now."""
        with self._lock:
            return list(self._running)

    async def run(self, job_id: UUID, ticket: int) -> None:
        """Run a job with its ticket and come back when it is over, or was cut off.

        When the queue goes away this is cancelled; the attempt goes on and ends by itself.
        """
        await self._slots.acquire()
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def free() -> None:
            over.set()
            self._slots.release()

        # A thread of its own, and no one's to wait for: one that never ends must not keep the process from ending.
        threading.Thread(
            target=self._whole, args=(job_id, ticket, lambda: self._call(loop, free)), name=f"job {job_id}", daemon=True
        ).start()
        await over.wait()

    def _whole(self, job_id: UUID, ticket: int, free: Callable[[], None]) -> None:
        """Take, run and end one job."""
        running: Running | None = None
        try:
            taken = self._surely(lambda: self._leases.take(job_id, ticket))
            if taken is None:
                return
            context = JobContext(
                taken, self._leases, sessions=self._sessions, storage=self._storage, compute=self._compute
            )
            running = Running(taken, context, free, threading.current_thread())
            with self._lock:
                self._running.add(running)
            self._attempt(running)
        except Exception:
            _log.exception("job %s: the attempt could not be begun or ended; it will be found again", job_id)
        finally:
            if running is None:
                free()
            else:
                self._over(running)

    def _over(self, running: Running) -> None:
        """Free the slot, once, whoever comes first: the end of the body or the cut."""
        with self._lock:
            known = running in self._running
            self._running.discard(running)
        running.over.set()
        if known:
            running.free()

    @staticmethod
    def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
        # The loop may be closed when an attempt outlives its worker.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(function)

    def _attempt(self, running: Running) -> None:
        taken, began = running.taken, time.monotonic()
        _log.info("job %s (%s): attempt %d", taken.id, taken.task, taken.attempt)
        try:
            result = find_body(taken.task)(running.context, taken.args)
        except JobCancelled:
            outcome = self._surely(lambda: self._leases.cancel(taken.lease))
        except JobInterrupted:
            outcome = self._surely(lambda: self._leases.give_back(taken.lease))
        except BaseException as error:
            failed = error
            if not isinstance(error, AfterbayError):
                _log.exception("job %s (%s) failed", taken.id, taken.task)
            outcome = self._surely(lambda: self._failed(running, failed))
        else:
            outcome = self._surely(lambda: self._succeeded(running, result))
        state = "no longer ours" if outcome is None else outcome.state
        _log.info("job %s (%s): %s after %.2f s", taken.id, taken.task, state, time.monotonic() - began)

    def _failed(self, running: Running, error: BaseException) -> Any:
        if running.giving_back and is_passing(error):
            return self._leases.give_back(running.taken.lease)
        return self._leases.fail(running.taken.lease, error)

    def _succeeded(self, running: Running, result: dict[str, Any]) -> Any:
        try:
            return self._leases.succeed(running.taken.lease, result)
        except (SQLAlchemyError, TypeError, ValueError) as error:
            _log.exception("job %s (%s): its result cannot be stored", running.taken.id, running.taken.task)
            return self._leases.fail(running.taken.lease, error)

    def _surely(self, write: Callable[[], _Answer]) -> _Answer:
        """Write as soon as the database answers: what was worked out must not be lost for a restart of it."""
        pause_s = 0.1
        while True:
            try:
                return write()
            except UnavailableError as error:
                if self._ending.wait(pause_s):
                    raise
                _log.warning("%s (trying again)", error)
                pause_s = min(pause_s * 2.0, _LONGEST_PAUSE_S)

    def cut(self, running: Running) -> None:
        """End an attempt without its body: nothing that it still writes counts.

        Raises:
            UnavailableError: If the database does not answer.
        """
        _log.warning("job %s (%s) does not stop: it is cut off", running.taken.id, running.taken.task)
        lease = running.taken.lease
        if running.giving_back:
            self._leases.give_back(lease)
        else:
            self._leases.cancel(lease)
        self._over(running)
        # Python code stops at its next step, a kernel at its end; what either writes finds no lease.
        if running.thread.ident is not None and running.thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(running.thread.ident), ctypes.py_object(JobInterrupted)
            )

    def stop(self) -> None:
        """Let the attempts finish for a while, then give back what is not finished; returns within the two graces."""
        self._wait(self._timing.stop_grace_s)
        for running in self.running:
            running.giving_back = True
            running.context.interrupt()
        self._wait(self._timing.stop_force_s)
        self._ending.set()
        for running in self.running:
            try:
                self.cut(running)
            except UnavailableError as error:
                _log.warning("job %s could not be given back (%s): it will be found again", running.taken.id, error)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for running in self.running:
            running.over.wait(max(until - time.monotonic(), 0.0))
