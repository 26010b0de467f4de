"""A parameter that a route does not know is refused, with the one that was probably meant."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.testclient import TestClient

from afterbay.server.rest.paging import PageQuery
from afterbay.server.rest.parameters import refuse_unknown_parameters, strict_parameters

Clients = Callable[[Any], TestClient]


def _signed_in(request: Request) -> None:
    if "authorization" not in request.headers:
        raise HTTPException(401, "sign in first")
    refuse_unknown_parameters(request)


@pytest.fixture
def client(app: FastAPI, client_of: Clients) -> TestClient:
    router, lenient = APIRouter(prefix="/api/v1"), APIRouter(prefix="/lenient")

    @router.get("/things", dependencies=[Depends(_signed_in)])
    def things(
        page: PageQuery, status: str | None = None, first: Annotated[str | None, Query(alias="from")] = None
    ) -> dict[str, Any]:
        return {"limit": page.limit, "status": status, "from": first}

    @router.post("/things", dependencies=[Depends(_signed_in)])
    def make() -> None: ...

    @router.get("/callback")
    def callback() -> None: ...

    @lenient.get("/things", dependencies=[Depends(_signed_in)])
    def more() -> None: ...

    app.include_router(router, dependencies=[Depends(strict_parameters)])
    app.include_router(lenient)
    made = client_of(app)
    made.headers["Authorization"] = "Bearer token"
    return made


def test_a_filter_with_a_slip_of_the_pen_is_refused_and_the_right_one_named(client: TestClient) -> None:
    answer = client.get("/api/v1/things?stauts=draft&limit=5&colour=red")

    errors = answer.json()["errors"]
    assert answer.status_code == 422
    assert [(one["pointer"], one["hint"], one["value"]) for one in errors] == [
        ("/stauts", "did you mean status?", "draft"), ("/colour", "leave it out", "red"),
    ]  # fmt: skip
    assert "cursor, from, limit, status" in errors[0]["detail"]


@pytest.mark.parametrize("query", ["", "?limit=5&cursor=", "?status=draft&from=1"])
def test_parameters_of_the_route_and_of_what_it_depends_on_pass(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/things{query}").status_code == 200


def test_the_name_of_the_argument_is_no_name_of_the_parameter(client: TestClient) -> None:
    assert client.get("/api/v1/things?first=1").json()["errors"][0]["pointer"] == "/first"


def test_a_change_with_a_parameter_that_nobody_reads_is_refused(client: TestClient) -> None:
    answer = client.post("/api/v1/things?dry_run=1")

    assert answer.status_code == 422
    assert "no parameter here" in answer.json()["detail"]


def test_who_is_not_signed_in_hears_of_that_alone(client: TestClient) -> None:
    del client.headers["Authorization"]

    answer = client.get("/api/v1/things?access_token=abc")

    assert answer.status_code == 401
    assert "abc" not in answer.text


def test_what_looks_like_a_secret_is_not_repeated(client: TestClient) -> None:
    answer = client.get("/api/v1/things?access_token=abcdefgh")

    assert answer.status_code == 422
    assert "abcdefgh" not in answer.text


def test_a_provider_may_add_what_it_likes_and_other_routers_stay_as_they_are(client: TestClient) -> None:
    assert client.get("/api/v1/callback?session_state=1").status_code == 200
    assert client.get("/lenient/things?any=1").status_code == 200
