from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from afterbay.cli.app import app
from afterbay.core.errors import AfterbayError, ConflictError, InvalidInputError, NotFoundError
from afterbay.server.backup import back_up, back_up_energy_data, find_programs, restore
from afterbay.server.database import Database, head_revision, open_database
from afterbay.server.platform.storage import Storage, open_storage
from afterbay.server.settings import read_settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FILES = {"profiles/a/solar.parquet": b"sun" * 50_000, "exports/b/options.xlsx": b"\x00\xff", "empty": b""}


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda url: stack.enter_context(
            open_database(read_settings(database_url=url, data_dir=tmp_path), upgrade=False)
        )


@pytest.fixture
def used(database_url: str) -> str:
    """A database with something in it, rows in a partition of a schema of its own too."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO sites (id, name) SELECT gen_random_uuid(), name FROM unnest(ARRAY['Süd', 'Nord']) AS name"
        )
        connection.execute("CREATE TABLE sums (day date, mwh double precision) PARTITION BY RANGE (day)")
        connection.execute("CREATE SCHEMA IF NOT EXISTS afterbay_parts")
        connection.execute(
            "CREATE TABLE afterbay_parts.sums_2026 PARTITION OF sums FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"
        )
        connection.execute("INSERT INTO sums SELECT date '2026-01-01' + n, n / 3.0 FROM generate_series(0, 99) AS n")
    return database_url


@pytest.fixture
def filled(tmp_path: Path) -> Storage:
    storage = open_storage(tmp_path / "storage")
    for key, content in FILES.items():
        storage.put(key, content)
    return storage


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'afterbay_parts')"
        ).fetchall()
        return {
            f"{schema}.{name}": sorted(map(str, connection.execute(f'SELECT * FROM {schema}."{name}"'.encode())))
            for schema, name in names
        }


def test_a_used_system_comes_back_as_it_was(
    open_: Callable[[str], Database], used: str, empty_url: str, filled: Storage, tmp_path: Path
) -> None:
    before = contents(used)
    elsewhere = open_storage(tmp_path / "elsewhere")

    made = back_up(open_(used), filled, tmp_path / "b.tar", now=NOW)
    brought = restore(open_(empty_url), elsewhere, tmp_path / "b.tar")

    assert made.revision == brought.revision == head_revision()
    assert made.path.stat().st_mode & 0o777 == 0o600  # it holds the hashes of passwords
    assert contents(empty_url) == before
    assert len(before["public.sums"]) == len(before["afterbay_parts.sums_2026"]) == 100
    assert {one.key: elsewhere.get(one.key) for one in elsewhere.list()} == FILES
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_restored_system_can_be_backed_up_and_restored_again(
    open_: Callable[[str], Database], used: str, filled: Storage, tmp_path: Path
) -> None:
    before, database = contents(used), open_(used)
    back_up(database, filled, tmp_path / "1.tar", now=NOW)
    restore(database, filled, tmp_path / "1.tar", replace=True)
    back_up(database, filled, tmp_path / "2.tar", now=NOW)
    with psycopg.connect(used) as connection:
        connection.execute("DELETE FROM sums")
        connection.execute("CREATE TABLE later (x int)")

    restore(database, filled, tmp_path / "2.tar", replace=True)

    assert contents(used) == before


def test_what_a_database_holds_is_not_lost_unasked(
    open_: Callable[[str], Database], used: str, filled: Storage, tmp_path: Path
) -> None:
    before, database = contents(used), open_(used)
    back_up(database, filled, tmp_path / "b.tar", now=NOW)

    with pytest.raises(ConflictError, match="--replace"):
        restore(database, filled, tmp_path / "b.tar")
    with psycopg.connect(used), pytest.raises(ConflictError, match="stop the server"):
        restore(database, filled, tmp_path / "b.tar", replace=True)
    with pytest.raises(ConflictError, match="--force"):
        back_up(database, filled, tmp_path / "b.tar", now=NOW)

    assert contents(used) == before


def changed(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with tarfile.open(source) as tar:
        members = {one.name: stream.read() for one in tar if (stream := tar.extractfile(one)) is not None}
    change(members)
    with tarfile.open(target, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return target


def newer(members: dict[str, bytes]) -> None:
    members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), "revision": "future_9999"}).encode()


CHANGES: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "a file with another content": (lambda m: m.update({"storage/empty": b"x"}), "not what was stored"),
    "a file that is missing": (lambda m: m.pop("storage/empty"), "missing"),
    "a dump that was cut": (lambda m: m.update({"database.dump": m["database.dump"][:-200]}), "pg_restore failed"),
    "no manifest": (lambda m: m.pop("manifest.json"), "no complete backup"),
    "tables of tomorrow": (newer, "newer"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_backup_that_is_not_whole_changes_nothing(
    open_: Callable[[str], Database], used: str, filled: Storage, tmp_path: Path, what: str
) -> None:
    change, told = CHANGES[what]
    before, database = contents(used), open_(used)
    back_up(database, filled, tmp_path / "b.tar", now=NOW)
    broken = changed(tmp_path / "b.tar", tmp_path / "broken.tar", change)

    with pytest.raises(AfterbayError, match=told):
        restore(database, filled, broken, replace=True)

    assert contents(used) == before


def test_what_is_no_backup_is_a_sentence(
    open_: Callable[[str], Database], empty_url: str, filled: Storage, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(InvalidInputError, match="afterbay db backup"):
        restore(open_(empty_url), filled, tmp_path / "letter.txt")
    with pytest.raises(NotFoundError):
        restore(open_(empty_url), filled, tmp_path / "nothing.tar")


def test_the_cycles_tables_are_one_file_of_sql(
    open_: Callable[[str], Database], empty_url: str, tmp_path: Path
) -> None:
    database = open_(empty_url)
    with pytest.raises(NotFoundError, match="energy_data"):
        back_up_energy_data(database, tmp_path, now=NOW)
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE energy_data (user_id int, kwh double precision)")
        connection.execute("CREATE TABLE secrets (x text)")
        connection.execute("INSERT INTO energy_data VALUES (7, 1.25)")

    path = back_up_energy_data(database, tmp_path, now=NOW)

    assert path == tmp_path / "backup_energy_data_20261121.sql"
    assert "7\t1.25" in path.read_text()
    assert "secrets" not in path.read_text()


def test_programs_are_never_older_than_the_server() -> None:
    assert (find_programs(15) / "pg_dump").exists()
    with pytest.raises(AfterbayError, match="postgresql-client-99"):
        find_programs(99)


def test_the_commands_do_it_and_say_what_they_did(
    used: str, empty_url: str, filled: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERBAY_DATA_DIR", str(tmp_path))
    archive = str(tmp_path / "b.tar")
    before = contents(used)

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["db", *words])

    made = run("backup", archive, "--database", used)
    brought = run("restore", archive, "--database", empty_url, "--storage", str(tmp_path / "new"))
    again = run("restore", archive, "--database", empty_url)
    upgraded = run("upgrade", "--database", empty_url, "--json")
    none = run("backup", "--energy-data", str(tmp_path), "--database", used)

    assert (made.exit_code, brought.exit_code) == (0, 0), made.output + brought.output
    assert "3 files" in made.stdout
    assert "3 files" in brought.stdout
    assert contents(empty_url) == before
    assert again.exit_code == 6
    assert json.loads(upgraded.stdout)["revision"] == head_revision()
    assert none.exit_code == 4
    assert run("backup").exit_code == 2
