"""How much of its nameplate an array would give under a clear sky, at any place and facing.

The formula here needs no other package and serves any number of places at once. `pvlib_share` does the same
with the models of pvlib, for weather providers that ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from afterbay.community.cycle.contract import STEP
from afterbay.core.checks import is_number
from afterbay.core.compiled import Floats
from afterbay.core.errors import MissingExtraError, Problems

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.community.cycle.users import Users

__all__ = ["DEFAULT_PLACE", "Place", "Sky", "clear_sky_share", "formula_share", "pvlib_share"]

Sky = Literal["formula", "pvlib"]

_LOSS_FRACTION: Final = 0.14
_INVERTER_EFFICIENCY: Final = 0.96
_AIR_C: Final = 20.0
_HEATING_C_PER_W: Final = 0.03
_GAMMA_PER_K: Final = -0.004
_ALBEDO: Final = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run takes place, for users whose own place is not known, and whose wall clock they live by.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    latitude: float
    longitude: float
    time_zone: str
    """IANA name, such as Europe/London."""

    def __post_init__(self) -> None:
        problems = Problems()
        for name, most in (("latitude", 90.0), ("longitude", 180.0)):
            value = getattr(self, name)
            if not (is_number(value) and -most <= value <= most):
                problems.add(f"place.{name}", value, f"{-most:g} to {most:g} degrees", "give degrees north and east")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            problems.add("place.time_zone", self.time_zone, "an IANA name", "give one such as Europe/London")
        problems.raise_if_any()


DEFAULT_PLACE: Final = Place(51.51, -0.13, "Europe/London")
"""London, where the measured households are."""


def clear_sky_share(users: Users, moment: datetime, place: Place, sky: Sky) -> Floats:
    """Return the AC power of each array over its nameplate under a clear sky [-], shape (n,), 0..1.

    The sun stands where it is in the middle of the quarter hour.
    """
    latitude = np.where(np.isnan(users.latitude), place.latitude, users.latitude)
    longitude = np.where(np.isnan(users.longitude), place.longitude, users.longitude)
    azimuth = np.where(np.isnan(users.azimuth_deg), np.where(latitude >= 0.0, 180.0, 0.0), users.azimuth_deg)
    sites, row = np.unique(np.column_stack([latitude, longitude, users.tilt_deg, azimuth]), axis=0, return_inverse=True)
    model = pvlib_share if sky == "pvlib" else formula_share
    share: Floats = model(sites[:, 0], sites[:, 1], sites[:, 2], sites[:, 3], moment)[row.reshape(-1)]
    return share


def formula_share(
    latitude: Floats, longitude: Floats, tilt_deg: Floats, azimuth_deg: Floats, moment: datetime
) -> Floats:
    """Return the share by our own formula, shape (n,).

    Sources: declination and equation of time: Spencer (1971). Global light: Haurwitz (1945). Direct light:
        Meinel and Meinel (1976) with the air mass of Kasten and Young (1989). Tilted plane: Liu and Jordan
        (1960). Cells 0.03 K above 20 degrees C per W/m2, -0.4 %/K, losses 14 %, inverter 96 %.
    """
    middle = moment + STEP / 2
    day = 2.0 * np.pi * (middle.timetuple().tm_yday - 1) / 365.0
    declination = (
        0.006918 - 0.399912 * np.cos(day) + 0.070257 * np.sin(day) - 0.006758 * np.cos(2 * day)
        + 0.000907 * np.sin(2 * day) - 0.002697 * np.cos(3 * day) + 0.00148 * np.sin(3 * day)
    )  # fmt: skip
    minutes = 229.18 * (
        0.000075 + 0.001868 * np.cos(day) - 0.032077 * np.sin(day) - 0.014615 * np.cos(2 * day)
        - 0.040849 * np.sin(2 * day)
    )  # fmt: skip
    clock_h = middle.hour + middle.minute / 60.0 + middle.second / 3600.0
    hour_angle = np.radians(15.0 * (clock_h + minutes / 60.0 - 12.0) + longitude)
    phi, tilt = np.radians(latitude), np.radians(tilt_deg)
    # The sun as a vector: east, north, up.
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    up = np.clip(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle), -1.0, 1.0)
    shining = up > 0.01
    height = np.where(shining, up, 1.0)
    zenith_deg = np.degrees(np.arccos(height))
    air_mass = 1.0 / (height + 0.50572 * (96.07995 - zenith_deg) ** -1.6364)
    ghi = 1098.0 * height * np.exp(-0.059 / height)
    dni = np.minimum(1353.0 * 0.7 ** (air_mass**0.678), 0.95 * ghi / height)
    dhi = ghi - dni * height
    facing = np.radians(azimuth_deg)
    cosine = east * np.sin(tilt) * np.sin(facing) + north * np.sin(tilt) * np.cos(facing) + up * np.cos(tilt)
    light = dni * np.maximum(cosine, 0.0) + dhi * (1.0 + np.cos(tilt)) / 2.0
    light = np.where(shining, light + ghi * _ALBEDO * (1.0 - np.cos(tilt)) / 2.0, 0.0)
    return _power_share(light)


def pvlib_share(latitude: Floats, longitude: Floats, tilt_deg: Floats, azimuth_deg: Floats, moment: datetime) -> Floats:
    """Return the share by pvlib: Ineichen and Perez with monthly turbidity, Hay-Davies, shape (n,).

    Raises:
        MissingExtraError: If pvlib is not installed.
    """
    try:
        import pandas as pd
        from pvlib import atmosphere, clearsky, irradiance, spa
    except ImportError:
        raise MissingExtraError("pvlib", "solar", "a clear sky by pvlib") from None
    middle = pd.DatetimeIndex([pd.Timestamp(moment + STEP / 2)])
    unix = np.full(len(latitude), (moment + STEP / 2).timestamp())
    delta_t = float(spa.calculate_deltat(middle.year[0], middle.month[0]))
    sun = spa.solar_position(unix, latitude, longitude, 0.0, 1013.25, 12.0, delta_t, 0.5667)
    # Below the horizon the models divide by nothing; those steps are dark in any case.
    up = sun[0] < 89.5
    zenith, sun_azimuth = np.minimum(sun[0], 89.5), sun[4]
    extra = float(irradiance.get_extra_radiation(middle).iloc[0])
    # Turbidity is a map of the world: one look-up per degree is as fine as it is worth.
    middles = np.clip(np.floor(np.column_stack([latitude, longitude])) + 0.5, [-89.5, -179.5], [89.5, 179.5])
    cells, row = np.unique(middles, axis=0, return_inverse=True)
    turbidity = np.array([float(clearsky.lookup_linke_turbidity(middle, *cell).iloc[0]) for cell in cells])
    mass = atmosphere.get_relative_airmass(zenith)
    sky = clearsky.ineichen(zenith, mass, turbidity[row.reshape(-1)], dni_extra=extra)
    plane = irradiance.get_total_irradiance(
        tilt_deg,
        azimuth_deg,
        zenith,
        sun_azimuth,
        sky["dni"],
        sky["ghi"],
        sky["dhi"],
        dni_extra=extra,
        albedo=_ALBEDO,
        model="haydavies",
    )
    light = np.where(up, np.maximum(np.asarray(plane["poa_global"], dtype=np.float64), 0.0), 0.0)
    return _power_share(light)


def _power_share(light: Floats) -> Floats:
    cell_c = _AIR_C + _HEATING_C_PER_W * light
    share = light / 1000.0 * (1.0 + _GAMMA_PER_K * (cell_c - 25.0)) * (1.0 - _LOSS_FRACTION) * _INVERTER_EFFICIENCY
    return np.clip(share, 0.0, 1.0)
