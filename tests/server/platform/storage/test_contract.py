"""What every store promises, on every store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, UnavailableError
from afterbay.server.platform.storage import Storage

LARGE = bytes(range(256)) * 4096 * 20
"""20 MiB: more than is sent at once."""


def test_what_was_put_is_read_back_with_its_hash(store: Storage, tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(b"from a file" * 1000)

    stored = store.put("a/bytes.bin", b"x" * 3_000_000)
    store.put("a/empty.bin", b"")
    store.put("a/pieces.bin", (bytes([number]) * 1000 for number in range(10)))
    store.put("a/file.bin", file)

    assert (stored.key, stored.size) == ("a/bytes.bin", 3_000_000)
    assert stored.sha256 == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert store.get("a/bytes.bin", sha256=stored.sha256) == b"x" * 3_000_000
    assert store.get("a/empty.bin") == b""
    assert store.get("a/pieces.bin") == b"".join(bytes([number]) * 1000 for number in range(10))
    assert store.get("a/file.bin") == file.read_bytes()


def test_a_large_object_goes_and_comes_in_pieces(store: Storage) -> None:
    stored = store.put("large.bin", iter([LARGE[:7_000_000], LARGE[7_000_000:]]))

    digest = hashlib.sha256()
    count = 0
    for piece in store.open("large.bin"):
        digest.update(piece)
        count += bool(piece)

    assert count > 1
    assert stored.size == len(LARGE)
    assert digest.hexdigest() == stored.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_a_second_put_replaces_the_first(store: Storage) -> None:
    store.put("key.bin", b"old")
    store.put("key.bin", b"new")

    assert store.get("key.bin") == b"new"
    assert [one.key for one in store.list()] == ["key.bin"]


def test_a_write_that_breaks_off_leaves_what_was_there(store: Storage) -> None:
    def broken() -> Iterator[bytes]:
        yield b"y" * 2_000_000
        raise InvalidInputError(Problem("file", "too large", "50 MB", "send less"))

    store.put("kept.bin", b"old")
    for key in ("kept.bin", "never.bin"):
        with pytest.raises(InvalidInputError, match="too large"):
            store.put(key, broken())

    assert store.get("kept.bin") == b"old"
    assert [one.key for one in store.list()] == ["kept.bin"]


def test_what_is_not_there_is_not_found_and_may_be_removed_twice(store: Storage) -> None:
    store.put("folder/there.bin", b"x")
    store.delete("folder/there.bin")
    store.delete("folder/there.bin")

    for key in ("folder/there.bin", "folder", "never/was.bin"):
        with pytest.raises(NotFoundError, match=key):
            store.open(key)
    assert list(store.list()) == []


def test_a_listing_finds_by_the_beginning_of_the_key(store: Storage) -> None:
    keys = ["runs/1/a.bin", "runs/1/b.bin", "runs/10/a.bin", "profiles/1/a.bin"]
    for key in keys:
        store.put(key, b"x" * 5)

    assert sorted(one.key for one in store.list("runs/")) == ["runs/1/a.bin", "runs/1/b.bin", "runs/10/a.bin"]
    assert sorted(one.key for one in store.list("runs/1")) == ["runs/1/a.bin", "runs/1/b.bin", "runs/10/a.bin"]
    assert sorted(one.key for one in store.list("runs/1/")) == ["runs/1/a.bin", "runs/1/b.bin"]
    assert sorted(one.key for one in store.list()) == sorted(keys)
    for one in store.list():
        assert one.size == 5
        assert abs(one.modified_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".hashes/a", "a\\b", "a\x00b", "a b", "é", "-a",
     "/".join("abcdefghijklm"), "x" * 129],
)  # fmt: skip
def test_a_key_that_could_lead_elsewhere_is_refused(store: Storage, key: str) -> None:
    for act in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete(key)):
        with pytest.raises(InvalidInputError, match="storage key"):
            act()


def test_a_hash_that_is_expected_and_not_found_is_an_error(store: Storage) -> None:
    store.put("a.bin", b"content")

    with pytest.raises(UnavailableError, match="damaged"):
        store.get("a.bin", sha256=hashlib.sha256(b"other").hexdigest())


def test_a_store_tells_that_it_is_well_and_leaves_no_trace(store: Storage) -> None:
    assert store.healthy().ok
    assert list(store.list()) == []
