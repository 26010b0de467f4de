"""Sun on the horizontal under a clear sky, from the place and the time alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.core.compiled import Floats

__all__ = ["clear_sky_wm2", "sine_of_elevation"]

_DAY_S: Final = 86_400.0


def sine_of_elevation(latitude: Floats, longitude: Floats, when: datetime) -> Floats:
    """Return the sine of the sun's height above the horizon [-], shape (n,); negative at night.

    Args:
        latitude: Degrees north, shape (n,).
        longitude: Degrees east, shape (n,).
        when: UTC.

    Source: J. W. Spencer, "Fourier series representation of the position of the sun", Search 2 (5), 1971.
    """
    seconds = when.hour * 3600 + when.minute * 60 + when.second + when.microsecond * 1e-6
    year = 2.0 * np.pi * (when.timetuple().tm_yday - 1 + seconds / _DAY_S) / 365.0
    declination = (
        0.006918 - 0.399912 * np.cos(year) + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year) + 0.000907 * np.sin(2 * year)
        - 0.002697 * np.cos(3 * year) + 0.00148 * np.sin(3 * year)
    )  # fmt: skip
    clock_min = 229.18 * (
        0.000075 + 0.001868 * np.cos(year) - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year) - 0.040849 * np.sin(2 * year)
    )  # fmt: skip
    hour_angle = np.radians((seconds / 60.0 + clock_min) / 4.0 - 180.0 + longitude)
    around = np.radians(latitude)
    return np.asarray(np.sin(around) * np.sin(declination) + np.cos(around) * np.cos(declination) * np.cos(hour_angle))


def clear_sky_wm2(latitude: Floats, longitude: Floats, when: datetime) -> Floats:
    """Return the global horizontal irradiance of a cloudless moment [W/m2], shape (n,).

    Source: B. Haurwitz, "Insolation in relation to cloudiness and cloud density", J. Meteorology 2, 1945.
    """
    sine = sine_of_elevation(latitude, longitude, when)
    up = np.maximum(sine, 1e-3)
    return np.where(sine > 1e-3, 1098.0 * up * np.exp(-0.059 / up), 0.0)
