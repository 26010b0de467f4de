"""A backup of a system that was used, brought back into an empty folder: every answer is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from server_faults import SIZING, Caller, Served, first_administrator, serving

_CHANGES_BY_ITSELF = ("request_id", "last_seen_at", "last_used_at")


def test_a_used_system_that_was_restored_elsewhere_gives_identical_answers(folder: Path) -> None:
    first, second, archive = folder / "a", folder / "b", folder / "backup.tar"
    first.mkdir()
    second.mkdir()
    with serving(first, None) as served:
        paths = _use(first_administrator(served))
        # Sign-ins are not in a backup, tokens are.
        token = _token(served)
        before = _answers(served, token, paths)
        _run("db", "backup", str(archive), "--data-dir", str(first / "data"))
        assert _answers(served, token, paths) == before, "a backup changes nothing"
    _run("db", "restore", str(archive), "--data-dir", str(second / "data"))

    with serving(second, None) as restored:
        after = _answers(restored, token, paths)
        assert restored.places["first_link"] == "", "there is an administrator"
        ada = restored.caller(token)
        project = next(path for path in paths if path.startswith(f"{SIZING}/projects/")).split("/")[5]
        assert ada.finished(ada.run(project))["status"] == "completed", "and it can be worked with"

    assert after.keys() == before.keys()
    for path, answer in before.items():
        assert after[path] == answer, path


def _use(ada: Caller) -> list[str]:
    """Do a bit of everything; returns what can be looked at."""
    project = ada.project(dg_values=[0])
    place = f"/projects/{project['id']}"
    run = ada.run(project["id"])
    assert ada.finished(run)["status"] == "completed"
    ada.done("PUT", place, json={"name": "Renamed", "tags": ["mine", "two words"], "description": "Größe\n2"})
    ada.done("PUT", f"{place}/sizing", json={**project["sizing_config"], "capacity_max": 200})
    ada.done("POST", f"{place}/comments", json={"body": "looks good"})
    other = ada.done("POST", f"{place}/clone", json={})
    ada.done("DELETE", f"/projects/{other['id']}")
    years = ada.done("POST", f"{place}/simulate", json={"simulation_type": "multi_year"})["id"]
    assert ada.finished(years)["status"] == "completed"
    found = [f"{SIZING}{place}{more}" for more in (
        "", "/versions", "/versions/1", "/versions/diff?from=1&to=2", "/validate", "/config", "/simulations",
        "/comments", "/activity", "/shares", "/profiles/load/statistics", "/profiles/solar/preview",
    )]  # fmt: skip
    found += [f"{SIZING}/projects", f"{SIZING}/projects?deleted=true", f"{SIZING}/tags", "/api/v1/profiles",
              "/api/v1/profiles/library", "/api/v1/jobs", "/api/v1/modules", "/api/v1/admin/users",
              "/api/v1/notifications",
              f"/api/v1/profiles/{project['load_profile_id']}/download?format=csv"]  # fmt: skip
    for one in (run, years):
        found += [f"{SIZING}/simulations/{one}{more}" for more in (
            "", "/status", "/results", "/results?sort=-delivery_pct", "/hourly", "/hourly?from=4000&limit=100",
            "/recommendations", "/projection", "/explain", "/explain?day=worst",
        )]  # fmt: skip
        found += [f"{SIZING}/exports/{one}/{more}" for more in ("csv", "csv?table=cases", "csv?table=years", "json")]
    return found


def _token(served: Served) -> str:
    from server_identity import PASSWORD

    ada = served.caller("")
    given = {"email": "ada@example.org", "password": PASSWORD, "mode": "token"}
    ada = served.caller(ada.done("POST", "/api/v1/auth/login", json=given)["access_token"])
    scopes = ["sizing:read", "sizing:create", "sizing:export", "platform:admin"]
    made = ada.ask("POST", "/api/v1/auth/tokens", json={"name": "restore", "scopes": scopes, "days": 2})
    assert made.is_success, made.text
    return str(made.json()["token"])


def _answers(served: Served, token: str, paths: list[str]) -> dict[str, tuple[int, Any]]:
    ada = served.caller(token)
    found = {}
    for path in paths:
        answer = ada.ask("GET", path)
        json = answer.headers["content-type"].endswith("json")
        found[path] = (answer.status_code, _plain(answer.json()) if json else answer.content)
        if path.endswith("/activity"):
            # Looking at exports is an action that is recorded.
            shown = [one for one in answer.json() if "export" not in one["action"]]
            found[path] = (answer.status_code, _plain(shown))
    return found


def _plain(value: Any) -> Any:
    """Leave out what differs from one question to the next."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in _CHANGES_BY_ITSELF}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _run(*words: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERBAY_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "afterbay", *words], capture_output=True, text=True, timeout=120, check=False, env=kept
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
