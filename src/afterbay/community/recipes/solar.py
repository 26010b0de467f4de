"""Solar yield per installed kilowatt: by site through pvlib, or from a reference year."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.recipes.files import check_same_file
from afterbay.community.recipes.profile import CommunityProfile, as_floats
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.stream import normals, stream_keys, uniforms
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem, Problems
from afterbay.profiles import read_profile
from afterbay.profiles.plant import check_plant, check_range, make_plant, middles, plant_power
from afterbay.profiles.weather import packaged_year, read_weather

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike

    from afterbay.core.compiled import Floats

__all__ = ["TRACKING_FACTOR", "ageing_factor", "clear_sky_site", "reference_year_solar", "typical_year_site"]

TRACKING_FACTOR = 1.20
"""What tracking adds to a reference year, which knows no site; as in the application this module replaces."""
_YEARLY_LOSS = 0.006
_LEAST_YIELD = 0.5
_NOMINAL_YEAR = 2019
_AIR_C = 20.0
_WIND_M_PER_S = 1.0


def ageing_factor(years_of_service: float) -> float:
    """Return the share of the yield that is left: 0.6 % of the first year's less a year, at least half.

    Source: spec/community.md 1.2.
    """
    return max(1.0 - _YEARLY_LOSS * years_of_service, _LEAST_YIELD)


def typical_year_site(
    name: str,
    *,
    weather_path: str | os.PathLike[str] | None = None,
    tilt: float = 35.0,
    azimuth: float | None = None,
    tracking: bool = False,
    years_of_service: float = 0.0,
    dc_ac_ratio: float = 1.2,
    loss_fraction: float = 0.14,
    weather_sha256: str | None = None,
) -> CommunityProfile:
    """Return the yield of a typical year of weather, hour by hour.

    Args:
        name: Name of the profile.
        weather_path: TMY3 or EPW file of the site; by default the year that pvlib carries (36.1 N).
        tilt: Angle to the horizontal [degrees]; without effect when tracking.
        azimuth: Direction it faces [degrees from north over east], by default the equator; of a
            tracking array the direction of its axis.
        tracking: One level axis that follows the sun.
        years_of_service: Age at the start [years], see `ageing_factor`.
        dc_ac_ratio: Direct-current nameplate over inverter rating [-].
        loss_fraction: Soiling, wiring, mismatch and the like [-].
        weather_sha256: Digest of the file when it was first used; another file is refused.

    Returns:
        A typical year of hours [kW/kW] in the standard time of the site.

    Raises:
        InvalidInputError: With all inputs that are out of range.
        MissingExtraError: If pvlib is not installed.
    """
    problems = _checked(tilt, azimuth, years_of_service, dc_ac_ratio, loss_fraction)
    problems.raise_if_any()
    path = packaged_year() if weather_path is None else Path(weather_path)
    weather = read_weather(path)
    if weather_path is not None:
        weather_sha256 = check_same_file(path, weather_sha256)
    plant = make_plant(1.0, tilt, azimuth, dc_ac_ratio, loss_fraction, weather.latitude)
    power = plant_power(
        plant,
        middles(_midnight(weather.utc_offset_h), 1.0, len(weather.ghi)),
        (weather.latitude, weather.longitude, weather.altitude),
        {"ghi": weather.ghi, "dni": weather.dni, "dhi": weather.dhi},
        weather.temp_air,
        weather.wind_speed,
        tracking=tracking,
    )
    parameters: dict[str, Any] = {
        "weather_path": None if weather_path is None else str(weather_path),
        "weather_sha256": weather_sha256,
        "tilt": tilt,
        "azimuth": azimuth,
        "tracking": tracking,
        "years_of_service": years_of_service,
        "dc_ac_ratio": dc_ac_ratio,
        "loss_fraction": loss_fraction,
    }
    recipe = Recipe("solar_typical_year", parameters)
    return _yield(name, power, 1.0, recipe, years_of_service, weather.utc_offset_h, (f"weather: {weather.source}",))


def clear_sky_site(
    name: str,
    latitude: float,
    longitude: float,
    *,
    cloud_factor: float = 1.0,
    variability: float = 0.0,
    seed: int | None = None,
    tilt: float = 35.0,
    azimuth: float | None = None,
    tracking: bool = False,
    years_of_service: float = 0.0,
    altitude: float = 0.0,
    dc_ac_ratio: float = 1.2,
    loss_fraction: float = 0.14,
    utc_offset_h: float | None = None,
) -> CommunityProfile:
    """Return the yield under a clear sky, dimmed by clouds to a stated share of its energy.

    Args:
        name: Name of the profile.
        latitude: Degrees north.
        longitude: Degrees east.
        cloud_factor: Share of the clear-sky energy of the year that is left [-], 0..1.
        variability: 0: the same factor in every step; above 0: cloudy and clear days follow each
            other, and the factor flickers from step to step [-], 0..1; needs a seed.
        seed: Seed of the clouds.
        tilt: As for `typical_year_site`; so the others.
        azimuth: As for `typical_year_site`.
        tracking: As for `typical_year_site`.
        years_of_service: As for `typical_year_site`.
        altitude: Height above the sea [m].
        dc_ac_ratio: As for `typical_year_site`.
        loss_fraction: As for `typical_year_site`.
        utc_offset_h: Standard time of the site; by default longitude / 15, rounded.

    Returns:
        A typical year of quarter hours [kW/kW] in standard time. It is a model of clouds, not weather
        that was observed.

    Raises:
        InvalidInputError: With all inputs that are out of range.
        MissingExtraError: If pvlib is not installed.
    """
    problems = _checked(tilt, azimuth, years_of_service, dc_ac_ratio, loss_fraction)
    check_range(problems, "latitude", latitude, -90.0, 90.0, "degrees")
    check_range(problems, "longitude", longitude, -180.0, 180.0, "degrees")
    check_range(problems, "altitude", altitude, -500.0, 9000.0, "m")
    check_range(problems, "cloud_factor", cloud_factor, 0.0, 1.0, "as a fraction")
    check_range(problems, "variability", variability, 0.0, 1.0, "as a fraction")
    if utc_offset_h is not None:
        check_range(problems, "utc_offset_h", utc_offset_h, -12.0, 14.0, "h")
    if (seed is None) != (variability == 0.0):
        problems.add("seed", repr(seed), "a seed exactly when variability is above 0", "give both or none")
    problems.raise_if_any()
    try:
        from pvlib.location import Location
    except ImportError:
        raise MissingExtraError("pvlib", "solar", "a clear-sky profile") from None
    offset = float(round(longitude / 15.0)) if utc_offset_h is None else float(utc_offset_h)
    times = middles(_midnight(offset), 0.25, 365 * 96)
    sky = Location(latitude, longitude, altitude=altitude).get_clearsky(times, model="ineichen")
    power = plant_power(
        make_plant(1.0, tilt, azimuth, dc_ac_ratio, loss_fraction, latitude),
        times,
        (latitude, longitude, altitude),
        {part: sky[part].to_numpy() for part in ("ghi", "dni", "dhi")},
        np.full(len(times), _AIR_C),
        np.full(len(times), _WIND_M_PER_S),
        tracking=tracking,
    )
    power = power * _clouds(power, cloud_factor, variability, seed)
    parameters: dict[str, Any] = {
        "latitude": latitude,
        "longitude": longitude,
        "cloud_factor": cloud_factor,
        "variability": variability,
        "tilt": tilt,
        "azimuth": azimuth,
        "tracking": tracking,
        "years_of_service": years_of_service,
        "altitude": altitude,
        "dc_ac_ratio": dc_ac_ratio,
        "loss_fraction": loss_fraction,
        "utc_offset_h": utc_offset_h,
    }
    notes = (
        f"a clear sky at {latitude:g}, {longitude:g}, dimmed to {cloud_factor:g} of its energy by a cloud model",
        f"air of {_AIR_C:g} degrees C and wind of {_WIND_M_PER_S:g} m/s all year",
    )
    return _yield(name, power, 0.25, Recipe("solar_clear_sky", parameters, seed), years_of_service, offset, notes)


def reference_year_solar(
    name: str,
    kwh_per_kw: ArrayLike | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    column: str | None = None,
    dt_h: float = 0.25,
    tracking: bool = False,
    years_of_service: float = 0.0,
    utc_offset_h: float | None = None,
    file_sha256: str | None = None,
) -> CommunityProfile:
    """Return the yield of a reference year: energy per installed kilowatt in each step.

    Args:
        name: Name of the profile.
        kwh_per_kw: Energy of each step [kWh/kW] of a year of 365 days, from local midnight of 1 January.
        path: File that holds it instead, without gaps; read by `afterbay.profiles.read_profile`.
        column: Its column; by default the one that the reader chooses.
        dt_h: Step [h].
        tracking: Multiplies by `TRACKING_FACTOR`, because a table knows no site.
        years_of_service: Age at the start [years], see `ageing_factor`.
        utc_offset_h: Standard time of the table; None: the clock of the grid.
        file_sha256: Digest of the file when it was first used; another file is refused.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
    """
    problems = Problems()
    _check_age(years_of_service, problems)
    if (kwh_per_kw is None) == (path is None):
        problems.add("kwh_per_kw, path", "both" if path else "neither", "one of them", "keep one")
    problems.raise_if_any()
    parameters: dict[str, Any] = {
        "dt_h": dt_h, "tracking": tracking, "years_of_service": years_of_service, "utc_offset_h": utc_offset_h
    }  # fmt: skip
    if path is not None:
        found = read_profile(path, column=column, quantity="solar", unit="kWh", dt_h=dt_h, leap_day="drop")
        energy = found.values * (1000.0 * dt_h)
        parameters |= {"path": str(path), "column": column, "file_sha256": check_same_file(Path(path), file_sha256)}
    else:
        energy = as_floats(kwh_per_kw if kwh_per_kw is not None else (), "kwh_per_kw")
        if not np.isfinite(energy).all():
            where = int(np.flatnonzero(~np.isfinite(energy))[0])
            raise InvalidInputError(Problem("kwh_per_kw", f"no number in step {where}", "finite numbers", "mend it"))
        parameters |= {"kwh_per_kw": energy}
    power = energy / dt_h * (TRACKING_FACTOR if tracking else 1.0)
    return _yield(name, power, dt_h, Recipe("solar_reference_year", parameters), years_of_service, utc_offset_h, ())


def _clouds(power: Floats, cloud_factor: float, variability: float, seed: int | None) -> Floats:
    """Return the share of the clear sky of every step, so that the year has `cloud_factor` of its energy."""
    if variability == 0.0 or cloud_factor in (0.0, 1.0):
        return np.full(len(power), cloud_factor)
    keys = stream_keys(seed, "clouds")
    daily = normals(keys, np.arange(365))
    for day in range(1, 365):
        # Fair and foul weather last for a few days.
        daily[day] = 0.55 * daily[day - 1] + np.sqrt(1.0 - 0.55**2) * daily[day]
    state = 1.0 / (1.0 + np.exp(-2.0 * daily))
    flicker = 2.0 * uniforms(keys, np.arange(1000, 1000 + len(power))) - 1.0
    base = np.repeat(state, 96)
    # A day half cloudy flickers most; a clear one and an overcast one hardly.
    shape = 1.0 - variability * (1.0 - np.clip(base + 1.2 * base * (1.0 - base) * flicker, 0.02, 1.0))
    return _with_energy(shape, power, cloud_factor)


def _with_energy(shape: Floats, power: Floats, share: float) -> Floats:
    """Bend a shape in 0..1 by an exponent until the energy of the year is the share that is wanted."""
    low, high = 0.0, 1.0
    total = float(power.sum())
    while float((power * shape**high).sum()) > share * total and high < 2.0**20:
        low, high = high, 2.0 * high
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float((power * shape**middle).sum()) > share * total else (low, middle)
    return np.asarray(shape**high)


def _yield(
    name: str,
    power: Floats,
    dt_h: float,
    recipe: Recipe,
    years: float,
    utc_offset_h: float | None,
    notes: tuple[str, ...],
) -> CommunityProfile:
    aged = (f"after {years:g} years {ageing_factor(years):.3f} of the yield is left",) if years else ()
    values = np.asarray(power, dtype=np.float64) * ageing_factor(years)
    return CommunityProfile(
        name, "kW/kW", "year", dt_h, values, recipe, utc_offset_h=utc_offset_h, notes=(*notes, *aged)
    )


def _checked(tilt: float, azimuth: float | None, years: float, ratio: float, loss: float) -> Problems:
    problems = check_plant(1.0, tilt, azimuth, ratio, loss)
    _check_age(years, problems)
    return problems


def _check_age(years: float, problems: Problems) -> None:
    if not is_number(years) or years < 0.0:
        problems.add("years_of_service", years, "a finite number of years >= 0", "0 for a new array")


def _midnight(utc_offset_h: float) -> datetime:
    return datetime(_NOMINAL_YEAR, 1, 1, tzinfo=timezone(timedelta(hours=utc_offset_h)))
