"""Problems as pages: for who opened an address in a browser, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.testclient import TestClient

from afterbay.core.errors import NotAllowedError, NotFoundError
from afterbay.server.errors import add_error_handlers, problem_response
from afterbay.server.rest.pages import ProblemPages, page_policy, page_style

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/secret")
    def secret() -> None:
        raise NotAllowedError("<b>you</b> may not")

    @app.get("/things/{name}")
    def thing(name: str) -> None:
        raise NotFoundError(f"there is no {name}")

    @app.get("/fine")
    def fine() -> HTMLResponse:
        return HTMLResponse("<p>fine</p>")

    @app.get("/broken")
    def broken() -> StreamingResponse:
        return StreamingResponse(iter([b"{no", b" json"]), 500, media_type="application/problem+json")

    @app.post("/secret")
    def post() -> object:
        return problem_response(409, "somebody else")

    app.add_middleware(ProblemPages)
    with TestClient(app) as made:
        yield made


def test_a_browser_gets_words_and_ways_out(client: TestClient) -> None:
    answer = client.get("/things/moon", headers={"Accept": BROWSER})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "there is no moon" in answer.text
    assert set(re.findall(r'<a href="(.*?)"', answer.text)) == {"/", "/docs", "/problems/not-found"}
    assert "accept" in answer.headers["vary"].lower()


def test_an_address_where_nothing_is_is_named(client: TestClient) -> None:
    assert "There is nothing at /nowhere." in client.get("/nowhere", headers={"Accept": BROWSER}).text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/problem+json, text/html", ""])
def test_a_program_gets_the_document(client: TestClient, accept: str) -> None:
    answer = client.get("/things/moon", headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "there is no moon"


def test_nothing_of_a_request_becomes_markup(client: TestClient) -> None:
    names = "/things/%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    texts = [client.get(path, headers={"Accept": BROWSER}).text for path in ("/secret", names, "/%3Cscript%3E")]

    assert [text for text in texts if "<b>" in text or "<script" in text] == []
    assert "&lt;b&gt;you" in texts[0]


def test_a_sign_in_is_offered_where_it_helps(client: TestClient) -> None:
    assert '<a href="/welcome">' in client.get("/secret", headers={"Accept": BROWSER}).text


def test_what_is_no_problem_or_no_document_passes_as_it_is(client: TestClient) -> None:
    assert client.get("/fine", headers={"Accept": BROWSER}).text == "<p>fine</p>"
    assert client.get("/broken", headers={"Accept": BROWSER}).text == "{no json"
    assert client.post("/secret", headers={"Accept": BROWSER}).json()["detail"] == "somebody else"


def test_a_page_runs_its_own_style_only(client: TestClient) -> None:
    answer = client.get("/secret", headers={"Accept": BROWSER})

    assert answer.headers["content-security-policy"] == page_policy(answer.text)
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "prefers-color-scheme: dark" in page_style()
    assert " style=" not in answer.text
