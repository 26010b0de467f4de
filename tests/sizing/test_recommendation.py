"""The recommendation keeps every limit, does not depend on the order of rows, and says why in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.goal import DELIVERY_MODES, OPTIMIZE_FOR, Goal
from afterbay.sizing.recommendation import calculate_recommendations

NO_INSTALLATION = CapitalCosts(installation_fraction=0.0)
MAXIMIZE = {"delivery_mode": "maximize", "optimize_for": "min_bess_size"}


def row(
    capacity: float, duration: float, dg: float = 0.0, *, delivery_pct: float, wastage_pct: float,
    dg_hours: float = 0.0, cycles: float = 200.0, green_pct: float = 100.0,
) -> dict[str, Any]:  # fmt: skip
    hours = round(87.6 * delivery_pct)
    return {
        "capacity": float(capacity), "duration": duration, "power": capacity / duration, "dg_capacity": float(dg),
        "metrics": {
            "delivery_pct": delivery_pct, "hours_full_delivery": hours, "green_hours": max(0, hours - round(dg_hours)),
            "dg_runtime_hours": dg_hours, "bess_equivalent_cycles": cycles, "pct_solar_curtailed": wastage_pct,
            "pct_green_energy": green_pct,
        },
    }  # fmt: skip


# The reference numbers of the demonstration project, in the order of its table.
DEMO = [
    row(50, 4, delivery_pct=54.1, wastage_pct=40.1, cycles=341),
    row(100, 4, delivery_pct=70.2, wastage_pct=21.7, cycles=330),
    row(150, 4, delivery_pct=82.6, wastage_pct=8.6, cycles=296),
    row(200, 4, delivery_pct=86.8, wastage_pct=5.9, cycles=234),
    row(250, 4, delivery_pct=87.5, wastage_pct=5.4, cycles=189),
    row(50, 4, 10, delivery_pct=100.0, wastage_pct=40.1, cycles=341, dg_hours=4_017),
    row(150, 4, 5, delivery_pct=86.5, wastage_pct=8.6, cycles=296, dg_hours=1_528),
    row(150, 4, 10, delivery_pct=100.0, wastage_pct=8.6, cycles=296, dg_hours=1_528),
    row(250, 4, 10, delivery_pct=100.0, wastage_pct=5.4, cycles=189, dg_hours=1_094),
]

PLANTS = st.tuples(
    st.integers(0, 8).map(lambda step: 25.0 * step), st.sampled_from([1, 2, 4]), st.sampled_from([0.0, 5.0, 10.0])
)


@st.composite
def studies(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Different plants with few distinct results, so that ties are common."""
    plants = draw(st.lists(PLANTS, min_size=1, max_size=25, unique=True))
    return [
        row(
            *plant,
            delivery_pct=draw(st.sampled_from([40.0, 60.0, 60.05, 80.0, 99.0, 100.0])),
            wastage_pct=draw(st.sampled_from([0.0, 5.0, 10.0, 30.0])),
            dg_hours=draw(st.sampled_from([0.0, 100.0, 2_000.0])),
            cycles=draw(st.sampled_from([0.0, 150.0, 300.0])),
            green_pct=draw(st.sampled_from([30.0, 70.0, 100.0])),
        )
        for plant in plants
    ]


GOALS = st.builds(
    Goal,
    delivery_mode=st.sampled_from(DELIVERY_MODES),
    delivery_target_pct=st.sampled_from([41.0, 60.0, 80.0, 99.0, 100.0]),
    optimize_for=st.sampled_from(sorted(OPTIMIZE_FOR)),
    max_wastage_pct=st.sampled_from([None, 5.0, 20.0]),
    max_dg_hours=st.sampled_from([None, 0.0, 500.0]),
    green_energy_target_pct=st.sampled_from([None, 50.0]),
)
PEAKS = st.sampled_from([None, 30.0, 60.0])


