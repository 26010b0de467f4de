"""The store in a folder: damage is noticed, a full disk is said, nothing half-written is ever seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from afterbay.core.errors import InvalidInputError, UnavailableError
from afterbay.server.platform.storage import open_storage

_CHILD = """
import sys
from afterbay.core.errors import UnavailableError
from afterbay.server.platform.storage import open_storage
store = open_storage(sys.argv[1])
{before}
try:
    store.put("big.bin", (b"x" * 100_000 for _ in range(100)))
except UnavailableError as error:
    print(error)
print([one.key for one in store.list()], store.healthy().ok)
"""


def _run(command: list[str], folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    script = folder / "child.py"
    script.write_text(_CHILD.format(before=before))
    return subprocess.run(
        [*command, sys.executable, str(script), str(folder / "store")], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("change", [b"y", b"xx", b""])
def test_content_that_changed_on_the_disk_is_noticed_and_never_given(tmp_path: Path, change: bytes) -> None:
    store = open_storage(tmp_path)
    store.put("a/b.bin", b"x")
    (tmp_path / "a" / "b.bin").write_bytes(change)

    with pytest.raises(UnavailableError, match=r"damaged.*restore it from a backup"):
        store.get("a/b.bin")
    with pytest.raises(UnavailableError, match="damaged"):
        b"".join(store.open("a/b.bin"))


def test_an_object_whose_hash_is_gone_is_not_trusted(tmp_path: Path) -> None:
    store = open_storage(tmp_path)
    store.put("b.bin", b"x")
    shutil.rmtree(tmp_path / ".hashes")

    with pytest.raises(UnavailableError, match="damaged"):
        store.get("b.bin")


def test_a_crash_between_any_two_steps_of_a_replacement_leaves_one_whole_object(tmp_path: Path) -> None:
    seen = set()
    for steps in range(12):
        store = open_storage(tmp_path / str(steps))
        store.put("a.bin", b"old")
        left = [steps]

        def rename(self: Path, target: Path, left: list[int] = left) -> Path:
            left[0] -= 1
            if left[0] < 0:
                raise SystemExit("power cut")
            os.rename(self, target)  # noqa: PTH104 -- the other one is this
            return target

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "rename", rename)
            with suppress(SystemExit):
                store.put("a.bin", b"new")
        seen.add(store.get("a.bin"))

    assert seen == {b"old", b"new"}


def test_readers_see_whole_objects_while_writers_replace_them(tmp_path: Path) -> None:
    store = open_storage(tmp_path)
    contents = [bytes([number]) * 50_000 for number in range(8)]
    store.put("a.bin", contents[0])
    stop = threading.Event()

    def write(content: bytes) -> None:
        while not stop.is_set():
            store.put("a.bin", content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents[1:4]]
    for one in writers:
        one.start()
    try:
        for _ in range(40):
            assert store.get("a.bin") in contents
    finally:
        stop.set()
        for one in writers:
            one.join()


def test_an_object_that_is_larger_than_the_disk_allows_is_said_and_not_seen(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))"

    done = _run([], tmp_path, limit)

    assert "free space on the disk" in done.stdout
    assert done.stdout.splitlines()[-1] == "[] True"
    assert list((tmp_path / "store" / ".partial").iterdir()) == []


def test_a_full_disk_is_said_and_nothing_of_the_object_is_left(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    mount = f'mount -t tmpfs -o size=2m none {store} && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("no small file system can be made here")

    done = _run(command, tmp_path)

    assert "No space left on device" in done.stdout
    assert "free space on the disk" in done.stdout
    # What was written is gone again: there is room for the next one.
    assert done.stdout.splitlines()[-1] == "[] True"


def test_a_folder_that_may_not_be_written_is_unavailable_with_the_next_move(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = open_storage(tmp_path / "file")

    with pytest.raises(UnavailableError, match="check that the folder exists"):
        store.put("a.bin", b"x")
    health = store.healthy()
    assert not health.ok
    assert "check that the folder exists" in health.detail


def test_a_key_that_is_the_folder_of_another_is_refused(tmp_path: Path) -> None:
    store = open_storage(tmp_path)
    store.put("a/b.bin", b"x")

    for key in ("a", "a/b.bin/c"):
        with pytest.raises(InvalidInputError, match="folder of another"):
            store.put(key, b"x")
    assert store.get("a/b.bin") == b"x"


def test_remains_of_interrupted_writes_are_removed_after_a_while(tmp_path: Path) -> None:
    store = open_storage(tmp_path)
    store.put("a.bin", b"x")
    remains = tmp_path / ".partial" / "remains"
    remains.write_bytes(b"half")

    assert store.clean(before=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert remains.exists()
    os.utime(remains, (0, 0))
    assert store.clean(before=datetime.now(UTC) - timedelta(hours=1)) == 1
    assert not remains.exists()
    assert store.get("a.bin") == b"x"


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = open_storage(tmp_path / "store")
    store.put("a/b.bin", b"x")

    for folder in (tmp_path / "store" / "a", tmp_path / "store" / ".hashes"):
        assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["", "ftp://host/x", "https://host/x", "s3://", "s3://key:secret@bucket/x", "gs://"])
def test_an_address_that_is_none_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(InvalidInputError, match="AFTERBAY_STORAGE_URL") as caught:
        open_storage(url)

    assert "secret" not in str(caught.value)
