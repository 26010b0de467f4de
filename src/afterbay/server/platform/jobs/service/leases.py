"""What a worker does with jobs: takes, holds, reports and ends them.

Every change names the lease of the attempt. A worker that was silent for too long has lost its lease to the next
attempt, and whatever it writes then finds no row: nothing is done twice.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from afterbay.core.errors import UnavailableError
from afterbay.server.db import session_scope
from afterbay.server.platform.jobs.bodies import tell, tell_finished
from afterbay.server.platform.jobs.queue import defer_ticket
from afterbay.server.platform.jobs.repository import NOW, JobRepository
from afterbay.server.platform.jobs.service.records import error_record, principal_of, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.jobs.bodies import Ended
    from afterbay.server.platform.jobs.tables import JobRow
    from afterbay.server.platform.jobs.view import JobView
    from afterbay.server.principal import Principal

__all__ = ["LeaseLostError", "Leases", "RetryRule", "Taken", "forget_jobs", "is_passing"]


class LeaseLostError(Exception):
    """This attempt no longer holds its job."""


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often, and after how long, a job is run again whose attempt met a passing fault or a dead worker."""

    most_failures: int = 5
    first_s: float = 1.0
    longest_s: float = 120.0

    def delay_s(self, failures: int) -> float:
        """Return how long the next attempt waits [s]: doubled each time."""
        return float(min(self.first_s * 2.0 ** (failures - 1), self.longest_s))


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that this worker runs now."""

    id: UUID
    lease: UUID
    task: str
    args: dict[str, Any]
    principal: Principal
    attempt: int


def is_passing(error: BaseException) -> bool:
    """Tell whether the same job may do better later: another system failed, not the input and not the program."""
    if isinstance(error, UnavailableError | OperationalError | InterfaceError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def forget_jobs(session: Session, before: datetime) -> int:
    """Delete jobs that ended before a moment; returns how many."""
    return JobRepository(session).forget(before)


class Leases:
    """The worker's door to the table of jobs; every method is one transaction."""

    def __init__(
        self, sessions: sessionmaker[Session], rule: RetryRule | None = None, on_finished: Ended | None = None
    ) -> None:
        self._sessions = sessions
        self._rule = rule or RetryRule()
        self._on_finished = on_finished

    def take(self, job_id: UUID, ticket: int) -> Taken | None:
        """Begin a job with its ticket; None: it was cancelled, or has another ticket now."""
        with self._jobs() as jobs:
            row = jobs.take(job_id, ticket, uuid4())
            if row is None or row.lease is None:
                return None
            return Taken(row.id, row.lease, row.task, row.args, principal_of(row.principal), row.attempts)

    def beat(self, leases: Sequence[UUID]) -> dict[UUID, bool]:
        """Note that attempts are alive; returns of those that still hold their job, whether it shall stop."""
        with self._jobs() as jobs:
            return jobs.beat(leases)

    def report(self, lease: UUID, progress: float, message: str, eta_s: float | None) -> bool:
        """Note how far an attempt is; returns whether it shall stop.

        Raises:
            LeaseLostError: If it no longer holds its job.
        """
        with self._jobs() as jobs:
            row = jobs.change_held(lease, progress=progress, message=message, eta_s=eta_s)
            if row is None:
                raise LeaseLostError
            return row.cancel_requested

    @contextmanager
    def fenced(self, lease: UUID) -> Iterator[Session]:
        """Give a session that commits only if the attempt still holds its job then.

        Raises:
            LeaseLostError: If it does not.
        """
        with session_scope(self._sessions) as session:
            yield session
            session.flush()
            # Last of all, so that the row is locked no longer than the commit takes.
            if not JobRepository(session).holds(lease):
                raise LeaseLostError

    def succeed(self, lease: UUID, result: dict[str, Any]) -> JobView | None:
        """End a job well; None: it is not this attempt's any longer."""
        return self._end(lease, state="succeeded", progress=1.0, result=result, error=None, message="")

    def cancel(self, lease: UUID) -> JobView | None:
        """End a job that somebody cancelled; None: it is not this attempt's any longer."""
        return self._end(lease, state="cancelled", message="")

    def fail(self, lease: UUID, error: BaseException) -> JobView | None:
        """End an attempt that failed: the job waits for the next one, or is over.

        None: it is not this attempt's any longer.
        """
        with self._jobs() as jobs:
            row = jobs.change_held(lease, error=error_record(error))
            if row is None:
                return None
            if not is_passing(error):
                return self._ended(jobs, row, state="failed")
            return self._again(jobs, row, "failed")

    def give_back(self, lease: UUID) -> JobView | None:
        """Put a job back into the queue that this worker cannot finish; the attempt does not count as a failure."""
        with self._jobs() as jobs:
            row = jobs.change_held(lease)
            if row is None:
                return None
            if row.cancel_requested:
                return self._ended(jobs, row, state="cancelled", message="")
            return self._queued(jobs, row, at=None)

    def recover(self, stalled_s: float) -> list[JobView]:
        """Bring back the jobs of workers that were silent for `stalled_s` [s]; returns what became of them."""
        died = UnavailableError("the worker that ran this job stopped without a word")
        with self._jobs() as jobs:
            found = []
            for row in jobs.stalled(stalled_s):
                if row.cancel_requested:
                    found.append(self._ended(jobs, row, state="cancelled", message=""))
                else:
                    row = jobs.change(row.id, error=error_record(died))
                    found.append(self._again(jobs, row, "its worker died"))
            for job_id in jobs.lost(stalled_s):
                lost = jobs.find(job_id)
                if lost is not None:
                    found.append(self._queued(jobs, lost, at=lost.not_before))
            return found

    def _end(self, lease: UUID, **columns: Any) -> JobView | None:
        with self._jobs() as jobs:
            row = jobs.change_held(lease)
            return None if row is None else self._ended(jobs, row, **columns)

    def _ended(self, jobs: JobRepository, row: JobRow, **columns: Any) -> JobView:
        ended = view_of(jobs.change(row.id, lease=None, ticket=None, eta_s=None, finished_at=NOW, **columns))
        tell_finished(jobs.session, ended)
        if self._on_finished is not None:
            tell(self._on_finished, jobs.session, ended)
        return ended

    def _again(self, jobs: JobRepository, row: JobRow, why: str) -> JobView:
        failures = row.failures + 1
        if failures >= self._rule.most_failures:
            detail = f"{why} {failures} times: {(row.error or {}).get('detail', '')}"
            error = {**(row.error or {}), "detail": detail}
            return self._ended(jobs, row, state="failed", failures=failures, error=error, message="")
        delay = timedelta(seconds=self._rule.delay_s(failures))
        return self._queued(jobs, row, at=datetime.now(UTC) + delay, failures=failures)

    def _queued(self, jobs: JobRepository, row: JobRow, *, at: datetime | None, **columns: Any) -> JobView:
        ticket = defer_ticket(jobs.session, row.id, at=at)
        return view_of(
            jobs.change(
                row.id, state="queued", lease=None, ticket=ticket, not_before=at, eta_s=None, progress=0.0,
                message="", **columns,
            )
        )  # fmt: skip

    @contextmanager
    def _jobs(self) -> Iterator[JobRepository]:
        with session_scope(self._sessions) as session:
            yield JobRepository(session)
