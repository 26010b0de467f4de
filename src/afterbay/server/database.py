"""The platform's database: the one that is named, or an embedded one; migrated before anybody uses it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import NotAllowedError, UnavailableError
from afterbay.server import migrations
from afterbay.server.db import database_errors, make_engine, read_url, shown_url
from afterbay.server.migrations import migrate
from afterbay.server.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory
    from sqlalchemy import URL, Engine

    from afterbay.server.settings import Settings

__all__ = [
    "EMBEDDED_DATABASE",
    "OLDEST",
    "Database",
    "embedded_of",
    "head_revision",
    "is_embedded",
    "known_revisions",
    "open_database",
    "shown_database",
]

EMBEDDED_DATABASE: Final = "afterbay"
OLDEST: Final = 15
"""Oldest major version of PostgreSQL that works."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Database:
    """A database that is ready."""

    engine: Engine
    sessions: sessionmaker[Session]
    url: str
    """With its password, for a child process and for the programs of PostgreSQL."""
    shown: str
    """Without its password."""
    version: int
    """Major version of the server."""
    embedded: EmbeddedPostgres | None
    """None: somebody else's server."""


def is_embedded(settings: Settings) -> bool:
    """Is no database named, or the embedded one by name?"""
    return settings.database is None or settings.database.lower().rstrip(":") == "embedded"


def embedded_of(settings: Settings) -> EmbeddedPostgres:
    """Return the embedded server of these settings; it is not started yet."""
    return EmbeddedPostgres(settings.data_dir / "postgres")


def shown_database(settings: Settings, url: URL) -> str:
    """Return in words which database an address leads to: the embedded one by its folder, others without password.

    A worker is given the embedded server by its address, and says the same as the server that started it.
    """
    data = embedded_of(settings).data.absolute()
    socket = url.query.get("host", "")
    if is_embedded(settings) or (isinstance(socket, str) and Path(socket).is_relative_to(data)):
        return f"embedded in {data}"
    return shown_url(url)


@contextmanager
def open_database(
    settings: Settings, *, upgrade: bool = True, embedded: EmbeddedPostgres | None = None
) -> Iterator[Database]:
    """Give the platform's database; an embedded one is stopped at the end, unless another process uses it.

    `DATABASE_URL` may carry what libpq knows, such as `?sslmode=verify-full&sslrootcert=/etc/ca.pem`.

    Args:
        settings: Name it, or name none.
        upgrade: Bring the tables up to date; processes that start together wait for each other.
        embedded: The embedded server, if somebody is starting it already.

    Raises:
        InvalidInputError: If the address is none of a PostgreSQL.
        UnavailableError: If it does not answer or is too old.
        NotAllowedError: If its user may not make tables.
    """
    with ExitStack() as stack:
        address = settings.database or ""
        if is_embedded(settings):
            embedded = embedded or embedded_of(settings)
            stack.callback(embedded.stop)
            embedded.start()
            address = embedded.ensure_database(EMBEDDED_DATABASE)
        url = read_url(address)
        shown = shown_database(settings, url)
        engine = make_engine(url, pool_size=settings.db_pool)
        stack.callback(engine.dispose)
        version = _check_server(engine, shown)
        if upgrade:
            _upgrade(engine, shown)
        sessions = sessionmaker(engine, expire_on_commit=False)
        yield Database(engine, sessions, address, shown, version, embedded)


def head_revision() -> str:
    """Return the revision of today's tables."""
    return str(_scripts().get_current_head())


def known_revisions() -> frozenset[str]:
    """Return every revision that this program can start from."""
    return frozenset(script.revision for script in _scripts().walk_revisions())


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(migrations.__file__).parent))


def _check_server(engine: Engine, shown: str) -> int:
    try:
        with database_errors(), engine.connect() as connection:
            version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    except UnavailableError as error:
        # Nothing worked yet: more likely than a server that is away for a moment is a wrong address.
        what = str(error).partition(" -> ")[0]
        raise UnavailableError(
            f"{shown}: {what} -> does it run, and are host, user, password and database in DATABASE_URL right?"
        ) from None
    if version < OLDEST:
        raise UnavailableError(f"{shown} is PostgreSQL {version}, too old -> use {OLDEST} or newer")
    return version


def _upgrade(engine: Engine, shown: str) -> None:
    try:
        with database_errors():
            migrate(engine)
    except ProgrammingError as error:
        if "permission denied" not in str(error.orig):
            raise
        reason = str(error.orig).splitlines()[0]
        raise NotAllowedError(
            f"the tables of {shown} cannot be made: {reason} -> give this user CREATE on the database and its schema, "
            "or run `afterbay db upgrade` as one that has it"
        ) from None
