"""The tick against the golden cases, in both physics."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Literal

import pytest
from fleet_plant import NOON, battery

from afterbay.fleet.inventory import Asset
from afterbay.fleet.messages import Telemetry
from afterbay.fleet.physics import SimulatedFleet
from shared_data import shared_path

_TICKS = [f"T{number:02}" for number in range(1, 13)]


def _case(name: str) -> dict[str, Any]:
    cases = json.loads(shared_path("golden/fleet_cases.json").read_text())["cases"]
    found: dict[str, Any] = next(case for case in cases if case["id"] == name)
    return found


def _asset(case: dict[str, Any]) -> Asset:
    fields = dict(case["asset"])
    return battery("golden", capacity_mwh=fields.pop("capacity_mwhr"), **fields)


def _run(case: dict[str, Any], physics: Literal["physical", "literal"]) -> list[Telemetry]:
    """Return the sample after each tick; every tick is one call with a length of its own."""
    asset = _asset(case)
    samples: list[Telemetry] = []
    fleet = SimulatedFleet([asset], start=NOON, physics=physics)
    state = fleet.state()
    state["assets"][asset.id].update(
        current_mw=case["initial"]["current_mw"], setpoint_mw=case["initial"]["setpoint_mw"]
    )
    state["assets"][asset.id]["plant"]["soc_mwh"] = case["initial"]["soc_mwhr"]
    for step in case["steps"]:
        for _ in range(step.get("repeat", 1)):
            fleet = SimulatedFleet([asset], start=NOON, physics=physics, fixed_dt_s=step["dt_s"])
            fleet.restore(state)
            if "setpoint_mw" in step:
                fleet.set_setpoint(asset.id, step["setpoint_mw"])
            fleet.advance(NOON + timedelta(seconds=1))
            samples.extend(fleet.telemetry())
            state = fleet.state()
    return samples


def test_all_tick_cases_are_run() -> None:
    cases = json.loads(shared_path("golden/fleet_cases.json").read_text())["cases"]

    assert [case["id"] for case in cases if case["kind"] == "tick"] == _TICKS


@pytest.mark.parametrize("name", _TICKS)
def test_the_literal_tick_is_the_documents(name: str) -> None:
    case = _case(name)
    samples = _run(case, "literal")

    errors = [0.0, *(float(sample.details.get("energy_error_mwh", 0.0)) for sample in samples)]
    for row in case["expect"]:
        sample = samples[row["tick"] - 1]
        # To the last bit: the order of operations is the original's.
        assert (sample.soc_mwh, sample.soc_pct, sample.mw) == (row["soc_mwhr"], row["soc_pct"], row["current_mw"])
        assert (sample.setpoint_mw, sample.status) == (row["setpoint_mw"], row["status"])
        added = errors[row["tick"]] - errors[row["tick"] - 1]
        assert added == pytest.approx(row["energy_error_mwh"], abs=1e-9)
    assert errors[-1] == pytest.approx(case["energy_error_total_mwh"], abs=1e-9)


@pytest.mark.parametrize("name", _TICKS)
def test_the_physical_tick_gives_what_the_cells_can_give(name: str) -> None:
    case = _case(name)
    samples = _run(case, "physical")

    for row in case["expect_physical"]:
        sample = samples[row["tick"] - 1]
        got = (sample.soc_mwh, sample.soc_pct, sample.mw, sample.setpoint_mw)
        assert got == pytest.approx((row["soc_mwhr"], row["soc_pct"], row["current_mw"], row["setpoint_mw"]), abs=1e-9)
        assert sample.status == row["status"]
        # The cases name the cells' limits only; ours also says when it is the ramp or the power limit.
        assert (sample.limited_by if sample.limited_by in ("soc_min", "soc_max") else None) == row["limited_by"]
        assert "energy_error_mwh" not in sample.details


def test_ramp_and_power_limit_are_named_as_reasons() -> None:
    ramping, at_limit = _run(_case("T03"), "physical"), _run(_case("T09"), "physical")

    assert [sample.limited_by for sample in ramping[:5]] == ["ramp"] * 4 + [None]
    assert [sample.limited_by for sample in at_limit] == ["p_limit", "p_limit"]
