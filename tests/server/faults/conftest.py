"""Faults happen to real processes. Those marked `long` need AFTERBAY_JOURNEYS=1 (`make journeys`)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from server_faults import Caller, Served, first_administrator, serving

from afterbay.server.postgres import EmbeddedPostgres


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes so long that only `make journeys` runs it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("AFTERBAY_JOURNEYS") == "1":
        return
    for item in items:
        if "faults" in item.path.parts and item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="make journeys runs it"))


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    made = Path(tempfile.mkdtemp(prefix="afterbay-fault-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def serve(folder: Path, database_url: str) -> Iterator[Callable[..., Served]]:
    """Start servers on a database and a folder of the test's own."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(serving(folder, more.pop("database", database_url), **more))


@pytest.fixture(scope="session")
def shared(postgres: EmbeddedPostgres, template: str) -> Iterator[tuple[Served, Caller]]:
    """A server that nothing happens to, and its administrator."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE faults TEMPLATE {template}".encode())
    folder = Path(tempfile.mkdtemp(prefix="afterbay-fault-"))
    try:
        with serving(folder, postgres.url("faults")) as served:
            yield served, first_administrator(served)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ada(shared: tuple[Served, Caller]) -> Caller:
    """The administrator of the server that nothing happens to."""
    return shared[1]


def pytest_runtest_makereport(item: pytest.Item, call: Any) -> None:
    """Show what the server said when a test on it failed."""
    if call.when == "call" and call.excinfo is not None and "folder" in getattr(item, "funcargs", {}):
        log = item.funcargs["folder"] / "log.txt"  # type: ignore[attr-defined]
        if log.exists():
            item.add_report_section("call", "server", log.read_text()[-8_000:])
