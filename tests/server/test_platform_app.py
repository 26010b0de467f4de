from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import sessionmaker
from typer.testing import CliRunner

from afterbay.cli.app import app
from afterbay.cli.openapi import check_document
from afterbay.core.errors import InvalidInputError
from afterbay.server.db import make_engine, read_url
from afterbay.server.platform_app import create_platform_app, make_parts
from afterbay.server.settings import read_settings

Clients = Callable[..., TestClient]


@pytest.fixture
def client_of(tmp_path: Path) -> Iterator[Clients]:
    opened: list[Any] = []

    def make(url: str = "postgresql://nobody@127.0.0.1:1/none", host: str = "localhost", **given: Any) -> TestClient:
        engine = make_engine(read_url(url))
        parts = make_parts(read_settings(data_dir=tmp_path, **given), engine, sessionmaker(engine))
        client = TestClient(
            create_platform_app(parts), raise_server_exceptions=False, client=("127.0.0.1", 4000),
            base_url=f"http://{host}",
        )  # fmt: skip
        opened.extend((client, engine))
        return client

    yield make
    for one in opened:
        (one.close if isinstance(one, TestClient) else one.dispose)()


def test_the_document_is_complete_and_the_fleet_is_in_it_only_when_asked_for(client_of: Clients) -> None:
    alone = client_of().get("/openapi.json").json()
    fleet = client_of(fleet=True).get("/openapi.json").json()

    assert alone["openapi"].startswith("3.1")
    assert check_document(alone) == []
    assert check_document(fleet) == []
    assert not any(path.startswith("/api/v1/fleet") for path in alone["paths"])
    assert "/api/v1/fleet/dispatch" in fleet["paths"]
    assert all(path.startswith("/api/v1/") or path in ("/healthz", "/readyz") for path in alone["paths"])


def test_every_route_of_the_api_wants_a_sign_in_but_those_of_signing_in(database_url: str, client_of: Clients) -> None:
    client = client_of(database_url, fleet=True, rate_limit_address="", rate_limit_sign_in="")
    open_paths = []
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            address = path.replace("{", "").replace("}", "")
            if client.request(method, address, follow_redirects=False).status_code != 401:
                open_paths.append(f"{method} {path}")

    expected = ("/api/v1/auth/", "/healthz", "/readyz")
    assert [one for one in open_paths if not one.split()[1].startswith(expected)] == []


def test_ready_only_with_database_storage_and_worker(database_url: str, client_of: Clients, tmp_path: Path) -> None:
    away = client_of().get("/readyz")
    assert away.status_code == 503
    assert "does not answer" in away.json()["checks"]["database"]

    there = client_of(database_url).get("/readyz")
    assert there.json()["checks"]["database"] == "ok"
    assert "afterbay worker" in there.json()["checks"]["worker"]
    (tmp_path / "blocked").write_text("no folder")
    blocked = client_of(database_url, storage_url=str(tmp_path / "blocked")).get("/readyz")
    assert blocked.json()["checks"]["storage"] != "ok"


def test_metrics_tell_of_jobs_pool_and_requests(database_url: str, client_of: Clients) -> None:
    client = client_of(database_url)
    client.get("/healthz")

    text = client.get("/metrics").text

    assert 'afterbay_jobs{state="queued"} 0.0' in text
    assert 'afterbay_database_connections{state="idle"}' in text
    assert 'afterbay_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text


def test_one_answer_shows_that_every_part_is_in_its_place(client_of: Clients) -> None:
    client = client_of()

    answer = client.get("/api/v1/nothing", headers={"X-Request-Id": "r-7"})

    assert answer.status_code == 404
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "r-7"
    assert answer.headers["ratelimit-limit"]
    assert answer.headers["content-security-policy"]
    assert client.get("/api/v1/modules", headers={"host": "evil.example"}).status_code == 421
    body = b'{"email": "a\\u0000"}'
    assert client.post("/api/v1/auth/login", content=body).status_code == 422
    assert client.post("/api/v1/auth/login", content=b"x" * 2_000_000).status_code == 413


def test_large_json_is_packed_and_small_is_not(client_of: Clients) -> None:
    client = client_of()

    assert client.get("/openapi.json").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/healthz").headers


def test_a_database_that_is_away_is_503_and_no_defect(client_of: Clients) -> None:
    answer = client_of().get("/api/v1/auth/me", headers={"Authorization": "Bearer aft_abcdefghijklmnopqrstuvwxyz"})

    assert answer.status_code in (401, 503)
    assert answer.headers["content-type"] == "application/problem+json"


def test_plain_http_off_loopback_is_refused_before_anything_listens(client_of: Clients) -> None:
    from afterbay.server.settings import read_address

    with pytest.raises(InvalidInputError, match="TLS or a named proxy"):
        client_of(listen=read_address("0.0.0.0:8000"))


@pytest.mark.parametrize("path", ["/", "/welcome", "/docs"])
def test_the_pages_come_without_a_sign_in_and_load_nothing_from_elsewhere(client_of: Clients, path: str) -> None:
    answer = client_of().get(path, follow_redirects=False)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "//" not in "".join(re.findall(r'(?:src|href)="(.*?)"', answer.text))


def test_the_start_page_leads_to_everything_and_runs_its_own_script_only(client_of: Clients) -> None:
    client = client_of()

    answer = client.get("/")

    ways = [one for one in re.findall(r'href="(.*?)"', answer.text) if one != "data:,"]
    assert ways == ["welcome", "docs", "readyz"]
    assert [client.get(f"/{one}").status_code in (200, 503) for one in ways] == [True, True, True]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.search(r"script-src 'sha256-[^']+';", answer.headers["content-security-policy"])
    assert "/* page.css */" not in answer.text + client.get("/welcome").text


def test_also_what_the_guard_refuses_is_a_page_for_a_browser(client_of: Clients) -> None:
    answer = client_of().get("/", headers={"host": "evil.example", "Accept": "text/html,*/*;q=0.8"})

    assert answer.status_code == 421
    assert answer.headers["content-type"].startswith("text/html")
    assert "127.0.0.1, [::1] and localhost only" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_command_prints_the_document_and_tells_when_a_file_is_old(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"

    missing = CliRunner().invoke(app, ["openapi", "--file", str(file), "--check"])
    assert CliRunner().invoke(app, ["openapi", "--file", str(file)]).exit_code == 0
    fresh = CliRunner().invoke(app, ["openapi", "--file", str(file), "--check"])
    document = json.loads(file.read_text(encoding="utf-8"))
    del document["paths"]["/api/v1/modules"]
    file.write_text(json.dumps(document), encoding="utf-8")
    old = CliRunner().invoke(app, ["openapi", "--file", str(file), "--check"])

    assert (missing.exit_code, fresh.exit_code, old.exit_code) == (8, 0, 8)
    assert "/api/v1/modules" in old.stdout


def test_a_document_with_gaps_is_told_each_of_them() -> None:
    operation = {"operationId": "same", "tags": ["unknown"], "responses": {"422": {}}}

    found = check_document({"paths": {"/api/v1/x": {"get": operation, "put": {**operation, "summary": "Put"}}}})

    assert [one for one in found if "GET /api/v1/x: no summary" in one]
    assert [one for one in found if "same operationId" in one]
    assert [one for one in found if "no successful response" in one]
    assert [one for one in found if "401" in one]
    assert [one for one in found if "unknown" in one]
