"""OWASP API8 and API9: how the platform is set up, and that everything it answers is written down."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from server_requests import request_of
from server_world import SIZING, World

from afterbay.server.platform_app import create_platform_app

HIDDEN = {
    "GET /", "GET /welcome", "GET /docs", "GET /docs/start.js", "GET /docs/{name}", "GET /openapi.json",
    "GET /problems/{code}", "GET /metrics", "POST /api/v1/profiles/upload",
}  # fmt: skip
"""Pages, what supervisors read, and the plan's second address of one route: not in the OpenAPI document."""
NO_SIGN_IN = {"health", "auth"}
PROXY = "10.0.0.5"
PAGES = ["/", "/welcome", "/docs", "/openapi.json", "/problems/not-found", "/healthz", "/api/v1/auth/me",
         "/api/v1/auth/methods", "/api/v1/nothing", "/nothing", f"{SIZING}/projects"]  # fmt: skip


def _routes(world: World) -> set[str]:
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(world.app.routes)
        for method in route.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", ["nobody", "owner"])
def test_every_answer_tells_browsers_to_be_careful(world: World, path: str, who: str) -> None:
    answer = world.ask(who, "GET", path, headers={"Origin": "https://elsewhere.example"})

    policy = answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert [name for name in answer.headers if name.startswith("access-control-")] == []
    assert [name for name in ("server", "x-powered-by") if name in answer.headers] == []
    if path.startswith("/api/"):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [f"{SIZING}/projects", "/api/v1/auth/login", "/api/v1/auth/me"])
def test_another_origin_is_given_no_leave(world: World, path: str) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip

    answer = world.ask(asked, "OPTIONS", path)

    assert answer.status_code == 405
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_behind_a_proxy_with_tls_browsers_stay_with_tls(world: World) -> None:
    settings = world.parts.settings.model_copy(update={"trusted_proxies": (PROXY,)})
    app = create_platform_app(replace(world.parts, settings=settings))
    with world.undone(), TestClient(app, base_url="http://afterbay.example", client=(PROXY, 4000)) as client:
        https = client.get("/api/v1/auth/methods", headers={"X-Forwarded-Proto": "https"})
        plain = client.get("/api/v1/auth/methods", follow_redirects=False)
        sent = client.post("/api/v1/auth/login", json={}, follow_redirects=False)
    with TestClient(app, base_url="http://afterbay.example", client=("10.0.0.9", 4000)) as other:
        past = other.get("/api/v1/auth/methods", headers={"X-Forwarded-Proto": "https"})

    assert https.headers["strict-transport-security"].startswith("max-age=31536000")
    assert (plain.status_code, plain.headers["location"]) == (308, "https://afterbay.example/api/v1/auth/methods")
    assert sent.status_code == 403
    assert past.status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::2]", ""])
def test_a_name_of_somebody_else_is_not_answered_on_loopback(world: World, host: str) -> None:
    assert world.ask({"Host": host}, "GET", "/api/v1/auth/methods").status_code == 421


def test_every_method_that_is_not_known_is_told_those_that_are(world: World) -> None:
    known: dict[str, set[str]] = {}
    for route in _routes(world):
        method, path = route.split(" ", 1)
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        some = next(f"{method} {path}" for method in sorted(methods))
        _, place, _ = request_of(some, world.ids)
        # A fixed word in the place of an id is a path of both routes.
        allowed = methods | {one for other, found in known.items() if _covers(other, place) for one in found}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - allowed:
            answer = world.ask("platform_admin", method, place)

            assert answer.status_code == 405, f"{method} {place}: {answer.status_code}"
            assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == allowed, place


def _covers(template: str, place: str) -> bool:
    return re.fullmatch(re.sub(r"\\?\{\w+\\?\}", "[^/]+", re.escape(template)), place) is not None


def test_a_defect_tells_nobody_what_is_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT password FROM users; /srv/secret.py")

    monkeypatch.setattr("afterbay.server.sizing.service.projects.list_projects", broken)

    answer = world.ask("owner", "GET", f"{SIZING}/projects")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert [word for word in ("SELECT", "secret.py", "Traceback", "RuntimeError") if word in answer.text] == []
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs", "/welcome", "/problems/not-found", "/docs/start.js"])
def test_no_page_asks_another_host(world: World, path: str) -> None:
    text = world.ask("nobody", "GET", path).text

    loaded = re.findall(r"(?:src|href|url)\s*[=(:]\s*[\"']?((?:https?:)?//[^\"'\s>]+)", text)
    assert loaded == []


def test_what_supervisors_read_is_not_for_everybody(world: World) -> None:
    assert world.ask("platform_admin", "GET", "/metrics").status_code == 403
    assert world.ask("nobody", "GET", "/healthz").json() == {"status": "ok"}


def test_the_document_names_every_route_and_no_other(world: World) -> None:
    document = world.ask("nobody", "GET", "/openapi.json").json()

    documented = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found}
    assert documented == _routes(world) - HIDDEN
    operations = [one for found in document["paths"].values() for one in found.values()]
    assert [one["operationId"] for one in operations if not one.get("summary") or not one.get("tags")] == []
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert document["openapi"].startswith("3.1")


def test_the_document_says_where_a_sign_in_is_needed(world: World) -> None:
    document = world.ask("nobody", "GET", "/openapi.json").json()
    open_ones = {
        f"{method.upper()} {path}"
        for path, found in document["paths"].items()
        for method, one in found.items()
        if not one.get("security")
    }

    for route in open_ones:
        method, path, more = request_of(route, world.ids)
        answer = world.ask("nobody", method, path, **more)
        signed_out = "refresh" in route
        assert answer.status_code != 401 or signed_out, route
