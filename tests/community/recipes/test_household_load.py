from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afterbay.community.recipes import (
    ProfileLibrary,
    Recipe,
    StreetStatistics,
    engine_load,
    household_load,
    households,
    measured_columns,
    occupant_load,
    standard_load,
    street_statistics,
)
from afterbay.community.recipes import household_kernels as kernels
from afterbay.community.recipes.household import household_values, seasons
from afterbay.community.recipes.household_layout import appliance_table
from afterbay.community.recipes.stream import stream_keys, uniforms
from afterbay.core.compiled import Floats
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline
from plain_python import plain_copy
from shared_data import shared_path

YEAR_2013 = Timeline(datetime(2013, 1, 1, tzinfo=UTC), timedelta(minutes=15), 365 * 96)
LONDON = "Europe/London"
DOCS = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "community-profiles.md"
DAY_0 = 19_723  # 1 January 2024


def half_hours(values: Floats) -> Floats:
    """Meters read half hours: smooth quarter hours likewise before they are compared."""
    return np.repeat(values.reshape(len(values), -1, 2).mean(axis=2), 2, axis=1)


@pytest.fixture(scope="module")
def measured_street() -> StreetStatistics:
    profiles = measured_columns(shared_path("data/loads_houses_15min.parquet"))
    values = ProfileLibrary(profiles).reader(list(profiles), YEAR_2013, LONDON).read(0, YEAR_2013.count)
    return street_statistics(values, YEAR_2013, LONDON)


@pytest.fixture(scope="module")
def built_street() -> StreetStatistics:
    library = ProfileLibrary(households([f"house {n}" for n in range(85)], latitude=51.5, seed=1))
    values = library.reader(list(library), YEAR_2013, LONDON).read(0, YEAR_2013.count)
    return street_statistics(half_hours(values), YEAR_2013, LONDON)


def test_compiled_and_plain_python_give_the_same_bits() -> None:
    houses = list(households(["a", "b", "c"], seed=4).values())
    keys = np.array([house.keys for house in houses], dtype=np.int64)
    routine = np.array([house.routine for house in houses])
    rates = np.array([house.rates for house in houses])
    season = seasons(np.arange(DAY_0, DAY_0 + 9), 50.0)
    out = np.empty((3, 9 * 96))

    plain_copy(kernels.__name__).household_days(keys, routine, rates, appliance_table(), DAY_0, season, out)

    assert out.tobytes() == household_values(houses, DAY_0, 9).tobytes()


def test_the_streams_of_kernel_and_builders_are_one() -> None:
    keys = stream_keys(3, "x")
    counters = np.arange(0, 4_000_000_000, 400_000_001)

    assert uniforms(keys, counters).tolist() == [kernels.uniform(*keys, int(counter)) for counter in counters]


def test_random_numbers_are_even_and_not_tied_to_each_other() -> None:
    drawn = uniforms(stream_keys(0, "x"), np.arange(200_000))

    assert drawn.mean() == pytest.approx(0.5, abs=0.003)
    assert np.bincount((drawn * 20).astype(int)) == pytest.approx(10_000, rel=0.04)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01


def test_a_house_is_the_same_alone_in_any_order_and_on_any_day() -> None:
    street = households([f"h{n}" for n in range(6)], seed=2)
    whole = household_values(list(street.values()), DAY_0, 10)

    turned = household_values(list(reversed(street.values())), DAY_0, 10)[::-1]
    alone = household_values([household_load("h3", seed=2)], DAY_0 + 7, 1)[0]

    assert turned.tobytes() == whole.tobytes()
    assert alone.tobytes() == whole[3, 7 * 96 : 8 * 96].tobytes()


def test_seed_and_key_make_another_house_and_the_name_does_not() -> None:
    first = household_load("a", 3000.0, seed=1, key="k")

    assert first.digest == household_load("b", 3000.0, seed=1, key="k").digest
    assert first.digest != household_load("a", 3000.0, seed=2, key="k").digest
    assert first.digest != household_load("a", 3000.0, seed=1, key="l").digest


@pytest.mark.parametrize("annual_kwh", [300.0, 1500.0, 4000.0, 15000.0])
@pytest.mark.parametrize("occupants", ["day_worker", "home_worker", "night_worker", "unspecified"])
def test_the_reference_year_has_the_energy_that_was_asked_for(annual_kwh: float, occupants: str) -> None:
    house = household_load("a", annual_kwh, occupants=occupants)

    first = (datetime(2023, 1, 1) - datetime(1970, 1, 1)).days
    energy = household_values([house], first, 365).sum() / 4.0
    assert energy == pytest.approx(annual_kwh, rel=1e-9)
    another = household_values([house], first + 365, 366).sum() / 4.0
    assert another == pytest.approx(annual_kwh, rel=0.2)


def test_habits_show_in_the_hours() -> None:
    first = (datetime(2023, 1, 2) - datetime(1970, 1, 1)).days
    shares = {}
    for kind in ("day_worker", "home_worker", "night_worker"):
        street = households([f"h{n}" for n in range(60)], occupants=kind, seed=5)
        mean = household_values(list(street.values()), first, 5 * 7).sum(axis=0).reshape(-1, 96)
        shares[kind] = mean.sum(axis=0) / mean.sum()

    noon, small_hours = slice(11 * 4, 15 * 4), slice(23 * 4, 96)
    assert shares["home_worker"][noon].sum() > 1.2 * shares["day_worker"][noon].sum()
    assert shares["night_worker"][small_hours].sum() < 0.8 * shares["day_worker"][small_hours].sum()


