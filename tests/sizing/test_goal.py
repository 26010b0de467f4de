"""A goal says all that is wrong with it at once; rows are read under both families of names."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.goal import DELIVERY_MODES, OPTIMIZE_FOR, Goal, limits_of, read_options

PLAN_ROW = {
    "capacity": 100.0, "duration": 4, "power": 25.0, "dg_capacity": 5.0, "solar_capacity": 67.0,
    "metrics": {
        "delivery_pct": 70.0, "hours_full_delivery": 6132, "green_hours": 6000, "dg_runtime_hours": 132,
        "bess_equivalent_cycles": 330.0, "pct_solar_curtailed": 21.7, "pct_green_energy": 98.0,
        "pct_green_energy_of_demand": 69.0, "pct_green_energy_by_origin": 97.0,
    },
}  # fmt: skip
FLAT_ROW = {
    "bess_mwh": 100.0, "duration_hrs": 4, "power_mw": 25.0, "dg_mw": 5.0, "delivery_hours": 6132,
    "delivery_pct": 70.0, "dg_hours": 132, "total_cycles": 330.0, "wastage_pct": 21.7, "green_hours": 6000,
}  # fmt: skip
COLUMNS = (
    "capacity_mwh", "duration_h", "power_mw", "dg_mw", "delivery_pct", "delivery_hours", "green_hours", "dg_hours",
    "cycles", "wastage_pct",
)  # fmt: skip

GOALS = st.builds(
    Goal,
    delivery_mode=st.sampled_from(DELIVERY_MODES),
    delivery_target_pct=st.floats(2.0, 100.0),
    optimize_for=st.sampled_from(sorted(OPTIMIZE_FOR)),
    max_wastage_pct=st.none() | st.floats(0.0, 100.0),
    max_dg_hours=st.none() | st.floats(0.0, 8_784.0),
    green_energy_target_pct=st.none() | st.floats(2.0, 100.0),
)


@dataclass(frozen=True)
class Measured:
    def to_dict(self) -> dict[str, object]:
        return PLAN_ROW["metrics"]  # type: ignore[return-value]


def test_an_empty_goal_is_the_plans_default() -> None:
    assert Goal.from_dict({}) == Goal.from_dict({"delivery_mode": "maximize", "optimize_for": "min_bess_size"})


@given(GOALS)
def test_a_stored_goal_is_read_back_unchanged(goal: Goal) -> None:
    assert Goal.from_dict(goal.to_dict()) == goal


def test_everything_wrong_with_a_goal_is_said_at_once() -> None:
    given_goal = {
        "delivery_mode": "most", "optimize_for": "bogus", "max_wastage_pct": 120, "max_dg_hours": -1, "colour": "green",
    }  # fmt: skip

    with pytest.raises(InvalidInputError) as caught:
        Goal.from_dict(given_goal)

    where = {problem.where for problem in caught.value.problems}
    assert where == {f"goal.{key}" for key in given_goal}


def test_an_unknown_aim_lists_the_choices() -> None:
    with pytest.raises(InvalidInputError, match="min_bess_size, min_wastage, min_dg_hours, min_cycles, min_cost"):
        Goal(optimize_for="bogus")


@pytest.mark.parametrize("mode", ["at_least", "exactly"])
def test_a_target_is_never_guessed(mode: str) -> None:
    with pytest.raises(InvalidInputError, match="delivery_target_pct: got nothing"):
        Goal(delivery_mode=mode)


@pytest.mark.parametrize("name", ["delivery_target_pct", "green_energy_target_pct"])
def test_a_target_given_as_a_fraction_is_caught(name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"did you mean 99 %\?"):
        Goal.from_dict({name: 0.99})


@pytest.mark.parametrize("bad", [math.nan, math.inf, True, "20", [20], 10**400])
def test_a_limit_that_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="max_dg_hours"):
        Goal.from_dict({"max_dg_hours": bad})


@pytest.mark.parametrize("bad", [None, 5, "maximize", ["maximize"]])
def test_a_goal_that_has_no_names_is_refused(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="an object of named values"):
        Goal.from_dict(bad)


def test_rows_of_the_plan_and_flat_rows_read_alike() -> None:
    plan, flat = (read_options([row], needs=COLUMNS) for row in (PLAN_ROW, FLAT_ROW))

    for column in COLUMNS:
        assert getattr(plan, column).tolist() == getattr(flat, column).tolist(), column
    assert plan.solar_mw.tolist() == [67.0]
    assert np.isnan(flat.solar_mw).all()


def test_metrics_may_be_an_object_with_to_dict() -> None:
    options = read_options([{**PLAN_ROW, "metrics": Measured()}], needs=COLUMNS)

    assert options.cycles.tolist() == [330.0]


def test_a_row_without_a_generator_has_rating_zero() -> None:
    row = {key: value for key, value in PLAN_ROW.items() if key != "dg_capacity"}

    assert read_options([row], needs=COLUMNS).dg_mw.tolist() == [0.0]


def test_missing_and_impossible_numbers_are_named_with_their_row_and_count() -> None:
    bad = {**FLAT_ROW, "total_cycles": None, "delivery_pct": math.nan, "bess_mwh": -5}

    with pytest.raises(InvalidInputError) as caught:
        read_options([FLAT_ROW, bad, bad], needs=COLUMNS)

    assert [problem.where for problem in caught.value.problems] == [
        "results[1].capacity (and 1 more rows)",
        "results[1].delivery_pct (and 1 more rows)",
        "results[1].bess_equivalent_cycles (and 1 more rows)",
    ]


@pytest.mark.parametrize("results", [[], ["capacity"], [None], [{**PLAN_ROW, "metrics": 3}]])
def test_what_holds_no_rows_is_refused(results: list[object]) -> None:
    with pytest.raises(InvalidInputError, match="results"):
        read_options(results, needs=COLUMNS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measure", "reached"),
    [("pct_green_energy", 98.0), ("pct_green_energy_of_demand", 69.0), ("pct_green_energy_by_origin", 97.0)],
)
def test_green_energy_is_counted_as_the_goal_says(measure: str, reached: float) -> None:
    goal = Goal(green_energy_target_pct=97.5, green_energy_measure=measure)
    options = read_options([PLAN_ROW], needs=COLUMNS, green_energy_measure=measure)

    (limit,) = limits_of(goal, options)

    assert limit.values.tolist() == [reached]
    assert limit.met.tolist() == [reached >= 97.5]


def test_exactly_means_within_one_point() -> None:
    rows = [{**FLAT_ROW, "delivery_pct": pct} for pct in (68.9, 69.0, 70.0, 71.0, 71.1)]
    goal = Goal(delivery_mode="exactly", delivery_target_pct=70.0)

    (limit,) = limits_of(goal, read_options(rows, needs=COLUMNS))

    assert limit.met.tolist() == [False, True, True, True, False]


def test_a_target_without_a_mode_that_uses_it_asks_nothing() -> None:
    goal = Goal(delivery_mode="maximize", delivery_target_pct=99.0)

    assert limits_of(goal, read_options([FLAT_ROW], needs=COLUMNS)) == []
