"""Rows of the fleet. The documents' tables and columns keep their names (`soc_mwhr`, `current_mw`, `ts`).

Power in MW, + leaves the asset; energy in MWh; times in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from afterbay.server.db import Base

__all__ = ["AgentSession", "AssetRow", "Dispatch", "DispatchChange", "EventRow", "HeartbeatRow", "SiteRow", "Telemetry"]

_TIME = DateTime(timezone=True)
_EMPTY = text("'{}'::jsonb")


class SiteRow(Base):
    """A site, as the YAML names it; one that was removed there keeps its row and its history."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text, server_default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    removed_at: Mapped[datetime | None] = mapped_column(_TIME)


class AssetRow(Base):
    """An asset, as the YAML names it; one that was removed there keeps its row and its history."""

    __tablename__ = "assets"
    __table_args__ = (Index(None, "site_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text, server_default="")
    asset_type: Mapped[str] = mapped_column(Text, server_default="storage")
    capacity_mwhr: Mapped[float] = mapped_column(Double)
    max_mw: Mapped[float] = mapped_column(Double)
    min_mw: Mapped[float] = mapped_column(Double)
    efficiency: Mapped[float] = mapped_column(Double)
    ramp_rate_mw_per_min: Mapped[float] = mapped_column(Double)
    min_soc_pct: Mapped[float] = mapped_column(Double, server_default="0")
    max_soc_pct: Mapped[float] = mapped_column(Double, server_default="100")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=_EMPTY)
    """Every other key of the YAML."""
    removed_at: Mapped[datetime | None] = mapped_column(_TIME)


class Telemetry(Base):
    """One sample of one asset. Partitioned by time (`partitions`), or a hypertable where Timescale is offered.

    No foreign key: checking it for every sample costs half the speed, and an asset's row is never deleted while
    it has samples. The primary key read backwards finds the newest sample of an asset.
    """

    __tablename__ = "telemetry"
    __table_args__ = (
        Index("ix_telemetry_ts_brin", "ts", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (ts)"},
    )

    asset_id: Mapped[UUID] = mapped_column(primary_key=True)
    ts: Mapped[datetime] = mapped_column(_TIME, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default="0", autoincrement=False)
    """Of the agent; 0 from an agent of the original, below 0 in rows of an adopted database."""
    site_id: Mapped[UUID | None]
    soc_mwhr: Mapped[float | None] = mapped_column(Double)
    soc_pct: Mapped[float | None] = mapped_column(Double)
    capacity_mwhr: Mapped[float | None] = mapped_column(Double)
    current_mw: Mapped[float] = mapped_column(Double)
    setpoint_mw: Mapped[float | None] = mapped_column(Double)
    max_mw: Mapped[float] = mapped_column(Double)
    min_mw: Mapped[float] = mapped_column(Double)
    status: Mapped[str] = mapped_column(Text)
    asset_type: Mapped[str] = mapped_column(Text, server_default="storage")
    online: Mapped[bool] = mapped_column(server_default=text("true"))
    fault_code: Mapped[str | None] = mapped_column(Text)
    limited_by: Mapped[str | None] = mapped_column(Text)
    quality: Mapped[str] = mapped_column(Text, server_default="good")
    origin: Mapped[str] = mapped_column(Text, server_default="unknown")
    lease_id: Mapped[str | None] = mapped_column(Text)
    energy_in_mwh: Mapped[float | None] = mapped_column(Double)
    energy_out_mwh: Mapped[float | None] = mapped_column(Double)
    available_charge_mw: Mapped[float | None] = mapped_column(Double)
    available_discharge_mw: Mapped[float | None] = mapped_column(Double)
    temperature_c: Mapped[float | None] = mapped_column(Double)
    soh_pct: Mapped[float | None] = mapped_column(Double)
    cycle_count: Mapped[float | None] = mapped_column(Double)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    received_at: Mapped[datetime | None] = mapped_column(_TIME)


class Dispatch(Base):
    """A command as it stands now; `dispatch_changes` has how it came to that."""

    __tablename__ = "dispatches"
    __table_args__ = (
        Index(None, "submitted_at"),
        Index("ix_dispatches_asset_ids", "asset_ids", postgresql_using="gin"),
        # Few commands are open; they are what a restart asks for.
        Index("ix_dispatches_open", "updated_at", postgresql_where=text("NOT is_final")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID | None]
    """Of a command for one asset."""
    site_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    asset_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    """Every asset that the command means."""
    mw: Mapped[float] = mapped_column(Double)
    requested_mw: Mapped[float] = mapped_column(Double)
    clamped: Mapped[bool] = mapped_column(server_default=text("false"))
    duration_s: Mapped[float | None] = mapped_column(Double)
    status: Mapped[str] = mapped_column(Text, server_default="accepted")
    state: Mapped[str] = mapped_column(Text)
    is_final: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text, server_default="operator")
    note: Mapped[str] = mapped_column(Text, server_default="")
    submitted_at: Mapped[datetime] = mapped_column(_TIME)
    updated_at: Mapped[datetime] = mapped_column(_TIME)
    acked_at: Mapped[datetime | None] = mapped_column(_TIME)
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The command in full, as the headend takes it back; None in rows of an adopted database."""


class DispatchChange(Base):
    """One step in the life of a command; never rewritten."""

    __tablename__ = "dispatch_changes"
    __table_args__ = (
        # A step that is written again after a failure is still one step.
        UniqueConstraint("dispatch_id", "asset_id", "at", "state", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    dispatch_id: Mapped[UUID]
    asset_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(_TIME)
    state: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, server_default="")


class AgentSession(Base):
    """One time that an asset was served by a stream."""

    __tablename__ = "agent_sessions"
    __table_args__ = (Index(None, "asset_id", "connected_at"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    asset_id: Mapped[UUID]
    peer: Mapped[str] = mapped_column(Text)
    gateway_id: Mapped[str] = mapped_column(Text, server_default="")
    connected_at: Mapped[datetime] = mapped_column(_TIME)
    disconnected_at: Mapped[datetime | None] = mapped_column(_TIME)
    reason: Mapped[str] = mapped_column(Text, server_default="")


class HeartbeatRow(Base):
    """An asset's agent was alive."""

    __tablename__ = "heartbeats"

    asset_id: Mapped[UUID] = mapped_column(primary_key=True)
    ts: Mapped[datetime] = mapped_column(_TIME, primary_key=True)


class EventRow(Base):
    """Something that happened to an asset."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "asset_id", "ts"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    asset_id: Mapped[UUID | None]
    """None: of the headend itself."""
    site_id: Mapped[UUID | None]
    ts: Mapped[datetime] = mapped_column(_TIME)
    event_type: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text, server_default="")
