"""`afterbay fleet` against a real headend in a process of its own, which ticks its assets itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import app
from afterbay.client import connect
from afterbay.fleet.inventory import default_inventory, write_inventory

pytest.importorskip("fastapi")
pytest.importorskip("grpc")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("headend")
    # A ramp that a test can wait for.
    inventory = default_inventory()
    fast = tuple(replace(asset, ramp_rate_mw_per_min=900.0) for asset in inventory.assets)
    write_inventory(folder / "assets.yaml", replace(inventory, assets=fast))
    out = folder / "out"
    words = ["headend", "--simulate", "--tick", "0.2", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--json"]
    with out.open("wb") as stdout, (folder / "err").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "afterbay", *words, "--assets", str(folder / "assets.yaml")],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=folder,
        )  # fmt: skip
        try:
            yield _place(out, process, folder / "err")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _place(out: Path, process: subprocess.Popen[bytes], err: Path) -> str:
    ends = time.monotonic() + 60.0
    while time.monotonic() < ends and process.poll() is None:
        try:
            return str(json.loads(out.read_text())["http"])
        except ValueError:
            time.sleep(0.05)
    raise AssertionError(err.read_text()[-2000:])


def _call(url: str, *words: object) -> Any:
    return CliRunner().invoke(app, ["fleet", *(str(word) for word in words), "--url", url])


def test_a_site_is_told_a_power_reaches_it_and_is_told_to_stop(url: str) -> None:
    sent = _call(url, "dispatch", "--site", "North Quay", "--discharge", 30, "--for", "15min", "--wait", "--json")
    listed = json.loads(_call(url, "list", "--json").stdout)
    cancelled = _call(url, "cancel", json.loads(sent.stdout)["command"]["id"][:8], "--reason", "test")
    log = json.loads(_call(url, "log", "--json").stdout)

    assert sent.exit_code == 0, sent.stderr
    assert json.loads(sent.stdout)["outcome"] == "reached"
    powers = {row["name"]: row["mw"] for row in listed["assets"]}
    assert powers["NQ-1"] + powers["NQ-2"] == pytest.approx(30.0, rel=0.05)
    assert powers["ML-1"] == 0.0
    assert cancelled.exit_code == 0
    assert [one["id"] for one in log["commands"]] == [json.loads(sent.stdout)["command"]["id"]]


def test_a_power_beyond_the_limits_is_clamped_or_with_strict_refused(url: str) -> None:
    clamped = _call(url, "dispatch", "--asset", "NQ-2", "--discharge", 90, "--dry-run")
    refused = _call(url, "dispatch", "--asset", "NQ-2", "--discharge", 90, "--strict")

    assert "+90.0 MW asked for, +40.0 MW possible" in clamped.stdout
    assert refused.exit_code == 3


def test_a_wait_says_how_far_the_power_has_come(url: str) -> None:
    sent = _call(url, "dispatch", "--asset", "ML-1", "--charge", 5, "--for", "15min", "--wait")
    shown = _call(url, "show", "ML-1")
    _call(url, "dispatch", "--asset", "ML-1", "--stop")

    assert sent.exit_code == 0, sent.stderr
    said = [line for line in sent.stderr.splitlines() if " now of −5.0 MW" in line]
    assert said[-1].split()[0] == "reached"
    assert "−5.0 MW, reached" in shown.stdout


def test_a_schedule_is_sent_listed_and_ended_whole(url: str, tmp_path: Path) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    moments = [(begin + timedelta(minutes=15 * place)).isoformat() for place in range(4)]
    rows = [f"{start},{end},{mw}" for start, end, mw in zip(moments, moments[1:], (5, -5, 7), strict=False)]
    file = tmp_path / "plan.csv"
    file.write_text("\n".join(["start,end,mw", *rows]))

    foreseen = _call(url, "schedule", "submit", file, "--asset", "NQ-1", "--dry-run")
    nothing = json.loads(_call(url, "schedule", "list", "--json").stdout)
    sent = _call(url, "schedule", "submit", file, "--asset", "NQ-1", "--key", "tomorrow-1")
    repeated = _call(url, "schedule", "submit", file, "--asset", "NQ-1", "--key", "tomorrow-1", "--json")
    file.write_text("\n".join(["start,end,mw", *rows[:2]]))
    other = _call(url, "schedule", "submit", file, "--asset", "NQ-1", "--key", "tomorrow-1")
    listed = json.loads(_call(url, "schedule", "list", "--asset", "NQ-1", "--json").stdout)
    ended = _call(url, "schedule", "cancel", "tomorrow", "--reason", "prices changed")

    assert foreseen.exit_code == 0
    assert "3 intervals, 1.8 MWh in all" in foreseen.stdout
    assert nothing["schedules"] == []
    assert sent.exit_code == 0, sent.stderr
    assert "3 intervals for asset NQ-1" in sent.stdout
    assert [one["duplicate"] for one in json.loads(repeated.stdout)["commands"]] == [True, True, True]
    assert other.exit_code == 3
    assert "belongs to another request" in other.stderr
    (schedule,) = listed["schedules"]
    assert (schedule["schedule_id"], [one["mw"] for one in schedule["commands"]]) == ("tomorrow-1", [5.0, -5.0, 7.0])
    assert "ending 3 of 3 intervals" in ended.stdout
    _wait_until_over(url, "tomorrow-1")
    everything = json.loads(_call(url, "schedule", "list", "--all", "--json").stdout)["schedules"]
    assert [one["state"] for one in everything[0]["commands"]] == ["cancelled"] * 3
    assert _call(url, "schedule", "cancel", "tomorrow-1").exit_code == 6


def _wait_until_over(url: str, schedule_id: str) -> None:
    ends = time.monotonic() + 10.0
    with connect(url) as client:
        while not client.fleet.schedule(schedule_id).is_over:
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_history_without_a_database_says_what_is_missing(url: str) -> None:
    result = _call(url, "history", "NQ-1")

    assert result.exit_code == 7
    assert "DATABASE_URL" in result.stderr


def test_the_stream_of_the_client_brings_samples_as_they_come(url: str) -> None:
    with connect(url) as client:
        samples = list(client.fleet.stream(seconds=1.5))

    assert len({one.asset_id for one in samples}) == 6
    assert len({one.timestamp for one in samples}) > 1


def test_a_watch_on_a_pipe_follows_the_real_stream(url: str) -> None:
    result = _call(url, "list", "--watch", "--during", "1500ms", "--ndjson")

    assert result.exit_code == 0
    assert len({json.loads(line)["asset_name"] for line in result.stdout.splitlines()}) == 6


def test_an_asset_applied_from_a_file_is_operated_at_once_and_pruned_again(url: str, tmp_path: Path) -> None:
    inventory = default_inventory()
    more = replace(inventory.assets[0], id="0b4b6bfb-6f1b-4a6e-9d5a-3f9f39b3f001", name="NQ-3")
    file = tmp_path / "more.yaml"
    write_inventory(file, replace(inventory, assets=(*inventory.assets, more)))

    applied = _call(url, "assets", "apply", file)
    shown = _call(url, "show", "NQ-3")
    write_inventory(file, inventory)
    pruned = _call(url, "assets", "apply", file, "--prune", "--yes")

    assert applied.exit_code == 0, applied.stderr
    assert "add asset NQ-3" in applied.stdout
    assert shown.exit_code == 0
    assert "remove asset NQ-3" in pruned.stdout
    assert _call(url, "show", "NQ-3").exit_code == 4
