"""The schedule: real on the plant's own physics, near the bound where both model the same thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from plants_by_hand import plain
from strategies import plants

import plain_python
from afterbay.core.errors import InvalidInputError
from afterbay.sizing import SimulationParams
from afterbay.sizing import layout as at
from afterbay.sizing.optimum.dp import schedule
from afterbay.sizing.optimum.grid_kernels import midnight_values, replay
from afterbay.sizing.optimum.kernels import Plant
from afterbay.sizing.optimum.lp import bound

_RUNS = settings(max_examples=60, deadline=None)


@_RUNS
@given(plants())
def test_a_schedule_keeps_every_law_of_physics(params: SimulationParams) -> None:
    for objective in ("hours_served", "energy_served"):
        found = schedule(params, objective=objective, levels=20)

        assert found.physics.passed
        assert found.energy_served_mwh + found.unserved_mwh == pytest.approx(
            float(params.load_mw.sum()) * params.dt_h, abs=1e-6
        )
        assert found.columns["soc"].shape == (params.steps,)


@_RUNS
@given(plants())
def test_a_schedule_never_passes_the_bound(params: SimulationParams) -> None:
    pytest.importorskip("highspy", reason="the bound needs the solver of the extra 'optimum'")
    close = 1e-6 * max(1.0, float(params.load_mw.sum()) * params.dt_h)

    for objective in ("hours_served", "energy_served"):
        found = schedule(params, objective=objective, levels=20)
        hours = bound(params, objective="hours_served").value
        assert found.hours_served <= hours + 1e-6
        assert found.energy_served_mwh <= bound(params).value + close


@_RUNS
@given(plants(dg_operating_mode="variable"))
def test_a_running_generator_keeps_its_minimum_load(params: SimulationParams) -> None:
    output = schedule(params, levels=20).columns["dg_output_mw"]

    least = params.dg_min_load * params.dg_rating_mw
    assert output[output > 0.0] == pytest.approx(np.clip(output[output > 0.0], least, params.dg_rating_mw))


@_RUNS
@given(plants(binary_delivery=True))
def test_all_or_nothing_serves_whole_steps_only(params: SimulationParams) -> None:
    flow = schedule(params, levels=20).columns

    whole = flow["unserved"] < at.TOLERANCE_MW
    assert (whole | (flow["unserved"] == flow["load"])).all()


def _plant_of_seed(seed: int) -> SimulationParams:
    """Return a plant that bound and schedule model alike: any output, parts of hours count, floor at 0."""
    rng = np.random.default_rng(seed)
    dt_h = float(rng.choice([1.0, 0.5]))
    steps = round(int(rng.integers(24, 120)) / dt_h)
    angle = np.arange(steps) * dt_h / 24.0 * 2.0 * np.pi
    sun = np.clip(-np.cos(angle), 0.0, None) * rng.uniform(10.0, 140.0)
    return SimulationParams(
        load_profile=rng.uniform(5.0, 40.0, steps) * (rng.random(steps) > 0.1),
        solar_profile=sun * rng.uniform(0.2, 1.0, steps),
        bess_capacity=rng.uniform(5.0, 300.0),
        bess_charge_power=rng.uniform(1.0, 80.0),
        bess_discharge_power=rng.uniform(1.0, 80.0),
        bess_efficiency=rng.uniform(0.5, 1.0),
        bess_min_soc=0.0,
        bess_max_soc=rng.uniform(0.6, 1.0),
        bess_initial_soc=rng.uniform(0.0, 0.6),
        bess_standing_loss_per_h=float(rng.choice([0.0, 1e-4, 0.01])),
        bess_daily_cycle_limit=[None, 0.3, 1.0][int(rng.integers(3))],
        dg_capacity=float(rng.choice([0.0, rng.uniform(1.0, 30.0)])),
        dg_charges_bess=bool(rng.integers(2)),
        dg_operating_mode="variable",
        dg_min_load=0.0,
        dt_h=dt_h,
    )


@pytest.mark.parametrize("seed", range(40))
def test_schedule_and_bound_agree_where_they_model_the_same_thing(seed: int) -> None:
    pytest.importorskip("highspy", reason="the bound needs the solver of the extra 'optimum'")
    params = _plant_of_seed(seed)

    found = schedule(params, objective="energy_served", start_cost_h=0.0)

    assert found.energy_served_mwh == pytest.approx(bound(params).value, rel=0.003)


def test_energy_is_kept_for_hours_that_it_can_serve_whole() -> None:
    # 10 MWh are stored. Served as they come they would go into the hour of 20 MW, which they cannot fill.
    params = plain([20.0, 5.0, 5.0], bess_initial_soc=1.0)

    found = schedule(params)

    assert found.hours_served == 2.0
    assert found.columns["unserved"] == pytest.approx([20.0, 0.0, 0.0], abs=1e-9)


def test_a_generator_starts_once_rather_than_twice_where_starts_cost() -> None:
    # Two hours need the generator; the hour between them could be served by the battery alone.
    load = [10.0, 2.0, 10.0]
    params = plain(load, bess_capacity=2.0, bess_initial_soc=1.0, dg_capacity=10.0)

    free, dear = schedule(params, start_cost_h=0.0), schedule(params, start_cost_h=0.5)

    assert free.hours_served == dear.hours_served == 3.0
    assert (free.generator_starts, free.generator_hours) == (2, 2.0)
    assert (dear.generator_starts, dear.generator_hours) == (1, 3.0)


def test_a_binary_generator_carries_the_load_while_the_sun_fills_the_battery() -> None:
    # The generator may not charge the battery, but it may set the sun free to do so.
    params = plain([10.0, 10.0], [10.0, 0.0], dg_capacity=6.0)

    found = schedule(params)

    assert found.hours_served == 2.0
    assert found.columns["solar_to_bess"] == pytest.approx([6.0, 0.0])
    assert found.columns["bess_to_load"][1] == pytest.approx(4.0)


def test_no_day_passes_its_cycle_allowance() -> None:
    params = plain([4.0] * 48, bess_capacity=100.0, bess_initial_soc=1.0, bess_daily_cycle_limit=0.2)

    found = schedule(params)

    # 20 MWh a day are five hours of 4 MW.
    assert found.hours_served == 10.0
    assert found.columns["daily_cycles"].max() == pytest.approx(0.2)


def test_the_grid_error_is_promise_less_replay() -> None:
    found = schedule(plain([20.0, 5.0, 5.0], bess_initial_soc=1.0), levels=11)

    assert found.grid_error == found.foreseen - found.achieved
    assert found.achieved == pytest.approx(2.0)
    # Every amount lies on the grid of 1 MWh, so the promise is exact.
    assert found.grid_error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("capacity", [0.0, 10.0])
def test_a_plant_without_load_has_a_schedule(capacity: float) -> None:
    found = schedule(plain([0.0] * 5, [3.0] * 5, bess_capacity=capacity))

    assert (found.hours_served, found.energy_served_mwh, found.grid_error) == (0.0, 0.0, 0.0)


def test_a_rule_of_windows_does_not_bind_a_schedule() -> None:
    params = plain([10.0], dg_capacity=10.0, dg_off_trigger="window_end")

    assert schedule(params).hours_served == 1.0


def test_a_schedule_reads_as_sentences_and_as_plain_values() -> None:
    found = schedule(plain([5.0, 5.0, 5.0], bess_initial_soc=1.0))

    assert found.lines()[0].startswith("With perfect foresight this plant can serve 2.0 h whole and 10.0 MWh")
    assert "grid error" in found.lines()[2]
    shown = found.to_dict()
    assert (shown["unit"], shown["hours_served"]) == ("h", 2.0)
    assert shown["physics"]["passed"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"objective": "cost"}, {"objective"}),
        ({"start_cost_h": -1.0, "levels": 1}, {"start_cost_h", "levels"}),
        ({"start_cost_h": float("inf"), "levels": 10.5}, {"start_cost_h", "levels"}),
    ],
)
def test_every_wrong_argument_is_named(arguments: dict[str, Any], named: set[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        schedule(plain([1.0]), **arguments)

    assert {problem.where for problem in caught.value.problems} == named


@pytest.mark.parametrize("allowance", [0.0, 20.0])
def test_compiled_and_plain_python_give_the_same_bits(allowance: float) -> None:
    plant = Plant(
        floor=5.0, ceiling=45.0, p_charge=12.0, p_discharge=15.0, eta=0.9, loss_per_h=0.01, allowance=allowance,
        usable=40.0, rating=6.0, least=2.0, dg_charges=1.0, binary=0.0, counts_hours=1.0, run_cost=1e-3,
        start_cost=0.01, fuel_per_rating_h=30.0, fuel_per_energy=220.0, dt_h=1.0,
    )  # fmt: skip
    rng = np.random.default_rng(11)
    load, sun = rng.uniform(0.0, 15.0, 30), rng.uniform(0.0, 20.0, 30)
    allowances = 1 if allowance == 0.0 else 4
    plain_kernels = plain_python.plain_copy("afterbay.sizing.optimum.grid_kernels")

    def run(backward: Any, forward: Any) -> tuple[Any, ...]:
        midnights = np.zeros((3, 2, 9))
        flows, codes = np.zeros((30, len(at.FLOWS))), np.zeros((30, len(at.CODES)), dtype=np.int8)
        backward(plant, load, sun, 24, allowances, midnights)
        brought = forward(plant, load, sun, 24, allowances, 20.0, midnights, flows, codes)
        return midnights, flows, codes, brought

    compiled, interpreted = run(midnight_values, replay), run(plain_kernels.midnight_values, plain_kernels.replay)

    for one, other in zip(compiled, interpreted, strict=True):
        assert np.array_equal(one, other)
