"""Sites and assets: kept equal to the YAML, which is the source."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.fleet.tables import (
    AgentSession,
    AssetRow,
    Dispatch,
    DispatchChange,
    EventRow,
    HeartbeatRow,
    SiteRow,
    Telemetry,
)

__all__ = ["InventoryRepository"]

_ALL = ", ".join(
    table.__tablename__
    for table in (SiteRow, AssetRow, Telemetry, Dispatch, DispatchChange, AgentSession, HeartbeatRow, EventRow)
)


class InventoryRepository(Repository):
    """Asks and changes `sites` and `assets`."""

    def save(self, sites: Sequence[Mapping[str, Any]], assets: Sequence[Mapping[str, Any]]) -> None:
        """Add or change these sites and assets; one that had been removed is back."""
        for table, rows in ((SiteRow, sites), (AssetRow, assets)):
            if not rows:
                continue
            added = insert(table)
            changed = {name: added.excluded[name] for name in rows[0] if name != "id"} | {"removed_at": None}
            self.session.execute(added.on_conflict_do_update(index_elements=["id"], set_=changed), list(rows))

    def mark_removed(self, kept_sites: Collection[UUID], kept_assets: Collection[UUID], now: datetime) -> list[UUID]:
        """Note which are no longer in the YAML; returns the assets that are newly gone. Their history stays."""
        gone = self.session.scalars(
            update(AssetRow)
            .where(AssetRow.id.not_in(kept_assets), AssetRow.removed_at.is_(None))
            .values(removed_at=now)
            .returning(AssetRow.id)
        ).all()
        self.session.execute(
            update(SiteRow).where(SiteRow.id.not_in(kept_sites), SiteRow.removed_at.is_(None)).values(removed_at=now)
        )
        return list(gone)

    def prune(self, kept_sites: Collection[UUID], kept_assets: Collection[UUID]) -> dict[str, int]:
        """Delete what belongs to assets and sites that are not kept; returns the number of rows by table."""
        counts: dict[str, int] = {}
        for table in (Telemetry, Dispatch, AgentSession, HeartbeatRow, EventRow):
            gone = table.asset_id.not_in(kept_assets)
            counts[table.__tablename__] = self._delete(delete(table).where(gone, table.asset_id.is_not(None)))
        # Commands for a site or group that means nobody any more.
        nobody = ~Dispatch.asset_ids.overlap(list(kept_assets))
        counts["dispatches"] += self._delete(delete(Dispatch).where(Dispatch.asset_id.is_(None), nobody))
        known = select(Dispatch.id)
        counts["dispatch_changes"] = self._delete(
            delete(DispatchChange).where(DispatchChange.dispatch_id.not_in(known))
        )
        counts["assets"] = self._delete(delete(AssetRow).where(AssetRow.id.not_in(kept_assets)))
        counts["sites"] = self._delete(delete(SiteRow).where(SiteRow.id.not_in(kept_sites)))
        return counts

    def empty(self) -> None:
        """Delete every row of the fleet's tables, and of no others (RESET_DB)."""
        self.session.execute(text(f"TRUNCATE {_ALL} RESTART IDENTITY CASCADE"))

    def has_rows(self) -> bool:
        """Is there an asset?"""
        return bool(self.session.scalar(select(func.count()).select_from(AssetRow)))

    def _delete(self, statement: Any) -> int:
        return int(getattr(self.session.execute(statement), "rowcount", 0))
