"""Samples: in by binary COPY, out newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from afterbay.fleet.messages import Telemetry
from afterbay.server.db import Repository
from afterbay.server.fleet.tables import AssetRow, SiteRow
from afterbay.server.fleet.tables import Telemetry as TelemetryRow
from afterbay.server.partitions import ensure_partitions, is_partitioned

if TYPE_CHECKING:
    from psycopg import Cursor

__all__ = ["COPY_COLUMNS", "SampleRepository"]

COPY_COLUMNS: tuple[str, ...] = (
    "asset_id", "site_id", "ts", "current_mw", "setpoint_mw", "max_mw", "min_mw", "status", "soc_mwhr", "soc_pct",
    "capacity_mwhr", "asset_type", "online", "fault_code", "limited_by", "quality", "origin", "seq", "lease_id",
    "energy_in_mwh", "energy_out_mwh", "available_charge_mw", "available_discharge_mw", "temperature_c", "soh_pct",
    "cycle_count", "details", "received_at",
)  # fmt: skip
"""Columns of a row of the binary COPY, in order."""

_NAMES = ", ".join(COPY_COLUMNS)
_COPY = f"COPY {{}} ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_TABLE = TelemetryRow.__table__
_AVERAGED = ("current_mw", "setpoint_mw", "soc_mwhr", "soc_pct", "temperature_c", "soh_pct")
_AHEAD = timedelta(days=28)


class SampleRepository(Repository):
    """Asks and fills `telemetry`."""

    def copy(self, rows: bytes) -> int:
        """Add samples and return how many are new.

        Args:
            rows: Tuples of the binary COPY in the order of `COPY_COLUMNS`, without header and trailer.

        What is there already (asset, moment and number) is left out: a replay after a restart adds nothing.
        """
        cursor = self._cursor()
        with cursor:
            cursor.execute("SAVEPOINT samples")
            try:
                self._copy(cursor, "telemetry", rows)
            except UniqueViolation:
                cursor.execute("ROLLBACK TO SAVEPOINT samples")
                return self._copy_new(cursor, rows)
            return cursor.rowcount

    def copy_new(self, rows: bytes) -> int:
        """Do as `copy` does, for samples of which some are likely to be there: slower, but without a first try."""
        with self._cursor() as cursor:
            return self._copy_new(cursor, rows)

    def make_partitions(self, now: datetime) -> int:
        """Make the partitions of the coming weeks; returns how many were missing."""
        connection = self.session.connection()
        if not is_partitioned(connection, "telemetry"):
            return 0
        return ensure_partitions(connection, "telemetry", now - timedelta(days=8), now + _AHEAD, column="ts")

    def newest(self, asset_ids: Sequence[UUID]) -> list[Telemetry]:
        """Return the newest sample of each asset that has one."""
        wanted = select(func.unnest(list(asset_ids)).label("id")).subquery()
        latest = (
            select(_TABLE)
            .where(_TABLE.c.asset_id == wanted.c.id)
            .order_by(_TABLE.c.ts.desc(), _TABLE.c.seq.desc())
            .limit(1)
            .lateral()
        )
        query = select(*latest.c, _site_name(latest.c.asset_id)).select_from(wanted).join(latest, text("true"))
        return [_record(row) for row in self.session.execute(query)]

    def history(
        self, asset_id: UUID, since: datetime | None, until: datetime | None, *, limit: int, step_s: float | None
    ) -> list[Telemetry]:
        """Return samples of an asset, newest first; with a step the means of each step, labelled by its begin."""
        within = [_TABLE.c.asset_id == asset_id]
        within += [_TABLE.c.ts >= since] if since is not None else []
        within += [_TABLE.c.ts < until] if until is not None else []
        newest_first = (_TABLE.c.ts.desc(), _TABLE.c.seq.desc())
        name = _site_name(_TABLE.c.asset_id)
        if step_s is None:
            query = select(_TABLE, name).where(*within).order_by(*newest_first)
        else:
            begin = func.date_bin(timedelta(seconds=step_s), _TABLE.c.ts, text("timestamptz '2000-01-01 00:00Z'"))
            columns = [_of_step(column, begin) for column in _TABLE.columns]
            # Means over the step, and the newest sample of it for what has no mean.
            query = select(*columns, name).where(*within).ext(distinct_on(begin)).order_by(begin.desc(), *newest_first)
        return [_record(row) for row in self.session.execute(query.limit(limit))]

    def count(self) -> int:
        """Return the number of samples."""
        return self.session.scalar(select(func.count()).select_from(_TABLE)) or 0

    def _cursor(self) -> Cursor[Any]:
        # SQLAlchemy has no COPY; the driver's own cursor works in the same transaction.
        driver: Any = self.session.connection().connection.driver_connection
        cursor: Cursor[Any] = driver.cursor()
        return cursor

    def _copy_new(self, cursor: Cursor[Any], rows: bytes) -> int:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS arrivals (LIKE telemetry) ON COMMIT DELETE ROWS")
        cursor.execute("TRUNCATE arrivals")
        self._copy(cursor, "arrivals", rows)
        cursor.execute(
            f"INSERT INTO telemetry ({_NAMES}) SELECT {_NAMES} FROM arrivals ON CONFLICT DO NOTHING"  # noqa: S608 - our words
        )
        return cursor.rowcount

    @staticmethod
    def _copy(cursor: Cursor[Any], table: str, rows: bytes) -> None:
        statement: Any = _COPY.format(table)
        with cursor.copy(statement) as copy:
            copy.write(_HEADER)
            copy.write(rows)
            copy.write(_TRAILER)


def _of_step(column: Any, begin: Any) -> Any:
    if column.name == "ts":
        return begin.label("ts")
    if column.name in _AVERAGED:
        return func.avg(column).over(partition_by=begin).label(column.name)
    return column


def _site_name(asset_id: Any) -> Any:
    return (
        select(SiteRow.name)
        .join(AssetRow, AssetRow.site_id == SiteRow.id)
        .where(AssetRow.id == asset_id)
        .scalar_subquery()
        .label("site_name")
    )


def _record(row: Any) -> Telemetry:
    """Return a row of `telemetry` as a record."""
    return Telemetry(
        asset_id=str(row.asset_id),
        site_id=str(row.site_id) if row.site_id else "",
        timestamp=row.ts.astimezone(UTC),
        mw=row.current_mw,
        setpoint_mw=row.setpoint_mw,
        max_mw=row.max_mw,
        min_mw=row.min_mw,
        status=row.status,
        soc_mwh=row.soc_mwhr,
        soc_pct=row.soc_pct,
        capacity_mwh=row.capacity_mwhr,
        site_name=row.site_name or "",
        asset_type=row.asset_type,
        online=row.online,
        fault_code=row.fault_code,
        limited_by=row.limited_by,
        quality=row.quality,
        origin=row.origin,
        seq=max(row.seq, 0),
        lease_id=row.lease_id,
        energy_in_mwh=row.energy_in_mwh,
        energy_out_mwh=row.energy_out_mwh,
        available_charge_mw=row.available_charge_mw,
        available_discharge_mw=row.available_discharge_mw,
        temperature_c=row.temperature_c,
        soh_pct=row.soh_pct,
        cycle_count=row.cycle_count,
        details=row.details or {},
        received_at=row.received_at.astimezone(UTC) if row.received_at else None,
    )
