"""What the body of a job is given: who asked, where to write, how to tell how far it is."""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from afterbay.core.errors import CancelledError, UnavailableError
from afterbay.server.platform.jobs.service.leases import LeaseLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.compute import Compute
    from afterbay.server.platform.jobs.compute.interface import Chunk, Result
    from afterbay.server.platform.jobs.service.leases import Leases, Taken
    from afterbay.server.platform.storage import Storage

__all__ = ["JobCancelled", "JobContext", "JobInterrupted"]

_log = logging.getLogger(__name__)
_REPORT_EVERY_S = 0.25


class JobCancelled(CancelledError):  # noqa: N818 -- nothing went wrong
    """Somebody cancelled the job. Let it pass; clean up what is not in the database."""


class JobInterrupted(UnavailableError):  # noqa: N818 -- nothing went wrong
    """This worker does not go on with the job, which is run again: it stops, or another one has the job now."""


class _Stop(Enum):
    """Why a body is to stop."""

    CANCEL = "cancel"
    GIVE_BACK = "this worker stops; the job is run again"
    LOST = "another worker runs this job now"


class JobContext:
    """What a body is given."""

    def __init__(
        self,
        taken: Taken,
        leases: Leases,
        *,
        sessions: sessionmaker[Session],
        storage: Storage,
        compute: Compute,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id: UUID = taken.id
        self.principal = taken.principal
        """Who started the job, as they were then."""
        self.attempt: int = taken.attempt
        """1 at first; 2 when the job is run a second time."""
        self.sessions = sessions
        """For reading. Write through `session()`."""
        self.storage = storage
        self.compute: Compute = _JobCompute(compute, self.check)
        """Stops by itself when the job is cancelled."""
        self._lease = taken.lease
        self._leases = leases
        self._clock = clock
        self._began = clock()
        self._told: float | None = None
        self._stop: _Stop | None = None

    def check(self) -> None:
        """Stop here if the job is to stop; costs nothing.

        Raises:
            JobCancelled: If somebody cancelled it.
            JobInterrupted: If this worker does not go on with it.
        """
        stop = self._stop
        if stop is _Stop.CANCEL:
            raise JobCancelled("the job was cancelled")
        if stop is not None:
            raise JobInterrupted(stop.value)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Give a session that commits at the end, if this worker still holds the job.

        Compute outside of it: a transaction in which nothing happens for a minute is ended by the database.

        Raises:
            JobCancelled: If somebody cancelled the job before.
            JobInterrupted: If it does not; nothing is written then.
            UnavailableError: If the database does not answer.
        """
        self.check()
        try:
            with self._leases.fenced(self._lease) as session:
                yield session
        except LeaseLostError:
            self._stop = _Stop.LOST
            raise JobInterrupted(_Stop.LOST.value) from None

    def report(self, fraction: float, message: str = "") -> None:
        """Tell how far the job is; cheap to call often: what is told is written four times a second at most.

        Args:
            fraction: Share that is done, 0..1.
            message: What is being done, for people.

        Raises:
            JobCancelled: If somebody cancelled the job.
            JobInterrupted: If this worker does not go on with it.
        """
        self.check()
        now = self._clock()
        if self._told is not None and now - self._told < _REPORT_EVERY_S:
            return
        self._told = now
        share = min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
        left_s = (now - self._began) * (1.0 - share) / share if share > 0.0 else None
        try:
            if self._leases.report(self._lease, share, message.replace("\x00", "")[:500], left_s):
                self._stop = _Stop.CANCEL
        except LeaseLostError:
            self._stop = _Stop.LOST
        except UnavailableError as error:
            # How far the job is can be told later; what it has done so far must not be lost for that.
            _log.warning("job %s: progress not noted: %s", self.id, error)
        self.check()

    def cancel(self) -> None:
        """Let the next report, check or session end the job; for the worker, from any thread."""
        self._stop = self._stop or _Stop.CANCEL

    def interrupt(self, *, lost: bool = False) -> None:
        """Let the next report, check or session leave the job to another attempt; for the worker."""
        self._stop = self._stop or (_Stop.LOST if lost else _Stop.GIVE_BACK)


class _JobCompute:
    """The worker's compute, which looks now and then whether this job is to stop."""

    def __init__(self, compute: Compute, check: Callable[[], None]) -> None:
        self._compute = compute
        self._check = check

    @property
    def label(self) -> str:
        return self._compute.label

    def map(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        on_done: Callable[[int, Result], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[Result]:
        def both() -> None:
            self._check()
            if check is not None:
                check()

        return self._compute.map(function, chunks, on_done=on_done, check=both)

    def close(self) -> None:
        """Nothing: the processes belong to the worker."""
