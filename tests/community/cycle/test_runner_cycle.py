"""One cycle with its real steps: export to clean up, through a folder, a webhook and an object store."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from community_cycle_clock import NOON, USERS, FakeTime, cycle_folder, service_on
from community_endpoints import serve

from afterbay.community.cycle import ConstantWeather, CycleState, read_users, results_csv, tick
from afterbay.community.cycle.contract import ENERGY_COLUMNS
from afterbay.community.cycle.ledger import STEPS
from afterbay.community.cycle.runner import Done, Work
from afterbay.community.cycle.runner_service import CycleService
from afterbay.community.cycle.runner_steps import CycleSteps, newest_users
from afterbay.community.cycle.transfer import DirectoryTransfer, TransferError
from afterbay.core.errors import ConflictError, NotFoundError

QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def _no_proxy_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _service(folder: Path, **settings: Any) -> CycleService:
    return service_on(cycle_folder(folder, **settings), FakeTime())


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _answer(folder: Path, count: int = 3, weather: float = 0.9) -> bytes:
    """Results as a good worker makes them at noon, for the first users."""
    users = read_users(folder / "users.csv").users.take(range(count))
    return results_csv([tick(CycleState(), users, ConstantWeather(weather), NOON, 7, "home")[1]])


def test_three_users_with_panels_are_exported_and_stored_and_the_fourth_is_not(tmp_path: Path) -> None:
    service = _service(tmp_path)

    record = service.run(NOON)

    assert record.state == "ok"
    assert [(step.name, step.rows) for step in record.steps[:-1]] == [(name, 3) for name in STEPS[:-1]]
    assert (record.facts["new"], record.facts["valid"], record.facts["balance_kwh"]) == (3, 3, 0.0)
    frame = service.store.frame("home", NOON, NOON + QUARTER)
    assert "d3d4e5f6-a7b8-4012-b456-789012cdefab" not in set(frame["user_id"])
    assert (abs(frame["surplus_kwh"] - (frame["generation_kwh"] - frame["consumption_kwh"])) <= 0.001).all()
    assert (frame["generation_kwh"] <= np.array([5.0, 3.5, 7.0]) * 0.25).all()
    # The results stay for a week, the input is gone.
    assert _files(tmp_path / "exchange") == ["results_20240911_1200.csv"]


def test_the_same_cycle_again_adds_nothing(tmp_path: Path) -> None:
    service = _service(tmp_path)
    service.run(NOON)
    before = service.store.totals("home", NOON.date())

    record = service.run(NOON)

    assert record.steps[5].note == "3 rows already stored, 0 new"
    assert (record.facts["new"], record.facts["already"], record.facts["differing"]) == (0, 3, 0)
    assert service.store.totals("home", NOON.date()) == before


def test_a_battery_goes_on_where_the_quarter_hour_before_left_it_also_after_a_restart(tmp_path: Path) -> None:
    for place in range(4):
        assert _service(tmp_path).run(NOON + QUARTER * place).state in ("ok", "late")

    frame = _service(tmp_path).store.frame("home", NOON, NOON + 4 * QUARTER)
    for _, rows in frame.groupby("user_id"):
        soc = rows["battery_soc_kwh"].to_numpy()
        moved = 0.95 * rows["battery_charge_kwh"].to_numpy() - rows["battery_discharge_kwh"].to_numpy() / 0.95
        assert soc[1:] == pytest.approx(soc[:-1] + moved[1:], abs=3e-6)
        assert soc[-1] != soc[0]


def test_cycles_one_by_one_are_the_run_at_once(tmp_path: Path) -> None:
    service = _service(tmp_path)
    list(service.backfill(NOON - 4 * QUARTER, NOON))

    users = read_users(tmp_path / "users.csv").users
    state = CycleState()
    for place in range(4):
        at = NOON - QUARTER * (4 - place)
        state, rows = tick(state, users, ConstantWeather(0.9), at, 7, "home")
        assert (service.store.rows("home", at).micro == rows.micro).all()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_any_step_is_made_good_by_the_next_run(tmp_path: Path, step: str, when: str) -> None:
    service = _service(tmp_path)
    service.run(NOON - QUARTER)
    plan = service.steps().plan()

    def crash(work: Work) -> Done:
        if when == "after":
            plan.steps[step](work)
        raise SystemExit("the machine is switched off")

    with pytest.raises(SystemExit):
        replace(service, plan=replace(plan, steps={**plan.steps, step: crash})).run(NOON)
    assert service.record("20240911_12").state == "failed"

    again = _service(tmp_path).run(NOON)

    assert again.state == "ok"
    assert again.tries == 2
    assert len(service.store.rows("home", NOON)) == 3
    assert _files(tmp_path / "exchange") == ["results_20240911_1145.csv", "results_20240911_1200.csv"]
    (tmp_path / "direct").mkdir()
    direct = _service(tmp_path / "direct")
    direct.run(NOON - QUARTER)
    direct.run(NOON)
    assert (direct.store.rows("home", NOON).micro == service.store.rows("home", NOON).micro).all()


def test_a_process_that_is_killed_in_a_cycle_is_made_good(tmp_path: Path) -> None:
    config = cycle_folder(tmp_path)
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom community_cycle_clock import NOON, FakeTime, service_on\n"
        "from afterbay.community.cycle.runner_steps import CycleSteps\n"
        "def hang(self, work):\n    print('in', flush=True)\n    time.sleep(60)\n"
        "CycleSteps.put = hang\nservice_on(Path(sys.argv[1]), FakeTime()).run(NOON)\n"
    )
    helpers = str(Path(__file__).resolve().parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", code, str(config)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": helpers}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        service = service_on(config, FakeTime())
        assert service.record("2024").state == "running"
        with pytest.raises(ConflictError, match=f"process {process.pid}"):
            service.run(NOON)
        process.kill()

    assert service.record("2024").state == "failed"
    assert "users_input_20240911_120000.csv" in _files(tmp_path / "exchange")

    assert service.run(NOON).facts["new"] == 3
    assert _files(tmp_path / "exchange") == ["results_20240911_1200.csv"]


def test_bad_rows_are_quarantined_and_those_users_computed_once_more(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url])
        good = _answer(tmp_path)
        lines = good.decode().splitlines()
        cells = lines[2].split(",")
        cells[2] = "99.000000"
        worker.results = "\n".join([lines[0], lines[1], ",".join(cells), lines[3]]).encode() + b"\n"
        worker.answer = {"record_count": 3}

        record = service.run(NOON)

    assert record.state == "ok"
    facts = record.facts
    assert (facts["rows"], facts["valid"], facts["quarantined"], facts["repaired"], facts["covered"]) == (3, 2, 1, 1, 3)
    assert results_csv([service.store.rows("home", NOON)]) == good
    quarantine = (tmp_path / "cycle" / "quarantine" / "quarantine_20240911_1200.csv").read_text()
    assert "99.000000" in quarantine
    assert service.health(NOON + timedelta(minutes=1)).alerts.keys() == {"invalid_rows"}


def test_a_user_whom_the_worker_forgot_is_computed_here(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url])
        worker.results, worker.answer = _answer(tmp_path, 2), {"record_count": 2}

        record = service.run(NOON)

    assert (record.facts["rows"], record.facts["repaired"], record.facts["covered"]) == (2, 1, 3)
    assert results_csv([service.store.rows("home", NOON)]) == _answer(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"user_id\n", b"\xff\xfe\x00", b"user_id,timestamp\n" * 4, b'"', None],
    ids=["empty", "one column", "encoding", "columns missing", "quotes", "truncated"],
)
def test_results_that_are_no_results_store_nothing_and_are_one_message(tmp_path: Path, content: bytes | None) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url])
        worker.results = _answer(tmp_path)[:-60] if content is None else content
        worker.answer = {"record_count": worker.results.rstrip(b"\n").count(b"\n")}

        record = service.run(NOON)

    if content is None:
        # A row that was cut short is one bad row; its user is computed once more.
        assert (record.state, record.facts["quarantined"], record.facts["repaired"]) == ("ok", 1, 1)
        assert results_csv([service.store.rows("home", NOON)]) == _answer(tmp_path)
        return
    assert record.state == "failed"
    assert "results_20240911_1200.csv" in record.error
    assert service.store.last_moment("home") is None


def test_an_input_that_cannot_be_removed_is_removed_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _service(tmp_path)

    def refuse(self: DirectoryTransfer, name: str) -> None:
        raise TransferError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(DirectoryTransfer, "remove", refuse)
        record = service.run(NOON)
    assert record.state == "ok"
    assert "could not be removed" in record.steps[-1].note
    assert "users_input_20240911_120000.csv" in _files(tmp_path / "exchange")

    service.run(NOON + QUARTER)

    assert _files(tmp_path / "exchange") == ["results_20240911_1200.csv", "results_20240911_1215.csv"]
    assert not (tmp_path / "cycle" / "leftovers.json").exists()


def test_results_are_kept_for_as_long_as_was_asked(tmp_path: Path) -> None:
    service = _service(tmp_path, keep_results_days=0)

    service.run(NOON)

    assert _files(tmp_path / "exchange") == []


def test_no_log_and_no_record_holds_a_user_id(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url, "exchange"])
        worker.results, worker.answer = _answer(tmp_path, 1).replace(b"0.9", b"-9"), {"record_count": 1}
        service.run(NOON)
    (tmp_path / "users.csv").write_text(USERS.replace("a1b2c3d4", "g1b2c3d4"))
    assert service.run(NOON + QUARTER).state == "failed"

    for kind in ("logs", "records"):
        for path in (file for file in (tmp_path / "cycle" / kind).rglob("*") if file.is_file()):
            text = path.read_text()
            assert not any(row.split(",")[0][:8] in text for row in USERS.splitlines()[1:])
            assert "g1b2c3d4" not in text


def test_a_defect_in_a_step_is_a_failed_cycle_and_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CycleSteps, "put", lambda self, work: 1 / 0)

    record = _service(tmp_path).run(NOON)

    assert (record.state, record.facts["kind"]) == ("failed", "ZeroDivisionError")
    assert record.error.startswith("ZeroDivisionError")


@pytest.mark.parametrize("contract", [1, 2])
def test_a_smaller_battery_starts_full_at_most(tmp_path: Path, contract: int) -> None:
    service = _service(tmp_path, contract=contract)
    service.run(NOON)
    (tmp_path / "users.csv").write_text(USERS.replace(",13.5,", ",1.5,"))

    record = service.run(NOON + QUARTER)

    assert record.state in ("ok", "late")
    assert service.store.rows("home", NOON + QUARTER).kwh("battery_soc_kwh")[0] <= 1.5


def test_a_weather_file_is_read_anew_for_every_cycle(tmp_path: Path) -> None:
    weather = tmp_path / "weather.csv"
    weather.write_text("timestamp,factor\n2024-09-11T12:00:00,0.5\n")
    service = _service(tmp_path, weather="weather.csv")
    assert service.run(NOON).state == "ok"
    later = NOON + timedelta(hours=3)
    assert "bring a newer file" in service.run(later).error

    weather.write_text("timestamp,factor\n2024-09-11T15:00:00,0.5\n")

    assert service.run(later).facts["new"] == 3
    assert results_csv([service.store.rows("home", NOON)]) == _answer(tmp_path, weather=0.5)


def test_the_newest_users_file_of_a_folder_is_taken(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="holds no"):
        newest_users(tmp_path)
    for name in ("users_input_20240911_141500.csv", "users_input_20240911_120000.csv", "users_input_x.csv"):
        (tmp_path / name).write_text(USERS)
    assert newest_users(tmp_path).name == "users_input_20240911_141500.csv"

    (tmp_path / "users_input_latest.csv").write_text(USERS)
    assert newest_users(tmp_path).name == "users_input_latest.csv"
    with pytest.raises(NotFoundError, match="there is no"):
        newest_users(tmp_path / "nowhere")


def test_energy_of_the_health_check_is_that_of_the_rows(tmp_path: Path) -> None:
    service = _service(tmp_path)
    for place in range(3):
        service.run(NOON + QUARTER * place)

    health = service.health(NOON + timedelta(minutes=31))

    frame = service.store.frame("home", NOON, NOON + 3 * QUARTER)
    assert health.active_users == 3
    assert health.last_simulation == NOON + 2 * QUARTER
    for name in set(ENERGY_COLUMNS) - {"battery_soc_kwh"}:
        assert health.total_energy_today[name] == pytest.approx(frame[name].sum(), abs=1e-9)
    json.dumps(health.to_dict())


def test_a_run_of_another_name_begins_with_records_of_its_own(tmp_path: Path) -> None:
    _service(tmp_path).run(NOON)

    other = service_on(cycle_folder(tmp_path, run="other"), FakeTime())

    assert other.records() == []
    assert _service(tmp_path).records()[0].state == "ok"
