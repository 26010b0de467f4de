"""OWASP API3 and API5: what nobody may set by naming it, and functions that are not for everybody."""

from __future__ import annotations

from typing import Any

import pytest
from server_requests import BODIES, PROJECT, request_of
from server_world import SIZING, World

FOREIGN: dict[str, Any] = {
    "id": "00000000-0000-0000-0000-000000000001", "owner_id": "00000000-0000-0000-0000-000000000001",
    "created_by": "00000000-0000-0000-0000-000000000001", "author_id": "00000000-0000-0000-0000-000000000001",
    "user_id": "00000000-0000-0000-0000-000000000001", "is_admin": True, "version": 99, "config_version": 99,
    "deleted_at": "2020-01-01T00:00:00Z", "created_at": "2020-01-01T00:00:00Z", "access": "owner", "enabled": False,
    "role": "admin", "permissions": {"bess-sizing": ["delete"]}, "scopes": ["platform:admin"], "source": "system",
    "secret": "mine",
}  # fmt: skip
"""Columns that the program sets, and what somebody would like them to be."""
# The fleet ignores words that it does not know, as its documents ask; its rows have none of these columns.
OURS = [route for route in BODIES if "/fleet/" not in route]


@pytest.mark.parametrize("route", OURS)
def test_a_column_that_the_program_sets_is_not_taken_from_a_body(world: World, route: str) -> None:
    method, path, more = request_of(route, world.ids)
    known = set(more["json"]) | ({"is_admin"} if route.endswith("/admin/users") or "{user_id}" in route else set())
    known |= {"role"} if "grants" in route else set()
    foreign = {name: value for name, value in FOREIGN.items() if name not in known}

    found = {}
    for name, value in foreign.items():
        answer = world.ask("platform_admin", method, path, json={**more["json"], name: value})
        shown = answer.json() if answer.content else {}
        taken = shown.get(name, shown.get("user", {}).get(name)) == value if isinstance(shown, dict) else False
        if answer.status_code != 422 and taken:
            found[name] = answer.status_code
        assert answer.status_code < 500

    assert found == {}


@pytest.mark.parametrize("name", ["owner_id", "status", "version", "id", "deleted_at", "is_admin"])
def test_a_new_project_is_its_makers_and_a_draft(world: World, name: str) -> None:
    value = "completed" if name == "status" else FOREIGN[name]

    answer = world.ask("owner", "POST", f"{SIZING}/projects", json={"name": "Mine", name: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"


def test_a_project_never_changes_its_owner(world: World) -> None:
    _, path, _ = request_of(f"PUT {PROJECT}", world.ids)

    for who in ("owner", "edit", "module_admin", "platform_admin"):
        assert world.ask(who, "PUT", path, json={"owner_id": world.ids["stranger"]}).status_code == 422


@pytest.mark.parametrize(("module", "status"), [
    ("bess-sizing", 200), ("fleet", 200), ("community", 403), ("platform", 403), ("nothing", 403),
])  # fmt: skip
def test_who_administers_a_module_gives_roles_there_and_nowhere_else(world: World, module: str, status: int) -> None:
    place = f"/api/v1/admin/users/{world.ids['target']}/grants/{module}"

    assert world.ask("module_admin", "PUT", place, json={"role": "viewer"}).status_code == status


@pytest.mark.parametrize("who", ["stranger", "module_admin", "reader"])
def test_nobody_makes_themselves_an_administrator(world: World, who: str) -> None:
    own = world.ids.get(who, world.ids["owner"])

    for body in ({"is_admin": True}, {"is_admin": True, "name": "x"}):
        assert world.ask(who, "PATCH", f"/api/v1/admin/users/{own}", json=body).status_code == 403
    assert world.ask(who, "PUT", f"/api/v1/admin/users/{own}/grants/platform", json={"role": "admin"}).status_code in (
        403, 404,
    )  # fmt: skip


def test_a_token_can_be_given_no_more_than_its_owner_may(world: World) -> None:
    with world.undone():
        given = {"name": "all", "scopes": ["sizing:delete", "platform:admin"], "days": 1}
        made = world.tell("stranger", "POST", "/api/v1/auth/tokens", json=given).json()
        token = {"Authorization": f"Bearer {made['token']}"}

        assert world.tell(token, "GET", "/api/v1/admin/users").status_code == 403
        assert world.tell(token, "DELETE", f"{SIZING}/projects/{world.ids['project_id']}").status_code in (403, 404)


def test_answers_hold_no_secret_of_the_tables(world: World) -> None:
    words = ("password_hash", "token_hash", "argon2", "csrf_token", "secret_key", "refresh")
    for path in ("/api/v1/auth/me", "/api/v1/auth/sessions", "/api/v1/auth/tokens", "/api/v1/admin/users",
                 f"/api/v1/admin/users/{world.ids['target']}", "/api/v1/notifications/channels",
                 "/api/v1/admin/audit?limit=200"):  # fmt: skip
        answer = world.ask("platform_admin", "GET", path)

        assert answer.status_code == 200
        assert [word for word in words if word in answer.text] == []
