"""Adds to the trail and reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select

from afterbay.server.db import Repository
from afterbay.server.platform.audit.tables import AuditEvent

if TYPE_CHECKING:
    from sqlalchemy import Select

__all__ = ["AuditQuery", "AuditRepository"]


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What somebody looks for in the trail; what is None or empty does not narrow it."""

    actor_id: UUID | None = None
    actor: str = ""
    """Part of the actor's name then, in any case of letters."""
    module: str = ""
    action: str = ""
    """An action, or its beginning when it ends in a dot or a star."""
    resource_id: str = ""
    text: str = ""
    """Part of actor, action or resource."""
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository(Repository):
    """Asks and fills `audit_events`."""

    def append(self, **columns: Any) -> None:
        """Add one event; it becomes visible with the change that it tells of."""
        self.session.execute(insert(AuditEvent).values(**columns))

    def page(self, wanted: AuditQuery, *, before_id: int | None, limit: int) -> Sequence[AuditEvent]:
        """Return events, newest first, that are older than one of them."""
        query = _narrowed(select(AuditEvent), wanted)
        if before_id is not None:
            query = query.where(AuditEvent.id < before_id)
        return self.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit)).all()

    def actions(self) -> Sequence[tuple[str, str]]:
        """Return every module and action there has been."""
        query = select(AuditEvent.module, AuditEvent.action).distinct().order_by(AuditEvent.module, AuditEvent.action)
        return [(module, action) for module, action in self.session.execute(query)]


def _narrowed(query: Select[AuditEvent], wanted: AuditQuery) -> Select[AuditEvent]:
    if wanted.actor_id is not None:
        query = query.where(AuditEvent.actor_id == wanted.actor_id)
    if wanted.actor:
        query = query.where(_holds(AuditEvent.actor, wanted.actor))
    if wanted.module:
        query = query.where(AuditEvent.module == wanted.module)
    if wanted.action.endswith((".", "*")):
        query = query.where(AuditEvent.action.startswith(wanted.action.rstrip("*"), autoescape=True))
    elif wanted.action:
        query = query.where(AuditEvent.action == wanted.action)
    if wanted.resource_id:
        query = query.where(AuditEvent.resource_id == wanted.resource_id)
    if wanted.text:
        columns = (AuditEvent.actor, AuditEvent.action, AuditEvent.resource_id)
        query = query.where(or_(*(_holds(column, wanted.text) for column in columns)))
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    return query


def _holds(column: Any, part: str) -> Any:
    return func.lower(column).contains(part.lower(), autoescape=True)
