from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.recipes import CommunityProfile, Recipe, flat, series
from afterbay.core.errors import InvalidInputError

PARAMETERS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-1e6, 1e6), st.text(max_size=5)),
    max_size=5,
)


@given(PARAMETERS, st.integers(0, 2**31))
def test_a_recipe_survives_json_with_the_same_digest(parameters: dict[str, object], seed: int) -> None:
    recipe = Recipe("household", parameters, seed)

    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict(recipe.to_dict()).digest == recipe.digest


def test_the_order_of_parameters_makes_no_other_recipe() -> None:
    assert Recipe("x", {"a": 1, "b": 2}).digest == Recipe("x", {"b": 2, "a": 1}).digest


@pytest.mark.parametrize("other", [Recipe("y", {"a": 1}), Recipe("x", {"a": 2}), Recipe("x", {"a": 1}, 0)])
def test_source_parameters_and_seed_all_count(other: Recipe) -> None:
    assert other.digest != Recipe("x", {"a": 1}).digest


def test_a_recipe_does_not_follow_what_it_was_made_from() -> None:
    given_values = [1.0, 2.0]
    recipe = Recipe("x", {"values": given_values})

    given_values.append(3.0)
    recipe.parameters["values"].append(4.0)

    assert recipe.parameters == {"values": [1.0, 2.0]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_parameter_that_json_does_not_know_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"x\.value"):
        Recipe("x", {"value": value})


def test_the_same_recipe_makes_the_same_digest_and_the_name_does_not_count() -> None:
    assert flat("a", 2.0).digest == flat("b", 2.0).digest != flat("a", 2.5).digest


def test_a_profile_cannot_be_changed() -> None:
    source = np.ones(96)
    profile = series("a", source, calendar="day")

    source[0] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        profile.values[0] = 5.0
    with pytest.raises(FrozenInstanceError):
        profile.name = "b"  # type: ignore[misc]

    assert profile.values[0] == 1.0


def test_a_profile_travels_to_another_process_with_its_digest() -> None:
    profile = series("a", np.arange(96.0), start=datetime(2024, 1, 1, tzinfo=UTC))

    copy = pickle.loads(pickle.dumps(profile))

    assert copy.digest == profile.digest
    assert not copy.values.flags.writeable


@pytest.mark.parametrize(
    ("value", "said"), [(float("nan"), "step 3"), (float("inf"), "step 3"), (-0.1, "-0.1 kW in step 3")]
)
def test_a_missing_or_negative_load_is_refused_with_its_step(value: float, said: str) -> None:
    values = np.ones(96)
    values[3] = value

    with pytest.raises(InvalidInputError, match=said):
        series("load-a", values, calendar="day")


@pytest.mark.parametrize(
    ("calendar", "length"), [("day", 95), ("day", 97), ("week", 96), ("year", 366 * 96), ("year", 8760)]
)
def test_a_typical_profile_of_another_length_is_refused(calendar: str, length: int) -> None:
    with pytest.raises(InvalidInputError, match="steps"):
        series("a", np.ones(length), calendar=calendar)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", ["abc", [[1.0, 2.0]], [], ["x"] * 96])
def test_values_that_are_no_flat_series_are_refused(values: object) -> None:
    with pytest.raises(InvalidInputError, match="one number per step"):
        series("a", values, calendar="day")  # type: ignore[arg-type]


@pytest.mark.parametrize("kw", [-1.0, float("nan"), "two", True])
def test_a_flat_profile_is_a_number_of_kilowatts(kw: object) -> None:
    with pytest.raises(InvalidInputError):
        flat("a", kw)  # type: ignore[arg-type]


def test_a_dated_profile_needs_a_start() -> None:
    with pytest.raises(InvalidInputError, match="no start"):
        series("a", np.ones(96))


def test_start_and_clock_are_part_of_the_digest() -> None:
    first = series("a", np.ones(96), start=datetime(2024, 1, 1, tzinfo=UTC))
    later = series("a", np.ones(96), start=datetime(2024, 1, 2, tzinfo=UTC))

    assert isinstance(first, CommunityProfile)
    assert first.digest != later.digest
