"""A year of load from a few numbers: its energy, or its bill, and its maximum demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.recipes.profile import CommunityProfile, make_profile
from afterbay.community.recipes.recipe import Recipe
from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from afterbay.core.compiled import Floats

__all__ = ["ENGINE_SHAPES", "bent_to_mean", "engine_load"]

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_ENDS = np.cumsum(_MONTH_DAYS) * 96


def _household() -> Floats:
    hour = _middles()
    day = 0.45 + 0.5 * _bump(hour, 7.5, 1.2) + 0.35 * _bump(hour, 12.75, 1.5) + 1.0 * _bump(hour, 19.25, 2.0)
    return _with_season(day, 0.20)


def _business() -> Floats:
    hour = _middles()
    day = 0.25 + 1.0 / (1.0 + np.exp(-3.0 * (hour - 7.75))) / (1.0 + np.exp(2.5 * (hour - 17.75)))
    return _with_season(day + 0.05 * _bump(hour, 11.0, 1.5), 0.08)


def _flat() -> Floats:
    return np.ones(365 * 96)


ENGINE_SHAPES: Mapping[str, Callable[[], Floats]] = {"household": _household, "business": _business, "flat": _flat}
"""Shapes of a year (365 x 96); only their proportions count."""


def engine_load(
    name: str,
    *,
    daily_kwh: float | None = None,
    monthly_kwh: float | Sequence[float] | None = None,
    average_bill: float | None = None,
    price_per_kwh: float | None = None,
    fixed_per_month: float = 0.0,
    tax_fraction: float = 0.0,
    max_demand_kw: float | None = None,
    shape: str = "household",
) -> CommunityProfile:
    """Return a year that has exactly the energy and exactly the maximum demand that were asked for.

    Args:
        name: Name of the profile.
        daily_kwh: Energy of a day [kWh]; give this, or `monthly_kwh`, or `average_bill`.
        monthly_kwh: Energy of a month [kWh], or of each of the twelve months.
        average_bill: Bill of a month in money, with `price_per_kwh`.
        price_per_kwh: Price of a kilowatt-hour without tax, with `average_bill`.
        fixed_per_month: Part of the bill that does not depend on energy, without tax.
        tax_fraction: Tax on the whole bill [-].
        max_demand_kw: Highest quarter hour of the year [kW]; None leaves the peak to the shape.
        shape: One of `ENGINE_SHAPES`.

    Returns:
        A typical year of quarter hours [kW].

    Raises:
        InvalidInputError: With all inputs that cannot be used, or the reason why no such year exists.
    """
    problems = Problems()
    ways = [value is not None for value in (daily_kwh, monthly_kwh, average_bill)]
    if sum(ways) != 1:
        problems.add(
            "energy", f"{sum(ways)} statements", "one of daily_kwh, monthly_kwh, average_bill", "keep the one you trust"
        )
    if shape not in ENGINE_SHAPES:
        problems.add("shape", repr(shape), ", ".join(ENGINE_SHAPES), "choose one of these")
    if max_demand_kw is not None and not (is_number(max_demand_kw) and max_demand_kw > 0.0):
        problems.add("max_demand_kw", max_demand_kw, "a finite number of kW above 0", "or None")
    problems.raise_if_any()
    if average_bill is not None:
        monthly = [_energy_of_bill(average_bill, price_per_kwh, fixed_per_month, tax_fraction)] * 12
    elif daily_kwh is not None:
        monthly = [daily_kwh * days if is_number(daily_kwh) else daily_kwh for days in _MONTH_DAYS]
    else:
        monthly = [monthly_kwh] * 12 if is_number(monthly_kwh) else list(monthly_kwh)  # type: ignore[arg-type, list-item]
    if len(monthly) != 12 or not all(is_number(energy) and energy >= 0.0 for energy in monthly):
        got = daily_kwh if daily_kwh is not None else monthly_kwh
        raise InvalidInputError(Problem("energy", repr(got), "finite numbers >= 0, one or twelve", "give kWh"))
    values = _year(np.array(monthly, dtype=np.float64), max_demand_kw, ENGINE_SHAPES[shape]())
    recipe = Recipe(
        "engine",
        {
            "daily_kwh": daily_kwh,
            "monthly_kwh": monthly_kwh,
            "average_bill": average_bill,
            "price_per_kwh": price_per_kwh,
            "fixed_per_month": fixed_per_month,
            "tax_fraction": tax_fraction,
            "max_demand_kw": max_demand_kw,
            "shape": shape,
        },
    )
    return make_profile(name, recipe, values, calendar="year")


def bent_to_mean(shape: Floats, mean: float, peak: float, where: str = "max_demand_kw") -> Floats:
    """Return peak x (shape / its highest)^g with the g >= 0 that gives the mean, peak kept exactly.

    Args:
        shape: Proportions, >= 0, shape (n,).
        mean: Mean that is wanted, 0 <= mean <= peak.
        peak: Highest value that is wanted.
        where: What to call the input when there is no such series.

    Raises:
        InvalidInputError: If no exponent can do it, with the nearest peak that can.
    """
    n = len(shape)
    if mean == 0.0:
        return np.zeros(n)
    share = shape / shape.max()
    top = share == 1.0
    least = float(top.mean())
    if mean > peak * (1.0 + 1e-12) or mean < peak * least * (1.0 - 1e-12):
        got = f"{peak:g} kW with a mean of {mean:g} kW"
        allowed = f"{mean:.6g} kW (the energy spread evenly) to {mean / least:.6g} kW (all of it in the peak hours)"
        move = "lower the energy or raise the demand" if mean > peak else "raise the energy or lower the demand"
        raise InvalidInputError(Problem(where, got, allowed, move))
    low, high = 0.0, 1.0
    while peak * float((share**high).mean()) > mean and high < 2.0**40:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if peak * float((share**middle).mean()) > mean else (low, middle)
    values = peak * share**high
    # What rounding left over goes to the steps below the peak, in proportion, so that the peak stays.
    rest = float(values[~top].sum())
    missing = mean * n - float(values.sum())
    if rest > 0.0:
        values[~top] = np.minimum(values[~top] * (1.0 + missing / rest), peak)
    return np.asarray(values)


def _year(monthly_kwh: Floats, max_demand_kw: float | None, shape: Floats) -> Floats:
    begin = np.concatenate([[0], _MONTH_ENDS[:-1]])
    mean = monthly_kwh / (24.0 * np.array(_MONTH_DAYS))
    highest = float(mean.max())
    if highest == 0.0 and max_demand_kw is not None:
        got = f"{max_demand_kw:g} kW and no energy"
        raise InvalidInputError(Problem("max_demand_kw", got, "energy above 0", "give the energy, or no demand"))
    parts = []
    for month in range(12):
        part = shape[begin[month] : _MONTH_ENDS[month]]
        if max_demand_kw is None:
            parts.append(part * (mean[month] / part.mean()))
            continue
        # Every month keeps the ratio of peak to mean; so the year's maximum is in its strongest month.
        peak = max_demand_kw if mean[month] == highest else max_demand_kw * mean[month] / highest
        parts.append(bent_to_mean(part, float(mean[month]), float(peak)))
    return np.concatenate(parts)


def _energy_of_bill(bill: float, price: float | None, fixed: float, tax: float) -> float:
    problems = Problems()
    for where, value, least in (
        ("average_bill", bill, 0.0),
        ("fixed_per_month", fixed, 0.0),
        ("tax_fraction", tax, 0.0),
    ):
        if not is_number(value) or value < least:
            problems.add(where, value, "a finite number >= 0", "give it per month, without sign")
    if price is None or not is_number(price) or price <= 0.0:
        problems.add("price_per_kwh", price, "a finite price above 0", "the bill alone does not tell the energy")
    problems.raise_if_any()
    energy = (bill / (1.0 + tax) - fixed) / float(price or 1.0)
    if energy < 0.0:
        got = f"{bill:g}, of which {fixed * (1.0 + tax):g} is fixed"
        raise InvalidInputError(Problem("average_bill", got, "at least the fixed part", "check both"))
    return energy


def _middles() -> Floats:
    return (np.arange(96, dtype=np.float64) + 0.5) / 4.0


def _bump(hour: Floats, at: float, width: float) -> Floats:
    apart = np.abs(hour - at)
    return np.asarray(np.exp(-0.5 * (np.minimum(apart, 24.0 - apart) / width) ** 2))


def _with_season(day: Floats, depth: float) -> Floats:
    """Repeat a day over the year, more in winter; each day is a little different, so peaks are rare."""
    number = np.arange(365)
    season = 1.0 + depth * np.cos(2.0 * np.pi * (number - 14) / 365.0) + 0.05 * np.sin(2.0 * np.pi * number / 7.0)
    return np.outer(season, day).reshape(-1)
