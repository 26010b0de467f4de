"""Household templates: a flat day bent by the hours of the night and by who lives there.

Source: spec/community.md 1.2, the multipliers of the application that this module replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.profile import CommunityProfile, make_profile
from afterbay.community.recipes.recipe import Recipe
from afterbay.core.checks import is_number
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.core.compiled import Floats

__all__ = ["OCCUPANTS", "occupant_load", "template_day"]

Windows = tuple[tuple[float, float, float], ...]

DAY_SHAPE: Windows = ((23.0, 6.0, 0.5), (6.0, 8.0, 1.2), (19.0, 22.0, 1.3))
"""From hour, to hour, multiplier: every household."""

OCCUPANTS: Mapping[str, Windows] = {
    "unspecified": (),
    "day_worker": ((9.0, 17.0, 0.6),),
    "home_worker": ((9.0, 17.0, 1.15),),
    "night_worker": ((22.0, 6.0, 0.3), (8.0, 12.0, 1.25), (14.0, 18.0, 1.25)),
}
"""What each kind of person multiplies the day by; two persons multiply twice."""


def template_day(occupants: Sequence[str]) -> Floats:
    """Return the shape of a day, mean 1, shape (96,)."""
    hour = np.arange(96) / 4.0
    day = np.ones(96)
    for windows in (DAY_SHAPE, *(OCCUPANTS[person] for person in occupants)):
        for begin, end, factor in windows:
            within = (hour >= begin) & (hour < end) if begin < end else (hour >= begin) | (hour < end)
            day[within] *= factor
    return np.asarray(day / day.mean())


def occupant_load(name: str, daily_kwh: float, occupants: Sequence[str] = ("unspecified",)) -> CommunityProfile:
    """Return the load of a household by who lives there; the day keeps its energy.

    Args:
        name: Name of the profile.
        daily_kwh: Energy of a day [kWh], >= 0.
        occupants: One of `OCCUPANTS` per person, in any order.

    Raises:
        InvalidInputError: If a kind is unknown (it is not taken for a day worker) or the energy is none.
    """
    problems = Problems()
    if not is_number(daily_kwh) or daily_kwh < 0.0:
        problems.add("daily_kwh", daily_kwh, "a finite number >= 0", "give the energy of a day in kWh")
    persons = [occupants] if isinstance(occupants, str) else list(occupants)
    for person in persons:
        if person not in OCCUPANTS:
            problems.add("occupants", repr(person), ", ".join(OCCUPANTS), "choose one of these")
    problems.raise_if_any()
    recipe = Recipe("occupants", {"daily_kwh": float(daily_kwh), "occupants": sorted(persons)})
    return make_profile(name, recipe, template_day(sorted(persons)) * (daily_kwh / 24.0))
