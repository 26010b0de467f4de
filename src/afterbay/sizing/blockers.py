"""Which hours are not served, and which limit stands in the way: from the reasons the kernel noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.sizing import layout as at

if TYPE_CHECKING:
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["blocking_hours"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_ENDS = np.cumsum((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))

_BATTERY = {
    at.BESS_ABSENT: "there is no battery",
    at.BESS_IDLE: "the battery is not asked",
    at.BESS_COVERS: "the battery gives all it is asked",
    at.BESS_AT_POWER: "the battery gives its full power and it is not enough",
    at.BESS_AT_FLOOR: "the battery is empty",
    at.BESS_AT_ALLOWANCE: "the battery's daily cycles run out",
    at.BESS_LOCKED: "the battery is locked, its daily cycles used up",
    at.BESS_STANDS_BACK: "the battery stands back while the generator runs",
    at.BESS_WITHHELD: "the load cannot be served whole, so nothing is served",
}
_GENERATOR = {
    at.DG_ABSENT: "there is no generator",
    at.DG_BLOCKED: "the generator is not allowed then",
    at.DG_ABOVE_EMERGENCY: "the generator is not allowed then",
    at.DG_ABOVE_OFF: "the generator waits for a lower state of charge",
    at.DG_IN_BAND_OFF: "the generator waits for a lower state of charge",
    at.DG_WITHHELD: "the generator does not start for a load it cannot help to serve whole",
}


def blocking_hours(results: HourlyResults) -> str:
    """Say how many hours are not served, when, and what limits them; empty if all are served.

    Args:
        results: A run.

    Returns:
        One sentence or two. Months count from the first step as 1 January of a year of 365 days, and are
        named only in runs of at least 300 days.
    """
    short = (results.load > 0.0) & (results.unserved >= at.TOLERANCE_MW)
    if not short.any():
        return ""
    dt_h = results.params.dt_h
    hours = short.sum() * dt_h
    when = _when(results, short)
    cause = _cause(results, short)
    days = np.unique(results.day[short])
    of_these = np.isin(results.day, days)
    solar, load = results.solar[of_these].sum() * dt_h, results.load[of_these].sum() * dt_h
    those = "that day" if len(days) == 1 else f"those {len(days)} days"
    sun = f"On {those} solar makes {solar / load:.2f} x the load."
    return f"What blocks it: {hours:,.0f} h{when}, mostly because {cause}. {sun}".strip()


def _when(results: HourlyResults, short: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    hour = results.hour_of_day[short]
    params = results.params
    start, end = params.night_start_hour, params.night_end_hour
    at_night = (hour >= start) | (hour < end) if start > end else (hour >= start) & (hour < end)
    share = at_night.mean()
    part = f", {100 * share:.0f} % of them by night ({start}-{end} h)"
    if len(results) * params.dt_h < 300 * 24:
        return part
    month = np.searchsorted(_MONTH_ENDS, (results.day[short] - 1) % 365, side="right")
    counts = np.bincount(month, minlength=12)
    worst = sorted(np.argsort(-counts, kind="stable")[:3].tolist())
    share_of_worst = counts[worst].sum() / counts.sum()
    if share_of_worst < 0.4:
        return f"{part}, spread over the year"
    return f"{part}, {100 * share_of_worst:.0f} % in {', '.join(_MONTHS[index] for index in worst)}"


def _cause(results: HourlyResults, short: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    dg_codes, bess_codes = results.reasons
    pairs, counts = np.unique(np.stack([dg_codes[short], bess_codes[short]]), axis=1, return_counts=True)
    dg_code, bess_code = pairs[:, int(np.argmax(counts))].tolist()
    if dg_code in _GENERATOR:
        return f"{_BATTERY.get(bess_code, 'the battery is charging')} and {_GENERATOR[dg_code]}"
    rating = results.params.dg_rating_mw
    return f"{_BATTERY.get(bess_code, 'the battery is charging')} and the generator's {rating:g} MW are not enough"
