"""The queue: procrastinate's tables, filled in the transaction of whoever has work.

A ticket stands in the queue for one attempt at a job. It carries nothing but the job's id; that a job's row names its
present ticket is what makes an older one worthless.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from procrastinate import exceptions
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from sqlalchemy import text

from afterbay.core.errors import UnavailableError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

__all__ = ["QUEUE", "RUN", "defer_ticket", "drop_ticket", "procrastinate_schema_sql"]

QUEUE: Final = "afterbay"
RUN: Final = "afterbay.run"
"""Name of the one task of procrastinate that there is: run the job with this id."""

# Never opened: every query is given the connection it runs on.
_manager: Final = JobManager(SyncPsycopgConnector())


def procrastinate_schema_sql() -> str:
    """Return the statements that make procrastinate's tables, types and functions; run them without parameters."""
    return SchemaManager.get_schema()


def defer_ticket(session: Session, job_id: UUID, *, at: datetime | None = None) -> int:
    """Put a job into the queue when the session commits; returns the number of its ticket.

    Args:
        session: Whose transaction the ticket belongs to.
        job_id: The job.
        at: When it may be taken (aware); None: at once.

    Raises:
        UnavailableError: If the database does not answer.
    """
    connection = session.connection().connection.driver_connection
    job = Job(
        id=None, queue=QUEUE, lock=None, queueing_lock=None, task_name=RUN, task_kwargs={"job_id": str(job_id)},
        scheduled_at=at,
    )  # fmt: skip
    try:
        ticket = _manager.defer_job(job, connection=connection).id
    except exceptions.ConnectorException as error:
        raise UnavailableError(f"the job could not be queued ({error.__cause__}) -> try again later") from error
    if ticket is None:
        raise UnavailableError("the job could not be queued: the database gave no number -> try again later")
    return ticket


def drop_ticket(session: Session, ticket: int | None) -> None:
    """Take a ticket that nobody took yet out of the queue."""
    if ticket is not None:
        session.execute(text("SELECT procrastinate_cancel_job_v1(:ticket, false, true)"), {"ticket": ticket})
