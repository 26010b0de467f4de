from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from afterbay.server.rest.health import Readiness, add_health_routes

Client = Callable[[Any], TestClient]


def fails() -> str | None:
    raise OSError("no route to the database\nwith a trace")


def test_ready_says_what_is_missing_and_alive_does_not_care(app: FastAPI, client_of: Client) -> None:
    add_health_routes(app, Readiness({"database": fails, "storage": lambda: None, "worker": lambda: "none runs"}))
    client = client_of(app)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {"database": "no route to the database", "storage": "ok", "worker": "none runs"},
    }
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_when_everything_is_there(app: FastAPI, client_of: Client) -> None:
    add_health_routes(app, Readiness({"storage": lambda: None}))

    assert client_of(app).get("/readyz").json() == {"status": "ready", "checks": {"storage": "ok"}}


def test_asking_often_does_not_check_often() -> None:
    asked: list[float] = []
    now = [0.0]
    readiness = Readiness({"disk": lambda: asked.append(now[0])}, keep_s=2.0, clock=lambda: now[0])

    for now[0] in (0.0, 0.5, 1.9, 2.0, 3.0):
        readiness.found()

    assert asked == [0.0, 2.0]
