"""Every field of the params refuses what it cannot mean, in one sentence each, all at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing import SimulationParams

_FINE: dict[str, Any] = {"load_profile": [10.0] * 24, "solar_profile": [5.0] * 24}

_NUMBERS = [
    field.name
    for field in dataclasses.fields(SimulationParams)
    if field.type in ("float", "float | None") and field.name != "dt_h"
]
_FRACTIONS = (
    "bess_efficiency", "bess_min_soc", "bess_max_soc", "bess_initial_soc", "dg_soc_on_threshold",
    "dg_soc_off_threshold", "emergency_soc_threshold", "dg_min_load", "cycle_charging_min_load",
    "cycle_charging_off_soc",
)  # fmt: skip


def _refused(**fields: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        SimulationParams(**{**_FINE, **fields})
    return caught.value


def _names(error: InvalidInputError) -> set[str]:
    return {problem.where for problem in error.problems}


def test_the_defaults_are_those_of_the_plan() -> None:
    params = SimulationParams(**_FINE)

    assert (params.bess_efficiency, params.bess_min_soc, params.bess_max_soc) == (0.87, 0.05, 0.95)
    assert params.bess_initial_soc == 0.5
    assert (params.dg_soc_on_threshold, params.dg_soc_off_threshold) == (0.2, 0.8)
    assert params.dg_takeover_mode
    assert not params.dg_charges_bess
    assert params.enforced_cycle_limit is None


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, "ten", True])
def test_a_number_must_be_a_finite_number_in_range(name: str, value: object) -> None:
    error = _refused(**{name: value})

    assert name in _names(error)
    assert all(problem.allowed and problem.next_move for problem in error.problems)


@pytest.mark.parametrize("name", _FRACTIONS)
def test_a_percentage_given_for_a_fraction_is_recognised(name: str) -> None:
    error = _refused(**{name: 87.0})

    (problem,) = [problem for problem in error.problems if problem.where == name]
    assert "did you mean 0.87?" in problem.next_move


@pytest.mark.parametrize("name", ["load_profile", "solar_profile"])
@pytest.mark.parametrize(
    ("series", "says"),
    [
        ([], "no steps"),
        ([1.0, float("nan")], "nan at step 1"),
        ([1.0, float("inf")], "inf at step 1"),
        ([1.0, -2.0], "-2 at step 1"),
        ("abc", "str"),
        ([1j, 2j], "list"),
        ([True, False], "list"),
        ([[1.0], [2.0]], "shape (2, 1)"),
        (None, "no steps"),
    ],
)
def test_a_profile_must_be_a_series_of_positive_numbers(name: str, series: object, says: str) -> None:
    if series is None:
        series = np.zeros(0)
    error = _refused(**{name: series})

    (problem,) = [problem for problem in error.problems if problem.where == name and says in problem.got]
    assert problem.next_move


def test_unequal_profiles_are_refused_not_wrapped() -> None:
    error = _refused(load_profile=[1.0] * 24, solar_profile=[1.0] * 23)

    assert "24 steps, but solar_profile has 23" in str(error)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"bess_min_soc": 0.9, "bess_max_soc": 0.9, "bess_initial_soc": 0.9}, "bess_min_soc"),
        ({"bess_initial_soc": 0.99}, "bess_initial_soc"),
        ({"bess_initial_soc": 0.01}, "bess_initial_soc"),
        ({"dg_soc_on_threshold": 0.9, "dg_soc_off_threshold": 0.8}, "dg_soc_on_threshold"),
        ({"bess_efficiency": 0.0}, "bess_efficiency"),
        ({"bess_daily_cycle_limit": 0.0}, "bess_daily_cycle_limit"),
        ({"dg_enabled": "yes"}, "dg_enabled"),
        ({"dg_takeover_mode": 1}, "dg_takeover_mode"),
        ({"dg_load_priority": "sun_first"}, "dg_load_priority"),
        ({"dg_operating_mode": "sometimes"}, "dg_operating_mode"),
        ({"dg_off_trigger": "never"}, "dg_off_trigger"),
        ({"night_start_hour": 24}, "night_start_hour"),
        ({"night_end_hour": 25}, "night_end_hour"),
        ({"day_start_hour": 6.5}, "day_start_hour"),
        ({"blackout_end_hour": -1}, "blackout_end_hour"),
        ({"dt_h": 0.7}, "dt_h"),
        ({"dt_h": 0}, "dt_h"),
        ({"cycle_charging_enabled": True, "dg_charges_bess": True}, "cycle_charging_enabled"),
        ({"cycle_charging_enabled": True, "dg_operating_mode": "variable"}, "cycle_charging_enabled"),
    ],
)
def test_what_cannot_be_meant_is_named(fields: dict[str, Any], where: str) -> None:
    error = _refused(**fields)

    assert where in _names(error)


def test_all_problems_come_at_once() -> None:
    error = _refused(bess_efficiency=87, bess_capacity=-1, dg_min_load="low", solar_profile=[])

    assert _names(error) == {"bess_efficiency", "bess_capacity", "dg_min_load", "solar_profile"}


def test_profiles_are_kept_as_they_were_given() -> None:
    given = np.array([1.0, 2.0])
    params = SimulationParams(load_profile=given, solar_profile=[0, 0])
    given[0] = 99.0

    assert params.load_mw.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        params.load_mw[0] = 5.0
