"""Questions to the table of jobs, and its changes; every change is announced on `CHANNEL` when it commits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.platform.jobs.tables import JobRow
from afterbay.server.platform.jobs.view import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.server.rest.paging import PageRequest, Slice

__all__ = ["NOW", "JobRepository", "Wanted"]

NOW: Final = func.clock_timestamp()
"""The clock of the database, which all workers share."""

# A queued job whose ticket nobody will honour: it was taken by a worker that died before it began, or is gone.
_LOST_TICKETS: Final = """
SELECT jobs.id FROM jobs
LEFT JOIN procrastinate_jobs AS ticket ON ticket.id = jobs.ticket
LEFT JOIN procrastinate_workers AS worker ON worker.id = ticket.worker_id
WHERE jobs.state = 'queued' AND jobs.changed_at < clock_timestamp() - make_interval(secs => :stalled_s)
  AND (ticket.id IS NULL OR ticket.status NOT IN ('todo', 'doing')
       OR (ticket.status = 'doing' AND (worker.id IS NULL
           OR worker.last_heartbeat < clock_timestamp() - make_interval(secs => :stalled_s))))
FOR UPDATE OF jobs SKIP LOCKED
"""
_OLD_TICKETS: Final = """
DELETE FROM procrastinate_jobs AS ticket
WHERE (ticket.status NOT IN ('todo', 'doing') OR (ticket.status = 'doing' AND ticket.worker_id IS NULL))
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.ticket = ticket.id AND jobs.state = 'queued')
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs are looked for; None does not narrow it."""

    owner_id: UUID | None = None
    state: str | None = None
    task: str | None = None
    module: str | None = None
    modules: frozenset[str] | None = None
    """Only jobs of these modules."""
    resource_id: UUID | None = None


class JobRepository(Repository):
    """Asks and changes `jobs`."""

    def add(self, columns: Mapping[str, Any]) -> UUID | None:
        """Add a job; returns None if its owner has one with this key."""
        statement = (
            insert(JobRow)
            .values(**columns)
            .on_conflict_do_nothing(index_elements=["owner_id", "key"], index_where=text("key IS NOT NULL"))
        )
        return self.session.execute(statement.returning(JobRow.id)).scalar_one_or_none()

    def of_key(self, owner_id: UUID, key: str) -> JobRow | None:
        """Return the job that somebody started under a key."""
        return self.session.scalars(select(JobRow).where(JobRow.owner_id == owner_id, JobRow.key == key)).one_or_none()

    def find(self, job_id: UUID, *, lock: bool = False) -> JobRow | None:
        """Return a job; `lock`: nobody changes it before the transaction ends."""
        query = select(JobRow).where(JobRow.id == job_id).execution_options(populate_existing=True)
        return self.session.scalars(query.with_for_update() if lock else query).one_or_none()

    def page(self, wanted: Wanted, page: PageRequest) -> Slice[JobRow]:
        """Return jobs, newest first."""
        # A worker has no pages, and no use for what they bring along.
        from afterbay.server.rest.paging import Order, Sort, fetch_page

        order = Order(Sort("created_at", descending=True), JobRow.created_at, JobRow.id)
        return fetch_page(self.session, _narrowed(wanted), page, order)

    def unfinished(self, wanted: Wanted, *, limit: int) -> Sequence[JobRow]:
        """Return jobs that are not over, in the order of their changes."""
        query = _narrowed(wanted).where(JobRow.state.in_(("queued", "running")))
        return self.session.scalars(query.order_by(JobRow.changed_at, JobRow.id).limit(limit)).all()

    def changed(self, wanted: Wanted, *, since: datetime, limit: int) -> Sequence[JobRow]:
        """Return jobs that changed after a moment, in the order of their changes."""
        query = _narrowed(wanted).where(JobRow.changed_at > since)
        return self.session.scalars(query.order_by(JobRow.changed_at, JobRow.id).limit(limit)).all()

    def change(self, job_id: UUID, **columns: Any) -> JobRow:
        """Change a job that the session has locked."""
        return self._changed(JobRow.id == job_id, columns, owed=True)  # type: ignore[return-value]

    def take(self, job_id: UUID, ticket: int, lease: UUID) -> JobRow | None:
        """Begin a queued job for the holder of its present ticket; None: the ticket is worthless."""
        columns = {
            "state": "running", "lease": lease, "heartbeat_at": NOW, "started_at": NOW, "finished_at": None,
            "attempts": JobRow.attempts + 1, "progress": 0.0, "message": "", "eta_s": None, "not_before": None,
        }  # fmt: skip
        return self._changed(
            and_(JobRow.id == job_id, JobRow.state == "queued", JobRow.ticket == ticket), columns, owed=False
        )

    def change_held(self, lease: UUID, **columns: Any) -> JobRow | None:
        """Change the job that an attempt holds; None: it does not hold it any longer."""
        return self._changed(JobRow.lease == lease, columns, owed=False)

    def beat(self, leases: Sequence[UUID]) -> dict[UUID, bool]:
        """Note that attempts are alive; returns of those that still hold their job, whether it shall stop."""
        statement = update(JobRow).where(JobRow.lease.in_(leases)).values(heartbeat_at=NOW)
        rows = self.session.execute(statement.returning(JobRow.lease, JobRow.cancel_requested))
        return {lease: asked for lease, asked in rows if lease is not None}

    def holds(self, lease: UUID) -> bool:
        """Tell whether an attempt holds its job, and let nobody take it away before the transaction ends."""
        query = select(JobRow.id).where(JobRow.lease == lease).with_for_update(read=True)
        return self.session.execute(query).first() is not None

    def stalled(self, seconds: float) -> Sequence[JobRow]:
        """Return, locked, running jobs that gave no sign of life for some time [s]."""
        silent = JobRow.heartbeat_at < NOW - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        query = select(JobRow).where(JobRow.state == "running", silent).with_for_update(skip_locked=True)
        return self.session.scalars(query.execution_options(populate_existing=True)).all()

    def lost(self, seconds: float) -> Sequence[UUID]:
        """Return, locked, queued jobs whose ticket nobody will honour."""
        return self.session.scalars(text(_LOST_TICKETS), {"stalled_s": seconds}).all()

    def forget(self, before: datetime) -> int:
        """Delete jobs that ended before a moment, and tickets that are worth nothing; returns the number of jobs."""
        statement = delete(JobRow).where(JobRow.finished_at < before, JobRow.lease.is_(None)).returning(JobRow.id)
        gone = len(self.session.scalars(statement).all())
        self.session.execute(text(_OLD_TICKETS))
        return gone

    def announce(self, row: JobRow) -> None:
        """Tell whoever listens about a job, when the session commits."""
        payload = json.dumps(
            {"id": str(row.id), "owner": str(row.owner_id), "state": row.state, "version": row.version}
        )
        self.session.execute(select(func.pg_notify(CHANNEL, payload)))

    def _changed(self, which: Any, columns: Mapping[str, Any], *, owed: bool) -> JobRow | None:
        values = {**columns, "version": JobRow.version + 1, "changed_at": NOW}
        statement = update(JobRow).where(which).values(**values).returning(JobRow)
        found = self.session.scalars(statement, execution_options={"populate_existing": True})
        row = found.one() if owed else found.one_or_none()
        if row is not None:
            self.announce(row)
        return row


def _narrowed(wanted: Wanted) -> Any:
    query = select(JobRow)
    for column, value in (
        (JobRow.owner_id, wanted.owner_id), (JobRow.state, wanted.state), (JobRow.task, wanted.task),
        (JobRow.module, wanted.module), (JobRow.resource_id, wanted.resource_id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if wanted.modules is not None:
        query = query.where(JobRow.module.in_(wanted.modules))
    return query
