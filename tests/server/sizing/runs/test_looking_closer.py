"""Single sizes, hours in every format, reasons, years, and what changed since."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from afterbay.server.platform.audit.service import AuditQuery, find_events
from afterbay.server.sizing.service.runs_files import UNITS, hourly_table
from afterbay.server.sizing.tables import Project as ProjectRow
from afterbay.sizing.explain import explain
from afterbay.sizing.finance import FinancialConfig, FinancialProjection, PlantSize
from afterbay.sizing.projection import ProjectionConfig, project_years, year_energies
from afterbay.sizing.sweep import sweep

if TYPE_CHECKING:
    from afterbay.sizing.project import Project
    from server.sizing.runs.conftest import Bench

SIZE = {"capacity": 80.0, "duration": 4.0}


def _answers(bench: Bench, project: Any, **columns: Any) -> None:
    with bench.sessions.begin() as session:
        session.execute(update(ProjectRow).where(ProjectRow.id == project).values(**columns))


def _hours(bench: Bench, run: str, params: dict[str, Any]) -> dict[str, Any]:
    page: dict[str, Any] = bench.ask("GET", f"/simulations/{run}/hourly", params=params).json()
    return page


def test_a_single_size_is_the_same_case_of_the_sweep(bench: Bench) -> None:
    project = bench.project()
    whole = bench.get(f"/simulations/{bench.run(project)}/results")

    run = bench.run(project, simulation_type="single", options=SIZE)

    found = bench.get(f"/simulations/{run}/results")
    (row,) = found["optimization_results"]
    assert row["metrics"] == whole["optimization_results"][1]["metrics"]
    assert found["summary_metrics"] == row["metrics"]
    assert found["goal_reached"] is False


def test_hours_that_were_just_shown_are_shown_to_nobody_else_and_not_after_their_end(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)

    first, again = (bench.ask("GET", f"/simulations/{run}/hourly", params={"index": 1}) for _ in range(2))

    assert first.status_code == 200
    assert again.content == first.content
    assert bench.ask("GET", f"/simulations/{run}/hourly", "stranger", params={"index": 1}).status_code == 404
    assert bench.ask("DELETE", f"/simulations/{run}", "admin").status_code == 204
    assert bench.ask("GET", f"/simulations/{run}/hourly", params={"index": 1}).status_code == 404


def test_a_single_run_of_many_sizes_is_refused(bench: Bench) -> None:
    answer = bench.ask("POST", f"/projects/{bench.project()}/simulate", json={"simulation_type": "single"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/options"


def test_a_generator_that_the_project_has_not_cannot_be_sized(bench: Bench) -> None:
    answer = bench.ask(
        "POST", f"/projects/{bench.project()}/quick-analysis", json={"options": {**SIZE, "dg_capacity": 5.0}}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/options/dg_capacity"


def test_a_quick_look_equals_the_run_and_leaves_nothing(bench: Bench) -> None:
    project = bench.project()

    answer = bench.ask("POST", f"/projects/{project}/quick-analysis", json={"options": SIZE})

    assert answer.status_code == 200, answer.text
    quick = answer.json()
    assert bench.get(f"/projects/{project}/simulations")["items"] == []
    run = bench.run(project, simulation_type="single", options=SIZE)
    (row,) = bench.get(f"/simulations/{run}/results")["optimization_results"]
    assert (quick["metrics"], quick["capital_cost_usd"]) == (row["metrics"], row["capital_cost_usd"])
    assert quick["input_hash"] == bench.get(f"/simulations/{run}")["input_hash"]
    assert quick["physics"]["passed"]
    assert len(quick["worst_day_steps"]["load"]) == 24


def test_answers_of_the_request_stand_in_for_the_projects_and_leave_it_alone(bench: Bench) -> None:
    project = bench.project()
    override = {
        "setup_config": {"bess_efficiency": 90.0},
        "sizing_config": {"optimization_goal": {"delivery_target_pct": 60.0}},
    }

    run = bench.run(project, config_override=override)

    found = bench.get(f"/simulations/{run}/results")
    assert found["recommended_index"] is not None
    assert found["recommendation"]["goal"]["delivery_target_pct"] == 60.0
    assert found["recommendation"]["goal"]["delivery_mode"] == "at_least"
    assert found["simulation"]["project_version"] is None
    assert found["stale"]["is_stale"] is False
    snapshot = bench.row(run).config_snapshot
    assert snapshot["setup"]["bess_efficiency"] == 90.0
    with bench.sessions() as session:
        row = session.get(ProjectRow, project)
        assert row is not None
        assert row.setup_config is not None
        assert row.setup_config["bess_efficiency"] == 100


def test_a_changed_answer_makes_the_run_stale_by_name_and_a_new_run_does_not_have_it(bench: Bench) -> None:
    project = bench.project()
    run = bench.run(project)
    with bench.sessions() as session:
        setup = dict(session.get(ProjectRow, project).setup_config or {})  # type: ignore[union-attr]

    _answers(bench, project, setup_config={**setup, "bess_efficiency": 90.0})

    stale = bench.get(f"/simulations/{run}/results")["stale"]
    assert stale["changes"] == [{"pointer": "/setup/bess_efficiency", "then": 100, "now": 90.0}]
    assert "setup.bess_efficiency: 100 -> 90" in stale["lines"][0]
    again = bench.get(f"/simulations/{bench.run(project)}/results")
    assert again["stale"]["is_stale"] is False


@pytest.mark.parametrize(
    "columns",
    [
        {"name": "Another name"},
        {"financial_config": {"costs": {"installation_pct": 0}, "discount_rate_pct": 8.0}},
        {"rules_config": {"soc_on_threshold": 20.0}},
    ],
)
def test_what_changes_no_number_makes_nothing_stale(bench: Bench, columns: dict[str, Any]) -> None:
    project = bench.project()
    run = bench.run(project)

    _answers(bench, project, **columns)

    assert bench.get(f"/simulations/{run}/results")["stale"]["is_stale"] is False


@pytest.mark.parametrize(
    ("columns", "pointers"),
    [
        ({"financial_config": {"costs": {"installation_pct": 10}}}, ["/financial/costs/installation_pct"]),
        ({"solar_profile_id": None}, ["/solar_profile_id"]),
        ({"sizing_config": None}, ["/sizing/capacity_min", "/sizing/capacity_max", "/sizing/capacity_step",
          "/sizing/durations", "/sizing/optimization_goal/delivery_mode",
          "/sizing/optimization_goal/delivery_target_pct"]),
    ],
)  # fmt: skip
def test_every_input_counts(bench: Bench, columns: dict[str, Any], pointers: list[str]) -> None:
    project = bench.project()
    run = bench.run(project)

    _answers(bench, project, **columns)

    changes = bench.get(f"/simulations/{run}/results")["stale"]["changes"]
    assert sorted(one["pointer"] for one in changes) == sorted(pointers)


def test_every_format_of_the_hours_holds_the_same_numbers(bench: Bench, library: Project) -> None:
    run = bench.run(bench.project())
    expected = sweep(library.params(), library.template, library.grid).simulate(3)

    sent = {
        form: bench.ask("GET", f"/simulations/{run}/hourly", headers={"accept": form})
        for form in ("text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
    }

    parquet = pq.read_table(io.BytesIO(sent["application/vnd.apache.parquet"].content))
    arrow = pa.ipc.open_stream(sent["application/vnd.apache.arrow.stream"].content).read_all()
    assert parquet.equals(arrow)
    assert parquet.schema.field("soc").metadata[b"unit"] == b"MWh"
    lines = sent["text/csv"].text.splitlines()
    assert len(lines) == 8761
    names = lines[0].split(",")
    for name in expected.columns:
        values = getattr(expected, name).tolist()
        assert parquet[name].to_pylist() == values
        place = names.index(name)
        assert [line.split(",")[place] for line in lines[1:]] == [str(value) for value in values]
    with bench.sessions() as session:
        told = find_events(session, AuditQuery(resource_id=run, action="simulation.exported"))
    assert sorted(one.details["format"] for one in told) == ["arrow", "csv", "parquet"]
    assert bench.ask("GET", f"/simulations/{run}/hourly", headers={"accept": "image/png"}).status_code == 406


def test_pages_of_hours_join_to_the_whole(bench: Bench) -> None:
    run = bench.run(bench.project())
    whole = bench.get(f"/simulations/{run}/hourly", index=0, limit=10_000)

    pages: list[dict[str, Any]] = []
    place: str | None = "1"
    while place is not None:
        page = _hours(bench, run, {"index": 0, "from": place, "limit": 3_000})
        pages.append(page["columns"])
        place = page["next_cursor"]

    assert len(pages) == 3
    for name in whole["columns"]:
        assert [value for page in pages for value in page[name]] == whole["columns"][name]
    part = _hours(bench, run, {"index": 0, "from": "25", "to": "49"})
    assert part["columns"]["t"] == list(range(25, 49))
    assert part["units"] == UNITS


@pytest.mark.parametrize(
    "wrong",
    [{"from": "0"}, {"from": "9000"}, {"from": "10", "to": "10"}, {"from": "noon"}, {"from": "2024-01-01"},
     {"index": 4}],
)  # fmt: skip
def test_hours_that_are_not_there_are_refused(bench: Bench, wrong: dict[str, Any]) -> None:
    run = bench.run(bench.project())

    answer = bench.ask("GET", f"/simulations/{run}/hourly", params=wrong)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in ("/from", "/to", "/index")


def test_units_are_those_of_the_library(library: Project) -> None:
    hourly = sweep(library.params(), library.template, library.grid).simulate(0)

    assert {name: unit for name, unit in UNITS.items() if unit} == hourly.to_frame().attrs["units"]


def test_a_calendar_becomes_moments_in_utc(library: Project) -> None:
    hourly = sweep(library.params(), library.template, library.grid).simulate(0)
    start = datetime.fromisoformat("2024-06-01T00:00:00+02:00")

    times = hourly_table(hourly, start, slice(0, 2))["time"].to_pylist()

    assert [moment.isoformat() for moment in times] == ["2024-05-31T22:00:00+00:00", "2024-05-31T23:00:00+00:00"]


def test_an_hour_a_day_and_an_option_say_why(bench: Bench, library: Project) -> None:
    run = bench.run(bench.project())
    hourly = sweep(library.params(), library.template, library.grid).simulate(1)

    hour = bench.get(f"/simulations/{run}/explain", index=1, at="27")
    day = bench.get(f"/simulations/{run}/explain", index=1, day="2")
    option = bench.get(f"/simulations/{run}/explain", index=1)
    best = bench.get(f"/simulations/{run}/explain")

    assert hour["sentences"] == [explain(hourly, 27)]
    assert "not served" in hour["sentences"][0]
    assert day["sentences"] == [explain(hourly, step) for step in range(25, 49)]
    assert (option["recommended"], option["meets_goal"], option["on_the_front"]) == (False, False, True)
    assert "66.71 % where the goal asks at least 99 % delivery" in option["sentences"][0]
    assert any("the battery is empty" in sentence for sentence in option["sentences"])
    assert (best["recommended"], best["rank"], best["missed"]) == (True, 1, [])
    both = bench.ask("GET", f"/simulations/{run}/explain?at=1&day=1")
    assert both.status_code == 422


def test_years_and_money_are_the_librarys_to_the_bit(bench: Bench, library: Project) -> None:
    run = bench.run(bench.project(), simulation_type="multi_year", options={"years": 20})
    hourly = sweep(library.params(), library.template, library.grid).simulate(3)
    life = project_years(hourly.params, library.template, ProjectionConfig(years=20))
    money = FinancialConfig(project_life_years=20, costs=library.costs, residual_value_fraction=0.0)
    finance = FinancialProjection(money, PlantSize(bess_mwh=160.0, bess_mw=40.0), year_energies(life))

    stored = bench.get(f"/simulations/{run}/projection")
    anew = bench.get(f"/simulations/{run}/projection", index=3, years=20)

    assert stored == anew
    assert stored["years"]["retention_pct"] == life.retention_pct.tolist()
    assert stored["years"]["retention_pct"][0] == 100.0
    assert (np.diff(stored["years"]["retention_pct"]) < 0).all()
    assert stored["finance"]["npv_usd"] == finance.npv_usd
    waterfall = sum(part["usd"] for part in stored["finance"]["waterfall"])
    assert waterfall == pytest.approx(stored["finance"]["npv_usd"])
    assert stored["finance"]["lines"] == {name: line.tolist() for name, line in finance.lines.items()}
    assert bench.get(f"/simulations/{run}/results")["projection_results"]["finance"]["npv_usd"] == finance.npv_usd
    other = bench.get(f"/simulations/{run}/projection", index=0, years=5, loss_pct=10, discount_pct=0)
    assert len(other["years"]["year"]) == 5
    assert other["years"]["retention_pct"][1] == pytest.approx(90.0)
