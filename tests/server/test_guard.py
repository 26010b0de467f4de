from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request

from afterbay.server.errors import add_error_handlers
from afterbay.server.guard import Guard, Rules, actor_of

TOKEN = "a-token-that-is-long-enough"


def _app(rules: Rules) -> FastAPI:
    app = FastAPI()
    add_error_handlers(app)

    @app.post("/who")
    async def who(request: Request) -> dict[str, Any]:
        return {"actor": actor_of(request.scope), "size": len(await request.body())}

    @app.post("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret of ours")

    guard: Any = Guard
    app.add_middleware(guard, rules=rules)
    return app


def _post(rules: Rules, path: str = "/who", base: str = "http://127.0.0.1:3001", **given: Any) -> httpx2.Response:
    async def run() -> httpx2.Response:
        transport = httpx2.ASGITransport(_app(rules), raise_app_exceptions=False, client=("10.0.0.7", 5))
        async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
            return await client.post(path, **given)

    return asyncio.run(run())


def test_on_loopback_anybody_of_this_machine_may_ask() -> None:
    for base in ("http://127.0.0.1:3001", "http://localhost:3001", "http://[::1]:3001"):
        answer = _post(Rules(), base=base)
        assert answer.json()["actor"] == "operator"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_that_points_its_own_name_here_gets_nothing() -> None:
    answer = _post(Rules(), base="http://evil.example")

    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


def test_with_tokens_the_name_of_the_token_is_the_actor() -> None:
    rules = Rules(tokens={TOKEN: "ann", TOKEN + "2": "ben"}, loopback_only=False)

    assert _post(rules).status_code == 401
    assert _post(rules).headers["www-authenticate"] == "Bearer"
    assert _post(rules, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert _post(rules, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert _post(rules, headers={"Authorization": f"Bearer {TOKEN}2"}).json()["actor"] == "ben"


def test_only_the_named_proxy_may_call_and_only_for_https() -> None:
    ours = Rules(proxies=frozenset({"10.0.0.7"}), loopback_only=False, secure=True)
    others = Rules(proxies=frozenset({"10.0.0.8"}), loopback_only=False, secure=True)

    assert _post(others, headers={"X-Forwarded-Proto": "https"}).status_code == 403
    assert _post(ours).status_code == 403
    answer = _post(ours, headers={"X-Forwarded-Proto": "https"})
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_large_body_is_refused_with_and_without_its_length() -> None:
    async def parts() -> Any:
        for _ in range(20):
            yield b"x" * 100

    rules = Rules(max_body_bytes=1000)

    assert _post(rules, content=b"x" * 1000).json()["size"] == 1000
    assert _post(rules, content=b"x" * 1001).status_code == 413
    chunked = _post(rules, content=parts())
    assert chunked.status_code == 413
    assert chunked.json()["code"] == "too-large"


def test_a_defect_of_ours_tells_nothing_of_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    answer = _post(Rules(), "/broken")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_what_does_not_exist_is_a_problem_too() -> None:
    answer = _post(Rules(), "/nowhere")

    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/problem+json"
