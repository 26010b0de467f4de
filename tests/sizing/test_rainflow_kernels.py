"""Counting cycles one value at a time: the standard's example, another implementation, and the laws."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import rainflow as reference
from numpy.typing import NDArray

from afterbay.core.compiled import njit
from afterbay.sizing import rainflow_kernels as rainflow
from afterbay.sizing.degradation import DegradationConfig, cycle_counter
from plain_python import plain_copy
from shared_data import shared_path

FloatArray = NDArray[np.float64]

_ALL = DegradationConfig(half_cycles_above_pct=0.0)


def _count(series: object, counter: FloatArray | None = None, kernels: Any = rainflow) -> FloatArray:
    counter = cycle_counter(_ALL) if counter is None else counter
    kernels.count_series(counter, np.asarray(series, dtype=np.float64))
    return counter[: rainflow.SUMS].copy()


def _reference_cycles(series: FloatArray) -> list[tuple[float, float]]:
    if len(series) == 2:  # The reference finds nothing in a series of two; one swing is half a cycle.
        return [(abs(float(series[1] - series[0])), 0.5)]
    return [(float(cycle[0]), float(cycle[2])) for cycle in reference.extract_cycles(series.tolist())]


def _reference_sums(series: FloatArray) -> FloatArray:
    sums = np.zeros(rainflow.SUMS)
    depths, factors = list(_ALL.stress_by_depth_pct), list(_ALL.stress_by_depth_pct.values())
    for swing, count in _reference_cycles(series):
        if swing > 0.0:
            sums[rainflow.COUNT] += count
            sums[rainflow.STRESS] += count * np.interp(swing, depths, factors)
            sums[rainflow.DEPTH] += count * swing
            sums[rainflow.FIRST_BIN + min(int(swing / 20.0), 4)] += count
    return sums


def _random_series(number: int) -> FloatArray:
    rng = np.random.default_rng(seed=number)
    length = number % 80
    kinds = [
        rng.uniform(0.0, 100.0, length),
        np.clip(50.0 + rng.normal(0.0, 12.0, length).cumsum(), 5.0, 95.0),
        rng.integers(0, 9, length) * 12.5,
        np.repeat(rng.integers(0, 101, length), rng.integers(1, 4, length)).astype(np.float64),
        50.0 + 40.0 * np.sin(np.arange(length) * 2.1) * 0.97 ** np.arange(length),
    ]
    return np.asarray(kinds[number // 80 % len(kinds)])


def test_the_example_of_the_standard_gives_its_cycles() -> None:
    cases = json.loads(shared_path("golden/sizing_oracles.json").read_text())["cases"]
    (case,) = [case for case in cases if case["id"] == "rainflow-astm"]

    for swing, expected in case["expected"]["range_count_pairs"]:
        # A table that is 1 at this range and 0 at every other range counts this range alone.
        hat = DegradationConfig(
            half_cycles_above_pct=0.0, stress_by_depth_pct={swing - 0.5: 0.0, swing: 1.0, swing + 0.5: 0.0}
        )
        assert _count(case["inputs"]["series"], cycle_counter(hat))[rainflow.STRESS] == expected


@pytest.mark.parametrize("batch", range(8))
def test_every_sum_equals_that_of_the_reference_package(batch: int) -> None:
    for number in range(batch * 500, (batch + 1) * 500):
        series = _random_series(number)

        assert _count(series) == pytest.approx(_reference_sums(series), rel=1e-12, abs=1e-9), number


def test_a_long_series_counts_range_by_range_as_the_reference_does() -> None:
    series = np.asarray(np.random.default_rng(seed=3).integers(0, 21, 5_000) * 5.0, dtype=np.float64)
    expected: dict[float, float] = {}
    for swing, count in _reference_cycles(series):
        expected[swing] = expected.get(swing, 0.0) + count

    for swing in range(5, 96, 5):
        hat = DegradationConfig(
            half_cycles_above_pct=0.0, stress_by_depth_pct={swing - 1.0: 0.0, swing: 1.0, swing + 1.0: 0.0}
        )
        assert _count(series, cycle_counter(hat))[rainflow.STRESS] == expected.get(float(swing), 0.0)


@pytest.mark.parametrize("series", [[], [50.0], [50.0, 50.0, 50.0]])
def test_without_movement_there_is_no_cycle(series: list[float]) -> None:
    assert not np.any(_count(series))


@pytest.mark.parametrize("series", [[10.0, 40.0], [10.0, 10.0, 40.0], [10.0, 20.0, 30.0, 40.0], [40.0, 25.0, 10.0]])
def test_one_movement_is_half_a_cycle(series: list[float]) -> None:
    counted = _count(series)

    assert counted[rainflow.COUNT] == 0.5
    assert counted[rainflow.DEPTH] == 15.0
    assert counted[rainflow.FIRST_BIN + 1] == 0.5


def test_a_plateau_changes_nothing() -> None:
    series = _random_series(79)

    assert _count(np.repeat(series, 5)).tolist() == _count(series).tolist()


@pytest.mark.parametrize("number", range(0, 4000, 97))
def test_counts_and_depths_hold_all_movement_and_bins_hold_all_cycles(number: int) -> None:
    series = _random_series(number)

    counted = _count(series)

    assert counted[rainflow.DEPTH] == pytest.approx(np.abs(np.diff(series)).sum() / 2.0)
    assert counted[rainflow.FIRST_BIN :].sum() == pytest.approx(counted[rainflow.COUNT])


def test_a_series_upside_down_has_the_same_cycles() -> None:
    series = _random_series(75).round(3)

    assert _count(100.0 - series) == pytest.approx(_count(series))


@pytest.mark.parametrize("number", range(0, 4000, 211))
def test_compiled_and_plain_python_give_the_same_bits(number: int) -> None:
    plain = plain_copy("afterbay.sizing.rainflow_kernels")
    compiled_counter, plain_counter = cycle_counter(_ALL, 6), cycle_counter(_ALL, 6)

    _count(_random_series(number), compiled_counter)
    _count(_random_series(number), plain_counter, plain)

    assert compiled_counter.tobytes() == plain_counter.tobytes()


@njit
def _push_each(counter: FloatArray, values: FloatArray) -> None:
    for index in range(values.shape[0]):
        rainflow.push(counter, values[index])


def test_a_compiled_loop_pushes_value_by_value() -> None:
    series = _random_series(479)
    counter = cycle_counter(_ALL)

    _push_each(counter, series)
    rainflow.finish(counter)

    assert counter[: rainflow.SUMS].tolist() == _count(series).tolist()


def test_a_counter_that_is_reset_counts_as_a_new_one() -> None:
    counter = cycle_counter(_ALL)
    _count(_random_series(70), counter)

    assert _count(_random_series(155), counter).tolist() == _count(_random_series(155)).tolist()


def _nested(points: int) -> FloatArray:
    """Swing ever less, in whole points: 0, 100, 1, 99, 2, ..."""
    series = np.arange(points) / 2.0
    series[1::2] = 100.0 - (np.arange(points)[1::2] - 1) / 2.0
    return series


def test_whole_points_of_charge_fit_the_stack_at_their_deepest_nesting() -> None:
    deepest = _nested(101)

    most = rainflow.count_series(cycle_counter(_ALL), deepest)

    assert most == 101 <= 100 + 2 < rainflow.STACK_DEPTH
    # What opens last closes first: a great swing at the end meets every open one.
    assert _count([*deepest, 100.0, 0.0]) == pytest.approx(_reference_sums(np.array([*deepest, 100.0, 0.0])))


@pytest.mark.parametrize("depth", [4, 5, 16, 128])
def test_a_stack_without_room_loses_no_movement(depth: int) -> None:
    series = 50.0 + 50.0 * 0.999 ** np.arange(3_000) * (-1.0) ** np.arange(3_000)
    counter = cycle_counter(_ALL, depth)

    counted = _count(series, counter)

    assert counted[rainflow.DEPTH] == pytest.approx(np.abs(np.diff(series)).sum() / 2.0)
    # This series only ever closes half cycles, so that even the counts are those of the reference.
    assert counted == pytest.approx(_reference_sums(series))


@pytest.mark.parametrize("number", range(0, 4000, 131))
def test_the_smallest_stack_still_holds_all_movement(number: int) -> None:
    series = _random_series(number)

    counted = _count(series, cycle_counter(_ALL, rainflow.LEAST_STACK_DEPTH))

    assert counted[rainflow.DEPTH] == pytest.approx(np.abs(np.diff(series)).sum() / 2.0)


def test_growing_swings_leave_two_points_open() -> None:
    series = 50.0 + 0.5 * np.arange(100) * (-1.0) ** np.arange(100)

    assert rainflow.count_series(cycle_counter(_ALL), series) == 2


def test_a_year_of_noise_needs_a_small_part_of_the_stack() -> None:
    noise = np.random.default_rng(seed=5).uniform(0.0, 100.0, 8_760)

    assert rainflow.count_series(cycle_counter(_ALL), noise) < rainflow.STACK_DEPTH / 3


def test_half_cycles_of_noise_are_left_out_and_full_ones_are_not() -> None:
    series = [50.01, 49.99] * 5
    careful = cycle_counter(DegradationConfig(half_cycles_above_pct=0.5))

    assert _count(series, careful)[rainflow.COUNT] == 4.0
    assert _count(series)[rainflow.COUNT] == 4.5
