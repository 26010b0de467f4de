"""Which objects belong to something: the row is written with the change that needs the object."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["StoredObject"]


class StoredObject(Base):
    """One object of the storage."""

    __tablename__ = "stored_objects"
    __table_args__ = (
        Index("idx_stored_objects_resource", "module", "resource_id"),
        Index("idx_stored_objects_released", "released_at", postgresql_where=text("released_at IS NOT NULL")),
    )

    key: Mapped[str] = mapped_column(String(1600), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    module: Mapped[str] = mapped_column(String(50))
    resource_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it was given up; the object itself goes later."""
