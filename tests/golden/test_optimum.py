"""Linear programmes that other tools have solved: `lp-dispatch-200-15` and `lp-size-25MW`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afterbay.sizing import SimulationParams, optimum
from shared_data import shared_path

pytest.importorskip("highspy", reason="needs the solver of the extra 'optimum'")

_PROFILE_SOLAR_MW = 67.0


def _case(name: str) -> dict[str, Any]:
    cases = json.loads(shared_path("golden/sizing_oracles.json").read_text())["cases"]
    (found,) = [case for case in cases if case["id"] == name]
    return dict(found)


def _profiles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with np.load(shared_path("golden/lp_profile.npz")) as stored:
        return stored["load_mw"], stored["solar_mw_at_67"]


def _year(case: dict[str, Any]) -> SimulationParams:
    load, solar = _profiles()
    inputs = case["inputs"]
    return SimulationParams(
        load_profile=load,
        solar_profile=solar,
        bess_capacity=inputs["cap_mwh"],
        bess_charge_power=inputs["p_mw"],
        bess_discharge_power=inputs["p_mw"],
        bess_efficiency=inputs["rt"],
        bess_min_soc=inputs["soc"][0],
        bess_max_soc=inputs["soc"][1],
        bess_daily_cycle_limit=inputs["daily_cycles"],
        dg_capacity=inputs["dg_mw"],
        dg_charges_bess=True,
    )


def test_the_best_dispatch_of_a_year_costs_what_another_tool_found() -> None:
    case = _case("lp-dispatch-200-15")
    expected, within = case["expected"], case["tolerance"]["rel"]

    # The case closes the year: its battery ends as full as it began.
    found = optimum.bound(
        _year(case),
        objective="cost",
        unserved_usd_per_mwh=case["inputs"]["voll"],
        fuel_usd_per_mwh=case["inputs"]["fuel"],
        cyclic=True,
    )

    assert found.value == pytest.approx(expected["obj"], rel=within)
    assert found.unserved_mwh == pytest.approx(expected["unserved_mwh"], rel=within)
    assert found.generator_mwh == pytest.approx(expected["dg_mwh"], rel=within)
    assert found.solar_curtailed_mwh == pytest.approx(expected["curt_mwh"], rel=within)


def test_the_schedule_of_that_year_serves_nearly_what_the_bound_allows() -> None:
    params = _year(_case("lp-dispatch-200-15"))

    real = optimum.schedule(params, objective="energy_served")

    assert real.energy_served_mwh == pytest.approx(optimum.bound(params).value, rel=1e-5)
    assert real.physics.passed


def test_the_least_cost_sizes_are_those_of_two_other_tools() -> None:
    case = _case("lp-size-25MW")
    expected, within = case["expected"], case["tolerance"]["rel"]
    load, solar = _profiles()
    costs = optimum.ExpansionCosts(
        discount_rate=0.08,
        solar_usd_per_mw=800e3, solar_usd_per_mw_year=12e3, solar_years=25,
        dg_usd_per_mw=400e3, dg_usd_per_mw_year=10e3, dg_years=20, dg_usd_per_mwh=250,
        bess_usd_per_mwh=220e3, bess_usd_per_mw=150e3, bess_usd_per_mw_year=20e3, bess_years=15,
    )  # fmt: skip

    found = optimum.expand(load, solar / _PROFILE_SOLAR_MW, costs, duration_h=4.0, efficiency=0.87)

    assert found.annual_cost_usd == pytest.approx(expected["annual_cost"], rel=within)
    assert found.solar_mw == pytest.approx(expected["pv_mw"], rel=within)
    assert found.dg_mw == pytest.approx(expected["dg_mw"], rel=within)
    assert found.bess_mw == pytest.approx(expected["bess_mw"], rel=within)
