"""Whether the profiles of a grid fit the devices that name them, and the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.simulation.scenario import profile_names
from afterbay.core.errors import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.topology import Grid
    from afterbay.core.timeline import Timeline

__all__ = ["require_profiles"]


def require_profiles(grid: Grid, profiles: ProfileLibrary, timeline: Timeline) -> None:
    """Refuse profiles of the wrong kind or unit, and those that do not cover the horizon.

    Raises:
        InvalidInputError: With every problem.
    """
    problems = Problems()
    told: set[tuple[str, str]] = set()
    for house, device, name, wanted in _uses(grid):
        entry = profiles[name]
        unit = getattr(entry, "unit", None)  # sessions, and what draws them, have none
        found = "charging sessions" if unit is None else f"a profile in {unit}"
        if found != wanted and (name, wanted) not in told:
            told.add((name, wanted))
            problems.add(f"{house}.{device}", f"{name!r}, {found}", wanted, "name another profile")
    problems.raise_if_any()
    series, _ = profile_names(grid)
    problems.extend(profiles.check(series, timeline, grid.time_zone))
    problems.raise_if_any()


def _uses(grid: Grid) -> Iterator[tuple[str, str, str, str]]:
    for house, _ in grid.every_house():
        for load in house.loads:
            yield house.name, "loads", load.profile, "a profile in kW"
        for array in house.solar:
            yield house.name, "solar", array.profile, "a profile in kW/kW"
        for turbine in house.wind:
            yield house.name, "wind", turbine.profile, "a profile in kW/kW"
        for car in house.cars:
            yield house.name, "cars", car.profile, "charging sessions"
