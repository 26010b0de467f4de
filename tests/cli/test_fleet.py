"""`afterbay fleet` against a small stand-in for a headend: words, documents, exit codes, and nothing sent twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import app, fleet_sending, output
from afterbay.cli.fleet_sending import read_mw
from afterbay.cli.fleet_words import direction
from afterbay.core.errors import InvalidInputError
from afterbay.fleet.inventory import default_inventory, read_inventory, write_inventory
from afterbay.plant import read_telemetry_file
from fleet_stub import COMMAND, ML1, NORTH_QUAY, NQ1, NQ2, Stub, running_stub, sample


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub() as found:
        yield found


@pytest.fixture
def fleet(stub: Stub) -> Any:
    def call(*words: object, answer: str | None = None) -> Any:
        named = [str(word) for word in words]
        return CliRunner().invoke(app, ["fleet", *named, "--url", stub.url], input=answer)

    return call


def _posts(stub: Stub, path: str = "/dispatch") -> list[Any]:
    return [body for method, asked, body, _ in stub.asked if (method, asked) == ("POST", path)]


def test_the_list_shows_direction_energy_age_and_what_is_in_the_totals(stub: Stub, fleet: Any) -> None:
    stub.mw |= {NQ1: 10.0, NQ2: -4.0}
    stub.ages[NQ2] = 12.0
    stub.offline.add(ML1)

    result = fleet("list")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert "▲ 10.0 MW discharging" in lines[2]
    assert "50.0 % (60.0 MWh)" in lines[2]
    assert "▼ 4.0 MW charging" in lines[3]
    assert re.search(r"▲ 1\d s ago", lines[3])
    assert "✕ offline since" in lines[1]
    assert "(■ 0.0 MW idle)" in lines[1]
    assert lines[-1].startswith("+6.0 MW net, 120.0 MWh stored, 2 of 3 assets")


def test_the_list_as_a_document_tells_freshness_and_sums(stub: Stub, fleet: Any) -> None:
    stub.silent.add(ML1)
    stub.ages[NQ2] = 60.0

    document = json.loads(fleet("list", "--json").stdout)

    assert {row["name"]: row["freshness"] for row in document["assets"]} == {
        "NQ-1": "live", "NQ-2": "stale", "ML-1": "never",
    }  # fmt: skip
    assert document["totals"] == {"assets": 3, "counted": 1, "mw": 0.0, "stored_mwh": 60.0}


@pytest.mark.parametrize(("age", "code"), [(1.0, 0), (60.0, 8)])
def test_a_stale_fleet_fails_where_that_is_asked_for(stub: Stub, fleet: Any, age: float, code: int) -> None:
    stub.ages[NQ1] = age

    assert fleet("list", "--fail-on-stale").exit_code == code


def test_nobody_there_is_exit_code_7_and_a_document_with_json() -> None:
    result = CliRunner().invoke(app, ["fleet", "list", "--json", "--url", "http://127.0.0.1:9"])

    assert result.exit_code == 7
    assert "nobody answers" in json.loads(result.stdout)["detail"]


def test_one_asset_is_shown_with_everything_that_is_known(fleet: Any) -> None:
    result = fleet("show", "nq-1")

    assert result.exit_code == 0
    assert "capacity         120.0 MWh, 0..100 %, 0.92 one way" in result.stdout
    assert "tick             0.5 s, clock ▲ +75.0 s" in result.stdout
    assert json.loads(fleet("show", "nq-1", "--json").stdout)["telemetry"]["soc_pct"] == 50.0


def test_an_unknown_asset_is_exit_code_4(fleet: Any) -> None:
    result = fleet("show", "NQ-9")

    assert result.exit_code == 4
    assert "did you mean NQ-" in result.stderr


def test_agents_have_one_row_each_also_those_that_are_away(stub: Stub, fleet: Any) -> None:
    stub.offline.add(NQ2)

    result = fleet("agents")

    assert "✕ offline" in result.stdout
    assert "2 of 3 assets connected" in result.stdout
    rows = {line.split()[0]: " ".join(line.split()[-6:]) for line in result.stdout.splitlines()[1:4]}
    assert rows["NQ-1"].endswith("0.5 s ▲ +75.0 s 0")
    assert rows["NQ-2"].endswith("— — 1")
    assert len(json.loads(fleet("agents", "--json").stdout)["agents"]) == 3


def test_an_asset_shows_its_newest_command_and_why_it_is_not_as_asked(stub: Stub, fleet: Any) -> None:
    fleet("dispatch", "--asset", "NQ-1", "--discharge", "30")
    assert stub.command is not None
    stub.command |= {"state": "failed", "reason": "the breaker is open"}

    assert f"command          +30.0 MW, failed: the breaker is open  {COMMAND[:8]}" in fleet("show", "NQ-1").stdout
    assert json.loads(fleet("show", "NQ-1", "--json").stdout)["command"]["reason"] == "the breaker is open"
    assert "failed the breaker is open" in " ".join(fleet("log").stdout.split())


def test_groups_name_their_assets(fleet: Any) -> None:
    assert "All batteries  NQ-1, NQ-2" in fleet("groups").stdout


def test_a_dispatch_is_previewed_then_sent_once_with_a_key_and_an_end(stub: Stub, fleet: Any) -> None:
    result = fleet("dispatch", "--asset", "NQ-1", "--discharge", "30", "--note", "peak")

    paths = [path for method, path, _, _ in stub.asked if method == "POST"]
    assert result.exit_code == 0
    assert paths == ["/dispatch/preview", "/dispatch"]
    assert _posts(stub) == [{"asset_id": NQ1, "mw": 30.0, "duration_s": 3600.0, "note": "peak"}]
    assert "foreseen   +30.0 MW, reached in 3 min" in result.stdout


def test_a_dry_run_sends_nothing_and_shows_the_split(stub: Stub, fleet: Any) -> None:
    result = fleet("dispatch", "--site", "North Quay", "--discharge", "140", "--dry-run")

    assert result.exit_code == 0
    assert _posts(stub) == []
    assert "clamped    +140.0 MW asked for, +120.0 MW possible" in result.stdout
    assert "NQ-2 +70.0 MW +60.0 MW p_limit" in " ".join(result.stdout.split())
    assert "shortfall  +20.0 MW of +140.0 MW by nobody" in result.stdout


def test_a_stop_holds_and_until_replaced_has_no_end(stub: Stub, fleet: Any) -> None:
    fleet("dispatch", "--asset", "NQ-1", "--stop")
    stub.command = None
    fleet("dispatch", "--group", "All", "--mw", "-5", "--for", "until-replaced")

    stopped, held = _posts(stub)
    assert stopped == {"asset_id": NQ1, "mw": 0.0}
    assert "duration_s" not in held
    assert held["mw"] == -5.0


def test_charge_is_negative() -> None:
    assert read_mw(discharge=None, charge=7.0, stop=False, mw=None) == -7.0


@pytest.mark.parametrize(
    "power",
    [(), ("--discharge", 5, "--stop"), ("--charge", 5, "--mw", 5), ("--discharge", -5), ("--charge", 0),
     ("--discharge", "nan"), ("--mw", "inf")],
)  # fmt: skip
def test_a_power_that_is_not_clear_is_refused_before_anything_is_asked(
    stub: Stub, fleet: Any, power: tuple[object, ...]
) -> None:
    assert fleet("dispatch", "--asset", "NQ-1", *power).exit_code == 3
    assert _posts(stub) == []


@pytest.mark.parametrize("target", [(), ("--asset", "NQ-1", "--site", "North Quay")])
def test_exactly_one_target_is_named(stub: Stub, fleet: Any, target: tuple[str, ...]) -> None:
    assert fleet("dispatch", *target, "--discharge", 5).exit_code == 3
    assert _posts(stub) == []


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        ([{"state": "active", "reached_at": "2026-11-21T09:00:00Z", "delivered_mw": 30.0}], 0, "reached"),
        ([{"state": "limited", "reason": "soc_min"}], 8, "not reached, limited: soc_min"),
        ([{"state": "rejected", "reason": "unknown_asset"}], 8, "not reached, rejected: unknown_asset"),
        ([{"state": "active"}, {"state": "failed", "reason": "device"}], 8, "not reached, failed: device"),
    ],
)
def test_waiting_says_what_became_of_it(stub: Stub, fleet: Any, states: list[Any], code: int, said: str) -> None:
    stub.states = states

    result = fleet("dispatch", "--asset", "NQ-1", "--discharge", 30, "--wait")

    assert result.exit_code == code
    assert said in result.stdout


def test_waiting_too_long_is_exit_code_7_and_the_command_goes_on(fleet: Any) -> None:
    result = fleet("dispatch", "--asset", "NQ-1", "--discharge", 30, "--wait", "--timeout", "300ms")

    assert result.exit_code == 7
    assert "it goes on" in result.stderr


def test_a_dispatch_as_a_document_has_preview_command_and_outcome(fleet: Any) -> None:
    document = json.loads(fleet("dispatch", "--asset", "NQ-1", "--discharge", 30, "--json").stdout)

    assert document["sent"] is True
    assert document["command"]["id"] == COMMAND
    assert document["preview"]["ramp_s"] == 180.0
    assert document["outcome"] == "sent"


@pytest.mark.parametrize(("status", "code"), [(409, 6), (422, 3), (503, 7), (401, 5)])
def test_a_refusal_has_its_own_exit_code_and_is_not_sent(stub: Stub, fleet: Any, status: int, code: int) -> None:
    stub.answers["POST", "/dispatch/preview"] = (status, {"detail": "asset NQ-1 is offline"})

    result = fleet("dispatch", "--asset", "NQ-1", "--discharge", 30)

    assert result.exit_code == code
    assert "NQ-1 is offline" in result.stderr
    assert _posts(stub) == []


@pytest.mark.parametrize(
    ("now_mw", "mw", "asks"), [(0.0, 30.0, False), (0.0, 31.0, True), (-10.0, 5.0, True), (10.0, 5.0, False),
                               (0.0, 0.0, False)],
)  # fmt: skip
def test_a_big_step_or_a_turn_round_is_asked_about_on_a_terminal_only(
    stub: Stub, fleet: Any, monkeypatch: pytest.MonkeyPatch, now_mw: float, mw: float, asks: bool
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    stub.mw[NQ1] = now_mw

    refused = fleet("dispatch", "--asset", "NQ-1", "--mw", mw, answer="n\n")

    assert ("Send?" in refused.stderr) is asks
    assert len(_posts(stub)) == (0 if asks else 1)
    assert refused.exit_code == (130 if asks else 0)
    assert fleet("dispatch", "--asset", "NQ-1", "--mw", mw, "--yes").exit_code == 0


def test_cancelling_takes_the_beginning_of_an_id(stub: Stub, fleet: Any) -> None:
    fleet("dispatch", "--asset", "NQ-1", "--discharge", 10)

    result = fleet("cancel", COMMAND[:8], "--reason", "grid asked")

    assert result.exit_code == 0
    assert _posts(stub, f"/dispatch/{COMMAND}/cancel") == [{"reason": "grid asked"}]
    assert fleet("cancel", "ffffffff").exit_code == 4


def test_the_log_says_who_what_and_what_became_of_it(stub: Stub, fleet: Any) -> None:
    assert fleet("log").stdout == "no commands\n"
    fleet("dispatch", "--site", "North Quay", "--discharge", 140)

    line = " ".join(fleet("log").stdout.splitlines()[1].split())

    assert "desk site North Quay +120.0 MW of +140.0 MW 1 h sent beyond max_mw" in line
    assert fleet("log", "--state", "failed").stdout == "no commands\n"
    assert fleet("log", "--user", "desk").stdout.count(COMMAND[:8]) == 1


def test_history_comes_as_csv_parquet_and_json_with_the_same_samples(stub: Stub, fleet: Any, tmp_path: Path) -> None:
    stub.samples = [sample(NQ1, stub.now - timedelta(seconds=4 * place), float(place), seq=place) for place in range(9)]
    csv, parquet = tmp_path / "day.csv", tmp_path / "day.parquet"

    result = fleet("history", "NQ-1", "--csv")
    csv.write_text(result.stdout)
    assert fleet("history", "NQ-1", "--parquet", parquet).exit_code == 0

    assert result.exit_code == 0
    assert len(read_telemetry_file(csv)) == 9
    assert read_telemetry_file(csv) == read_telemetry_file(parquet)
    rows = json.loads(fleet("history", "NQ-1", "--json").stdout)["samples"]
    assert (
        [row["mw"] for row in rows]
        == [one.mw for one in read_telemetry_file(csv)]
        == [8.0 - place for place in range(9)]
    )
    assert "9 samples of NQ-1" in fleet("history", "NQ-1").stdout


def test_two_forms_of_history_at_once_are_refused(fleet: Any) -> None:
    assert fleet("history", "NQ-1", "--csv", "--json").exit_code == 3


def test_watching_a_pipe_prints_a_line_per_sample_and_ends_in_time(stub: Stub, fleet: Any) -> None:
    news = [sample(NQ1, stub.now + timedelta(seconds=place), float(place)) for place in (1, 2)]
    stub.stream = [[text for one in news for text in ("event: telemetry", f"data: {json.dumps(one)}", "")], []]

    result = fleet("list", "--watch", "--during", "1s", "--ndjson")

    assert result.exit_code == 0
    assert [json.loads(line)["mw"] for line in result.stdout.splitlines()] == [1.0, 2.0]


def test_watching_on_a_terminal_redraws_the_table(stub: Stub, fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda *_: True)
    monkeypatch.setenv("NO_COLOR", "1")

    result = fleet("list", "--watch", "--during", "1s")

    assert result.exit_code == 0
    assert "3 of 3 assets" in result.stdout
    assert "Ctrl-C ends" in result.stdout or "no connection" in result.stdout


def test_a_headend_without_a_stream_is_polled(stub: Stub, fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("afterbay.cli.fleet_watching._POLL_S", 0.05)
    stub.answers["GET", "/stream"] = (404, {"detail": "no stream"})
    stub.ages[NQ1] = -5.0

    result = fleet("list", "--watch", "--during", "1s", "--ndjson")

    asked = sum(path == "/assets" for _, path, _, _ in stub.asked)
    assert result.exit_code == 0
    assert asked > 3


@pytest.mark.parametrize(
    ("mw", "status", "kind", "text"),
    [(10.0, "discharging", "storage", "▲ 10.0 MW discharging"), (-10.0, "", "storage", "▼ 10.0 MW charging"),
     (0.1, "", "storage", "■ 0.1 MW idle"), (3.0, "", "pv", "▲ 3.0 MW generating"),
     (0.0, "fault", "storage", "✕ 0.0 MW fault"), (None, "", "storage", "—")],
)  # fmt: skip
def test_a_power_has_an_arrow_a_number_and_a_word(mw: float | None, status: str, kind: str, text: str) -> None:
    assert direction(mw, status, kind) == text


def test_a_valid_file_is_summed_up_and_a_broken_one_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "assets.yaml"
    write_inventory(file, default_inventory())
    good = CliRunner().invoke(app, ["fleet", "assets", "validate", str(file)])
    file.write_text(file.read_text().replace("max_mw: 60.0", "max_mw: wide"))
    bad = CliRunner().invoke(app, ["fleet", "assets", "validate", str(file)])

    assert good.stdout.endswith("3 sites, 6 assets, 1 group, 500.0 MWh, 250.0 MW of batteries\n")
    assert bad.exit_code == 3
    assert "max_mw" in bad.stderr


def test_applying_a_file_adds_replaces_and_removes_only_when_asked(stub: Stub, fleet: Any, tmp_path: Path) -> None:
    file = tmp_path / "assets.yaml"
    write_inventory(file, default_inventory())

    tried = fleet("assets", "apply", file, "--dry-run")
    assert not [method for method, _, _, _ in stub.asked if method != "GET"]
    done = fleet("assets", "apply", file)

    assert "would add site High Moor" in tried.stdout
    sent = [(method, path) for method, path, _, _ in stub.asked if method != "GET"]
    assert done.exit_code == 0
    assert ("POST", "/sites") in sent
    assert ("PUT", f"/assets/{ML1}") in sent
    assert sent.index(("POST", "/sites")) < sent.index(("POST", "/assets"))
    assert not [one for one in sent if one[0] == "DELETE"]
    inventory = read_inventory(file)
    write_inventory(file, type(inventory)(inventory.sites[:1], inventory.assets[:1]))
    pruned = fleet("assets", "apply", file, "--prune", "--yes", "--json")
    gone = [step["name"] for step in json.loads(pruned.stdout)["steps"] if step["verb"] == "remove"]
    assert gone == ["All batteries", "NQ-2", "ML-1", "Mill Lane"]


def test_a_broken_file_changes_nothing(stub: Stub, fleet: Any, tmp_path: Path) -> None:
    file = tmp_path / "assets.yaml"
    file.write_text("sites: []\nassets: [{id: x}]\n")

    assert fleet("assets", "apply", file).exit_code == 3
    assert stub.asked == []


def test_the_word_for_no_end_is_the_one_in_the_help() -> None:
    result = CliRunner().invoke(app, ["fleet", "dispatch", "--help"])

    assert fleet_sending.UNTIL_REPLACED in " ".join(result.stdout.split())


def test_both_directions_at_once_say_which() -> None:
    with pytest.raises(InvalidInputError, match="--discharge and --charge"):
        read_mw(discharge=1.0, charge=1.0, stop=False, mw=None)


def test_site_and_id_of_the_stub_are_those_of_the_demo_fleet() -> None:
    assert default_inventory().sites[0].id == NORTH_QUAY
