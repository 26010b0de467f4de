"""Projects through the API: made, changed, listed, deleted and restored, by those who may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from server_projects import ADA, ALICE, BOB, MODULE, SIZING, Server, running
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import QuotaError
from afterbay.server.platform.modules.service import Quotas
from afterbay.server.rest.etags import PreconditionFailedError
from afterbay.server.sizing.service.projects import count_projects, create_project, purge_deleted, update_project

PROJECTS = f"{SIZING}/projects"


def test_a_project_keeps_what_it_was_made_with(server: Server) -> None:
    setup = {"load_mode": "constant", "load_mw": 25.0, "solar_capacity_mw": 67.0, "bess_efficiency": 87.0}

    made = server.alice.post(PROJECTS, {"name": "Quarry", "tags": ["mine", "mine"], "setup_config": setup}, 201)
    found = server.alice.get(made.headers["Location"]).json()

    assert found == made.json()
    assert found["setup_config"] == setup, "stored as it was given, without defaults"
    assert found["rules_config"] is None
    assert (found["name"], found["tags"], found["status"]) == ("Quarry", ["mine"], "draft")
    assert (found["access"], found["owner_id"], found["owner_name"]) == ("owner", str(ALICE.id), "Alice")
    assert made.headers["ETag"] == '"1"'


@pytest.mark.parametrize("name", ["", "   ", "a\x1fb", "a\nb", "x" * 256])
def test_a_name_is_one_line_of_text(server: Server, name: str) -> None:
    problem = server.alice.post(PROJECTS, {"name": name}, 422).json()

    assert problem["errors"][0]["pointer"] == "/name"


def test_a_project_of_somebody_else_does_not_exist(server: Server) -> None:
    project = server.alice.project()["id"]

    for path, method in (
        (f"{PROJECTS}/{project}", "GET"), (f"{PROJECTS}/{project}/validate", "GET"),
        (f"{PROJECTS}/{project}/config", "GET"), (f"{PROJECTS}/{project}/clone", "POST"),
        (f"{PROJECTS}/{project}/versions", "GET"), (f"{PROJECTS}/{project}/versions/1", "GET"),
        (f"{PROJECTS}/{project}/shares", "GET"), (f"{PROJECTS}/{project}/comments", "GET"),
        (f"{PROJECTS}/{project}/activity", "GET"), (f"{PROJECTS}/{project}/profiles/load", "GET"),
    ):  # fmt: skip
        stranger = server.bob.ask(method, path, 404).json()
        absent = server.bob.ask(method, path.replace(project, str(uuid4())), 404).json()
        assert stranger["detail"].replace(project, "") == absent["detail"].replace(absent["instance"].split("/")[5], "")
    server.bob.put(f"{PROJECTS}/{project}", {"name": "mine now"}, 404)
    server.bob.put(f"{PROJECTS}/{project}/setup", {}, 404)
    assert server.bob.get(PROJECTS).json()["items"] == []


def test_nobody_asks_without_signing_in_or_without_a_role(server: Server) -> None:
    project = server.alice.project()["id"]

    server.stranger.get(PROJECTS, 401)
    server.nobody.get(PROJECTS, 403)
    server.nobody.get(f"{PROJECTS}/{project}", 403)
    server.vera.post(PROJECTS, {"name": "x"}, 403)
    server.vera.put(f"{PROJECTS}/{project}", {"name": "x"}, 403)
    server.alice.delete(f"{PROJECTS}/{project}", 403)
    assert server.vera.get(PROJECTS).json()["items"] == []


def test_the_second_of_two_edits_from_one_version_is_refused(server: Server) -> None:
    project = server.alice.project()
    path, tag = f"{PROJECTS}/{project['id']}", {"If-Match": '"1"'}

    first = server.alice.put(path, {"name": "first"}, headers=tag)
    server.alice.put(path, {"name": "second"}, 412, headers=tag)
    server.alice.put(f"{path}/setup", {"load_mw": 3.0}, 412, headers=tag)
    unconditional = server.alice.put(path, {"name": "third"})

    assert first.headers["ETag"] == '"2"'
    assert unconditional.json()["name"] == "third", "without If-Match the last one wins"
    assert server.alice.get(path, 304, headers={"If-None-Match": unconditional.headers["ETag"]}).content == b""


def test_of_many_edits_at_once_from_one_version_one_is_made(server: Server, sessions: sessionmaker[Session]) -> None:
    project = UUID(server.alice.project()["id"])

    def edit(number: int) -> bool:
        try:
            with sessions.begin() as session:
                update_project(session, ALICE, project, {"name": f"edit {number}"}, check='"1"')
        except PreconditionFailedError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        made = list(pool.map(edit, range(5)))

    assert sum(made) == 1
    found = server.alice.get(f"{PROJECTS}/{project}").json()
    assert (found["name"], found["version"]) == (f"edit {made.index(True)}", 2)
    assert len(server.alice.get(f"{PROJECTS}/{project}/activity").json()) == 2


def test_of_many_new_projects_at_once_no_more_are_made_than_allowed(sessions: sessionmaker[Session]) -> None:
    quotas = Quotas({(MODULE, "max_projects_per_user"): 3})
    quotas.count_by(MODULE, "max_projects_per_user", count_projects)

    def make(number: int) -> bool:
        try:
            with sessions.begin() as session:
                create_project(session, ALICE, quotas, {"name": f"plant {number}"})
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(make, range(8))) == 3


def test_saving_what_is_there_already_changes_nothing(server: Server) -> None:
    project = server.alice.project(setup_config={"load_mw": 3.0})
    path = f"{PROJECTS}/{project['id']}"

    again = server.alice.put(f"{path}/setup", {"load_mw": 3.0}).json()

    other = server.alice.put(f"{path}/rules", {}).json()

    assert (again["config_version"], again["version"], again["completed_step"]) == (1, 1, 1)
    assert (other["config_version"], other["version"], other["completed_step"]) == (2, 2, 2)


def test_a_status_follows_only_where_it_may(server: Server) -> None:
    path = f"{PROJECTS}/{server.alice.project()['id']}"

    server.alice.put(f"{path}/status", {"status": "completed"}, 409)
    server.alice.put(f"{path}/status", {"status": "in_progress"})
    server.alice.put(f"{path}/status", {"status": "completed"})
    server.alice.put(f"{path}/status", {"status": "archived"})
    refused = server.alice.put(f"{path}/setup", {"load_mw": 1.0}, 409).json()
    server.alice.put(path, {"status": "in_progress", "setup_config": {"load_mw": 1.0}})
    server.alice.put(f"{path}/status", {"status": "lost"}, 422)

    assert "archived" in refused["detail"]


def test_a_list_is_filtered_sorted_and_paged(server: Server) -> None:
    for number in range(7):
        server.alice.project(name=f"Plant {number}", tags=["even" if number % 2 == 0 else "odd", "all"],
                             customer_reference="100%_sure" if number == 3 else None)  # fmt: skip
    server.bob.project(name="Plant of Bob", tags=["all"])
    names, path = [], f"{PROJECTS}?sort=-name&limit=3"

    while path:
        answer = server.alice.get(path)
        names += [one["name"] for one in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""

    assert names == [f"Plant {number}" for number in reversed(range(7))]

    def found(query: str) -> list[str]:
        return [one["name"] for one in server.alice.get(f"{PROJECTS}?sort=name&{query}").json()["items"]]

    assert found("tag=even&tag=all") == ["Plant 0", "Plant 2", "Plant 4", "Plant 6"]
    assert found("q=plant 5") == ["Plant 5"]
    assert found("q=100%25_") == ["Plant 3"], "signs of a pattern mean themselves"
    assert found("status=completed") == []
    assert found("whose=shared") == []
    assert found(f"owner_id={BOB.id}") == []
    assert len(server.ada.get(f"{PROJECTS}?tag=all").json()["items"]) == 8, "who administers the module sees all"
    assert server.alice.get(f"{SIZING}/tags").json() == [
        {"tag": "all", "projects": 7}, {"tag": "even", "projects": 4}, {"tag": "odd", "projects": 3}
    ]  # fmt: skip
    server.alice.get(f"{PROJECTS}?sort=owner", 422)
    server.alice.get(f"{PROJECTS}?cursor=abc", 422)


def test_a_deleted_project_can_be_restored_for_thirty_days(server: Server, sessions: sessionmaker[Session]) -> None:
    project = server.alice.project(setup_config={"load_mw": 3.0})
    path = f"{PROJECTS}/{project['id']}"
    server.ada.delete(path, 412, headers={"If-Match": '"9"'})

    server.ada.delete(path, 204)
    server.alice.get(path, 404)
    server.ada.delete(path, 404)
    waiting = server.alice.get(f"{PROJECTS}?deleted=true").json()["items"]
    server.alice.post(f"{path}/restore", None, 403)
    back = server.ada.post(f"{path}/restore").json()
    server.ada.post(f"{path}/restore", None, 404)

    assert [one["id"] for one in waiting] == [project["id"]]
    until = datetime.fromisoformat(waiting[0]["restorable_until"]) - datetime.fromisoformat(waiting[0]["deleted_at"])
    assert until == timedelta(days=30)
    assert back["setup_config"] == {"load_mw": 3.0}
    assert server.alice.get(path).json()["deleted_at"] is None


def test_what_was_deleted_thirty_days_ago_is_removed_for_good_and_nothing_else(
    server: Server, sessions: sessionmaker[Session]
) -> None:
    old, young, living = (server.alice.project(name=name)["id"] for name in ("old", "young", "living"))
    for project in (old, young):
        server.ada.delete(f"{PROJECTS}/{project}", 204)
    with sessions.begin() as session:
        session.execute(
            text("UPDATE bess_projects SET deleted_at = deleted_at - interval '31 days' WHERE name = 'old'")
        )
    server.ada.post(f"{PROJECTS}/{old}/restore", None, 404)

    with sessions.begin() as session:
        removed = purge_deleted(session)
    with sessions.begin() as session:
        again = purge_deleted(session)
        later = purge_deleted(session, now=datetime.now(UTC) + timedelta(days=29))

    assert (removed, again, later) == (1, 0, 0)
    with sessions.begin() as session:
        left = session.execute(text("SELECT name FROM bess_projects ORDER BY name")).scalars().all()
        versions = session.execute(text("SELECT count(*) FROM bess_project_versions")).scalar()
    assert (left, versions) == (["living", "young"], 2)
    assert living != young


def test_nobody_has_more_projects_than_allowed(sessions: sessionmaker[Session], tmp_path: Path) -> None:
    with running(sessions, tmp_path, max_projects_per_user=2) as server:
        first = server.alice.project()["id"]
        server.alice.project()
        refused = server.alice.post(PROJECTS, {"name": "third"}, 429).json()
        server.alice.post(f"{PROJECTS}/{first}/clone", None, 429)
        server.alice.post(f"{PROJECTS}/import", {"name": "third"}, 429)
        server.bob.project()
        server.ada.delete(f"{PROJECTS}/{first}", 204)
        server.alice.project()

    assert "2 of 2 projects" in refused["detail"]


def test_a_clone_is_a_project_of_its_own(server: Server) -> None:
    source = server.alice.project(setup_config={"load_mw": 3.0}, tags=["mine"])
    server.alice.post(f"{PROJECTS}/{source['id']}/shares", {"email": "bob@example.org"})

    copy = server.bob.post(f"{PROJECTS}/{source['id']}/clone", {"name": "Bob's"}, 201).json()
    server.bob.put(f"{PROJECTS}/{copy['id']}/setup", {"load_mw": 4.0})

    assert (copy["owner_id"], copy["name"], copy["tags"]) == (str(BOB.id), "Bob's", ["mine"])
    assert copy["setup_config"] == {"load_mw": 3.0}
    assert server.alice.get(f"{PROJECTS}/{source['id']}").json()["setup_config"] == {"load_mw": 3.0}
    server.alice.get(f"{PROJECTS}/{copy['id']}", 404)
    unnamed = server.alice.post(f"{PROJECTS}/{source['id']}/clone", None, 201).json()
    assert unnamed["name"] == "Red Rock Quarry (copy)"


def test_the_same_post_twice_makes_one_project(server: Server) -> None:
    key = {"Idempotency-Key": "7e0c6a52-8f07-4a0a-9d10-000000000001"}

    first = server.alice.post(PROJECTS, {"name": "once"}, 201, headers=key)
    second = server.alice.post(PROJECTS, {"name": "once"}, 201, headers=key)
    server.alice.post(PROJECTS, {"name": "other"}, 422, headers=key)

    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(server.alice.get(PROJECTS).json()["items"]) == 1


def test_every_change_is_in_the_activity_with_before_and_after(server: Server) -> None:
    project = server.alice.project(name="one", setup_config={"load_mw": 3.0})
    path = f"{PROJECTS}/{project['id']}"

    server.alice.put(path, {"name": "two"})
    server.alice.put(f"{path}/setup", {"load_mw": 4.0})
    server.alice.post(f"{path}/shares", {"email": "BOB@example.org", "permission": "edit"})
    server.bob.post(f"{path}/comments", {"body": "why 4?"}, 201)
    server.alice.put(path, {"name": ""}, 422)
    events = server.alice.get(f"{path}/activity").json()

    assert [one["action"] for one in events] == [
        "project.commented", "project.shared", "project.changed", "project.changed", "project.created"
    ]  # fmt: skip
    assert events[0]["actor"] == BOB.email
    assert (events[2]["before"], events[2]["after"]) == (
        {"setup_config": {"load_mw": 3.0}}, {"setup_config": {"load_mw": 4.0}}
    )  # fmt: skip
    assert (events[3]["before"], events[3]["after"]) == ({"name": "one"}, {"name": "two"})
    older = server.alice.get(f"{path}/activity?before_id={events[3]['id']}").json()
    assert [one["action"] for one in older] == ["project.created"]
    assert ADA.email not in str(events)
