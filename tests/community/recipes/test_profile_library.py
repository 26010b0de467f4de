from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from afterbay.community.recipes import (
    SOURCES,
    Appliance,
    ProfileLibrary,
    Recipe,
    appliance_load,
    build,
    car_pattern,
    clear_sky_site,
    elm_street_profiles,
    engine_load,
    flat,
    household_load,
    occupant_load,
    reference_year_solar,
    series,
    standard_load,
    street_profiles,
    typical_year_site,
    weibull_wind,
)
from afterbay.community.topology.examples import elm_street
from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.core.timeline import Timeline

WEEK = Timeline(datetime(2024, 6, 3, tzinfo=UTC), timedelta(minutes=15), 672)


def test_a_library_is_never_changed() -> None:
    first = ProfileLibrary([flat("a", 1.0)])

    second = first.with_profile(flat("b", 2.0), flat("a", 3.0))

    assert (list(first), list(second)) == (["a"], ["a", "b"])
    assert first.digest("a") == flat("a", 1.0).digest != second.digest("a")
    assert list(second.without("a")) == ["b"]
    with pytest.raises(TypeError):
        first["a"] = flat("a", 2.0)  # type: ignore[index]


def test_a_name_stands_once() -> None:
    with pytest.raises(InvalidInputError, match="a twice"):
        ProfileLibrary([flat("a", 1.0), flat("a", 2.0)])


def test_a_missing_name_says_what_is_there() -> None:
    with pytest.raises(NotFoundError, match=r"'c'.*a, b"):
        ProfileLibrary([flat("a", 1.0), flat("b", 1.0)]).digest("c")


def test_all_missing_and_unfit_names_are_told_at_once() -> None:
    library = ProfileLibrary([flat("a", 1.0), car_pattern("ev")])

    with pytest.raises(InvalidInputError) as caught:
        library.reader(["a", "b", "ev", "b", "c"], WEEK, "UTC")

    assert [problem.where for problem in caught.value.problems] == ["profile b", "profile ev", "profile c"]


def test_a_profile_of_power_is_no_car() -> None:
    with pytest.raises(InvalidInputError, match="a session set or a car"):
        ProfileLibrary([flat("a", 1.0)]).sessions("a", WEEK, "UTC")


def test_a_library_is_rebuilt_from_its_recipes_to_the_same_digests() -> None:
    pytest.importorskip("pvlib")
    pytest.importorskip("demandlib")
    library = ProfileLibrary(
        [
            flat("flat", 1.5),
            series("series", np.arange(96.0), calendar="day"),
            series("dated", np.arange(96.0), start=datetime(2024, 1, 1, tzinfo=UTC)),
            appliance_load("appliances", [Appliance("kettle", 2000.0, ((7, 8),), spread_h=1.0)], seed=3),
            engine_load("engine", monthly_kwh=[200.0] * 12, max_demand_kw=4.0),
            occupant_load("occupants", 9.0, ["night_worker", "day_worker"]),
            standard_load("standard", "h0", 3000.0, 2024, holidays=["2024-12-25"]),
            household_load("household", 3500.0, seed=8),
            clear_sky_site("clear", 48.5, 7.9, cloud_factor=0.6, variability=0.5, seed=2, tracking=True),
            typical_year_site("typical", years_of_service=4.0),
            reference_year_solar("reference", np.full(365 * 96, 0.1), tracking=True),
            weibull_wind("wind", 6.0, seed=5),
            car_pattern("car", seed=5, weekdays=(0, 1)),
        ]
    )

    again = ProfileLibrary.from_recipes(library.to_json())

    assert {name: again.digest(name) for name in again} == {name: library.digest(name) for name in library}
    assert {entry.recipe.source for entry in library.values()} | {"file", "measured", "wind_file", "car_file"} == set(
        SOURCES
    )


def test_a_digest_that_does_not_come_out_again_is_told() -> None:
    data = ProfileLibrary([flat("a", 1.0), flat("b", 1.0)]).to_dict()
    data["b"]["parameters"]["kw"] = 2.0

    with pytest.raises(InvalidInputError, match="profile b"):
        ProfileLibrary.from_recipes(data)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe("magic", {}), "flat, series, file"),
        (Recipe("flat", {"kw": 1.0, "colour": "red"}), "flat.colour"),
        (Recipe("flat", {}), "flat.kw: got nothing"),
        (Recipe("flat", {"kw": 1.0}, 7), "flat.seed"),
        (Recipe("flat", {"kw": [1.0]}), "a finite number"),
        (Recipe("occupants", {"daily_kwh": 3.0, "occupants": 5}), "occupants"),
        (Recipe("appliances", {"appliances": [{"name": "a", "rating_w": 5, "hours": "7-8"}]}), "pairs of hours"),
        (Recipe("standard", {"kind": "h0", "annual_kwh": 1, "year": "x"}), "year"),
    ],
)
def test_a_recipe_that_no_builder_understands_is_refused(recipe: Recipe, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        build("a", recipe)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"source": 1}}'])
def test_text_that_holds_no_recipes_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="recipe"):
        ProfileLibrary.from_recipes(text)


def test_a_library_travels_to_another_process() -> None:
    library = ProfileLibrary([flat("a", 1.0), household_load("b"), car_pattern("c")])

    again = pickle.loads(pickle.dumps(library))

    assert {name: again.digest(name) for name in again} == {name: library.digest(name) for name in library}


def test_elm_street_has_every_profile_that_it_names() -> None:
    pytest.importorskip("pvlib")
    grid, library = elm_street(), elm_street_profiles()
    loads = [load.profile for house, _ in grid.every_house() for load in house.loads]
    suns = [array.profile for house, _ in grid.every_house() for array in house.solar]
    cars = [car.profile for house, _ in grid.every_house() for car in house.cars]

    assert sorted(library) == sorted([*loads, *suns, *cars])
    block = library.reader(loads + suns, WEEK, grid.time_zone).read(0, 672)
    assert (len(loads), len(suns), len(cars)) == (10, 6, 1)
    assert len({row.tobytes() for row in block[:10]}) == 10
    assert block[10:].max() > 0.3
    assert block[10:, :8].max() == 0.0  # two to four in the morning
    assert len(library.sessions(cars[0], WEEK, grid.time_zone).arrive_step) >= 7


def test_another_seed_is_another_street() -> None:
    pytest.importorskip("pvlib")

    first, second = elm_street_profiles(1), elm_street_profiles(2)

    assert all(first.digest(name) != second.digest(name) for name in first)


def test_sun_without_a_place_is_refused() -> None:
    from dataclasses import replace

    with pytest.raises(InvalidInputError, match="latitude"):
        street_profiles(replace(elm_street(), latitude=None))
