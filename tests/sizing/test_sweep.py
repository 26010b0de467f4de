from __future__ import annotations

import threading

import numpy as np
import pytest
from plants_by_hand import plain

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import SimulationParams, calculate_metrics, calculate_recommendations, run_simulation
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.sweep import params_of_size, sweep

_RNG = np.random.default_rng(11)
PARAMS = SimulationParams(
    load_profile=_RNG.uniform(0, 20, 240), solar_profile=_RNG.uniform(0, 40, 240), dg_takeover_mode=False
)
GRID = SizeGrid((20.0, 40.0, 80.0), (2.0, 4.0), (0.0, 5.0), (20.0, 40.0))


def test_a_chosen_case_is_recomputed_to_the_same_bits() -> None:
    result = sweep(PARAMS, 1, GRID)

    for index in range(len(result)):
        run = result.simulate(index)
        # The scaled profile is rounded once more on this way, so its sum may differ in the last bits.
        assert run.totals == pytest.approx(result.totals[index], rel=1e-12, abs=1e-9)
    plain_sizes = sweep(PARAMS, 1, SizeGrid((20.0, 40.0), (2.0,), (0.0, 5.0)))
    for index in range(len(plain_sizes)):
        run = plain_sizes.simulate(index)
        assert run.totals.tobytes() == plain_sizes.totals[index].tobytes()
        metrics = calculate_metrics(run, plain_sizes.params_of(index))
        assert metrics == plain_sizes.metrics_of(index)


def test_the_plant_of_a_size_is_that_of_the_sweep() -> None:
    result = sweep(PARAMS, 1, GRID)

    for index in range(len(result)):
        ours, theirs = params_of_size(PARAMS, 1, GRID, index), result.params_of(index)
        assert run_simulation(ours, 1).totals.tobytes() == run_simulation(theirs, 1).totals.tobytes()
        assert ours.solar_mw.tobytes() == theirs.solar_mw.tobytes()
    for wrong in (-1, len(GRID)):
        with pytest.raises(InvalidInputError, match="index"):
            params_of_size(PARAMS, 1, GRID, wrong)


def test_rows_have_the_keys_of_the_plan() -> None:
    row = sweep(PARAMS, 1, GRID).rows()[0]

    assert set(row) == {
        "capacity", "duration", "power", "dg_capacity", "solar_capacity", "capital_cost_usd", "metrics",
    }  # fmt: skip
    assert row["power"] == row["capacity"] / row["duration"]
    assert 0.0 <= row["metrics"]["delivery_pct"] <= 100.0


def test_progress_ends_at_the_number_of_cases() -> None:
    seen: list[tuple[int, int]] = []

    sweep(PARAMS, 1, GRID, progress=lambda done, whole: seen.append((done, whole)))

    assert seen[-1] == (24, 24)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_cancelled_sweep_keeps_what_it_has() -> None:
    many = SizeGrid(tuple(float(size) for size in range(1, 2001)), (2.0,))
    stop = threading.Event()

    result = sweep(PARAMS, 1, many, jobs=1, progress=lambda *_: stop.set(), cancelled=stop.is_set)

    assert not result.complete
    assert 0 < len(result) < 2000
    whole = sweep(PARAMS, 1, many)
    assert result.totals.tobytes() == whole.totals[result.index].tobytes()
    assert result.sizes["capacity"].tolist() == whole.sizes["capacity"][result.index].tolist()


def test_an_interrupt_leaves_no_thread_behind() -> None:
    def interrupt(done: int, whole: int) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        sweep(PARAMS, 1, GRID, progress=interrupt)

    assert threading.active_count() == before


def test_solar_sizes_scale_the_profile_from_its_peak() -> None:
    twice = SizeGrid((20.0,), (2.0,), (0.0,), (float(PARAMS.solar_mw.max()) * 2.0,))

    result = sweep(PARAMS, 0, twice)

    assert result.metrics["total_solar_generation"][0] == pytest.approx(2.0 * PARAMS.solar_mw.sum())


def test_solar_sizes_need_a_sun() -> None:
    with pytest.raises(InvalidInputError, match="zeros only"):
        sweep(plain([1.0] * 24), 0, SizeGrid((1.0,), (2.0,), (0.0,), (5.0,)))


def test_the_generator_is_off_where_its_size_is_zero() -> None:
    result = sweep(PARAMS, 1, SizeGrid((20.0,), (2.0,), (0.0, 30.0)))

    assert result.metrics["dg_runtime_hours"][0] == 0.0
    assert result.metrics["dg_runtime_hours"][1] > 0.0
    assert not result.params_of(0).dg_enabled


def test_a_frame_has_a_row_per_case() -> None:
    frame = sweep(PARAMS, 1, GRID).to_frame()

    assert len(frame) == 24
    assert {"capacity", "capital_cost_usd", "delivery_pct"} <= set(frame.columns)


def test_the_run_of_another_template_is_another_run() -> None:
    one = sweep(PARAMS, 1, SizeGrid((20.0,), (2.0,), (15.0,)))
    other = sweep(PARAMS, 4, SizeGrid((20.0,), (2.0,), (15.0,)))

    assert one.metrics["dg_runtime_hours"][0] != other.metrics["dg_runtime_hours"][0]
    assert run_simulation(one.params_of(0), 4).totals.tobytes() == other.totals[0].tobytes()


def test_slips_at_the_call_are_named() -> None:
    result = sweep(PARAMS, 1, SizeGrid((20.0,), (2.0,)))

    with pytest.raises(InvalidInputError, match="a SizeGrid"):
        sweep(PARAMS, 1, {"bess_mwh": [20.0]})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="whole number from 1"):
        sweep(PARAMS, 1, GRID, jobs=0)
    with pytest.raises(InvalidInputError, match="SimulationParams"):
        run_simulation({"load_profile": [1.0]}, 1)  # type: ignore[arg-type]
    for index in (1, -1, 99):
        with pytest.raises(InvalidInputError, match=r"a case 0\.\.0"):
            result.simulate(index)
    assert repr(result).startswith("<SweepResult T1 Green priority: 1 of 1 cases, delivery ")


def test_a_sweep_can_be_recommended_from_as_it_is() -> None:
    result = sweep(PARAMS, 1, SizeGrid((20.0, 40.0), (2.0,)))

    assert calculate_recommendations(result, {}) == calculate_recommendations(result.rows(), {})
