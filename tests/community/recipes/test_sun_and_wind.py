from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.recipes import (
    TRACKING_FACTOR,
    CommunityProfile,
    ProfileLibrary,
    ageing_factor,
    clear_sky_site,
    power_curve,
    reference_year_solar,
    typical_year_site,
    weibull_wind,
    wind_from_file,
)
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline
from afterbay.profiles import clear_sky_solar, typical_year_solar


@pytest.fixture(scope="module")
def clear() -> CommunityProfile:
    pytest.importorskip("pvlib")
    return clear_sky_site("sun", 48.5, 7.9)


def test_the_typical_year_is_that_of_the_sizing_module_per_kilowatt() -> None:
    pytest.importorskip("pvlib")

    site = typical_year_site("sun")

    assert site.values == pytest.approx(typical_year_solar(1.0).values)
    assert (site.unit, site.calendar, site.utc_offset_h) == ("kW/kW", "year", -5.0)


def test_a_clear_sky_is_that_of_the_sizing_module(clear: CommunityProfile) -> None:
    reference = clear_sky_solar(48.5, 7.9, 1.0, year=2019, dt_h=0.25)

    assert clear.values == pytest.approx(reference.values)


def test_each_site_has_its_own_sun(clear: CommunityProfile) -> None:
    # Defect 4 of the original: one hard-coded site for all houses.
    north = clear_sky_site("sun", 60.0, 7.9)

    assert north.values.sum() < 0.95 * clear.values.sum()
    assert north.digest != clear.digest


@pytest.mark.parametrize("variability", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("factor", [0.2, 0.62, 1.0])
def test_clouds_leave_exactly_the_energy_that_was_asked_for(
    clear: CommunityProfile, factor: float, variability: float
) -> None:
    seed = 3 if variability else None

    cloudy = clear_sky_site("sun", 48.5, 7.9, cloud_factor=factor, variability=variability, seed=seed)

    assert cloudy.values.sum() == pytest.approx(factor * clear.values.sum(), rel=1e-9)
    assert (cloudy.values <= clear.values + 1e-12).all()


def test_clouds_come_and_go_by_their_seed(clear: CommunityProfile) -> None:
    def cloudy(seed: int) -> CommunityProfile:
        return clear_sky_site("sun", 48.5, 7.9, cloud_factor=0.6, variability=0.9, seed=seed)

    first = cloudy(1)
    days = first.values.reshape(365, 96).sum(axis=1) / clear.values.reshape(365, 96).sum(axis=1)

    assert first.digest == cloudy(1).digest != cloudy(2).digest
    assert days.std() > 0.15
    assert np.corrcoef(days[:-1], days[1:])[0, 1] > 0.2  # weather lasts


def test_variability_needs_a_seed_and_nothing_else_takes_one() -> None:
    pytest.importorskip("pvlib")
    with pytest.raises(InvalidInputError, match="seed"):
        clear_sky_site("sun", 48.5, 7.9, variability=0.5)
    with pytest.raises(InvalidInputError, match="seed"):
        clear_sky_site("sun", 48.5, 7.9, seed=1)


def test_an_array_that_follows_the_sun_gives_more() -> None:
    pytest.importorskip("pvlib")
    fixed, tracked = typical_year_site("sun"), typical_year_site("sun", tracking=True)

    gain = tracked.values.sum() / fixed.values.sum()
    assert 1.08 < gain < 1.30  # one level axis at 36 degrees north
    morning = fixed.values.reshape(365, 24)[170:175, 7], tracked.values.reshape(365, 24)[170:175, 7]
    assert morning[1].mean() > 1.5 * morning[0].mean()


def test_the_reference_year_is_energy_per_step_and_tracking_is_a_fifth_more() -> None:
    energy = np.tile(np.concatenate([np.zeros(48), np.full(24, 0.2), np.zeros(24)]), 365)

    fixed, tracked = reference_year_solar("a", energy), reference_year_solar("a", energy, tracking=True)

    assert fixed.values.sum() / 4.0 == pytest.approx(energy.sum())
    assert fixed.values.max() == pytest.approx(0.8)
    assert tracked.values == pytest.approx(TRACKING_FACTOR * fixed.values)
    assert TRACKING_FACTOR == 1.20


def test_a_reference_year_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sun.csv"
    path.write_text("solar_kwh\n" + "0.0\n0.3\n" * 4380)

    profile = reference_year_solar("a", path=path, dt_h=1.0)

    assert profile.values[:4].tolist() == pytest.approx([0.0, 0.3, 0.0, 0.3])
    assert ProfileLibrary.from_recipes(ProfileLibrary([profile]).to_dict()).digest("a") == profile.digest


@pytest.mark.parametrize(("years", "left"), [(0, 1.0), (1, 0.994), (10, 0.94), (83, 0.502), (84, 0.5), (200, 0.5)])
def test_an_array_loses_six_tenths_of_a_percent_a_year_down_to_half(years: float, left: float) -> None:
    assert ageing_factor(years) == pytest.approx(left)
    aged = reference_year_solar("a", np.full(35040, 0.1), years_of_service=years)
    assert aged.values == pytest.approx(0.4 * left)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"years_of_service": -1}, "years_of_service"),
        ({"tilt": 100}, "tilt"),
        ({"latitude": 91}, "latitude"),
        ({"cloud_factor": 1.2}, "cloud_factor"),
    ],
)
def test_a_site_out_of_range_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        clear_sky_site("sun", **{"latitude": 48.5, "longitude": 7.9, **options})


