"""A profile from a file: read, filled and put on its clock, with everything that was done to it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from afterbay.community.recipes.fill import FILL_RULES, FillRule, fill_gaps
from afterbay.community.recipes.profile import CALENDARS, CommunityProfile
from afterbay.community.recipes.recipe import Recipe
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems, ProfileError
from afterbay.core.timeline import steps_per_day
from afterbay.profiles import ProfileFileError, read_profile

if TYPE_CHECKING:
    import os

    from afterbay.community.recipes.profile import Calendar
    from afterbay.core.compiled import Floats
    from afterbay.profiles import Profile

__all__ = ["check_same_file", "from_file"]

FileUnit = Literal["MW", "kW", "W", "MWh", "kWh"]


def from_file(
    name: str,
    path: str | os.PathLike[str],
    *,
    column: str | None = None,
    quantity: Literal["load", "solar"] = "load",
    unit: FileUnit | None = None,
    zone: str | None = None,
    calendar: Calendar = "dated",
    dt_h: float | None = None,
    fill: FillRule = "reject",
    longest_fill_h: float = 24.0,
    per_kw: float | None = None,
    scale: float = 1.0,
    repeats: bool = False,
    date_order: Literal["day_first", "month_first"] | None = None,
    duplicates: Literal["reject", "first", "mean"] = "reject",
    negatives: Literal["reject", "zero"] = "reject",
    unsorted: Literal["reject", "sort"] = "reject",
    file_sha256: str | None = None,
) -> CommunityProfile:
    """Return a profile from a CSV (plain or gzip) or Parquet file.

    Energy per step (kWh) becomes the mean power of that step, so a finer run splits it and keeps it;
    power of a coarser step is held.

    Args:
        name: Name of the profile.
        path: The file.
        column: Its number column; by default the one that the reader chooses and reports.
        quantity: What it holds.
        unit: Unit of the column; by default from its name, and kW (as power) when the name says none.
        zone: Clock that wrote stamps without an offset.
        calendar: `dated` needs stamps with a known zone; `year` (365 days, 29 February is dropped),
            `week` (from Monday) and `day` take the rows as a typical one on the clock of the grid.
        dt_h: Step [h] of a file without stamps.
        fill: Rule for gaps, see `FILL_RULES`.
        longest_fill_h: Longest gap that may be filled [h].
        per_kw: Installed power that the column stands for [kW]: the profile is then kW per kW.
        scale: Factor on the column [-].
        repeats: Whether a dated profile goes on outside its own time, by whole weeks.
        date_order: As for `afterbay.profiles.read_profile`; so the next three.
        duplicates: As there.
        negatives: As there.
        unsorted: As there.
        file_sha256: Digest of the file when it was first used; another file is refused.

    Raises:
        ProfileFileError: With all defects of the file at once.
        InvalidInputError: If an option is not one of those above.
    """
    _check_options(fill, longest_fill_h, per_kw, scale, calendar, zone)
    digest = check_same_file(Path(path), file_sha256)
    try:
        found = read_profile(
            path,
            column=column,
            quantity=quantity,
            date_order=date_order,
            zone=zone,
            unit=unit,
            gaps="reject" if fill == "reject" else "keep",
            duplicates=duplicates,
            negatives=negatives,
            leap_day="drop" if calendar == "year" else "keep",
            unsorted=unsorted,
            dt_h=dt_h,
        )
    except ProfileFileError as error:
        raise ProfileFileError(map(_with_fill_rules, error.problems), error.report) from None
    power_kw, said = _kilowatts(found, unit)
    power_kw = power_kw * (scale / (per_kw or 1.0))
    step_h = found.dt_h if found.dt_h is not None else 0.25
    if calendar == "dated":
        power_kw = _whole(found, power_kw)
    where = found.report.path
    power_kw, filled = fill_gaps(power_kw, fill, dt_h=step_h, longest_h=longest_fill_h, where=where)
    start = _start(found, calendar, len(power_kw), step_h)
    recipe = Recipe(
        "file",
        {
            "path": str(path),
            "column": column,
            "quantity": quantity,
            "unit": unit,
            "zone": zone,
            "calendar": calendar,
            "dt_h": dt_h,
            "fill": fill,
            "longest_fill_h": longest_fill_h,
            "per_kw": per_kw,
            "scale": scale,
            "repeats": repeats,
            "date_order": date_order,
            "duplicates": duplicates,
            "negatives": negatives,
            "unsorted": unsorted,
            "file_sha256": digest,
        },
    )
    return CommunityProfile(
        name,
        "kW" if per_kw is None else "kW/kW",
        calendar,
        step_h,
        power_kw,
        recipe,
        start=start,
        utc_offset_h=0.0 if calendar == "dated" else None,
        repeats=repeats,
        report=found.report,
        notes=(*said, *found.report.changed, *filled),
    )


def check_same_file(path: Path, expected: str | None) -> str:
    """Return the SHA-256 of a file.

    Raises:
        ProfileError: If it cannot be read, or is not the file that a recipe was made with.
    """
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        got = error.strerror or "unreadable"
        raise ProfileError(Problem(str(path), got, "a file that exists and can be read", "check the path")) from None
    if expected is not None and digest != expected:
        got = f"a file with digest {digest[:12]}..."
        move = "bring the first file back, or make a new profile from this one"
        raise ProfileError(Problem(str(path), got, f"the file that the recipe was made with, {expected[:12]}...", move))
    return digest


def _with_fill_rules(problem: Problem) -> Problem:
    """Name the fill rules of this recipe in place of the two ways of the reader."""
    if not problem.where.endswith(", gaps"):
        return problem
    return replace(problem, next_move="choose a fill rule: " + ", ".join(FILL_RULES[1:]))


def _kilowatts(found: Profile, unit: str | None) -> tuple[Floats, tuple[str, ...]]:
    """Return mean power [kW] of every row, gaps as NaN."""
    report = found.report
    if report.values_unit != "MW":
        got = f"{report.column} in {report.values_unit}"
        raise ProfileError(Problem(report.path, got, "a power or an energy", "name another column, or its unit"))
    if unit is None and report.unit_reason.startswith("a guess"):
        # The reader guesses for power stations; a house without a unit is in kilowatts.
        values = found.frame[report.column].to_numpy(dtype="float64", copy=True)
        return values, (f"column {report.column} names no unit: taken as kW, the mean power of each step",)
    return np.array(found.values) * 1000.0, ()


def _whole(found: Profile, power_kw: Floats) -> Floats:
    """Put the rows on an unbroken line of time: a 29 February that was left out is a gap, not a joint."""
    import pandas as pd

    index: Any = found.frame.index
    if not isinstance(index, pd.DatetimeIndex) or found.dt_h is None:
        return power_kw
    full = pd.date_range(index[0], index[-1], freq=pd.Timedelta(hours=found.dt_h))
    if len(full) == len(index):
        return power_kw
    return np.array(pd.Series(power_kw, index=index).reindex(full), dtype=np.float64)


def _start(found: Profile, calendar: Calendar, rows: int, dt_h: float) -> datetime | None:
    """Return the start of a dated profile; check that a typical one begins where it must."""
    where = found.report.path
    if calendar == "dated":
        if found.start is None:
            move = "add stamps, or take the rows as a typical day, week or year with calendar="
            raise ProfileError(Problem(where, "no calendar stamps", "the time of every row", move))
        if found.start.tzinfo is None:
            raise ProfileError(Problem(where, "stamps without a zone", "a known clock", "name it with zone="))
        return found.start.astimezone(UTC)
    wanted = CALENDARS[calendar] * steps_per_day(dt_h)
    problems = Problems()
    if found.dt_h is None:
        problems.add(where, "no known step", "the step of its rows", "give dt_h=")
    elif rows != wanted:
        allowed = f"{wanted:,} rows of {dt_h:g} h for a {calendar}"
        problems.add(where, f"{rows:,} rows", allowed, "complete it, or choose another calendar")
    if found.start is not None:
        index: Any = found.frame.index
        first = index[0] if index.tz is None else index[0].tz_convert(_shown_zone(found))
        starts = first.hour + first.minute == 0
        if calendar == "year":
            starts = starts and (first.month, first.day) == (1, 1)
        if calendar == "week":
            starts = starts and first.weekday() == 0
        if not starts:
            begin = {"year": "midnight of 1 January", "week": "midnight of a Monday", "day": "midnight"}[calendar]
            problems.add(where, f"a first row at {first}", begin, "cut the file, or choose calendar='dated'")
    if problems:
        raise ProfileError(problems.found)
    return None


def _shown_zone(found: Profile) -> str:
    named = found.report.zone.removesuffix(", as given; kept in UTC")
    return named if named != found.report.zone else "UTC"


def _check_options(
    fill: str, longest_fill_h: float, per_kw: float | None, scale: float, calendar: str, zone: str | None
) -> None:
    problems = Problems()
    if fill not in FILL_RULES:
        problems.add("fill", repr(fill), ", ".join(FILL_RULES), "choose one of these")
    if calendar not in CALENDARS:
        problems.add("calendar", repr(calendar), ", ".join(CALENDARS), "choose one of these")
    if calendar != "dated" and zone is not None:
        problems.add("zone", repr(zone), "none, because a typical profile follows the grid's clock", "leave it out")
    if not is_number(longest_fill_h) or longest_fill_h <= 0.0:
        problems.add("longest_fill_h", longest_fill_h, "hours above 0", "24 for a day")
    for where, value in (("per_kw", 1.0 if per_kw is None else per_kw), ("scale", scale)):
        if not is_number(value) or value <= 0.0:
            problems.add(where, value, "a finite number above 0", "give the installed kW, or 1")
    if problems:
        raise InvalidInputError(problems.found)
