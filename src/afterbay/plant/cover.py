"""Which moment of a day is told by which sample, and which by none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from afterbay.fleet.messages import Telemetry
    from afterbay.plant.study import PlanDay

__all__ = ["Cover", "cover_day"]

FloatArray = NDArray[np.float64]

_GAP_STEPS: Final = 5.0
_LEAST_GAP_S: Final = 30.0
_USUAL_S: Final = 4.0
"""Step of a day with a single sample [s]."""
_UNUSABLE: Final = ("bad", "stale")


@dataclass(frozen=True, slots=True)
class Cover:
    """The told moments of a day as pieces, each within one sample and one step of the plan; arrays of shape (n,)."""

    hours: FloatArray
    """Length [h]."""
    at_h: FloatArray
    """Middle, since the start of the day [h]."""
    step: NDArray[np.intp]
    """Step of the plan."""
    mw: FloatArray
    setpoint_mw: FloatArray
    """NaN: not known."""
    soc_pct: FloatArray
    """NaN: not known."""
    unavailable: NDArray[np.bool_]
    limit: NDArray[np.str_]
    """What limits it; empty: nothing."""
    gaps: tuple[tuple[datetime, datetime], ...]
    samples: int
    bad: int
    """Samples that were left out for their quality."""
    counters: tuple[float | None, float | None]
    """Energy out and in over the day by the plant's own counters [MWh]."""


def cover_day(telemetry: Sequence[Telemetry], plan: PlanDay, longest_gap_s: float | None) -> Cover:
    """Cut a day into pieces that a sample tells, and gaps that none does."""
    # The sample that ends the first step of the day lies in it, and the one after the day still tells its end.
    known = {(one.timestamp, one.seq): one for one in telemetry}
    ordered = [known[key] for key in sorted(known)]
    usable = [one for one in ordered if one.quality not in _UNUSABLE]
    length_s = (plan.end - plan.start).total_seconds()
    times = np.array([(one.timestamp - plan.start).total_seconds() for one in usable])
    times, first = np.unique(times, return_index=True)
    usable = [usable[place] for place in first]
    inside = (times > 0.0) & (times <= length_s)
    starts = _starts(times, longest_gap_s)
    lows, highs = np.clip(starts, 0.0, length_s), np.clip(times, 0.0, length_s)
    telling = np.flatnonzero(highs > lows)
    chosen = [usable[place] for place in telling]
    sample, low, high, step = _pieces(lows[telling], highs[telling], plan)
    nan = float("nan")

    def column(values: list[float | None]) -> FloatArray:
        return np.array([nan if value is None else value for value in values], dtype=np.float64)[sample]

    away = [not one.online or one.fault_code is not None or one.status in ("fault", "offline")
            or one.limited_by == "fault" for one in chosen]  # fmt: skip
    return Cover(
        hours=(high - low) / 3600.0,
        at_h=(high + low) / 7200.0,
        step=step,
        mw=column([one.mw for one in chosen]),
        setpoint_mw=column([one.setpoint_mw for one in chosen]),
        soc_pct=column([one.soc_pct for one in chosen]),
        unavailable=np.array(away, dtype=bool)[sample],
        limit=np.array([one.limited_by or "" for one in chosen], dtype=np.str_)[sample],
        gaps=_gaps(lows[telling], highs[telling], length_s, plan.start),
        samples=int(inside.sum()),
        bad=sum(plan.start < one.timestamp <= plan.end for one in ordered if one.quality in _UNUSABLE),
        counters=(_count(usable, times, length_s, "energy_out_mwh"), _count(usable, times, length_s, "energy_in_mwh")),
    )


def _starts(times: FloatArray, longest_gap_s: float | None) -> FloatArray:
    """Return from when on each sample speaks [s]."""
    if not len(times):
        return times
    apart = np.diff(times)
    usual = float(np.median(apart)) if len(apart) else _USUAL_S
    longest = max(_GAP_STEPS * usual, _LEAST_GAP_S) if longest_gap_s is None else longest_gap_s
    before = np.concatenate(([times[0] - usual], times[:-1]))
    return np.where(times - before > longest, times - min(usual, longest), before)


def _pieces(
    lows: FloatArray, highs: FloatArray, plan: PlanDay
) -> tuple[NDArray[np.intp], FloatArray, FloatArray, NDArray[np.intp]]:
    """Cut the told intervals at the steps of the plan; return sample, begin, end [s] and step of each piece."""
    step_s = plan.dt_h * 3600.0
    edges = np.arange(len(plan.power_mw) + 1) * step_s
    first = np.clip(np.searchsorted(edges, lows, side="right") - 1, 0, len(plan.power_mw) - 1)
    last = np.clip(np.searchsorted(edges, highs, side="left") - 1, 0, len(plan.power_mw) - 1)
    counts = last - first + 1
    sample = np.repeat(np.arange(len(lows)), counts)
    within = np.arange(len(sample)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = np.repeat(first, counts) + within
    begin = np.maximum(np.repeat(lows, counts), edges[step])
    end = np.minimum(np.repeat(highs, counts), edges[step + 1])
    return sample, begin, end, step


def _gaps(
    lows: FloatArray, highs: FloatArray, length_s: float, start: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    begins = np.concatenate(([0.0], highs))
    ends = np.concatenate((lows, [length_s]))
    return tuple(
        (start + timedelta(seconds=float(low)), start + timedelta(seconds=float(high)))
        for low, high in zip(begins, ends, strict=True)
        if high - low > 1e-6
    )


def _count(samples: Sequence[Telemetry], times: FloatArray, length_s: float, name: str) -> float | None:
    """Return what a counter rose over the day, or None if it does not span it or was set back [MWh]."""
    known = [(time, value) for time, one in zip(times.tolist(), samples, strict=True)
             if (value := getattr(one, name)) is not None]  # fmt: skip
    if len(known) < 2:
        return None
    marks = np.array(known)
    if np.any(np.diff(marks[:, 1]) < 0.0):
        return None
    usual = float(np.median(np.diff(marks[:, 0])))
    # A counter that is read a moment after midnight still tells the day; one that begins at noon does not.
    edge = max(_GAP_STEPS * usual, _LEAST_GAP_S)
    if marks[0, 0] > edge or marks[-1, 0] < length_s - edge:
        return None
    ends = np.interp([0.0, length_s], marks[:, 0], marks[:, 1])
    return float(ends[1] - ends[0])
