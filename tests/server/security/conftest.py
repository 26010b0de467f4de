"""One platform for all tests of security in this process: what they change is undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from server_world import World, running_world

from afterbay.server.postgres import EmbeddedPostgres


@pytest.fixture(scope="session")
def world(postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    import psycopg

    name = "walls"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    folder: Path = tmp_path_factory.mktemp("walls")
    with running_world(postgres.url(name), folder) as made:
        yield made
