"""A load built from appliances: rating, quantity, hours of the day."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.recipes.profile import CommunityProfile, make_profile
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.stream import stream_keys
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.core.compiled import Floats

__all__ = ["Appliance", "appliance_load"]

Hours = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something that is switched on at certain hours."""

    name: str
    rating_w: float
    """Power while it is on [W]."""
    hours: Hours
    """Windows (from, to) on a weekday [h local]; a window with from > to goes over midnight."""
    quantity: int = 1
    weekend_hours: Hours | None = None
    """Windows on Saturday and Sunday; None: as on a weekday."""
    spread_h: float = 0.0
    """Each unit starts each day up to so much earlier or later [h]; needs a seed."""

    @property
    def weekday_kwh(self) -> float:
        """Energy of a weekday [kWh]."""
        return self.rating_w * self.quantity * sum((to - begin) % 24.0 or 24.0 for begin, to in self.hours) / 1000.0


def appliance_load(
    name: str, appliances: Sequence[Appliance | Mapping[str, Any]], *, seed: int | None = None
) -> CommunityProfile:
    """Return a typical week from a list of appliances.

    Args:
        name: Name of the profile.
        appliances: What is there and when it runs.
        seed: Seed of the spread; needed when an appliance has `spread_h`, refused as useless otherwise.

    Returns:
        Seven days of quarter hours [kW]; a window that ends inside a quarter hour counts with its part.

    Raises:
        InvalidInputError: With all entries that cannot be used.
    """
    units = [_from_mapping(asdict(entry) if isinstance(entry, Appliance) else entry) for entry in appliances]
    problems = Problems()
    if not units:
        problems.add("appliances", "none", "one or more", "add an appliance")
    for place, unit in enumerate(units):
        _check(unit, f"appliances[{place}] {unit.name}", problems)
    spread = any(is_number(unit.spread_h) and unit.spread_h > 0.0 for unit in units)
    if spread and seed is None:
        problems.add("seed", "None", "a whole number, because an appliance has spread_h", "give a seed")
    if seed is not None and not spread:
        problems.add("seed", seed, "None, because nothing is spread", "leave it out, or give spread_h")
    problems.raise_if_any()
    week = np.zeros((7, 96))
    for place, unit in enumerate(units):
        for weekday in range(7):
            windows = unit.hours if weekday < 5 or unit.weekend_hours is None else unit.weekend_hours
            for number in range(unit.quantity if spread else 1):
                shift_h = _shift(unit, seed, f"{place}/{weekday}/{number}")
                count = 1 if spread else unit.quantity
                for begin, end in windows:
                    week[weekday] += _part_on(begin + shift_h, (end - begin) % 24.0 or 24.0) * (unit.rating_w * count)
    recipe = Recipe("appliances", {"appliances": [asdict(unit) for unit in units]}, seed)
    return make_profile(name, recipe, week.reshape(-1) / 1000.0, calendar="week")


def _from_mapping(entry: Mapping[str, Any]) -> Appliance:
    known = set(Appliance.__dataclass_fields__)
    problems = Problems()
    for key in sorted(set(entry) - known):
        problems.add(f"appliances.{key}", repr(entry[key]), ", ".join(sorted(known)), "remove or rename it")
    for key in sorted({"name", "rating_w", "hours"} - set(entry)):
        problems.add(f"appliances.{key}", "nothing", "a value", "add it")
    problems.raise_if_any()
    weekend = entry.get("weekend_hours")
    changed = {"hours": _windows(entry["hours"]), "weekend_hours": None if weekend is None else _windows(weekend)}
    return Appliance(**{**entry, **changed})


def _windows(windows: Sequence[Sequence[float]]) -> Hours:
    try:
        return tuple((float(begin), float(end)) for begin, end in windows)
    except (TypeError, ValueError):
        move = "write [[7, 8], [18, 22.5]]"
        raise InvalidInputError(Problem("appliances.hours", repr(windows), "pairs of hours 0..24", move)) from None


def _check(unit: Appliance, where: str, problems: Problems) -> None:
    if not is_number(unit.rating_w) or unit.rating_w < 0.0:
        problems.add(f"{where}.rating_w", unit.rating_w, "a finite number of W, 0 or more", "give its rating")
    if isinstance(unit.quantity, bool) or not isinstance(unit.quantity, int) or unit.quantity < 1:
        problems.add(f"{where}.quantity", unit.quantity, "a whole number, 1 or more", "say how many there are")
    if not is_number(unit.spread_h) or not 0.0 <= unit.spread_h <= 12.0:
        problems.add(f"{where}.spread_h", unit.spread_h, "0..12 h", "0 for none")
    for begin, end in (*unit.hours, *(unit.weekend_hours or ())):
        if not (is_number(begin) and is_number(end) and 0.0 <= begin <= 24.0 and 0.0 <= end <= 24.0 and begin != end):
            problems.add(
                f"{where}.hours", f"({begin}, {end})", "two different hours 0..24", "(22, 6) goes over midnight"
            )


def _shift(unit: Appliance, seed: int | None, key: str) -> float:
    if not unit.spread_h:
        return 0.0
    return unit.spread_h * (2.0 * stream_keys(seed, key)[0] / 2.0**32 - 1.0)


def _part_on(begin_h: float, hours: float) -> Floats:
    """Return the share of each quarter hour that a window covers, over midnight too, shape (96,)."""
    edges = np.arange(97) / 4.0
    covered = np.zeros(97)
    for yesterday_h in (24.0, 0.0):
        covered += np.clip(edges - begin_h % 24.0 + yesterday_h, 0.0, hours)
    return np.asarray(np.diff(covered) * 4.0)
