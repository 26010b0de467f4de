"""The database side of the recorder: everything blocking, called in threads, one call at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.errors import DataError as DriverDataError
from psycopg.errors import IntegrityError as DriverIntegrityError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import sessionmaker

from afterbay.core.errors import AfterbayError
from afterbay.fleet.commands.command import Command, command_from_dict
from afterbay.fleet.headend.api import Restored
from afterbay.fleet.inventory import to_entry
from afterbay.server.db import database_errors, session_scope
from afterbay.server.fleet.recorder.encoding import split_rows
from afterbay.server.fleet.recorder.parcel import Parcel
from afterbay.server.fleet.repository import (
    CommandRepository,
    InventoryRepository,
    SampleRepository,
    WatchRepository,
)
from afterbay.server.migrations import migrate
from afterbay.server.partitions import drop_partitions

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from afterbay.fleet.inventory import Asset, Inventory, Site

__all__ = ["Store"]

_log = logging.getLogger(__name__)
_REFUSALS = (DataError, IntegrityError, DriverDataError, DriverIntegrityError)
"""What a row brings upon itself; COPY goes past SQLAlchemy and raises the driver's own."""
_KEPT_FINISHED = 1000
"""As many as a headend remembers while it runs."""
_SITE_COLUMNS = ("id", "name", "location")
_ASSET_COLUMNS = (
    "id", "site_id", "name", "location", "asset_type", "capacity_mwhr", "max_mw", "min_mw", "efficiency",
    "ramp_rate_mw_per_min", "min_soc_pct", "max_soc_pct",
)  # fmt: skip


