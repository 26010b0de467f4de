"""Where we differ from the application that afterbay replaces, each rule with its reason (decisions 13 to 17)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plants_by_hand import block_sun, plain

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import calculate_metrics, explain, run_simulation


def test_takeover_needs_a_rating_that_covers_the_load() -> None:
    # The original let 5 MW serve 25 MW.
    params = plain([25.0] * 3, dg_capacity=5.0, dg_takeover_mode=True, bess_initial_soc=0.0)

    run = run_simulation(params, 1)

    assert run.dg_to_load.tolist() == [5.0, 5.0, 5.0]
    assert run.unserved.tolist() == [20.0, 20.0, 20.0]
    assert set(run.dg_mode) == {"NORMAL"}


def test_takeover_serves_the_whole_load_and_leaves_the_sun_to_the_battery() -> None:
    params = plain([25.0], [8.0], dg_capacity=30.0, dg_takeover_mode=True)

    run = run_simulation(params, 1)

    assert run.dg_mode.tolist() == ["TAKEOVER"]
    assert run.dg_to_load.tolist() == [25.0]
    assert run.solar_to_load.tolist() == [0.0]
    assert run.solar_to_bess.tolist() == [8.0]
    assert run.dg_curtailed.tolist() == [5.0]


def test_takeover_waits_while_sun_and_battery_can_carry_the_load() -> None:
    params = plain([12.0], [4.0], dg_capacity=30.0, dg_takeover_mode=True, bess_initial_soc=0.8)

    run = run_simulation(params, 1)

    assert not run.dg_running.any()
    assert run.bess_to_load.tolist() == [8.0]


def test_takeover_stays_inside_the_window_of_its_template() -> None:
    # The original ran the generator in blackout hours.
    params = plain([5.0] * 24, dg_capacity=10.0, dg_takeover_mode=True, blackout_start_hour=0, blackout_end_hour=12)

    run = run_simulation(params, 3)

    assert not run.dg_running[:12].any()
    assert run.dg_running[12:].all()
    assert run.is_blackout[:12].all()


def test_takeover_honours_the_cycle_lock() -> None:
    # The original counted on energy of a locked battery and left the load unserved beside an idle generator.
    params = plain([5.0] * 3, dg_capacity=10.0, dg_takeover_mode=True, bess_initial_soc=1.0, bess_daily_cycle_limit=0.5)

    run = run_simulation(params, 1)

    assert run.bess_to_load.tolist() == [5.0, 0.0, 0.0]
    assert run.dg_mode.tolist() == ["OFF", "TAKEOVER", "TAKEOVER"]
    assert not run.unserved.any()


def test_fuel_and_output_are_booked_in_every_running_hour_on_gross_output() -> None:
    params = plain([5.0] * 2, dg_capacity=10.0, dg_fuel_flat_rate=0.25)

    run = run_simulation(params, 4)

    assert run.dg_output_mw.tolist() == [10.0, 10.0]
    assert run.dg_curtailed.tolist() == [5.0, 5.0]
    assert run.dg_fuel_consumed.tolist() == [2500.0, 2500.0]


def test_the_fuel_curve_works_in_every_template() -> None:
    for number in range(1, 7):
        hours = [5.0] * 24
        params = plain(hours, dg_capacity=10.0, dg_fuel_curve_enabled=True, dg_fuel_f0=0.03, dg_fuel_f1=0.22)

        run = run_simulation(params, number)

        per_hour = 0.03 * 10_000 + 0.22 * 10_000
        assert run.dg_running.any()
        assert run.dg_fuel_consumed[run.dg_running].tolist() == pytest.approx([per_hour] * int(run.dg_running.sum()))


def test_the_crossing_hour_is_cut_to_the_cycle_allowance() -> None:
    params = plain([4.0] * 26, bess_initial_soc=1.0, bess_daily_cycle_limit=0.6)

    run = run_simulation(params, 0)

    assert run.bess_to_load[:3].tolist() == pytest.approx([4.0, 2.0, 0.0])
    assert run.daily_cycles[23] == pytest.approx(0.6)
    assert run.bess_disabled[1:24].all()
    # Midnight clears the lock; the energy that was kept serves the next day.
    assert run.bess_to_load[24] == pytest.approx(4.0)


def test_a_stated_limit_is_enforced_unless_the_flag_says_no() -> None:
    limited = plain([4.0] * 3, bess_initial_soc=1.0, bess_daily_cycle_limit=0.4)
    free = plain([4.0] * 3, bess_initial_soc=1.0, bess_daily_cycle_limit=0.4, bess_enforce_cycle_limit=False)

    assert run_simulation(limited, 0).bess_to_load.sum() == pytest.approx(4.0)
    assert run_simulation(free, 0).bess_to_load.sum() == pytest.approx(10.0)


@pytest.mark.parametrize("field", [{"bess_initial_soc": 0.99, "bess_max_soc": 0.9}, {"bess_daily_cycle_limit": 0}])
def test_what_once_made_energy_or_meant_nothing_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        plain([1.0], **field)


def test_the_residual_below_the_tolerance_is_booked_but_forgiven_by_the_hour() -> None:
    params = plain([1.0005], [1.0])

    run = run_simulation(params, 0)
    metrics = calculate_metrics(run, params)

    assert run.unserved[0] == pytest.approx(0.0005)
    assert metrics.total_unserved == pytest.approx(0.0005)
    assert metrics.delivery_pct == 100.0


def test_the_assist_flag_needs_a_battery_that_delivers() -> None:
    empty = plain([12.0], dg_capacity=10.0)
    charged = plain([12.0], dg_capacity=10.0, bess_initial_soc=0.2)

    assert run_simulation(empty, 4).bess_assisted.tolist() == [False]
    assert run_simulation(charged, 4).bess_assisted.tolist() == [True]


def test_a_variable_generator_follows_the_load_above_its_least_output() -> None:
    params = plain([1.0, 5.0, 12.0], dg_capacity=10.0, dg_operating_mode="variable", dg_min_load=0.3)

    run = run_simulation(params, 1)

    assert run.dg_output_mw.tolist() == [3.0, 5.0, 10.0]
    assert run.dg_curtailed.tolist() == [2.0, 0.0, 0.0]
    assert run.unserved.tolist() == [0.0, 0.0, 2.0]


def test_cycle_charging_runs_on_until_the_battery_reaches_its_mark() -> None:
    params = plain(
        [2.0] * 4,
        dg_capacity=10.0,
        dg_operating_mode="variable",
        dg_charges_bess=True,
        dg_min_load=0.1,
        cycle_charging_enabled=True,
        cycle_charging_min_load=0.6,
        cycle_charging_off_soc=0.8,
    )

    run = run_simulation(params, 1)

    # Started by the deficit, raised to 60 % of its rating; at or above 80 % it stops.
    assert run.dg_output_mw.tolist() == [6.0, 6.0, 0.0, 0.0]
    assert run.dg_to_bess.tolist() == [4.0, 4.0, 0.0, 0.0]
    assert run.cycle_charging.tolist() == [True, True, False, False]
    assert "gives more than that to charge the battery up to 80 %" in explain(run, 1)
    assert run.bess_to_load.tolist() == [0.0, 0.0, 2.0, 2.0]


def test_the_proactive_night_runs_from_its_first_hour_to_its_last() -> None:
    params = plain([5.0] * 24, dg_capacity=10.0, bess_initial_soc=1.0, dg_off_trigger="window_end")

    run = run_simulation(params, 2)

    at_night = (run.hour_of_day >= 18) | (run.hour_of_day < 6)
    np.testing.assert_array_equal(run.dg_running, at_night)


@pytest.mark.parametrize("number", [0, 1, 3, 4])
def test_a_window_run_is_refused_where_there_is_no_such_window(number: int) -> None:
    params = plain([5.0], dg_capacity=10.0, dg_off_trigger="window_end")

    with pytest.raises(InvalidInputError, match="T2, T5, T6"):
        run_simulation(params, number)


def test_generator_energy_in_the_battery_does_not_count_as_green() -> None:
    params = plain([0.0, 5.0], dg_capacity=10.0, dg_charges_bess=True, dg_soc_on_threshold=0.1)

    run = run_simulation(params, 4)
    metrics = calculate_metrics(run, params)

    # T4 starts at an empty battery, fills it with 10 MWh, and the battery serves the second hour.
    assert run.dg_to_bess.tolist() == [10.0, 0.0]
    assert run.bess_to_load.tolist() == [0.0, 5.0]
    assert metrics.pct_green_energy == 100.0
    assert metrics.pct_green_energy_by_origin == 0.0
    assert metrics.pct_green_energy_of_demand == 0.0


def test_binary_delivery_keeps_the_battery_for_a_load_it_can_serve_whole() -> None:
    params = plain([15.0, 8.0], [2.0, 0.0], bess_initial_soc=0.6, binary_delivery=True, dg_capacity=1.0)

    run = run_simulation(params, 1)

    # 2 + 6 + 1 MW cannot serve 15 MW: nothing is served, the sun is stored, no generator starts.
    assert run.unserved.tolist() == [15.0, 0.0]
    assert run.solar_to_bess.tolist() == [2.0, 0.0]
    assert run.dg_running.tolist() == [False, False]
    assert run.bess_to_load.tolist() == [0.0, 8.0]


@pytest.mark.parametrize(("bess_mwh", "delivery_pct"), [(40, 50.02), (80, 66.71), (120, 83.36), (160, 100.0)])
def test_block_sun_gives_what_arithmetic_gives(bess_mwh: float, delivery_pct: float) -> None:
    params = block_sun(bess_mwh)

    metrics = calculate_metrics(run_simulation(params, 0), params)

    assert round(metrics.delivery_pct, 2) == delivery_pct
    # 160 MWh a day are to spare; what the battery cannot hold of them is curtailed, of 240 MWh.
    assert metrics.pct_solar_curtailed == pytest.approx((160 - bess_mwh) / 240 * 100, abs=1e-9)


def test_a_mark_that_the_battery_cannot_reach_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="never stop"):
        plain(
            [1.0],
            bess_max_soc=0.7,
            dg_capacity=2.0,
            dg_charges_bess=True,
            dg_operating_mode="variable",
            cycle_charging_enabled=True,
        )
    with pytest.raises(InvalidInputError, match="never stop"):
        run_simulation(plain([1.0], bess_max_soc=0.7, dg_capacity=2.0), 4)
    assert len(run_simulation(plain([1.0], bess_max_soc=0.7, dg_capacity=2.0), 1)) == 1
