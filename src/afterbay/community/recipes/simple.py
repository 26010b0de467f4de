"""Profiles that need no model: a constant, and a series that you bring along."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.profile import CommunityProfile, as_floats, make_profile
from afterbay.community.recipes.recipe import Recipe
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from afterbay.community.recipes.profile import Calendar, Unit

__all__ = ["flat", "series"]


def flat(name: str, kw: float, *, unit: Unit = "kW") -> CommunityProfile:
    """Return the same power all day and every day.

    Args:
        name: Name of the profile.
        kw: Power [kW], or [kW/kW] with that unit, >= 0.
        unit: `kW` for a load, `kW/kW` for solar or wind.

    Raises:
        InvalidInputError: If the power is negative or no number.
    """
    if not is_number(kw):
        raise InvalidInputError(Problem(f"profile {name}, kw", repr(kw), "a finite number >= 0", "give the power"))
    return make_profile(name, Recipe("flat", {"kw": kw, "unit": unit}), np.full(96, kw), unit=unit)


def series(
    name: str,
    values: ArrayLike,
    *,
    unit: Unit = "kW",
    dt_h: float = 0.25,
    calendar: Calendar = "dated",
    start: datetime | str | None = None,
    utc_offset_h: float | None = None,
    repeats: bool = False,
) -> CommunityProfile:
    """Return a series of your own; the recipe holds the values, so that it can be made again.

    Args:
        name: Name of the profile.
        values: Mean power of each step [kW or kW/kW], shape (n,), finite and >= 0.
        unit: What the values are.
        dt_h: Step [h].
        calendar: `dated` with a start, or a typical `year` (365 days), `week` (from Monday) or `day`.
        start: First step of a dated series: with a zone, or without one for the clock of the grid.
        utc_offset_h: Clock of a typical series; None for the clock on the wall of the grid.
        repeats: Whether a dated series goes on outside its own time, by whole weeks.

    Raises:
        InvalidInputError: If the values cannot be used.
    """
    moment = _moment(start)
    if moment is not None and moment.tzinfo is not None:
        utc_offset_h = 0.0
    array = as_floats(values, f"profile {name}")
    parameters = {
        "values": array,
        "unit": unit,
        "dt_h": dt_h,
        "calendar": calendar,
        "start": None if moment is None else moment.isoformat(),
        "utc_offset_h": utc_offset_h,
        "repeats": repeats,
    }
    # The values are judged first, so that a missing one is told with its step.
    bare = Recipe("series", {})
    made = CommunityProfile(name, unit, calendar, dt_h, array, bare, moment, utc_offset_h, repeats)
    return replace(made, recipe=Recipe("series", parameters))


def _moment(start: datetime | str | None) -> datetime | None:
    if start is None or isinstance(start, datetime):
        return start
    try:
        return datetime.fromisoformat(start)
    except (TypeError, ValueError):
        raise InvalidInputError(
            Problem("start", repr(start), "a time such as 2024-01-01T00:00:00+00:00", "write it so")
        ) from None
