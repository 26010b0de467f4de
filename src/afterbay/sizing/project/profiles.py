"""The load and the sun of a project: read or built, on one clock, with a sentence for every choice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.core.units import percent_to_fraction
from afterbay.profiles import build_load_profile, read_profile, resample, scale_solar
from afterbay.sizing.project.keys import suggest
from afterbay.sizing.project.solar import modelled_solar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from afterbay.profiles import ImportReport
    from afterbay.sizing.project.document import Document

__all__ = ["Series", "load_series", "match", "solar_series"]

_DEFAULT_SOLAR_MW: Final = 67.0
"""Sizing plan, section 4.2."""

_IMPORT_OPTIONS: Final = (
    "column",
    "date_order",
    "zone",
    "unit",
    "gaps",
    "duplicates",
    "negatives",
    "leap_day",
    "unsorted",
    "dt_h",
    "delimiter",
)
_ARGUMENT: Final = re.compile(rf'\b({"|".join(_IMPORT_OPTIONS)})=["\']?([\w/]*)["\']?')
_KEYS: Final = {
    "mw": "load_mw",
    "windows": "load_windows",
    "capacity_mw": "solar_capacity_mw",
    "loss_fraction": "solar_loss_pct",
    "load_mode": "load_mode",
    **{
        name: name
        for name in ("latitude", "longitude", "altitude", "utc_offset_h", "year", "tilt", "azimuth", "dc_ac_ratio")
    },
}
"""Names of the builders' arguments in a project file."""


@dataclass(slots=True)
class Series:
    """One profile of a project."""

    values: NDArray[np.float64]
    """[MW], shape (n,)."""
    dt_h: float
    start: datetime | None
    """Start of the first step, if the source has a calendar."""
    base_mw: float | None = None
    """For solar: the capacity that `values` stand for [MW]."""
    sentences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    report: ImportReport | None = None
    file: Path | None = None


def solar_series(setup: Mapping[str, Any], document: Document, problems: Problems) -> Series | None:
    """Return the sun of a project, or None after noting why there is none."""
    source = setup["solar_source"] or ("csv" if setup["solar_file"] else "typical_year")
    try:
        series = (
            _solar_file(setup, document, problems) if source == "csv" else _model(source, setup, document, problems)
        )
    except InvalidInputError as error:
        _note(problems, document, error.problems, "solar")
        return None
    if series is not None and not series.values.any():
        where = document.where("setup_config.solar_file") if source == "csv" else "setup_config.solar_source"
        problems.add(where, "zeros only", "a profile with sun", "is this the right column? See solar_import.column")
        return None
    return series


def load_series(setup: Mapping[str, Any], document: Document, solar: Series, problems: Problems) -> Series | None:
    """Return the load of a project, or None after noting why there is none.

    A built load takes length and step of the sun; a load from a file keeps its own, see `match`.
    """
    try:
        if setup["load_mode"] == "csv":
            return _from_file("load", setup, document, problems)
        return _built(setup, solar)
    except InvalidInputError as error:
        _note(problems, document, error.problems, "load")
        return None


def match(load: Series, solar: Series, document: Document, problems: Problems) -> None:
    """Refuse two profiles on different clocks, with the choices; nothing is wrapped or cut silently."""
    where = document.where("setup_config.load_file")
    if load.dt_h != solar.dt_h:
        problems.add(
            where,
            f"steps of {load.dt_h * 60:g} min, but the solar profile has {solar.dt_h * 60:g} min",
            "one step length for both",
            f"add load_import: {{resample_h: {solar.dt_h:g}}} or solar_import: {{resample_h: {load.dt_h:g}}}",
        )
    elif len(load.values) != len(solar.values):
        years = {round(len(series.values) * series.dt_h) for series in (load, solar)}
        move = "cut or extend one of the files, so that both cover the same days"
        if years == {8760, 8784}:
            which = "load" if len(load.values) > len(solar.values) else "solar"
            move = f"add {which}_import: {{leap_day: drop}}, or give both with 29 February"
        problems.add(
            where,
            f"{len(load.values):,} steps, but the solar profile has {len(solar.values):,}",
            "the same number of steps",
            move,
        )
    elif load.start is not None and solar.start is not None:
        same_day = (load.start.month, load.start.day, load.start.hour) == (
            solar.start.month,
            solar.start.day,
            solar.start.hour,
        )
        if not same_day:
            load.warnings.append(
                f"the load begins at {load.start:%d %b %H:%M} and the sun at {solar.start:%d %b %H:%M}: "
                "row 1 of one is used with row 1 of the other"
            )


