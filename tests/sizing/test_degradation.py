"""The laws of the ageing estimate, and what it says about unusable input."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError, OutOfRangeError
from afterbay.sizing.degradation import (
    DegradationConfig,
    calculate_degradation,
    calendar_loss_pct,
    cycle_counter,
    stress_factor,
)

_DAY = [20.0] * 8 + [30.0, 40.0, 50.0, 60.0, 70.0, 70.0, 70.0, 70.0, 60.0, 50.0, 40.0, 30.0] + [20.0] * 4


def test_a_cycle_costs_what_its_depth_says() -> None:
    config = DegradationConfig(cycle_fraction_per_cycle=0.0001)

    found = calculate_degradation([10.0, 90.0, 10.0], config)

    assert found.total_cycles_simple == 1.0
    assert found.equivalent_full_cycles == pytest.approx(1.0)
    assert found.cycle_degradation_pct == pytest.approx(0.01)
    assert found.dod_distribution == {"0-20%": 0.0, "20-40%": 0.0, "40-60%": 0.0, "60-80%": 0.0, "80-100%": 1.0}


def test_throughput_counts_energy_whatever_the_depth() -> None:
    small = calculate_degradation([40.0, 60.0] * 5 + [40.0], DegradationConfig(use_rainflow=False))
    large = calculate_degradation([0.0, 100.0, 0.0], DegradationConfig(use_rainflow=False))

    assert small.equivalent_full_cycles == pytest.approx(large.equivalent_full_cycles) == pytest.approx(1.0)
    assert not small.dod_distribution


@pytest.mark.parametrize("dt_h", [0.25, 0.5, 1.0])
def test_the_length_of_a_step_moves_time_and_not_cycles(dt_h: float) -> None:
    hourly = calculate_degradation(np.tile(_DAY, 30), DegradationConfig())
    finer = calculate_degradation(np.repeat(np.tile(_DAY, 30), round(1.0 / dt_h)), DegradationConfig(), dt_h=dt_h)

    assert finer.equivalent_full_cycles == pytest.approx(hourly.equivalent_full_cycles)
    assert finer.total_degradation_pct == pytest.approx(hourly.total_degradation_pct)
    assert finer.years == pytest.approx(30.0 * 24.0 / 8760.0)


def test_calendar_ageing_grows_with_charge_time_and_heat() -> None:
    assert calendar_loss_pct(1.0, 80.0) > calendar_loss_pct(1.0, 50.0) > calendar_loss_pct(0.5, 50.0)
    assert calendar_loss_pct(1.0, 50.0, temperature_c=35.0) / calendar_loss_pct(1.0, 50.0) == pytest.approx(
        1.763, abs=0.001
    )
    assert calendar_loss_pct(1.0, 50.0, temperature_c=15.0) < calendar_loss_pct(1.0, 50.0)


def test_a_warm_summer_costs_more_than_a_cold_winter_saves() -> None:
    swinging = 25.0 + 15.0 * np.sin(np.arange(8760) / 8760.0 * 2.0 * np.pi)

    assert calendar_loss_pct(1.0, 50.0, temperature_c=swinging) > calendar_loss_pct(1.0, 50.0)


def test_temperature_leaves_cycle_ageing_alone() -> None:
    cool, warm = (calculate_degradation(_DAY, temperature_c=degrees) for degrees in (25.0, np.full(24, 40.0)))

    assert warm.cycle_degradation_pct == cool.cycle_degradation_pct
    assert warm.calendar_degradation_pct > cool.calendar_degradation_pct


def test_the_larger_loss_counts_alone_when_asked() -> None:
    both = calculate_degradation(_DAY, DegradationConfig(combine="max"))

    assert both.total_degradation_pct == max(both.cycle_degradation_pct, both.calendar_degradation_pct)


def test_without_calendar_ageing_only_cycles_count() -> None:
    found = calculate_degradation(_DAY, DegradationConfig(include_calendar=False))

    assert found.calendar_degradation_pct == 0.0
    assert found.total_degradation_pct == found.cycle_degradation_pct > 0.0


def test_a_stress_table_is_straight_between_and_level_beyond_its_points() -> None:
    config = DegradationConfig(stress_by_depth_pct={80: 1.0, 20: 0.4})

    assert [stress_factor(depth, config) for depth in (0.0, 20.0, 50.0, 80.0, 100.0)] == pytest.approx(
        [0.4, 0.4, 0.7, 1.0, 1.0]
    )


def test_a_loss_that_no_tested_cell_shows_is_doubted() -> None:
    doubted = calculate_degradation(np.tile(_DAY, 365))
    believed = calculate_degradation(np.tile(_DAY, 365), DegradationConfig(cycle_fraction_per_cycle=0.00003))

    assert "tested cells" in doubted.warnings[0]
    assert not believed.warnings


def test_a_result_is_plain_data() -> None:
    found = calculate_degradation(_DAY)

    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert pickle.loads(pickle.dumps(found)) == found
    assert pickle.loads(pickle.dumps(DegradationConfig())) == DegradationConfig()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"calendar_fraction_per_year": 2.0}, "calendar_fraction_per_year"),
        ({"cycle_fraction_per_cycle": -0.1}, "cycle_fraction_per_cycle"),
        ({"stress_by_depth_pct": {}}, "stress_by_depth_pct"),
        ({"stress_by_depth_pct": {120.0: 1.0}}, r"stress_by_depth_pct\[120\]"),
        ({"stress_by_depth_pct": {50.0: float("nan")}}, r"stress_by_depth_pct\[50\]"),
        ({"stress_by_depth_pct": {float("nan"): 1.0}}, "stress_by_depth_pct"),
        ({"stress_by_depth_pct": {"deep": 1.0}}, "stress_by_depth_pct"),
        ({"stress_by_depth_pct": [1.0]}, "stress_by_depth_pct"),
        ({"stress_by_depth_pct": {float(depth): 1.0 for depth in range(17)}}, "17 points"),
        ({"use_rainflow": "yes"}, "use_rainflow"),
        ({"combine": "additive"}, "combine"),
        ({"strategy": "none"}, "strategy"),
        ({"overbuild_fraction": 20.0}, "overbuild_fraction"),
        ({"augmentation_year": 0}, "augmentation_year"),
        ({"augmentation_year": 8.0}, "augmentation_year"),
        ({"reference_temperature_c": 300.0}, "reference_temperature_c"),
        ({"activation_energy_kj_per_mol": 43_300.0}, "activation_energy_kj_per_mol"),
        ({"half_cycles_above_pct": -1.0}, "half_cycles_above_pct"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        DegradationConfig(**changes)


@pytest.mark.parametrize(
    ("soc", "options", "named"),
    [
        ([0.5, 0.9], {}, "did you mean 90 %"),
        ([50.0, 101.0], {}, "101 at step 1"),
        ([50.0, float("nan")], {}, "nan at step 1"),
        ([[50.0]], {}, "one dimension"),
        ("full", {}, "soc_pct"),
        ([50.0], {"dt_h": 0.0}, "dt_h"),
        ([50.0], {"dt_h": True}, "dt_h"),
        ([50.0], {"period_h": float("inf")}, "period_h"),
        ([50.0], {"temperature_c": 298.15}, "temperature_c"),
        ([50.0, 60.0], {"temperature_c": [25.0] * 3}, "temperature_c"),
        ([50.0], {"temperature_c": "warm"}, "temperature_c"),
    ],
)
def test_a_history_that_cannot_be_used_is_refused_by_name(soc: Any, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        calculate_degradation(soc, **options)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        calculate_degradation([150.0], dt_h=-1.0, temperature_c=1000.0)

    assert [problem.where for problem in caught.value.problems] == ["soc_pct", "temperature_c", "dt_h"]


def test_a_stack_too_small_to_count_with_is_refused() -> None:
    with pytest.raises(OutOfRangeError, match="stack_depth"):
        cycle_counter(DegradationConfig(), 3)
