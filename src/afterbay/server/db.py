"""The database: addresses, engine, sessions, and the base of tables and repositories."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from afterbay.core.errors import InvalidInputError, Problem, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Engine

__all__ = ["Base", "Repository", "database_errors", "make_engine", "read_url", "session_scope", "shown_url"]


class Base(DeclarativeBase):
    """Base of all tables; constraints have names that do not depend on the order in which they are made."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Repository:
    """Base of repositories: a session, and questions to it."""

    def __init__(self, session: Session) -> None:
        self.session = session


def read_url(text: str) -> URL:
    """Return a database's address; `postgres://` and `postgresql://` mean the same.

    Raises:
        InvalidInputError: If it is no address of a PostgreSQL.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername.partition("+")[0] not in ("postgres", "postgresql"):
        got = "no address" if url is None else f"{url.drivername}://"
        example = "postgresql://user:password@host:5432/database"
        raise InvalidInputError(Problem("DATABASE_URL", got, "a PostgreSQL address", f"write it as {example}"))
    return url.set(drivername="postgresql+psycopg")


def shown_url(url: URL) -> str:
    """Return an address without its password."""
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def make_engine(url: URL, *, pool_size: int = 5) -> Engine:
    """Return an engine; nothing is connected yet. Times come and go in UTC."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=10,
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c statement_timeout=60000 -c lock_timeout=20000",
            "application_name": "afterbay",
            # A peer that vanished without a word is noticed within about 20 s.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
            "tcp_user_timeout": 20000,
        },
    )


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn a database that does not answer into `UnavailableError`; a wrong statement stays what it is."""
    try:
        yield
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise UnavailableError(f"the database does not answer ({_first_line(error)}) -> try again later") from error
    except PoolTimeout as error:
        raise UnavailableError("every connection to the database is in use -> try again soon") from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise UnavailableError("the database went away -> try again later") from error


@contextmanager
def session_scope(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Give a session that commits at the end and rolls back on an error.

    Raises:
        UnavailableError: If the database does not answer.
    """
    with database_errors(), sessions.begin() as session:
        yield session


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0][:200] if lines else type(cause).__name__
