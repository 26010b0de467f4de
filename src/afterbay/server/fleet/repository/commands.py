"""Commands: as they stand, and every step of their lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.fleet.tables import Dispatch, DispatchChange

__all__ = ["CommandRepository"]


class CommandRepository(Repository):
    """Asks and fills `dispatches` and `dispatch_changes`."""

    def save(self, rows: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]) -> None:
        """Add or change commands; an older state never replaces a newer one, and a step is kept once."""
        if rows:
            added = insert(Dispatch)
            changed = {name: added.excluded[name] for name in rows[0] if name != "id"}
            newer = added.excluded.updated_at >= Dispatch.updated_at
            self.session.execute(
                added.on_conflict_do_update(index_elements=["id"], set_=changed, where=newer), list(rows)
            )
        if changes:
            self.session.execute(insert(DispatchChange).on_conflict_do_nothing(), list(changes))

    def open(self) -> list[dict[str, Any]]:
        """Return the documents of the commands that were not over, oldest first."""
        query = select(Dispatch.document).where(~Dispatch.is_final, Dispatch.document.is_not(None))
        return [document for document in self.session.scalars(query.order_by(Dispatch.submitted_at)) if document]

    def finished(self, limit: int) -> list[dict[str, Any]]:
        """Return the documents of the last commands that are over, oldest first."""
        query = select(Dispatch.document).where(Dispatch.is_final, Dispatch.document.is_not(None))
        newest = self.session.scalars(query.order_by(Dispatch.submitted_at.desc()).limit(limit))
        return [document for document in reversed(newest.all()) if document]

    def find(self, command_id: UUID) -> Dispatch | None:
        """Return a command."""
        return self.session.get(Dispatch, command_id)

    def changes(self, command_id: UUID) -> Sequence[DispatchChange]:
        """Return the steps of a command, oldest first."""
        query = select(DispatchChange).where(DispatchChange.dispatch_id == command_id)
        return self.session.scalars(query.order_by(DispatchChange.at, DispatchChange.id)).all()

    def history(
        self,
        *,
        asset_id: UUID | None,
        site_id: UUID | None,
        since: datetime | None,
        until: datetime | None,
        limit: int,
    ) -> Sequence[Dispatch]:
        """Return commands, newest first."""
        query = select(Dispatch)
        if asset_id is not None:
            query = query.where(or_(Dispatch.asset_id == asset_id, Dispatch.asset_ids.contains([asset_id])))
        if site_id is not None:
            query = query.where(Dispatch.site_id == site_id)
        if since is not None:
            query = query.where(Dispatch.submitted_at >= since)
        if until is not None:
            query = query.where(Dispatch.submitted_at < until)
        return self.session.scalars(query.order_by(Dispatch.submitted_at.desc(), Dispatch.id).limit(limit)).all()
