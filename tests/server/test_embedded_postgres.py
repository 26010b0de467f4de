from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from afterbay.core.errors import MissingExtraError, UnavailableError
from afterbay.server import postgres as module
from afterbay.server.postgres import EmbeddedPostgres, find_binaries


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="afterbay-pg-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_it_keeps_its_data_over_a_restart_and_leaves_nothing_running(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "pg", {"fsync": "off"})
    try:
        server.start()
        url = server.ensure_database("kept")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t (x int)")
            connection.execute("INSERT INTO t VALUES (7)")
        server.stop()
        assert not server.running()

        server.start()

        with psycopg.connect(server.url("kept")) as connection:
            assert connection.execute("SELECT x FROM t").fetchone() == (7,)
    finally:
        server.stop()
    assert not server.running()
    assert not list((folder / "pg").glob("postmaster.pid"))


def test_a_second_start_finds_the_running_server_and_does_not_stop_it(postgres: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(postgres.data)

    second.start()
    second.stop()

    assert not second.started_here
    assert postgres.running()
    with psycopg.connect(second.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nobody_else_can_reach_it(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url()) as connection:
        listens = connection.execute("SHOW listen_addresses").fetchone()

    assert listens == ("",)
    for private in (postgres.data, postgres.socket_folder()):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_permissions_of_folders_above_stay_as_they_are(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "pg", {"fsync": "off"})

    try:
        server.start()
    finally:
        server.stop()

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_long_path_gets_a_short_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 20) / "pg", {"fsync": "off"})
    try:
        server.start()
        socket = server.socket_folder()
        assert len(os.fsencode(socket)) < 85
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
    assert not socket.exists()


def test_a_folder_with_other_things_is_left_alone(folder: Path) -> None:
    (folder / "pg").mkdir()
    (folder / "pg" / "letter.txt").write_text("dear")

    with pytest.raises(UnavailableError, match="not empty"):
        EmbeddedPostgres(folder / "pg").start()

    assert (folder / "pg" / "letter.txt").read_text() == "dear"


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "pg", {"shared_buffers": "nonsense"})

    with pytest.raises(UnavailableError, match="shared_buffers"):
        server.start()

    assert not server.running()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[server\]"):
        find_binaries()
