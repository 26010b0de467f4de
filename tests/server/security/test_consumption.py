"""OWASP API4 and API6: what one request, one user and one file may use up; and files that are not what they say."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from server_world import SIZING, World

from afterbay.server.platform_app import create_platform_app, make_parts

PROJECTS = f"{SIZING}/projects"
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1_000_000


@contextmanager
def _with_settings(world: World, **changes: Any) -> Iterator[TestClient]:
    """Give the same platform under other settings."""
    settings = world.parts.settings.model_copy(update=changes)
    made = make_parts(settings, world.parts.engine, world.parts.sessions)
    app = create_platform_app(replace(made, identity=world.parts.identity))
    client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
    with world.undone(), client:
        yield client


def _upload(world: World, name: str, content: bytes, kind: str = "load") -> Any:
    return world.ask("owner", "POST", "/api/v1/profiles", data={"profile_type": kind},
                     files={"file": (name, content, "text/csv")})  # fmt: skip


@pytest.mark.parametrize(("body", "status"), [
    (b'{"name": "' + b"x" * 2 * MEGABYTE + b'"}', 413),
    (b"[" * 100_000, 422),
    (b'{"name": ' + b"[" * 65 + b"]" * 65 + b"}", 422),
    (b'{"name": "a\\u0000b"}', 422),
    (b'{"name": "\\ud800"}', 422),
    (b'{"name": "a\0b"}', 400),
    (b'{"name": NaN}', 400),
    (b'{"name": "a", "setup_config": {"load_mw": 1e999}}', 422),
    (b'{"name": "a", "setup_config": {"load_mw": -1e308}}', 422),
    (b'{"name": "a", "sizing_config": {"capacity_max": ' + b"9" * 5_000 + b"}}", 400),
    (b'{"name": "a", "sizing_config": {"durations": [' + b"1," * 100_000 + b"1]}}", 422),
    (b'{"name": "' + b"a" * 256 + b'"}', 422),
    (b'{"name": "a", "tags": [' + b'"t",' * 1_000 + b'"t"]}', 422),
    (b"", 422),
    (b"null", 422),
    (b"\xff\xfe{", 400),
], ids=range(16))  # fmt: skip
def test_a_body_that_is_too_much_is_refused(world: World, body: bytes, status: int) -> None:
    answer = world.ask({**world.headers["owner"], **JSON}, "POST", PROJECTS, content=body)

    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("path", ["/api/v1/jobs", PROJECTS, "/api/v1/profiles", "/api/v1/notifications",
                                  "/api/v1/admin/users", "/api/v1/admin/audit"])  # fmt: skip
@pytest.mark.parametrize("query", ["limit=201", "limit=0", "limit=-1", "limit=99999999999999999999", "limit=1e3",
                                   "cursor=x", "cursor=" + "A" * 50_000],
                         ids=range(7))  # fmt: skip
def test_a_page_has_a_bound(world: World, path: str, query: str) -> None:
    assert world.ask("platform_admin", "GET", f"{path}?{query}").status_code in (414, 422)


def test_a_user_who_asks_too_often_waits(world: World) -> None:
    with _with_settings(world, rate_limit="3/minute") as client:
        mine = [client.get("/api/v1/auth/me", headers=world.headers["owner"]) for _ in range(4)]
        token = client.get("/api/v1/auth/me", headers=world.headers["reader"])
        other = client.get("/api/v1/auth/me", headers=world.headers["stranger"])

    assert [one.status_code for one in mine] == [200, 200, 200, 429]
    assert 1 <= int(mine[-1].headers["retry-after"]) <= 60
    assert token.status_code == 429  # a second token of the same user is no second allowance
    assert other.status_code == 200


def test_passwords_are_tried_slowly_from_one_address(world: World) -> None:
    with _with_settings(world, rate_limit_sign_in="3/minute") as client:
        given = {"email": "x@example.org", "password": "x"}
        found = [client.post("/api/v1/auth/login", json=given) for _ in range(4)]

    assert [one.status_code for one in found] == [401, 401, 401, 429]
    assert int(found[-1].headers["retry-after"]) >= 1


def test_quotas_hold_for_projects_runs_and_files(world: World) -> None:
    limits = "bess-sizing.max_projects_per_user=1,bess-sizing.max_simulations_per_day=3,bess-sizing.max_file_size_mb=1"
    rows = b"hour,load_mw\n" + b"1,1\n" * 300_000
    place, headers = f"{PROJECTS}/{world.ids['project_id']}", world.headers["owner"]
    with _with_settings(world, quotas=limits) as client:
        more = client.post(PROJECTS, json={"name": "One more"}, headers=headers)
        copy = client.post(f"{place}/clone", headers=headers)
        brought = client.post(f"{PROJECTS}/import", json={"name": "Brought"}, headers=headers)
        run = client.post(f"{place}/simulate", json={}, headers=headers)
        file = client.post("/api/v1/profiles", data={"profile_type": "load"}, headers=headers,
                           files={"file": ("big.csv", rows, "text/csv")})  # fmt: skip

    assert [one.status_code for one in (more, copy, brought, run, file)] == [429, 429, 429, 429, 413]
    assert all("->" in one.json()["detail"] for one in (more, copy, brought, run, file))


def _zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("load.csv", b"0" * 50 * MEGABYTE)
    return packed.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], int]] = {
    "bomb.csv.gz": (lambda: gzip.compress(b"1\n" * 110 * MEGABYTE, compresslevel=1), 413),
    "bombs.csv.gz": (lambda: gzip.compress(gzip.compress(b"0" * 100 * MEGABYTE, compresslevel=1)), 413),
    "bomb.zip": (_zip_bomb, 422),
    "wide.csv": (lambda: b"," * 10_000_000 + b"\n", 413),
    "long.csv": (lambda: b"1\n" * 1_200_000, 413),
    "line.csv": (lambda: b"1" * 10_000_000, 413),
    "empty.csv": (lambda: b"", 422),
    "page.html": (lambda: b"<script>alert(1)</script>", 422),
    "program": (lambda: b"\x7fELF" + bytes(1_000), 422),
    "cut.parquet": (lambda: b"PAR1" + bytes(100) + b"PAR1", 422),
    "cut.csv.gz": (lambda: gzip.compress(b"hour,load_mw\n" * 100)[:50], 422),
}
"""Files that are too much, or not what their names say, and how they are refused."""


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_what_it_seems_is_refused(world: World, name: str) -> None:
    made, status = FILES[name]

    answer = _upload(world, name, made())

    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text
    assert "/tmp" not in answer.text


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a/../../b.csv", "..", ".",
                                  "%2e%2e%2fx.csv", "x" * 300 + ".csv", "=cmd|' /C calc'!A0.csv", "a\r\nb.csv",
                                  "con.csv", "\u202egnp.csv"])  # fmt: skip
def test_the_name_of_a_file_leads_nowhere(world: World, name: str) -> None:
    rows = "hour,load_mw\n" + "".join(f"{hour},1\n" for hour in range(48))
    answer = world.ask("owner", "POST", "/api/v1/profiles", data={"profile_type": "load", "dt_h": "1"},
                       files={"file": (name, rows.encode(), "text/csv")})  # fmt: skip

    assert answer.status_code == 201, answer.text[:500]
    kept = answer.json()["name"]
    assert "/" not in kept
    assert "\\" not in kept
    assert not kept.startswith(("=", "+", "-", "@", ".", "\t"))
    assert kept.isprintable()
    assert len(kept.encode()) <= 255
