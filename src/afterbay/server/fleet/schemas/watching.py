"""Who is there, and what happened, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from afterbay.server.units import Identity, Line

if TYPE_CHECKING:
    from afterbay.fleet.headend import AgentRow
    from afterbay.fleet.headend.api import HeadendHealth
    from afterbay.fleet.messages import Event
    from afterbay.server.fleet.service import FleetHealth

__all__ = ["EVENT_EXAMPLE", "AgentOut", "EventIn", "EventOut", "HealthOut", "SessionOut"]

EVENT_EXAMPLE: dict[str, Any] = {
    "asset_id": "176e59bb-00b4-5034-b0b3-3de833540634", "event_type": "INSPECTION", "severity": "info",
    "message": "fans replaced",
}  # fmt: skip


class SessionOut(BaseModel):
    """One time that an asset was served by a stream."""

    peer: str
    gateway_id: str
    connected_at: datetime
    disconnected_at: datetime | None
    reason: str


class AgentOut(BaseModel):
    """One configured asset and who serves it; also one that never connected."""

    asset_id: str
    asset_name: str
    site_id: str
    site_name: str
    peer: str | None
    gateway_id: str | None
    connected: bool
    connected_at: datetime | None
    last_seen: datetime | None
    last_heartbeat: datetime | None
    protocol: int | None
    software: str
    reconnects: int
    tick_s: float | None = Field(description="Time between two samples, as the agent says [s]")
    clock_skew_s: float | None = Field(description="How far the agent's clock is ahead of the headend's [s]")
    sessions: list[SessionOut] = Field(description="Newest first, at most five, at most one of them open")

    @classmethod
    def of(cls, row: AgentRow) -> AgentOut:
        """Return a row for the wire."""
        sessions = [
            SessionOut(
                peer=session.peer,
                gateway_id=session.gateway_id,
                connected_at=session.connected_at,
                disconnected_at=session.disconnected_at,
                reason=session.reason,
            )
            for session in row.sessions
        ]
        names = cls.model_fields.keys() - {"sessions"}
        return cls(**{name: getattr(row, name) for name in names}, sessions=sessions)


class EventIn(BaseModel):
    """Something that a person or another system saw."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [EVENT_EXAMPLE]})

    asset_id: Identity
    event_type: Line = Field(min_length=1)
    severity: Literal["info", "warning", "alarm", "critical"] = "warning"
    message: Line = ""


class EventOut(BaseModel):
    """Something that happened."""

    id: str
    asset_id: str | None
    site_id: str | None
    timestamp: datetime
    event_type: str
    severity: str
    message: str

    @classmethod
    def of(cls, event: Event) -> EventOut:
        """Return an event for the wire."""
        return cls(
            id=event.id,
            asset_id=event.asset_id or None,
            site_id=event.site_id or None,
            timestamp=event.timestamp,
            event_type=event.event_type,
            severity=event.severity,
            message=event.message,
        )


class HealthOut(BaseModel):
    """How the headend is; degraded: it works, and something is wrong."""

    status: Literal["ok", "degraded"]
    db: str
    db_error: str
    db_failing_since: datetime | None
    buffered_bytes: int = Field(description="Waits on disk for the database")
    samples_written: int
    samples_rejected: int
    streams: int
    assets: int
    assets_connected: int
    samples_received: int
    samples_duplicate: int
    samples_refused: int
    samples_waiting: int
    recorder_failing_since: datetime | None
    recorder_error: str
    commands_open: int
    subscribers: int

    @classmethod
    def of(cls, health: FleetHealth, figures: HeadendHealth) -> HealthOut:
        """Return the health for the wire."""
        ok = health.is_ok and figures.recorder_failing_since is None
        names = (
            "streams", "assets", "assets_connected", "samples_received", "samples_duplicate", "samples_refused",
            "samples_waiting", "recorder_failing_since", "recorder_error", "commands_open", "subscribers",
        )  # fmt: skip
        return cls(
            status="ok" if ok else "degraded",
            db=health.database,
            db_error=health.error,
            db_failing_since=health.failing_since,
            buffered_bytes=health.buffered_bytes,
            samples_written=health.samples_written,
            samples_rejected=health.rejected,
            **{name: getattr(figures, name) for name in names},
        )
