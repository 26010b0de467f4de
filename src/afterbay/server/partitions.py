"""Partitions of a table by weeks, in a schema of their own, made ahead of time.

Old ones are dropped whole when asked for, which takes no time and leaves no holes in a table. A last partition takes
what lies outside all weeks (a device with a wrong clock), so that nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "SCHEMA",
    "drop_partitions",
    "ensure_partitions",
    "has_timescale",
    "is_hypertable",
    "is_partitioned",
    "make_rest",
    "weeks",
]

SCHEMA = "afterbay_parts"
_WEEK = timedelta(days=7)


def weeks(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the beginning (Monday, 00:00 UTC) of every week that a time span touches."""
    day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day - timedelta(days=day.weekday())
    while start < until:
        yield start
        start += _WEEK


def has_timescale(connection: Connection) -> bool:
    """Does this server offer TimescaleDB?"""
    query = text("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
    return connection.execute(query).scalar() is not None


def is_partitioned(connection: Connection, table: str) -> bool:
    """Is this table one of ours with partitions (and not a hypertable)?"""
    return connection.execute(
        text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(:table)"), {"table": table}
    ).scalar() is True  # fmt: skip


def is_hypertable(connection: Connection, table: str) -> bool:
    """Is this table one that TimescaleDB keeps in chunks?"""
    if connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")).scalar() is None:
        return False
    query = text("SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = :table")
    return connection.execute(query, {"table": table}).scalar() is not None


def make_rest(connection: Connection, table: str) -> None:
    """Make the partition for what lies outside all weeks."""
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{table}_rest PARTITION OF {table} DEFAULT"))


def ensure_partitions(connection: Connection, table: str, since: datetime, until: datetime, *, column: str) -> int:
    """Make the partitions of every week of a time span that are missing.

    Args:
        connection: Within a transaction of its own; the table is locked for a moment when one is missing.
        table: Name of the partitioned table, a trusted word.
        since: Begin of the span.
        until: End of the span.
        column: Time by which the table is partitioned, a trusted word.

    Returns:
        Number of partitions made.
    """
    made = 0
    for start in weeks(since, until):
        year, week, _ = start.isocalendar()
        part = f"{SCHEMA}.{table}_{year}w{week:02d}"
        if connection.execute(text("SELECT to_regclass(:part)"), {"part": part}).scalar() is not None:
            continue
        _make(connection, table, part, start, column)
        made += 1
    return made


def drop_partitions(connection: Connection, table: str, before: datetime) -> tuple[str, ...]:
    """Drop the partitions, or a hypertable's chunks, that end at or before a moment, with all that is in them.

    What lies outside all weeks stays: a device with a wrong clock wrote it, and its true age is not known.

    Args:
        connection: Within a transaction of its own; readers and writers wait while it drops, and it gives up when
            it would have to wait more than a few seconds for them.
        table: Name of the table, a trusted word.
        before: The oldest moment that is kept.

    Returns:
        Names of what was dropped, the oldest first.
    """
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    if is_hypertable(connection, table):
        query = text("SELECT drop_chunks(CAST(:table AS regclass), older_than => :before)::text")
        return tuple(sorted(connection.execute(query, {"table": table, "before": before}).scalars()))
    found = connection.execute(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname"
        ),
        {"table": table},
    ).scalars()
    old = tuple(name for name in found if (start := _week_of(name, table)) is not None and start + _WEEK <= before)
    for name in old:
        connection.execute(text(f"DROP TABLE {SCHEMA}.{name}"))
    return old


def _week_of(part: str, table: str) -> datetime | None:
    """Return the begin of a partition by its name; None: it is not one of weeks."""
    named = re.fullmatch(rf"{re.escape(table)}_(\d{{4}})w(\d{{2}})", part)
    return None if named is None else datetime.fromisocalendar(int(named[1]), int(named[2]), 1).replace(tzinfo=UTC)


def _make(connection: Connection, table: str, part: str, start: datetime, column: str) -> None:
    rest, end = f"{SCHEMA}.{table}_rest", start + _WEEK
    bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    # All names are our own words and all values are times that we made.
    within = f"{column} >= '{start.isoformat()}' AND {column} < '{end.isoformat()}'"
    stray = connection.execute(text(f"SELECT EXISTS (SELECT 1 FROM {rest} WHERE {within})")).scalar()  # noqa: S608
    if not stray:
        connection.execute(text(f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES {bounds}"))
        return
    # Samples came before their week did: they move, or the partition could not be made.
    connection.execute(text(f"CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS)"))
    connection.execute(
        text(f"WITH moved AS (DELETE FROM {rest} WHERE {within} RETURNING *) INSERT INTO {part} SELECT * FROM moved")  # noqa: S608
    )
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES {bounds}"))
