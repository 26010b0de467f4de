"""Solar profiles from the weather or a clear sky, and their scaling.

"67 MWp" is the direct-current nameplate of the panels. What reaches the grid is at most the rating of
the inverters, nameplate / DC-AC ratio: the flat top of a real profile is that limit.
"""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import MissingExtraError, Problems
from afterbay.profiles.plant import (
    Plant,
    check_plant,
    check_range,
    describe_plant,
    is_number,
    make_plant,
    middles,
    plant_power,
)
from afterbay.profiles.weather import packaged_year, read_weather

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

__all__ = ["SolarProfile", "clear_sky_solar", "scale_solar", "typical_year_solar"]

_NOMINAL_YEAR = 2019


@dataclass(frozen=True, slots=True, eq=False)
class SolarProfile:
    """A solar series with everything that was assumed to make it."""

    values: NDArray[np.float64]
    """Mean AC power of each step [MW], shape (n,), read-only; row 0 begins at local midnight."""
    capacity_mwp: float
    """DC nameplate [MWp]."""
    ac_limit_mw: float
    """Rating of the inverters [MW] = nameplate / DC-AC ratio; no value is above it."""
    source: str
    assumptions: dict[str, str | float]
    """Every input of the model that is not the weather, by name."""
    start: datetime
    """Local midnight of 1 January, in standard time all year (no clock change)."""
    dt_h: float
    """Step [h]."""
    utc_offset_h: float
    """Local standard time minus UTC [h]."""


def typical_year_solar(
    capacity_mw: float,
    *,
    weather_path: str | os.PathLike[str] | None = None,
    year: int = _NOMINAL_YEAR,
    tilt: float = 35.0,
    azimuth: float | None = None,
    dc_ac_ratio: float = 1.2,
    loss_fraction: float = 0.14,
) -> SolarProfile:
    """Model a fixed array in a typical year: Hay-Davies sky, Faiman cells, PVWatts DC to AC.

    Rows are hours of local standard time, hour 0 from midnight, because day and night windows of
    sizing are local hours. The sun stands where it is in the middle of each hour.

    Args:
        capacity_mw: DC nameplate [MWp], > 0.
        weather_path: TMY3 or EPW file; by default the real typical year that pvlib carries
            (Greensboro, North Carolina, 36.1 N).
        year: Nominal year of the stamps, not a leap year: a typical year has 8,760 h.
        tilt: Angle to the horizontal [degrees], 0..90.
        azimuth: Direction it faces [degrees from north over east], by default the equator.
        dc_ac_ratio: DC nameplate over inverter rating [-], > 0.
        loss_fraction: Soiling, wiring, mismatch and the like [-], 0..1.

    Raises:
        InvalidInputError: With all inputs that are out of range.
        ProfileError: If the weather file cannot be used.
        MissingExtraError: If pvlib is not installed.

    Source: PVWatts version 5 manual (NREL, 2014); pvlib for the models of sky, cell and inverter.
    """
    problems = check_plant(capacity_mw, tilt, azimuth, dc_ac_ratio, loss_fraction)
    if not isinstance(year, int) or not 1900 <= year <= 2100 or calendar.isleap(year):
        problems.add("year", year, "a year 1900..2100 that is no leap year", "a typical year has 365 days")
    problems.raise_if_any()
    weather = read_weather(packaged_year() if weather_path is None else weather_path)
    plant = make_plant(capacity_mw, tilt, azimuth, dc_ac_ratio, loss_fraction, weather.latitude)
    start = _midnight(year, weather.utc_offset_h)
    values = plant_power(
        plant,
        middles(start, 1.0, len(weather.ghi)),
        (weather.latitude, weather.longitude, weather.altitude),
        {"ghi": weather.ghi, "dni": weather.dni, "dhi": weather.dhi},
        weather.temp_air,
        weather.wind_speed,
    )
    facts: dict[str, str | float] = {
        "weather": weather.source,
        "nominal_year": float(year),
        "air": "temperature and wind of the file",
    }
    place = (weather.latitude, weather.longitude, weather.altitude)
    return _profile(plant, values, start, 1.0, weather.source, describe_plant(plant, place) | facts)


