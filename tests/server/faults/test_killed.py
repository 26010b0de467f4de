"""Worker and server are killed in the middle of their work: nothing is lost, nothing is there twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from server_faults import SIZING, Caller, Served, first_administrator, series, stored, wait_until
from sqlalchemy.orm import sessionmaker

from afterbay.server.db import make_engine, read_url
from afterbay.server.platform.jobs.bodies import load_bodies
from afterbay.server.platform.storage import open_storage
from afterbay.server.platform.storage.service import collect_orphans
from afterbay.server.worker import MODULES

MANY: dict[str, Any] = {"capacity_min": 1, "capacity_max": 5_000, "capacity_step": 1, "durations": [2, 4]}
"""10,000 sizes: enough that processes of their own work at them, and that there is a middle."""


def begin(ada: Caller) -> str:
    """Start a long sweep and return its id as soon as some of it is done."""
    run = ada.run(ada.project(**MANY)["id"])

    def some() -> bool:
        found = ada.status(run)
        assert found["status"] in ("pending", "running"), "the sweep is too short for this machine"
        return bool(found["progress"] > 0.0)

    wait_until(some, every_s=0.02)
    return run


def check_done_once(ada: Caller, run: str) -> None:
    """Ask whether a run came to one good end."""
    results = ada.done("GET", f"/simulations/{run}/results", params={"limit": 3})
    assert len(results["optimization_results"]) == 3
    assert len(ada.audited("simulation.completed", run)) == 1
    told = [one for one in ada.done("GET", "/api/v1/notifications")["items"] if run in (one.get("link") or "")]
    assert len(told) <= 1
    job = ada.done("GET", f"/api/v1/jobs/{ada.status(run)['job_id']}")
    assert (job["state"], job["resource_id"]) == ("succeeded", run)


def test_a_sweep_whose_worker_is_killed_is_run_again_and_has_one_result(serve: Callable[..., Served]) -> None:
    served = serve(hasty=True)
    ada, first = first_administrator(served), served.worker()
    run = begin(ada)
    processes = first.children(recursive=True)

    first.kill()

    found = ada.finished(run)
    assert (found["status"], found["attempts"]) == ("completed", 2)
    assert not any(one.is_running() and one.status() != "zombie" for one in processes), "they end with their worker"
    assert served.worker().pid != first.pid
    check_done_once(ada, run)


def test_a_server_that_is_asked_to_stop_gives_its_job_back_and_the_next_one_finishes_it(
    serve: Callable[..., Served],
) -> None:
    served = serve(hasty=True)
    ada = first_administrator(served)
    run = begin(ada)

    assert served.stop() == 0

    assert "Traceback" not in served.log.read_text()
    after = serve(hasty=True)
    ada = after.caller(ada.token)
    assert ada.finished(run)["status"] == "completed"
    check_done_once(ada, run)


def test_a_job_that_ends_soon_is_finished_before_the_server_stops(serve: Callable[..., Served]) -> None:
    served = serve()
    ada = first_administrator(served)
    run = ada.run(ada.project()["id"])
    wait_until(lambda: ada.status(run)["status"] != "pending", every_s=0.01)

    assert served.stop() == 0

    after = serve(worker=False)
    found = after.caller(ada.token).status(run)
    assert (found["status"], found["attempts"]) == ("completed", 1)


@pytest.mark.parametrize("share", [0.02, 0.98], ids=["at its begin", "at its end"])
def test_an_upload_that_the_server_did_not_live_to_receive_left_nothing(
    serve: Callable[..., Served], folder: Path, share: float
) -> None:
    served = serve(worker=False)
    ada = first_administrator(served)
    url = urlsplit(served.url)
    body = (b'--x\r\nContent-Disposition: form-data; name="profile_type"\r\n\r\nload\r\n--x\r\nContent-Disposition: '
            b'form-data; name="file"; filename="load.csv"\r\n\r\n' + series("load") + b"\r\n--x--\r\n")  # fmt: skip
    head = (f"POST /api/v1/profiles HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {ada.token}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
    assert url.hostname is not None
    with socket.create_connection((url.hostname, url.port or 80)) as sending:
        sending.sendall(head.encode() + body[: int(len(body) * share)])
        served.kill()

    ada = serve(worker=False).caller(ada.token)
    assert ada.done("GET", "/api/v1/profiles")["items"] == []
    assert stored(folder) == []
    assert ada.upload("load", series("load")).status_code == 201


def test_an_upload_that_was_stored_and_not_committed_is_collected_and_can_be_sent_again(
    serve: Callable[..., Served], folder: Path, database_url: str
) -> None:
    served = serve(worker=False)
    ada, key = first_administrator(served), uuid4().hex
    with psycopg.connect(database_url) as connection:
        # Nobody can add a profile now: the server stores the file and waits for its row.
        connection.execute("LOCK TABLE bess_profiles IN SHARE MODE")
        sending = threading.Thread(target=_upload_in_vain, args=(ada, key))
        sending.start()
        wait_until(lambda: stored(folder), every_s=0.01)
        served.kill()
        sending.join()
        connection.rollback()

    ada = serve(worker=False).caller(ada.token)
    assert ada.done("GET", "/api/v1/profiles")["items"] == []
    assert len(stored(folder)) == 1, "the orphan"
    _collect(database_url, folder)
    assert stored(folder) == []
    answer = ada.upload("load", series("load"), key)
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers
    assert ada.upload("load", series("load"), key).headers["idempotent-replayed"] == "true"
    assert len(ada.done("GET", "/api/v1/profiles")["items"]) == 1
    _collect(database_url, folder)
    assert ada.done("GET", f"/api/v1/profiles/{answer.json()['id']}/preview")
    assert [one["action"] for one in ada.done("GET", "/api/v1/admin/audit")["items"]].count("profile.created") == 1


def test_a_run_whose_server_died_before_its_answer_is_there_once_when_asked_again(
    serve: Callable[..., Served], folder: Path, database_url: str
) -> None:
    served = serve(worker=False)
    ada, key = first_administrator(served), uuid4().hex
    project, sent = ada.project()["id"], {"simulation_type": "optimization"}
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE audit_events IN SHARE MODE")
        sending = threading.Thread(target=_post_in_vain, args=(ada, f"{SIZING}/projects/{project}/simulate", sent, key))
        sending.start()
        wait_until(lambda: [one for one in stored(folder) if one.name == "inputs.npz"], every_s=0.01)
        served.kill()
        sending.join()
        connection.rollback()

    ada = serve().caller(ada.token)
    assert ada.done("GET", f"/projects/{project}/simulations")["items"] == []
    run = ada.run(project, headers={"Idempotency-Key": key})
    assert run == ada.run(project, headers={"Idempotency-Key": key})
    assert ada.finished(run)["status"] == "completed"
    _collect(database_url, folder)
    check_done_once(ada, run)
    left = {one.parent.name for one in stored(folder) if one.name == "inputs.npz"}
    assert left == {run}


def _upload_in_vain(ada: Caller, key: str) -> None:
    with pytest.raises(Exception, match=r"disconnect|reset|closed|peer"):
        ada.upload("load", series("load"), key)


def _post_in_vain(ada: Caller, path: str, sent: dict[str, str], key: str) -> None:
    with pytest.raises(Exception, match=r"disconnect|reset|closed|peer"):
        ada.ask("POST", path, json=sent, headers={"Idempotency-Key": key})


def _collect(database_url: str, folder: Path) -> None:
    """Collect as the worker does every hour, here with no grace."""
    load_bodies(MODULES)
    engine = make_engine(read_url(database_url))
    later = datetime.now(UTC) + timedelta(minutes=1)
    collect_orphans(sessionmaker(engine), open_storage(str(folder / "data" / "storage")), before=later)
    engine.dispose()
