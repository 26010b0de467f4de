"""Health: the keys of the workflow's check, each target with its limit; alerts once until they clear."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community_cycle_clock import NOON
from community_endpoints import serve
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.cycle.health import CONDITIONS, Look, health_of, settled, strip
from afterbay.community.cycle.health_alerts import Alert, AlertBook, command_hook, url_hook
from afterbay.community.cycle.ledger import CycleRecord, StepRecord
from afterbay.community.cycle.log import CycleLog
from afterbay.community.cycle.schedule import cycle_id
from afterbay.community.cycle.transfer import TransferError

QUARTER = timedelta(minutes=15)
FACTS = {"users": 24, "rows": 24, "valid": 24, "covered": 24, "balance_kwh": 0.0, "balance_limit_kwh": 1e-4}


def _record(age: int = 0, *, late_s: float = 1.0, seconds: float = 2.0, state: str = "ok", **facts: Any) -> CycleRecord:
    at = NOON - QUARTER * age
    began = at + timedelta(seconds=late_s)
    return CycleRecord(
        cycle_id(at), at, state, 1, began, began + timedelta(seconds=seconds), seconds,  # type: ignore[arg-type]
        "why" if state == "failed" else "", (), {**FACTS, **facts},
    )  # fmt: skip


def _look(*records: CycleRecord, **changes: Any) -> Look:
    look = Look(
        NOON + timedelta(minutes=1), sorted(records or (_record(1), _record(0)), key=lambda r: r.at),
        NOON, 24, {"generation_kwh": 5.0}, NOON - timedelta(days=1),
    )  # fmt: skip
    return replace(look, **changes)


def test_a_good_cycle_is_healthy_and_has_the_keys_of_the_workflow() -> None:
    health = health_of(_look())

    assert health.status == "healthy"
    assert health.alerts == {}
    document = health.to_dict()
    assert list(document)[:4] == ["status", "last_simulation", "active_users", "total_energy_today"]
    assert document["last_simulation"] == NOON.isoformat()
    assert (document["active_users"], document["total_energy_today"]) == (24, {"generation_kwh": 5.0})
    assert (health.on_time_share, health.valid_share, health.coverage_share, health.duration_s) == (1.0, 1.0, 1.0, 2.0)
    json.dumps(document)


@pytest.mark.parametrize(
    ("condition", "raised", "not_yet"),
    [
        (
            "no_data",
            _look(last_simulation=NOON - timedelta(minutes=19, seconds=1)),
            _look(last_simulation=NOON - timedelta(minutes=19)),
        ),
        ("not_on_time", _look(_record(1), _record(0, late_s=30.1, state="late")), _look(_record(0, late_s=30.0))),
        ("slow", _look(_record(0, seconds=300.0)), _look(_record(0, seconds=299.9))),
        ("invalid_rows", _look(_record(0, valid=23)), _look(_record(0, valid=24))),
        ("user_missing", _look(_record(0, covered=23)), _look(_record(0, covered=24))),
        ("imbalance", _look(_record(0, balance_kwh=-1.1e-4)), _look(_record(0, balance_kwh=-0.9e-4))),
        ("failed", _look(_record(0, state="failed")), _look(_record(0))),
    ],
    ids=CONDITIONS,
)
def test_each_target_has_its_limit(condition: str, raised: Look, not_yet: Look) -> None:
    assert condition in health_of(raised).alerts
    assert condition not in health_of(not_yet).alerts


def test_no_number_is_no_balance() -> None:
    assert "imbalance" in health_of(_look(_record(0, balance_kwh=float("nan")))).alerts


def test_silence_is_down_and_another_fault_is_degraded() -> None:
    assert health_of(_look(last_simulation=NOON - timedelta(hours=1))).status == "down"
    assert health_of(_look(_record(0, valid=1))).status == "degraded"
    assert health_of(_look(store_fault="a damaged file")).status == "down"


def test_a_watch_that_never_stored_anything_is_silent_from_its_beginning_on() -> None:
    fresh = _look(last_simulation=None, records=[], watching_since=NOON)

    assert health_of(fresh).alerts == {}
    late = health_of(replace(fresh, now=NOON + timedelta(minutes=21))).alerts
    assert late["no_data"] == "no simulation data for 21 minutes: nothing is stored"
    assert late["not_on_time"] == "cycle 20240911_1215 has not begun"


def test_nobody_expects_a_cycle_where_none_ever_was() -> None:
    health = health_of(_look(last_simulation=None, records=[], watching_since=None))

    assert health.alerts == {}
    assert health.status == "down"


def test_a_cycle_that_has_not_begun_is_late_after_thirty_seconds_and_not_before() -> None:
    before = _look(_record(1), now=NOON + timedelta(seconds=30))
    after = _look(_record(1), now=NOON + timedelta(seconds=31))

    assert health_of(before).alerts == {}
    assert health_of(after).alerts == {"not_on_time": "cycle 20240911_1200 has not begun"}


def test_a_cycle_done_again_is_not_late() -> None:
    again = replace(_record(0), began=NOON + timedelta(minutes=5), tries=2)

    assert "not_on_time" not in health_of(_look(again)).alerts


def test_a_cycle_that_still_runs_after_five_minutes_is_slow() -> None:
    running = replace(_record(0), state="running", ended=None, seconds=None)

    assert "slow" in health_of(_look(_record(1), running, now=NOON + timedelta(minutes=6))).alerts


def test_the_share_on_time_counts_missed_and_made_up_ones_against_it() -> None:
    records = [_record(3), _record(2, state="missed"), _record(1, state="backfilled"), _record(0)]

    assert health_of(_look(*records)).on_time_share == 0.5


def test_a_route_that_failed_is_told_also_when_another_one_carried() -> None:
    def step(ok: bool) -> StepRecord:
        return StepRecord("transfer", ok, NOON, 1.0, 4, 0, "" if ok else "https://example.org/x: answers 503")

    assert health_of(_look(replace(_record(0), steps=(step(False), step(True))))).transfer.startswith("fell back: http")
    assert health_of(_look(replace(_record(0), steps=(step(False),)))).transfer.startswith("failed: http")
    assert health_of(_look(replace(_record(0), steps=(step(True),)))).transfer == "ok"


def test_a_cycle_that_runs_while_nobody_runs_it_was_cut_off() -> None:
    running = replace(_record(0), state="running")

    assert settled(running, alive=True).state == "running"
    assert settled(running, alive=False).state == "failed"


def test_the_strip_has_96_signs_and_ends_now() -> None:
    signs = strip([_record(0), _record(1, state="missed"), _record(95, state="failed"), _record(96)], NOON)

    assert len(signs) == 96
    assert (signs[0], signs[-2:]) == ("✕", "◌●")
    assert set(signs[1:-2]) == {"·"}


class _Told:
    def __init__(self) -> None:
        self.alerts: list[tuple[str, str]] = []
        self.fails = 0

    def __call__(self, alert: Alert) -> None:
        if self.fails:
            self.fails -= 1
            raise TransferError("nobody there")
        self.alerts.append((alert.condition, alert.state))


def _book(folder: Path, told: _Told) -> AlertBook:
    return AlertBook(folder / "alerts.json", told, CycleLog(folder, lambda: NOON))


@settings(max_examples=40)
@given(holds=st.lists(st.sets(st.sampled_from(CONDITIONS)), max_size=12), restarts=st.sets(st.integers(0, 12)))
def test_every_condition_is_told_once_until_it_clears_also_across_restarts(
    tmp_path_factory: pytest.TempPathFactory, holds: list[set[str]], restarts: set[int]
) -> None:
    folder, told = tmp_path_factory.mktemp("alerts"), _Told()
    book = _book(folder, told)
    expected: list[set[tuple[str, str]]] = []
    before: set[str] = set()
    for place, now in enumerate(holds):
        if place in restarts:
            book = _book(folder, told)
        seen = len(told.alerts)
        book.update(dict.fromkeys(now, "words"), NOON + QUARTER * place)
        expected.append({(name, "raised") for name in now - before} | {(name, "cleared") for name in before - now})
        assert set(told.alerts[seen:]) == expected[-1]
        assert len(told.alerts) - seen == len(expected[-1])
        before = now


def test_a_hook_that_fails_is_asked_again_after_a_minute_and_disturbs_nothing(tmp_path: Path) -> None:
    told = _Told()
    told.fails = 2
    book = _book(tmp_path, told)
    found = {"slow": "words"}

    for seconds in (0, 15, 60, 75, 120, 180):
        book.update(found, NOON + timedelta(seconds=seconds))

    assert told.alerts == [("slow", "raised")]
    assert (tmp_path / "simulation_log_20240911.log").read_text().count("alert not delivered") == 2


def test_what_was_not_told_before_a_crash_is_told_after_it(tmp_path: Path) -> None:
    told = _Told()
    told.fails = 1
    _book(tmp_path, told).update({"slow": "words"}, NOON)

    _book(tmp_path, told).update({"slow": "words"}, NOON + QUARTER)

    assert told.alerts == [("slow", "raised")]


def test_a_command_gets_the_alert_on_its_standard_input(tmp_path: Path) -> None:
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"

    command_hook([sys.executable, "-c", script, str(tmp_path / "out")])(Alert("slow", "raised", "words", NOON, NOON))

    assert json.loads((tmp_path / "out").read_text())["condition"] == "slow"
    with pytest.raises(TransferError, match="ended with 3"):
        command_hook([sys.executable, "-c", "raise SystemExit(3)"])(Alert("slow", "raised", "words", NOON, NOON))
    with pytest.raises(TransferError, match="cannot be run"):
        command_hook([str(tmp_path / "nothing")])(Alert("slow", "raised", "words", NOON, NOON))


def test_an_address_gets_the_alert_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as endpoint:
        url_hook(endpoint.url)(Alert("slow", "raised", "words", NOON, NOON))

    assert endpoint.posts[0].fields["message"] == "words"
