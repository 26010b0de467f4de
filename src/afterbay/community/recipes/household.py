"""Believable households: appliance events drawn over an occupancy pattern, one stream per house.

A single house is spiky and a street is not. Standard profiles and templates are the street; here every
house gets appliances, habits and a random stream of its own, so that load factor, coincidence and the
evening peak look like those of measured houses. The days are drawn when a run needs them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes import household_kernels as kernels
from afterbay.community.recipes.household_layout import APPLIANCES, RHYTHM_SHARES, RHYTHMS, appliance_table
from afterbay.community.recipes.profile import Calendar, Unit, content_digest
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.stream import normals, stream_keys, uniforms
from afterbay.core.checks import is_number
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from afterbay.core.compiled import Floats

__all__ = ["HouseholdLoad", "household_load", "household_values", "households", "seasons"]

REFERENCE_YEAR = 2023
"""Year whose energy is exactly the one that was asked for; others differ by chance."""
MEDIAN_KWH = 3400.0
SIGMA = 0.54
"""Annual energy of an unspecified household: log-normal with this median and width."""
_FIRST_DAY = (date(REFERENCE_YEAR, 1, 1) - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True)
class HouseholdLoad:
    """A load that is drawn day by day on the clock of the grid, for any date."""

    name: str
    recipe: Recipe
    annual_kwh: float
    """Energy of the reference year [kWh]."""
    keys: tuple[int, int]
    routine: tuple[float, ...]
    """Habits, in the order of the kernel."""
    rates: tuple[float, ...]
    """Events per day of each appliance."""
    latitude: float

    @property
    def unit(self) -> Unit:
        """Kilowatts."""
        return "kW"

    @property
    def dt_h(self) -> float:
        """A quarter of an hour."""
        return 0.25

    @property
    def calendar(self) -> Calendar:
        """Drawn for the very days, so dated; it covers all of them."""
        return "dated"

    @property
    def digest(self) -> str:
        """SHA-256 of recipe and habits, from which every day follows."""
        numbers = np.array([*self.routine, *self.rates, self.latitude], dtype="<f8")
        return content_digest(self.recipe, "household", numbers.tobytes())


def household_load(
    name: str,
    annual_kwh: float | None = None,
    *,
    occupants: str = "unspecified",
    latitude: float = 50.0,
    seed: int = 0,
    key: str | None = None,
) -> HouseholdLoad:
    """Return one believable household.

    Args:
        name: Name of the profile.
        annual_kwh: Energy of the year 2023 [kWh], > 0; None draws it as measured houses have it.
        occupants: `day_worker`, `home_worker`, `night_worker`, or `unspecified` to draw one.
        latitude: Degrees north; for daylight and the cold of the year.
        seed: Seed of the street.
        key: What tells this house from the others of the street; by default its name.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
    """
    return _calibrated([_drawn(name, annual_kwh, occupants, latitude, seed, key)])[0]


def households(
    names: Sequence[str] | Mapping[str, float | None],
    *,
    occupants: str = "unspecified",
    latitude: float = 50.0,
    seed: int = 0,
) -> dict[str, HouseholdLoad]:
    """Return one household per name, each with habits of its own; faster than one at a time.

    Args:
        names: Names of the profiles, or the energy of the year 2023 [kWh] by name; without it, each
            draws its own.
        occupants: As for `household_load`; so the next two.
        latitude: As there.
        seed: As there.

    Raises:
        InvalidInputError: With all inputs that cannot be used.
    """
    energies = names if isinstance(names, Mapping) else dict.fromkeys(names)
    drawn = [_drawn(name, energy, occupants, latitude, seed, None) for name, energy in energies.items()]
    return {house.name: house for house in _calibrated(drawn)}


def household_values(houses: Sequence[HouseholdLoad], first_day: int, n_days: int, out: Floats | None = None) -> Floats:
    """Draw whole local days of several households of one latitude.

    Args:
        houses: The households, all of one latitude.
        first_day: Days since 1970-01-01 of the first local day.
        n_days: Number of days.
        out: Where to write, shape (n_houses, 96 n_days); by default a new array.

    Returns:
        Mean power of each quarter hour of the local days [kW], shape (n_houses, 96 n_days).
    """
    if out is None:
        out = np.empty((len(houses), 96 * n_days))
    keys = np.array([house.keys for house in houses], dtype=np.int64).reshape(-1, 2)
    routine = np.array([house.routine for house in houses], dtype=np.float64)
    rates = np.array([house.rates for house in houses], dtype=np.float64)
    days = np.arange(first_day, first_day + n_days)
    latitude = houses[0].latitude if houses else 0.0
    kernels.household_days(keys, routine, rates, appliance_table(), first_day, seasons(days, latitude), out)
    return out


def seasons(days: NDArray[np.int64], latitude: float) -> Floats:
    """Return sunrise, sunset [h] and cold (mean of a year 1) of days since 1970, shape (n_days, 3)."""
    turn = (
        2.0 * np.pi * (days - days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(int))
    )
    declination = -23.44 * np.cos((turn + 20.0 * np.pi) / 365.25)
    tangent = -np.tan(np.radians(latitude)) * np.tan(np.radians(declination))
    half_h = np.degrees(np.arccos(np.clip(tangent, -1.0, 1.0))) / 15.0
    # The cold follows the sun by a month, and hardly exists near the equator.
    depth = 0.92 * min(1.0, abs(latitude) / 45.0) * (1.0 if latitude >= 0.0 else -1.0)
    cold = 1.0 + depth * np.cos((turn - 40.0 * np.pi) / 365.25)
    return np.ascontiguousarray(np.column_stack([12.0 - half_h, 12.0 + half_h, cold]))


def _drawn(
    name: str, annual_kwh: float | None, occupants: str, latitude: float, seed: int, key: str | None
) -> HouseholdLoad:
    """Draw the habits and appliances of a house from its own stream."""
    problems = Problems()
    if annual_kwh is not None and not (is_number(annual_kwh) and annual_kwh > 0.0):
        problems.add("annual_kwh", annual_kwh, "a finite number of kWh above 0", "None draws one")
    if occupants not in (*RHYTHMS, "unspecified"):
        problems.add("occupants", repr(occupants), ", ".join((*RHYTHMS, "unspecified")), "choose one of these")
    if not is_number(latitude) or not -66.0 <= latitude <= 66.0:
        problems.add("latitude", latitude, "-66..66 degrees", "give the latitude of the grid")
    problems.raise_if_any()
    own = name if key is None else key
    recipe = Recipe(
        "household", {"annual_kwh": annual_kwh, "occupants": occupants, "latitude": latitude, "key": own}, seed
    )
    keys = stream_keys(seed, own)
    trait = stream_keys(seed, f"habits of {own}")
    u = uniforms(trait, np.arange(32))
    z = normals(trait, np.arange(100, 140))
    annual = MEDIAN_KWH * math.exp(SIGMA * float(z[0])) if annual_kwh is None else float(annual_kwh)
    size = annual / 3900.0
    if occupants == "unspecified":
        occupants = list(RHYTHMS)[int(np.searchsorted(np.cumsum(RHYTHM_SHARES), u[0], side="right").clip(0, 2))]
    rhythm = RHYTHMS[occupants]
    shift = np.array([0.9, 0.9, 1.2, 1.1]) * z[1:5]
    routine = (
        *(float(hour) for hour in np.array(rhythm.hours) + shift),
        rhythm.home_chance,
        0.2 + 0.4 * float(u[1]),
        0.2 + 1.2 * float(u[2]),
        0.3 + 0.7 * float(u[3]),
        0.19 * size * math.exp(0.3 * float(z[5])),
        0.26 * size**0.8 * math.exp(0.3 * float(z[6])),
        0.14 * float(u[4]),
        1.0,
    )
    owned = uniforms(trait, np.arange(200, 200 + len(APPLIANCES)))
    scatter = np.exp(0.35 * normals(trait, np.arange(300, 300 + len(APPLIANCES))))
    rates = []
    for place, appliance in enumerate(APPLIANCES):
        luck = owned[place if appliance.with_ is None else appliance.with_]
        there = luck < min(1.0, appliance.ownership * min(1.15, size**0.25))
        rates.append(float(appliance.per_day * 0.72 * size**0.7 * scatter[place]) if there else 0.0)
    return HouseholdLoad(name, recipe, annual, keys, routine, tuple(rates), float(latitude))


def _calibrated(houses: list[HouseholdLoad]) -> list[HouseholdLoad]:
    """Set each gain so that the reference year has exactly the energy; 64 houses at a time."""
    made: list[HouseholdLoad] = []
    for begin in range(0, len(houses), 64):
        batch = houses[begin : begin + 64]
        by_place: dict[float, list[HouseholdLoad]] = {}
        for house in batch:
            by_place.setdefault(house.latitude, []).append(house)
        energy: dict[int, float] = {}
        for group in by_place.values():
            sums = household_values(group, _FIRST_DAY, 365).sum(axis=1) / 4.0
            energy |= {id(house): float(total) for house, total in zip(group, sums, strict=True)}
        made += [replace(house, routine=(*house.routine[:-1], house.annual_kwh / energy[id(house)])) for house in batch]
    return made
