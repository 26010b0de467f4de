"""`afterbay cycle`: what a user types, what comes back, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from afterbay.cli import app, cycle, cycle_looking, cycle_watching
from afterbay.community.cycle.contract import quarter_of
from afterbay.community.cycle.schedule import cycle_id
from cli.conftest import Command

# The command has this group once it is registered; until then the tests do it themselves.
if not any(group.name == "cycle" for group in app.registered_groups):
    app.add_typer(cycle.app, name="cycle")
_MAIN = (
    "from afterbay.cli import app, cycle, main\n"
    "if not any(group.name == 'cycle' for group in app.registered_groups):\n"
    "    app.add_typer(cycle.app, name='cycle')\n"
    "main()\n"
)
COMMANDS = (
    "init", "run", "start", "stop", "watch", "status", "list", "show", "retry", "backfill", "validate", "export-users",
)  # fmt: skip
USERS = """\
user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size
a1b2c3d4-e5f6-4890-9234-567890abcdef,400.0,12,13.5,5.0,4
b2c3d4e5-f6a7-4901-a345-678901bcdefa,350.0,8,10.0,3.5,2
c3d4e5f6-a7b8-4012-b456-789012cdefab,450.0,16,20.0,7.0,5
d3d4e5f6-a7b8-4012-b456-789012cdefab,450.0,0,0.0,5.0,3
"""
DOCUMENT_ROWS = """\
user_id,timestamp,generation_kwh,consumption_kwh,battery_soc_kwh,battery_charge_kwh,battery_discharge_kwh,\
grid_import_kwh,grid_export_kwh,surplus_kwh
a1b2c3d4-e5f6-7890-1234-567890abcdef,2024-09-11T14:15:00,1.234567,0.456789,12.500000,0.000000,0.000000,0.000000,0.777778,0.777778
b2c3d4e5-f6g7-8901-2345-678901bcdefg,2024-09-11T14:15:00,0.892345,0.634521,8.750000,0.000000,0.000000,0.000000,0.257824,0.257824
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and users, where we are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cycle.yaml").write_text("run: home\nusers: users.csv\nseed: 7\n")
    (tmp_path / "users.csv").write_text(USERS)
    return tmp_path


