"""The store: each row once, whatever is sent again, and every battery goes on where it was."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle import store_files
from afterbay.community.cycle.contract import ENERGY_COLUMNS, RESULT_COLUMNS
from afterbay.community.cycle.rows import Rows
from afterbay.community.cycle.store import ParquetStore, Stored
from afterbay.community.cycle.users import parse_ids
from afterbay.core.errors import InvalidInputError

AT = datetime(2024, 9, 11, 14, 15, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def _rows(users: list[int], at: datetime = AT, seed: int = 1) -> Rows:
    ids = np.array([str(uuid.UUID(int=user * 7919 + 1, version=4)) for user in users], dtype="S36")
    # A user's numbers belong to user and time, so that the same row is the same wherever it comes from.
    micro = np.array(
        [np.random.default_rng([user, seed, int(at.timestamp())]).integers(0, 9_999_999, 8) for user in users]
    ).reshape(len(users), 8)
    return Rows(ids, parse_ids(ids)[0], at, micro)


def _content(store: ParquetStore) -> list[tuple[object, ...]]:
    frame = store.frame("home", AT - timedelta(days=9), AT + timedelta(days=9))
    return sorted(tuple(row) for row in frame.itertuples(index=False))


def test_rows_come_back_to_the_last_digit_in_the_ten_columns(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), _rows([3, 1, 2])

    stored = store.put("home", rows)

    back = store.rows("home", AT)
    assert str(stored) == "3 new"
    assert (back.user_id == rows.user_id).all()
    assert (back.micro == rows.micro).all()
    frame = store.frame("home", AT, AT + QUARTER)
    assert tuple(frame.columns) == RESULT_COLUMNS
    assert (frame["timestamp"] == AT).all()
    assert frame.equals(rows.frame())


def test_rows_that_are_there_are_kept_and_counted(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.put("home", _rows([1, 2]))
    before = _content(store)

    again = store.put("home", _rows([1, 2]))
    other = store.put("home", _rows([2, 3], seed=2))

    assert str(again) == "2 rows already stored, 0 new"
    assert other == Stored(new=1, already=1, differing=1)
    assert "1 of them with other numbers, which were kept" in str(other)
    assert set(before) < set(_content(store))


def test_capital_letters_do_not_make_another_user(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), _rows([10])
    loud = np.char.upper(rows.user_id)
    store.put("home", rows)

    assert store.put("home", Rows(loud, parse_ids(loud)[0], AT, rows.micro)).new == 0
    assert len(store.frame("home", AT, AT + QUARTER, user=loud[0].decode())) == 1


@given(
    puts=st.lists(
        st.tuples(st.lists(st.integers(0, 5), max_size=4, unique=True), st.integers(0, 200), st.booleans()), max_size=8
    )
)
def test_any_order_of_puts_and_compactions_holds_each_row_once(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[list[int], int, bool]]
) -> None:
    store = ParquetStore(tmp_path_factory.mktemp("store"))
    expected: set[tuple[int, datetime]] = set()

    for users, step, compacts in puts:
        at = AT + QUARTER * step
        wanted = {(user, at) for user in users}
        stored = store.put("home", _rows(users, at))
        assert (stored.new, stored.already) == (len(wanted - expected), len(wanted & expected))
        expected |= wanted
        if compacts:
            store.compact("home", date(2024, 9, 13))

    rows = [_rows([user], at).frame() for user, at in expected]
    assert _content(store) == sorted(tuple(row) for frame in rows for row in frame.itertuples(index=False))
    assert store.last_moment("home") == max((at for _, at in expected), default=None)


def test_a_crash_while_compacting_leaves_no_row_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ParquetStore(tmp_path)
    for step in range(3):
        store.put("home", _rows([1, 2], AT + QUARTER * step))
    before, totals = _content(store), store.totals("home", AT.date())
    removed: list[str] = []

    def crash(self: Path, missing_ok: bool = False) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(self.name)
        self.rename(self.with_suffix(".gone"))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", crash)
        with pytest.raises(KeyboardInterrupt):
            store.compact("home", date(2024, 9, 12))

    assert _content(store) == before
    assert store.totals("home", AT.date()) == totals
    assert store.put("home", _rows([1, 2, 3])) == Stored(1, 2)
    assert store.compact("home", date(2024, 9, 12)) == 1
    assert len(_content(store)) == 7
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["day.parquet"]


def test_totals_are_those_of_the_rows_and_leave_the_stock_out(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    parts = [_rows([1, 2, 3], AT + QUARTER * step) for step in range(4)]
    for rows in parts:
        store.put("home", rows)

    totals = store.totals("home", AT.date())

    assert (totals.rows, totals.intervals) == (12, 4)
    assert set(totals.energy_kwh) == set(ENERGY_COLUMNS) - {"battery_soc_kwh"}
    whole = np.concatenate([rows.micro for rows in parts]).sum(axis=0)
    for name, kwh in totals.energy_kwh.items():
        assert kwh == whole[ENERGY_COLUMNS.index(name)] / 1_000_000
    assert store.totals("home", date(2024, 9, 12)).rows == 0


def test_each_battery_goes_on_from_its_own_last_row(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    old, middle, new = _rows([1, 2, 3], AT - timedelta(days=2)), _rows([1, 2], AT - QUARTER), _rows([1], AT)
    for rows in (new, old, middle):
        store.put("home", rows)
    store.compact("home", AT.date())

    stored = store.state("home", AT + QUARTER, _rows([1, 2, 3, 4]).keys).micro_of(_rows([1, 2, 3, 4]).keys)
    earlier = store.state("home", AT, _rows([1]).keys).micro_of(_rows([1]).keys)

    assert stored.tolist() == [new.micro[0, 2], middle.micro[1, 2], old.micro[2, 2], -1]
    assert earlier.tolist() == [middle.micro[0, 2]]


def test_who_was_away_for_more_than_a_month_begins_anew(tmp_path: Path) -> None:
    store, rows = ParquetStore(tmp_path), _rows([1])
    store.put("home", rows)

    assert len(store.state("home", AT + timedelta(days=30), rows.keys)) == 1
    assert len(store.state("home", AT + timedelta(days=40), rows.keys)) == 0


def test_runs_do_not_see_each_other(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.put("home", _rows([1]))

    assert store.last_moment("away") is None
    assert len(store.rows("away", AT)) == 0
    assert store.put("away", _rows([1])) == Stored(1, 0)


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".x", "a" * 65])
def test_no_run_leaves_the_folder(tmp_path: Path, run: str) -> None:
    with pytest.raises(InvalidInputError, match="run"):
        ParquetStore(tmp_path).put(run, _rows([1]))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    stored: list[Stored] = []

    def write(users: list[int]) -> None:
        stored.append(ParquetStore(tmp_path).put("home", _rows(users)))

    threads = [threading.Thread(target=write, args=([user, user + 1],)) for user in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ParquetStore(tmp_path).rows("home", AT)) == 9
    assert sum(put.new for put in stored) == 9
    assert sum(put.already for put in stored) == 7


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ParquetStore(tmp_path)
    store.put("home", _rows([1]))
    before = _content(store)

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InvalidInputError, match="No space left"):
            store.put("home", _rows([2]))

    assert _content(store) == before


def test_a_damaged_file_is_named_and_nothing_is_written_over_it(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)
    store.put("home", _rows([1]))
    file = next(tmp_path.rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])

    for ask in (lambda: store.put("home", _rows([1])), lambda: store.totals("home", AT.date())):
        with pytest.raises(InvalidInputError, match=r"1415\.parquet: got a damaged file"):
            ask()
    assert file.stat().st_size == 100


def test_no_rows_are_no_file(tmp_path: Path) -> None:
    store = ParquetStore(tmp_path)

    assert store.put("home", _rows([])) == Stored(0, 0)
    assert list(tmp_path.iterdir()) == []
    assert len(store.frame("home", AT, AT + QUARTER)) == 0
    assert store_files.sums(tmp_path / "nothing.parquet") == {}