def test_a_reference_year_with_a_gap_or_without_values_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="step 5"):
        reference_year_solar("a", [0.1] * 5 + [float("nan")] * 35035)
    with pytest.raises(InvalidInputError, match="neither"):
        reference_year_solar("a")


def test_the_power_curve_has_its_four_parts() -> None:
    power = power_curve([0.0, 2.9, 3.0, 7.5, 12.0, 20.0, 24.9, 25.0, 40.0])

    cubic = (7.5**3 - 27.0) / (12.0**3 - 27.0)
    assert power.tolist() == pytest.approx([0.0, 0.0, 0.0, cubic, 1.0, 1.0, 1.0, 0.0, 0.0])


@given(st.lists(st.floats(0, 24.9), min_size=2, max_size=20))
def test_more_wind_never_gives_less_until_it_is_stopped(wind: list[float]) -> None:
    power = power_curve(sorted(wind))

    assert (np.diff(power) >= 0.0).all()
    assert ((power >= 0.0) & (power <= 1.0)).all()


@pytest.mark.parametrize("speeds", [(5, 4, 25), (3, 12, 10), (-1, 12, 25)])
def test_a_curve_out_of_order_is_refused(speeds: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidInputError, match="cut_in < rated < cut_out"):
        power_curve([5.0], *speeds)


def test_made_up_wind_has_its_mean_its_shape_and_its_memory() -> None:
    # Nothing is stopped and everything is proportional to the cube: the yield tells the third moment.
    profile = weibull_wind("w", 6.0, cut_in=0.0, rated=40.0, cut_out=99.0, seed=2)
    wind = np.cbrt(profile.values) * 40.0

    assert wind.mean() == pytest.approx(6.0, rel=0.05)
    assert np.corrcoef(wind[:-1], wind[1:])[0, 1] == pytest.approx(0.9, abs=0.03)
    scale = 6.0 / 0.886227
    assert (wind > scale).mean() == pytest.approx(np.exp(-1.0), abs=0.05)
    assert profile.digest == weibull_wind("x", 6.0, cut_in=0.0, rated=40.0, cut_out=99.0, seed=2).digest


def test_wind_of_a_file_goes_through_the_curve(tmp_path: Path) -> None:
    path = tmp_path / "wind.csv"
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%MZ},{hour}" for hour in range(30)]
    path.write_text("time,wind_m_per_s\n" + "\n".join(rows) + "\n")

    profile = wind_from_file("w", path, column="wind_m_per_s")

    assert profile.values == pytest.approx(power_curve(np.arange(30.0)))
    reader = ProfileLibrary([profile]).reader(["w"], Timeline(start, timedelta(minutes=15), 120), "UTC")
    assert reader.read(0, 120)[0] == pytest.approx(np.repeat(profile.values, 4))
