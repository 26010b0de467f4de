"""Old weeks of telemetry go whole when asked for, and nothing else goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from server_database import INVENTORY, ask, batch, sample
from sqlalchemy import Engine

from afterbay.core.errors import OutOfRangeError
from afterbay.server.db import make_engine, read_url
from afterbay.server.fleet.recorder import DatabaseRecorder, DiskBuffer, Store, open_recorder
from afterbay.server.partitions import drop_partitions, ensure_partitions

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
MOMENTS = "SELECT seq FROM telemetry ORDER BY seq"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(read_url(database_url))
    yield made
    made.dispose()


def _fill(engine: Engine, folder: Path) -> None:
    """Store a sample of 1970 and one of every week, the newest being number 10, a week apart."""
    with engine.begin() as connection:
        ensure_partitions(connection, "telemetry", NOW - timedelta(days=90), NOW, column="ts")

    async def run() -> None:
        async with DatabaseRecorder(Store(engine), DiskBuffer(folder, 2**20), clock=lambda: NOW) as recorder:
            await recorder.prepare(INVENTORY)
            wrong = sample(1, timestamp=datetime(1970, 1, 2, tzinfo=UTC))
            weekly = [sample(seq, timestamp=NOW - timedelta(days=7 * (10 - seq))) for seq in range(2, 11)]
            await recorder.write(batch(wrong, *weekly))

    asyncio.run(run())


def _start(engine: Engine, folder: Path, keep_days: float | None) -> None:
    async def run() -> None:
        buffer = DiskBuffer(folder, 2**20)
        async with DatabaseRecorder(Store(engine), buffer, clock=lambda: NOW, keep_days=keep_days) as recorder:
            await recorder.prepare(INVENTORY)

    asyncio.run(run())


def test_only_weeks_that_are_older_throughout_go(engine: Engine, database_url: str, tmp_path: Path) -> None:
    _fill(engine, tmp_path)

    _start(engine, tmp_path, None)
    assert ask(database_url, MOMENTS) == [(seq,) for seq in range(1, 11)], "by default everything is kept"

    # Saturday: 30 days ago was a Thursday, whose week began within what goes and ended within what stays.
    _start(engine, tmp_path, 30.0)

    assert ask(database_url, MOMENTS) == [(1,), *((seq,) for seq in range(6, 11))]
    _start(engine, tmp_path, 30.0)
    assert len(ask(database_url, MOMENTS)) == 6, "a second time finds nothing"


def test_a_reader_who_takes_long_holds_up_neither_the_start_nor_the_samples(
    engine: Engine, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _fill(engine, tmp_path)

    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM telemetry")
        _start(engine, tmp_path, 30.0)

    assert "old telemetry was not dropped" in caplog.text
    assert len(ask(database_url, MOMENTS)) == 10
    _start(engine, tmp_path, 30.0)
    assert len(ask(database_url, MOMENTS)) == 6


def test_partitions_of_other_names_stay(engine: Engine, database_url: str, tmp_path: Path) -> None:
    _fill(engine, tmp_path)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "CREATE TABLE afterbay_parts.telemetry_of_theirs PARTITION OF telemetry "
            "FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')"
        )

    with engine.begin() as connection:
        dropped = drop_partitions(connection, "telemetry", NOW + timedelta(days=7000))

    left = ask(database_url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry'::regclass")
    assert list(dropped) == sorted(dropped)
    assert {name for (name,) in left} == {"afterbay_parts.telemetry_of_theirs", "afterbay_parts.telemetry_rest"}


@pytest.mark.parametrize("keep_days", [0.0, -7.0, float("nan")])
def test_less_than_a_day_is_refused(engine: Engine, tmp_path: Path, keep_days: float) -> None:
    with pytest.raises(OutOfRangeError, match="keep_days"):
        open_recorder(engine, tmp_path, keep_days=keep_days)
