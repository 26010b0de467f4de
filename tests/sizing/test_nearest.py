from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from plants_by_hand import block_sun, plain

from afterbay.sizing import calculate_metrics, run_simulation
from afterbay.sizing.blockers import blocking_hours
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.nearest import Change, NearestChanges, nearest_changes
from afterbay.sizing.sweep import sweep

GOAL = {"delivery_mode": "at_least", "delivery_target_pct": 99.0}


def _found(number: int, sizes: tuple[float, ...] = (40.0, 80.0, 120.0)) -> NearestChanges:
    found = nearest_changes(sweep(block_sun(40.0), number, SizeGrid(sizes, (4.0,))), GOAL)
    assert found is not None
    return found


def _by_name(found: NearestChanges) -> dict[str, Change]:
    return {change.name: change for change in found.changes}


def test_a_goal_that_is_reached_needs_no_change() -> None:
    result = sweep(block_sun(160.0), 0, SizeGrid((80.0, 160.0), (4.0,)))

    assert nearest_changes(result, GOAL) is None


def test_the_nearest_battery_of_the_block_sun_is_the_one_that_arithmetic_gives() -> None:
    battery = _by_name(_found(0))["battery energy"]

    assert battery.needed == pytest.approx(160.0, abs=3.5)  # 99 % is a little less than all


def test_every_change_that_helps_is_confirmed_by_a_simulation() -> None:
    found = _found(1)
    case = block_sun(120.0)
    helps = {name: change.needed for name, change in _by_name(found).items() if change.needed is not None}

    assert {"battery energy", "generator", "load (peak)"} <= set(helps)
    moved = {
        "battery energy": lambda value: replace(case, bess_capacity=value),
        "generator": lambda value: replace(case, dg_capacity=value, dg_enabled=True),
        "load (peak)": lambda value: replace(case, load_profile=case.load_mw * (value / 10.0)),
        "solar (peak)": lambda value: replace(case, solar_profile=case.solar_mw * (value / 30.0)),
        "battery power": lambda value: replace(case, bess_charge_power=value, bess_discharge_power=value),
    }
    for name, value in helps.items():
        params = moved[name](value)
        assert calculate_metrics(run_simulation(params, 1), params).delivery_pct >= 99.0, name


def test_an_input_that_cannot_help_is_named_as_such() -> None:
    changes = _by_name(_found(0))

    assert not changes["battery power"].helps
    assert "cannot help alone" in str(changes["battery power"])
    assert "uses no generator" in str(changes["generator"])


def test_the_sentences_name_the_best_the_block_and_the_way_out() -> None:
    text = "\n".join(_found(0).lines())

    assert "83.36 % where the goal asks at least 99 % delivery" in text
    assert "1,458 h" in text
    assert "the battery is empty and there is no generator" in text
    assert "battery energy: 120.0 ->" in text


def test_a_cap_on_curtailment_may_need_less_sun() -> None:
    result = sweep(block_sun(40.0), 0, SizeGrid((40.0,), (4.0,)))

    found = nearest_changes(result, {"delivery_mode": "maximize", "max_wastage_pct": 10.0})

    assert found is not None
    solar = _by_name(found)["solar (peak)"]
    assert solar.needed is not None
    assert solar.needed < solar.present
    assert found.blocked == ""


def test_bounds_are_the_callers() -> None:
    result = sweep(block_sun(40.0), 0, SizeGrid((120.0,), (4.0,)))

    found = nearest_changes(result, GOAL, bounds={"battery_energy": (100.0, 130.0)})

    assert found is not None
    assert "tried 100.0 to 130.0 MWh" in str(_by_name(found)["battery energy"])


def test_a_profile_without_sun_cannot_be_scaled() -> None:
    found = nearest_changes(sweep(plain([10.0] * 24), 0, SizeGrid((5.0,), (1.0,))), GOAL)

    assert found is not None
    assert "no sun" in str(_by_name(found)["solar (peak)"])


def test_blocking_hours_name_the_limit_that_binds() -> None:
    cases = {
        "its full power": plain([20.0], bess_initial_soc=1.0),
        "daily cycles used up": plain([5.0] * 9, bess_initial_soc=1.0, bess_daily_cycle_limit=0.1),
        "3 MW are not enough": plain([20.0], dg_capacity=3.0, blackout_start_hour=5, blackout_end_hour=6),
        "not allowed then": plain([5.0] * 6, dg_capacity=9.0, blackout_start_hour=0, blackout_end_hour=6),
    }
    for words, params in cases.items():
        assert words in blocking_hours(run_simulation(params, 3)), words
    served = plain([5.0], [5.0])
    assert blocking_hours(run_simulation(served, 0)) == ""


def test_the_findings_are_plain_values() -> None:
    import json

    found = json.loads(json.dumps(_found(0).to_dict()))

    assert found["case"] == 2
    assert {change["name"] for change in found["changes"]} >= {"battery energy", "load (peak)"}
    assert np.isfinite([change["present"] for change in found["changes"]]).all()
