"""Wind yield per installed kilowatt: a power curve on a series of wind speeds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.recipes.files import check_same_file
from afterbay.community.recipes.profile import CommunityProfile, as_floats
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.stream import normals, stream_keys
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.profiles import read_profile

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike

    from afterbay.core.compiled import Floats

__all__ = ["power_curve", "weibull_wind", "wind_from_file"]


def power_curve(wind_m_per_s: ArrayLike, cut_in: float = 3.0, rated: float = 12.0, cut_out: float = 25.0) -> Floats:
    """Return the power of a turbine per installed kilowatt, shape of the wind.

    Nothing below `cut_in` and from `cut_out` on, everything from `rated` on, and between them
    (v^3 - cut_in^3) / (rated^3 - cut_in^3), because the power of the wind grows with its cube.

    Args:
        wind_m_per_s: Wind at the hub [m/s].
        cut_in: Wind at which it starts [m/s].
        rated: Wind from which it gives its rating [m/s].
        cut_out: Wind at which it is stopped [m/s].

    Raises:
        InvalidInputError: If the three are not in order, or a wind is negative or missing.
    """
    problems = Problems()
    speeds = (cut_in, rated, cut_out)
    if not all(is_number(speed) for speed in speeds) or not 0.0 <= cut_in < rated < cut_out:
        problems.add("cut_in, rated, cut_out", f"{speeds} m/s", "0 <= cut_in < rated < cut_out", "put them in order")
    wind = as_floats(wind_m_per_s, "wind_m_per_s")
    bad = np.flatnonzero(~(np.isfinite(wind) & (wind >= 0.0)))
    if bad.size:
        problems.add("wind_m_per_s", f"{wind.reshape(-1)[bad[0]]} in step {bad[0]}", "finite m/s >= 0", "mend it")
    problems.raise_if_any()
    part = (wind**3 - cut_in**3) / (rated**3 - cut_in**3)
    return np.where((wind < cut_in) | (wind >= cut_out), 0.0, np.minimum(part, 1.0))


def wind_from_file(
    name: str,
    path: str | os.PathLike[str],
    *,
    column: str,
    zone: str | None = None,
    height_factor: float = 1.0,
    cut_in: float = 3.0,
    rated: float = 12.0,
    cut_out: float = 25.0,
    repeats: bool = False,
    file_sha256: str | None = None,
) -> CommunityProfile:
    """Return the yield on wind speeds of a file.

    Args:
        name: Name of the profile.
        path: File with stamps and a column of wind speeds, without gaps.
        column: Column of wind speeds [m/s].
        zone: Clock that wrote stamps without an offset.
        height_factor: Wind at the hub over wind of the file [-].
        cut_in: As for `power_curve`; so the next two.
        rated: As there.
        cut_out: As there.
        repeats: Whether it goes on outside its own time, by whole weeks.
        file_sha256: Digest of the file when it was first used; another file is refused.

    Raises:
        ProfileFileError: With all defects of the file.
        InvalidInputError: With all inputs that cannot be used.
    """
    if not is_number(height_factor) or height_factor <= 0.0:
        raise InvalidInputError(Problem("height_factor", repr(height_factor), "a number above 0", "1 changes nothing"))
    digest = check_same_file(Path(path), file_sha256)
    found = read_profile(path, column=column, zone=zone)
    where = found.report.path
    if found.start is None or found.start.tzinfo is None or found.dt_h is None:
        raise InvalidInputError(Problem(where, "no regular stamps with a zone", "the time of every row", "give zone="))
    wind = found.frame[column].to_numpy(dtype="float64", copy=True) * height_factor
    recipe = Recipe(
        "wind_file",
        {
            "path": str(path),
            "column": column,
            "zone": zone,
            "height_factor": height_factor,
            "cut_in": cut_in,
            "rated": rated,
            "cut_out": cut_out,
            "repeats": repeats,
            "file_sha256": digest,
        },
    )
    return CommunityProfile(
        name,
        "kW/kW",
        "dated",
        found.dt_h,
        power_curve(wind, cut_in, rated, cut_out),
        recipe,
        start=found.start,
        utc_offset_h=0.0,
        repeats=repeats,
        report=found.report,
        notes=found.report.changed,
    )


def weibull_wind(
    name: str,
    mean_m_per_s: float,
    *,
    shape: float = 2.0,
    autocorrelation: float = 0.9,
    winter_factor: float = 1.0,
    cut_in: float = 3.0,
    rated: float = 12.0,
    cut_out: float = 25.0,
    seed: int = 0,
) -> CommunityProfile:
    """Return the yield in a made-up year of wind, hour by hour.

    A normal process of first order is turned into speeds of the Weibull distribution, so that calm and
    wind last for hours as they do.

    Args:
        name: Name of the profile.
        mean_m_per_s: Mean wind at the hub [m/s], > 0.
        shape: Shape of the distribution [-]; 2 is common inland.
        autocorrelation: Of the normal process from hour to hour [-], 0..1.
        winter_factor: Wind in mid-winter over the mean of the year [-], 1..1.9; in mid-summer it is as
            much lower (northern).
        cut_in: As for `power_curve`; so the next two.
        rated: As there.
        cut_out: As there.
        seed: Seed of the wind.

    Returns:
        A typical year of hours [kW/kW] on the clock of the grid.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
    """
    problems = Problems()
    for where, value in (("mean_m_per_s", mean_m_per_s), ("shape", shape)):
        if not is_number(value) or value <= 0.0:
            problems.add(where, value, "a finite number above 0", "6 m/s and 2 are common")
    if not is_number(autocorrelation) or not 0.0 <= autocorrelation < 1.0:
        problems.add("autocorrelation", autocorrelation, "0 <= a < 1", "0.9 for hours")
    if not is_number(winter_factor) or not 1.0 <= winter_factor <= 1.9:
        problems.add("winter_factor", winter_factor, "1..1.9", "1 for the same wind all year")
    problems.raise_if_any()
    z = normals(stream_keys(seed, "wind"), np.arange(8760))
    fresh = math.sqrt(1.0 - autocorrelation**2)
    for hour in range(1, 8760):
        z[hour] = autocorrelation * z[hour - 1] + fresh * z[hour]
    calm = np.array([0.5 * math.erfc(value / math.sqrt(2.0)) for value in z.tolist()])
    wind = mean_m_per_s / math.gamma(1.0 + 1.0 / shape) * (-np.log(calm)) ** (1.0 / shape)
    season = 1.0 + (winter_factor - 1.0) * np.cos(2.0 * np.pi * (np.arange(8760) / 24.0 - 14.0) / 365.0)
    parameters: dict[str, Any] = {
        "mean_m_per_s": mean_m_per_s,
        "shape": shape,
        "autocorrelation": autocorrelation,
        "winter_factor": winter_factor,
        "cut_in": cut_in,
        "rated": rated,
        "cut_out": cut_out,
    }
    recipe = Recipe("wind_weibull", parameters, seed)
    notes = (f"made-up wind: Weibull, mean {mean_m_per_s:g} m/s, shape {shape:g}",)
    values = power_curve(wind * season, cut_in, rated, cut_out)
    return CommunityProfile(name, "kW/kW", "year", 1.0, values, recipe, notes=notes)
