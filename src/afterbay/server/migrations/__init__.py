"""Changes of the database's shape, in order; `migrate` brings a database to the newest.

A database of the original has the fleet's tables and no stamp: the first revision takes it over with every row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

__all__ = ["migrate", "migration_config"]

_LOCK = 4_110_515  # any number, the same in every process


def migration_config(connection: Connection) -> Config:
    """Return what Alembic needs to work on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring a database to a revision, all of it or nothing; processes that start together wait for each other."""
    from alembic import command

    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(migration_config(connection), revision)
