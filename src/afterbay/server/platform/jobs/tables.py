"""The state of every job; the queue itself (whose turn it is) is procrastinate's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DDL, BigInteger, CheckConstraint, DateTime, Index, String, event, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base
from afterbay.server.platform.jobs.queue import procrastinate_schema_sql

__all__ = ["JobRow"]


class JobRow(Base):
    """One job.

    `ticket` is its place in the queue, `lease` the attempt that runs it: whoever holds neither changes nothing.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (lease IS NOT NULL)", name="lease"),
        Index("uq_jobs_owner_key", "owner_id", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("idx_jobs_owner", "owner_id", "created_at", "id"),
        Index("idx_jobs_created", "created_at", "id"),
        Index("idx_jobs_resource", "module", "resource_id"),
        Index("idx_jobs_changed", "changed_at"),
        Index("idx_jobs_open", "state", "heartbeat_at", postgresql_where=text("state IN ('queued', 'running')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID]
    principal: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Who started it and what they might do then; the job runs in their name."""
    task: Mapped[str] = mapped_column(String(100))
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    module: Mapped[str] = mapped_column(String(50))
    resource_id: Mapped[UUID]
    key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), server_default="queued")
    progress: Mapped[float] = mapped_column(server_default="0")
    message: Mapped[str] = mapped_column(String(500), server_default="")
    eta_s: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    failures: Mapped[int] = mapped_column(server_default="0")
    """Attempts that ended in a passing fault or with a dead worker; too many of them end the job."""
    cancel_requested: Mapped[bool] = mapped_column(server_default=false())
    lease: Mapped[UUID | None] = mapped_column(unique=True)
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ticket: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    version: Mapped[int] = mapped_column(server_default="1")


# Of no use without the queue, as `create_all` would otherwise leave it.
event.listen(JobRow.__table__, "after_create", DDL(procrastinate_schema_sql().replace("%", "%%")))  # type: ignore[no-untyped-call]
