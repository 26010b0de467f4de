from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import UnavailableError
from afterbay.server.fleet.recorder import DiskBuffer, buffer

MANY = 10**9


def _drain(queue: DiskBuffer, most: int = MANY) -> list[bytes]:
    found = []
    while not queue.is_empty:
        entries, place = queue.peek(most)
        found += entries
        queue.drop(place)
    return found


def test_what_went_in_comes_out_in_order_also_after_a_restart(tmp_path: Path) -> None:
    queue = DiskBuffer(tmp_path, MANY)
    entries = [f"entry {number}".encode() * number for number in range(50)]
    for entry in entries[:30]:
        queue.append(entry)

    again = DiskBuffer(tmp_path, MANY)
    for entry in entries[30:]:
        again.append(entry)

    assert _drain(again, most=100) == entries
    assert not list(tmp_path.iterdir())
    assert again.size == 0


def test_files_that_are_read_are_removed_while_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "_LARGEST_FILE", 50)
    queue = DiskBuffer(tmp_path, MANY)
    for number in range(10):
        queue.append(bytes([number]) * 40)
    assert len(list(tmp_path.iterdir())) > 3

    entries, place = queue.peek(MANY)
    queue.drop(place)
    queue.append(b"later")

    assert [entry[0] for entry in [*entries, *_drain(queue)]][:10] == list(range(10))


def test_a_torn_end_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    queue = DiskBuffer(tmp_path, MANY)
    for entry in (b"one", b"two", b"three"):
        queue.append(entry)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-2])

    again = DiskBuffer(tmp_path, MANY)
    again.append(b"four")

    assert _drain(again) == [b"one", b"two", b"four"]


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    queue = DiskBuffer(tmp_path, MANY)
    queue.append(b"one")
    queue.append(b"two")
    (path,) = tmp_path.iterdir()
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)

    assert _drain(DiskBuffer(tmp_path, MANY)) == [b"one"]


def test_beyond_its_bound_it_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    queue = DiskBuffer(tmp_path, 100)
    queue.append(b"x" * 60)

    with pytest.raises(UnavailableError, match="full"):
        queue.append(b"y" * 60)

    assert _drain(queue) == [b"x" * 60]
    queue.append(b"y" * 60)


def _refuse_two(queue: DiskBuffer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(UnavailableError, match="No space"):
            queue.append(b"two")


def test_a_disk_that_refuses_leaves_no_half_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = DiskBuffer(tmp_path, MANY)
    queue.append(b"one")

    _refuse_two(queue, monkeypatch)
    queue.append(b"three")

    assert _drain(queue) == [b"one", b"three"]


def test_after_a_refusal_nothing_is_added_to_a_torn_file_of_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DiskBuffer(tmp_path, MANY).append(b"one")
    (torn,) = tmp_path.iterdir()
    torn.write_bytes(torn.read_bytes() + b"ABP1 and no more")
    queue = DiskBuffer(tmp_path, MANY)

    _refuse_two(queue, monkeypatch)
    queue.append(b"three")

    assert _drain(queue) == [b"one", b"three"]


@given(entries=st.lists(st.binary(max_size=200), min_size=1, max_size=20), most=st.integers(1, 300))
def test_any_entries_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, entries: list[bytes], most: int
) -> None:
    queue = DiskBuffer(tmp_path_factory.mktemp("queue"), MANY)
    for entry in entries:
        queue.append(entry)

    assert _drain(queue, most) == entries
