import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from afterbay.core.errors import NotFoundError
from afterbay.server.rest.requests import REQUEST_ID, RequestIds


@pytest.fixture
def client(app: FastAPI, client_of: Callable[[Any], TestClient]) -> TestClient:
    @app.get("/nothing")
    def nothing() -> None:
        raise NotFoundError("there is no such thing")

    return client_of(RequestIds(app))


def test_the_callers_id_comes_back_and_stands_in_the_problem(client: TestClient) -> None:
    answer = client.get("/nothing", headers={REQUEST_ID: "order-66.a_B"})

    assert answer.headers[REQUEST_ID] == "order-66.a_B"
    assert answer.json()["request_id"] == "order-66.a_B"


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "a;b", "<script>", 'a"b'])
def test_an_id_that_could_forge_a_log_is_replaced(client: TestClient, given: str) -> None:
    found = client.get("/nothing", headers={REQUEST_ID: given}).headers[REQUEST_ID]

    assert re.fullmatch("[0-9a-f]{32}", found)


def test_every_request_has_another_id(client: TestClient) -> None:
    assert len({client.get("/nothing").headers[REQUEST_ID] for _ in range(5)}) == 5