def _documents(afterbay: Command, *words: object) -> Any:
    result = afterbay("cycle", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("word", COMMANDS)
def test_help_begins_with_two_examples(afterbay: Command, word: str) -> None:
    result = afterbay("cycle", word, "--help")

    assert result.exit_code == 0
    after_usage = result.stdout.split("\n\n", 1)[1].splitlines()
    assert after_usage[0].strip() == "Examples:"
    assert all(line.strip().startswith(f"afterbay cycle {word}") for line in after_usage[1:3])


def test_init_writes_a_file_that_works_and_never_over_another(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert afterbay("cycle", "init", "--dry-run").exit_code == 0
    assert list(tmp_path.iterdir()) == []

    assert afterbay("cycle", "init").exit_code == 0
    (tmp_path / "users.csv").write_text(USERS)
    assert afterbay("cycle", "run").exit_code == 0

    before = (tmp_path / "cycle.yaml").read_text()
    again = afterbay("cycle", "init")
    assert again.exit_code == 6
    assert "is there already" in again.stderr
    assert (tmp_path / "cycle.yaml").read_text() == before


def test_a_good_cycle_and_the_same_again(afterbay: Command, home: Path) -> None:
    at = "2024-09-11T14:15"
    first = _documents(afterbay, "run", "--at", at)
    status = afterbay("cycle", "status")
    again = _documents(afterbay, "run", "--at", at)

    assert [step["name"] for step in first["steps"]] == [
        "export", "transfer", "simulate", "fetch", "validate", "store", "clean up",
    ]  # fmt: skip
    assert (first["facts"]["new"], again["facts"]["new"], again["facts"]["already"]) == (3, 0, 3)
    assert first["facts"]["results"] == "results_20240911_1415.csv"
    assert (home / "exchange" / "results_20240911_1415.csv").is_file()
    assert "2024-09-11 14:15 UTC, 3 active users" in status.stdout
    text = afterbay("cycle", "run", "--at", at).stdout
    assert "3 rows already stored, 0 new" in text
    assert "run home, seed 7, results_20240911_1415.csv" in text


def test_seed_and_weather_of_the_command_line_win(afterbay: Command, home: Path) -> None:
    def rows(name: str, *words: object) -> str:
        (home / "cycle.yaml").write_text(f"run: home\nusers: users.csv\nseed: 7\nstore: {name}\nfolder: f{name}\n")
        assert afterbay("cycle", "run", "--at", "2024-09-11T12:00", *words).exit_code == 0
        return (home / "exchange" / "results_20240911_1200.csv").read_text()

    plain = rows("a")
    assert rows("b") == plain
    assert rows("c", "--seed", 8) != plain
    assert rows("d", "--weather", 0.1) != plain
    assert rows("e", "--seed", 7, "--weather", 0.9) == plain


def test_a_zone_is_understood_and_what_lies_ahead_or_between_is_refused(afterbay: Command, home: Path) -> None:
    assert _documents(afterbay, "run", "--at", "2024-09-11T16:15+02:00")["id"] == "20240911_1415"
    ahead = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:00")
    for wrong in (ahead, "2024-09-11T14:07", "noon"):
        result = afterbay("cycle", "run", "--at", wrong)
        assert result.exit_code == 3
        assert "--at" in result.stderr


def test_a_dry_run_changes_nothing(afterbay: Command, home: Path) -> None:
    before = sorted(path.name for path in home.iterdir())

    run = _documents(afterbay, "run", "--at", "2024-09-11T14:15", "--dry-run")
    fill = _documents(afterbay, "backfill", "--from", "2024-09-11", "--to", "2024-09-11T01:00", "--dry-run")
    export = _documents(afterbay, "export-users", "out", "--dry-run")
    start = _documents(afterbay, "start", "--dry-run")

    assert [row["id"] for row in run["would_run"]] == ["20240911_1415"]
    assert len(fill["would_run"]) == 4
    assert export["users"] == 3
    assert start["would_run"][1:5] == ["-m", "afterbay", "cycle", "watch"]
    assert sorted(path.name for path in home.iterdir()) == before


def test_a_backfill_fills_in_order_and_says_so_when_it_adds_nothing(afterbay: Command, home: Path) -> None:
    words = ("backfill", "--from", "2024-09-11T10:00", "--to", "2024-09-11T12:00")

    first, second = afterbay("cycle", *words), afterbay("cycle", *words)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == "8 of 8 cycles: 24 new\n"
    assert second.stdout == "8 of 8 cycles: 24 rows already stored, 0 new\n"


def test_a_backfill_of_nothing_or_of_the_future_is_refused(afterbay: Command, home: Path) -> None:
    for start, end in (("2024-09-11", "2024-09-11"), ("2024-09-11", "2024-09-10"), ("2024-09-11", "2124-09-11")):
        result = afterbay("cycle", "backfill", "--from", start, "--to", end)
        assert result.exit_code == 3
        assert "--to" in result.stderr


def test_a_gap_before_stored_rows_is_filled_with_a_warning(afterbay: Command, home: Path) -> None:
    afterbay("cycle", "run", "--at", "2024-09-11T14:15")

    result = afterbay("cycle", "run", "--at", "2024-09-11T13:00")

    assert result.exit_code == 0
    assert "warning: rows up to 2024-09-11 14:15 UTC are stored and stay" in result.stderr


def test_a_failed_cycle_is_listed_shown_and_retried(afterbay: Command, home: Path) -> None:
    (home / "users.csv").rename(home / "elsewhere.csv")
    at = quarter_of(datetime.now(UTC)) - timedelta(hours=1)
    name = cycle_id(at)
    failed = afterbay("cycle", "run", "--at", at.isoformat())
    assert failed.exit_code == 4
    assert "there is no" in failed.stdout

    (home / "elsewhere.csv").rename(home / "users.csv")
    assert [row["id"] for row in _documents(afterbay, "list", "--state", "failed")["cycles"]] == [name]
    assert "users.csv" in afterbay("cycle", "show", name).stdout
    assert _documents(afterbay, "show", name)["state"] == "failed"
    retried = _documents(afterbay, "retry", name)

    assert (retried["state"], retried["tries"]) == ("backfilled", 2)
    assert "⟲" in afterbay("cycle", "status").stdout
    assert _documents(afterbay, "list", "--state", "failed")["cycles"] == []
    assert name in afterbay("cycle", "list", "--since", "12h").stdout
    assert "no such cycles" in afterbay("cycle", "list", "--state", "missed").stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "20990101_0000"), 4),
        (("retry", "x"), 4),
        (("stop",), 4),
        (("list", "--state", "bad"), 3),
        (("list", "--since", "yesterday"), 3),
        (("validate", "nothing.csv"), 4),
        (("status", "-c", "nothing.yaml"), 4),
        (("export-users", "https://example.org/x"), 3),
        (("export-users", ".", "--link"), 3),
        (("run", "--weather", "7"), 3),
        (("run", "--seed", "-1"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_mistakes_have_their_exit_codes_also_as_json(
    afterbay: Command, home: Path, words: tuple[str, ...], code: int
) -> None:
    text, document = afterbay("cycle", *words), afterbay("cycle", *words, "--json")

    assert (text.exit_code, document.exit_code) == (code, code)
    assert "Traceback" not in text.stderr
    if code != 2:
        assert json.loads(document.stdout)["code"] == code


def test_ctrl_c_in_a_run_says_how_to_go_on(afterbay: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.community.cycle.runner_steps import CycleSteps

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CycleSteps, "put", interrupted)
        one = afterbay("cycle", "run", "--at", "2024-09-11T14:15")
        several = afterbay("cycle", "backfill", "--from", "2024-09-11T10:00", "--to", "2024-09-11T12:00")

    assert (one.exit_code, several.exit_code) == (130, 130)
    assert "afterbay cycle retry 20240911_1415" in one.stderr
    assert "0 of 8 cycles are done" in several.stderr
    assert _documents(afterbay, "show", "20240911_1415")["error"] == "stopped by the user"
    assert _documents(afterbay, "retry", "20240911_1415")["facts"]["new"] == 3


def test_a_transfer_that_does_not_answer_exits_7(
    afterbay: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (home / "cycle.yaml").write_text(
        "users: users.csv\npatience: {attempts: 1}\ntransfers: ['http://127.0.0.1:9/x?token=secret']\n"
    )

    result = afterbay("cycle", "run")

    assert result.exit_code == 7
    assert "http://127.0.0.1:9/x" in result.stdout
    assert "secret" not in result.stdout + result.stderr


def test_status_knows_all_keys_and_fails_only_when_asked(afterbay: Command, home: Path) -> None:
    empty = _documents(afterbay, "status")
    afterbay("cycle", "run", "--at", "2024-09-11T14:15")
    old = afterbay("cycle", "status", "--fail-on-alert")

    assert list(empty)[:4] == ["status", "last_simulation", "active_users", "total_energy_today"]
    assert (empty["status"], empty["last_simulation"], len(empty["strip"])) == ("down", None, 96)
    assert old.exit_code == 8
    assert "alert no_data: no simulation data for" in old.stdout
    assert afterbay("cycle", "status").exit_code == 0


def test_results_are_validated_with_rows_rules_and_values(afterbay: Command, home: Path) -> None:
    afterbay("cycle", "run", "--at", "2024-09-11T14:15")
    good = home / "exchange" / "results_20240911_1415.csv"
    bad = home / "results_20240911_1415.csv"
    bad.write_text(DOCUMENT_ROWS)

    assert afterbay("cycle", "validate", good, "--users", home / "users.csv").exit_code == 0
    text, document = afterbay("cycle", "validate", bad), afterbay("cycle", "validate", bad, "--json")

    assert (text.exit_code, document.exit_code) == (3, 3)
    assert "0 of 2 rows are good" in text.stdout or "1 of 2 rows are good" in text.stdout
    problems = json.loads(document.stdout)["problems"]
    assert {"row": 3, "rule": "uuid"} in [{"row": p["row"], "rule": p["rule"]} for p in problems]


def test_users_are_exported_under_the_name_of_the_contract(afterbay: Command, home: Path) -> None:
    result = afterbay("cycle", "export-users", "out", "--at", "2024-09-11T14:15")

    assert result.exit_code == 0
    assert (home / "out" / "users_input_20240911_141500.csv").read_text().splitlines() == USERS.splitlines()[:4]
    assert "line 5" in result.stderr


def test_a_signed_link_to_the_exported_users_works_without_a_key(
    afterbay: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        httpx2.put(f"{endpoint}/exported", trust_env=False).raise_for_status()
        for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("REGION", "us-east-1")):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

        document = _documents(afterbay, "export-users", "s3://exported/solar", "--link")

        assert httpx2.get(document["link"], trust_env=False).text.splitlines() == USERS.splitlines()[:4]
    finally:
        server.stop()


def _quiet(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _MAIN, "cycle", *words], cwd=home, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def _until(there: Any, seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.05)


def _holder(home: Path) -> Path:
    return home / "cycle" / "watch.lock"


@pytest.mark.skipif(os.name == "nt", reason="signals are others on Windows")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["Ctrl-C", "SIGTERM"])
def test_a_watch_ends_well_when_it_is_asked_to(home: Path, number: signal.Signals, code: int) -> None:
    with _quiet(home, "watch") as process:
        _until(lambda: _holder(home).is_file() and _holder(home).stat().st_size)
        process.send_signal(number)
        _, told = process.communicate(timeout=30)

    assert process.returncode == code
    assert "watch ended, 0 cycles" in told
    assert "Traceback" not in told


def test_a_watch_in_the_background_makes_up_for_what_was_missed_and_is_stopped(
    afterbay: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(config: Path) -> list[str]:
        return [sys.executable, "-c", _MAIN, "cycle", "watch", "--config", str(config.resolve())]

    monkeypatch.setattr(cycle_watching, "watch_command", command)
    now = quarter_of(datetime.now(UTC))
    afterbay("cycle", "run", "--at", (now - timedelta(hours=1)).isoformat())

    started = _documents(afterbay, "start")
    try:
        assert afterbay("cycle", "start").exit_code == 6
        _until(lambda: len(_documents(afterbay, "list")["cycles"]) >= 5)
        _until(lambda: all(c["state"] != "running" for c in _documents(afterbay, "list")["cycles"]))
        assert "watching since" in afterbay("cycle", "status").stdout
    finally:
        stopped = _documents(afterbay, "stop")

    assert started["pid"] == stopped["pid"]
    cycles = _documents(afterbay, "list")["cycles"]
    times = [datetime.fromisoformat(row["at"]) for row in cycles]
    assert times[:5] == [now - timedelta(minutes=15 * age) for age in (4, 3, 2, 1, 0)]
    assert {row["state"] for row in cycles[:4]} <= {"backfilled", "late"}
    assert afterbay("cycle", "stop").exit_code == 4
    assert afterbay("cycle", "status").exit_code == 0
    assert "nobody watches" in afterbay("cycle", "status").stdout


def test_a_watch_that_cannot_begin_says_why(afterbay: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle_watching, "watch_command", lambda _: [sys.executable, "-c", "raise SystemExit('broken')"])

    result = afterbay("cycle", "start")

    assert result.exit_code == 7
    assert "the watch did not begin: broken" in result.stderr


def test_a_balance_of_nothing_has_no_sign() -> None:
    assert cycle_looking._balance(-1e-10) == "0.000000 kWh"
    assert cycle_looking._balance(-2e-6) == "-0.000002 kWh"
