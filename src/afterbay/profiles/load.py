"""Hourly load from a few numbers: constant, windows of the day, seasons, or a series of your own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem, Problems
from afterbay.profiles.windows import check_hours, check_season, hours_between, is_whole, month_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["LOAD_MODES", "LOAD_PRESETS", "build_load_profile", "preset"]

_DEFAULTS: dict[str, dict[str, Any]] = {
    "constant": {"mw": 25.0},
    "day_only": {"mw": 25.0, "start": 6, "end": 18},
    "night_only": {"mw": 25.0, "start": 18, "end": 6},
    "seasonal": {"mw": 25.0, "start_month": 4, "end_month": 10, "day_start": 8, "day_end": 0},
    "custom": {"windows": ()},
    "csv": {"data": None, "path": None, "fit": "exact"},
}
_WINDOW_DEFAULTS: dict[str, Any] = {"start": 0, "end": 24, "mw": 0.0}
_READ_OPTIONS = (
    "column",
    "date_order",
    "zone",
    "unit",
    "gaps",
    "duplicates",
    "negatives",
    "leap_day",
    "dt_h",
)
_FITS = ("exact", "cut", "repeat")

LOAD_MODES = tuple(_DEFAULTS)
"""The modes of `build_load_profile`."""

LOAD_PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "constant_25mw": ("constant", {"mw": 25.0}),
    "constant_50mw": ("constant", {"mw": 50.0}),
    "office_hours": ("day_only", {"mw": 25.0, "start": 8, "end": 18}),
    "evening_peak": ("day_only", {"mw": 25.0, "start": 17, "end": 23}),
    "night_operations": ("night_only", {"mw": 25.0, "start": 18, "end": 6}),
    "two_shift": (
        "custom",
        {"windows": [{"start": 6, "end": 14, "mw": 25.0}, {"start": 14, "end": 22, "mw": 25.0}]},
    ),
}
"""Mode and parameters by name."""


def build_load_profile(
    mode: str, params: Mapping[str, Any] | None = None, num_hours: int = 8760
) -> NDArray[np.float64]:
    """Build an hourly load.

    Hours of the day are local hours 0..23; a window holds `start <= hour < end`, runs over midnight
    when `start > end`, and is empty when both are equal. Months follow a year of 365 days, which
    starts again after 8,760 h.

    Args:
        mode: `constant` (mw 25), `day_only` (mw 25, start 6, end 18), `night_only` (mw 25, start 18,
            end 6), `seasonal` (mw 25, start_month 4, end_month 10, day_start 8, day_end 0 = midnight),
            `custom` (windows: start 0, end 24, mw 0; later ones overwrite), `csv` (data [MW], or path
            and options of `read_profile`; fit `exact`, `cut` or `repeat`). Defaults in parentheses.
        params: What differs from the defaults.
        num_hours: Length [h].

    Returns:
        Load [MW], shape (num_hours,).

    Raises:
        InvalidInputError: With all problems of mode and parameters.
        ProfileFileError: If `path` names a file that cannot be used.

    Source: sizing.md section 5; equal hours and text are BUG-32 and BUG-33, own windows BUG-16.
    """
    if mode not in LOAD_MODES:
        raise InvalidInputError(Problem("mode", repr(mode), ", ".join(LOAD_MODES), "choose one of these"))
    problems = Problems()
    if not is_whole(num_hours) or num_hours < 1:
        problems.add("num_hours", num_hours, "a whole number of hours, 1 or more", "give 8760 for a year")
    given = dict(params or {})
    known = _DEFAULTS[mode]
    allowed = (*known, *_READ_OPTIONS) if mode == "csv" else tuple(known)
    for key in given.keys() - set(allowed):
        # Silently ignored, `day_start` given to night_only would simulate another window (BUG-16).
        problems.add(f"params.{key}", given[key], f"for {mode}: {', '.join(allowed)}", "remove or rename it")
    asked = {**known, **given}
    _CHECKS[mode](asked, problems)
    problems.raise_if_any()
    return _BUILDERS[mode](asked, num_hours)


def preset(name: str, num_hours: int = 8760) -> NDArray[np.float64]:
    """Return the load [MW] of a preset, shape (num_hours,).

    Raises:
        NotFoundError: If there is no preset of this name.
    """
    if name not in LOAD_PRESETS:
        raise NotFoundError(f"no load preset {name!r}; there are {', '.join(LOAD_PRESETS)}")
    mode, params = LOAD_PRESETS[name]
    return build_load_profile(mode, params, num_hours)


def _constant(asked: Mapping[str, Any], num_hours: int) -> NDArray[np.float64]:
    return np.full(num_hours, float(asked["mw"]))


def _window(asked: Mapping[str, Any], num_hours: int) -> NDArray[np.float64]:
    day = np.where(hours_between(asked["start"], asked["end"]), float(asked["mw"]), 0.0)
    return np.resize(day, num_hours)


def _seasonal(asked: Mapping[str, Any], num_hours: int) -> NDArray[np.float64]:
    _, days = month_bounds(asked["start_month"], asked["end_month"])
    hours = hours_between(asked["day_start"], asked["day_end"] or 24)
    year = np.where(np.outer(days, hours), float(asked["mw"]), 0.0)
    return np.resize(year, num_hours)


def _custom(asked: Mapping[str, Any], num_hours: int) -> NDArray[np.float64]:
    day = np.zeros(24)
    for window in asked["windows"]:
        full = {**_WINDOW_DEFAULTS, **window}
        day[hours_between(full["start"], full["end"])] = float(full["mw"])
    return np.resize(day, num_hours)


def _series(asked: Mapping[str, Any], num_hours: int) -> NDArray[np.float64]:
    values = _from_file(asked) if asked["path"] is not None else np.array(asked["data"], dtype=np.float64)
    fit, length = asked["fit"], len(values)
    # The original cut and repeated without a word; here it is a choice.
    if length != num_hours and fit == "exact":
        move = 'fit="cut"' if length > num_hours else 'fit="repeat"'
        hint = ' or leap_day="drop"' if length == 8784 and num_hours == 8760 and asked["path"] else ""
        raise InvalidInputError(Problem("params", f"{length:,} h", f"{num_hours:,} h", f"say {move}{hint}"))
    if length < num_hours and fit == "cut":
        raise InvalidInputError(
            Problem("params.fit", f"'cut' for {length:,} h", f"{num_hours:,} h or more", 'say fit="repeat"')
        )
    if length > num_hours and fit == "repeat":
        raise InvalidInputError(
            Problem("params.fit", f"'repeat' for {length:,} h", f"{num_hours:,} h or less", 'say fit="cut"')
        )
    return np.resize(values, num_hours)


def _from_file(asked: Mapping[str, Any]) -> NDArray[np.float64]:
    from afterbay.profiles.files import read_profile
    from afterbay.profiles.profile import resample

    options = {key: asked[key] for key in _READ_OPTIONS if key in asked}
    profile = read_profile(asked["path"], quantity="load", **options)
    path = profile.report.path
    if profile.report.values_unit != "MW":
        got = f"{profile.report.column} in {profile.report.values_unit}"
        raise InvalidInputError(Problem(path, got, "a power", "choose another column="))
    if profile.dt_h is None and profile.report.time_column is None:
        return np.array(profile.values)  # no stamps, no dt_h: rows are hours, as the format says
    hourly = resample(profile, 1.0)
    if np.isnan(hourly.values).any():
        raise InvalidInputError(Problem(path, "hours without a value", "a value in every hour", 'gaps="fill"'))
    return np.array(hourly.values)


def _check_power(asked: Mapping[str, Any], problems: Problems, where: str = "") -> None:
    if not _is_number(asked["mw"]) or not (math.isfinite(asked["mw"]) and asked["mw"] >= 0.0):
        problems.add(f"{where}mw", asked["mw"], "a finite number of MW, 0 or more", "give the load in MW")


def _check_window(asked: Mapping[str, Any], problems: Problems, where: str = "") -> None:
    _check_power(asked, problems, where)
    check_hours(asked, "start", "end", where, problems)


def _check_seasonal(asked: Mapping[str, Any], problems: Problems) -> None:
    _check_power(asked, problems)
    check_season(asked, problems)


def _check_custom(asked: Mapping[str, Any], problems: Problems) -> None:
    windows = asked["windows"]
    if not isinstance(windows, (list, tuple)) or not all(isinstance(window, dict) for window in windows):
        problems.add("windows", windows, "a list of {start, end, mw}", "give one entry per window")
        return
    for position, window in enumerate(windows):
        where = f"windows[{position}]."
        for key in window.keys() - _WINDOW_DEFAULTS.keys():
            problems.add(f"{where}{key}", window[key], "start, end, mw", "remove or rename it")
        _check_window({**_WINDOW_DEFAULTS, **window}, problems, where)


def _check_series(asked: Mapping[str, Any], problems: Problems) -> None:
    if asked["fit"] not in _FITS:
        problems.add("fit", asked["fit"], ", ".join(_FITS), "choose one")
    data, path = asked["data"], asked["path"]
    if (data is None) == (path is None):
        got = "neither" if data is None else "both"
        problems.add("params", got, "either data [MW] or path", "give one of the two")
        return
    if data is None:
        return
    for key in _READ_OPTIONS:
        if key in asked:
            problems.add(f"params.{key}", asked[key], "only with path", "remove it")
    try:
        values = np.array(data, dtype=np.float64)
    except (TypeError, ValueError):
        problems.add("data", "cells that are no numbers", "numbers in MW", "mend or remove them")
        return
    if values.ndim != 1 or not values.size:
        problems.add("data", f"shape {values.shape}", "a flat series of 1 or more values", "give one number per hour")
    elif not np.isfinite(values).all() or (values < 0.0).any():
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
        shown = f"{bad.size} values, the first {values[bad[0]]} at hour {bad[0]}"
        problems.add("data", shown, "finite MW, 0 or more", "mend these hours")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


_CHECKS: dict[str, Callable[[Mapping[str, Any], Problems], None]] = {
    "constant": _check_power,
    "day_only": _check_window,
    "night_only": _check_window,
    "seasonal": _check_seasonal,
    "custom": _check_custom,
    "csv": _check_series,
}
_BUILDERS: dict[str, Callable[[Mapping[str, Any], int], NDArray[np.float64]]] = {
    "constant": _constant,
    "day_only": _window,
    "night_only": _window,
    "seasonal": _seasonal,
    "custom": _custom,
    "csv": _series,
}