def test_winter_needs_more_and_the_south_has_its_winter_in_july() -> None:
    january, july = DAY_0 + 5, DAY_0 + 190

    north = list(households([f"h{n}" for n in range(40)], latitude=50.0).values())
    south = list(households([f"h{n}" for n in range(40)], latitude=-50.0).values())

    assert household_values(north, january, 14).sum() > 1.2 * household_values(north, july, 14).sum()
    assert household_values(south, july, 14).sum() > 1.2 * household_values(south, january, 14).sum()


def test_daylight_is_that_of_the_place() -> None:
    longest = seasons(np.array([DAY_0 + 171]), 51.5)[0]
    shortest = seasons(np.array([DAY_0 + 355]), 51.5)[0]

    assert longest[1] - longest[0] == pytest.approx(16.4, abs=0.2)  # London: 16 h 38 min with refraction
    assert shortest[1] - shortest[0] == pytest.approx(7.6, abs=0.2)  # 7 h 50 min
    assert seasons(np.arange(DAY_0, DAY_0 + 366), 51.5)[:, 2].mean() == pytest.approx(1.0, abs=3e-3)


def test_no_load_is_negative_and_every_house_stands_by() -> None:
    values = household_values(list(households([f"h{n}" for n in range(30)]).values()), DAY_0, 60)

    assert values.min() > 0.0


@pytest.mark.parametrize(
    ("options", "said"),
    [({"annual_kwh": 0.0}, "annual_kwh"), ({"occupants": "student"}, "night_worker"), ({"latitude": 80.0}, "latitude")],
)
def test_a_household_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        household_load("a", **options)


def test_the_recipe_of_a_household_is_all_it_needs() -> None:
    house = household_load("a", seed=9)

    assert house.recipe == Recipe(
        "household", {"annual_kwh": None, "occupants": "unspecified", "latitude": 50.0, "key": "a"}, 9
    )


def test_eighty_five_built_houses_look_like_eighty_five_measured_ones(
    measured_street: StreetStatistics, built_street: StreetStatistics
) -> None:
    allowed = {
        "annual_kwh_mean": 0.20,
        "annual_kwh_median": 0.20,
        "peak_to_mean_median": 0.20,
        "peak_to_mean_low": 0.25,
        "peak_to_mean_high": 0.25,
        "load_factor_median": 0.20,
        "coincidence": 0.15,
        "street_peak_to_mean": 0.15,
        "evening_share": 0.15,
        "evening_to_night": 0.25,
        "daily_variation_median": 0.20,
        "winter_to_summer": 0.15,
    }
    built, real = built_street.to_dict(), measured_street.to_dict()

    far = {
        name: (built[name], real[name]) for name, most in allowed.items() if abs(built[name] / real[name] - 1.0) > most
    }
    assert not far


@pytest.mark.parametrize("seed", [0, 5, 7])
def test_any_seed_is_a_street_like_the_measured_one(measured_street: StreetStatistics, seed: int) -> None:
    street = ProfileLibrary(households([f"house {n}" for n in range(85)], latitude=51.5, seed=seed))
    values = half_hours(street.reader(list(street), YEAR_2013, LONDON).read(0, YEAR_2013.count))

    built = street_statistics(values, YEAR_2013, LONDON)
    assert built.coincidence == pytest.approx(measured_street.coincidence, rel=0.15)
    assert built.peak_to_mean_median == pytest.approx(measured_street.peak_to_mean_median, rel=0.20)
    assert built.evening_share == pytest.approx(measured_street.evening_share, rel=0.15)


def test_a_street_takes_the_energies_that_are_known() -> None:
    street = households({"a": 2000.0, "b": None}, seed=3)

    assert street["a"].digest == household_load("a", 2000.0, seed=3).digest
    assert street["b"].digest == household_load("b", seed=3).digest


def test_plain_profiles_are_too_smooth_to_be_single_houses(measured_street: StreetStatistics) -> None:
    pytest.importorskip("demandlib")
    smooth = ProfileLibrary(
        [
            occupant_load("template", 10.0, ["day_worker"]),
            engine_load("engine", daily_kwh=10.0),
            standard_load("standard", "h25", 3650.0, 2013),
        ]
    )
    values = smooth.reader(list(smooth), YEAR_2013, LONDON).read(0, YEAR_2013.count)

    ratio = values.max(axis=1) / values.mean(axis=1)
    assert (ratio < 0.5 * measured_street.peak_to_mean_low).all()


def test_the_table_of_the_documentation_is_what_comes_out(
    measured_street: StreetStatistics, built_street: StreetStatistics
) -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d.,]+) \| ([\d.,]+) \|$", DOCS.read_text(), flags=re.MULTILINE)

    assert {name for name, _, _ in rows} == set(StreetStatistics.__dataclass_fields__) - {"houses"}
    for name, real, built in rows:
        for shown, street in ((real, measured_street), (built, built_street)):
            digits = len(shown.partition(".")[2])
            value = getattr(street, name)
            assert math.isclose(float(shown.replace(",", "")), value, abs_tol=0.51 * 10.0**-digits), (name, value)
