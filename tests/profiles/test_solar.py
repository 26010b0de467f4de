from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.profiles import (
    SolarProfile,
    clear_sky_solar,
    read_profile,
    scale_solar,
    typical_year_solar,
)
from shared_data import shared_path


@pytest.fixture(scope="module")
def typical() -> SolarProfile:
    return typical_year_solar(67.0)


def test_the_typical_year_agrees_with_the_reference_of_the_same_weather(typical: SolarProfile) -> None:
    reference = read_profile(shared_path("data/solar_greensboro_tmy3_1h.csv.gz"))
    # The reference is in UTC and its last 5 h wrap to the start; ours is in local standard time.
    local = np.roll(np.asarray(reference.values), round(typical.utc_offset_h))
    per_kwp = typical.values / typical.capacity_mwp

    assert typical.utc_offset_h == -5.0
    assert per_kwp.sum() == pytest.approx(1399.0, rel=0.015)
    assert np.corrcoef(per_kwp, local)[0, 1] > 0.999
    assert np.corrcoef(per_kwp, np.roll(local, 1))[0, 1] < 0.95


def test_the_nameplate_is_dc_and_the_grid_sees_at_most_the_inverter(typical: SolarProfile) -> None:
    assert typical.capacity_mwp == 67.0
    assert typical.ac_limit_mw == pytest.approx(67.0 / 1.2)
    assert typical.values.max() == typical.ac_limit_mw
    assert typical.values.min() == 0.0
    assert len(typical.values) == 8760


def test_rows_are_local_standard_hours_of_one_year_without_leap_day(typical: SolarProfile) -> None:
    by_hour = np.asarray(typical.values).reshape(365, 24)

    assert typical.start.isoformat() == "2019-01-01T00:00:00-05:00"
    assert not by_hour[:, :5].any()
    assert not by_hour[:, 20:].any()
    # 79.95 W lies 4.95 degrees west of its meridian: the sun is highest near 12:20.
    mean = by_hour.mean(axis=0)
    assert (mean * (np.arange(24) + 0.5)).sum() / mean.sum() == pytest.approx(12.33, abs=0.15)


def test_every_assumption_is_stated(typical: SolarProfile) -> None:
    stated = typical.assumptions

    assert stated["tilt_degrees"] == 35.0
    assert stated["azimuth_degrees"] == 180.0
    assert stated["loss_fraction"] == 0.14
    assert stated["dc_ac_ratio"] == 1.2
    assert stated["nominal_year"] == 2019.0
    assert "GREENSBORO" in typical.source
    assert "standard time" in str(stated["clock"])


def test_energy_is_proportional_to_the_nameplate(typical: SolarProfile) -> None:
    np.testing.assert_allclose(typical_year_solar(6.7).values * 10, typical.values, rtol=1e-12)


def test_losses_and_inverters_cost_energy(typical: SolarProfile) -> None:
    total = typical.values.sum()

    assert typical_year_solar(67.0, loss_fraction=0.3).values.sum() < total
    assert typical_year_solar(67.0, dc_ac_ratio=1.6).values.sum() < total
    assert typical_year_solar(67.0, azimuth=0.0).values.sum() < total


@pytest.mark.parametrize(("year", "rows"), [(2023, 8760), (2024, 8784)])
def test_a_clear_year_has_its_real_length_and_beats_the_weather(typical: SolarProfile, year: int, rows: int) -> None:
    clear = clear_sky_solar(36.1, -79.95, 67.0, year=year, altitude=273.0)

    assert len(clear.values) == rows
    assert clear.values.sum() > 1.15 * typical.values.sum()
    assert clear.utc_offset_h == -5.0


def test_a_clear_day_is_symmetric_about_the_solar_noon_of_its_meridian() -> None:
    clear = clear_sky_solar(45.0, 15.0, 1.0, year=2023, dt_h=0.25)
    # Near 16 April the sun passes the meridian at 12:00, to a minute.
    day = np.asarray(clear.values).reshape(365, 96)[105]

    np.testing.assert_allclose(day, day[::-1], atol=0.02)
    assert clear.start.utcoffset() == timedelta(hours=1)


def test_the_south_faces_north() -> None:
    south = clear_sky_solar(-33.0, 151.0, 1.0, year=2023)
    monthly = np.asarray(south.values).reshape(365, 24).sum(axis=1)

    assert south.assumptions["azimuth_degrees"] == 0.0
    assert monthly[:31].sum() > monthly[151:182].sum()


def test_the_step_changes_the_detail_and_not_the_energy() -> None:
    hourly, fine = (clear_sky_solar(50.0, 8.0, 1.0, year=2023, dt_h=dt_h) for dt_h in (1.0, 0.25))

    assert fine.values.sum() * 0.25 == pytest.approx(hourly.values.sum(), rel=0.01)


def test_the_same_inputs_give_the_same_profile(typical: SolarProfile) -> None:
    assert typical_year_solar(67.0).values.tobytes() == typical.values.tobytes()


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"capacity_mw": 0.0, "tilt": 91.0}, ["capacity_mw", "tilt"]),
        ({"capacity_mw": float("nan")}, ["capacity_mw"]),
        ({"dc_ac_ratio": -1.0, "loss_fraction": 14.0}, ["dc_ac_ratio", "loss_fraction"]),
        ({"azimuth": 400.0, "year": 2024}, ["azimuth", "year"]),
    ],
)
def test_inputs_out_of_range_are_named_together(inputs: dict[str, Any], where: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        typical_year_solar(**{"capacity_mw": 1.0, **inputs})

    assert [problem.where for problem in caught.value.problems] == where


def test_a_place_off_the_globe_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        clear_sky_solar(91.0, 181.0, 1.0, year=1, dt_h=0.7, utc_offset_h=20.0)

    assert [p.where for p in caught.value.problems] == [
        "latitude",
        "longitude",
        "utc_offset_h",
        "year",
        "dt_h",
    ]


@pytest.mark.parametrize("target", [0.0, 25.0, 67.89])
def test_scaling_scales_the_energy(target: float) -> None:
    values = np.array([0.0, 10.0, 67.89, 3.0])

    scaled = scale_solar(values, target)

    assert scaled.max() == pytest.approx(target)
    assert scaled.sum() == pytest.approx(values.sum() * target / 67.89)


def test_scaling_to_the_own_peak_changes_no_bit() -> None:
    values = np.random.default_rng(3).uniform(0, 67.89, 100)

    assert scale_solar(values, float(values.max())).tobytes() == values.tobytes()


def test_scaling_by_a_stated_base_takes_the_base() -> None:
    assert scale_solar([1.0, 2.0], 30.0, base_peak_mw=10.0).tolist() == [3.0, 6.0]


@pytest.mark.parametrize(("values", "target"), [([0.0, 0.0], 5.0), ([], 5.0), ([1.0], -1.0), ([1.0], float("inf"))])
def test_what_cannot_be_scaled_is_refused(values: list[float], target: float) -> None:
    with pytest.raises(InvalidInputError):
        scale_solar(values, target)


def test_without_pvlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pvlib", "pvlib.location", "pvlib.iotools"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(MissingExtraError, match=r"afterbay\[solar\]"):
        typical_year_solar(1.0)
    with pytest.raises(MissingExtraError, match=r"afterbay\[solar\]"):
        clear_sky_solar(50.0, 8.0, 1.0)
