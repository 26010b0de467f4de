"""What leaves the platform: no secret in a log, no formula in a file, no name of a folder in an answer."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from server_identity import PASSWORD
from server_world import SIZING, World

from afterbay.server.logs import set_up_logs

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", '=HYPERLINK("https://evil.example")', "|calc"]
NEW_PASSWORD = "eleven red kites over hills"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    set_up_logs("debug", "json", written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)


def test_no_secret_of_any_flow_is_in_the_log(world: World, log: io.StringIO) -> None:
    secrets = [PASSWORD, NEW_PASSWORD, "a wrong guess that is secret"]
    with world.undone():
        login = {"email": "owner@example.org", "password": PASSWORD}
        cookie = world.tell("nobody", "POST", "/api/v1/auth/login", json=login)
        secrets += [*cookie.cookies.values(), cookie.json()["csrf_token"]]
        tokens = world.tell("nobody", "POST", "/api/v1/auth/login", json={**login, "mode": "token"}).json()
        secrets += [tokens["access_token"], tokens["refresh_token"]]
        world.tell("nobody", "POST", "/api/v1/auth/login", json={**login, "password": secrets[2]})
        fresh = world.tell("nobody", "POST", "/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        secrets += [fresh.json()["access_token"], fresh.json()["refresh_token"]]
        given = {"name": "n", "scopes": ["sizing:read"], "days": 1}
        secrets.append(world.tell("owner", "POST", "/api/v1/auth/tokens", json=given).json()["token"])
        made = world.tell("platform_admin", "POST", "/api/v1/admin/users", json={"email": "n@example.org"}).json()
        link = made["link"]["url"].rpartition("#")[2].rpartition("=")[2] or made["link"]["url"].rpartition("/")[2]
        secrets.append(link)
        world.tell("nobody", "POST", "/api/v1/auth/links/look", json={"token": link})
        accept = {"token": link, "password": NEW_PASSWORD, "mode": "token"}
        secrets.append(world.tell("nobody", "POST", "/api/v1/auth/links/accept", json=accept).json()["access_token"])
        hook = {"kind": "webhook", "target": "https://example.org/a"}
        secrets.append(world.tell("owner", "POST", "/api/v1/notifications/channels", json=hook).json()["secret"])
        world.tell("nobody", "GET", "/api/v1/auth/me", params={"access_token": tokens["access_token"]})
        world.tell("nobody", "GET", "/api/v1/auth/oidc/callback", params={"code": "a-secret-code", "state": "x"})
        change = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
        world.tell("owner", "POST", "/api/v1/auth/password", json=change)

    text = log.getvalue()
    assert "/api/v1/auth/login" in text
    assert min(map(len, secrets)) >= 20
    assert [one for one in [*secrets, "a-secret-code"] if one in text] == []


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_stays_a_text_in_every_file(world: World, formula: str) -> None:
    with world.undone():
        place = f"{SIZING}/projects/{world.ids['project_id']}"
        renamed = world.tell("owner", "PUT", place, json={"name": formula, "customer_reference": formula})
        assert renamed.status_code == 200
        world.tell("platform_admin", "POST", "/api/v1/admin/users", json={"email": "x@example.org", "name": formula})
        audit = world.tell("platform_admin", "GET", "/api/v1/admin/audit", headers={"Accept": "text/csv"})
        exports = f"{SIZING}/exports/{world.ids['simulation_id']}"
        tables = [world.tell("owner", "GET", f"{exports}/csv", params={"table": name}) for name in ("cases", "hourly")]
        names = [one.headers["content-disposition"] for one in tables]

    assert [one.status_code for one in (audit, *tables)] == [200, 200, 200]
    assert json.dumps(formula)[1:-1] in audit.text.replace('""', '"')
    for answer in (audit, *tables):
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []
        assert [cell for cell in cells if cell.startswith("-") and not _is_number(cell)] == []
    for name in names:
        assert re.fullmatch(r'attachment; filename="[\w. -]+"', name), name


def test_a_workbook_runs_nothing(world: World) -> None:
    with world.undone():
        place = f"{SIZING}/projects/{world.ids['project_id']}"
        world.tell("owner", "PUT", place, json={"name": FORMULAS[0], "description": FORMULAS[4]})
        book = world.tell("owner", "GET", f"{SIZING}/exports/{world.ids['simulation_id']}/excel")

    assert book.status_code == 200
    with zipfile.ZipFile(io.BytesIO(book.content)) as archive:
        names = archive.namelist()
        sheets = [archive.read(name).decode() for name in names if name.startswith("xl/worksheets/sheet")]
    assert [name for name in names if "vba" in name.lower() or "external" in name.lower()] == []
    assert not any("cmd|" in one.partition("<f>")[2] for one in sheets)


def test_no_answer_names_a_folder_of_the_server(world: World) -> None:
    folder = str(world.parts.settings.data_dir)
    answers: list[Any] = [
        world.ask("owner", "GET", f"{SIZING}/projects/{world.ids['project_id']}/validate"),
        world.ask("owner", "GET", f"{SIZING}/simulations/{world.ids['simulation_id']}/results"),
        world.ask("owner", "GET", f"/api/v1/profiles/{world.ids['load_profile_id']}"),
        world.ask("owner", "GET", f"/api/v1/jobs/{world.ids['simulation_job_id']}"),
        world.ask("nobody", "GET", "/readyz"),
    ]

    assert [one.url for one in answers if folder in one.text or "/site-packages/" in one.text] == []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
