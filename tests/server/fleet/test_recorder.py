from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fleet_wild_samples import frame_of
from server_database import ASSET, INVENTORY, OTHER, START, ask, batch, sample
from sqlalchemy import Engine

from afterbay.core.errors import UnavailableError
from afterbay.fleet.headend import RecordBatch, SessionRow
from afterbay.fleet.headend.latest import Block as FrameBlock
from afterbay.fleet.inventory import remove_asset
from afterbay.fleet.messages import Event, Heartbeat
from afterbay.fleet.wire import telemetry_message
from afterbay.server.db import make_engine, read_url
from afterbay.server.fleet.recorder import DatabaseRecorder, DiskBuffer, Store, open_recorder
from afterbay.server.fleet.recorder.encoding import load_packing
from afterbay.server.postgres import EmbeddedPostgres

SAMPLES = "SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM telemetry"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(read_url(database_url))
    yield made
    made.dispose()


def _recorder(engine: Engine, folder: Path, buffer_bytes: int = 2**26) -> DatabaseRecorder:
    return DatabaseRecorder(Store(engine), DiskBuffer(folder, buffer_bytes), retry_s=(0.05, 0.1))


def test_a_sample_comes_back_as_it_went_in(engine: Engine, tmp_path: Path) -> None:
    told = sample(
        7, site_name="North Quay", fault_code="F1", limited_by="soc_min", quality="uncertain", origin="device",
        lease_id="lease", energy_in_mwh=1.25, energy_out_mwh=2.5, available_charge_mw=3.0, temperature_c=25.5,
        available_discharge_mw=4.0, soh_pct=99.0, cycle_count=12.5, details={"fan": True, "n": 3, "x": 1.5, "t": "ü"},
        online=False, setpoint_mw=None, timestamp=START + timedelta(microseconds=123_456),
    )  # fmt: skip

    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(told, sample(1, timestamp=START - timedelta(days=1))))

            restored = await recorder.prepare(INVENTORY)

        assert restored.telemetry == (told,)

    asyncio.run(run())


def test_what_is_sent_again_is_kept_once(engine: Engine, database_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(*(sample(seq) for seq in range(1, 101))))
            # Out of order, overlapping, twice in one batch, and again: as replays after a crash are.
            await recorder.write(batch(*(sample(seq) for seq in reversed(range(50, 151))), sample(60)))
            await recorder.write(batch(sample(3), sample(151)))
            status = recorder.status()

        assert (status.samples_written, status.samples_repeated) == (151, 53)

    asyncio.run(run())
    assert ask(database_url, SAMPLES) == [(151, 151, 1, 151)]


def test_another_asset_with_the_same_number_is_another_sample(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(sample(1), sample(1, asset_id=OTHER.id)))

    asyncio.run(run())
    assert ask(database_url, "SELECT count(*) FROM telemetry") == [(2,)]


def test_an_outage_loses_and_doubles_nothing(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """A server of its own, stopped as by a power cut, and started again."""
    server = EmbeddedPostgres(postgres.data.parent / "outage")
    server.start()
    url = server.ensure_database("outage")
    engine = make_engine(read_url(url))

    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(*(sample(seq) for seq in range(1, 11))))
            await asyncio.to_thread(server.kill)

            for seq in range(11, 31):
                await recorder.write(batch(sample(seq)))
            down = recorder.status()
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(20):
                while recorder.status().buffered_bytes:
                    await asyncio.sleep(0.02)
            await recorder.write(batch(*(sample(seq) for seq in range(25, 41))))
            up = recorder.status()

        assert down.failing_since is not None
        assert down.buffered_bytes > 0
        assert "does not answer" in down.error or "went away" in down.error
        assert (up.failing_since, up.error) == (None, "")

    try:
        asyncio.run(run())
        assert ask(url, SAMPLES) == [(40, 40, 1, 40)]
    finally:
        engine.dispose()
        server.stop()


def test_what_waits_on_disk_survives_the_end_of_the_process(engine: Engine, database_url: str, tmp_path: Path) -> None:
    nowhere = make_engine(read_url("postgresql://nobody@/none?host=/nonexistent"))

    async def run() -> None:
        async with _recorder(nowhere, tmp_path) as down:
            await down.write(batch(sample(1), sample(2)))
            assert down.status().buffered_bytes > 0
        async with _recorder(engine, tmp_path) as up:
            restored = await up.prepare(INVENTORY)

        assert [one.seq for one in restored.telemetry] == [2]

    asyncio.run(run())
    nowhere.dispose()
    assert ask(database_url, SAMPLES) == [(2, 2, 1, 2)]
    assert not list(tmp_path.glob("*.parcels"))


def test_a_full_disk_is_an_error_and_keeps_what_is_there(tmp_path: Path) -> None:
    nowhere = make_engine(read_url("postgresql://nobody@/none?host=/nonexistent"))

    async def run() -> None:
        async with _recorder(nowhere, tmp_path, buffer_bytes=3000) as recorder:
            for seq in range(1, 4):
                await recorder.write(batch(sample(seq)))
            before = recorder.status().buffered_bytes
            with pytest.raises(UnavailableError, match="full"):
                await recorder.write(batch(*(sample(seq) for seq in range(4, 50))))
            assert recorder.status().buffered_bytes == before
            assert recorder.status().buffered_bytes <= 3000

    asyncio.run(run())
    nowhere.dispose()


