"""Do the profiles of a run cover its horizon? Asked before the run, answered all at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.clock import Steps, rows_of, seconds_of
from afterbay.community.recipes.household import HouseholdLoad
from afterbay.core.errors import Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.community.recipes.reader import PowerProfile
    from afterbay.core.timeline import Timeline

__all__ = ["check_profiles"]

_WEEKS_52_H = 52 * 7 * 24


def check_profiles(profiles: Sequence[PowerProfile], timeline: Timeline, time_zone: str) -> tuple[Problem, ...]:
    """Return one problem per profile that does not cover the horizon, and one when years are mixed."""
    problems = Problems()
    outside: list[tuple[str, datetime, datetime]] = []
    for profile in profiles:
        if isinstance(profile, HouseholdLoad) or profile.start is None or not timeline.count:
            continue
        begin, end = profile.start, profile.end
        if end is None:
            continue
        span = f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" + (" UTC" if begin.tzinfo else " on the grid's clock")
        horizon = f"{timeline.start:%Y-%m-%d %H:%M} to {timeline.end:%Y-%m-%d %H:%M} UTC"
        if profile.repeats:
            if (end - begin).total_seconds() < _WEEKS_52_H * 3600.0:
                problems.add(
                    f"profile {profile.name}", f"a repeating profile of {span}", "52 weeks or more", "do not repeat it"
                )
            continue
        if not _covers(profile, timeline, time_zone):
            outside.append((profile.name, begin, end))
            move = "choose a horizon inside it, or say that it repeats (repeats=True)"
            problems.add(f"profile {profile.name}", f"values from {span}", f"the horizon {horizon}", move)
    years = {name: _years(begin, end) for name, begin, end in outside}
    fitting = [p.name for p in profiles if not isinstance(p, HouseholdLoad) and p.start and p.name not in years]
    if outside and (len(set(years.values())) > 1 or (fitting and len(profiles) > 1)):
        shown = "; ".join(f"{name}: {span}" for name, span in list(years.items())[:5])
        problems.add(
            "profiles",
            f"mixed years ({shown})",
            f"the years of the horizon ({_years(timeline.start, timeline.end)}) in every profile",
            "series are joined by time, never by position",
        )
    return problems.found


def _covers(profile: PowerProfile, timeline: Timeline, time_zone: str) -> bool:
    if isinstance(profile, HouseholdLoad) or profile.start is None:
        return True
    offset = 0.0 if profile.start.tzinfo is not None else None
    dt_s = round(profile.dt_h * 3600.0)
    steps = Steps(timeline, time_zone, offset)
    n_rows = profile.count if hasattr(profile, "count") else len(profile)
    part_s = steps.fineness_s(dt_s)
    ends = np.concatenate([steps.wall(0, 1, part_s), steps.wall(timeline.count - 1, 1, part_s)])
    rows = rows_of("dated", ends, dt_s, seconds_of(profile.start), n_rows, repeats=False)
    return bool(rows.min() >= 0 and rows.max() < n_rows)


def _years(begin: datetime, end: datetime) -> str:
    last = end.year if (end.month, end.day, end.hour, end.minute) != (1, 1, 0, 0) else end.year - 1
    return str(begin.year) if last <= begin.year else f"{begin.year}-{last}"
