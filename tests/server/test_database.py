from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from afterbay.core.errors import NotAllowedError, UnavailableError
from afterbay.server.database import head_revision, is_embedded, known_revisions, open_database
from afterbay.server.postgres import EmbeddedPostgres
from afterbay.server.settings import read_settings


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    made = Path(tempfile.mkdtemp(prefix="afterbay-db-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_named_database_is_migrated_and_left_running(empty_url: str, folder: Path) -> None:
    settings = read_settings(database_url=empty_url, data_dir=folder)

    with open_database(settings) as database, database.engine.connect() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    assert revision == head_revision()
    assert revision in known_revisions()
    assert database.embedded is None
    assert database.version >= 15
    with psycopg.connect(empty_url) as other:
        assert other.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone() == (True,)
    assert list(folder.iterdir()) == []


def test_without_upgrade_nothing_is_made(empty_url: str, folder: Path) -> None:
    with open_database(read_settings(database_url=empty_url, data_dir=folder), upgrade=False):
        pass

    with psycopg.connect(empty_url) as other:
        assert other.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_none_named_means_one_of_our_own_that_ends_with_its_last_user(folder: Path) -> None:
    settings = read_settings(data_dir=folder)
    watching = EmbeddedPostgres(folder / "postgres")

    with open_database(settings, upgrade=False) as first:
        with open_database(settings, upgrade=False) as second, second.engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (x int)"))
            assert second.embedded is not None
            assert not second.embedded.started_here
        assert watching.running(), "the first one still uses it"
        with first.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM kept")).scalar() == 0

    assert is_embedded(settings)
    assert not watching.running()


def test_who_is_left_over_stops_it_also_when_another_one_started_it(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder / "pg"), EmbeddedPostgres(folder / "pg")
    first.start()
    second.start()

    first.stop()
    assert second.running()
    second.stop()

    assert not second.running()


def test_what_libpq_knows_is_passed_through(empty_url: str, folder: Path) -> None:
    settings = read_settings(
        database_url=f"{empty_url}&sslmode=verify-full&sslrootcert=/no/such/ca.pem", data_dir=folder
    )

    with open_database(settings, upgrade=False) as database, database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        given = driver.info.get_parameters()

    assert (given["sslmode"], given["sslrootcert"]) == ("verify-full", "/no/such/ca.pem")


def test_a_database_that_is_away_is_a_sentence(folder: Path) -> None:
    settings = read_settings(database_url="postgres://ann:hunter2@127.0.0.1:1/x", data_dir=folder)

    with pytest.raises(UnavailableError, match="does not answer") as refused, open_database(settings):
        pass

    assert "hunter2" not in str(refused.value)


def test_who_may_not_make_tables_is_told_what_to_ask_for(empty_url: str, folder: Path) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    try:
        settings = read_settings(database_url=empty_url.replace("postgres@", "reader@"), data_dir=folder)

        with pytest.raises(NotAllowedError, match="CREATE"), open_database(settings):
            pass
    finally:
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute("DROP ROLE reader")
