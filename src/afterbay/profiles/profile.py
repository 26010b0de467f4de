"""A profile in memory, and the change of its step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from afterbay.profiles.report import ImportReport

__all__ = ["Profile", "resample"]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One series of a file, with all that is known about where it came from."""

    values: NDArray[np.float64]
    """Mean power of each step [MW], or the file's own unit when it is no power; read-only, shape (n,)."""
    frame: pd.DataFrame
    """All number columns in the units of the file, same rows as `values`, indexed by time."""
    report: ImportReport
    dt_h: float | None
    """Step [h]; None when the rows are irregular or the file does not tell."""
    start: datetime | None
    """Start of the first step: UTC, naive when the zone is unknown, None without calendar stamps."""

    def __len__(self) -> int:
        return len(self.values)


def resample(profile: Profile, dt_h: float) -> Profile:
    """Change the step and keep the energy: mean over the rows of a longer step, hold over shorter ones.

    Args:
        profile: A profile with a known step.
        dt_h: New step [h]; a whole multiple of the old step or a whole part of it.

    Returns:
        A new profile; its report says under `changed` what was done.

    Raises:
        InvalidInputError: If the step is unknown, does not divide, or rows are left over.
    """
    import pandas as pd

    old, series = profile.dt_h, np.asarray(profile.values)
    if old is None:
        raise InvalidInputError(Problem("profile", "no known step", "rows of one length", "read the file with dt_h="))
    allowed = f"a whole multiple of {old:g} h or a whole part of it"
    if not (np.isfinite(dt_h) and dt_h > 0):
        raise InvalidInputError(Problem("dt_h", repr(dt_h), allowed, "give hours, such as 1 or 0.25"))
    coarser = dt_h >= old
    ratio = dt_h / old if coarser else old / dt_h
    times = round(ratio)
    if abs(ratio - times) > 1e-9:
        raise InvalidInputError(Problem("dt_h", repr(dt_h), allowed, "choose a step that divides"))
    if times == 1:
        return profile
    index = profile.frame.index
    step = pd.Timedelta(hours=old)
    if coarser:
        if len(profile) % times:
            raise InvalidInputError(
                Problem("profile", f"{len(profile)} rows", f"a multiple of {times} rows", "complete the last step")
            )
        if not isinstance(index, pd.RangeIndex):
            span = index[times - 1 :: times] - index[::times]
            if (span != step * (times - 1)).any():
                raise InvalidInputError(
                    Problem("profile", "a jump in time inside a new step", "rows without jumps", allowed)
                )
        values = series.reshape(-1, times).mean(axis=1)
        # A step with a missing part stays missing; pandas would average what is left.
        blocked = profile.frame.to_numpy().reshape(len(values), times, -1).mean(axis=1)
        frame = pd.DataFrame(blocked, columns=profile.frame.columns)
        frame.index = pd.RangeIndex(len(values)) if isinstance(index, pd.RangeIndex) else index[::times]
        how = f"mean of {times} rows"
    else:
        values = np.repeat(series, times)
        frame = profile.frame.loc[profile.frame.index.repeat(times)]
        if isinstance(index, pd.RangeIndex):
            frame.index = pd.RangeIndex(len(values))
        else:
            part = pd.to_timedelta(np.tile(np.arange(times), len(profile)) * (dt_h * 3600.0), unit="s")
            frame.index = pd.Index(frame.index + part, name=index.name)
        how = f"each row held for {times} steps"
    values.setflags(write=False)
    expected = profile.report.rows_expected
    report = replace(
        profile.report,
        step_min=dt_h * 60.0,
        rows_found=len(values),
        rows_expected=None if expected is None else (expected // times if coarser else expected * times),
        changed=(*profile.report.changed, f"step changed from {old * 60:g} to {dt_h * 60:g} min: {how}"),
    )
    return replace(profile, values=values, frame=frame, report=report, dt_h=dt_h)
