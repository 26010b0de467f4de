"""Takes over a database of the original: every row, into the tables of today.

The original's tables are put aside, read into the new ones, counted, and only then dropped, all in one transaction.
What has no column of its own any more goes into `details`. `dispatches.mode` becomes the sign of the power.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from afterbay.core.errors import ConflictError
from afterbay.server.partitions import ensure_partitions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

__all__ = ["bring_back", "put_aside"]

_ASIDE = "afterbay_original"
_NEEDED: Mapping[str, frozenset[str]] = {
    "sites": frozenset({"id", "name"}),
    "assets": frozenset({"id", "site_id", "name", "capacity_mwhr", "max_mw", "min_mw"}),
    "telemetry": frozenset({"asset_id", "ts", "current_mw"}),
    "dispatches": frozenset({"id", "asset_id", "mw", "submitted_at"}),
    "agent_sessions": frozenset({"asset_id", "peer", "connected_at"}),
    "heartbeats": frozenset({"asset_id", "ts"}),
    "events": frozenset({"id", "asset_id", "ts", "event_type"}),
}
_MOST_WEEKS = timedelta(days=7 * 520)


def put_aside(connection: Connection) -> tuple[str, ...]:
    """Move the original's tables out of the way; returns their names, none for an empty database.

    Raises:
        ConflictError: If a table has one of our names and is not the original's.
    """
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    found = tuple(name for name in _NEEDED if name in present)
    for name in found:
        missing = _NEEDED[name] - {column["name"] for column in inspector.get_columns(name)}
        if missing:
            raise ConflictError(
                f"the database has a table {name} of something else (no column {min(missing)}) "
                "-> give afterbay a database of its own"
            )
    if found:
        connection.execute(text(f"CREATE SCHEMA {_ASIDE}"))
        for name in found:
            connection.execute(text(f"ALTER TABLE {name} SET SCHEMA {_ASIDE}"))
    return found


def bring_back(connection: Connection, names: tuple[str, ...]) -> dict[str, int]:
    """Read what was put aside into the new tables; returns the number of rows of each.

    Raises:
        ConflictError: If a table does not hold as many rows as it held before; nothing is changed then.
    """
    inspector = inspect(connection)
    counts = {}
    for name in _NEEDED:
        if name not in names:
            continue
        columns = {column["name"] for column in inspector.get_columns(name, schema=_ASIDE)}
        before = connection.execute(text(f"SELECT count(*) FROM {_ASIDE}.{name}")).scalar_one()  # noqa: S608
        if name == "telemetry":
            _make_weeks(connection)
        _fill(connection, name, columns)
        after = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
        # Sites and assets may be added for rows that name some which are not there.
        if after < before or (after > before and name not in ("sites", "assets")):
            raise ConflictError(f"table {name} had {before} rows and now has {after} -> it was left as it is")
        counts[name] = before
    if names:
        connection.execute(text(f"DROP SCHEMA {_ASIDE} CASCADE"))
    return counts


def _make_weeks(connection: Connection) -> None:
    first, last = connection.execute(text(f"SELECT min(ts), max(ts) FROM {_ASIDE}.telemetry")).one()  # noqa: S608
    now = datetime.now(UTC)
    if first is not None and connection.execute(text("SELECT to_regclass('afterbay_parts.telemetry_rest')")).scalar():
        ensure_partitions(
            connection, "telemetry", max(first, now - _MOST_WEEKS), min(last, now) + timedelta(seconds=1), column="ts"
        )


def _fill(connection: Connection, name: str, columns: set[str]) -> None:
    selected = _SELECTED[name](_Columns(frozenset(columns)))
    statement = (
        f"INSERT INTO {name} ({', '.join(selected)}) "  # noqa: S608 - every word is one of ours
        f"SELECT {', '.join(selected.values())} FROM {_ASIDE}.{name} AS old"
    )
    connection.execute(text(statement))


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that a table of the original has."""

    names: frozenset[str]

    def pick(self, column: str, otherwise: str, expression: str = "{}") -> str:
        """Return an expression of a column, or another one where there is no such column."""
        return expression.format(column) if column in self.names else otherwise


def _sites(old: _Columns) -> dict[str, str]:
    return {"id": "id::uuid", "name": "coalesce(name, '')", "location": old.pick("location", "''", "coalesce({}, '')")}


