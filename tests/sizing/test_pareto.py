"""Nothing on a front is beaten, everything off it is, and the knee is where more stops paying."""

from __future__ import annotations

import math
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.pareto import dominated_mask, find_optimal_size, green_summary, marginal_gains, pareto_front

# Few distinct values, so that ties and copies are common.
TABLES = st.integers(1, 5).flatmap(
    lambda columns: arrays(
        np.float64, st.tuples(st.integers(0, 40), st.just(columns)), elements=st.sampled_from(range(-3, 4))
    )
)
POINTS = arrays(np.float64, st.tuples(st.integers(0, 60), st.just(2)), elements=st.sampled_from(range(8)))


def beats(table: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """The definition itself: entry (a, b) is True where a is no worse than b and better in one column."""
    no_worse = (table[:, None, :] <= table[None, :, :]).all(axis=2)
    better = (table[:, None, :] < table[None, :, :]).any(axis=2)
    return np.asarray(no_worse & better)


@given(TABLES)
def test_dominance_is_its_definition(table: npt.NDArray[np.float64]) -> None:
    assert dominated_mask(table).tolist() == beats(table).any(axis=0).tolist()


@given(TABLES)
def test_whatever_is_beaten_is_beaten_by_something_unbeaten(table: npt.NDArray[np.float64]) -> None:
    dominated = dominated_mask(table)

    assert beats(table)[~dominated][:, dominated].any(axis=0).all()


def test_dominance_is_its_definition_across_many_blocks() -> None:
    table = np.random.default_rng(seed=3).integers(0, 12, size=(2_500, 4)).astype(float)

    assert dominated_mask(table).tolist() == beats(table).any(axis=0).tolist()


def test_fifty_thousand_options_that_all_stand_on_the_front_take_seconds() -> None:
    directions = np.abs(np.random.default_rng(seed=5).normal(size=(50_000, 4)))
    sphere = -directions / np.linalg.norm(directions, axis=1)[:, None]

    started = time.process_time()
    dominated = dominated_mask(sphere)

    assert not dominated.any()
    assert time.process_time() - started < 30.0


@given(POINTS)
def test_the_front_of_a_picture_is_what_nothing_dominates(points: npt.NDArray[np.float64]) -> None:
    front = pareto_front(points[:, 0], points[:, 1])

    on_front = np.isin(np.arange(len(points)), front)
    assert on_front.tolist() == (~dominated_mask(points * [1.0, -1.0])).tolist()
    assert (np.diff(points[front, 0]) >= 0.0).all()
    assert (np.diff(points[front, 1]) >= 0.0).all()


@given(POINTS)
def test_the_front_holds_the_same_points_in_any_order(points: npt.NDArray[np.float64]) -> None:
    order = np.random.default_rng(len(points)).permutation(len(points))

    front, shuffled = pareto_front(*points.T), pareto_front(*points[order].T)

    assert points[front].tolist() == points[order][shuffled].tolist()


@pytest.mark.parametrize("bad", [[[math.nan, 1.0]], [1.0, 2.0], [[math.inf]]])
def test_a_table_that_cannot_be_compared_is_refused(bad: list[object]) -> None:
    with pytest.raises(InvalidInputError, match="objectives"):
        dominated_mask(bad)  # type: ignore[arg-type]


def test_a_picture_needs_two_axes_of_one_length() -> None:
    with pytest.raises(InvalidInputError, match="two lists of one length"):
        pareto_front([1.0, 2.0], [1.0])


@given(st.dictionaries(st.integers(0, 400).map(float), st.integers(0, 8_760).map(float), min_size=1))
def test_marginal_gains_add_up_to_the_whole_gain(hours: dict[float, float]) -> None:
    gains = marginal_gains(hours)

    sizes = sorted(hours)
    steps = np.diff(sizes)
    total = sum(gain["marginal_hours_per_10mwh"] * step / 10.0 for gain, step in zip(gains, steps, strict=True))
    assert total == pytest.approx(hours[sizes[-1]] - hours[sizes[0]], abs=1e-6)


def test_the_size_chosen_is_the_first_past_the_knee() -> None:
    chosen = find_optimal_size({50: 4_000, 60: 4_400, 70: 4_720, 80: 4_990, 90: 5_150})

    assert (chosen["knee_size_mwh"], chosen["optimal_size_mwh"], chosen["delivery_hours"]) == (70.0, 80.0, 4_990.0)
    assert chosen["reason"] == (
        "the knee is at 70 MWh; the step to 80 MWh brings 270.0 h per 10 MWh, less than the 300 h that pays, "
        "so 80 MWh is the first size past it."
    )


def test_a_step_of_just_the_threshold_still_pays() -> None:
    chosen = find_optimal_size({10: 0, 20: 300, 30: 599})

    assert (chosen["knee_size_mwh"], chosen["optimal_size_mwh"]) == (20.0, 30.0)


def test_without_a_knee_the_largest_size_is_chosen() -> None:
    chosen = find_optimal_size({80: 5_844, 40: 4_380, 160: 8_760})

    assert chosen["knee_size_mwh"] is None
    assert chosen["optimal_size_mwh"] == 160.0
    assert "every step up to it brings at least 300 h per 10 MWh" in chosen["reason"]


def test_a_higher_threshold_moves_the_knee_down() -> None:
    hours = {50: 4_000, 60: 4_400, 70: 4_720, 80: 4_990}

    assert find_optimal_size(hours, threshold_hours_per_10mwh=350)["optimal_size_mwh"] == 70.0


def test_rows_and_a_mapping_give_the_same_knee_by_the_best_row_of_each_size() -> None:
    rows = [
        {"capacity": size, "metrics": {"hours_full_delivery": hours}}
        for size, hours in [(60, 4_100), (50, 3_000), (60, 2_000), (50, 4_000)]
    ]

    assert find_optimal_size(rows) == find_optimal_size({50: 4_000, 60: 4_100})


@pytest.mark.parametrize(
    ("sizes", "threshold"), [({}, 300.0), ([], 300.0), ({50: math.nan}, 300.0), ({-1: 5}, 300.0), ({50: 1}, 0.0)]
)
def test_sizes_without_sense_are_refused(sizes: dict[float, float], threshold: float) -> None:
    with pytest.raises(InvalidInputError):
        find_optimal_size(sizes, threshold_hours_per_10mwh=threshold)


def green_row(solar: float, bess: float, dg: float, green_pct: float, wastage_pct: float) -> dict[str, object]:
    metrics = {"pct_green_energy": green_pct, "pct_solar_curtailed": wastage_pct}
    return {"capacity": bess, "solar_capacity": solar, "dg_capacity": dg, "metrics": metrics}


def test_smallest_parts_come_from_viable_options_and_are_said_to_be_no_configuration() -> None:
    rows = [
        green_row(60, 200, 5, 80.0, 10.0),
        green_row(90, 50, 0, 90.0, 20.0),
        green_row(10, 10, 0, 49.9, 0.0),
        green_row(10, 10, 0, 99.0, 20.1),
    ]

    summary = green_summary(rows)

    assert (summary["config_count"], summary["viable_count"], summary["viable"]) == (4, 2, [0, 1])
    assert summary["smallest_each_alone"] == {"solar_mw": 60.0, "bess_mwh": 50.0, "dg_mw": 0.0}
    assert "not one configuration" in summary["note"]


def test_without_a_viable_option_no_smallest_part_is_invented() -> None:
    summary = green_summary([green_row(60, 200, 5, 40.0, 10.0)], target_pct=50.0)

    assert summary["viable_count"] == 0
    assert summary["smallest_each_alone"] == {"solar_mw": None, "bess_mwh": None, "dg_mw": None}
