"""The store is full, or does not answer: the problem is said, nothing half-written is kept, and it can be mended."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import numpy as np
import pytest
from server_faults import Caller, Served, first_administrator, series

from afterbay.server.db import make_engine, read_url


@pytest.fixture
def small_disk(folder: Path) -> tuple[list[str], Path]:
    """Words that start a program on a disk of 2 MB, and where it lies for that program."""
    disk = folder / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=2m none {disk} && exec "$@"'
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be made here")
    return words, disk


def large(kind: str, seed: int) -> bytes:
    """Return two years of quarter-hours that no compression makes small."""
    values = np.random.default_rng(seed).uniform(1.0, 20.0, size=70_080)
    return "\n".join([f"{kind}_mw", *(repr(float(value)) for value in values)]).encode()


def refused(answer: httpx2.Response) -> dict[str, Any]:
    """Check that an answer is a problem that says when to try again; returns it."""
    assert answer.status_code in (503, 507), answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    found: dict[str, Any] = answer.json()
    return found


def test_on_a_full_disk_uploads_and_runs_are_refused_whole_and_what_is_there_stays(
    serve: Callable[..., Served], small_disk: tuple[list[str], Path], database_url: str
) -> None:
    words, disk = small_disk
    served = serve(wrapper=words, storage=str(disk), worker=False)
    ada = first_administrator(served)
    project = ada.project()
    kept: list[str] = []
    problem: dict[str, Any] = {}
    for number in range(8):
        answer = ada.ask(
            "POST", "/api/v1/profiles", data={"profile_type": "load", "dt_h": "0.25"},
            files={"file": (f"{number}.csv", large("load", number), "text/csv")},
        )  # fmt: skip
        if not answer.is_success:
            problem = refused(answer)
            break
        kept.append(answer.json()["id"])

    assert kept, "the first one fits"
    assert "free space on the disk" in problem["detail"]
    listed = {one["id"] for one in ada.done("GET", "/api/v1/profiles")["items"]}
    assert listed == {*kept, project["load_profile_id"], project["solar_profile_id"]}
    # What was there is read as ever.
    for profile in listed:
        assert ada.ask("GET", f"/api/v1/profiles/{profile}/download?format=csv").status_code == 200
    # Small things still fit; when nothing does, a run is refused and not half begun.
    _fill(ada)
    run = ada.ask("POST", f"/projects/{project['id']}/simulate", json={"simulation_type": "optimization"})
    refused(run)
    assert ada.done("GET", f"/projects/{project['id']}/simulations")["items"] == []
    assert ada.done("GET", "/api/v1/jobs")["items"] == []
    assert _noted(database_url) == len(ada.done("GET", "/api/v1/profiles", params={"limit": 200})["items"])


def test_a_store_that_does_not_answer_is_a_problem_and_no_half_written_thing(
    serve: Callable[..., Served], database_url: str
) -> None:
    for moto in _moto():
        host, port = moto.get_host_and_port()
        environment = {
            "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing-secret", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}", "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        httpx2.put(f"http://{host}:{port}/afterbay", trust_env=False).raise_for_status()
        served = serve(storage="s3://afterbay/files", environment=environment)
        ada = first_administrator(served)
        project = ada.project()
        run = ada.run(project["id"])
        assert ada.finished(run)["status"] == "completed"
        before = ada.done("GET", "/api/v1/profiles")["items"]

        moto.stop()

        began = monotonic()
        for answer in (
            ada.upload("load", series("load")),
            ada.ask("POST", f"/projects/{project['id']}/simulate", json={"simulation_type": "optimization"}),
            ada.ask("GET", f"/simulations/{run}/hourly"),
        ):
            problem = refused(answer)
            assert "storage s3://afterbay/files" in problem["detail"]
            assert "testing" not in answer.text, "no key is shown"
        assert monotonic() - began < 30.0, "nobody waits for ever"
        assert ada.done("GET", "/api/v1/profiles")["items"] == before
        assert len(ada.done("GET", f"/projects/{project['id']}/simulations")["items"]) == 1
        assert ada.ask("GET", f"/projects/{project['id']}").status_code == 200, "what needs no file works"
        assert ada.ask("GET", "/readyz").json()["checks"]["storage"] != "ok"
        assert _noted(database_url) == 2


def _moto() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _fill(ada: Caller) -> None:
    """Fill the disk to the last profile that fits."""
    for rows in (35_040, 8_760, 2_000, 500, 100, 24):
        for seed in range(200):
            values = np.random.default_rng([rows, seed]).uniform(1.0, 20.0, size=rows)
            content = "\n".join(["load_mw", *(repr(float(value)) for value in values)]).encode()
            answer = ada.ask(
                "POST", "/api/v1/profiles", data={"profile_type": "load", "dt_h": "1"},
                files={"file": ("fill.csv", content, "text/csv")},
            )  # fmt: skip
            if not answer.is_success:
                refused(answer)
                break


def _noted(database_url: str) -> int:
    """Count the files that the database knows."""
    from sqlalchemy import text

    engine = make_engine(read_url(database_url))
    with engine.connect() as connection:
        found = int(connection.execute(text("SELECT count(*) FROM stored_objects")).scalar_one())
    engine.dispose()
    return found
