"""The profiles of a run by name: immutable, checked against a horizon, rebuilt from their recipes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.recipes.builders import build
from afterbay.community.recipes.cars import CarPattern
from afterbay.community.recipes.coverage import check_profiles
from afterbay.community.recipes.household import HouseholdLoad
from afterbay.community.recipes.measured import ParquetColumn
from afterbay.community.recipes.profile import CommunityProfile
from afterbay.community.recipes.reader import PowerProfile, ProfileReader
from afterbay.community.recipes.recipe import Recipe
from afterbay.community.recipes.sessions import SessionSet, SessionSteps, check_sessions, session_steps
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems

if TYPE_CHECKING:
    from afterbay.core.timeline import Timeline

__all__ = ["Entry", "ProfileLibrary"]

Entry = CommunityProfile | ParquetColumn | HouseholdLoad | SessionSet | CarPattern
_POWER = (CommunityProfile, ParquetColumn, HouseholdLoad)


class ProfileLibrary(Mapping[str, Entry]):
    """Profiles and session sets by name; every change makes a new library."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Sequence[Entry] | Mapping[str, Entry] = ()) -> None:
        given = entries.values() if isinstance(entries, Mapping) else entries
        kept: dict[str, Entry] = {}
        problems = Problems()
        for entry in given:
            if entry.name in kept:
                problems.add("profiles", f"{entry.name} twice", "every name once", "rename one of them")
            kept[entry.name] = entry
        problems.raise_if_any()
        self._entries: Mapping[str, Entry] = MappingProxyType(kept)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise NotFoundError(f"no profile {name!r} in the library; {_shown(self._entries)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        return f"ProfileLibrary of {len(self)}: {_shown(self._entries)}"

    def __reduce__(self) -> tuple[type[ProfileLibrary], tuple[list[Entry]]]:
        return ProfileLibrary, (list(self._entries.values()),)

    def with_profile(self, *entries: Entry) -> ProfileLibrary:
        """Return a library with these entries added, or put in the place of those of the same name."""
        return ProfileLibrary({**self._entries, **{entry.name: entry for entry in entries}})

    def without(self, *names: str) -> ProfileLibrary:
        """Return a library without these entries.

        Raises:
            NotFoundError: If there is none of a name.
        """
        for name in names:
            self[name]
        return ProfileLibrary([entry for name, entry in self._entries.items() if name not in names])

    def digest(self, name: str) -> str:
        """Return the SHA-256 of recipe and content of an entry.

        Raises:
            NotFoundError: If there is none of this name.
        """
        return self[name].digest

    def reader(self, names: Sequence[str], timeline: Timeline, time_zone: str) -> ProfileReader:
        """Return a reader of these profiles, one row per name; a name may stand more than once.

        Args:
            names: Profiles of power.
            timeline: The steps of the run.
            time_zone: Clock of the grid: typical profiles and households follow it.

        Raises:
            InvalidInputError: With all that `check` found.
        """
        problems = self.check(names, timeline, time_zone)
        if problems:
            raise InvalidInputError(problems)
        return ProfileReader([self._power(name) for name in names], timeline, time_zone)

    def sessions(self, name: str, timeline: Timeline, time_zone: str) -> SessionSteps:
        """Return the charging sessions of a car in the steps of a run.

        Args:
            name: A session set or a car.
            timeline: The steps of the run.
            time_zone: Clock of the grid, which the habits of a car follow.

        Raises:
            NotFoundError: If there is none of this name.
            InvalidInputError: If the name is that of a profile of power.
        """
        return session_steps(self._sessions(name, timeline, time_zone), timeline)

    def check_charging(self, name: str, charger_kw: float, timeline: Timeline, time_zone: str) -> tuple[Problem, ...]:
        """Return one problem for each session of a run whose energy a charger cannot deliver in the stay.

        Args:
            name: A session set or a car.
            charger_kw: Power of the charger [kW].
            timeline: The steps of the run.
            time_zone: Clock of the grid, which the habits of a car follow.

        Raises:
            NotFoundError: If there is none of this name.
            InvalidInputError: If the name is that of a profile of power.
        """
        begin, end = (np.datetime64(moment.replace(tzinfo=None), "s") for moment in (timeline.start, timeline.end))
        found = self._sessions(name, timeline, time_zone)
        inside = (found.depart > begin) & (found.arrive < end)
        touching = SessionSet(
            name,
            found.arrive[inside],
            found.depart[inside],
            found.energy_kwh[inside],
            found.flexible_kwh[inside],
            found.recipe,
        )
        return check_sessions(touching, charger_kw)

    def check(self, names: Sequence[str], timeline: Timeline, time_zone: str = "UTC") -> tuple[Problem, ...]:
        """Return what keeps these profiles from being joined by time over a horizon.

        Args:
            names: Profiles of power.
            timeline: The steps of the run.
            time_zone: Clock of the grid.
        """
        problems = Problems()
        found: list[PowerProfile] = []
        for name in dict.fromkeys(names):
            entry = self._entries.get(name)
            if entry is None:
                problems.add(f"profile {name}", "missing", _shown(self._entries), "add it to the library")
            elif not isinstance(entry, _POWER):
                problems.add(f"profile {name}", "charging sessions", "a profile of power", "choose another profile")
            else:
                found.append(entry)
        problems.extend(check_profiles(found, timeline, time_zone))
        return problems.found

    def to_dict(self) -> dict[str, Any]:
        """Return recipe and digest of every entry, for JSON."""
        return {name: {**entry.recipe.to_dict(), "digest": entry.digest} for name, entry in self._entries.items()}

    def to_json(self) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_recipes(cls, recipes: str | Mapping[str, Mapping[str, Any]]) -> ProfileLibrary:
        """Make every profile again.

        Args:
            recipes: What `to_dict` or `to_json` gave; a digest that stands there must come out again.

        Raises:
            InvalidInputError: With every recipe that cannot be made, or makes something else.
        """
        if isinstance(recipes, str):
            try:
                recipes = json.loads(recipes)
            except ValueError as error:
                raise InvalidInputError(Problem("recipes", f"no JSON ({error})", "what to_json gave")) from None
        if not isinstance(recipes, Mapping) or not all(isinstance(data, Mapping) for data in recipes.values()):
            raise InvalidInputError(Problem("recipes", type(recipes).__name__, "an object of recipes by name"))
        problems = Problems()
        made: list[Entry] = []
        for name, data in recipes.items():
            try:
                entry = build(name, Recipe.from_dict(data))
            except InvalidInputError as error:
                problems.extend(
                    Problem(f"profile {name}, {problem.where}", problem.got, problem.allowed, problem.next_move)
                    for problem in error.problems
                )
                continue
            if data.get("digest") not in (None, entry.digest):
                got = f"digest {entry.digest[:12]}..."
                allowed = f"{str(data['digest'])[:12]}..., as when it was first made"
                problems.add(f"profile {name}", got, allowed, "its data or this program changed: make it anew")
            made.append(entry)
        problems.raise_if_any()
        return cls(made)

    def _sessions(self, name: str, timeline: Timeline, time_zone: str) -> SessionSet:
        entry = self[name]
        if isinstance(entry, CarPattern):
            return entry.drawn(timeline, time_zone)[0]
        if not isinstance(entry, SessionSet):
            got = f"a profile in {entry.unit}"
            raise InvalidInputError(Problem(f"car {name}", got, "a session set or a car", "choose another profile"))
        return entry

    def _power(self, name: str) -> PowerProfile:
        entry = self[name]
        if not isinstance(entry, _POWER):
            raise InvalidInputError(Problem(f"profile {name}", "charging sessions", "a profile of power"))
        return entry


def _shown(entries: Mapping[str, Entry]) -> str:
    names = list(entries)
    return (", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")) or "it is empty"
