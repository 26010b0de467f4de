from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from afterbay.server.listening import reached_at
from afterbay.server.serve import worker_environment
from afterbay.server.settings import read_settings

_PATIENCE_S = 90.0  # a slow machine is no defect; a server that never comes is


class Served:
    """`afterbay serve` as a child process."""

    def __init__(self, folder: Path, *words: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERBAY_", "DATABASE_"))}
        self.log = folder.parent / "log.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "afterbay", "serve", "--json", "--port", "0", "--data-dir", str(folder), *words],
                stdout=subprocess.PIPE, stderr=log, env=kept, start_new_session=True,
            )  # fmt: skip
        self.places = self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line.decode()
            with suppress(ValueError):
                found: dict[str, Any] = json.loads(text)
                return found
        raise AssertionError(f"it ended ({self.process.wait()}): {self.log.read_text()}")

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(self.places["url"] + path, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE_S)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's folder: its path is long, and the path of a socket must be short.
    made = Path(tempfile.mkdtemp(prefix="afterbay-serve-"))
    yield made / "d"
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def make(*words: str) -> Served:
        started.append(Served(folder, *words))
        return started[-1]

    yield make
    for one in started:
        if one.process.poll() is None:
            one.stop()
        assert one.process.stdout is not None
        one.process.stdout.close()
    postgres = postmaster(folder)
    if postgres is not None:
        os.kill(postgres, signal.SIGQUIT)


def postmaster(folder: Path) -> int | None:
    """Process id of the embedded server that runs, if one does."""
    try:
        number = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    except OSError:
        return None
    return number if psutil.pid_exists(number) else None


def runs(process: psutil.Process) -> bool:
    """Tell whether a process still works; one that nobody fetched the end of does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(what: Callable[[], bool], log: Path) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.1)


def test_it_starts_from_nothing_and_stops_everything_and_starts_again(
    serve: Callable[..., Served], folder: Path
) -> None:
    server = serve()

    assert server.get("/healthz") == (200, {"status": "ok"})
    assert server.get("/api/v1/modules")[0] == 401
    assert server.places["first_link"].startswith(server.places["url"] + "/welcome#token=")
    assert reached_at(folder) == server.places["url"] == server.places["public_url"]
    assert server.places["database"] == f"embedded in {folder / 'postgres'}"
    assert server.places["storage_trouble"] == ""
    wait_for(lambda: server.get("/readyz")[0] == 200, server.log)
    workers = server.children()
    assert len(workers) >= 1
    assert postmaster(folder) is not None

    assert server.stop() == 0

    assert postmaster(folder) is None
    assert not (folder / "serve.json").exists()
    assert not any(runs(one) for one in workers)
    assert "Traceback" not in server.log.read_text()
    again = serve("--no-worker")
    assert again.get("/healthz")[0] == 200
    assert again.children() == []
    assert again.places["worker"] is False
    status, ready = again.get("/readyz")
    assert (status, ready["checks"]["database"]) == (503, "ok")
    assert "afterbay worker" in ready["checks"]["worker"], "the worker said goodbye"


def test_after_a_kill_it_starts_again_and_a_dead_worker_is_replaced(serve: Callable[..., Served], folder: Path) -> None:
    killed = serve()
    wait_for(lambda: len(killed.children()) >= 1, killed.log)
    orphans, postgres = killed.children(), postmaster(folder)
    killed.process.kill()
    killed.process.wait()
    assert postmaster(folder) == postgres, "nobody was left to stop it"

    server = serve()

    assert server.get("/healthz")[0] == 200
    assert postmaster(folder) == postgres, "found again, not started twice"
    wait_for(lambda: not any(runs(one) for one in orphans), server.log)
    wait_for(lambda: len(server.children()) >= 1, server.log)
    first = server.children()[0]
    first.kill()
    wait_for(lambda: any(one.pid != first.pid for one in server.children()), server.log)
    assert "no job is lost" in server.log.read_text()
    assert server.stop() == 0
    assert postmaster(folder) is None, "the last one that uses it stops it"


def test_a_port_that_is_taken_is_a_sentence_with_the_next_move(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "afterbay", "serve", "--port", str(port), "--data-dir", str(folder)],
            capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
        )  # fmt: skip

    assert done.returncode == 7
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "postgres").exists(), "nothing was started for it"


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        ([], {"AFTERBAY_TLS_CERT": "gone.pem", "AFTERBAY_TLS_KEY": "gone.key"}, "gone.pem (No such file or directory)"),
        (["--data-dir", __file__], {}, "data folder: got"),
    ],
    ids=["certificate", "data folder"],
)
def test_what_cannot_be_used_is_a_sentence_before_anything_is_started(
    folder: Path, words: list[str], variables: dict[str, str], told: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERBAY_", "DATABASE_"))}

    done = subprocess.run(
        [sys.executable, "-m", "afterbay", "serve", "--port", "0", "--data-dir", str(folder), *words],
        capture_output=True, text=True, timeout=_PATIENCE_S, check=False, env={**kept, **variables},
    )  # fmt: skip

    assert done.returncode == 3
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "postgres").exists()


def test_a_storage_that_keeps_nothing_is_told_at_the_start(serve: Callable[..., Served], folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "file").write_text("no folder")

    server = serve("--no-worker", "--storage", str(folder / "file"))

    assert server.places["storage_trouble"]
    wait_for(lambda: "files cannot be kept" in server.log.read_text(), server.log)


def test_the_worker_sees_the_settings_in_force_and_no_word_of_its_command_holds_a_secret(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path, compute_processes=3, log_format="json")

    found = worker_environment(settings, "postgresql://ann:secret@db/afterbay", {"PATH": "/bin", "AFTERBAY_DASK": "x"})

    assert found["PATH"] == "/bin"
    assert found["AFTERBAY_DATABASE_URL"] == "postgresql://ann:secret@db/afterbay"
    assert found["AFTERBAY_STORAGE_URL"] == str(tmp_path / "storage")
    assert found["AFTERBAY_COMPUTE_PROCESSES"] == "3"
    assert found["AFTERBAY_LOG_FORMAT"] == "json"
    assert found["AFTERBAY_DASK"] == settings.dask
