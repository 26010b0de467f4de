"""The bound: no rule passes it, its dispatch is one that the plant could run, its errors are sentences."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from plants_by_hand import plain
from strategies import plants, template_numbers

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.sizing import SimulationParams, calculate_metrics, run_simulation
from afterbay.sizing.optimum.lp import Bound, bound

pytest.importorskip("highspy", reason="the bound needs the solver of the extra 'optimum'")

_RUNS = settings(max_examples=100, deadline=None)
_PRICES: dict[str, Any] = {"unserved_usd_per_mwh": 2000.0, "fuel_usd_per_mwh": 250.0}


def _close(params: SimulationParams) -> float:
    """Rounding of the solver, for sums over the horizon [MWh]."""
    return 1e-6 * max(1.0, float(params.load_mw.sum()) * params.dt_h)


@_RUNS
@given(plants(), template_numbers)
def test_no_rule_serves_more_energy_than_the_bound(params: SimulationParams, number: int) -> None:
    rule = calculate_metrics(run_simulation(params, number), params)

    assert rule.total_energy_delivered <= bound(params).value + _close(params)


@_RUNS
@given(plants(), template_numbers)
def test_no_rule_serves_more_whole_hours_than_the_bound(params: SimulationParams, number: int) -> None:
    rule = calculate_metrics(run_simulation(params, number), params)

    assert rule.hours_full_delivery <= bound(params, objective="hours_served").value + 1e-6


@_RUNS
@given(plants(), template_numbers)
def test_no_rule_costs_less_than_the_bound(params: SimulationParams, number: int) -> None:
    rule = calculate_metrics(run_simulation(params, number), params)

    cost = _PRICES["unserved_usd_per_mwh"] * rule.total_unserved
    cost += _PRICES["fuel_usd_per_mwh"] * rule.total_dg_generation
    assert bound(params, objective="cost", **_PRICES).value <= cost + 2000.0 * _close(params)


@_RUNS
@given(plants())
def test_the_dispatch_of_a_bound_balances_and_keeps_every_rating(params: SimulationParams) -> None:
    found = bound(params)

    flow = found.columns
    close = 1e-6 * max(1.0, *(float(column.max()) for column in flow.values()))
    stored = flow["solar_to_bess"] + flow["dg_to_bess"]
    into_load = flow["solar_to_load"] + flow["bess_to_load"] + flow["dg_to_load"]
    assert np.abs(flow["load"] - into_load - flow["unserved"]).max() <= close
    sun = flow["solar_to_load"] + flow["solar_to_bess"] + flow["solar_curtailed"]
    assert np.abs(flow["solar"] - sun).max() <= close
    assert np.abs(flow["dg_output_mw"] - flow["dg_to_load"] - flow["dg_to_bess"]).max() <= close
    assert min(float(column.min()) for column in flow.values()) >= -close
    assert stored.max() <= params.bess_charge_power + close
    assert flow["bess_to_load"].max() <= params.bess_discharge_power + close
    assert flow["dg_output_mw"].max() <= params.dg_rating_mw + close
    assert flow["soc"].max() <= params.bess_capacity * params.bess_max_soc + close
    assert flow["soc"].min() >= params.bess_capacity * params.bess_min_soc - close
    if not params.dg_charges_bess:
        assert flow["dg_to_bess"].max() <= close


@_RUNS
@given(plants())
def test_no_energy_appears_in_the_cells_and_no_day_passes_its_cycles(params: SimulationParams) -> None:
    flow = bound(params).columns

    eta = np.sqrt(params.bess_efficiency)
    before = np.concatenate([[params.bess_capacity * params.bess_initial_soc], flow["soc"][:-1]])
    into = (flow["solar_to_bess"] + flow["dg_to_bess"]) * params.dt_h * eta
    lost = before + into - flow["bess_to_load"] * params.dt_h / eta - flow["soc"]
    close = 1e-6 * max(1.0, params.bess_capacity)
    assert lost.min() >= -close
    # What leaks is at most the stated share of what is held.
    assert (lost - params.bess_standing_loss_per_h * params.dt_h * (before + into)).max() <= close
    if params.enforced_cycle_limit is not None:
        per_day = round(24 / params.dt_h)
        starts = np.arange(0, params.steps, per_day)
        daily = np.add.reduceat(flow["bess_to_load"], starts) * params.dt_h
        assert daily.max() <= params.enforced_cycle_limit * params.usable_mwh + close


@_RUNS
@given(plants())
def test_the_shown_dispatch_reaches_the_bound(params: SimulationParams) -> None:
    found = bound(params)

    assert found.energy_served_mwh == pytest.approx(found.value, abs=_close(params))
    assert found.energy_served_mwh + found.unserved_mwh == pytest.approx(
        float(params.load_mw.sum()) * params.dt_h, abs=_close(params)
    )


def test_energy_comes_first_and_then_the_least_generation() -> None:
    # 20 MWh of sun, 30 MWh of load: the generator is needed for 10 MWh and no more.
    params = plain(
        [0.0, 10.0, 10.0, 10.0], [20.0, 0.0, 0.0, 0.0], bess_capacity=20.0, bess_charge_power=20.0, dg_capacity=10.0
    )

    found = bound(params)

    assert found.value == pytest.approx(30.0)
    assert found.generator_mwh == pytest.approx(10.0)
    assert found.solar_curtailed_mwh == pytest.approx(0.0, abs=1e-9)


def test_foresight_shares_a_daily_cycle_and_counts_parts_of_hours() -> None:
    # One cycle is 10 MWh; 15 MWh of load in hours of 10 MW and 5 MW leave 5 MWh unserved.
    params = plain([10.0, 5.0], bess_initial_soc=1.0, bess_daily_cycle_limit=1.0)

    assert bound(params).value == pytest.approx(10.0)
    # The whole hour of 5 MW and half of the hour of 10 MW.
    assert bound(params, objective="hours_served").value == pytest.approx(1.5, abs=1e-3)


def test_a_cyclic_battery_gives_back_what_it_takes() -> None:
    params = plain([10.0, 0.0], [0.0, 30.0], bess_efficiency=0.81, bess_initial_soc=1.0)

    found = bound(params, objective="cost", cyclic=True, **_PRICES)

    charged, given = found.columns["solar_to_bess"].sum(), found.columns["bess_to_load"].sum()
    assert given == pytest.approx(0.81 * charged)
    assert found.unserved_mwh == pytest.approx(10.0 - 0.81 * 10.0)
    assert found.value == pytest.approx(3800.0)
    assert found.lines()[0] == "No dispatch that closes its cycle costs less than 3,800 USD with this plant."


def test_the_cheaper_of_fuel_and_missing_load_is_chosen() -> None:
    params = plain([10.0] * 3, bess_capacity=0.0, dg_capacity=10.0)

    burns = bound(params, objective="cost", unserved_usd_per_mwh=300.0, fuel_usd_per_mwh=200.0)
    misses = bound(params, objective="cost", unserved_usd_per_mwh=100.0, fuel_usd_per_mwh=200.0)

    assert [burns.value, burns.unserved_mwh] == pytest.approx([6000.0, 0.0])
    assert [misses.value, misses.generator_mwh] == pytest.approx([3000.0, 0.0])


@pytest.mark.parametrize("objective", ["energy_served", "hours_served", "cost"])
@pytest.mark.parametrize(
    "changes",
    [
        {"load_profile": [0.0] * 30, "solar_profile": [5.0] * 30},
        {"load_profile": [0.0] * 30, "solar_profile": [0.0] * 30},
        {"load_profile": [4.0], "solar_profile": [1.0]},
        {"load_profile": [4.0] * 30, "solar_profile": [0.0] * 30, "bess_capacity": 0.0},
    ],
    ids=["no load", "nothing at all", "one step", "no battery"],
)
def test_a_plant_with_something_missing_has_a_bound(objective: Any, changes: dict[str, Any]) -> None:
    params = plain([0.0], bess_initial_soc=0.0)
    params = SimulationParams(**{**{name: getattr(params, name) for name in params.__dataclass_fields__}, **changes})
    prices = _PRICES if objective == "cost" else {}

    for cyclic in (False, True):
        found = bound(params, objective=objective, cyclic=cyclic, **prices)
        assert found.status == "Optimal"
        assert 0.0 <= found.energy_served_mwh <= float(params.load_mw.sum()) + 1e-6


def test_the_size_of_the_plant_does_not_matter_to_the_solver() -> None:
    def served(scale: float) -> float:
        hours = np.arange(72)
        sun = np.clip(np.sin((hours % 24 - 6) / 12 * np.pi), 0.0, None) * 40.0 * scale
        return (
            bound(
                SimulationParams(
                    load_profile=np.full(72, 10.0 * scale),
                    solar_profile=sun,
                    bess_capacity=40.0 * scale,
                    bess_charge_power=15.0 * scale,
                    bess_discharge_power=15.0 * scale,
                )
            ).value
            / scale
        )

    assert served(1e-6) == pytest.approx(served(1.0), rel=1e-9)
    assert served(1e6) == pytest.approx(served(1.0), rel=1e-9)


def test_a_bound_reads_as_sentences_and_as_plain_values() -> None:
    found: Bound = bound(plain([10.0, 5.0], bess_initial_soc=1.0))

    assert found.lines()[0] == "No rule serves more than 10.0 MWh with this plant."
    shown = found.to_dict()
    assert shown["value"] == pytest.approx(10.0)
    assert shown["unit"] == "MWh"
    assert "columns" not in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"objective": "profit"}, {"objective"}),
        ({"objective": "cost"}, {"unserved_usd_per_mwh", "fuel_usd_per_mwh"}),
        ({"objective": "cost", "unserved_usd_per_mwh": -1.0, "fuel_usd_per_mwh": float("nan")},
         {"unserved_usd_per_mwh", "fuel_usd_per_mwh"}),
        ({"fuel_usd_per_mwh": 250.0}, {"fuel_usd_per_mwh"}),
        ({"cyclic": 1, "time_limit_s": 0.0}, {"cyclic", "time_limit_s"}),
    ],
)  # fmt: skip
def test_every_wrong_argument_is_named(arguments: dict[str, Any], named: set[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        bound(plain([1.0]), **arguments)

    assert {problem.where for problem in caught.value.problems} == named


def test_a_missing_solver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[optimum\]"):
        bound(plain([1.0]))
