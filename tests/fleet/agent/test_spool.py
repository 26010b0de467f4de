from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import UnavailableError
from afterbay.fleet.agent import Spool, SpoolLimits
from afterbay.fleet.agent.spool import SPOOL_FILE

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAYLOAD = b"x" * 1000


def tick(spool: Spool, number: int, *, payload: bytes = PAYLOAD, at: datetime | None = None) -> object:
    now = at or NOON + timedelta(seconds=4 * number)
    return spool.save([(10, payload)], {"a": number}, {"n": str(number).encode()}, now)


def test_what_is_not_confirmed_survives_and_numbers_go_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON)
    for number in range(1, 4):
        tick(spool, number)
    spool.close()

    again = Spool(tmp_path, SpoolLimits(), NOON)

    assert [batch.row for batch in again.read(0)] == [1, 2, 3]
    assert again.numbering == {"a": 3}
    assert again.state("n") == b"3"
    assert again.spool_id == spool.spool_id
    tick(again, 4)
    assert again.last_row == 4
    again.close()


def test_what_is_confirmed_is_gone_with_the_next_tick(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON)
    for number in range(1, 4):
        tick(spool, number)

    spool.confirm([1, 3])

    assert [batch.row for batch in spool.read(0)] == [2]
    tick(spool, 4)
    assert spool.waiting[0] == 20
    spool.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(1, 20)), st.booleans()), max_size=8))
def test_law_the_spool_holds_exactly_what_was_saved_and_not_confirmed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, set[int], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, SpoolLimits(), NOON)
    rows: list[int] = []
    number = 0

    for ticks, confirmed, restarts in steps:
        for _ in range(ticks):
            number += 1
            tick(spool, number)
            rows.append(spool.last_row)
        done = confirmed & set(rows)
        spool.confirm(done)
        rows = [row for row in rows if row not in done]
        assert [batch.row for batch in spool.read(0, most=100)] == rows
        if restarts:
            spool.keep_newest = False
            spool.save([], {}, {}, NOON)
            spool.close()
            spool = Spool(folder, SpoolLimits(), NOON)
            assert [batch.row for batch in spool.read(0, most=100)] == rows
    spool.close()


def test_a_full_spool_drops_the_oldest_and_tells_how_much_is_missing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(max_bytes=3_000), NOON)

    gaps = [gap for number in range(1, 6) for gap in tick(spool, number)]  # type: ignore[attr-defined]

    assert [batch.row for batch in spool.read(0)] == [3, 4, 5]
    assert sum(gap.samples for gap in gaps) == 20
    assert {gap.reason for gap in gaps} == {"no_room"}
    assert gaps[0].since == NOON + timedelta(seconds=4)
    spool.close()


def test_what_the_disk_has_changed_is_left_out_and_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON)
    for number in range(1, 4):
        tick(spool, number)
    with closing(sqlite3.connect(tmp_path / SPOOL_FILE)) as other, other:
        for row in (1, 3):
            payload = bytearray(other.execute("SELECT payload FROM batches WHERE row = ?", (row,)).fetchone()[0])
            payload[-1] ^= 1
            other.execute("UPDATE batches SET payload = ? WHERE row = ?", (bytes(payload), row))

    assert [batch.row for batch in spool.read(0, most=1)] == [2], "not none: there is a sound one behind it"
    assert [batch.row for batch in spool.read(0)] == [2]
    assert spool.newest() == []

    gaps = tick(spool, 4)
    assert [(gap.samples, gap.reason) for gap in gaps] == [(20, "spoilt")]  # type: ignore[attr-defined]
    assert [batch.row for batch in spool.read(0)] == [2, 4]
    assert tick(spool, 5) == (), "told once"
    spool.close()


def test_what_is_too_old_is_dropped_and_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(max_age_s=60.0), NOON)
    tick(spool, 1, at=NOON)

    assert tick(spool, 2, at=NOON + timedelta(seconds=40)) == ()

    gaps = tick(spool, 3, at=NOON + timedelta(seconds=61))

    assert [(gap.samples, gap.reason) for gap in gaps] == [(10, "too_old")]  # type: ignore[attr-defined]
    assert [batch.row for batch in spool.read(0)] == [2, 3]
    spool.close()


def test_a_clock_that_is_set_by_years_makes_no_sample_old(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(max_age_s=3600.0), NOON)
    tick(spool, 1, at=NOON - timedelta(days=9000))

    assert tick(spool, 2, at=NOON) == ()
    assert [batch.row for batch in spool.read(0)] == [1, 2]
    spool.close()


def test_a_full_disk_stops_nobody_and_loses_nothing_while_memory_lasts(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON, max_pages=20)
    number = 0
    while not spool.failing:
        number += 1
        tick(spool, number)
    for _ in range(5):
        number += 1
        tick(spool, number)

    assert "full" in spool.failing
    assert [batch.row for batch in spool.read(0, most=1000)] == list(range(1, number + 1))
    spool.confirm(range(1, number))
    tick(spool, number + 1)
    assert spool.failing == ""
    assert [batch.row for batch in spool.read(0)] == [number, number + 1]
    spool.close()


def test_when_disk_and_memory_are_full_the_oldest_samples_go_and_the_state_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(memory_bytes=5_000), NOON, max_pages=20)

    gaps = [gap for number in range(1, 100) for gap in tick(spool, number)]  # type: ignore[attr-defined]

    kept = spool.read(0, most=1000)
    assert sum(gap.samples for gap in gaps) + sum(batch.samples for batch in kept) == 99 * 10
    assert kept[-1].row == 99
    assert spool.state("n") == b"99"
    spool.close()


def test_numbers_that_only_memory_knew_are_never_used_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON, max_pages=20)
    number = 0
    while not spool.failing:
        number += 1
        tick(spool, number)
    spool.read(0, most=1000)  # on their way to the headend, though the disk has not got them
    spool.close()

    again = Spool(tmp_path, SpoolLimits(), NOON)

    assert again.numbering["a"] > number
    assert again.last_row > number
    again.close()


@pytest.mark.parametrize(
    "content", [b"this is no database, but it is long enough to be one" * 100, b"SQLite format 3\0"]
)
def test_a_broken_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SPOOL_FILE).write_bytes(content + b"\xff" * 5000)

    spool = Spool(tmp_path, SpoolLimits(), NOON)

    assert spool.set_aside is not None
    assert spool.set_aside.read_bytes().startswith(content)
    tick(spool, 1)
    assert [batch.row for batch in spool.read(0)] == [1]
    spool.close()


def test_a_file_that_breaks_while_it_is_used_costs_neither_the_agent_nor_its_numbers(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(), NOON)
    tick(spool, 1)

    class Broken:
        def execute(self, *_: object) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        def executemany(self, *_: object) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        rollback = close = lambda self: None

    real, spool._db = spool._db, Broken()  # type: ignore[assignment]
    real.close()
    tick(spool, 2)
    tick(spool, 3)

    assert spool.set_aside is not None
    assert spool.failing == ""
    assert [batch.row for batch in spool.read(0)] == [2, 3]
    assert spool.numbering == {"a": 3}
    spool.close()


def test_a_folder_without_room_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="check the disk"):
        Spool(tmp_path / "missing", SpoolLimits(), NOON)