def _assets(old: _Columns) -> dict[str, str]:
    return {
        "id": "id::uuid",
        "site_id": "site_id::uuid",
        "name": "coalesce(name, '')",
        "location": old.pick("location", "''", "coalesce({}, '')"),
        "capacity_mwhr": "capacity_mwhr",
        "max_mw": "max_mw",
        "min_mw": "min_mw",
        "efficiency": old.pick("efficiency", "1", "coalesce({}, 1)"),
        "ramp_rate_mw_per_min": old.pick("ramp_rate_mw_per_min", "1000", "coalesce({}, 1000)"),
        "min_soc_pct": old.pick("min_soc_pct", "0", "coalesce({}, 0)"),
        "max_soc_pct": old.pick("max_soc_pct", "100", "coalesce({}, 100)"),
    }


def _telemetry(old: _Columns) -> dict[str, str]:
    kept = {"soc_mwhr", "soc_pct", "capacity_mwhr", "setpoint_mw", "energy_in_mwh", "energy_out_mwh", "soh_pct"}
    moved = {"asset_id", "site_id", "ts", "current_mw", "max_mw", "min_mw", "status", "cycle_count", "extras"}
    others = sorted(old.names - kept - moved)
    details = [f"'{column}', old.\"{column}\"" for column in others if column.isidentifier()]
    # At most 100 arguments fit into one call, 50 columns.
    document = f"jsonb_strip_nulls(jsonb_build_object({', '.join(details[:50])}))"
    extras = old.pick("extras", "'{}'::jsonb", "coalesce({}::jsonb, '{{}}'::jsonb)")
    return {
        "asset_id": "asset_id::uuid",
        "ts": "coalesce(ts, 'epoch')",
        # The original has no numbers and may have written one moment twice; below 0 they are told apart.
        "seq": "-row_number() OVER (ORDER BY ts)",
        "site_id": old.pick("site_id", "NULL::uuid", "{}::uuid"),
        **{column: old.pick(column, "NULL::double precision") for column in sorted(kept)},
        "current_mw": "coalesce(current_mw, 0)",
        "max_mw": old.pick("max_mw", "0", "coalesce({}, 0)"),
        "min_mw": old.pick("min_mw", "0", "coalesce({}, 0)"),
        "status": old.pick("status", "''", "coalesce({}, '')"),
        "cycle_count": old.pick("cycle_count", "NULL::double precision"),
        "details": f"nullif({document} || {extras}, '{{}}'::jsonb)",
    }


def _dispatches(old: _Columns) -> dict[str, str]:
    charge = "lower(old.mode::text) = 'charge' AND mw > 0"
    mw = f"CASE WHEN {charge} THEN -mw ELSE mw END" if "mode" in old.names else "mw"
    return {
        "id": "id::uuid",
        "asset_id": "asset_id::uuid",
        "asset_ids": "ARRAY[asset_id::uuid]",
        "mw": mw,
        "requested_mw": mw,
        "clamped": old.pick("clamped", "false", "coalesce({}, false)"),
        "duration_s": old.pick("duration_s", "NULL::double precision", "{}::double precision"),
        "status": old.pick("status", "'accepted'", "coalesce({}, 'accepted')"),
        # Over, because nobody knows how it ended: an old order never moves a battery after a change of software.
        "state": "'completed'",
        "is_final": "true",
        "reason": old.pick("reason", "NULL"),
        "submitted_at": "coalesce(submitted_at, 'epoch')",
        "updated_at": "coalesce(submitted_at, 'epoch')",
        "acked_at": old.pick("acked_at", "NULL::timestamptz"),
    }


def _sessions(old: _Columns) -> dict[str, str]:
    return {
        "id": "gen_random_uuid()::text",
        "asset_id": "asset_id::uuid",
        "peer": "coalesce(peer, '')",
        "connected_at": "coalesce(connected_at, 'epoch')",
        "disconnected_at": old.pick("disconnected_at", "NULL::timestamptz"),
    }


def _heartbeats(_: _Columns) -> dict[str, str]:
    # Twins of one moment are kept a microsecond apart.
    nth = "row_number() OVER (PARTITION BY asset_id, ts) - 1"
    return {"asset_id": "asset_id::uuid", "ts": f"ts + ({nth}) * interval '1 microsecond'"}


def _events(old: _Columns) -> dict[str, str]:
    return {
        "id": "id::text",
        "asset_id": "asset_id::uuid",
        "site_id": old.pick("site_id", "NULL::uuid", "{}::uuid"),
        "ts": "ts",
        "event_type": "event_type",
        "severity": old.pick("severity", "'warning'", "coalesce({}, 'warning')"),
        "message": old.pick("message", "''", "coalesce({}, '')"),
    }


_SELECTED: Mapping[str, Callable[[_Columns], dict[str, str]]] = {
    "sites": _sites,
    "assets": _assets,
    "telemetry": _telemetry,
    "dispatches": _dispatches,
    "agent_sessions": _sessions,
    "heartbeats": _heartbeats,
    "events": _events,
}
