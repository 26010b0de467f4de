"""A profile of a community: the power of every step, how it was made, and which clock it follows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.core.timeline import steps_per_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from afterbay.community.recipes.recipe import Recipe
    from afterbay.core.compiled import Floats
    from afterbay.profiles import ImportReport

__all__ = ["CALENDARS", "Calendar", "CommunityProfile", "Unit", "as_floats", "content_digest", "make_profile"]

Unit = Literal["kW", "kW/kW"]
Calendar = Literal["dated", "year", "week", "day"]
CALENDARS: Mapping[Calendar, int] = {"dated": 0, "year": 365, "week": 7, "day": 1}
"""Days that a profile of each kind holds; a dated one holds any number of steps."""


@dataclass(frozen=True, slots=True, eq=False)
class CommunityProfile:
    """A series that is in memory; made by a builder, never changed afterwards."""

    name: str
    unit: Unit
    """kW for a load, kW per kW installed for solar and wind."""
    calendar: Calendar
    """`dated`: these very steps. `year`, `week`, `day`: a typical one, looked up by the calendar."""
    dt_h: float
    """Step [h]; divides a day."""
    values: Floats
    """Mean power of each step, read-only, shape (n,)."""
    recipe: Recipe
    start: datetime | None = None
    """Start of a dated profile: with a zone when it is UTC, without one when it is the grid's clock."""
    utc_offset_h: float | None = None
    """Clock of the profile: hours before UTC, or None for the clock on the wall of the grid."""
    repeats: bool = False
    """Whether a dated profile goes on outside its own time, by whole weeks."""
    report: ImportReport | None = None
    """What was found in the file that it came from."""
    notes: tuple[str, ...] = ()
    """What was assumed, filled or changed on the way, in words."""

    def __post_init__(self) -> None:
        """Refuse values that no run can use, and make them read-only."""
        where = f"profile {self.name}"
        values = as_floats(self.values, where).copy()
        problems = Problems()
        if not isinstance(self.name, str) or not self.name.strip():
            problems.add("name", repr(self.name), "a text that is not empty", "name the profile")
        per_day = steps_per_day(self.dt_h)
        if values.ndim != 1 or not values.size:
            problems.add(where, f"values of shape {values.shape}", "one number per step", "give a flat series")
        else:
            wanted = CALENDARS[self.calendar] * per_day
            if wanted and len(values) != wanted:
                allowed = f"{wanted:,} steps of {self.dt_h:g} h for a {self.calendar}"
                problems.add(where, f"{len(values):,} steps", allowed, "complete it, or give its true step")
            lost = np.flatnonzero(~np.isfinite(values))
            if lost.size:
                got = f"{lost.size} steps without a finite value (the first is step {lost[0]})"
                problems.add(where, got, "a finite number in every step", "choose a fill rule, or mend the source")
            elif (values < 0.0).any():
                got = f"{values.min():g} {self.unit} in step {int(values.argmin())}"
                problems.add(where, got, "0 or more", "a load and a generation are both positive")
        if self.calendar == "dated":
            if self.start is None:
                problems.add(where, "no start", "the time of its first step", "give start=")
            elif (self.start.tzinfo is None) != (self.utc_offset_h is None):
                problems.add(where, f"start {self.start}", "a zone for UTC, none for the grid's clock")
        problems.raise_if_any()
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        if self.start is not None and self.start.tzinfo is not None:
            object.__setattr__(self, "start", self.start.astimezone(UTC))

    def __reduce__(self) -> tuple[type[CommunityProfile], tuple[Any, ...]]:
        # A copy in another process is made like the first one, so its values are read-only too.
        return CommunityProfile, tuple(getattr(self, field.name) for field in fields(self))

    @property
    def digest(self) -> str:
        """SHA-256 of recipe, clock and values; the name is not part of it."""
        return content_digest(self.recipe, self.clock_text, np.ascontiguousarray(self.values, dtype="<f8").tobytes())

    @property
    def clock_text(self) -> str:
        """Unit, calendar, step, start and clock as one text, for digests."""
        start = None if self.start is None else self.start.isoformat()
        return json.dumps([self.unit, self.calendar, self.dt_h, start, self.utc_offset_h, self.repeats])

    @property
    def end(self) -> datetime | None:
        """End of a dated profile."""
        return None if self.start is None else self.start + timedelta(hours=self.dt_h) * len(self.values)

    def __len__(self) -> int:
        return len(self.values)


def as_floats(values: ArrayLike, where: str) -> Floats:
    """Return values as numbers.

    Raises:
        InvalidInputError: If they are none.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInputError(
            Problem(where, "values that are no numbers", "one number per step", "mend it")
        ) from None


def content_digest(recipe: Recipe, clock_text: str, content: bytes) -> str:
    """Return the SHA-256 of a recipe and what it made."""
    return hashlib.sha256(f"{recipe.digest}{clock_text}".encode() + content).hexdigest()


def make_profile(
    name: str, recipe: Recipe, values: ArrayLike, *, unit: Unit = "kW", dt_h: float = 0.25, calendar: Calendar = "day"
) -> CommunityProfile:
    """Return a typical day, week or year on the clock of the grid."""
    return CommunityProfile(name, unit, calendar, dt_h, as_floats(values, f"profile {name}"), recipe)
