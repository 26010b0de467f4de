"""The trail: rows that the database itself refuses to change or delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DDL, BigInteger, DateTime, Identity, Index, String, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["GUARD", "AuditEvent"]

GUARD = """
CREATE OR REPLACE FUNCTION audit_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER IF EXISTS audit_events_no_change ON audit_events;
CREATE TRIGGER audit_events_no_change BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();
DROP TRIGGER IF EXISTS audit_events_no_truncate ON audit_events;
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_are_kept();
"""
"""The triggers that make the table append-only."""


class AuditEvent(Base):
    """One thing that somebody did."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("idx_audit_events_resource", "module", "resource_id", "id"),
        Index("idx_audit_events_actor", "actor_id", "id"),
        Index("idx_audit_events_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    actor_id: Mapped[UUID]
    actor: Mapped[str] = mapped_column(String(320))
    """As the actor was called then."""
    module: Mapped[str] = mapped_column(String(50))
    action: Mapped[str] = mapped_column(String(100))
    resource_id: Mapped[str] = mapped_column(String(200), server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    before: Mapped[Any | None] = mapped_column(JSONB)
    after: Mapped[Any | None] = mapped_column(JSONB)
    address: Mapped[str] = mapped_column(String(100), server_default="")
    request_id: Mapped[str] = mapped_column(String(100), server_default="")


event.listen(AuditEvent.__table__, "after_create", DDL(GUARD))  # type: ignore[no-untyped-call]