class Store:
    """Writes parcels and reads back what a headend must know after a restart."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = sessionmaker(engine)
        self._repeats = False
        self.rejected = 0
        """Samples that no database would take."""

    def prepare(self, inventory: Inventory, *, reset: bool, prune: bool, now: datetime) -> None:
        """Bring the database to today's shape and to the inventory.

        Raises:
            UnavailableError: If it does not answer.
        """
        with database_errors():
            migrate(self._engine)
        if reset:
            with session_scope(self._sessions) as session:
                InventoryRepository(session).empty()
            _log.warning("RESET_DB: the fleet's tables are empty now")
        self.reconcile(inventory, prune=prune, now=now)
        self.make_partitions(now)
        with session_scope(self._sessions) as session:
            WatchRepository(session).close_sessions(now, "the headend was not running")

    def reconcile(self, inventory: Inventory, *, prune: bool, now: datetime) -> None:
        """Make `sites` and `assets` equal to the inventory; what it does not name keeps its rows unless `prune`."""
        sites = [UUID(site.id) for site in inventory.sites]
        assets = [UUID(asset.id) for asset in inventory.assets]
        with session_scope(self._sessions) as session:
            known = InventoryRepository(session)
            known.save([_site_row(site) for site in inventory.sites], [_asset_row(asset) for asset in inventory.assets])
            gone = known.mark_removed(sites, assets, now)
            counts = known.prune(sites, assets) if prune else {}
        if gone and not prune:
            _log.info("%d assets are no longer in the inventory; their history stays", len(gone))
        if any(counts.values()):
            _log.warning("pruned: %s", ", ".join(f"{count} {name}" for name, count in counts.items() if count))

    def make_partitions(self, now: datetime) -> None:
        """Make the partitions of the coming weeks."""
        with session_scope(self._sessions) as session:
            SampleRepository(session).make_partitions(now)

    def drop_old(self, before: datetime) -> tuple[str, ...]:
        """Drop the weeks of telemetry that ended before a moment; returns their partitions."""
        with session_scope(self._sessions) as session:
            dropped = drop_partitions(session.connection(), "telemetry", before)
        if dropped:
            _log.warning("dropped telemetry before %s: %s", before.date(), ", ".join(dropped))
        return dropped

    def restored(self, inventory: Inventory) -> Restored:
        """Return the newest samples, the commands that were not over, and the last that were: their keys are taken.

        Numbers seen are not among it: what is sent again is told apart by the primary key, and an agent that
        lost its spool begins to count anew, which remembered numbers would take for repetition.
        """
        ids = [UUID(asset.id) for asset in inventory.assets]
        with session_scope(self._sessions) as session:
            samples = tuple(SampleRepository(session).newest(ids))
            known = CommandRepository(session)
            commands = tuple(_commands([*known.finished(_KEPT_FINISHED), *known.open()]))
        return Restored(samples, commands)

    def write(self, parcel: Parcel) -> int:
        """Write a parcel, all of it or nothing; returns how many of its samples are new.

        Raises:
            UnavailableError: If the database does not answer.
        """
        try:
            return self._write(parcel)
        except _REFUSALS:
            # Something no database takes: it must not hold up everything that comes after it.
            _log.exception("a parcel of %d samples is written piece by piece", parcel.sample_count)
            return self._write_pieces(parcel)

    def _write(self, parcel: Parcel) -> int:
        with session_scope(self._sessions) as session:
            new = self._samples(session, parcel)
            commands = CommandRepository(session)
            commands.save(parcel.table("dispatches"), parcel.table("dispatch_changes"))
            watch = WatchRepository(session)
            watch.save_sessions(parcel.table("agent_sessions"))
            watch.save_heartbeats(parcel.table("heartbeats"))
            watch.save_events(parcel.table("events"))
        return new

    def _samples(self, session: Session, parcel: Parcel) -> int:
        if not parcel.sample_count:
            return 0
        repository = SampleRepository(session)
        # After a restart agents send again what they have no receipt for, many at a time.
        add = repository.copy_new if self._repeats else repository.copy
        new = add(parcel.samples)
        self._repeats = new < parcel.sample_count
        return new

    def _write_pieces(self, parcel: Parcel) -> int:
        rows = list(split_rows(parcel.samples))
        new = self._write_halves(rows)
        for name, entries in parcel.rows.items():
            for entry in entries:
                try:
                    self._write(Parcel(rows={name: [entry]}))
                except _REFUSALS:
                    self.rejected += 1
                    _log.exception("a row of %s cannot be kept: %s", name, str(entry)[:500])
        return new

    def _write_halves(self, rows: Sequence[bytes]) -> int:
        if not rows:
            return 0
        try:
            return self._write(Parcel(b"".join(rows), len(rows)))
        except _REFUSALS:
            if len(rows) == 1:
                self.rejected += 1
                _log.exception("a sample cannot be kept: %s", rows[0].hex())
                return 0
        half = len(rows) // 2
        return self._write_halves(rows[:half]) + self._write_halves(rows[half:])


def _commands(documents: Sequence[dict[str, Any]]) -> list[Command]:
    found = []
    for document in documents:
        try:
            found.append(command_from_dict(document))
        except AfterbayError:
            _log.exception("command %s cannot be taken back", document.get("id"))
    return found


def _site_row(site: Site) -> dict[str, Any]:
    return _row(to_entry(site), _SITE_COLUMNS, {"location": site.location})


def _asset_row(asset: Asset) -> dict[str, Any]:
    values = {
        "location": asset.location,
        "asset_type": asset.asset_type,
        "capacity_mwhr": asset.capacity_mwh,
        "max_mw": asset.max_mw,
        "min_mw": asset.min_mw,
        "efficiency": asset.efficiency,
        "ramp_rate_mw_per_min": asset.ramp_rate_mw_per_min,
        "min_soc_pct": asset.min_soc_pct,
        "max_soc_pct": asset.max_soc_pct,
    }
    return _row(to_entry(asset), _ASSET_COLUMNS, values)


def _row(entry: dict[str, Any], columns: tuple[str, ...], values: dict[str, Any]) -> dict[str, Any]:
    """Columns have their own values; every other key of the file goes into `settings`."""
    whole = {**entry, **values}
    row = {column: UUID(whole[column]) if column.endswith("id") else whole[column] for column in columns}
    return row | {"settings": {key: value for key, value in entry.items() if key not in columns}}
