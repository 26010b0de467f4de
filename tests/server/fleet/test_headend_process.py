"""The headend as a user starts it: a process of its own, on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from fleet_certificates import Authority
from server_database import ASSET, ask

from afterbay.server.postgres import EmbeddedPostgres

_START = "import sys; from afterbay.cli.headend import app; app()"
TOKEN = "a-token-that-is-long-enough"


def _environment(folder: Path, **more: str) -> dict[str, str]:
    ours = ("AFTERBAY_", "HEADEND_", "ASSETS_", "DATABASE_URL", "RESET_DB")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"AFTERBAY_DATA_DIR": str(folder / "data"), **more}


@contextmanager
def _headend(folder: Path, *words: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--json", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=_environment(folder, **more),
    )  # fmt: skip
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                pytest.fail(process.stderr.read())
            text += line
        yield process, json.loads(text)
    finally:
        process.kill()
        process.communicate()
        watchdog.cancel()


def _ends_well(process: subprocess.Popen[str], how: int = signal.SIGTERM) -> str:
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_it_simulates_serves_streams_and_ends_on_a_signal(tmp_path: Path) -> None:
    with _headend(tmp_path, "--simulate", "--tick", "0.2") as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            assert (places["assets"], places["database"], places["simulated"]) == (6, "none", True)
            assert all(agent["connected"] for agent in client.get("/agents").json())
            kinds = []
            with client.stream("GET", "/stream") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 60.0})
                for line in stream.iter_lines():
                    kinds += [line.removeprefix("event: ")] if line.startswith("event: ") else []
                    if kinds.count("telemetry") > 12 and "command" in kinds:
                        break
            deadline = time.monotonic() + 10
            while client.get(f"/telemetry/{ASSET.id}").json()["current_mw"] <= 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            # Somebody still listens when it is told to stop.
            with client.stream("GET", "/stream"):
                started = time.monotonic()
                said = _ends_well(process)
                assert time.monotonic() - started < 8
        assert "stopped" in said


def test_with_a_database_everything_is_there_after_a_kill(tmp_path: Path, database_url: str) -> None:
    with _headend(tmp_path, "--simulate", "--tick", "0.1", DATABASE_URL=database_url) as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            client.post("/dispatch", json={"asset_id": ASSET.id, "mw": 30.0}).raise_for_status()
            deadline = time.monotonic() + 15
            while client.get(f"/telemetry/{ASSET.id}").json()["setpoint_mw"] != 30.0:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(0.5)
        process.kill()
        process.wait()
    with _headend(tmp_path, "--simulate", "--tick", "0.1", DATABASE_URL=database_url) as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            deadline = time.monotonic() + 15
            while client.get(f"/telemetry/{ASSET.id}").json()["lease_id"] is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert client.get(f"/telemetry/{ASSET.id}").json()["setpoint_mw"] == 30.0
        _ends_well(process, signal.SIGINT)
    rows = ask(
        database_url,
        f"SELECT count(*), count(DISTINCT seq), max(seq) FROM telemetry WHERE asset_id = '{ASSET.id}'",
    )
    assert rows[0][0] == rows[0][1] == rows[0][2]


def test_a_request_that_is_repeated_after_a_kill_is_the_command_that_it_was(tmp_path: Path, database_url: str) -> None:
    asked = {"asset_id": ASSET.id, "mw": 30.0, "duration_s": 0.3}
    once = {"Idempotency-Key": "evening-peak"}
    with _headend(tmp_path, "--simulate", "--tick", "0.1", DATABASE_URL=database_url) as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            first = client.post("/dispatch", json=asked, headers=once).json()
            deadline = time.monotonic() + 15
            while ask(database_url, "SELECT state FROM dispatches") != [("completed",)]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.kill()
        process.wait()
    with _headend(tmp_path, "--simulate", "--tick", "0.1", DATABASE_URL=database_url) as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            again = client.post("/dispatch", json=asked, headers=once)
            assert again.headers["idempotent-replayed"] == "true"
            assert (again.json()["id"], again.json()["state"]) == (first["id"], "completed")
        _ends_well(process)
    assert ask(database_url, "SELECT count(*) FROM dispatches") == [(1,)]


def test_a_disk_that_is_full_while_the_database_is_away_loses_and_doubles_nothing(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    server = EmbeddedPostgres(postgres.data.parent / "full")
    server.start()
    url = server.ensure_database("full")
    try:
        with (
            _headend(tmp_path, "--simulate", "--tick", "0.1", DATABASE_URL=url) as (process, places),
            httpx2.Client(base_url=places["http"], timeout=10) as client,
        ):

            def until(wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
                deadline = time.monotonic() + 30
                while not wanted(told := client.get("/health").json()):
                    assert time.monotonic() < deadline, told
                    time.sleep(0.05)
                return dict(told)

            until(lambda told: told["samples_written"] > 0)
            # From now on no file of this process grows beyond a few ticks.
            psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (20_000, 20_000))
            server.kill()
            full = until(lambda told: bool(told["recorder_error"]))
            assert "cannot keep samples there" in full["recorder_error"]
            assert (full["status"], full["db"]) == ("degraded", "error")
            until(lambda told: told["samples_waiting"] > 60)
            failing = [event for event in client.get("/events").json() if event["event_type"] == "recorder_failing"]
            assert [event["severity"] for event in failing] == ["critical"]

            server.start()
            until(lambda told: told["status"] == "ok" and not told["buffered_bytes"] and not told["samples_waiting"])
            _ends_well(process)
        rows = ask(url, "SELECT count(*), count(DISTINCT seq), max(seq) FROM telemetry GROUP BY asset_id")
        assert len(rows) == 6
        assert all(count == different == last for count, different, last in rows)
    finally:
        server.stop()


def test_tokens_name_who_did_it(tmp_path: Path) -> None:
    with _headend(tmp_path, "--simulate", AFTERBAY_FLEET_TOKENS=f"ann:{TOKEN}") as (process, places):
        with httpx2.Client(base_url=places["http"], timeout=10) as client:
            assert client.get("/assets").status_code == 401
            assert client.get("/").status_code == 200
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            body = {"asset_id": ASSET.id, "mw": 1.0}
            assert client.post("/dispatch", json=body).json()["actor"] == "ann"
        said = _ends_well(process)
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("words", "environment", "said", "code"),
    [
        (("--http", "0.0.0.0:0"), {}, "AFTERBAY_FLEET_TOKENS", 3),
        (("--http", "nonsense"), {}, "host:port", 3),
        (("--assets", "missing.yaml"), {}, "missing.yaml", 4),
        (("--assets", "broken.yaml"), {}, "broken.yaml, line 2", 3),
        (("--database", "mysql://x/y"), {}, "postgresql://", 3),
        (("--database", "postgres://u:hidden@127.0.0.1:1/x"), {}, "does not answer", 7),
        ((), {"AFTERBAY_TLS_CERT": "missing.pem", "AFTERBAY_TLS_KEY": "missing.pem"}, "AFTERBAY_TLS_CERT", 3),
        ((), {"AFTERBAY_GRPC_CERT": "missing.pem"}, "AFTERBAY_GRPC_KEY", 3),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(
    words: tuple[str, ...], environment: dict[str, str], said: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("sites: []\nassets: 5\n")
    root = (
        "import sys, typer; from afterbay.cli.failures import exit_code_of, report_failure\n"
        "from afterbay.cli.headend import app\n"
        "try:\n    app(standalone_mode=False)\n"
        "except Exception as error:\n"
        "    code = exit_code_of(error); report_failure(error, code, as_json=False); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", root, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", *words],
        capture_output=True, text=True, cwd=tmp_path, env=_environment(tmp_path, **environment), timeout=60,
        check=False,
    )  # fmt: skip

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", _START, "--http", f"127.0.0.1:{port}", "--grpc", "127.0.0.1:0"],
            capture_output=True, text=True, cwd=tmp_path, env=_environment(tmp_path), timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr
    assert "another headend" in done.stderr


def test_without_a_database_nothing_of_one_is_imported(tmp_path: Path) -> None:
    asked = "import sys, afterbay.server.headend; print([m for m in ('sqlalchemy', 'psycopg') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        capture_output=True,
        text=True,
        env=_environment(tmp_path),
        timeout=60,
        check=True,
    )

    assert done.stdout.strip() == "[]"


def test_with_a_certificate_it_speaks_https_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("headend", host="127.0.0.1")
    files = {"AFTERBAY_TLS_CERT": str(pair.certificate), "AFTERBAY_TLS_KEY": str(pair.key)}
    with _headend(tmp_path, **files) as (process, places):
        assert places["http"].startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(authority.certificate))
        with httpx2.Client(base_url=places["http"], timeout=10, verify=trusted) as client:
            answer = client.get("/health")
            assert answer.status_code == 200
            assert "max-age" in answer.headers["strict-transport-security"]
        with pytest.raises(httpx2.TransportError):
            httpx2.get(places["http"].replace("https", "http") + "/health", timeout=10)
        _ends_well(process)
