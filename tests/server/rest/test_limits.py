from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from afterbay.core.errors import InvalidInputError
from afterbay.server.rest.limits import RateLimiter, RateLimits, RateRules, count_principal, read_rate

Client = Callable[[Any], TestClient]
ANN, BEN = UUID(int=1), UUID(int=2)


@pytest.fixture
def app_of(app: FastAPI) -> Callable[[RateRules], RateLimits]:
    def make(rules: RateRules) -> RateLimits:
        app.state.rates = RateLimiter(rules)

        @app.get("/api/v1/notes")
        @app.post("/api/v1/auth/login")
        @app.get("/healthz")
        def notes(request: Request, who: int = 1) -> str:
            count_principal(request, UUID(int=who))
            count_principal(request, UUID(int=who))  # asked for twice in one request, counted once
            return "yes"

        return RateLimits(app, app.state.rates)

    return make


def test_who_asks_too_often_waits_and_nobody_else(app_of: Callable[[RateRules], RateLimits], client_of: Client) -> None:
    client = client_of(app_of(RateRules("3/hour", "100/hour")))

    answers = [client.get("/api/v1/notes?who=1") for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert 3_500 < int(answers[3].headers["retry-after"]) <= 3_601
    assert answers[3].json()["code"] == "too-many"
    assert client.get("/api/v1/notes?who=2").status_code == 200


def test_an_address_is_bounded_whoever_it_says_it_is(
    app_of: Callable[[RateRules], RateLimits], client_of: Client
) -> None:
    client = client_of(app_of(RateRules("", "2/hour")))

    answers = [client.get(f"/api/v1/notes?who={number}") for number in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"]
    assert client.get("/healthz").status_code == 200, "a supervisor is always answered"


def test_guessing_passwords_has_a_bound_of_its_own(
    app_of: Callable[[RateRules], RateLimits], client_of: Client
) -> None:
    client = client_of(app_of(RateRules("", "", "2/hour")))

    answers = [client.post("/api/v1/auth/login") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert client.get("/api/v1/notes").status_code == 200


def test_a_rate_is_a_count_and_a_time_or_nothing() -> None:
    assert read_rate(" ") is None
    found = read_rate("5/second")
    assert found is not None
    assert found.amount == 5
    with pytest.raises(InvalidInputError, match="600/minute"):
        read_rate("often")