def _model(source: str, setup: Mapping[str, Any], document: Document, problems: Problems) -> Series | None:
    capacity = setup["solar_capacity_mw"] or _DEFAULT_SOLAR_MW
    options: dict[str, Any] = {
        "capacity_mw": float(capacity),
        "year": setup["year"],
        "tilt": float(setup["tilt"]),
        "azimuth": setup["azimuth"],
        "dc_ac_ratio": float(setup["dc_ac_ratio"]),
        "loss_fraction": percent_to_fraction(setup["solar_loss_pct"]),
    }
    weather: Path | None = None
    if source == "clear_sky":
        for key in ("latitude", "longitude"):
            if setup[key] is None:
                problems.add(f"setup_config.{key}", "nothing", "degrees", "a clear sky needs a place: give it")
        if setup["latitude"] is None or setup["longitude"] is None:
            return None
        options |= {name: setup[name] for name in ("latitude", "longitude", "altitude", "utc_offset_h")}
    elif setup["weather_file"] is not None:
        weather = document.folder / setup["weather_file"]
    made = modelled_solar(source, options, weather)
    facts = made.assumptions
    sentences = [
        f"solar: {made.source}, {capacity:,g} MWp of panels, at most {made.ac_limit_mw:,.1f} MW at the grid side "
        f"(DC/AC ratio {facts['dc_ac_ratio']:g}), tilt {facts['tilt_degrees']:g} degrees, azimuth "
        f"{facts['azimuth_degrees']:g} degrees, losses {setup['solar_loss_pct']:g} %, at "
        f"{facts['latitude']:g} N, {facts['longitude']:g} E, {len(made.values):,} h of local standard time"
    ]
    if setup["solar_capacity_mw"] is None:
        sentences.append(f"solar_capacity_mw is not given: {capacity:g} MWp, the default of the sizing plan")
    if setup["solar_source"] is None:
        sentences.append("solar_source is not given: the typical year that pvlib carries")
    return Series(made.values, made.dt_h, made.start, made.capacity_mwp, sentences, file=weather)


def _solar_file(setup: Mapping[str, Any], document: Document, problems: Problems) -> Series | None:
    series = _from_file("solar", setup, document, problems)
    if series is None or not series.values.any():
        return series
    peak, target = float(series.values.max()), setup["solar_capacity_mw"]
    series.base_mw = peak
    if target is None:
        series.sentences.append(f"solar: file peak {peak:,.1f} MW, used as it is (no solar_capacity_mw)")
    elif abs(target - peak) > 1e-9 * peak:
        series.values = scale_solar(series.values, target)
        series.base_mw = float(target)
        series.sentences.append(f"solar: file peak {peak:,.1f} MW, scaled to {target:,.1f}")
    else:
        series.sentences.append(f"solar: file peak {peak:,.1f} MW, as solar_capacity_mw says")
    return series


