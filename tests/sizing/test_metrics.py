from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from plants_by_hand import plain
from strategies import plants, template_numbers

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import SimulationParams, calculate_metrics, run_simulation


@settings(max_examples=100, deadline=None)
@given(plants(), template_numbers)
def test_metrics_agree_with_sums_over_the_columns(params: SimulationParams, number: int) -> None:
    run = run_simulation(params, number)

    metrics = calculate_metrics(run, params)

    dt_h = params.dt_h
    with_load = run.load > 0.0
    full = with_load & (run.unserved < 0.001)
    assert metrics.total_load == pytest.approx(run.load.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.total_unserved == pytest.approx(run.unserved.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.total_dg_generation == pytest.approx(run.dg_output_mw.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.hours_with_load == pytest.approx(with_load.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.hours_full_delivery == pytest.approx(full.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.green_hours == pytest.approx((full & ~run.dg_running).sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.dg_runtime_hours == pytest.approx(run.dg_running.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.dg_starts == int((run.dg_running & ~np.r_[False, run.dg_running[:-1]]).sum())
    assert metrics.hours_bess_assisted == pytest.approx(run.bess_assisted.sum() * dt_h, rel=1e-9, abs=1e-6)
    assert metrics.total_fuel_consumed == pytest.approx(run.dg_fuel_consumed.sum(), rel=1e-9, abs=1e-6)
    assert metrics.final_soc == run.soc[-1]


@settings(max_examples=100, deadline=None)
@given(plants(), template_numbers)
def test_the_energy_of_a_run_adds_up(params: SimulationParams, number: int) -> None:
    metrics = calculate_metrics(run_simulation(params, number), params)

    start = params.bess_capacity * params.bess_initial_soc
    sources = metrics.total_solar_generation + metrics.total_dg_generation + start - metrics.final_soc
    uses = metrics.total_energy_delivered + metrics.total_solar_curtailed + metrics.total_dg_curtailed
    assert sources == pytest.approx(uses + metrics.total_bess_losses, rel=1e-9, abs=1e-6)
    delivered_or_not = metrics.total_energy_delivered + metrics.total_unserved
    assert metrics.total_load == pytest.approx(delivered_or_not, rel=1e-9, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(plants(), template_numbers)
def test_every_share_is_a_share(params: SimulationParams, number: int) -> None:
    metrics = calculate_metrics(run_simulation(params, number), params).to_dict()

    for name, value in metrics.items():
        if "pct" in name:
            assert -1e-9 <= value <= 100.0 + 1e-9, name
    assert metrics["pct_green_energy_by_origin"] <= metrics["pct_green_energy"] + 1e-9


def test_without_load_delivery_is_complete_and_without_sun_nothing_is_curtailed() -> None:
    params = plain([0.0] * 24)

    metrics = calculate_metrics(run_simulation(params, 0), params)

    assert metrics.delivery_pct == 100.0
    assert metrics.pct_green_delivery == 100.0
    assert metrics.pct_solar_curtailed == 0.0


def test_march_to_october_counts_days_60_to_304() -> None:
    params = plain([1.0] * 8760, [1.0] * 8760)

    metrics = calculate_metrics(run_simulation(params, 0), params)

    assert metrics.hours_full_delivery_mar_oct == (304 - 60 + 1) * 24


def test_windows_are_counted_whatever_the_template() -> None:
    params = plain(
        [5.0] * 24,
        dg_capacity=5.0,
        night_start_hour=22,
        night_end_hour=6,
        blackout_start_hour=0,
        blackout_end_hour=6,
    )

    metrics = calculate_metrics(run_simulation(params, 3), params)

    # T3 keeps still in the blackout (0 to 6 h); of the 8 night hours it runs in 22 and 23 h.
    assert metrics.blackout_delivery_pct == 0.0
    assert metrics.night_silent_pct == pytest.approx(75.0)


def test_the_dictionary_is_plain_json() -> None:
    params = plain([5.0] * 24, dg_capacity=5.0)

    metrics = calculate_metrics(run_simulation(params, 1), params)

    assert json.loads(json.dumps(metrics.to_dict()))["dg_starts"] == 1


def test_params_of_another_run_are_refused() -> None:
    params = plain([5.0] * 24)
    run = run_simulation(params, 0)

    for other in (plain([5.0] * 24, bess_capacity=20.0), plain([5.0] * 48), plain([4.0] * 24)):
        with pytest.raises(InvalidInputError, match="another run"):
            calculate_metrics(run, other)
