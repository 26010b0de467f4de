from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic import command
from server_database import ask
from sqlalchemy import Engine, text

from afterbay.core.errors import ConflictError
from afterbay.server.db import make_engine, read_url
from afterbay.server.migrations import migrate, migration_config
from afterbay.server.partitions import SCHEMA, ensure_partitions, weeks

SITE = "11111111-1111-1111-1111-111111111111"
ASSET = "22222222-2222-2222-2222-222222222222"
ORIGINAL = f"""
CREATE TABLE sites (id uuid PRIMARY KEY, name text NOT NULL, location text);
CREATE TABLE assets (
    id uuid PRIMARY KEY, site_id uuid REFERENCES sites(id), name text NOT NULL, location text,
    capacity_mwhr double precision NOT NULL, max_mw double precision NOT NULL, min_mw double precision NOT NULL,
    efficiency double precision NOT NULL, ramp_rate_mw_per_min double precision NOT NULL);
CREATE TABLE telemetry (
    asset_id uuid REFERENCES assets(id), site_id uuid, ts timestamptz NOT NULL, soc_mwhr double precision NOT NULL,
    soc_pct double precision, capacity_mwhr double precision NOT NULL, current_mw double precision NOT NULL,
    setpoint_mw double precision, max_mw double precision NOT NULL, min_mw double precision NOT NULL,
    status text NOT NULL, voltage_v double precision, energy_in_mwh double precision, extras jsonb);
CREATE TABLE dispatches (
    id uuid PRIMARY KEY, asset_id uuid REFERENCES assets(id), mode text NOT NULL, mw double precision NOT NULL,
    duration_s bigint, status text NOT NULL, reason text, submitted_at timestamptz NOT NULL);
CREATE TABLE heartbeats (asset_id uuid, ts timestamptz);
INSERT INTO sites VALUES ('{SITE}', 'Old', 'There');
INSERT INTO assets VALUES ('{ASSET}', '{SITE}', 'Old-1', NULL, 100, 50, -50, 0.9, 10);
INSERT INTO telemetry
    SELECT '{ASSET}', '{SITE}', now() - i * interval '1 hour', 50, 50, 100, i, 2, 50, -50, 'discharging', 400, 1.5,
           '{{"fan": 3}}'::jsonb
    FROM generate_series(1, 1000) AS i;
-- One moment written twice, and a clock that was wrong.
INSERT INTO telemetry SELECT * FROM telemetry LIMIT 1;
INSERT INTO telemetry VALUES ('{ASSET}', NULL, '1970-01-01Z', 1, NULL, 100, 0, NULL, 50, -50, 'idle');
INSERT INTO dispatches VALUES
    ('33333333-3333-3333-3333-333333333333', '{ASSET}', 'charge', 20, NULL, 'accepted', NULL, now()),
    ('44444444-4444-4444-4444-444444444444', '{ASSET}', 'discharge', 10, 60, 'accepted', 'test', now());
INSERT INTO heartbeats VALUES ('{ASSET}', '2026-01-01Z'), ('{ASSET}', '2026-01-01Z');
"""


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    made = make_engine(read_url(empty_url))
    yield made
    made.dispose()


def test_the_tables_are_what_the_code_says_also_with_partitions(engine: Engine) -> None:
    migrate(engine)

    with engine.begin() as connection:
        ensure_partitions(
            connection, "telemetry", datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC), column="ts"
        )
        connection.execute(text("CREATE TABLE queue_of_another_program (id int)"))
        command.check(migration_config(connection))


def test_down_leaves_nothing_and_up_makes_everything_again(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        command.downgrade(migration_config(connection), "base")
        left = connection.execute(
            text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        ).scalars()
        assert set(left) == {"alembic_version"}

    migrate(engine)

    with engine.begin() as connection:
        command.check(migration_config(connection))


def test_processes_that_start_together_make_the_tables_once(engine: Engine) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            migrate(engine)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors


def test_a_database_of_the_original_is_adopted_without_losing_a_row(empty_url: str, engine: Engine) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute(ORIGINAL.encode())

    migrate(engine)

    counts = {
        name: ask(empty_url, f"SELECT count(*) FROM {name}")[0][0]
        for name in ("sites", "assets", "telemetry", "dispatches", "heartbeats")
    }
    assert counts == {"sites": 1, "assets": 1, "telemetry": 1002, "dispatches": 2, "heartbeats": 2}
    assert ask(empty_url, "SELECT mw, requested_mw, state, is_final FROM dispatches ORDER BY mw") == [
        (-20.0, -20.0, "completed", True),
        (10.0, 10.0, "completed", True),
    ]
    assert ask(empty_url, "SELECT sum(current_mw), sum(energy_in_mwh) FROM telemetry WHERE seq > -2000")[0][1] == 1501.5
    details = ask(empty_url, "SELECT DISTINCT details FROM telemetry WHERE ts > '2000-01-01'")
    assert details == [({"fan": 3, "voltage_v": 400},)]
    # Almost all of it lies in partitions of its weeks, and only the wrong clock's row lies apart.
    assert ask(empty_url, f"SELECT count(*) FROM {SCHEMA}.telemetry_rest") == [(1,)]
    assert ask(empty_url, "SELECT nspname FROM pg_namespace WHERE nspname = 'afterbay_original'") == []
    with engine.begin() as migrated:
        command.check(migration_config(migrated))


def test_a_table_of_somebody_else_is_not_touched(empty_url: str, engine: Engine) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute(b"CREATE TABLE events (id int, what text); INSERT INTO events VALUES (1, 'theirs')")

    with pytest.raises(ConflictError, match="events"):
        migrate(engine)

    assert ask(empty_url, "SELECT id, what FROM events") == [(1, "theirs")]
    assert ask(empty_url, "SELECT to_regclass('telemetry')") == [(None,)]


def test_samples_that_came_before_their_week_move_into_it(database_url: str) -> None:
    far = datetime(2031, 5, 7, 12, tzinfo=UTC)
    insert = (
        "INSERT INTO telemetry (asset_id, ts, current_mw, max_mw, min_mw, status) "
        f"VALUES ('{ASSET}', '{far.isoformat()}', 1, 2, -2, 'idle')"
    )
    with psycopg.connect(database_url) as connection:
        connection.execute(insert.encode())
    engine = make_engine(read_url(database_url))

    with engine.begin() as migrated:
        made = ensure_partitions(migrated, "telemetry", far, far + timedelta(days=1), column="ts")
    engine.dispose()

    assert made == 1
    assert ask(database_url, f"SELECT count(*) FROM {SCHEMA}.telemetry_rest") == [(0,)]
    assert ask(database_url, f"SELECT count(*) FROM {SCHEMA}.telemetry_2031w19") == [(1,)]


@pytest.mark.parametrize("day", [datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC)])
def test_every_moment_lies_in_exactly_one_week(day: datetime) -> None:
    starts = list(weeks(day, day + timedelta(seconds=1)))

    assert len(starts) == 1
    assert starts[0] <= day < starts[0] + timedelta(days=7)
    assert starts[0].weekday() == 0
    following = next(weeks(starts[0] + timedelta(days=7), starts[0] + timedelta(days=8)))
    assert following == starts[0] + timedelta(days=7)
