"""Read the profiles of a run block by block: aligned by time, bounded in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.community.recipes.clock import DAY_S, Steps, rows_of, seconds_of
from afterbay.community.recipes.household import HouseholdLoad, household_values
from afterbay.community.recipes.measured import ColumnStream, ParquetColumn
from afterbay.community.recipes.profile import CommunityProfile
from afterbay.core.errors import OutOfRangeError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["PowerProfile", "ProfileReader"]

PowerProfile = CommunityProfile | ParquetColumn | HouseholdLoad
_HOUSES_AT_ONCE = 256
Rows = NDArray[np.int64]


@dataclass(slots=True)
class _Group:
    """Profiles that share a clock and a step, so that one look-up serves all of them; one kind is filled."""

    steps: Steps
    dt_s: int
    part_s: int
    places: list[int] = field(default_factory=list)
    """Row of each profile among the distinct ones."""
    in_memory: list[CommunityProfile] = field(default_factory=list)
    columns: list[ParquetColumn] = field(default_factory=list)
    houses: list[HouseholdLoad] = field(default_factory=list)
    stream: ColumnStream | None = None


class ProfileReader:
    """The profiles of a run, in blocks of steps.

    It holds what the profiles hold: values that are in memory stay there once, columns of a file are
    read as the run goes along, households are drawn. Reading forwards is cheapest; any order is right.
    """

    def __init__(self, profiles: Sequence[PowerProfile], timeline: Timeline, time_zone: str) -> None:
        distinct: dict[int, int] = {}
        kept: list[PowerProfile] = []
        rows = []
        for profile in profiles:
            place = distinct.setdefault(id(profile), len(kept))
            if place == len(kept):
                kept.append(profile)
            rows.append(place)
        self.timeline = timeline
        self.rows: Rows = np.array(rows, dtype=np.int64)
        """Row of each name among the distinct profiles, shape (n_names,)."""
        self.n_distinct = len(kept)
        self._direct = len(kept) == len(rows)
        self._groups = _grouped(kept, timeline, time_zone)

    def read(self, first: int, count: int) -> Floats:
        """Return mean power of some steps.

        Args:
            first: First step.
            count: Number of steps.

        Returns:
            Mean power [kW, or kW per kW], float64, C order, shape (n_names, count).

        Raises:
            OutOfRangeError: If the steps are not all in the timeline.
        """
        block = self.distinct(first, count)
        return block if self._direct else np.take(block, self.rows, axis=0)

    def distinct(self, first: int, count: int) -> Floats:
        """Return mean power of each distinct profile, shape (n_distinct, count); `rows` says whose it is."""
        if first < 0 or count < 0 or first + count > self.timeline.count:
            got = f"{first} to {first + count}"
            raise OutOfRangeError(Problem("steps", got, f"0 to {self.timeline.count}", "stay inside the timeline"))
        out = np.empty((self.n_distinct, count))
        for group in self._groups:
            wall = group.steps.wall(first, count, group.part_s)
            if count:
                _fill(group, wall, out)
        return out


def _grouped(profiles: Sequence[PowerProfile], timeline: Timeline, time_zone: str) -> list[_Group]:
    groups: dict[tuple[object, ...], _Group] = {}
    for place, profile in enumerate(profiles):
        offset, key = _clock_of(profile)
        if key not in groups:
            steps, dt_s = Steps(timeline, time_zone, offset), round(profile.dt_h * 3600.0)
            groups[key] = _Group(steps, dt_s, steps.fineness_s(dt_s))
        group = groups[key]
        group.places.append(place)
        if isinstance(profile, HouseholdLoad):
            group.houses.append(profile)
        elif isinstance(profile, ParquetColumn):
            group.columns.append(profile)
        else:
            group.in_memory.append(profile)
    for group in groups.values():
        if group.columns:
            names = dict.fromkeys(member.column for member in group.columns)
            group.stream = ColumnStream(group.columns[0].path, list(names))
    return list(groups.values())


def _clock_of(profile: PowerProfile) -> tuple[float | None, tuple[object, ...]]:
    """Return the offset of a profile's clock, and what it shares with others of one group."""
    if isinstance(profile, HouseholdLoad):
        return None, ("household", profile.latitude)
    if isinstance(profile, ParquetColumn):
        return 0.0, ("column", profile.path, profile.start, profile.repeats)
    offset = profile.utc_offset_h
    return offset, (profile.calendar, offset, profile.dt_h, profile.start, len(profile), profile.repeats)


def _fill(group: _Group, wall: Rows, out: Floats) -> None:
    """Write the rows of one group."""
    parts = len(wall) // out.shape[1]
    if group.houses:
        _fill_houses(group, wall, parts, out)
    elif group.columns:
        _fill_columns(group, wall, parts, out)
    else:
        _fill_in_memory(group, wall, parts, out)


def _fill_houses(group: _Group, wall: Rows, parts: int, out: Floats) -> None:
    first_day, last_day = int(wall.min() // DAY_S), int(wall.max() // DAY_S)
    rows = (wall - first_day * DAY_S) // group.dt_s
    for begin in range(0, len(group.houses), _HOUSES_AT_ONCE):
        end = begin + _HOUSES_AT_ONCE
        days = household_values(group.houses[begin:end], first_day, last_day - first_day + 1)
        out[group.places[begin:end]] = _mean(days[:, rows], parts)


def _fill_in_memory(group: _Group, wall: Rows, parts: int, out: Floats) -> None:
    head = group.in_memory[0]
    start_s = 0 if head.start is None else seconds_of(head.start)
    rows = rows_of(head.calendar, wall, group.dt_s, start_s, len(head), repeats=head.repeats)
    lowest = int(rows[0])
    straight = bool((np.diff(rows) == 1).all())
    for place, profile in zip(group.places, group.in_memory, strict=True):
        part = profile.values[lowest : lowest + len(rows)] if straight else profile.values[rows]
        out[place] = part if parts == 1 else part.reshape(-1, parts).mean(axis=1)


def _fill_columns(group: _Group, wall: Rows, parts: int, out: Floats) -> None:
    stream, head = group.stream, group.columns[0]
    if stream is None:
        return
    rows = rows_of("dated", wall, group.dt_s, seconds_of(head.start), head.count, repeats=head.repeats)
    # A repeated year may wrap inside a block: read each unbroken stretch for itself.
    pieces = []
    for piece in np.split(rows, np.flatnonzero(np.diff(rows) < 0) + 1):
        low = int(piece.min())
        pieces.append(stream.rows(low, int(piece.max()) - low + 1)[piece - low])
    values = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    at = {column: place for place, column in enumerate(stream.columns)}
    used = [at[member.column] for member in group.columns]
    scales = np.array([member.scale for member in group.columns])
    out[group.places] = _mean(values.T[used] * scales[:, None], parts)


def _mean(values: Floats, parts: int) -> Floats:
    if parts == 1:
        return values
    return np.asarray(values.reshape(values.shape[0], -1, parts).mean(axis=2))
