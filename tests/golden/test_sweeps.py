"""The reference sweeps of the original application, under decisions 13 and 31.

Fuel is on gross output and the residual below the tolerance is booked as unserved; ranges stop at their
maximum (BUG-17); takeover needs a rating that covers the load (BUG-02). No stored row holds a night-only
load (BUG-16), so nothing here depends on it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import plants, template_numbers

from afterbay.sizing import SimulationParams, calculate_metrics, run_simulation
from afterbay.sizing.grid import SizeGrid, inclusive_range
from afterbay.sizing.sweep import SweepResult, run_rows, sweep
from shared_data import shared_path

_FLAT_L_PER_MWH = 250.0
_RESIDUAL_MWH = 0.01
_FUEL = {"total_fuel_consumed", "avg_fuel_rate_lph", "specific_fuel_consumption"}
_SIZES = ("bess_mwh", "duration_hr", "power_mw", "dg_mw")


@cache
def _stored(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shared_path(f"golden/sizing/other/{name}.json").read_text())
    return content


def _profile(name: str) -> NDArray[np.float64]:
    with np.load(shared_path("golden/sizing/profiles.npz")) as profiles:
        return np.asarray(profiles[name])


def _wizard(load_mw: float, solar: str, **changes: Any) -> SimulationParams:
    """Return the plant that the original's wizard starts with, before its sizes."""
    fields: dict[str, Any] = {
        "load_profile": np.full(8760, load_mw),
        "solar_profile": _profile(solar),
        "bess_efficiency": 0.87,
        "bess_min_soc": 0.05,
        "bess_max_soc": 0.95,
        "bess_initial_soc": 0.50,
        "bess_daily_cycle_limit": 1.0,
        "bess_enforce_cycle_limit": False,
        "dg_charges_bess": False,
        "dg_soc_on_threshold": 0.20,
        "dg_soc_off_threshold": 0.80,
    }
    return SimulationParams(**{**fields, **changes})


# ---- The seed's grid: seven energies, two durations, five generators
@cache
def _seed_sweep(takeover: bool) -> SweepResult:
    grid = SizeGrid(inclusive_range(50, 200, 25), (2.0, 4.0), inclusive_range(0, 20, 5))
    return sweep(_wizard(25.0, "solar_main", dg_takeover_mode=takeover), 1, grid)


def _near(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-6)


