"""Journeys start many real processes and pull their plugs: minutes in all.

`make journeys` runs them; `make test` the short soak alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from afterbay.server.db import make_engine, read_url
from afterbay.server.migrations import migrate
from afterbay.server.postgres import EmbeddedPostgres

_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes so long that only `make journeys` runs it")
    config.addinivalue_line("markers", "always: the one journey that every run makes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("AFTERBAY_JOURNEYS") == "1":
        return
    for item in items:
        if {"fleet", "journeys"} <= set(item.path.parts) and item.get_closest_marker("always") is None:
            item.add_marker(pytest.mark.skip(reason="make journeys runs it"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="afterbay-plug-"))
    server = EmbeddedPostgres(folder / "pg", {"fsync": "off", "full_page_writes": "off"})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """Name a database with today's tables: with it a headend starts in half the time."""
    engine = make_engine(read_url(postgres.ensure_database("plugs")))
    migrate(engine)
    engine.dispose()
    return "plugs"


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> str:
    """Return the address of a database of its own for a test."""
    name = f"plug{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return postgres.url(name)
