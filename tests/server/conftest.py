"""A PostgreSQL of our own for each test process, and a database for each test, copied from a template."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from server_database import TEMPLATE, fresh_name
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import make_engine, read_url
from afterbay.server.migrations import migrate
from afterbay.server.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="afterbay-test-"))
    # Such as /usr/lib/postgresql/15/bin, to run everything on the oldest version that is supported.
    binaries = os.environ.get("AFTERBAY_TEST_POSTGRES_BIN")
    server = EmbeddedPostgres(
        folder / "pg", {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal",
                        "max_wal_senders": "0"},
        Path(binaries) if binaries else None,
    )  # fmt: skip
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    engine = make_engine(read_url(postgres.ensure_database(TEMPLATE)))
    migrate(engine)
    engine.dispose()
    return TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """An address of a database with today's tables and nothing in them."""
    yield from _made(postgres, f" TEMPLATE {template}")


@pytest.fixture
def platform_url(database_url: str) -> str:
    """An address of a database with the whole platform's tables and nothing in them."""
    return database_url


@pytest.fixture
def sessions(platform_url: str) -> Iterator[sessionmaker[Session]]:
    """Sessions on a database with the whole platform's tables."""
    engine = make_engine(read_url(platform_url))
    yield sessionmaker(engine)
    engine.dispose()


@pytest.fixture
def empty_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """An address of a database with nothing in it."""
    yield from _made(postgres, "")


def _made(postgres: EmbeddedPostgres, more: str) -> Iterator[str]:
    name = fresh_name()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{more}".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
