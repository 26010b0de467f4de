"""Builds a series from a few numbers: the load builder, standard loads, a typical year, a clear sky."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.units import percent_to_fraction
from afterbay.profiles import build_load_profile, standard_load_profile
from afterbay.server.profiles.service.series import Made
from afterbay.sizing.project.solar import modelled_solar

__all__ = ["build_load", "build_solar", "build_standard_load"]

_WIRE: Final = {"loss_fraction": "solar_loss_pct", "mw": "load_mw"}
_ONE_AT_A_TIME: Final = threading.Lock()
"""demandlib changes the warning filters of the whole process while it works."""


def build_load(mode: str, params: Mapping[str, Any], hours: int, year: int | None) -> Made:
    """Return an hourly load of one of the builder's modes.

    Args:
        mode: constant, day_only, night_only, seasonal, custom.
        params: Of the mode.
        hours: Length [h].
        year: Calendar year that it begins with, if it has one.

    Raises:
        InvalidInputError: With every problem, under pointers.
    """
    try:
        values = build_load_profile(mode, params, hours)
    except InvalidInputError as error:
        raise InvalidInputError([_pointed(one) for one in error.problems]) from None
    if not values.any():
        raise InvalidInputError(Problem("/mode", "no hour with load", "some load", "widen the hours or add a window"))
    start = datetime(year, 1, 1) if year is not None else None
    return Made("load", values, 1.0, start, "generated", assumptions={"mode": mode, **params, "hours": hours})


def build_standard_load(kind: str, annual_mwh: float, year: int, holidays: list[date], dt_h: float) -> Made:
    """Return a standard load of the German energy association; errors under pointers as `build_load`.

    Raises:
        InvalidInputError: With every problem.
        MissingExtraError: If demandlib is not installed.
    """
    strange = [day for day in holidays if day.year != year]
    if strange:
        allowed = f"days of {year}"
        raise InvalidInputError(Problem("/holidays", str(strange[0]), allowed, "leave out days of other years"))
    try:
        with _ONE_AT_A_TIME:
            made = standard_load_profile(kind, annual_mwh, year, holidays=holidays, dt_h=dt_h)
    except InvalidInputError as error:
        raise InvalidInputError([_pointed(one) for one in error.problems]) from None
    facts = {**made.assumptions, "annual_mwh": annual_mwh, "year": year}
    return Made("load", made.values, made.dt_h, made.start, "generated", assumptions=facts)


def build_solar(source: str, options: Mapping[str, Any], loss_pct: float) -> Made:
    """Return a modelled sun; errors under pointers as `build_load`.

    Args:
        source: typical_year or clear_sky.
        options: Of the model, but for the losses.
        loss_pct: Soiling, wiring, mismatch and the like [%].

    Raises:
        InvalidInputError: With every problem.
        MissingExtraError: If pvlib is not installed.
    """
    try:
        made = modelled_solar(source, {**options, "loss_fraction": percent_to_fraction(loss_pct)})
    except InvalidInputError as error:
        raise InvalidInputError([_pointed(one) for one in error.problems]) from None
    facts = {"source": made.source, **made.assumptions, "ac_limit_mw": made.ac_limit_mw}
    return Made("solar", made.values, made.dt_h, made.start, "generated", assumptions=facts,
                capacity_mw=made.capacity_mwp)  # fmt: skip


def _pointed(problem: Problem) -> Problem:
    place = _WIRE.get(problem.where, problem.where).replace("[", "/").replace("].", "/").replace("]", "")
    return replace(problem, where=f"/{place.replace('params.', '')}")
