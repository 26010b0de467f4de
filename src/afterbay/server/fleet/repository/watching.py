"""Who was there when: sessions, heartbeats, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.fleet.tables import AgentSession, EventRow, HeartbeatRow

__all__ = ["WatchRepository"]


class WatchRepository(Repository):
    """Asks and fills `agent_sessions`, `heartbeats` and `events`."""

    def save_sessions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add or close sessions; one that was closed stays closed."""
        if rows:
            added = insert(AgentSession)
            ended = {
                "disconnected_at": func.coalesce(AgentSession.disconnected_at, added.excluded.disconnected_at),
                "reason": added.excluded.reason,
            }
            still_open = AgentSession.disconnected_at.is_(None)
            self.session.execute(
                added.on_conflict_do_update(index_elements=["id"], set_=ended, where=still_open), list(rows)
            )

    def close_sessions(self, now: datetime, reason: str) -> int:
        """Close the sessions that an earlier run of the headend left open."""
        closed = update(AgentSession).where(AgentSession.disconnected_at.is_(None))
        done = self.session.execute(closed.values(disconnected_at=now, reason=reason))
        return int(getattr(done, "rowcount", 0))

    def save_heartbeats(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add heartbeats; the same one twice is one."""
        if rows:
            self.session.execute(insert(HeartbeatRow).on_conflict_do_nothing(), list(rows))

    def save_events(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add events; the same one twice is one."""
        if rows:
            self.session.execute(insert(EventRow).on_conflict_do_nothing(), list(rows))

    def heartbeats(
        self, asset_id: UUID, since: datetime | None, until: datetime | None, limit: int
    ) -> Sequence[datetime]:
        """Return the times of heartbeats, newest first."""
        query = select(HeartbeatRow.ts).where(HeartbeatRow.asset_id == asset_id)
        query = _within(query, HeartbeatRow.ts, since, until)
        return self.session.scalars(query.order_by(HeartbeatRow.ts.desc()).limit(limit)).all()

    def events(
        self, asset_id: UUID | None, since: datetime | None, until: datetime | None, limit: int
    ) -> Sequence[EventRow]:
        """Return events, newest first."""
        query = _within(select(EventRow), EventRow.ts, since, until)
        if asset_id is not None:
            query = query.where(EventRow.asset_id == asset_id)
        return self.session.scalars(query.order_by(EventRow.ts.desc(), EventRow.id).limit(limit)).all()


def _within(query: Any, column: Any, since: datetime | None, until: datetime | None) -> Any:
    if since is not None:
        query = query.where(column >= since)
    return query if until is None else query.where(column < until)
