import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from afterbay.server.rest.bodies import BodyLimits, BodyRules, check_json

Client = Callable[[Any], TestClient]
JSON = {"content-type": "application/json"}
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
documents = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=40,
)  # fmt: skip


@pytest.fixture
def client(app: FastAPI, client_of: Client) -> TestClient:
    @app.post("/notes")
    @app.post("/files/{name}")
    async def take(request: Request) -> dict[str, int]:
        return {"size": len(await request.body())}

    @app.get("/notes/{name}")
    def look(name: str, q: str = "") -> str:
        return name + q

    return client_of(BodyLimits(app, BodyRules(1_000, {"/files": 5_000})))


@given(documents, st.booleans())
def test_every_document_that_can_be_kept_passes(document: object, ascii_only: bool) -> None:
    check_json(json.dumps(document, ensure_ascii=ascii_only).encode())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a": "x\\u0000y"}', 422), (b'{"a\\u0000": 1}', 422), (b'{"a": "\\ud800"}', 422), (b'{"a": "\\udc00"}', 422),
        (b'{"a": "\\ud800 \\udc00"}', 422), (b'{"a": "\\ud800\\ud800\\udc00"}', 422), (b'{"a": 1}\0', 400),
        (b'{"a": NaN}', 400), (b'[Infinity]', 400), (b"[-Infinity]", 400), (b"[" * 65 + b"]" * 65, 422),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 422),
    ],
)  # fmt: skip
def test_json_that_cannot_be_kept_is_refused(body: bytes, status: int) -> None:
    with pytest.raises(HTTPException) as refused:
        check_json(body)

    assert refused.value.status_code == status


@pytest.mark.parametrize(
    "body", [b'"\\\\u0000"', b'"NaN"', b'["Infinity \\" NaN"]', b'"\\ud83d\\ude00"', b"[" * 64 + b"]" * 64,
             b"[" + b"[]," * 500 + b"[]]", b'"' + b"[" * 500 + b'"', b'{"a":"\\\\\\\\"}']
)  # fmt: skip
def test_what_only_looks_like_it_passes(body: bytes) -> None:
    check_json(body)


def test_a_refusal_is_a_problem(client: TestClient) -> None:
    answer = client.post("/notes", content=b'{"a":"\\u0000"}', headers=JSON)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "NUL" in answer.json()["detail"]


def test_a_body_arrives_as_it_was_sent(client: TestClient) -> None:
    assert client.post("/notes", content=b" " * 1_000, headers=JSON).json() == {"size": 1_000}
    assert client.post("/notes", content=iter([b"[", b" " * 998, b"]"]), headers=JSON).json() == {"size": 1_000}


@pytest.mark.parametrize("declared", [True, False])
def test_size_is_bounded_by_the_kind_of_route(client: TestClient, declared: bool) -> None:
    def send(path: str, size: int, kind: str) -> int:
        body: Any = b"x" * size if declared else iter([b"x" * (size // 2)] * 2)
        return client.post(path, content=body, headers={"content-type": kind}).status_code

    assert send("/files/a", 5_000, "text/csv") == 200
    assert send("/files/a", 5_002, "text/csv") == 413
    assert send("/files/a", 1_002, "application/json") == 413
    assert send("/notes", 1_002, "text/csv") == 413
    assert send("/notes", 1_002, "application/problem+json") == 413
    assert send("/notes", 1_000, "text/csv") == 200


def test_a_length_that_is_none_is_refused(client: TestClient) -> None:
    for length, status in (("-1", 400), ("٣", 400), ("9" * 30, 413), ("1e3", 400)):
        headers = {**JSON, "content-length": length.encode("utf-8")}
        assert client.post("/notes", content=b"{}", headers=headers).status_code == status  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/notes/a%00b", "/notes/%ff", "/notes/a?q=%00", "/notes/a?q=%ff", "/notes/a?%00=1"])
def test_an_address_that_is_no_text_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


def test_an_address_in_any_script_passes(client: TestClient) -> None:
    assert client.get("/notes/日本", params={"q": "é+&"}).json() == "日本é+&"
