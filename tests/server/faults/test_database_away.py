"""The database goes away under load and comes back: clear answers meanwhile, nothing lost, nothing twice."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from server_faults import Caller, Served, first_administrator, wait_until
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from afterbay.core.errors import UnavailableError
from afterbay.server.db import make_engine, read_url, session_scope
from afterbay.server.postgres import EmbeddedPostgres

SWEEP: dict[str, Any] = {"capacity_min": 1, "capacity_max": 5_000, "capacity_step": 1, "durations": [2, 4]}
STEADY_S = 1.0
"""So long everything works before and after."""


@pytest.fixture
def own_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that can be stopped."""
    server = EmbeddedPostgres(folder / "pg", {"fsync": "off", "full_page_writes": "off"})
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Load:
    """Users who go on whatever they are told: some look, some make projects until each is made."""

    def __init__(self, ada: Caller, readers: int = 3, makers: int = 2) -> None:
        self.answers: list[httpx2.Response] = []
        self.made: dict[str, set[str]] = {}
        self._ada = ada
        self._over = threading.Event()
        whole = [self._read] * readers + [self._make] * makers
        self._threads = [threading.Thread(target=self._until_over, args=(one,)) for one in whole]
        self._failed: list[BaseException] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let everybody finish what they began."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for error in self._failed:
            raise error

    def _until_over(self, what: Callable[[], None]) -> None:
        try:
            while not self._over.is_set():
                what()
        except BaseException as error:
            self._failed.append(error)

    def _ask(self, method: str, path: str, **more: object) -> httpx2.Response:
        answer = self._ada.ask(method, path, **more)
        self.answers.append(answer)
        return answer

    def _read(self) -> None:
        self._ask("GET", "/projects", params={"limit": 5})
        time.sleep(0.02)

    def _make(self) -> None:
        name = f"load {uuid4().hex}"
        self.made[name] = set()
        while True:
            answer = self._ask("POST", "/projects", json={"name": name}, headers={"Idempotency-Key": name})
            if answer.is_success:
                self.made[name].add(answer.json()["id"])
                time.sleep(0.05)
                return
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("away_s", "how"),
    [(2.0, "kill"), pytest.param(20.0, "stop", marks=pytest.mark.long)],
    ids=["two seconds, power cut", "twenty seconds"],
)
def test_while_the_database_is_away_requests_are_told_when_to_come_back_and_nothing_is_lost(
    own_postgres: EmbeddedPostgres, serve: Callable[..., Served], away_s: float, how: str
) -> None:
    served = serve(database=own_postgres.ensure_database("afterbay"), hasty=True)
    ada = first_administrator(served)
    project = ada.project(**SWEEP)
    load = Load(ada)
    load.start()
    try:
        run = ada.run(project["id"])
        wait_until(lambda: ada.status(run)["status"] == "running", every_s=0.02)
        time.sleep(STEADY_S)

        getattr(own_postgres, how)()
        ready: list[int] = []
        until = time.monotonic() + away_s
        while time.monotonic() < until:
            ready.append(ada.ask("GET", "/readyz").status_code)
            assert ada.ask("GET", "/healthz").status_code == 200, "the process lives"
            time.sleep(0.2)
        own_postgres.start()
        wait_until(lambda: ada.ask("GET", "/projects").status_code == 200)
        back = len(load.answers)
        wait_until(lambda: len(load.answers) > back + 40)
    finally:
        load.end()

    refused = [one for one in load.answers if not one.is_success]
    assert Counter(one.status_code for one in refused).keys() == {503}, [one.text for one in refused][:5]
    assert {one.headers["content-type"] for one in refused} == {"application/problem+json"}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert all(one.json()["detail"] for one in refused)
    assert 503 in ready
    assert all(one.is_success for one in load.answers[back + 20 :]), "it works again"
    assert {name: len(ids) for name, ids in load.made.items()} == dict.fromkeys(load.made, 1)
    assert _projects(ada) == {project["id"], *(one for ids in load.made.values() for one in ids)}
    found = ada.finished(run)
    assert found["status"] == "completed", found["error_message"]
    assert len(ada.audited("simulation.completed", run)) == 1
    assert ada.done("GET", f"/simulations/{run}/results", params={"limit": 1})["optimization_results"]
    # Work that begins after it is done at once.
    assert ada.finished(ada.run(ada.project("after")["id"]))["status"] == "completed"


def test_a_server_can_be_stopped_while_the_database_is_away(
    own_postgres: EmbeddedPostgres, serve: Callable[..., Served]
) -> None:
    served = serve(database=own_postgres.ensure_database("afterbay"))
    ada = first_administrator(served)
    wait_until(lambda: ada.ask("GET", "/readyz").status_code == 200)

    own_postgres.kill()
    served.process.send_signal(signal.SIGTERM)

    # Not the half minute that a pool waits for a connection: who supervises us may lose patience.
    assert served.process.wait(25.0) == 0


def test_when_every_connection_is_in_use_the_answer_is_to_try_again(database_url: str) -> None:
    engine = make_engine(read_url(database_url), pool_size=1)
    engine.pool._timeout = 0.05  # type: ignore[attr-defined]
    try:
        with (
            engine.connect(),
            engine.connect(),
            pytest.raises(UnavailableError, match="in use -> try again"),
            session_scope(sessionmaker(engine)) as session,
        ):
            session.execute(text("SELECT 1"))
        with session_scope(sessionmaker(engine)) as session:
            assert session.execute(text("SELECT 1")).scalar_one() == 1
    finally:
        engine.dispose()


def _projects(ada: Caller) -> set[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ada.done("GET", "/projects", params={"limit": 200, **cursor})
        found += [one["id"] for one in page["items"]]
        with suppress(KeyError):
            if page["next_cursor"]:
                cursor = {"cursor": page["next_cursor"]}
                continue
        assert len(found) == len(set(found))
        return set(found)
