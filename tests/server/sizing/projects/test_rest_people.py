"""Shares, comments, versions through the API."""

from __future__ import annotations

from uuid import uuid4

import pytest
from server_projects import SIZING, Server

PROJECTS = f"{SIZING}/projects"


def test_a_share_opens_a_project_as_far_as_it_says(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    server.alice.post(f"{path}/shares", {"email": "Bob@Example.org", "permission": "view"}, 200)
    seen = server.bob.get(path).json()
    server.bob.put(path, {"name": "mine"}, 403)
    server.bob.put(f"{path}/setup", {}, 403)
    server.bob.post(f"{path}/versions/1/restore", None, 403)
    server.alice.post(f"{path}/shares", {"email": "bob@example.org", "permission": "edit"})
    edited = server.bob.put(f"{path}/setup", {"load_mw": 7.0}).json()
    server.bob.get(f"{path}/shares", 403)
    server.bob.post(f"{path}/shares", {"email": "eve@example.org"}, 403)
    server.bob.delete(path, 403)
    shared = server.bob.get(f"{PROJECTS}?whose=shared").json()["items"]

    assert (seen["access"], edited["access"], edited["setup_config"]) == ("view", "edit", {"load_mw": 7.0})
    assert [one["access"] for one in shared] == ["edit"]
    assert server.alice.get(f"{PROJECTS}?whose=shared").json()["items"] == []
    server.alice.delete(f"{path}/shares/BOB@example.org", 204)
    server.bob.get(path, 404)
    server.alice.delete(f"{path}/shares/bob@example.org", 404)


def test_a_viewer_with_an_edit_share_still_only_reads(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"
    server.alice.post(f"{path}/shares", {"email": "vera@example.org", "permission": "edit"})

    server.vera.get(path)
    server.vera.get(f"{path}/validate")
    server.vera.put(f"{path}/setup", {}, 403)
    server.vera.get(f"{path}/config", 403)
    server.vera.post(f"{path}/comments", {"body": "hello"}, 403)
    server.vera.post(f"{path}/clone", None, 403)
    server.vera.delete(f"{path}/shares/vera@example.org", 204)
    server.vera.get(path, 404)


def test_nothing_tells_whether_an_address_has_an_account(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    known = server.alice.post(f"{path}/shares", {"email": "bob@example.org"}).json()
    unknown = server.alice.post(f"{path}/shares", {"email": "ghost@example.org"}).json()
    listed = server.alice.get(f"{path}/shares").json()

    assert known.keys() == unknown.keys() == {"email", "permission", "created_at"}
    assert [one["email"] for one in listed] == ["bob@example.org", "ghost@example.org"]


@pytest.mark.parametrize(
    "email", ["", "bob", "@", "a@b@c", "bob@exa mple.org", "bob@example.org\x00", "x" * 320 + "@a.b"]
)
def test_a_share_needs_an_address(server: Server, email: str) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    server.alice.post(f"{path}/shares", {"email": email}, 422)
    server.alice.post(f"{path}/shares", {"email": "alice@example.org"}, 422)


def test_comments_belong_to_their_author_and_to_the_owner_of_the_project(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"
    server.alice.post(f"{path}/shares", {"email": "bob@example.org"})

    mine = server.alice.post(f"{path}/comments", {"body": "4 h or 2 h?\nI would say 4."}, 201).json()
    his = server.bob.post(f"{path}/comments", {"body": "4"}, 201).json()
    server.bob.put(f"{path}/comments/{mine['id']}", {"body": "2"}, 403)
    server.bob.delete(f"{path}/comments/{mine['id']}", 403)
    changed = server.bob.put(f"{path}/comments/{his['id']}", {"body": "2"}).json()
    server.alice.put(f"{path}/comments/{his['id']}", {"body": "x"}, 403)
    bodies = [one["body"] for one in server.bob.get(f"{path}/comments").json()["items"]]
    server.alice.delete(f"{path}/comments/{his['id']}", 204)
    server.alice.delete(f"{path}/comments/{uuid4()}", 404)
    server.alice.post(f"{path}/comments", {"body": ""}, 422)

    assert bodies == ["4 h or 2 h?\nI would say 4.", "2"]
    assert changed["edited_at"] is not None
    assert [one["id"] for one in server.alice.get(f"{path}/comments").json()["items"]] == [mine["id"]]
    key = {"Idempotency-Key": "comment-0001"}
    twice = [server.alice.post(f"{path}/comments", {"body": "once"}, 201, headers=key).json()["id"] for _ in range(2)]
    assert twice[0] == twice[1]


def test_versions_are_compared_by_pointers_and_restored_as_new_ones(server: Server) -> None:
    project = server.alice.project(setup_config={"load_mw": 3.0, "year": 2019})
    path = f"{PROJECTS}/{project['id']}"
    server.alice.put(f"{path}/setup", {"load_mw": 4.0, "tilt": 30.0})
    server.alice.put(f"{path}/sizing", {"optimization_goal": {"optimize_for": "min_cost"}})
    server.alice.put(path, {"name": "other name"})

    listed = server.alice.get(f"{path}/versions").json()["items"]
    found = {one["pointer"]: one for one in server.alice.get(f"{path}/versions/diff?from=1&to=3").json()}
    back = server.alice.post(f"{path}/versions/1/restore", None, 200, headers={"If-Match": '"4"'}).json()

    assert [(one["number"], one["reason"]) for one in listed] == [
        (3, "sizing saved"), (2, "setup saved"), (1, "created")
    ]  # fmt: skip
    assert {pointer: (one["change"], one["before"], one["after"]) for pointer, one in found.items()} == {
        "/setup/load_mw": ("changed", 3.0, 4.0),
        "/setup/year": ("removed", 2019, None),
        "/setup/tilt": ("added", None, 30.0),
        "/sizing/optimization_goal/optimize_for": ("added", None, "min_cost"),
    }
    assert (back["config_version"], back["setup_config"], back["sizing_config"]) == (
        4, {"load_mw": 3.0, "year": 2019}, None
    )  # fmt: skip
    assert back["name"] == "other name", "a version is of the answers, not of the name"
    assert server.alice.get(f"{path}/versions/diff?from=1&to=4").json() == []
    assert server.alice.get(f"{path}/versions/4").json()["reason"] == "version 1 restored"
    again = server.alice.post(f"{path}/versions/1/restore", None, 200).json()
    assert again["config_version"] == 4, "it is there already"
    server.alice.post(f"{path}/versions/1/restore", None, 412, headers={"If-Match": '"4"'})
    server.alice.get(f"{path}/versions/9", 404)
    server.alice.get(f"{path}/versions/diff?from=1&to=9", 404)
    server.alice.get(f"{path}/versions/0", 422)
    first = server.alice.get(f"{path}/versions?limit=3")
    assert [one["number"] for one in server.alice.get(first.links["next"]["url"]).json()["items"]] == [1]
