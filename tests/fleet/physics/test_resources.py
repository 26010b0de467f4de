"""Sun, wind and cars: what they offer, what a setpoint holds back, and what is counted."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fleet_plant import NOON, SITE, battery, identity
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.inventory import Asset
from afterbay.fleet.messages import Telemetry
from afterbay.fleet.physics import SimulatedFleet, fleet_kernels
from afterbay.fleet.physics.draws import asset_keys, normals, uniforms
from afterbay.fleet.physics.sun import clear_sky_wm2, sine_of_elevation
from plain_python import plain_copy


def _asset(kind: Any, **fields: Any) -> Asset:
    usual = {"pv": {"max_mw": 30.0}, "wind": {"max_mw": 5.0}, "ev": {"min_mw": -1.0}}[kind]
    return Asset(**{"id": identity(kind), "site_id": SITE.id, "name": kind.upper(), "asset_type": kind,
                    "ramp_rate_mw_per_min": 1e6, **usual, **fields})  # fmt: skip


def _fleet(asset: Asset, start: datetime = NOON, **options: Any) -> SimulatedFleet:
    return SimulatedFleet([asset], start=start, sites=[SITE], **options)


def _after(fleet: SimulatedFleet, **time: float) -> Telemetry:
    fleet.advance(fleet.now + timedelta(**time))
    return fleet.telemetry()[0]


@pytest.mark.parametrize(("latitude", "longitude"), [(55.0, -1.5), (0.0, 0.0), (-33.9, 151.2), (69.7, 19.0)])
@pytest.mark.parametrize("month", [1, 3, 6, 9, 12])
def test_the_sun_stands_where_an_almanac_has_it(latitude: float, longitude: float, month: int) -> None:
    solarposition = pytest.importorskip("pvlib.solarposition")
    pandas = pytest.importorskip("pandas")
    times = pandas.date_range(datetime(2026, month, 15, tzinfo=UTC), periods=24, freq="1h")
    almanac = solarposition.get_solarposition(times, latitude, longitude, method="nrel_numpy")["elevation"]
    place = (np.array([latitude]), np.array([longitude]))

    ours = [math.degrees(math.asin(sine_of_elevation(*place, time.to_pydatetime())[0])) for time in times]

    assert ours == pytest.approx(almanac.tolist(), abs=0.5)


def test_the_clear_sky_is_the_published_formula() -> None:
    clearsky = pytest.importorskip("pvlib.clearsky")
    pandas = pytest.importorskip("pandas")
    place = (np.array([54.98]), np.array([-1.45]))
    zenith = 90.0 - math.degrees(math.asin(sine_of_elevation(*place, NOON)[0]))

    published = float(clearsky.haurwitz(pandas.Series([zenith]))["ghi"].iloc[0])
    assert clear_sky_wm2(*place, NOON)[0] == pytest.approx(published, rel=1e-6)


def test_a_solar_farm_follows_the_sun_and_is_dark_at_night() -> None:
    day = [_after(_fleet(_asset("pv"), NOON.replace(hour=hour)), seconds=4).mw for hour in range(24)]

    assert day[0] == day[23] == 0.0
    assert 20.0 < max(day) <= 30.0
    assert day.index(max(day)) == 12


def test_an_inverter_clips_and_a_day_of_irradiance_is_followed() -> None:
    asset = _asset("pv", details={"dc_mw": 50.0, "irradiance_wm2": [0.0, 500.0, 1000.0, 100.0]})

    powers = [_after(_fleet(asset, NOON.replace(hour=hour)), seconds=4).mw for hour in (1, 7, 13, 19)]

    assert powers == pytest.approx([0.0, 0.5 * 50.0 * 0.86, 30.0, 0.1 * 50.0 * 0.86])


def test_a_setpoint_holds_a_solar_farm_back_and_none_lets_it_go() -> None:
    asset = _asset("pv")
    fleet = _fleet(asset)
    free = _after(fleet, seconds=4)
    fleet.set_setpoint(asset.id, 5.0)
    held = _after(fleet, seconds=4)
    fleet.set_setpoint(asset.id, 29.0)
    short = _after(fleet, seconds=4)
    fleet.set_setpoint(asset.id, None)
    again = _after(fleet, seconds=4)

    assert (free.setpoint_mw, free.limited_by, free.soc_mwh, free.energy_in_mwh) == (None, None, None, None)
    assert (held.mw, held.limited_by, held.details["curtailment_reason"]) == (5.0, None, "setpoint")
    assert held.available_discharge_mw == held.details["available_mw"] == pytest.approx(free.mw, rel=1e-3)
    assert (short.mw < 29.0, short.limited_by) == (True, "resource")
    assert again.setpoint_mw is None
    assert again.mw == pytest.approx(free.mw, rel=1e-3)


def test_energy_of_a_solar_farm_is_counted_at_its_terminals() -> None:
    fleet, now, expected = _fleet(_asset("pv"), NOON.replace(hour=5)), NOON.replace(hour=5), 0.0
    for _ in range(200):
        now += timedelta(seconds=30)
        fleet.advance(now)
        expected += fleet.telemetry()[0].mw * 30.0 / 3600.0

    assert fleet.telemetry()[0].energy_out_mwh == pytest.approx(expected, abs=1e-9)


def test_a_solar_farm_without_a_place_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="the simulated sun needs a place"):
        SimulatedFleet([_asset("pv")], start=NOON)


def test_the_wind_curve_starts_rises_with_the_cube_and_stops() -> None:
    speeds = [2.9, 3.0, 7.5, 12.0, 20.0, 25.0, 25.1]
    powers = [_after(_fleet(_asset("wind", details={"wind_ms": [speed]})), seconds=4).mw for speed in speeds]

    cube = 5.0 * (7.5**3 - 27.0) / (12.0**3 - 27.0)
    assert powers == pytest.approx([0.0, 0.0, cube, 5.0, 5.0, 5.0, 0.0], rel=1e-3)


def test_the_random_wind_has_its_mean_and_its_spread() -> None:
    assets = [_asset("wind", id=identity(f"W-{place}"), name=f"W-{place}") for place in range(2000)]
    fleet = SimulatedFleet(assets, start=NOON, fixed_dt_s=1800.0)
    for hour in range(1, 6):
        fleet.advance(NOON + timedelta(hours=hour))

    speeds = np.array([sample.details["wind_speed_ms"] for sample in fleet.telemetry()], dtype=float)

    # Weibull with shape 2: the standard deviation is 0.523 of the mean.
    assert speeds.mean() == pytest.approx(8.0, rel=0.05)
    assert speeds.std() == pytest.approx(0.523 * 8.0, rel=0.07)


def test_the_statistics_of_the_wind_do_not_depend_on_the_tick() -> None:
    def correlation(dt_s: float) -> float:
        assets = [_asset("wind", id=identity(f"W-{place}"), name=f"W-{place}") for place in range(2000)]
        fleet = SimulatedFleet(assets, start=NOON, fixed_dt_s=dt_s)
        before = np.array([fleet.parts_of(place)[0].state(place)["wind_normal"] for place in range(2000)])
        for tick in range(round(3600.0 / dt_s)):
            fleet.advance(NOON + timedelta(seconds=tick))
        after = np.array([fleet.parts_of(place)[0].state(place)["wind_normal"] for place in range(2000)])
        return float(np.corrcoef(before, after)[0, 1])

    assert correlation(3600.0) == pytest.approx(math.exp(-1.0), abs=0.06)
    assert correlation(600.0) == pytest.approx(math.exp(-1.0), abs=0.06)


def test_listed_cars_come_take_what_they_want_and_leave() -> None:
    details = {"points": 2, "point_mw": 0.05, "sessions": [
        {"arrive": "12:10", "depart": "13:00", "energy_mwh": 0.01},
        {"arrive": "12:20", "depart": "12:30", "energy_mwh": 5.0},
    ]}  # fmt: skip
    fleet = _fleet(_asset("ev", min_mw=-0.1, details=details))
    seen = {minute: _after(fleet, minutes=1) for minute in range(1, 61)}

    assert (seen[9].mw, seen[9].details["station_state"]) == (0.0, "available")
    assert seen[15].mw == pytest.approx(-0.05)
    assert seen[15].details["active_sessions"] == 1
    assert (seen[25].details["active_sessions"], seen[35].details["active_sessions"]) == (2, 1)
    assert seen[60].details["active_sessions"] == 0
    # The first car got its 10 kWh, the second one 50 kW until it left (the minute it leaves in counts no more).
    assert seen[60].energy_in_mwh == pytest.approx(0.01 + 0.05 * 10 / 60, abs=0.05 / 60 + 1e-9)
    assert seen[60].energy_out_mwh is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.one_of(st.none(), st.floats(-1.0, 0.0)))
def test_a_station_takes_no_more_than_its_cars_want_and_it_is_told(seed: int, told: float | None) -> None:
    asset = _asset("ev", details={"points": 5, "sessions_per_day": 600.0, "session_mwh": 0.02})
    fleet = _fleet(asset, seed=seed)
    fleet.set_setpoint(asset.id, told)
    counted = 0.0
    for _ in range(60):
        sample = _after(fleet, minutes=1)
        counted -= sample.mw / 60.0
        cars = fleet.state()["assets"][asset.id]["plant"]["cars"]
        assert len(cars) <= 5
        assert all(left >= 0.0 for left, _ in cars)
        assert -0.2 * len(cars) - 1e-12 <= sample.mw <= 0.0
        assert told is None or sample.mw >= told - 1e-12
    assert sample.energy_in_mwh == pytest.approx(counted, abs=1e-9)


def test_held_back_power_is_shared_and_no_energy_is_lost() -> None:
    details = {"points": 2, "point_mw": 0.1, "sessions": [
        {"arrive": "11:00", "depart": "18:00", "energy_mwh": 0.2},
        {"arrive": "11:30", "depart": "18:00", "energy_mwh": 0.3},
    ]}  # fmt: skip
    asset = _asset("ev", min_mw=-0.2, details=details)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, -0.05)

    sample = _after(fleet, minutes=30)

    left = [left for left, _ in fleet.state()["assets"][asset.id]["plant"]["cars"]]
    assert sample.mw == pytest.approx(-0.05)
    assert left == pytest.approx([0.2 - 0.0125, 0.3 - 0.0125])
    assert sample.energy_in_mwh == pytest.approx(0.5 - sum(left), abs=1e-9)


def test_what_generates_takes_no_power_and_what_charges_gives_none() -> None:
    for kind, mw in (("pv", -5.0), ("wind", -5.0), ("ev", 5.0)):
        asset = _asset(kind)
        fleet = _fleet(asset)
        fleet.set_setpoint(asset.id, mw)

        assert _after(fleet, minutes=1).mw == 0.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 50.0), st.floats(-60.0, 60.0) | st.just(math.nan)), min_size=1, max_size=8),
    st.sampled_from([1.0, -1.0]),
    st.floats(0.0, 100.0),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_compiled_following_has_the_bits_of_plain_python(
    rows: list[tuple[float, float]], sign: float, ramp: float, left: float
) -> None:
    plain = plain_copy("afterbay.fleet.physics.fleet_kernels")
    count = len(rows)
    results = []
    for kernels in (fleet_kernels, plain):
        current, energy, limited = np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.int8)
        for _ in range(3):
            kernels.tick_resource(
                sign, np.array([row[0] for row in rows]), np.full(count, 30.0), np.full(count, ramp),
                np.full(count, left), np.array([row[1] for row in rows]), current, energy, limited, 4.0,
            )  # fmt: skip
        results.append((current.tobytes(), energy.tobytes(), limited.tobytes()))
        assert (sign * current <= np.minimum([row[0] for row in rows], 30.0 * left) + 1e-12).all()
        assert (sign * current >= 0.0).all()

    assert results[0] == results[1]


def test_draws_are_even_and_differ_between_assets_ticks_and_streams() -> None:
    keys = asset_keys(7, [identity(f"B-{place}") for place in range(5000)])
    draws = np.concatenate([uniforms(keys, tick, stream) for tick in range(3) for stream in range(3)])

    assert np.unique(draws).size == draws.size
    assert draws.min() > 0.0
    assert draws.max() < 1.0
    assert np.histogram(draws, bins=10, range=(0.0, 1.0))[0] == pytest.approx(np.full(10, 4500.0), rel=0.08)
    bell = normals(keys, 3, 20)
    assert (bell.mean(), bell.std()) == pytest.approx((0.0, 1.0), abs=0.05)


def test_names_of_sites_and_types_are_told() -> None:
    fleet = SimulatedFleet([battery(), _asset("pv")], start=NOON, sites=[SITE])

    assert [(s.site_name, s.asset_type, s.status) for s in fleet.telemetry()] == [
        ("North Quay", "storage", "idle"),
        ("North Quay", "pv", "generating"),
    ]
