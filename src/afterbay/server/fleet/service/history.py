"""What the database remembers; every method blocks and belongs in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from afterbay.core.errors import AfterbayError, NotFoundError
from afterbay.fleet.commands import Change, Command, command_from_dict
from afterbay.fleet.messages import Event, Telemetry
from afterbay.server.db import session_scope
from afterbay.server.fleet.repository import CommandRepository, SampleRepository, WatchRepository

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from afterbay.server.fleet.service.span import Span
    from afterbay.server.fleet.tables import Dispatch

__all__ = ["Database"]


class Database:
    """Reads of the past. All raise `UnavailableError` when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._sessions: sessionmaker[Session] = sessionmaker(engine, expire_on_commit=False)

    def ping(self) -> None:
        """Make sure that it answers."""
        with session_scope(self._sessions) as session:
            session.execute(text("SELECT 1"))

    def samples(self, asset_id: str, span: Span, step_s: float | None) -> list[Telemetry]:
        """Return samples of an asset, or their means over steps."""
        with session_scope(self._sessions) as session:
            found = SampleRepository(session)
            return found.history(UUID(asset_id), span.since, span.until, limit=span.limit, step_s=step_s)

    def commands(self, span: Span, *, asset_id: str | None, site_id: str | None) -> list[Command]:
        """Return commands."""
        with session_scope(self._sessions) as session:
            rows = CommandRepository(session).history(
                asset_id=_maybe(asset_id),
                site_id=_maybe(site_id),
                since=span.since,
                until=span.until,
                limit=span.limit,
            )
        return [_command(row) for row in rows]

    def command(self, command_id: str) -> Command:
        """Return one command; `NotFoundError`."""
        with session_scope(self._sessions) as session:
            row = CommandRepository(session).find(_uuid(command_id, "command"))
        if row is None:
            raise NotFoundError(f"there is no command {command_id}")
        return _command(row)

    def heartbeats(self, asset_id: str, span: Span) -> list[datetime]:
        """Return the times of heartbeats."""
        with session_scope(self._sessions) as session:
            return list(WatchRepository(session).heartbeats(UUID(asset_id), span.since, span.until, span.limit))

    def events(self, asset_id: str | None, span: Span) -> list[Event]:
        """Return events."""
        with session_scope(self._sessions) as session:
            rows = WatchRepository(session).events(_maybe(asset_id), span.since, span.until, span.limit)
            return [
                Event(row.id, str(row.asset_id) if row.asset_id else "", str(row.site_id) if row.site_id else "",
                      row.ts, row.event_type, _severity(row.severity), row.message)
                for row in rows
            ]  # fmt: skip


def _severity(word: str) -> Any:
    return word if word in ("info", "warning", "alarm", "critical") else "warning"


def _maybe(text: str | None) -> UUID | None:
    return None if text is None else _uuid(text, "asset or site")


def _uuid(text: str, kind: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError(f"there is no {kind} {text}") from None


def _command(row: Dispatch) -> Command:
    """Return a row as a command; one of an adopted database has only what the original wrote."""
    if row.document is not None:
        try:
            return command_from_dict(row.document)
        except AfterbayError:
            pass  # written by another version: the columns still say the most of it
    state: Any = row.state
    return Command(
        id=str(row.id), key=str(row.id), digest="", seq=0, target="asset", target_id=str(row.asset_id or ""),
        requested_mw=row.requested_mw, mw=row.mw, clamped=row.clamped, reason=row.reason or "",
        submitted_at=row.submitted_at, actor=row.actor, state=state, duration_s=row.duration_s, note=row.note,
        members=tuple(str(asset_id) for asset_id in row.asset_ids),
        history=(Change(row.submitted_at, state, row.actor, row.reason or ""),),
    )  # fmt: skip
