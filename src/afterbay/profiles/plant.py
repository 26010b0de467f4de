"""A fixed solar array: from the sky above it to AC power at the grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "Plant",
    "check_plant",
    "check_range",
    "describe_plant",
    "is_number",
    "make_plant",
    "middles",
    "plant_power",
]

_GAMMA_PER_K = -0.004
_INVERTER_EFFICIENCY = 0.96
_ALBEDO = 0.2
_TRACKER_LIMIT = 60.0  # [degrees]
_GROUND_COVER = 0.35


@dataclass(frozen=True, slots=True)
class Plant:
    """What the model needs to know of an array."""

    capacity_mwp: float
    """DC nameplate [MWp]."""
    tilt: float
    """[degrees] to the horizontal."""
    azimuth: float
    """[degrees] from north over east."""
    dc_ac_ratio: float
    loss_fraction: float


def check_plant(
    capacity_mw: float, tilt: float, azimuth: float | None, dc_ac_ratio: float, loss_fraction: float
) -> Problems:
    """Note what is out of range."""
    problems = Problems()
    for name, value in (("capacity_mw", capacity_mw), ("dc_ac_ratio", dc_ac_ratio)):
        if not is_number(value) or not (math.isfinite(value) and value > 0.0):
            problems.add(name, value, "a finite number above 0", "give the DC nameplate in MWp, a ratio such as 1.2")
    check_range(problems, "tilt", tilt, 0.0, 90.0, "degrees")
    check_range(problems, "loss_fraction", loss_fraction, 0.0, 1.0, "as a fraction such as 0.14")
    if azimuth is not None:
        check_range(problems, "azimuth", azimuth, 0.0, 360.0, "degrees")
    return problems


def check_range(problems: Problems, name: str, value: float, low: float, high: float, unit: str) -> None:
    """Note a number outside low..high."""
    if not is_number(value) or not low <= value <= high:
        problems.add(name, value, f"{low:g}..{high:g} {unit}", "give a number in this range")


def is_number(value: object) -> bool:
    """Tell whether a value is a number; True and False are not."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def make_plant(
    capacity_mw: float, tilt: float, azimuth: float | None, ratio: float, loss: float, latitude: float
) -> Plant:
    """Return an array that faces the equator unless it is told otherwise."""
    facing = (180.0 if latitude >= 0.0 else 0.0) if azimuth is None else float(azimuth)
    return Plant(float(capacity_mw), float(tilt), facing, float(ratio), float(loss))


def middles(start: datetime, dt_h: float, count: int) -> pd.DatetimeIndex:
    """Return the middle of every step: the mean of an hour belongs to the sun at its half."""
    import pandas as pd

    step = pd.Timedelta(hours=dt_h)
    return pd.date_range(pd.Timestamp(start) + step / 2, periods=count, freq=step)


def plant_power(
    plant: Plant,
    times: pd.DatetimeIndex,
    place: tuple[float, float, float],
    sky: dict[str, NDArray[np.float64]],
    temp_air: NDArray[np.float64],
    wind_speed: NDArray[np.float64],
    *,
    tracking: bool = False,
) -> NDArray[np.float64]:
    """Return AC power [MW], shape (n,).

    With `tracking` the array turns about one level axis that points along `plant.azimuth`, up to 60
    degrees, and turns back where rows would shade each other; `plant.tilt` is then without effect.
    """
    from pvlib import inverter, irradiance, pvsystem, solarposition, temperature

    latitude, longitude, altitude = place
    sun = solarposition.get_solarposition(times, latitude, longitude, altitude=altitude)
    zenith, sun_azimuth = sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy()
    tilt, azimuth = _tracked(plant, zenith, sun_azimuth) if tracking else (plant.tilt, plant.azimuth)
    plane = irradiance.get_total_irradiance(
        tilt,
        azimuth,
        zenith,
        sun_azimuth,
        sky["dni"],
        sky["ghi"],
        sky["dhi"],
        dni_extra=irradiance.get_extra_radiation(times).to_numpy(),
        albedo=_ALBEDO,
        model="haydavies",
    )
    light = np.nan_to_num(np.asarray(plane["poa_global"], dtype=np.float64), nan=0.0)
    cell = temperature.faiman(light, temp_air, wind_speed)
    dc = pvsystem.pvwatts_dc(light, cell, plant.capacity_mwp, _GAMMA_PER_K) * (1.0 - plant.loss_fraction)
    limit = plant.capacity_mwp / plant.dc_ac_ratio
    ac = inverter.pvwatts(np.maximum(dc, 0.0), limit / _INVERTER_EFFICIENCY, _INVERTER_EFFICIENCY)
    # The model gives a few watts of stand-by loss and last-bit noise at the limit.
    return np.clip(np.asarray(ac, dtype=np.float64), 0.0, limit)


def _tracked(
    plant: Plant, zenith: NDArray[np.float64], sun_azimuth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return tilt and azimuth of a tracking array at every step; flat while the sun is down."""
    from pvlib.tracking import singleaxis

    turned = singleaxis(zenith, sun_azimuth, 0.0, plant.azimuth, _TRACKER_LIMIT, True, _GROUND_COVER)
    tilt = np.nan_to_num(np.asarray(turned["surface_tilt"], dtype=np.float64), nan=0.0)
    return tilt, np.nan_to_num(np.asarray(turned["surface_azimuth"], dtype=np.float64), nan=plant.azimuth)


def describe_plant(plant: Plant, place: tuple[float, float, float]) -> dict[str, str | float]:
    """Return every assumption of the model by name."""
    return {
        "latitude": place[0],
        "longitude": place[1],
        "altitude_m": place[2],
        "mounting": "fixed",
        "tilt_degrees": plant.tilt,
        "azimuth_degrees": plant.azimuth,
        "dc_ac_ratio": plant.dc_ac_ratio,
        "loss_fraction": plant.loss_fraction,
        "inverter_efficiency": _INVERTER_EFFICIENCY,
        "temperature_coefficient_per_k": _GAMMA_PER_K,
        "albedo": _ALBEDO,
        "sky_model": "Hay-Davies",
        "cell_temperature_model": "Faiman, pvlib defaults",
        "power_model": "PVWatts DC and inverter",
        "sun_position": "middle of each step",
        "clock": "local standard time, no clock change; row 0 begins at local midnight",
        "capacity": "DC nameplate in MWp; AC is limited to nameplate / dc_ac_ratio",
    }
