"""`afterbay agent`: what cannot be run is said before anything starts; how an agent is comes from its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from afterbay.fleet.inventory import default_inventory, write_inventory
from cli.conftest import Command


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    path = tmp_path / "assets.yaml"
    write_inventory(path, default_inventory())
    return path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADEND_GRPC", "ASSETS_PATH", "GATEWAY_SITE_ID", "ASSET_ID", "AFTERBAY_AGENT_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_an_agent_without_settings_says_every_variable_that_is_missing(afterbay: Command) -> None:
    result = afterbay("agent", "run")

    assert result.exit_code == 3
    assert "HEADEND_GRPC" in result.stderr
    assert "ASSET_ID" in result.stderr


def test_a_check_that_ends_at_the_port_says_so_and_exits_7(afterbay: Command, assets: Path) -> None:
    site = default_inventory().sites[0].id

    result = afterbay("agent", "check", "--headend", "127.0.0.1:1", "--assets", assets, "--site", site, "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 7
    assert document["ok"] is False
    assert [step["result"] for step in document["steps"]] == ["ok", "failed"]
    assert afterbay("agent", "check", "--headend", "x", "--assets", assets, "--site", site).exit_code == 3


def test_the_status_of_a_folder_without_an_agent_is_not_found(afterbay: Command, tmp_path: Path) -> None:
    assert afterbay("agent", "status", "--data", tmp_path).exit_code == 4


def test_a_launch_of_a_file_that_is_not_there_exits_4(afterbay: Command, tmp_path: Path) -> None:
    assert afterbay("agent", "launch", "--assets", tmp_path / "none.yaml", "--data", tmp_path).exit_code == 4


def test_a_running_agent_tells_how_it_is_and_ends_on_a_signal_without_a_trace(
    afterbay: Command, assets: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    environ = {
        **os.environ,
        "HEADEND_GRPC": "127.0.0.1:1",
        "ASSETS_PATH": str(assets),
        "GATEWAY_SITE_ID": default_inventory().sites[0].id,
        "AFTERBAY_AGENT_TICK_S": "0.1",
        "AFTERBAY_AGENT_TOKEN": "never-to-be-shown",
    }
    command = [sys.executable, "-m", "afterbay", "agent", "run", "--data", str(data), "--log-json"]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        ends = time.monotonic() + 30.0
        status: dict[str, object] = {}
        while not status.get("samples") and time.monotonic() < ends:
            result = afterbay("agent", "status", "--data", data, "--json")
            status = json.loads(result.stdout) if result.exit_code == 0 else {}
            time.sleep(0.05)
        shown = afterbay("agent", "status", "--data", data)
        unwell = afterbay("agent", "status", "--data", data, "--fail-on-alert")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()

    assert (status["running"], status["pid"], status["ok"]) == (True, process.pid, False)
    assert "running, process" in shown.stdout
    assert "not connected" in shown.stdout
    assert unwell.exit_code == 8
    assert process.returncode == 130
    events = [json.loads(line)["event"] for line in told.splitlines()]
    assert events[0] == "agent_started"
    assert events[-1] == "agent_stopped"
    assert "never-to-be-shown" not in told
    assert "does not run" in afterbay("agent", "status", "--data", data).stdout
