"""Writes and reads the trail; `log_action` belongs into the transaction of the change it tells of."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.server.platform.audit.repository import AuditQuery, AuditRepository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.audit.tables import AuditEvent
    from afterbay.server.principal import Principal

__all__ = ["AuditQuery", "AuditRecord", "all_events", "find_events", "known_actions", "log_action"]

_SECRET: Final = ("password", "secret", "token", "authorization", "cookie", "private_key")
_HIDDEN: Final = "***"
_LONGEST: Final = 2_000
_BLOCK: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event of the trail."""

    id: int
    at: datetime
    actor_id: UUID
    actor: str
    module: str
    action: str
    resource_id: str
    details: Mapping[str, Any]
    before: Any
    after: Any
    address: str
    request_id: str


def log_action(
    session: Session,
    principal: Principal,
    module: str,
    action: str,
    resource_id: object = "",
    details: Mapping[str, Any] | None = None,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Record that somebody did something, in the transaction of the session.

    Values under names that speak of secrets are hidden; of two mappings only what differs is kept.

    Args:
        session: The session of the change.
        principal: Who did it.
        module: Id of the module, or `platform`.
        action: Noun and verb, such as `project.created`.
        resource_id: What it was done to.
        details: More facts, as JSON.
        before: What the resource was.
        after: What it became.
    """
    was, became = _differing(_plain(before), _plain(after))
    AuditRepository(session).append(
        actor_id=principal.id,
        actor=principal.email[:320],
        module=module,
        action=action,
        resource_id=str(resource_id)[:200],
        details=_plain(dict(details or {})),
        before=was,
        after=became,
        address=principal.address[:100],
        request_id=principal.request_id[:100],
    )


def find_events(
    session: Session, wanted: AuditQuery, *, before_id: int | None = None, limit: int = 50
) -> list[AuditRecord]:
    """Return events, newest first; `before_id` is the last one of the page before."""
    return [_record(row) for row in AuditRepository(session).page(wanted, before_id=before_id, limit=limit)]


def all_events(session: Session, wanted: AuditQuery) -> Iterator[AuditRecord]:
    """Yield every event, newest first, block by block."""
    last: int | None = None
    while True:
        rows: Sequence[AuditEvent] = AuditRepository(session).page(wanted, before_id=last, limit=_BLOCK)
        for row in rows:
            yield _record(row)
        if len(rows) < _BLOCK:
            return
        last = rows[-1].id
        session.expunge_all()


def known_actions(session: Session) -> list[tuple[str, str]]:
    """Return every pair of module and action in the trail."""
    return list(AuditRepository(session).actions())


def _record(row: AuditEvent) -> AuditRecord:
    return AuditRecord(
        row.id, row.at, row.actor_id, row.actor, row.module, row.action, row.resource_id, row.details, row.before,
        row.after, row.address, row.request_id,
    )  # fmt: skip


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before, after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def _plain(value: Any, name: str = "") -> Any:
    """Return JSON that PostgreSQL takes, without secrets."""
    if value is None or isinstance(value, bool | int):
        return value
    if any(word in name.lower() for word in _SECRET):
        return _HIDDEN
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value.replace("\x00", "")[:_LONGEST]
    if isinstance(value, Mapping):
        return {str(key).replace("\x00", ""): _plain(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, name) for one in value]
    return json.loads(json.dumps(str(value)))