def test_frames_that_overlap_what_is_there_are_kept_once_and_counted(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    load_packing()

    def frame(seqs: Iterable[int], *, replay: bool = False) -> RecordBatch:
        samples = frame_of(telemetry_message(sample(seq), compact=True) for seq in seqs)
        return RecordBatch(telemetry=(FrameBlock(samples, START, replay=replay),))

    async def run() -> list[tuple[int, int]]:
        counts = []
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            for told in (
                frame(range(1, 101)),
                frame([*range(90, 151), 150], replay=True),  # found out by the key, then told apart
                frame(range(60, 161), replay=True),  # likely to overlap again: told apart at once
                frame(range(161, 181)),
                frame(range(181, 201)),
                frame(range(200, 202)),
            ):
                await recorder.write(told)
                status = recorder.status()
                counts.append((status.samples_written, status.samples_repeated))
        return counts

    assert asyncio.run(run()) == [(100, 0), (150, 12), (160, 103), (180, 103), (200, 103), (201, 104)]
    assert ask(database_url, SAMPLES) == [(201, 201, 1, 201)]
    replayed = ask(database_url, "SELECT min(seq), max(seq) FROM telemetry WHERE origin = 'replay'")
    assert replayed == [(101, 160)], "what was there stays as it was"


def test_an_asset_id_that_is_none_in_a_frame_does_not_hold_up_the_others(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    frame = frame_of(
        telemetry_message(sample(seq, asset_id="pump" if seq == 3 else ASSET.id), compact=True) for seq in range(1, 6)
    )

    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(RecordBatch(telemetry=(FrameBlock(frame, START, replay=False),)))
            assert recorder.status().rejected == 1

    asyncio.run(run())
    assert ask(database_url, SAMPLES) == [(4, 4, 1, 5)]


def test_a_sample_that_no_database_takes_does_not_hold_up_the_others(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            poison = sample(5, details={"half a letter": "\ud800"})
            await recorder.write(batch(*(sample(seq) for seq in range(1, 5)), poison, sample(6)))
            assert recorder.status().rejected == 1

    asyncio.run(run())
    assert ask(database_url, SAMPLES) == [(5, 5, 1, 6)]


def test_who_was_there_and_what_happened_is_kept_once(engine: Engine, database_url: str, tmp_path: Path) -> None:
    opened = SessionRow("s1", ASSET.id, "127.0.0.1:5", "gw", START)
    closed = SessionRow("s1", ASSET.id, "127.0.0.1:5", "gw", START, START + timedelta(minutes=1), "connection lost")
    told = RecordBatch(
        sessions=(opened,),
        heartbeats=(Heartbeat(ASSET.id, START),),
        events=(
            Event("e1", ASSET.id, ASSET.site_id, START, "RACK_FAULT", "alarm", "rack 3"),
            Event("e2", "", "", START, "recorder_failing", "critical", "of the headend itself"),
        ),
    )

    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(told)
            await recorder.write(RecordBatch(sessions=(closed,)))
            await recorder.write(told)

    asyncio.run(run())
    assert ask(database_url, "SELECT count(*) FROM heartbeats") == [(1,)]
    assert ask(database_url, "SELECT id, severity, asset_id IS NULL FROM events ORDER BY id") == [
        ("e1", "alarm", False),
        ("e2", "critical", True),
    ]
    assert ask(database_url, "SELECT reason, disconnected_at IS NULL FROM agent_sessions") == [
        ("connection lost", False)
    ]


def test_a_session_that_a_crash_left_open_is_closed_at_the_next_start(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(RecordBatch(sessions=(SessionRow("s1", ASSET.id, "p", "g", START),)))
            await recorder.prepare(INVENTORY)

    asyncio.run(run())
    assert ask(database_url, "SELECT disconnected_at IS NOT NULL, reason FROM agent_sessions") == [
        (True, "the headend was not running")
    ]


def test_an_asset_that_left_the_yaml_keeps_its_history_unless_it_is_pruned(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    without = remove_asset(INVENTORY, ASSET.id)
    counted = f"SELECT count(*) FROM telemetry WHERE asset_id = '{ASSET.id}'"

    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            await recorder.write(batch(sample(1), sample(1, asset_id=OTHER.id)))

            await recorder.prepare(without)
            assert ask(database_url, counted) == [(1,)]
            gone = ask(database_url, f"SELECT removed_at IS NOT NULL FROM assets WHERE id = '{ASSET.id}'")
            assert gone == [(True,)]

            await recorder.prepare(without, prune=True)
            assert ask(database_url, counted) == [(0,)]
            assert ask(database_url, "SELECT count(*) FROM telemetry") == [(1,)]
            assert ask(database_url, f"SELECT count(*) FROM assets WHERE id = '{ASSET.id}'") == [(0,)]

    asyncio.run(run())


def test_reset_empties_the_fleets_tables_and_no_others(engine: Engine, database_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with _recorder(engine, tmp_path) as recorder:
            await recorder.prepare(INVENTORY)
            ask(database_url, "SELECT 1")
            await recorder.write(batch(sample(1)))
            restored = await recorder.prepare(INVENTORY, reset=True)
            assert restored.telemetry == ()

    import psycopg

    with psycopg.connect(database_url) as connection:
        connection.execute(b"CREATE TABLE theirs (x int); INSERT INTO theirs VALUES (1)")
    asyncio.run(run())
    assert ask(database_url, "SELECT count(*) FROM telemetry") == [(0,)]
    assert ask(database_url, "SELECT count(*) FROM theirs") == [(1,)]
    assert ask(database_url, "SELECT count(*) FROM assets") == [(len(INVENTORY.assets),)]


def test_a_database_that_is_not_there_is_an_error_at_the_start(tmp_path: Path) -> None:
    nowhere = make_engine(read_url("postgresql://nobody@/none?host=/nonexistent"))

    with pytest.raises(UnavailableError, match="does not answer"):
        asyncio.run(open_recorder(nowhere, tmp_path).prepare(INVENTORY))
    nowhere.dispose()