def _from_file(kind: Any, setup: Mapping[str, Any], document: Document, problems: Problems) -> Series | None:
    where = document.where(f"setup_config.{kind}_file")
    name = setup[f"{kind}_file"]
    if name is None:
        problems.add(where, "nothing", "the path of a CSV or Parquet file", f"add {kind}_file")
        return None
    path = document.folder / name
    if not path.exists():
        problems.add(where, f"{name}, which does not exist in {document.folder.resolve()}", "a file", "check the path")
        return None
    options = dict(setup[f"{kind}_import"])
    step = options.pop("resample_h", None)
    problem = f"setup_config.{kind}_import"
    unknown = [key for key in options if key not in _IMPORT_OPTIONS]
    for key in unknown:
        known = (*_IMPORT_OPTIONS, "resample_h")
        problems.add(document.where(f"{problem}.{key}"), "an unknown key", ", ".join(known), suggest(key, known))
    if unknown:
        return None
    profile = read_profile(path, quantity=kind, **options)
    report = profile.report
    if report.values_unit != "MW":
        problems.add(where, f"{report.column} in {report.values_unit}", "a power", f"choose it by {kind}_import.column")
        return None
    sentences = [
        f"{kind}: {name}, column {report.column}, {len(profile):,} rows, unit {report.unit} ({report.unit_reason})"
    ]
    sentences += [f"{kind} file: {change}" for change in report.changed]
    if step is not None:
        if isinstance(step, bool) or not isinstance(step, (int, float)):
            problems.add(document.where(f"{problem}.resample_h"), repr(step), "hours", "give 1 or 0.25")
            return None
        profile = resample(profile, float(step))
        sentences.append(f"{kind}: {profile.report.changed[-1]}")
    dt_h = profile.dt_h
    if dt_h is None:
        dt_h = 1.0
        sentences.append(f"{kind}: the file has no time stamps, its rows are taken as hours from midnight")
    if np.isnan(profile.values).any():
        problems.add(
            where,
            f"{int(np.isnan(profile.values).sum())} rows without a value",
            "a value in every row",
            f"say {kind}_import: {{gaps: fill}}",
        )
        return None
    warnings = [f"{kind} file: {warning}" for warning in report.warnings]
    if profile.start is not None and profile.start.tzinfo is None and profile.start.hour != 0:
        warnings.append(
            f"{kind} file: it begins at {profile.start:%H:%M}, but its first row counts as midnight of day 1, "
            "so day, night and blackout hours are shifted"
        )
    return Series(np.array(profile.values), dt_h, profile.start, None, sentences, warnings, report, path)


def _built(setup: Mapping[str, Any], solar: Series) -> Series:
    mode = setup["load_mode"]
    mw = setup["load_mw"]
    params: dict[str, Any] = {
        "constant": {"mw": mw},
        "day_only": {"mw": mw, "start": setup["load_day_start"], "end": setup["load_day_end"]},
        "night_only": {"mw": mw, "start": setup["load_night_start"], "end": setup["load_night_end"]},
        "seasonal": {
            "mw": mw,
            "start_month": setup["load_season_start_month"],
            "end_month": setup["load_season_end_month"],
            "day_start": setup["load_season_day_start"],
            "day_end": setup["load_season_day_end"],
        },
        "custom": {"windows": list(setup["load_windows"])},
    }[mode]
    count = len(solar.values)
    hours = build_load_profile(mode, params, int(np.ceil(count * solar.dt_h)))
    if solar.dt_h <= 1.0:
        values = np.repeat(hours, round(1.0 / solar.dt_h))[:count]
    else:
        per_step = round(solar.dt_h)
        values = hours[: count * per_step].reshape(count, per_step).mean(axis=1)
    if not values.any():
        raise InvalidInputError(
            Problem(
                "windows" if mode == "custom" else "load_mode",
                "no hour with load",
                "some load",
                "widen the hours or add a window",
            )
        )
    text = {
        "constant": f"{mw:g} MW in every hour",
        "day_only": f"{mw:g} MW from {setup['load_day_start']}:00 to {setup['load_day_end']}:00",
        "night_only": f"{mw:g} MW from {setup['load_night_start']}:00 to {setup['load_night_end']}:00",
        "seasonal": (
            f"{mw:g} MW in months {setup['load_season_start_month']} to {setup['load_season_end_month']}, from "
            f"{setup['load_season_day_start']}:00 to {setup['load_season_day_end'] or 24}:00"
        ),
        "custom": f"{len(setup['load_windows'])} windows of the day",
    }[mode]
    warnings = []
    if mode == "seasonal" and count * solar.dt_h == 8784:
        warnings.append("the seasons are counted in a year of 365 days, so they shift by a day after 29 February")
    return Series(values, solar.dt_h, solar.start, None, [f"load: {text}, {values.size:,} steps as the sun"], warnings)


def _note(problems: Problems, document: Document, found: tuple[Problem, ...], kind: str) -> None:
    """Name the problems of a reader or builder by the keys of the project file."""
    for problem in found:
        place = problem.where
        if place.startswith("windows["):
            place = f"setup_config.load_{place}"
        elif place in _KEYS:
            place = document.where(f"setup_config.{_KEYS[place]}")
        elif place in _IMPORT_OPTIONS:
            place = document.where(f"setup_config.{kind}_import.{place}")
        # The reader speaks of Python arguments; in a project file they stand under *_import.
        move, count = _ARGUMENT.subn(r"\1: \2", problem.next_move)
        move += f" (under setup_config.{kind}_import)" if count else ""
        problems.extend([Problem(place, problem.got, problem.allowed, move)])
