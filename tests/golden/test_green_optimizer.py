"""The reference rows of the original's green-energy optimiser: a sweep with a solar axis."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from afterbay.sizing import SimulationParams
from afterbay.sizing.grid import SizeGrid, inclusive_range
from afterbay.sizing.sweep import SweepResult, sweep
from shared_data import shared_path

_LOAD_MW = 25.0
_HOURS_OF_CONTAINER = {"5mwh_1.25mw": 4.0}


@cache
def _case() -> dict[str, Any]:
    cases: list[dict[str, Any]] = json.loads(shared_path("golden/sizing/other/green_optimizer.json").read_text())[
        "sweeps"
    ]
    (case,) = cases
    return case


@cache
def _result() -> SweepResult:
    asked = _case()["params"]
    with np.load(shared_path("golden/sizing/profiles.npz")) as profiles:
        solar = np.asarray(profiles["solar_main"])
    params = SimulationParams(
        load_profile=np.full(8760, _LOAD_MW),
        solar_profile=solar,
        bess_efficiency=0.87,
        bess_min_soc=0.05,
        bess_max_soc=0.95,
        bess_initial_soc=0.50,
    )
    grid = SizeGrid(
        inclusive_range(asked["bess_min_mwh"], asked["bess_max_mwh"], asked["bess_step_mwh"]),
        tuple(_HOURS_OF_CONTAINER[name] for name in asked["container_types"]),
        solar_mw=inclusive_range(asked["solar_min_mw"], asked["solar_max_mw"], asked["solar_step_mw"]),
        solar_base_mw=_case()["base_peak"],
    )
    return sweep(params, asked["dispatch_template"], grid)


def _found(row: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        found
        for found in _result().rows()
        if (found["solar_capacity"], found["capacity"]) == (row["solar_capacity_mw"], row["bess_capacity_mwh"])
    )
    return found


@pytest.mark.parametrize("number", range(4))
def test_every_row_has_the_numbers_of_the_reference(number: int) -> None:
    row = _case()["rows"][number]

    found = _found(row)
    metrics = found["metrics"]

    assert len(_result()) == len(_case()["rows"]) == 4
    assert found["duration"] == row["duration_hr"]
    assert found["power"] == row["power_mw"]
    assert found["dg_capacity"] == row["dg_capacity_mw"]
    assert metrics["hours_full_delivery"] == row["delivery_hours"]
    assert metrics["hours_with_load"] == row["load_hours"]
    assert metrics["green_hours"] == row["green_hours"]
    assert metrics["dg_runtime_hours"] == row["dg_runtime_hours"]
    assert metrics["dg_starts"] == row["dg_starts"]
    for ours, theirs in {
        "delivery_pct": "delivery_pct",
        "pct_green_energy": "green_energy_pct",
        "pct_green_delivery": "green_hours_pct",
        "pct_green_delivery_mar_oct": "green_hours_pct_mar_oct",
        "pct_solar_curtailed": "wastage_pct",
        "bess_equivalent_cycles": "total_cycles",
        "total_fuel_consumed": "fuel_liters",
    }.items():
        assert metrics[ours] == pytest.approx(row[theirs], rel=1e-9, abs=1e-6), ours
    for ours, theirs in {
        "total_solar_generation": "total_solar_generated_gwh",
        "total_solar_curtailed": "total_solar_curtailed_gwh",
        "total_green_energy_delivered": "total_green_delivered_gwh",
        "total_energy_delivered": "total_energy_delivered_gwh",
    }.items():
        assert metrics[ours] / 1000.0 == pytest.approx(row[theirs], rel=1e-9, abs=1e-9), ours
    # The residual below the tolerance is booked as unserved (decision 13).
    assert metrics["total_unserved"] == pytest.approx(row["unserved_mwh"], rel=1e-9, abs=0.01)


def test_the_summary_counts_the_viable_rows_of_the_reference() -> None:
    summary = _case()["summary"]
    asked = _case()["params"]

    viable = [row for row in _result().rows() if row["metrics"]["pct_green_energy"] >= asked["green_energy_target_pct"]]

    assert asked["max_wastage_pct"] is None
    assert len(viable) == summary["viable_count"] == _case()["viable"]
    assert len(_result()) == summary["total_configs_tested"]
    assert min(row["solar_capacity"] for row in viable) == summary["min_solar_for_target"]
    assert min(row["capacity"] for row in viable) == summary["min_bess_for_target"]
    assert min(row["dg_capacity"] for row in viable) == summary["min_dg_for_target"]


@pytest.mark.parametrize("number", range(4))
def test_the_honest_share_counts_what_was_not_served(number: int) -> None:
    """The reference gives 100 % green to every plant without a generator (BUG-09)."""
    row = _case()["rows"][number]

    metrics = _found(row)["metrics"]

    served_mwh = row["total_green_delivered_gwh"] * 1000.0
    assert row["green_energy_pct"] == 100.0
    assert metrics["pct_green_energy_by_origin"] == pytest.approx(100.0)
    assert metrics["pct_green_energy_of_demand"] == pytest.approx(100.0 * served_mwh / (8760 * _LOAD_MW))
    assert metrics["pct_green_energy_of_demand"] < 50.0
