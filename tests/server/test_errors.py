from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

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


class _Soc(BaseModel):
    soc: float
    password: str = ""


class _Battery(BaseModel):
    kind: Literal["battery"]
    soc: float


class _Sun(BaseModel):
    kind: Literal["sun"]


@pytest.fixture
def reader() -> Iterator[TestClient]:
    app = FastAPI()
    add_error_handlers(app)

    @app.put("/soc")
    def soc(body: _Soc) -> None: ...

    @app.put("/one")
    def one(body: Annotated[_Battery | _Sun, Field(discriminator="kind")]) -> None: ...

    with TestClient(app) as made:
        yield made


@pytest.mark.parametrize(
    "value", [[1, {"a": None}], True, None, "half", {"from": 1.5}], ids=["list", "true", "null", "text", "object"]
)
def test_what_was_given_comes_back_as_json(reader: TestClient, value: object) -> None:
    (error,) = reader.put("/soc", json={"soc": value} if value is not True else {"soc": [True]}).json()["errors"]

    assert error["pointer"] == "/soc"
    assert error["value"] == (value if value is not True else [True])


def test_a_long_value_is_cut_to_a_text_and_a_secret_one_not_repeated(reader: TestClient) -> None:
    long, secret = reader.put("/soc", json={"soc": ["x" * 500], "password": 12345}).json()["errors"]

    assert long["value"] == '["' + "x" * 198
    assert secret["pointer"] == "/password"
    assert "value" not in secret


def test_what_is_missing_has_no_value(reader: TestClient) -> None:
    assert reader.put("/soc", json={}).json()["errors"] == [{"pointer": "/soc", "detail": "Field required"}]


def test_a_wrong_kind_points_at_the_kind(reader: TestClient) -> None:
    (error,) = reader.put("/one", json={"kind": "wind"}).json()["errors"]

    assert (error["pointer"], error["value"]) == ("/kind", "wind")


def test_a_body_of_another_type_is_415_and_broken_json_400_with_its_place(reader: TestClient) -> None:
    other = reader.put("/soc", content=b"soc=5", headers={"Content-Type": "text/plain"})
    broken = reader.put("/soc", content=b'{"soc": }', headers={"Content-Type": "application/json"})

    assert (other.status_code, other.json()["code"]) == (415, "media-type")
    assert "text/plain" in other.json()["detail"]
    assert broken.status_code == 400
    assert "character 8" in broken.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("got", "value"),
    [("'nope'", "nope"), ("87.0", 87.0), ("-1 MW", "-1 MW"), ("['a']", ["a"]), ("1_000", "1_000"), ("'half", "'half"),
     ("None", None), ("b'x'", "b'x'"), ("1,000", "1,000")],
)  # fmt: skip
def test_a_value_that_a_problem_writes_as_python_does_is_sent_as_json(got: str, value: object) -> None:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/fail")
    def fail() -> None:
        raise InvalidInputError(Problem("/x", got, "another"))

    with TestClient(app) as client:
        assert client.get("/fail").json()["errors"][0]["value"] == value