def named(result: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Replace indices by what they point to, so that studies in different order can be compared."""
    plain = json.loads(json.dumps(result))
    plain["ranked"] = [rows[index] for index in plain["ranked"]]
    front = [rows[index] for index in plain.pop("pareto")]
    plain["front"] = sorted(map(repr, front))
    plain["dominated"] = sorted(repr(rows[index]) for index, flag in enumerate(plain["dominated"]) if flag)
    for option in [plain["recommended"], plain["best_reached"], *plain["alternatives"]]:
        if option is not None:
            del option["index"]
    return plain  # type: ignore[no-any-return]


@given(studies(), GOALS, PEAKS, st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_nothing(
    rows: list[dict[str, Any]], goal: Goal, peak: float | None, seed: int
) -> None:
    shuffled = [rows[index] for index in np.random.default_rng(seed).permutation(len(rows))]

    first = calculate_recommendations(rows, goal, solar_peak_mw=peak)
    second = calculate_recommendations(shuffled, goal, solar_peak_mw=peak)

    assert named(first, rows) == named(second, shuffled)


@given(studies(), GOALS, PEAKS)
def test_every_ranked_option_keeps_every_limit_and_none_is_forgotten(
    rows: list[dict[str, Any]], goal: Goal, peak: float | None
) -> None:
    def keeps(option: dict[str, Any]) -> bool:
        m = option["metrics"]
        target = goal.delivery_target_pct or 0.0
        return (
            (goal.delivery_mode != "at_least" or m["delivery_pct"] >= target)
            and (goal.delivery_mode != "exactly" or abs(m["delivery_pct"] - target) <= 1.0)
            and (goal.max_wastage_pct is None or m["pct_solar_curtailed"] <= goal.max_wastage_pct)
            and (goal.max_dg_hours is None or m["dg_runtime_hours"] <= goal.max_dg_hours)
            and (goal.green_energy_target_pct is None or m["pct_green_energy"] >= goal.green_energy_target_pct)
        )

    result = calculate_recommendations(rows, goal, solar_peak_mw=peak)

    within = [option for option in rows if keeps(option)]
    assert result["filtered_count"] == len(within)
    assert result["filtered_count"] + result["excluded_count"] == result["config_count"] == len(rows)
    assert all(keeps(rows[index]) for index in result["ranked"])
    assert result["meets_goal"] == (result["recommended"] is not None) == bool(within)
    if goal.delivery_mode == "maximize" and within:
        best = max(option["metrics"]["delivery_pct"] for option in within)
        assert result["recommended"]["metrics"]["delivery_pct"] >= best - 0.1


@given(studies(), GOALS)
def test_the_recommended_option_has_the_smallest_value_of_what_is_kept_small(
    rows: list[dict[str, Any]], goal: Goal
) -> None:
    result = calculate_recommendations(rows, goal, top_n=len(rows))

    keys: dict[str, Callable[[dict[str, Any]], float]] = {
        "min_bess_size": lambda option: option["capacity"],
        "min_wastage": lambda option: option["metrics"]["pct_solar_curtailed"],
        "min_dg_hours": lambda option: option["metrics"]["dg_runtime_hours"],
        "min_cycles": lambda option: option["metrics"]["bess_equivalent_cycles"],
        "min_cost": lambda option: option["capital_cost_usd"],
    }
    key = keys[goal.optimize_for]
    listed = [option for option in [result["recommended"], *result["alternatives"]] if option]
    assert [key(option) for option in listed] == sorted(key(option) for option in listed)
    assert [option["rank"] for option in listed] == list(range(1, len(listed) + 1))
    assert [option["index"] for option in listed] == result["ranked"]


@given(studies(), GOALS)
def test_an_option_worse_in_every_respect_changes_no_recommendation(rows: list[dict[str, Any]], goal: Goal) -> None:
    before = calculate_recommendations(rows, goal)["recommended"]
    if before is None:
        return
    worse = copy.deepcopy(rows[before["index"]])
    worse |= {"capacity": worse["capacity"] + 1, "power": worse["power"] + 1, "dg_capacity": worse["dg_capacity"] + 1}
    for name in ("pct_solar_curtailed", "dg_runtime_hours", "bess_equivalent_cycles"):
        worse["metrics"][name] += 1
    worse["metrics"]["delivery_pct"] -= 0.5

    after = calculate_recommendations([*rows, worse], goal)

    assert after["recommended"] == before
    assert after["dominated"][-1]


@given(studies(), st.sampled_from([("min_bess_size", "capacity"), ("min_wastage", "pct_solar_curtailed")]), st.data())
def test_a_dominated_option_changes_no_recommendation_of_what_dominance_counts(
    rows: list[dict[str, Any]], aim: tuple[str, str], data: st.DataObject
) -> None:
    goal = Goal("at_least", 60.0, aim[0], max_wastage_pct=20.0)
    worse = copy.deepcopy(data.draw(st.sampled_from(rows)))
    (worse if aim[1] in worse else worse["metrics"])[aim[1]] += 1.0
    worse["metrics"]["delivery_pct"] -= data.draw(st.sampled_from([0.0, 10.0]))
    # Less power or fewer generator hours do not save an option that dominance counts as beaten.
    worse["power"] *= data.draw(st.sampled_from([0.5, 1.0]))
    worse["metrics"]["dg_runtime_hours"] = 0.0

    assert (
        calculate_recommendations([*rows, worse], goal)["recommended"]
        == (calculate_recommendations(rows, goal)["recommended"])
    )


@given(studies(), GOALS, PEAKS)
def test_the_same_question_gets_the_same_answer_and_its_inputs_stay_untouched(
    rows: list[dict[str, Any]], goal: Goal, peak: float | None
) -> None:
    asked, untouched = goal.to_dict(), copy.deepcopy(rows)

    first = calculate_recommendations(rows, asked, solar_peak_mw=peak)
    first["ranked"].clear()
    second = calculate_recommendations(rows, asked, solar_peak_mw=peak)
    third = calculate_recommendations(rows, goal, solar_peak_mw=peak)

    assert json.dumps(second) == json.dumps(third)
    assert rows == untouched
    assert asked == goal.to_dict()


@given(studies())
def test_the_picture_joins_the_options_of_most_delivery_for_least_cost(rows: list[dict[str, Any]]) -> None:
    result = calculate_recommendations(rows, Goal(), top_n=len(rows))

    delivery = [rows[index]["metrics"]["delivery_pct"] for index in result["pareto"]]
    assert delivery == sorted(delivery)
    assert max(option["metrics"]["delivery_pct"] for option in rows) == delivery[-1]


def test_the_plans_service_reads_the_metrics_of_the_recommended_option() -> None:
    recommendations = calculate_recommendations(DEMO, MAXIMIZE)

    assert recommendations["recommended"]["metrics"] == DEMO[5]["metrics"]
    assert recommendations["recommended"]["capital_cost_usd"] == pytest.approx(17.625e6 * 1.15)


def test_the_published_trade_is_told_in_words() -> None:
    goal = {"delivery_mode": "at_least", "delivery_target_pct": 99, "max_wastage_pct": 20, "optimize_for": "min_cost"}

    result = calculate_recommendations(DEMO, goal, costs=NO_INSTALLATION)

    assert result["reasons"] == [
        "150 MWh / 37.5 MW with a 10 MW generator: 100.0 % delivery, 8.6 % curtailed, 1,528 generator hours.",
        "It has the lowest capital cost among the 2 of 9 options with at least 99 % delivery and at most "
        "20 % curtailed.",
        "The runner-up, 250 MWh / 62.5 MW with a 10 MW generator, would mean 100 MWh more battery (67 %), "
        "25 MW more battery power, 434 fewer generator hours (28 %), 3.2 points less curtailed, for $31.3 M more.",
        "Hours against battery size, best option of each size: the knee is at 150 MWh; the step to 250 MWh brings "
        "0.0 h per 10 MWh, less than the 300 h that pays, so 250 MWh is the first size past it.",
    ]
    assert result["alternatives"][0]["vs_recommended"]["capital_cost_usd"] == 31.25e6


def test_block_sun_gives_the_published_front_and_recommendation() -> None:
    rows = [
        row(size, 4, delivery_pct=delivery, wastage_pct=curtailed)
        for size, delivery, curtailed in [(40, 50.0, 50.0), (80, 66.7, 33.3), (120, 83.4, 16.7), (160, 100.0, 0.0)]
    ]
    goal = {"delivery_mode": "at_least", "delivery_target_pct": 99.0, "optimize_for": "min_bess_size"}

    whole = calculate_recommendations(rows, goal, costs=NO_INSTALLATION)
    narrow = calculate_recommendations(rows[:3], goal, costs=NO_INSTALLATION)

    assert whole["pareto"] == [0, 1, 2, 3]
    assert whole["dominated"] == [False] * 4
    assert (whole["recommended"]["capacity"], whole["recommended"]["power"]) == (160.0, 40.0)
    assert whole["recommended"]["capital_cost_usd"] == 50e6
    assert whole["reasons"][1] == "It is the only one of 4 options with at least 99 % delivery."
    assert narrow["recommended"] is None
    assert narrow["best_reached"]["metrics"]["delivery_pct"] == 83.4
    assert narrow["blocked_by"][0]["text"] == (
        "at least 99 % delivery: no option, the nearest is 120 MWh / 30 MW with 83.4 %."
    )


def test_limits_that_only_clash_together_are_said_to_clash() -> None:
    goal = {"delivery_mode": "at_least", "delivery_target_pct": 99, "max_dg_hours": 500}

    result = calculate_recommendations(DEMO, goal)

    assert result["selection_method"] == "no_match"
    assert [block["options_meeting_it"] for block in result["blocked_by"]] == [3, 5]
    assert result["reasons"][-1] == "Each limit can be met alone, but no option meets all of them together."
    # The limit on generator hours is kept, and the best delivery under it is shown.
    assert (result["best_reached"]["capacity"], result["best_reached"]["dg_capacity"]) == (250.0, 0.0)


def test_when_no_option_keeps_the_limits_the_best_delivery_is_shown_all_the_same() -> None:
    result = calculate_recommendations(DEMO, {"max_wastage_pct": 1})

    assert result["best_reached"]["metrics"]["delivery_pct"] == 100.0
    assert result["blocked_by"][0]["nearest"] == 5.4


def test_ties_go_to_the_smaller_battery_then_less_power_then_the_smaller_generator_then_the_shorter_duration() -> None:
    same = {"delivery_pct": 100.0, "wastage_pct": 5.0, "cycles": 100.0}
    rows = [row(100, 4, 5, **same), row(100, 2, 0, **same), row(100, 4, 0, **same), row(75, 1, 10, **same)]

    result = calculate_recommendations(rows, {"optimize_for": "min_cycles"})

    assert result["ranked"] == [3, 2, 0, 1]


def test_equal_plants_without_battery_are_told_apart_by_duration() -> None:
    same = {"delivery_pct": 50.0, "wastage_pct": 5.0}

    assert calculate_recommendations([row(0, 4, **same), row(0, 2, **same)], {})["ranked"] == [1, 0]


def test_a_battery_that_covers_the_solar_peak_is_preferred_for_least_curtailment() -> None:
    rows = [row(100, 4, delivery_pct=90, wastage_pct=5), row(100, 2, delivery_pct=90, wastage_pct=6)]
    goal = {"optimize_for": "min_wastage"}

    covered = calculate_recommendations(rows, goal, solar_peak_mw=40)

    assert covered["ranked"] == [1]
    assert "covers the solar peak of 40 MW" in covered["reasons"][1]
    assert calculate_recommendations(rows, goal, solar_peak_mw=60)["ranked"] == [0, 1]
    assert calculate_recommendations(rows, goal)["ranked"] == [0, 1]


def test_lowest_cost_may_differ_from_the_smallest_battery() -> None:
    rows = [row(100, 1, 10, delivery_pct=100, wastage_pct=5), row(105, 4, delivery_pct=100, wastage_pct=5)]

    assert calculate_recommendations(rows, {"optimize_for": "min_bess_size"})["ranked"] == [0, 1]
    assert calculate_recommendations(rows, {"optimize_for": "min_cost"})["ranked"] == [1, 0]


def test_a_dominated_recommendation_says_that_it_is() -> None:
    rows = [row(100, 4, delivery_pct=90, wastage_pct=5, cycles=300), row(150, 4, delivery_pct=90, wastage_pct=6)]

    result = calculate_recommendations(rows, {"optimize_for": "min_cycles"})

    assert result["dominated"] == [False, True]
    assert result["recommended"]["dominated"]
    assert any(reason.startswith("Another option delivers no less") for reason in result["reasons"])


def test_a_smaller_solar_plant_counts_in_dominance_and_its_missing_price_is_said() -> None:
    rows = [
        row(100, 4, delivery_pct=90, wastage_pct=5) | {"solar_capacity": 60.0},
        row(100, 4, delivery_pct=90, wastage_pct=6) | {"solar_capacity": 50.0},
    ]

    free = calculate_recommendations(rows, {"optimize_for": "min_cost"})
    priced = calculate_recommendations(rows, {"optimize_for": "min_cost"}, costs=CapitalCosts(solar_usd_per_mw=1e6))

    assert free["dominated"] == [False, False]
    assert any("Solar has no price" in reason for reason in free["reasons"])
    assert not any("Solar has no price" in reason for reason in priced["reasons"])
    assert "50 MW solar" in free["reasons"][0]
    assert priced["alternatives"][0]["vs_recommended"]["capital_cost_usd"] == pytest.approx(11.5e6)


def test_the_marginal_list_takes_the_best_option_of_each_size_within_the_limits() -> None:
    result = calculate_recommendations(DEMO, {"max_dg_hours": 0})

    hours = [round(87.6 * pct) for pct in (54.1, 70.2, 82.6, 86.8, 87.5)]
    assert [entry["total_hours"] for entry in result["marginal"]] == hours[1:]
    assert result["marginal"][0]["marginal_hours_per_10mwh"] == pytest.approx((hours[1] - hours[0]) / 5.0, abs=0.05)
    assert result["knee"] == {"knee_size_mwh": 50.0, "optimal_size_mwh": 100.0}


def test_numpy_numbers_and_numbers_that_are_none_become_json() -> None:
    first = copy.deepcopy(DEMO[0])
    first["metrics"] |= {"cycles_by_month": np.arange(3.0), "payback": np.float64("nan"), "extra": {"n": np.int64(4)}}

    metrics = json.loads(json.dumps(calculate_recommendations([first], {})))["recommended"]["metrics"]

    assert (metrics["cycles_by_month"], metrics["payback"], metrics["extra"]) == ([0.0, 1.0, 2.0], None, {"n": 4})


@pytest.mark.parametrize(
    "arguments", [{"top_n": -1}, {"top_n": 1.5}, {"solar_peak_mw": -1.0}, {"solar_peak_mw": float("nan")}]
)
def test_arguments_without_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(arguments))):
        calculate_recommendations(DEMO, {}, **arguments)


def test_a_green_target_needs_the_measure_in_every_row() -> None:
    goal = {"green_energy_target_pct": 50, "green_energy_measure": "pct_green_energy_of_demand"}

    with pytest.raises(InvalidInputError, match=r"results\[0\]\.pct_green_energy_of_demand"):
        calculate_recommendations(DEMO, goal)
