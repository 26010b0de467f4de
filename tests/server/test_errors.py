from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from afterbay.core.errors import (
    AfterbayError,
    ConflictError,
    InvalidInputError,
    MissingExtraError,
    NotAllowedError,
    NotFoundError,
    Problem,
    QuotaError,
    TooLargeError,
    UnavailableError,
)
from afterbay.server.errors import NotSignedInError, add_error_handlers
from afterbay.server.rest.etags import PreconditionFailedError, PreconditionNeededError
from afterbay.server.rest.negotiation import MediaTypeError, NotAcceptableError

EVERY: dict[str, tuple[AfterbayError, int, str]] = {
    "invalid": (InvalidInputError(Problem("/setup/soc", "0.87 %", "1.5 to 100 %", "write 87")), 422, "invalid-input"),
    "absent": (NotFoundError("there is no such project"), 404, "not-found"),
    "forbidden": (NotAllowedError("you may not delete"), 403, "forbidden"),
    "nobody": (NotSignedInError("sign in"), 401, "unauthorized"),
    "conflict": (ConflictError("it runs"), 409, "conflict"),
    "changed": (PreconditionFailedError("changed meanwhile"), 412, "changed-meanwhile"),
    "blind": (PreconditionNeededError("send If-Match"), 428, "precondition-needed"),
    "quota": (QuotaError("100 projects are all", retry_after_s=30), 429, "too-many"),
    "large": (TooLargeError("60 MB of 50 MB"), 413, "too-large"),
    "format": (NotAcceptableError("no HTML here"), 406, "not-acceptable"),
    "media": (MediaTypeError("no PDF here"), 415, "media-type"),
    "away": (UnavailableError("the database is away"), 503, "unavailable"),
    "package": (MissingExtraError("obstore", "server", "S3"), 503, "missing-package"),
}


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/fail/{name}")
    def fail(name: str) -> None:
        if name == "defect":
            raise ZeroDivisionError("password=hunter2")
        raise EVERY[name][0]

    @app.put("/fail/{name}")
    def put(name: str) -> None: ...

    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize("name", EVERY)
def test_every_error_is_a_problem_with_a_page_that_explains_it(client: TestClient, name: str) -> None:
    error, status, code = EVERY[name]

    answer = client.get(f"/fail/{name}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"], body["instance"]) == (code, status, f"/fail/{name}")
    assert str(error) in body["detail"]
    explained = client.get(body["type"])
    assert explained.status_code == 200
    assert code in explained.text


def test_every_problem_of_an_input_has_its_pointer_and_next_move(client: TestClient) -> None:
    assert client.get("/fail/invalid").json()["errors"] == [
        {"pointer": "/setup/soc", "detail": "got 0.87 %, allowed: 1.5 to 100 %", "hint": "write 87", "value": "0.87 %"}
    ]


def test_who_may_try_again_is_told_when(client: TestClient) -> None:
    assert client.get("/fail/quota").headers["retry-after"] == "30"
    assert client.get("/fail/away").headers["retry-after"]
    assert "retry-after" not in client.get("/fail/large").headers
    assert client.get("/fail/nobody").headers["www-authenticate"] == "Bearer"


def test_a_defect_says_nothing_about_its_inside(client: TestClient) -> None:
    answer = client.get("/fail/defect")

    assert answer.status_code == 500
    assert answer.json()["code"] == "unexpected"
    assert "hunter2" not in answer.text


def test_a_method_that_is_not_known_is_told_all_that_are(client: TestClient) -> None:
    assert client.delete("/fail/x").headers["allow"] == "GET, PUT"
    assert client.options("/fail/x").headers["allow"] == "GET, PUT"


def test_a_kind_that_does_not_exist_is_not_echoed(client: TestClient) -> None:
    answer = client.get("/problems/%3Cscript%3E")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
