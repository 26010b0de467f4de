"""Journey J3 on the server: the block sun, whose numbers follow by hand and equal the library's to the bit."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from afterbay.cli.running import run_project
from afterbay.server.sizing.service.runs_sweep import parts_of, sweep_part
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.recommendation import calculate_recommendations
from afterbay.sizing.sweep import sweep

if TYPE_CHECKING:
    from afterbay.sizing.project import Project
    from server.sizing.runs.conftest import Bench


def test_four_rows_have_the_numbers_that_follow_by_hand(bench: Bench) -> None:
    run = bench.run(bench.project())

    found = bench.get(f"/simulations/{run}/results")

    rows = found["optimization_results"]
    assert [row["capacity"] for row in rows] == [40.0, 80.0, 120.0, 160.0]
    assert [row["power"] for row in rows] == [10.0, 20.0, 30.0, 40.0]
    assert [row["metrics"]["hours_full_delivery"] for row in rows] == [4382, 5844, 7302, 8760]
    assert [round(row["metrics"]["delivery_pct"], 2) for row in rows] == [50.02, 66.71, 83.36, 100.0]
    assert [round(row["metrics"]["pct_solar_curtailed"], 1) for row in rows] == [50.0, 33.3, 16.7, 0.0]
    assert [row["capital_cost_usd"] for row in rows] == [12.5e6, 25e6, 37.5e6, 50e6]
    assert found["recommendation"]["pareto"] == [0, 1, 2, 3]
    assert (found["recommended_index"], found["goal_reached"], found["config_count"]) == (3, True, 4)
    assert found["summary_metrics"] == rows[3]["metrics"]
    assert found["physics"]["passed"]
    assert found["stale"] == {"is_stale": False, "changes": [], "lines": []}


def test_every_number_is_the_librarys_to_the_bit(bench: Bench, library: Project) -> None:
    result = sweep(library.params(), library.template, library.grid, costs=library.costs)
    choice = calculate_recommendations(result, library.goal, costs=library.costs)

    run = bench.run(bench.project())

    found = bench.get(f"/simulations/{run}/results")
    rows = [{name: value for name, value in row.items() if name != "index"} for row in found["optimization_results"]]
    assert [{"solar_capacity": None, **row} for row in result.rows()] == rows
    told = bench.get(f"/simulations/{run}/recommendations")
    assert {name: told[name] for name in choice} == choice
    hourly = bench.get(f"/simulations/{run}/hourly", index=1, limit=10_000)
    expected = result.simulate(1)
    for name in expected.columns:
        assert hourly["columns"][name] == getattr(expected, name).tolist(), name


def test_sums_of_the_hours_are_the_metrics(bench: Bench) -> None:
    run = bench.run(bench.project())

    columns = bench.get(f"/simulations/{run}/hourly", index=1, limit=10_000)["columns"]

    row = bench.get(f"/simulations/{run}/results")["optimization_results"][1]["metrics"]
    assert sum(columns["load"]) == pytest.approx(row["total_load"])
    assert sum(columns["unserved"]) == pytest.approx(row["total_unserved"])
    assert (np.array(columns["unserved"]) < 0.001).sum() == row["hours_full_delivery"] == 5844
    unserved = np.array(columns["unserved"]).reshape(365, 24) > 0
    assert set(unserved[1:].sum(axis=1).tolist()) == {8}
    assert unserved[1:, :8].all()


def test_a_goal_that_no_size_reaches_is_told_with_the_best_and_a_change_that_would_help(bench: Bench) -> None:
    run = bench.run(bench.project(sizing_config={"capacity_max": 120}))

    found = bench.get(f"/simulations/{run}/results")

    assert (found["goal_reached"], found["recommended_index"], found["shown_index"]) == (False, None, 2)
    assert found["simulation"]["goal_reached"] is False
    told = bench.get(f"/simulations/{run}/recommendations")
    assert told["recommended"] is None
    assert round(told["best_reached"]["metrics"]["delivery_pct"], 1) == 83.4
    nearest = told["nearest"]
    assert nearest["lines"][0].startswith("No size in this range reaches the goal")
    battery = next(change for change in nearest["changes"] if change["name"] == "battery energy")
    assert battery["helps"]
    assert 120 < battery["needed"] <= 160


def test_comparing_80_and_160_marks_each_best_where_it_is(bench: Bench) -> None:
    run = bench.run(bench.project())

    answer = bench.ask(
        "POST", "/results/compare",
        json={"options": [{"simulation_id": run, "index": 1}, {"simulation_id": run}]},
    )  # fmt: skip

    assert answer.status_code == 200, answer.text
    metrics = {one["metric"]: one for one in answer.json()["metrics"]}
    assert metrics["delivery_pct"]["best"] == [False, True]
    assert metrics["capital_cost_usd"]["best"] == [True, False]
    assert metrics["capital_cost_usd"]["difference_to_first"] == [0.0, 25e6]
    assert metrics["dg_runtime_hours"]["best"] == [False, False]
    assert [one["recommended"] for one in answer.json()["options"]] == [False, True]


def test_many_sizes_in_parts_give_the_same_bits_as_in_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from afterbay.server.sizing.tasks import sweeping

    project = bench.project(sizing_config={"durations": [1, 2, 4], "capacity_step": 8})
    whole = bench.run(project)
    monkeypatch.setattr(sweeping, "MOST_INLINE", 0)
    monkeypatch.setattr(sweeping, "_PART", 7)

    parts = bench.run(project)

    assert bench.compute.parts > 3
    first, second = bench.row(whole), bench.row(parts)
    assert first.optimization_results == second.optimization_results
    assert first.summary_metrics == second.summary_metrics


def test_rows_come_in_pages_and_in_the_order_that_is_asked_for(bench: Bench) -> None:
    run = bench.run(bench.project())

    first = bench.get(f"/simulations/{run}/results", sort="-delivery_pct", limit=3)
    second = bench.get(f"/simulations/{run}/results", sort="-delivery_pct", limit=3, cursor=first["next_cursor"])

    assert [row["index"] for row in first["optimization_results"]] == [3, 2, 1]
    assert [row["index"] for row in second["optimization_results"]] == [0]
    assert second["next_cursor"] is None
    answer = bench.ask("GET", f"/simulations/{run}/results?sort=password")
    assert answer.status_code == 422


def test_more_rows_than_a_row_should_hold_stand_in_a_file_and_read_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afterbay.server.sizing.service import runs_outcome

    project = bench.project()
    small = bench.get(f"/simulations/{bench.run(project)}/results")
    monkeypatch.setattr(runs_outcome, "MOST_ROWS", 1)

    run = bench.run(project)

    kept = bench.row(run).optimization_results
    assert kept is not None
    assert kept["results"] is None
    for sort in ("index", "-capital_cost_usd"):
        large = bench.get(f"/simulations/{run}/results", sort=sort)
        expected = small["optimization_results"]
        assert large["optimization_results"] == (expected if sort == "index" else expected[::-1])
    assert bench.get(f"/simulations/{run}/explain", index=1)["label"] == "80 MWh / 20 MW"


def test_a_part_travels_to_another_process_and_gives_the_same_bits(library: Project) -> None:
    part = parts_of(library, 2)[1]

    travelled = pickle.loads(pickle.dumps(sweep_part(pickle.loads(pickle.dumps(part)))))

    whole = sweep(library.params(), library.template, library.grid)
    assert travelled.places.tolist() == [2, 3]
    assert (travelled.totals == whole.totals[2:]).all()


@pytest.mark.parametrize("most", [1, 3, 7, 1_000])
def test_every_size_is_in_exactly_one_part(library: Project, most: int) -> None:
    grid = SizeGrid((10.0, 20.0), (1.0, 2.0, 4.0), (0.0, 5.0), (20.0, 30.0, 40.0, 50.0), 30.0)

    parts = parts_of(replace(library, grid=grid), most)

    places = np.concatenate([part.places for part in parts])
    assert sorted(places.tolist()) == list(range(len(grid)))
    for part in parts:
        for name, column in part.grid.columns.items():
            assert (column == grid.columns[name][part.places]).all(), name


@pytest.mark.parametrize("largest", [160, 120])
def test_the_command_says_the_same_of_the_same_project(
    bench: Bench, library: Project, tmp_path: Path, largest: int
) -> None:
    grid = SizeGrid(tuple(float(size) for size in range(40, largest + 1, 40)), (4.0,))
    command = run_project(replace(library, grid=grid), tmp_path / "run", cancelled=lambda: False)

    run = bench.run(bench.project(sizing_config={"capacity_max": largest}))

    told = bench.get(f"/simulations/{run}/recommendations")
    assert {name: told[name] for name in command.facts["recommendation"]} == command.facts["recommendation"]
    assert told["nearest"] == command.facts["nearest"]
    found = bench.get(f"/simulations/{run}/results")
    assert found["physics"] == command.facts["physics"]
    text = bench.ask("GET", f"/exports/{run}/csv").text
    assert text == (tmp_path / "run" / "hourly.csv").read_text()
