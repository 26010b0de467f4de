"""One at a time, and a process that dies lets go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterbay.core.errors import ConflictError, InvalidInputError
from afterbay.core.folder_lock import holder_of, locked, only_one


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "made" / "cycle.lock"

    with only_one(path, "a cycle"):
        assert locked(path)
        assert holder_of(path) == {"pid": os.getpid(), "what": "a cycle"}
        with pytest.raises(ConflictError, match=rf"process {os.getpid()} \(a cycle\)"), only_one(path, "another"):
            pytest.fail("two are in")

    assert not locked(path)
    assert holder_of(path) is None
    with only_one(path, "a third"):
        pass


def test_waiting_ends_when_the_time_is_over(tmp_path: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with (
        only_one(tmp_path / "l", "a cycle"),
        pytest.raises(ConflictError),
        only_one(tmp_path / "l", "another", wait_s=10.0, sleep=sleep, clock=lambda: now[0]),
    ):
        pytest.fail("two are in")

    assert 10.0 <= now[0] < 10.1


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "l"
    code = (
        "import sys, time; from pathlib import Path; from afterbay.core.folder_lock import only_one\n"
        "with only_one(Path(sys.argv[1]), 'a cycle'): print('in', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        assert locked(path)
        process.kill()

    assert not locked(path)


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidInputError, match="can be written"), only_one(tmp_path / "file" / "l", "a cycle"):
        pytest.fail("it has no place")

    assert not locked(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_keeps_nobody_from_working_and_lets_nobody_else_in(tmp_path: Path) -> None:
    path = tmp_path / "l"
    code = (
        "import resource, signal, sys; from pathlib import Path; from afterbay.core.folder_lock import only_one\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "with only_one(Path(sys.argv[1]), 'an agent'): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        assert locked(path)
        assert path.read_bytes() == b""
        with pytest.raises(ConflictError, match="is held"), only_one(path, "another"):
            pytest.fail("two are in")
        process.communicate("")

    assert process.returncode == 0
    assert not locked(path)
