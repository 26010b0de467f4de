"""A run is started, followed, cancelled, deleted, repeated; and belongs to somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from afterbay.core.errors import UnavailableError
from afterbay.server.platform.audit.service import AuditQuery, find_events
from afterbay.server.platform.jobs.context import JobCancelled
from afterbay.server.platform.storage.service import collect_orphans
from afterbay.server.sizing.tables import Simulation

if TYPE_CHECKING:
    from server.sizing.runs.conftest import Bench


def _actions(bench: Bench, resource_id: str) -> list[str]:
    with bench.sessions() as session:
        return [one.action for one in find_events(session, AuditQuery(resource_id=resource_id))][::-1]


def test_a_start_answers_with_job_and_status_and_both_can_be_followed(bench: Bench) -> None:
    project = bench.project()

    answer = bench.ask("POST", f"/projects/{project}/simulate", json={"name": "first"})

    shown = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/jobs/{shown['job_id']}"
    assert answer.headers["Content-Location"] == f"/api/v1/bess-sizing/simulations/{shown['id']}/status"
    status = bench.get(f"/simulations/{shown['id']}/status")
    assert (status["status"], status["progress"], status["cases"]) == ("pending", 0.0, 4)
    assert bench.ask("GET", f"/simulations/{shown['id']}/results").status_code == 409
    bench.work(shown["id"])
    status = bench.get(f"/simulations/{shown['id']}/status")
    assert (status["status"], status["progress"], status["goal_reached"]) == ("completed", 1.0, True)
    assert status["duration_seconds"] >= 0.0


def test_what_happened_to_a_run_stands_in_the_trail(bench: Bench) -> None:
    run = bench.run(bench.project())

    assert _actions(bench, run) == ["simulation.started", "simulation.completed"]
    with bench.sessions() as session:
        (done,) = find_events(session, AuditQuery(resource_id=run, action="simulation.completed"))
    assert done.details["config_count"] == 4
    assert done.actor == bench.engineer.email


def test_the_same_start_twice_is_one_run(bench: Bench) -> None:
    project, key = bench.project(), {"Idempotency-Key": "k-1"}

    first = bench.ask("POST", f"/projects/{project}/simulate", headers=key, json={"name": "a"})
    again = bench.ask("POST", f"/projects/{project}/simulate", headers=key, json={"name": "a"})
    other = bench.ask("POST", f"/projects/{project}/simulate", headers=key, json={"name": "b"})

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert other.status_code == 422
    assert len(bench.get(f"/projects/{project}/simulations")["items"]) == 1


@pytest.mark.parametrize(
    ("who", "shared", "seen", "started", "exported"),
    [
        ("engineer", None, 200, 202, 200),
        ("stranger", None, 404, 404, 404),
        ("stranger", "view", 200, 403, 200),
        ("stranger", "edit", 200, 202, 200),
        ("viewer", None, 404, 403, 404),
        ("viewer", "view", 200, 403, 403),
        ("viewer", "edit", 200, 403, 403),
        ("admin", None, 200, 202, 200),
    ],
)
def test_everybody_gets_what_is_theirs_and_no_hint_of_the_rest(
    bench: Bench, who: str, shared: str | None, seen: int, started: int, exported: int
) -> None:
    project = bench.project()
    run = bench.run(project)
    if shared:
        bench.share(project, who, shared)
    body = {"options": [{"simulation_id": run}]}

    looks = [
        bench.ask("GET", f"/simulations/{run}{rest}", who)
        for rest in ("", "/status", "/results", "/hourly", "/recommendations", "/projection", "/explain")
    ]
    looks += [bench.ask("GET", f"/projects/{project}/simulations", who)]
    looks += [bench.ask("POST", "/results/compare", who, json=body)]
    takes = [bench.ask("GET", f"/exports/{run}/{form}", who) for form in ("csv", "json")]
    takes += [bench.ask("GET", f"/simulations/{run}/hourly", who, headers={"accept": "text/csv"})]
    start = bench.ask("POST", f"/projects/{project}/simulate", who, json={})

    assert {answer.status_code for answer in looks} == {seen}
    assert {answer.status_code for answer in takes} == {exported}
    assert start.status_code == started
    for answer in (*looks, *takes, start):
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_not_there_is_not_found(bench: Bench) -> None:
    nothing = uuid4()

    for path in (f"/simulations/{nothing}", f"/simulations/{nothing}/hourly", f"/exports/{nothing}/pdf"):
        assert bench.ask("GET", path).status_code == 404
    assert bench.ask("POST", f"/projects/{nothing}/simulate", json={}).status_code == 404
    assert bench.ask("POST", f"/projects/{nothing}/quick-analysis", json={}).status_code == 404


def test_a_queued_run_is_cancelled_at_once_and_only_an_administrator_deletes_it(bench: Bench) -> None:
    run = bench.start(bench.project())["id"]

    cancelled = bench.ask("DELETE", f"/simulations/{run}")

    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert cancelled.json()["error_message"] == "cancelled by eva"
    assert bench.taken(run)[1] is None
    assert bench.ask("DELETE", f"/simulations/{run}").status_code == 403
    assert bench.ask("DELETE", f"/simulations/{run}", "admin").status_code == 204
    assert bench.ask("GET", f"/simulations/{run}").status_code == 404
    assert _actions(bench, run) == ["simulation.started", "simulation.cancelled", "simulation.deleted"]


def test_a_run_cancelled_while_it_is_computed_keeps_no_results(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.server.sizing.service import runs_outcome
    from afterbay.server.sizing.tasks import bodies

    run = bench.start(bench.project())["id"]
    judge = runs_outcome.judge

    def judged_and_cancelled(*given: Any) -> Any:
        assert bench.ask("DELETE", f"/simulations/{run}").status_code == 202
        return judge(*given)

    monkeypatch.setattr(bodies, "judge", judged_and_cancelled)
    with pytest.raises(JobCancelled):
        bench.work(run)

    status = bench.get(f"/simulations/{run}/status")
    assert (status["status"], status["error_message"]) == ("cancelled", "cancelled by eva")
    row = bench.row(run)
    assert (row.summary_metrics, row.optimization_results, row.hourly_data_path) == (None, None, None)
    assert bench.ask("GET", f"/simulations/{run}/results").status_code == 409


def test_a_job_cancelled_elsewhere_leaves_a_cancelled_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.server.platform.jobs import service as jobs
    from afterbay.server.sizing.tasks import bodies

    shown = bench.start(bench.project())

    def cancelled(*_given: Any) -> Any:
        with bench.sessions.begin() as session:
            jobs.cancel(session, bench.engineer, shown["job_id"])
        raise JobCancelled("the job was cancelled")

    monkeypatch.setattr(bodies, "judge", cancelled)
    with pytest.raises(JobCancelled):
        bench.work(shown["id"])

    assert bench.get(f"/simulations/{shown['id']}/status")["status"] == "cancelled"


def test_a_queued_job_cancelled_elsewhere_cancels_its_run_and_queued_again_it_finishes(bench: Bench) -> None:
    from afterbay.server.platform.jobs import service as jobs

    project = bench.project()
    shown = bench.start(project)
    with bench.sessions.begin() as session:
        jobs.cancel(session, bench.engineer, shown["job_id"])
    listed = bench.get(f"/projects/{project}/simulations", status="cancelled")["items"]
    with bench.sessions.begin() as session:
        jobs.retry(session, bench.engineer, shown["job_id"])

    bench.work(shown["id"])

    assert [one["id"] for one in listed] == [shown["id"]]
    assert bench.get(f"/simulations/{shown['id']}/status")["status"] == "completed"


def test_a_defect_is_told_in_a_sentence_and_not_as_a_trace(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.server.sizing.tasks import bodies

    run = bench.start(bench.project())["id"]

    def broken(*_given: Any) -> Any:
        raise KeyError("secret detail")

    monkeypatch.setattr(bodies, "judge", broken)
    with pytest.raises(KeyError):
        bench.work(run)

    status = bench.get(f"/simulations/{run}/status")
    assert status["status"] == "failed"
    assert status["error_message"].startswith("an unexpected error (KeyError)")
    answer = bench.ask("GET", f"/simulations/{run}/results")
    assert answer.status_code == 409
    assert "secret detail" not in answer.text
    assert _actions(bench, run) == ["simulation.started", "simulation.failed"]


def test_what_passes_leaves_the_run_open_and_the_next_attempt_finishes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afterbay.server.sizing.service import runs_outcome
    from afterbay.server.sizing.tasks import bodies

    run = bench.start(bench.project())["id"]
    judge = runs_outcome.judge

    def away(*_given: Any) -> Any:
        raise UnavailableError("the store does not answer")

    monkeypatch.setattr(bodies, "judge", away)
    with pytest.raises(UnavailableError):
        bench.work(run)
    assert bench.get(f"/simulations/{run}/status")["status"] == "running"
    monkeypatch.setattr(bodies, "judge", judge)
    bench.work(run)

    assert bench.get(f"/simulations/{run}/status")["status"] == "completed"
    assert _actions(bench, run) == ["simulation.started", "simulation.completed"]


def test_a_body_that_is_run_twice_leads_to_the_same_end(bench: Bench) -> None:
    from afterbay.server.platform.jobs.bodies import find_body
    from afterbay.server.platform.jobs.context import JobContext

    run = bench.start(bench.project())["id"]
    leases, taken = bench.taken(run)
    context = JobContext(taken, leases, sessions=bench.sessions, storage=bench.storage, compute=bench.compute)

    first = find_body(taken.task)(context, taken.args)
    before = bench.row(run)
    again = find_body(taken.task)(context, taken.args)

    assert first["config_count"] == 4
    assert again == {"simulation_id": run, "nothing_to_do": True}
    assert bench.row(run).completed_at == before.completed_at
    assert _actions(bench, run) == ["simulation.started", "simulation.completed"]


def test_the_quota_of_a_day_is_kept_and_says_when_there_is_more(bench: Bench) -> None:
    from afterbay.server.platform.modules.service import Quotas
    from afterbay.server.sizing.service.simulations import runs_today

    project = bench.project()
    quotas = Quotas({("bess-sizing", "max_simulations_per_day"): 2})
    quotas.count_by("bess-sizing", "max_simulations_per_day", runs_today)
    bench.client.app.state.quotas = quotas  # type: ignore[attr-defined]

    answers = [bench.ask("POST", f"/projects/{project}/simulate", json={}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 86_400
    with bench.sessions() as session:
        assert len(session.scalars(select(Simulation.id)).all()) == 2


def test_a_project_that_cannot_be_run_is_refused_with_every_problem_and_leaves_nothing(bench: Bench) -> None:
    project = bench.project()
    override = {"setup_config": {"bess_min_soc": 60.0, "bess_initial_soc": 5.0}, "sizing_config": {"capacity_min": 500}}

    answer = bench.ask("POST", f"/projects/{project}/simulate", json={"config_override": override})

    assert answer.status_code == 422
    pointers = [one["pointer"] for one in answer.json()["errors"]]
    assert pointers == ["/setup/bess_initial_soc", "/sizing/capacity_min"]
    assert bench.get(f"/projects/{project}/simulations")["items"] == []


def test_files_stay_while_their_run_is_there_and_are_collected_after_it(bench: Bench) -> None:
    project = bench.project()
    run, other = bench.run(project), bench.run(project)
    later = datetime.now(UTC) + timedelta(days=1)
    bench.storage.put(f"sizing/simulations/{uuid4()}/inputs.npz", b"of a start that was rolled back")

    def collected() -> list[str]:
        collect_orphans(bench.sessions, bench.storage, before=later)
        return sorted({found.key.split("/")[2] for found in bench.storage.list("sizing/")})

    both = collected()
    bench.ask("DELETE", f"/simulations/{run}", "admin")

    assert both == sorted([run, other])
    assert collected() == [other]
    assert len(bench.get(f"/simulations/{other}/hourly", index=0)["columns"]["t"]) == 1_000


def test_runs_are_listed_newest_first_in_pages(bench: Bench) -> None:
    project = bench.project()
    started = [bench.start(project, name=f"run {number}")["id"] for number in range(3)]
    bench.work(started[0])

    first = bench.get(f"/projects/{project}/simulations", limit=2)
    rest = bench.get(f"/projects/{project}/simulations", limit=2, cursor=first["next_cursor"])

    assert [one["id"] for one in (*first["items"], *rest["items"])] == started[::-1]
    assert rest["next_cursor"] is None
    done = bench.get(f"/projects/{project}/simulations", status="completed")["items"]
    assert [(one["id"], one["delivery_pct"]) for one in done] == [(started[0], 100.0)]
