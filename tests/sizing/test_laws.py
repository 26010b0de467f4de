"""Laws that hold for every plant, template and mode: checked here from the columns, by other code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import plants, template_numbers

import plain_python
from afterbay.sizing import SimulationParams, run_simulation
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row, hours_of_day
from afterbay.sizing.simulation import HourlyResults
from afterbay.sizing.sweep import run_rows
from afterbay.sizing.templates import DISPATCH_TEMPLATES, Template

_RUNS = settings(max_examples=200, deadline=None)


def _scale(params: SimulationParams) -> float:
    peaks = (params.load_mw.max(), params.solar_mw.max(), params.bess_capacity, params.dg_rating_mw)
    return max(1.0, *(float(peak) for peak in peaks))


@_RUNS
@given(plants(), template_numbers)
def test_every_node_balances_in_every_step(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    close = 1e-9 * _scale(params)
    served = run.solar_to_load + run.bess_to_load + run.dg_to_load
    assert np.abs(run.load - served - run.unserved).max() <= close
    assert np.abs(run.solar - run.solar_to_load - run.solar_to_bess - run.solar_curtailed).max() <= close
    assert np.abs(run.dg_output_mw - run.dg_to_load - run.dg_to_bess - run.dg_curtailed).max() <= close


@_RUNS
@given(plants(), template_numbers)
def test_stored_energy_changes_only_by_what_goes_in_and_out(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    eta = np.sqrt(params.bess_efficiency)
    into = (run.solar_to_bess + run.dg_to_bess) * params.dt_h * eta
    out = run.bess_to_load * params.dt_h / eta
    start = params.bess_capacity * params.bess_initial_soc
    expected = start + np.cumsum(into - out - run.bess_standing_loss)
    assert np.abs(run.soc - expected).max() <= 1e-9 * _scale(params) * len(run)


@_RUNS
@given(plants(), template_numbers)
def test_no_bound_is_crossed(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    close = 1e-9 * _scale(params)
    assert run.soc.min() >= params.bess_capacity * params.bess_min_soc - close
    assert run.soc.max() <= params.bess_capacity * params.bess_max_soc + close
    assert (run.solar_to_bess + run.dg_to_bess).max() <= params.bess_charge_power + close
    assert run.bess_to_load.max() <= params.bess_discharge_power + close
    assert run.dg_output_mw.max() <= params.dg_rating_mw + close
    for name in at.FLOWS:
        assert getattr(run, name).min() >= 0.0, name


@_RUNS
@given(plants(), template_numbers)
def test_the_battery_never_charges_and_discharges_in_one_step(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    stored = run.solar_to_bess + run.dg_to_bess
    assert not np.any((stored > 0.0) & (run.bess_to_load > 0.0))


@_RUNS
@given(plants(), template_numbers)
def test_the_cycle_limit_is_never_overshot(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    if params.enforced_cycle_limit is not None and params.bess_capacity > 0.0:
        usable = params.bess_capacity * (params.bess_max_soc - params.bess_min_soc)
        per_day = np.bincount(run.day - 1, weights=run.bess_to_load * params.dt_h) / usable
        assert per_day.max() <= params.enforced_cycle_limit * (1.0 + 1e-9) + 1e-9


@_RUNS
@given(plants(), template_numbers)
def test_a_generator_at_rest_gives_and_burns_nothing(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    off = ~run.dg_running
    assert not run.dg_output_mw[off].any()
    assert not run.dg_fuel_consumed[off].any()
    if number == 0 or params.dg_rating_mw == 0.0:
        assert off.all()
    if not params.dg_fuel_curve_enabled:
        burnt = run.dg_output_mw * params.dt_h * 1000.0 * params.dg_fuel_flat_rate
        np.testing.assert_allclose(run.dg_fuel_consumed, burnt, rtol=1e-12, atol=1e-12)


@_RUNS
@given(plants(dg_operating_mode="variable"), template_numbers)
def test_a_variable_generator_stays_above_its_least_load(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    on = run.dg_output_mw[run.dg_running]
    if on.size:
        assert on.min() >= params.dg_min_load * params.dg_rating_mw - 1e-9


@_RUNS
@given(plants(binary_delivery=True), template_numbers)
def test_binary_delivery_serves_a_step_whole_or_not_at_all(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    withheld = run.unserved > 0.001
    served = run.solar_to_load + run.bess_to_load + run.dg_to_load
    assert not served[withheld].any()
    assert not run.dg_running[withheld].any()
    assert not run.bess_to_load[withheld].any()


@_RUNS
@given(plants(), template_numbers)
def test_energy_of_the_generator_in_the_battery_is_part_of_the_energy(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    assert np.all(run.soc_from_dg <= run.soc + 1e-9 * _scale(params))
    assert np.all(run.bess_to_load_from_dg <= run.bess_to_load + 1e-12)
    if not run.dg_to_bess.any():
        assert not run.soc_from_dg.any()
        assert not run.bess_to_load_from_dg.any()


@settings(max_examples=25, deadline=None)
@given(plants(), template_numbers)
def test_compiled_and_plain_python_give_the_same_bits(params: SimulationParams, number: int) -> None:
    short = replace(params, load_profile=params.load_mw[:300], solar_profile=params.solar_mw[:300])
    run = run_simulation(short, number)
    case = case_row(short, DISPATCH_TEMPLATES[number])
    flows = np.zeros((short.steps, len(at.FLOWS)))
    codes = np.zeros((short.steps, len(at.CODES)), dtype=np.int8)
    totals = np.zeros(len(at.TOTALS))

    plain_python.sizing_kernels().dispatch(
        case, short.load_mw, short.solar_mw, hours_of_day(short.dt_h), flows, codes, totals, True
    )

    for index, name in enumerate(at.FLOWS):
        assert flows[:, index].tobytes() == getattr(run, name).tobytes(), name
    assert codes.tobytes() == run.steps_as_arrays()[1].tobytes()
    assert totals.tobytes() == run.totals.tobytes()


def _cases(seed: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    load, solar = rng.uniform(0, 30, 24 * 20), np.clip(rng.normal(10, 20, 24 * 20), 0, None)
    rows = [
        case_row(
            SimulationParams(
                load_profile=load,
                solar_profile=solar,
                bess_capacity=float(rng.uniform(0, 200)),
                bess_charge_power=30.0,
                bess_discharge_power=30.0,
                dg_capacity=float(rng.uniform(0, 40)),
                dg_takeover_mode=bool(rng.integers(2)),
                binary_delivery=bool(rng.integers(2)),
            ),
            DISPATCH_TEMPLATES[int(rng.integers(7))],
        )
        for _ in range(count)
    ]
    return np.array(rows), load, solar


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 130))
def test_results_do_not_depend_on_order_batching_or_threads(seed: int, count: int) -> None:
    cases, load, solar = _cases(seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)

    straight, _ = run_rows(cases, load, solar, 1.0, jobs=1)
    threaded, _ = run_rows(cases, load, solar, 1.0, jobs=4)
    shuffled, _ = run_rows(cases[order], load, solar, 1.0, jobs=2)
    alone = np.concatenate([run_rows(case[np.newaxis], load, solar, 1.0)[0] for case in cases])

    assert threaded.tobytes() == straight.tobytes()
    assert shuffled.tobytes() == straight[order].tobytes()
    assert alone.tobytes() == straight.tobytes()


@settings(max_examples=100, deadline=None)
@given(plants(bess_standing_loss_per_h=0.0, bess_daily_cycle_limit=None, binary_delivery=False), st.floats(1.0, 3.0))
def test_a_larger_battery_never_serves_less_without_a_generator(params: SimulationParams, factor: float) -> None:
    # Energy and both powers grow together; the start is the floor, so that no energy is given away with it.
    small = replace(params, bess_initial_soc=params.bess_min_soc)
    large = replace(
        small,
        bess_capacity=small.bess_capacity * factor,
        bess_charge_power=small.bess_charge_power * factor,
        bess_discharge_power=small.bess_discharge_power * factor,
    )

    served_small = run_simulation(small, 0).unserved.sum()
    served_large = run_simulation(large, 0).unserved.sum()

    assert served_large <= served_small + 1e-9 * _scale(large) * params.steps


def _deficit_anytime() -> Template:
    return Template(name="T1 by another name", window="always", trigger="deficit", order="if_dg_first")


@settings(max_examples=50, deadline=None)
@given(plants())
def test_a_template_is_its_data_not_its_number(params: SimulationParams) -> None:
    ours: HourlyResults = run_simulation(params, 1)

    theirs = run_simulation(params, _deficit_anytime())

    assert ours.totals.tobytes() == theirs.totals.tobytes()
