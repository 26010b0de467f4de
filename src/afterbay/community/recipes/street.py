"""A believable profile for every house, roof and car of a grid, in one call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from afterbay.community.recipes.cars import car_pattern
from afterbay.community.recipes.household import households
from afterbay.community.recipes.library import Entry, ProfileLibrary
from afterbay.community.recipes.solar import clear_sky_site
from afterbay.community.recipes.wind import weibull_wind
from afterbay.community.topology.examples import elm_street
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from afterbay.community.recipes.profile import CommunityProfile
    from afterbay.community.topology.records import Grid

__all__ = ["elm_street_profiles", "street_profiles"]


def street_profiles(
    grid: Grid,
    *,
    seed: int = 0,
    cloud_factor: float = 0.62,
    variability: float = 0.8,
    wind_m_per_s: float = 5.0,
    daily_car_kwh: float = 8.0,
) -> ProfileLibrary:
    """Return a library with every profile that a grid names, for any horizon.

    Every load becomes a household of its own, every car a pattern of its own; all arrays lie under the
    same clouds and differ by how they stand, and all turbines turn in the same wind.

    Args:
        grid: The grid, with latitude and longitude when it has solar.
        seed: Seed of the street.
        cloud_factor: Share of the clear-sky energy that is left [-], see `clear_sky_site`.
        variability: How much the clouds come and go [-], above 0.
        wind_m_per_s: Mean wind [m/s].
        daily_car_kwh: Mean energy of a charging session [kWh].

    Raises:
        InvalidInputError: If there is solar and no place.
        MissingExtraError: If there is solar and pvlib is not installed.
    """
    latitude = 50.0 if grid.latitude is None else grid.latitude
    loads = {load.profile: None for house, _ in grid.every_house() for load in house.loads}
    entries: dict[str, Entry] = {**households(list(loads), latitude=max(-66.0, min(latitude, 66.0)), seed=seed)}
    skies: dict[tuple[float, float | None, bool, float], CommunityProfile] = {}
    wind: CommunityProfile | None = None
    for house, _ in grid.every_house():
        for array in house.solar:
            if grid.latitude is None or grid.longitude is None:
                got = f"no latitude or longitude, and solar at {house.name}"
                raise InvalidInputError(Problem(f"grid {grid.name}", got, "the place of the grid", "set both"))
            tilt = 35.0 if array.tilt_deg is None else array.tilt_deg
            stands = (tilt, array.azimuth_deg, array.tracking, array.years_of_service)
            if stands not in skies:
                skies[stands] = clear_sky_site(
                    array.profile,
                    grid.latitude,
                    grid.longitude,
                    cloud_factor=cloud_factor,
                    variability=variability,
                    seed=seed,
                    tilt=tilt,
                    azimuth=array.azimuth_deg,
                    tracking=array.tracking,
                    years_of_service=array.years_of_service,
                )
            entries[array.profile] = replace(skies[stands], name=array.profile)
        for turbine in house.wind:
            wind = wind or weibull_wind(turbine.profile, wind_m_per_s, winter_factor=1.2, seed=seed)
            entries[turbine.profile] = replace(wind, name=turbine.profile)
        for car in house.cars:
            entries[car.profile] = car_pattern(
                car.profile, daily_kwh=daily_car_kwh, charger_kw=car.charger_kw, seed=seed
            )
    return ProfileLibrary(entries)


def elm_street_profiles(seed: int = 4) -> ProfileLibrary:
    """Return the profiles of `afterbay.community.topology.elm_street`, for any horizon.

    Raises:
        MissingExtraError: If pvlib is not installed.
    """
    return street_profiles(elm_street(), seed=seed)
