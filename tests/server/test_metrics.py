from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from afterbay.core.errors import UnavailableError
from afterbay.server.errors import add_error_handlers
from afterbay.server.metrics import Metrics, WatchRequests, add_metrics_route

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    opened: list[TestClient] = []

    def make(address: str = "127.0.0.1", refresh: Callable[[], None] = lambda: None, *, direct: bool = True) -> Any:
        app, metrics, router = FastAPI(), Metrics(), APIRouter(prefix="/notes")
        add_error_handlers(app)

        @router.get("/{note_id}")
        def note(note_id: int) -> int:
            return 1 // note_id

        app.include_router(router, prefix="/api/v1")
        add_metrics_route(app, metrics, token=TOKEN, refresh=refresh, direct=direct)
        watched = WatchRequests(app, metrics)
        opened.append(TestClient(watched, raise_server_exceptions=False, client=(address, 5000)))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def samples(text: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_requests_count_by_route_and_status_and_never_by_id(client_of: Callable[..., TestClient]) -> None:
    client = client_of()
    for path in ("1", "2", "0", "x"):
        client.get(f"/api/v1/notes/{path}")
    client.get("/nowhere/7")
    client.request("BREW", "/api/v1/notes/1")

    text = client.get("/metrics").text

    counted = samples(text, "afterbay_requests_total")
    route = ("route", "/api/v1/notes/{note_id}")
    assert counted[("method", "GET"), route, ("status", "200")] == 2
    assert counted[("method", "GET"), route, ("status", "500")] == 1
    assert counted[("method", "GET"), route, ("status", "422")] == 1
    assert counted[("method", "GET"), ("route", "none"), ("status", "404")] == 1
    assert {dict(labels)["method"] for labels in counted} == {"GET", "other"}
    assert samples(text, "afterbay_request_seconds_count")[("method", "GET"), route] == 4
    assert samples(text, "afterbay_requests_active")[()] == 1, "the one that asks"


def test_a_defect_is_answered_as_a_problem(client_of: Callable[..., TestClient]) -> None:
    answer = client_of().get("/api/v1/notes/0")

    assert answer.status_code == 500
    assert answer.json()["code"] == "unexpected"


@pytest.mark.parametrize(
    ("address", "direct", "header", "status"),
    [
        ("127.0.0.1", True, "", 200), ("10.0.0.9", True, "", 403), ("10.0.0.9", True, f"Bearer {TOKEN}", 200),
        ("10.0.0.9", True, "Bearer wrong", 403), ("127.0.0.1", False, "", 403),
        ("127.0.0.1", False, f"bearer {TOKEN}", 200), ("10.0.0.9", True, f"Basic {TOKEN}", 403),
    ],
)  # fmt: skip
def test_only_this_machine_and_the_token_see_the_numbers(
    client_of: Callable[..., TestClient], address: str, direct: bool, header: str, status: int
) -> None:
    client = client_of(address, direct=direct)

    assert client.get("/metrics", headers={"Authorization": header} if header else {}).status_code == status


def test_a_database_that_is_away_hides_only_its_own_numbers(client_of: Callable[..., TestClient]) -> None:
    def away() -> None:
        raise UnavailableError("the database does not answer")

    answer = client_of(refresh=away).get("/metrics")

    assert answer.status_code == 200
    assert "afterbay_requests_active" in answer.text
