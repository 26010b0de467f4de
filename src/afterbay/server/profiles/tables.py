"""Rows of profiles. The table and columns of the sizing plan, section 4.1, keep their names and types."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Double, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["ProfileRow"]

_TIME = DateTime(timezone=True)


class ProfileRow(Base):
    """A series of mean power, its facts here and its values in the object store."""

    __tablename__ = "bess_profiles"
    __table_args__ = (
        Index("idx_bess_profiles_owner", "owner_id"),
        Index("idx_bess_profiles_created", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    owner_id: Mapped[UUID]
    profile_type: Mapped[str] = mapped_column(String(20))
    """solar, load."""
    name: Mapped[str] = mapped_column(String(255))
    source: Mapped[str | None] = mapped_column(String(50))
    """upload, generated, system."""
    stats: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    data_path: Mapped[str | None] = mapped_column(String(500))
    """Key of the Parquet file in the object store; None for a series of the library."""
    created_at: Mapped[datetime] = mapped_column(_TIME, server_default=func.current_timestamp())

    description: Mapped[str] = mapped_column(Text, server_default="")
    steps: Mapped[int] = mapped_column(server_default="0")
    dt_h: Mapped[float | None] = mapped_column(Double)
    """Step [h]; None: the file did not tell."""
    starts_at: Mapped[str | None] = mapped_column(String(40))
    """Start of the first step, ISO 8601; without a zone when none is known, None without a calendar."""
    capacity_mw: Mapped[float | None] = mapped_column(Double)
    """Of a modelled sun: the panels that the values stand for [MWp]."""
    size_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    values_hash: Mapped[str] = mapped_column(String(64), server_default="")
    """SHA-256 over the values as little-endian doubles."""
    data_hash: Mapped[str] = mapped_column(String(64), server_default="")
    """SHA-256 over the stored file."""
    import_report: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    assumptions: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a built series was built from."""
    recipe: Mapped[str | None] = mapped_column(String(100))
    """Name of a series of the program's own library, which is made anew when it is opened; None for all others."""
    version: Mapped[int] = mapped_column(server_default="1")
