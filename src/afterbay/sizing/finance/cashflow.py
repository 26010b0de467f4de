"""Money over time: present values and payback of plain series of flows.

Flow t of a series falls at the end of year t; flow 0 is today and is not discounted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problem, Problems

__all__ = [
    "calculate_npv",
    "calculate_xnpv",
    "check_rate",
    "discount_factors",
    "discounted_payback_years",
    "payback_columns",
    "payback_years",
    "read_dated_flows",
    "read_flows",
]

FloatArray = NDArray[np.float64]

MOST_FLOWS = 1_201
"""A hundred years of months, and today."""
MOST_USD = 1e15
"""An amount beyond this is a slip; below it no sum of flows leaves the floats."""
_DAYS_PER_YEAR = 365.0


def check_rate(problems: Problems, where: str, rate: object) -> bool:
    """Note a rate a year that is not above -1 and at most 1 [-]; a percentage is recognised and named."""
    allowed = "a fraction above -1, up to 1"
    if not is_number(rate):
        problems.add(where, rate, allowed, "for 8 % give 0.08")
    elif rate > 1.0:  # type: ignore[operator]
        problems.add(where, rate, allowed, f"for {rate:g} % give {rate / 100:g}")  # type: ignore[operator]
    elif rate <= -1.0:  # type: ignore[operator]
        problems.add(where, rate, allowed, "money cannot lose more than all of its value: check the sign")
    else:
        return True
    return False


def read_flows(problems: Problems, where: str, values: ArrayLike, *, least: float = -MOST_USD) -> FloatArray:
    """Return a series of amounts, shape (n,), or note why it is none and return one zero."""
    allowed = f"1..{MOST_FLOWS:,} amounts, each {least:g}..{MOST_USD:g}"
    move = "give one number per year, today first"
    try:
        flows = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        problems.add(where, repr(values)[:60], allowed, move)
        return np.zeros(1)
    if flows.ndim != 1 or not 1 <= flows.size <= MOST_FLOWS:
        problems.add(where, f"shape {flows.shape}", allowed, move)
        return np.zeros(1)
    wrong = np.flatnonzero(~((flows >= least) & (flows <= MOST_USD)))
    if wrong.size:
        problems.add(where, f"{flows[wrong[0]]:g} in year {wrong[0]}", allowed, "correct the amount or its unit")
        return np.zeros(1)
    return flows


def read_dated_flows(
    problems: Problems, dates: Sequence[date], values: ArrayLike
) -> tuple[tuple[date, ...], FloatArray, FloatArray]:
    """Return days in order, years since the first (days / 365) and the amount of each, shapes (n,).

    Amounts of the same day are added up: they are discounted alike.
    """
    flows = read_flows(problems, "cash_flows", values)
    days: list[date] = []
    given: object = dates
    for row, day in enumerate(given if isinstance(given, Sequence) else [given]):
        if isinstance(day, date):
            days.append(day.date() if isinstance(day, datetime) else day)
        else:
            problems.add("dates", f"{day!r} in row {row}", "dates", "use date.fromisoformat for text")
    if problems:
        return (), np.zeros(0), np.zeros(0)
    if len(days) != flows.size:
        problems.add(
            "dates", f"{len(days)} dates for {flows.size} amounts", "a date for each amount", "add or drop some"
        )
    elif min(days) < days[0]:
        problems.add(
            "dates", f"{min(days)} before {days[0]}", "the earliest date first", "all is valued at the first date"
        )
    if problems:
        return (), np.zeros(0), np.zeros(0)
    ordered = tuple(sorted(set(days)))
    place = {day: row for row, day in enumerate(ordered)}
    amounts = np.zeros(len(ordered))
    np.add.at(amounts, [place[day] for day in days], flows)
    years = np.array([(day - ordered[0]).days / _DAYS_PER_YEAR for day in ordered])
    return ordered, years, amounts


def discount_factors(rate: float, years: ArrayLike) -> FloatArray:
    """Return what 1 USD after `years` [a] is worth today at `rate` [-], in the shape of `years`.

    Raises:
        OutOfRangeError: If the rate is so near -100 % that the value leaves the floats.
    """
    with np.errstate(over="ignore"):
        factors = np.asarray((1.0 + rate) ** -np.asarray(years, dtype=np.float64), dtype=np.float64)
    if not np.all(factors < sys.float_info.max / (MOST_USD * MOST_FLOWS)):
        raise OutOfRangeError(
            Problem("rate", repr(rate), "a rate at which values stay finite", "use a rate further from -1")
        )
    return factors


def calculate_npv(rate: float, cash_flows: ArrayLike) -> float:
    """Return the net present value of yearly flows [USD].

    Args:
        rate: Discount rate a year [-], above -1, at most 1: 0.08 for 8 %.
        cash_flows: Flow of today and of the end of each year [USD], + is received, shape (n,).

    Raises:
        InvalidInputError: If the rate or a flow cannot be used; all are named.

    Source: sizing.md section 9, NPV = sum of CF_t / (1 + r)^t from t = 0.
    """
    problems = Problems()
    check_rate(problems, "rate", rate)
    flows = read_flows(problems, "cash_flows", cash_flows)
    problems.raise_if_any()
    return float(flows @ discount_factors(rate, np.arange(flows.size)))


def calculate_xnpv(rate: float, dates: Sequence[date], cash_flows: ArrayLike) -> float:
    """Return the net present value of dated flows at the first date [USD].

    Args:
        rate: Discount rate for 365 days [-], above -1, at most 1.
        dates: Day of each flow, the earliest first, shape (n,).
        cash_flows: Amounts [USD], + is received, shape (n,).

    Raises:
        InvalidInputError: If the rate, a date or a flow cannot be used; all are named.
    """
    problems = Problems()
    check_rate(problems, "rate", rate)
    _, years, amounts = read_dated_flows(problems, dates, cash_flows)
    problems.raise_if_any()
    return float(amounts @ discount_factors(rate, years))


def payback_columns(cash_flows: FloatArray) -> FloatArray:
    """Return the payback of each row of flows, shape (n_cases, n_years + 1), in years; nan if never."""
    balance = np.cumsum(cash_flows, axis=1)
    back = (balance[:, :-1] < 0.0) & (balance[:, 1:] >= 0.0)
    rows = np.arange(back.shape[0])
    year = np.argmax(back, axis=1) if back.shape[1] else np.zeros(back.shape[0], dtype=np.intp)
    found = back[rows, year] if back.shape[1] else np.zeros(back.shape[0], dtype=bool)
    after = np.minimum(year + 1, balance.shape[1] - 1)
    gained = np.where(found, cash_flows[rows, after], 1.0)
    return np.where(found, year - balance[rows, year] / gained, np.nan)


def payback_years(cash_flows: ArrayLike) -> float | None:
    """Return after how many years the sum of the flows first turns from below 0 to 0 or more, else None.

    Within a year the flow is taken as even. A later replacement may pull the sum below 0 once more.

    Raises:
        InvalidInputError: If a flow cannot be used.

    Source: sizing.md section 9.
    """
    problems = Problems()
    flows = read_flows(problems, "cash_flows", cash_flows)
    problems.raise_if_any()
    return _first_payback(flows)


def discounted_payback_years(rate: float, cash_flows: ArrayLike) -> float | None:
    """Return the payback of the flows discounted at `rate` [-], in years, or None if never.

    Raises:
        InvalidInputError: If the rate or a flow cannot be used; all are named.
    """
    problems = Problems()
    check_rate(problems, "rate", rate)
    flows = read_flows(problems, "cash_flows", cash_flows)
    problems.raise_if_any()
    return _first_payback(flows * discount_factors(rate, np.arange(flows.size)))


def _first_payback(flows: FloatArray) -> float | None:
    years = float(payback_columns(flows[np.newaxis])[0])
    return None if np.isnan(years) else years
