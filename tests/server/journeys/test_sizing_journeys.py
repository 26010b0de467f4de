"""Journeys J3 and J5 of the sizing module on a server process: by REST and by the Python client, bit for bit.

Every wait ends with its claim and none is a measure of speed.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from openpyxl import load_workbook
from server_running import RunningServer, write_block_sun_files

from afterbay.client import BESSAPIClient
from afterbay.core.errors import NotAllowedError
from afterbay.sizing.finance import FinancialProjection, PlantSize
from afterbay.sizing.project import Project, load_project
from afterbay.sizing.projection import project_years, year_energies
from afterbay.sizing.recommendation import calculate_recommendations
from afterbay.sizing.sweep import SweepResult, sweep

SIZING = "/api/v1/bess-sizing"
SETUP: dict[str, Any] = {
    "load_mode": "csv", "solar_source": "csv", "bess_efficiency": 100.0, "bess_min_soc": 0.0, "bess_max_soc": 100.0,
    "bess_initial_soc": 50.0, "dg_enabled": False,
}  # fmt: skip
SIZES: dict[str, Any] = {
    "capacity_min": 40.0, "capacity_max": 160.0, "capacity_step": 40.0, "durations": [4.0],
    "optimization_goal": {"delivery_mode": "at_least", "delivery_target_pct": 99.0},
}  # fmt: skip
COSTS = {"bess_usd_per_mwh": 300_000.0, "bess_usd_per_mw": 50_000.0, "installation_pct": 0.0}
FADE = {"project_life_years": 20, "projection": {"fixed_loss_pct_per_year": None},
        "degradation": {"calendar_pct_per_year": 2.0, "cycle_pct_per_cycle": 0.0}}  # fmt: skip


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("block")
    write_block_sun_files(folder)
    setup = {**SETUP, "load_file": "load.csv", "solar_file": "solar.csv"}
    document = {"name": "Block sun", "setup_config": setup, "rules_config": {}, "sizing_config": SIZES, "costs": COSTS}
    (folder / "block.yaml").write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture(scope="module")
def library(block: Path) -> tuple[Project, SweepResult]:
    project = load_project(block / "block.yaml")
    return project, sweep(project.params(), project.template, project.grid, costs=project.costs)


@pytest.fixture(scope="module")
def engineer(server: RunningServer) -> Iterator[httpx2.Client]:
    with server.http(server.engineer) as http:
        yield http


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[BESSAPIClient]:
    with BESSAPIClient(server.url, server.engineer.token) as found:
        yield found


def sent(answer: httpx2.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def upload(engineer: httpx2.Client, file: Path, kind: str) -> Any:
    form = {"profile_type": kind}
    return sent(engineer.post("/api/v1/profiles", files={"file": (file.name, file.read_bytes())}, data=form), 201)


def make_project(engineer: httpx2.Client, block: Path, name: str) -> Any:
    """Make the block sun step by step, as the wizard does."""
    profiles = {kind: upload(engineer, block / f"{kind}.csv", kind) for kind in ("load", "solar")}
    project = sent(engineer.post(f"{SIZING}/projects", json={"name": name}), 201)
    ids = {f"{kind}_profile_id": one["id"] for kind, one in profiles.items()}
    steps = {"setup": {**SETUP, **ids}, "rules": {}, "sizing": SIZES, "financial": {"costs": COSTS}}
    for step, answers in steps.items():
        project = sent(engineer.put(f"{SIZING}/projects/{project['id']}/{step}", json=answers))
    return project


def run(engineer: httpx2.Client, project_id: str, **body: Any) -> str:
    """Start a run and follow it to its end."""
    started = engineer.post(f"{SIZING}/projects/{project_id}/simulate", json=body)
    shown = sent(started, 202)
    assert started.headers["location"] == f"/api/v1/jobs/{shown['job_id']}"
    ends = time.monotonic() + 120.0
    while time.monotonic() < ends:
        job = sent(engineer.get(started.headers["location"], headers={"Prefer": "wait=10"}))
        if job["state"] not in ("queued", "running"):
            break
    assert job["state"] == "succeeded", job
    return str(shown["id"])


@pytest.fixture(scope="module")
def finished(engineer: httpx2.Client, block: Path) -> tuple[str, str]:
    """Project and run of J3."""
    project = make_project(engineer, block, "Block sun")
    return project["id"], run(engineer, project["id"])


@pytest.mark.parametrize("kind", ["load", "solar"])
def test_j3_an_upload_is_answered_with_what_was_found_in_the_file(
    engineer: httpx2.Client, block: Path, kind: str
) -> None:
    report = upload(engineer, block / f"{kind}.csv", kind)["import_report"]

    assert (report["rows_found"], report["rows_expected"], report["step_min"]) == (8760, 8760, 60.0)
    assert (report["gaps"]["count"], report["gaps"]["missing_rows"], report["warnings"]) == (0, 0, [])


def test_j3_four_sizes_have_the_numbers_that_follow_by_hand_and_the_librarys_bits(
    engineer: httpx2.Client, finished: tuple[str, str], library: tuple[Project, SweepResult]
) -> None:
    found = sent(engineer.get(f"{SIZING}/simulations/{finished[1]}/results"))

    rows = found["optimization_results"]
    assert [row["capacity"] for row in rows] == [40.0, 80.0, 120.0, 160.0]
    assert [round(row["metrics"]["delivery_pct"], 1) for row in rows] == [50.0, 66.7, 83.4, 100.0]
    assert [round(row["metrics"]["pct_solar_curtailed"], 1) for row in rows] == [50.0, 33.3, 16.7, 0.0]
    assert [row["capital_cost_usd"] for row in rows] == [12.5e6, 25e6, 37.5e6, 50e6]
    assert found["recommendation"]["pareto"] == [0, 1, 2, 3]
    best = found["recommendation"]["recommended"]
    assert (best["capacity"], best["power"]) == (160.0, 40.0)
    assert found["physics"]["passed"]
    project, result = library
    theirs = [{name: value for name, value in row.items() if name not in ("index", "solar_capacity")} for row in rows]
    assert theirs == result.rows()
    choice = calculate_recommendations(result, project.goal, costs=project.costs)
    assert {name: found["recommendation"][name] for name in choice} == choice


def test_j3_comparing_two_sizes_marks_the_better_of_each_metric(
    engineer: httpx2.Client, finished: tuple[str, str]
) -> None:
    chosen = [{"simulation_id": finished[1], "index": index} for index in (1, 3)]

    found = sent(engineer.post(f"{SIZING}/results/compare", json={"options": chosen}))

    best = {one["metric"]: one["best"] for one in found["metrics"]}
    assert (best["delivery_pct"], best["capital_cost_usd"]) == ([False, True], [True, False])


def test_j3_the_hours_of_80_mwh_download_with_5844_delivered_and_the_librarys_bits(
    engineer: httpx2.Client, finished: tuple[str, str], library: tuple[Project, SweepResult]
) -> None:
    path = f"{SIZING}/simulations/{finished[1]}/hourly"
    answer = engineer.get(path, params={"index": 1}, headers={"Accept": "text/csv"})
    page = sent(engineer.get(path, params={"index": 1, "limit": 10_000}))

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 8760
    assert sum(float(row["unserved"]) < 0.001 for row in rows) == 5844
    unserved = [float(row["unserved"]) > 0.0 for row in rows]
    days = [unserved[day * 24 : day * 24 + 24] for day in range(1, 365)]
    assert all(day[:8] == [True] * 8 and not any(day[8:]) for day in days)
    expected = library[1].simulate(1)
    for name in expected.columns:
        assert page["columns"][name] == getattr(expected, name).tolist(), name
    assert [float(row["soc"]) for row in rows] == expected.soc.tolist()


def test_j3_a_range_without_a_solution_says_how_near_it_comes_and_what_would_help(
    engineer: httpx2.Client, finished: tuple[str, str]
) -> None:
    small = {"sizing_config": {"capacity_max": 120.0}}
    simulation = run(engineer, finished[0], config_override=small)

    found = sent(engineer.get(f"{SIZING}/simulations/{simulation}/recommendations"))

    assert found["recommended"] is None
    assert round(found["best_reached"]["metrics"]["delivery_pct"], 1) == 83.4
    assert any(change["helps"] for change in found["nearest"]["changes"])


def test_j3_by_the_python_client_gives_the_same(
    client: BESSAPIClient, block: Path, library: tuple[Project, SweepResult], tmp_path: Path
) -> None:
    profiles = {kind: client.upload_profile(block / f"{kind}.csv", kind)["id"] for kind in ("load", "solar")}
    project = client.create_project("Block sun by the client", rules_config={}, financial_config={"costs": COSTS})
    client.update_project_setup(
        project["id"], {**SETUP, "load_profile_id": profiles["load"], "solar_profile_id": profiles["solar"]}
    )
    client.update_project_sizing(project["id"], SIZES)
    seen: list[float] = []
    simulation = client.simulate(project["id"]).wait(120.0, on_progress=lambda told: seen.append(told["progress"]))

    options, hours = simulation.options(), simulation.hourly(1)
    beside = client.compare([(simulation, 1), (simulation, None)])
    file = simulation.export("csv", tmp_path / "hourly.csv", index=1, table="hourly")

    assert seen[-1] == 1.0
    result = library[1]
    assert options["delivery_pct"].tolist() == result.metrics["delivery_pct"].tolist()
    assert options["total_unserved_mwh"].tolist() == result.metrics["total_unserved"].tolist()
    assert options["capacity_mwh"].tolist() == [40.0, 80.0, 120.0, 160.0]
    assert simulation.recommendations()["recommended"]["capacity"] == 160.0
    assert (beside.loc["delivery_pct", "best"], beside.loc["capital_cost_usd", "best"]) == (
        "160 MWh / 40 MW", "80 MWh / 20 MW",
    )  # fmt: skip
    assert (len(hours), str(hours.index[0]), hours.index.name) == (8760, "2023-01-01 00:00:00+00:00", "time_utc")
    assert int((hours["unserved_mw"] < 0.001).sum()) == 5844
    assert hours["soc_mwh"].tolist() == result.simulate(1).soc.tolist()
    assert len(file.read_text().splitlines()) == 8761


def test_j5_a_changed_input_is_named_until_the_run_is_made_again(engineer: httpx2.Client, block: Path) -> None:
    project = make_project(engineer, block, "Changed later")["id"]
    before = run(engineer, project)
    numbers = sent(engineer.get(f"{SIZING}/simulations/{before}/results"))["optimization_results"]
    setup = sent(engineer.get(f"{SIZING}/projects/{project}"))["setup_config"]

    sent(engineer.put(f"{SIZING}/projects/{project}/setup", json={**setup, "bess_efficiency": 90.0}))

    stale = sent(engineer.get(f"{SIZING}/simulations/{before}/results"))
    assert stale["optimization_results"] == numbers
    assert stale["stale"]["is_stale"]
    changes = [(one["pointer"], one["then"], one["now"]) for one in stale["stale"]["changes"]]
    assert changes == [("/setup/bess_efficiency", 100.0, 90.0)]
    assert "bess_efficiency" in stale["stale"]["lines"][0]
    again = sent(engineer.get(f"{SIZING}/simulations/{run(engineer, project)}/results"))
    assert again["stale"] == {"is_stale": False, "changes": [], "lines": []}
    assert again["optimization_results"][1]["metrics"]["delivery_pct"] < numbers[1]["metrics"]["delivery_pct"]


def test_j5_nothing_is_lost_between_two_who_change_the_same_project(engineer: httpx2.Client, block: Path) -> None:
    path = f"{SIZING}/projects/{make_project(engineer, block, 'Two desks')['id']}"
    seen = engineer.get(path).headers["etag"]

    changed = {**SETUP, "bess_min_soc": 5.0}
    first = engineer.put(f"{path}/setup", json=changed, headers={"If-Match": seen})
    second = engineer.put(f"{path}/sizing", json={**SIZES, "capacity_max": 80.0}, headers={"If-Match": seen})

    assert first.status_code == 200, first.text
    assert second.status_code == 412
    kept = sent(engineer.get(path))
    assert (kept["setup_config"], kept["sizing_config"]) == (changed, SIZES)


def test_j5_twenty_years_fade_every_year_and_the_money_agrees_with_itself_and_the_library(
    client: BESSAPIClient, block: Path, library: tuple[Project, SweepResult]
) -> None:
    profiles = {f"{kind}_profile_id": client.upload_profile(block / f"{kind}.csv", kind)["id"]
                for kind in ("load", "solar")}  # fmt: skip
    project = client.create_project(
        "Twenty years", **profiles, setup_config=SETUP, rules_config={}, sizing_config=SIZES,
        financial_config={**FADE, "costs": COSTS},
    )  # fmt: skip
    simulation = client.simulate(project["id"], "multi_year", years=20).wait(120.0)

    told, years = simulation.projection(), simulation.years()

    ends = years["end_mwh"].tolist()
    assert len(ends) == 20
    assert years["start_mwh"].iloc[0] == 160.0  # year 0: 100 %
    assert all(later < earlier for earlier, later in zip([160.0, *ends], ends, strict=False))
    assert ends[0] == pytest.approx(0.98 * 160.0)
    assert set(years["cycle_loss_fraction"]) == {0.0}
    finance = told["finance"]
    assert math.fsum(part["usd"] for part in finance["waterfall"]) == pytest.approx(finance["npv_usd"], abs=1e-6)
    from afterbay.server.sizing.service.projects_money import finance_of, projection_of

    financial = {**FADE, "costs": COSTS}
    params = library[1].simulate(3).params
    lived = project_years(params, library[0].template, projection_of(financial))
    plant = PlantSize(bess_mwh=160.0, bess_mw=40.0, dg_mw=0.0)
    money = FinancialProjection(finance_of(financial), plant, year_energies(lived))
    assert years["end_mwh"].tolist() == lived.states["end_mwh"].tolist()
    assert finance["npv_usd"] == money.to_dict()["npv_usd"]
    book = load_workbook(io.BytesIO(simulation.download("excel")), read_only=True)
    assert {"Summary", "Cases", "Hourly", "Monthly", "Finance", "Assumptions"} <= set(book.sheetnames)


def test_j5_a_viewer_sees_what_is_shared_and_may_start_nothing(
    server: RunningServer, client: BESSAPIClient, finished: tuple[str, str]
) -> None:
    project, simulation = finished
    with server.http(server.viewer) as viewer:
        before = viewer.get(f"{SIZING}/simulations/{simulation}/results").status_code
        client.shares.give(project, server.viewer.email)

        seen = viewer.get(f"{SIZING}/simulations/{simulation}/results")
        refused = viewer.post(f"{SIZING}/projects/{project}/simulate", json={})

    assert (before, seen.status_code) == (404, 200)
    assert len(seen.json()["optimization_results"]) == 4
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    with BESSAPIClient(server.url, server.viewer.token) as theirs:
        assert len(theirs.run(simulation).hourly(1)) == 8760
        with pytest.raises(NotAllowedError, match="create"):
            theirs.simulate(project)