def clear_sky_solar(
    latitude: float,
    longitude: float,
    capacity_mw: float,
    *,
    year: int = _NOMINAL_YEAR,
    tilt: float = 35.0,
    azimuth: float | None = None,
    altitude: float = 0.0,
    dc_ac_ratio: float = 1.2,
    loss_fraction: float = 0.14,
    utc_offset_h: float | None = None,
    dt_h: float = 1.0,
    temp_air_c: float = 20.0,
    wind_speed_m_per_s: float = 1.0,
) -> SolarProfile:
    """Model a fixed array under a sky without clouds: the most the sun can give, not a forecast.

    Args:
        latitude: Degrees north, -90..90.
        longitude: Degrees east, -180..180.
        capacity_mw: DC nameplate [MWp], > 0.
        year: Calendar year; a leap year has 8,784 h.
        tilt: Angle to the horizontal [degrees], 0..90.
        azimuth: Direction it faces [degrees from north over east], by default the equator.
        altitude: Height above the sea [m], -500..9000.
        dc_ac_ratio: DC nameplate over inverter rating [-], > 0.
        loss_fraction: Soiling, wiring, mismatch and the like [-], 0..1.
        utc_offset_h: Local standard time minus UTC [h]; by default longitude / 15, rounded.
        dt_h: Step [h] that divides a day, such as 1, 0.5 or 0.25.
        temp_air_c: Air temperature, the same all year [degrees C].
        wind_speed_m_per_s: Wind, the same all year [m/s].

    Raises:
        InvalidInputError: With all inputs that are out of range.
        MissingExtraError: If pvlib is not installed.

    Source: Ineichen and Perez (2002) with monthly turbidity, from pvlib.
    """
    problems = check_plant(capacity_mw, tilt, azimuth, dc_ac_ratio, loss_fraction)
    check_range(problems, "latitude", latitude, -90.0, 90.0, "degrees")
    check_range(problems, "longitude", longitude, -180.0, 180.0, "degrees")
    check_range(problems, "altitude", altitude, -500.0, 9000.0, "m")
    check_range(problems, "temp_air_c", temp_air_c, -60.0, 60.0, "degrees C")
    check_range(problems, "wind_speed_m_per_s", wind_speed_m_per_s, 0.0, 60.0, "m/s")
    if utc_offset_h is not None:
        check_range(problems, "utc_offset_h", utc_offset_h, -12.0, 14.0, "h")
    if not isinstance(year, int) or not 1900 <= year <= 2100:
        problems.add("year", year, "a year 1900..2100", "give a calendar year")
    per_day = 24.0 / dt_h if is_number(dt_h) and 0.0 < dt_h <= 24.0 else 0.5
    if abs(per_day - round(per_day)) > 1e-9:
        problems.add("dt_h", dt_h, "hours that divide a day", "give 1, 0.5 or 0.25")
    problems.raise_if_any()
    try:
        from pvlib.location import Location
    except ImportError:
        raise MissingExtraError("pvlib", "solar", "a clear-sky profile") from None
    offset = float(round(longitude / 15.0)) if utc_offset_h is None else float(utc_offset_h)
    start = _midnight(year, offset)
    times = middles(start, dt_h, (366 if calendar.isleap(year) else 365) * round(per_day))
    sky = Location(latitude, longitude, altitude=altitude).get_clearsky(times, model="ineichen")
    plant = make_plant(capacity_mw, tilt, azimuth, dc_ac_ratio, loss_fraction, latitude)
    values = plant_power(
        plant,
        times,
        (latitude, longitude, altitude),
        {name: sky[name].to_numpy() for name in ("ghi", "dni", "dhi")},
        np.full(len(times), float(temp_air_c)),
        np.full(len(times), float(wind_speed_m_per_s)),
    )
    facts: dict[str, str | float] = {
        "weather": "no clouds: Ineichen with monthly Linke turbidity",
        "temp_air_c": float(temp_air_c),
        "wind_speed_m_per_s": float(wind_speed_m_per_s),
        "utc_offset_reason": "longitude / 15, rounded" if utc_offset_h is None else "as given",
    }
    place = (latitude, longitude, altitude)
    source = f"clear sky at {latitude:g}, {longitude:g}, {year}"
    return _profile(plant, values, start, dt_h, source, describe_plant(plant, place) | facts)


def scale_solar(values: ArrayLike, target_mw: float, base_peak_mw: float | None = None) -> NDArray[np.float64]:
    """Scale a solar series to another size: every value x target / base peak.

    Args:
        values: Series [MW], shape (n,).
        target_mw: Size wanted, in the same sense as the base [MW], >= 0.
        base_peak_mw: Size that `values` stand for [MW], > 0; by default their highest value.

    Returns:
        Series [MW], shape (n,).

    Raises:
        InvalidInputError: If a number is out of range, or the series has no sun to scale.

    Source: sizing.md section 6.
    """
    series = np.asarray(values, dtype=np.float64)
    problems = Problems()
    base = base_peak_mw if base_peak_mw is not None else (float(series.max()) if series.size else 0.0)
    if not is_number(target_mw) or not (math.isfinite(target_mw) and target_mw >= 0.0):
        problems.add("target_mw", target_mw, "a finite number of MW, 0 or more", "give the size in MW")
    if not is_number(base) or not (math.isfinite(base) and base > 0.0):
        problems.add("base_peak_mw", base, "a finite number of MW above 0", "a series without sun has no peak")
    problems.raise_if_any()
    return series * (target_mw / base)


def _midnight(year: int, utc_offset_h: float) -> datetime:
    return datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=utc_offset_h)))


def _profile(
    plant: Plant,
    values: NDArray[np.float64],
    start: datetime,
    dt_h: float,
    source: str,
    assumptions: dict[str, str | float],
) -> SolarProfile:
    values.setflags(write=False)
    limit = plant.capacity_mwp / plant.dc_ac_ratio
    offset = start.utcoffset()
    hours = 0.0 if offset is None else offset.total_seconds() / 3600.0
    return SolarProfile(values, plant.capacity_mwp, limit, source, assumptions, start, float(dt_h), hours)