def _assert_row(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for metric, value in expected.items():
        if metric in _FUEL:
            continue
        if metric == "total_unserved" or metric == "pct_unserved":
            assert found[metric] == pytest.approx(value, rel=1e-9, abs=_RESIDUAL_MWH), metric
        elif metric.startswith(("hours_", "dg_")) or metric == "cycle_charging_hours":
            assert found[metric] == value, metric
        else:
            assert found[metric] == _near(value), metric


def _assert_gross_fuel(found: dict[str, Any], expected: dict[str, Any]) -> None:
    used = expected["total_dg_to_load"] + expected["total_dg_to_bess"]
    fuel = _FLAT_L_PER_MWH * (used + expected["total_dg_curtailed"])
    hours = expected["hours_with_dg"]
    assert expected["total_fuel_consumed"] == _near(_FLAT_L_PER_MWH * used)
    assert found["total_fuel_consumed"] == _near(fuel)
    assert found["avg_fuel_rate_lph"] == _near(fuel / hours if hours else 0.0)
    assert found["specific_fuel_consumption"] == _near(fuel / used if used else 0.0)


@pytest.mark.parametrize("number", range(70))
def test_every_row_of_the_seed_grid_has_the_metrics_of_the_reference(number: int) -> None:
    stored = _stored("sweep_seed_grid")["takeover_false"]

    result = _seed_sweep(takeover=False)
    found = result.metrics_of(number).to_dict()

    assert len(result) == len(stored) == 70
    sizes = [result.sizes[name][number] for name in ("capacity", "duration", "power", "dg_capacity")]
    assert sizes == [stored[number][name] for name in _SIZES]
    assert len(stored[number]["metrics"]) == 35
    _assert_row(found, stored[number]["metrics"])
    _assert_gross_fuel(found, stored[number]["metrics"])


@pytest.mark.parametrize("number", range(70))
def test_takeover_without_a_rating_that_covers_the_load_changes_nothing(number: int) -> None:
    """The original let a 5 MW generator serve 25 MW (BUG-02); no generator of this grid may take over."""
    without = _stored("sweep_seed_grid")["takeover_false"][number]
    with_takeover = _stored("sweep_seed_grid")["takeover_true"][number]

    result = _seed_sweep(takeover=True)
    found = result.metrics_of(number).to_dict()

    assert [with_takeover[name] for name in _SIZES] == [without[name] for name in _SIZES]
    assert with_takeover["dg_mw"] < 25.0
    _assert_row(found, without["metrics"])
    _assert_gross_fuel(found, without["metrics"])
    if with_takeover["known_bug"] is None:
        _assert_row(found, with_takeover["metrics"])


def test_takeover_off_and_a_rating_below_the_load_are_the_same_bits() -> None:
    assert _seed_sweep(takeover=True).totals.tobytes() == _seed_sweep(takeover=False).totals.tobytes()


# ---- Step 3 of the wizard
_HOURS_OF_CONTAINER = {"5mwh_2.5mw": 2.0, "5mwh_1.25mw": 4.0}


def _step3(number: int) -> tuple[dict[str, Any], SweepResult]:
    case = _stored("sizing_step3")["cases"][number]
    setup, rules = case["setup_overrides"], case["rules_overrides"]
    solar = {"Burton Solar Profile.csv": "solar_burton", None: "solar_main"}[setup.get("solar_selected_file")]
    params = _wizard(setup.get("load_mw", 25.0), solar, dg_takeover_mode=rules.get("dg_takeover_mode", True))
    grid = SizeGrid(
        inclusive_range(*case["capacity_range"]),
        tuple(_HOURS_OF_CONTAINER[name] for name in case["containers"]),
        inclusive_range(*case["dg_range"]) if case["dg_range"] else (0.0,),
    )
    return case, sweep(params, rules["inferred_template"], grid)


@pytest.mark.parametrize("number", [0, 1])
def test_every_row_of_step_3_within_the_range_is_that_of_the_reference(number: int) -> None:
    case, result = _step3(number)
    largest = case["dg_range"][1] if case["dg_range"] else 0.0
    expected = [row for row in case["rows"] if row["DG (MW)"] <= largest]

    assert len(result) == len(expected) >= 6
    for row, found in zip(expected, result.rows(), strict=True):
        metrics = found["metrics"]
        assert found["capacity"] == row["BESS (MWh)"]
        assert found["duration"] == row["Duration (hr)"]
        assert found["power"] == row["Power (MW)"]
        assert found["dg_capacity"] == row["DG (MW)"]
        assert metrics["hours_full_delivery"] == row["Delivery Hrs"]
        assert metrics["hours_with_load"] == row["Load Hrs"]
        assert metrics["green_hours"] == row["Green Hrs"]
        assert metrics["dg_runtime_hours"] == row["DG Hrs"]
        assert metrics["dg_starts"] == row["DG Starts"]
        # The table is rounded to one decimal, cycles to whole ones.
        assert metrics["delivery_pct"] == pytest.approx(row["Delivery %"], abs=0.0501)
        assert metrics["pct_green_delivery"] == pytest.approx(row["Green %"], abs=0.0501)
        assert metrics["pct_solar_curtailed"] == pytest.approx(row["Wastage %"], abs=0.0501)
        assert metrics["bess_equivalent_cycles"] == pytest.approx(row["BESS Cycles"], abs=0.501)
        assert metrics["total_unserved"] == pytest.approx(row["Unserved (MWh)"], abs=0.0501 + _RESIDUAL_MWH)
        # The reference counts the fuel of what was used; ours is that of full output in every running hour.
        assert metrics["total_dg_to_load"] * _FLAT_L_PER_MWH == pytest.approx(row["Fuel (L)"], abs=0.501)
        gross = row["DG Hrs"] * row["DG (MW)"] * _FLAT_L_PER_MWH
        assert metrics["total_fuel_consumed"] == pytest.approx(gross, rel=1e-9, abs=1e-6)


def test_a_range_stops_at_its_maximum_where_the_original_overshot() -> None:
    case, result = _step3(0)

    assert case["dg_range"] == [0, 12, 5]
    assert max(row["DG (MW)"] for row in case["rows"]) == 15.0
    assert sorted(set(result.sizes["dg_capacity"].tolist())) == [0.0, 5.0, 10.0]


# ---- A sweep is nothing but its single runs
# A load that is no load or more than the smallest floats, in the reference's SOC band.
_PLANTS = plants(bess_min_soc=0.05, bess_max_soc=0.95, bess_initial_soc=0.5).filter(
    lambda params: not 0.0 < params.load_mw.max() < 1e-6
)
_GRIDS = st.builds(
    SizeGrid,
    st.lists(st.one_of(st.just(0.0), st.floats(0.01, 300.0)), min_size=1, max_size=6, unique=True).map(tuple),
    st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0, 4.0, 8.0]), min_size=1, max_size=3, unique=True).map(tuple),
    st.lists(st.one_of(st.just(0.0), st.floats(0.01, 80.0)), min_size=1, max_size=4, unique=True).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(_PLANTS, template_numbers, _GRIDS, st.data())
def test_a_row_is_its_single_run_to_the_bit(
    params: SimulationParams, template: int, grid: SizeGrid, data: st.DataObject
) -> None:
    result = sweep(params, template, grid)
    row = data.draw(st.integers(0, len(result) - 1))
    size = {name: float(column[row]) for name, column in result.sizes.items()}
    alone = replace(
        params,
        bess_capacity=size["capacity"],
        bess_charge_power=size["power"],
        bess_discharge_power=size["power"],
        dg_capacity=size["dg_capacity"],
        dg_enabled=True,
    )

    run = run_simulation(alone, template)

    assert run.totals.tobytes() == result.totals[row].tobytes()
    assert calculate_metrics(run, alone) == result.metrics_of(row)


@settings(max_examples=30, deadline=None)
@given(_PLANTS, template_numbers, _GRIDS, st.randoms(use_true_random=False))
def test_a_row_depends_neither_on_threads_nor_on_the_rows_beside_it(
    params: SimulationParams, template: int, grid: SizeGrid, order: Any
) -> None:
    one = sweep(params, template, grid, jobs=1)
    shuffled = list(range(len(one)))
    order.shuffle(shuffled)

    mixed, done = run_rows(one.cases[shuffled], params.load_mw, params.solar_mw, params.dt_h, jobs=2)

    assert done.all()
    assert mixed.tobytes() == one.totals[shuffled].tobytes()
    for jobs in (2, 3):
        assert sweep(params, template, grid, jobs=jobs).totals.tobytes() == one.totals.tobytes()


def test_a_year_of_many_tasks_is_the_same_on_one_two_and_three_threads() -> None:
    # 70 cases are three tasks, so that threads really share them.
    params = _seed_sweep(takeover=False).params
    grid = _seed_sweep(takeover=False).grid

    one, two, three = (sweep(params, 1, grid, jobs=jobs).totals.tobytes() for jobs in (1, 2, 3))

    assert one == two == three
