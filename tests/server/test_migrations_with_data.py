"""A database of any earlier revision, with rows in every table, comes to the newest one without losing a value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, Table, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import sort_tables

from afterbay.server.db import make_engine, read_url
from afterbay.server.migrations import migrate, migration_config

NOW = datetime.now(UTC).replace(microsecond=0)
_VALUES: dict[type, Any] = {
    str: "x", int: 7, float: 1.5, bool: True, datetime: NOW, UUID: UUID(int=7), bytes: b"x", dict: {"kept": [1, None]},
}  # fmt: skip
_LEFT_TO_THE_QUEUE = "procrastinate_"


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    made = make_engine(read_url(empty_url))
    yield made
    made.dispose()


def _revisions() -> list[str]:
    class _Nothing:
        pass

    scripts = ScriptDirectory.from_config(migration_config(_Nothing()))  # type: ignore[arg-type]
    return [one.revision for one in reversed(list(scripts.walk_revisions()))]


REVISIONS = _revisions()


def _tables(connection: Connection) -> list[Table]:
    """Return the tables in an order in which each comes after those it refers to."""
    found = MetaData()
    found.reflect(connection)
    ours = [one for one in found.tables.values() if not one.name.startswith((_LEFT_TO_THE_QUEUE, "alembic"))]
    return sort_tables(ours)


def _value(column: Any) -> Any:
    if isinstance(column.type, postgresql.ARRAY):
        return ["x"]
    kind = dict if isinstance(column.type, postgresql.JSONB) else column.type.python_type
    return _VALUES.get(kind, 1)


def _fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """Put a row into every table; return the rows as the database gives them back."""
    kept: dict[str, dict[str, Any]] = {}
    for table in _tables(connection):
        row = {}
        for column in table.columns:
            if column.computed is not None or (column.identity is not None and column.identity.always):
                continue
            if column.foreign_keys:
                (key,) = column.foreign_keys
                row[column.name] = kept[key.column.table.name][key.column.name]
            elif column.server_default is None and not (column.primary_key and column.autoincrement is True):
                row[column.name] = None if column.name == "lease" else _value(column)
        connection.execute(insert(table).values(**row))
        kept[table.name] = dict(connection.execute(select(table)).mappings().one())
    return kept


def test_there_is_one_line_of_revisions() -> None:
    scripts = ScriptDirectory.from_config(migration_config(object()))  # type: ignore[arg-type]

    assert scripts.get_heads() == [REVISIONS[-1]]
    assert len(set(REVISIONS)) == len(REVISIONS) >= 4


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_value_of_an_earlier_revision_is_there_in_the_newest(engine: Engine, revision: str) -> None:
    migrate(engine, revision)
    with engine.begin() as connection:
        before = _fill(connection)
    assert before

    migrate(engine)

    with engine.begin() as connection:
        command.check(migration_config(connection))
        after = {
            table.name: dict(connection.execute(select(table)).mappings().one())
            for table in _tables(connection)
            if table.name in before
        }
    assert after.keys() == before.keys()
    for name, row in before.items():
        assert after[name].items() >= row.items(), name
