"""Two people, or one who presses twice, at the same moment."""

from __future__ import annotations

from uuid import uuid4

from server_faults import Caller, at_once, series


def test_of_edits_that_start_from_the_same_version_one_wins_and_the_others_are_told(ada: Caller) -> None:
    project = ada.project()
    place, tag = f"/projects/{project['id']}", f'"{project["version"]}"'

    def edit(name: str, if_match: str | None) -> tuple[int, str]:
        headers = {} if if_match is None else {"If-Match": if_match}
        answer = ada.ask("PUT", place, json={"name": name}, headers=headers)
        return answer.status_code, answer.headers["content-type"] if answer.is_error else answer.json()["name"]

    answers = at_once(*(lambda number=number: edit(f"edit {number}", tag) for number in range(6)))

    won = [name for status, name in answers if status == 200]
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412, 412]
    assert {kind for status, kind in answers if status == 412} == {"application/problem+json"}
    assert ada.done("GET", place)["name"] == won[0]


def test_without_a_version_the_last_edit_wins_and_the_versions_keep_every_one(ada: Caller) -> None:
    project = ada.project()
    place = f"/projects/{project['id']}"
    mine = [{**project["sizing_config"], "capacity_max": float(largest)} for largest in (200, 240, 280, 320)]

    answers = at_once(*(lambda one=one: ada.ask("PUT", f"{place}/sizing", json=one) for one in mine))

    assert [one.status_code for one in answers] == [200] * 4
    newest = max((one.json() for one in answers), key=lambda one: one["version"])
    assert ada.done("GET", place)["sizing_config"] == newest["sizing_config"]
    numbers = [one["number"] for one in ada.done("GET", f"{place}/versions")["items"]]
    assert len(numbers) == 5
    saved = [ada.done("GET", f"{place}/versions/{number}")["snapshot"] for number in numbers]
    assert sorted(one["sizing_config"]["capacity_max"] for one in saved) == [160, 200, 240, 280, 320]


def test_the_same_project_asked_for_many_times_at_once_is_made_once(ada: Caller) -> None:
    key, name = uuid4().hex, f"once {uuid4().hex}"

    answers = at_once(
        *[lambda: ada.ask("POST", "/projects", json={"name": name}, headers={"Idempotency-Key": key})] * 6
    )

    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    assert sorted(one.headers.get("idempotent-replayed", "") for one in answers) == ["", *["true"] * 5]
    assert len(ada.done("GET", "/projects", params={"q": name})["items"]) == 1
    assert len(ada.audited("project.created", answers[0].json()["id"])) == 1


def test_the_same_run_and_the_same_upload_twice_at_once_happen_once(ada: Caller) -> None:
    project, key = ada.project(), uuid4().hex
    before = len(ada.done("GET", "/api/v1/profiles", params={"limit": 200})["items"])

    runs = at_once(*[lambda: ada.run(project["id"], headers={"Idempotency-Key": key})] * 3)
    uploads = at_once(*[lambda: ada.upload("load", series("load"), key=f"{key}-upload")] * 3)

    assert len(set(runs)) == 1
    assert {one.status_code for one in uploads} == {201}
    assert len({one.json()["id"] for one in uploads}) == 1
    assert len(ada.done("GET", f"/projects/{project['id']}/simulations")["items"]) == 1
    assert len(ada.done("GET", "/api/v1/profiles", params={"limit": 200})["items"]) == before + 1
    assert ada.finished(runs[0])["status"] == "completed"
    assert len(ada.audited("simulation.completed", runs[0])) == 1
