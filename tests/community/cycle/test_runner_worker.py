"""One cycle whose quarter hour another machine computes: through a folder, a webhook, an object store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community_cycle_clock import NOON, USERS, FakeTime, cycle_folder, service_on
from community_endpoints import serve

from afterbay.community.cycle import ConstantWeather, CycleState, read_users, results_csv, tick
from afterbay.community.cycle.runner_service import CycleService
from afterbay.community.cycle.transfer import DirectoryTransfer

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


def test_the_webhook_gets_the_form_and_what_each_battery_holds(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url])
        _service(tmp_path).run(NOON - QUARTER)
        worker.results, worker.answer = _answer(tmp_path), {"record_count": 3}

        service = service_on(cycle_folder(tmp_path, transfers=[worker.url]), FakeTime())
        record = service.run(NOON)

    post = worker.posts[0]
    assert post.file_name == "users_input_20240911_120000.csv"
    assert post.fields["timestamp"] == "2024-09-11T12:00:00+00:00"
    assert (post.fields["weather_factor"], post.fields["seed"]) == ("0.9", "7")
    assert post.headers["idempotency-key"] == "home-20240911_1200"
    head = post.content.decode().splitlines()[0].split(",")
    row = post.content.decode().splitlines()[1].split(",")
    before = service.store.rows("home", NOON - QUARTER)
    assert float(row[head.index("soc_start_kwh")]) == before.kwh("battery_soc_kwh")[0]
    # This worker began at 50 % all the same: its rows do not go on from ours, and none is believed.
    assert record.facts["rules"]
    assert record.facts["repaired"] == 3


def test_contract_one_sends_the_six_columns_alone(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url], contract=1)
        worker.results, worker.answer = _answer(tmp_path), {"record_count": 3}
        service.run(NOON)

    assert worker.posts[0].content.decode().splitlines() == USERS.splitlines()[:4]


def test_results_cut_on_the_way_are_fetched_again_and_at_last_taken_from_the_next_route(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url, "exchange"], patience={"attempts": 3, "first_s": 0})
        worker.results, worker.answer = _answer(tmp_path, 2), {"record_count": 3}

        record = service.run(NOON)

    assert record.state == "ok"
    assert record.facts["route"].startswith("file:")
    told = [(step.name, step.ok, step.attempts) for step in record.steps[1:7]]
    assert told == [
        ("transfer", True, 1), ("simulate", True, 1), ("fetch", False, 3),
        ("transfer", True, 1), ("simulate", True, 1), ("fetch", True, 1),
    ]  # fmt: skip
    assert "2 rows arrived of 3" in record.steps[3].note
    assert service.health(NOON).transfer.startswith("fell back: ")


def test_when_every_route_fails_nothing_is_stored_and_the_input_stays(tmp_path: Path) -> None:
    (tmp_path / "exchange").write_text("a file where a folder should be")
    with serve() as worker:
        worker.fail = [500, 500]
        record = _service(tmp_path, transfers=[worker.url, "exchange"]).run(NOON)

    assert record.state == "failed"
    assert record.facts["kind"] == "TransferError"
    assert _service(tmp_path).store.last_moment("home") is None


def test_a_worker_at_the_other_end_of_a_folder_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _service(tmp_path, transfers=[{"url": "drive", "worker": "remote"}])
    drive = tmp_path / "drive"
    looks: list[list[str]] = []
    find = DirectoryTransfer.find

    def work_meanwhile(self: DirectoryTransfer, name: str) -> int | None:
        looks.append(_files(drive))
        if len(looks) == 2:
            (drive / name).write_bytes(_answer(tmp_path)[:50])
        if len(looks) == 3:
            (drive / name).write_bytes(_answer(tmp_path))
        return find(self, name)

    monkeypatch.setattr(DirectoryTransfer, "find", work_meanwhile)
    record = service.run(NOON)

    assert record.state == "ok"
    assert looks[0] == ["users_input_20240911_120000.csv", "users_input_latest.csv"]
    assert len(looks) == 4
    assert _files(drive) == ["results_20240911_1200.csv"]


def test_a_webhook_that_simulates_later_is_waited_for(tmp_path: Path) -> None:
    with serve() as worker:
        service = _service(tmp_path, transfers=[worker.url])
        worker.answer, worker.results = {"status": "accepted"}, _answer(tmp_path)

        record = service.run(NOON)

    assert record.state == "ok"
    assert results_csv([service.store.rows("home", NOON)]) == _answer(tmp_path)


def test_a_worker_that_never_answers_fails_the_cycle_in_time(tmp_path: Path) -> None:
    service = _service(tmp_path, transfers=[{"url": "drive", "worker": "remote"}], results_wait_s=60)

    record = service.run(NOON)

    assert record.state == "failed"
    assert "no results_20240911_1200.csv within 60 s" in record.error
    assert record.seconds is not None
    assert 60.0 <= record.seconds < 63.0


def test_results_of_an_earlier_try_are_not_taken_for_new_ones(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "results_20240911_1200.csv").write_bytes(b"old")
    service = _service(tmp_path, transfers=[{"url": "drive", "worker": "remote"}], results_wait_s=4)

    assert service.run(NOON).state == "failed"


def test_an_object_store_carries_a_cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2
    from moto.server import ThreadedMotoServer

    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        httpx2.put(f"{endpoint}/carries", trust_env=False).raise_for_status()
        service = _service(tmp_path, transfers=[{"url": "s3://carries/solar", "endpoint": endpoint}])

        record = service.run(NOON)

        assert record.state == "ok"
        transfer = service.steps().transfers[0]
        assert transfer.find("users_input_20240911_120000.csv") is None
        assert transfer.fetch("results_20240911_1200.csv") == _answer(tmp_path)
    finally:
        server.stop()
