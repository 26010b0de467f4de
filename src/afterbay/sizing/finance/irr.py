"""The rate at which flows are worth nothing: whether it exists, whether it is the only one, and its repair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.errors import Problems
from afterbay.sizing.finance.cashflow import check_rate, read_dated_flows, read_flows

__all__ = [
    "LEAST_RATE",
    "MOST_RATE",
    "IrrReport",
    "calculate_irr",
    "calculate_mirr",
    "calculate_xirr",
    "irr_report",
    "xirr_report",
]

FloatArray = NDArray[np.float64]

LEAST_RATE, MOST_RATE = -0.99, 10.0
"""Rates are sought above the first and up to the second [-]."""
_LOGS = np.linspace(np.log1p(LEAST_RATE), np.log1p(MOST_RATE), 2_001)
"""Where the scan looks, in ln(1 + rate): steps of 0.35 %."""
_TOUCHES = 1e-12
"""A value below this share of all flows is a zero that only touches."""
_SAME = 1e-5
"""Rates closer than this in ln(1 + rate) are one rate."""
_GOLDEN = (5.0**0.5 - 1.0) / 2.0
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class IrrReport:
    """What can be said about the internal rate of return of some flows."""

    rate: float | None
    """The rate a year [-], if there is exactly one between -99 % and 1000 %."""
    rates: tuple[float, ...]
    """All rates found there [-], rising."""
    sign_changes: int
    """How often the flows change sign, zeros left out: there are never more rates than this."""
    words: str
    """The same as a sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Return the parts by name."""
        return {**asdict(self), "rates": list(self.rates)}


def calculate_irr(cash_flows: ArrayLike) -> float | None:
    """Return the internal rate of return of yearly flows a year [-], or None; `irr_report` says why.

    Args:
        cash_flows: Flow of today and of the end of each year [USD], + is received, shape (n,).

    Returns:
        The only rate in (-0.99, 10] with an NPV of 0; None if there is none or more than one.

    Raises:
        InvalidInputError: If a flow cannot be used.

    Source: sizing.md section 9, with a search that does not depend on a first guess.
    """
    return irr_report(cash_flows).rate


def irr_report(cash_flows: ArrayLike) -> IrrReport:
    """Return every internal rate of return of yearly flows, and in words why there is none or no single one.

    Args:
        cash_flows: Flow of today and of the end of each year [USD], + is received, shape (n,).

    Raises:
        InvalidInputError: If a flow cannot be used.
    """
    import pyxirr

    problems = Problems()
    flows = read_flows(problems, "cash_flows", cash_flows)
    problems.raise_if_any()
    return _report(np.arange(flows.size, dtype=np.float64), flows, lambda: pyxirr.irr(flows.tolist(), silent=True))


def calculate_xirr(dates: Sequence[date], cash_flows: ArrayLike) -> float | None:
    """Return the internal rate of return of dated flows for 365 days [-], or None; `xirr_report` says why.

    Args:
        dates: Day of each flow, the earliest first, shape (n,).
        cash_flows: Amounts [USD], + is received, shape (n,).

    Raises:
        InvalidInputError: If a date or a flow cannot be used; all are named.
    """
    return xirr_report(dates, cash_flows).rate


def xirr_report(dates: Sequence[date], cash_flows: ArrayLike) -> IrrReport:
    """Return every internal rate of return of dated flows for 365 days, as `irr_report` does for years.

    Raises:
        InvalidInputError: If a date or a flow cannot be used; all are named.
    """
    import pyxirr

    problems = Problems()
    days, years, amounts = read_dated_flows(problems, dates, cash_flows)
    problems.raise_if_any()
    return _report(years, amounts, lambda: pyxirr.xirr(days, amounts.tolist(), silent=True))


def calculate_mirr(cash_flows: ArrayLike, finance_rate: float, reinvest_rate: float) -> float | None:
    """Return the modified internal rate of return a year [-]: always one rate, whatever the signs do.

    Args:
        cash_flows: Flow of today and of the end of each year [USD], + is received, shape (n,).
        finance_rate: Rate at which what is paid is borrowed [-].
        reinvest_rate: Rate at which what is received is invested [-].

    Returns:
        The rate, or None when all flows have one sign.

    Raises:
        InvalidInputError: If a rate or a flow cannot be used; all are named.
    """
    import pyxirr

    problems = Problems()
    flows = read_flows(problems, "cash_flows", cash_flows)
    check_rate(problems, "finance_rate", finance_rate)
    check_rate(problems, "reinvest_rate", reinvest_rate)
    problems.raise_if_any()
    if not (flows.min() < 0.0 < flows.max()):
        return None
    return pyxirr.mirr(flows.tolist(), float(finance_rate), float(reinvest_rate), silent=True)


def _report(times: FloatArray, amounts: FloatArray, only_root: Callable[[], float | None]) -> IrrReport:
    moves = amounts != 0.0
    times, amounts = times[moves], amounts[moves]
    changes = int(np.count_nonzero(np.diff(np.sign(amounts))))
    rates = _rates(times, amounts, changes, only_root)
    rate = rates[0] if len(rates) == 1 else None
    return IrrReport(rate, rates, changes, _words(rates, amounts, changes))


def _rates(
    times: FloatArray, amounts: FloatArray, changes: int, only_root: Callable[[], float | None]
) -> tuple[float, ...]:
    if changes == 0:
        return ()
    if changes == 1:
        # By Descartes' rule there is exactly one rate above -100 %: the fast solver may look for it,
        # and what it says is checked.
        found = only_root()
        if found is not None and LEAST_RATE < found <= MOST_RATE:
            residue = _worth(np.array([np.log1p(found)]), times, amounts)[0]
            if abs(residue) <= _TOUCHES:
                return (float(found),)
    return tuple(rate for rate in np.expm1(_zeros(times, amounts)).tolist() if LEAST_RATE < rate <= MOST_RATE + _SAME)


def _worth(logs: FloatArray, times: FloatArray, amounts: FloatArray) -> FloatArray:
    """Return NPV over the sum of the absolute present values, in -1..1, at each ln(1 + rate).

    The common factor changes no sign, and without it (1 + rate)^-t would leave the floats.
    """
    exponents = -np.outer(logs, times)
    weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return np.asarray((weights @ amounts) / (weights @ np.abs(amounts)))


def _zeros(times: FloatArray, amounts: FloatArray) -> FloatArray:
    """Return every ln(1 + rate) at which the flows are worth nothing, rising."""

    def worth(logs: FloatArray) -> FloatArray:
        return _worth(logs, times, amounts)

    # Two zeros between neighbours of the scan, or one that only touches, show as a dip towards 0.
    logs = np.sort(np.concatenate((_LOGS, _dips(worth, worth(_LOGS)))))
    values = worth(logs)
    crosses = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0)
    crossing = _bisect(worth, logs[crosses], logs[crosses + 1], np.sign(values[crosses]))
    zeros = np.sort(np.concatenate((crossing, logs[np.abs(values) <= _TOUCHES])))
    return zeros[np.concatenate(([True], np.diff(zeros) > _SAME))] if zeros.size else zeros


def _dips(worth: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    """Return where, between two steps of the scan, the worth comes nearest to 0 without crossing on the scan."""
    left, middle, right = values[:-2], values[1:-1], values[2:]
    sign = np.sign(middle)
    towards_zero = (sign * middle <= sign * left) & (sign * middle <= sign * right) & (sign != 0.0)
    at = np.flatnonzero(towards_zero) + 1
    low, high, sign = _LOGS[at - 1].copy(), _LOGS[at + 1].copy(), np.sign(values[at])
    for _ in range(_HALVINGS):
        one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = sign * worth(one) < sign * worth(other)
        low, high = np.where(lower, low, one), np.where(lower, other, high)
    return np.asarray((low + high) / 2.0)


def _bisect(
    worth: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray, sign: FloatArray
) -> FloatArray:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        before = sign * worth(middle) > 0.0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.asarray((low + high) / 2.0)


def _words(rates: tuple[float, ...], amounts: FloatArray, changes: int) -> str:
    often = {0: "never", 1: "once", 2: "twice"}.get(changes, f"{changes} times")
    if not amounts.size:
        return "No rate of return: every flow is 0."
    if changes == 0:
        side = "received" if amounts[0] > 0.0 else "paid"
        return f"No rate of return: all flows are {side}, so no rate balances them."
    if not rates:
        outside = "the only rate lies outside" if changes == 1 else "none lies between"
        return f"No rate of return: the flows change sign {often}, but {outside} -99 %..1000 % a year."
    shown = ", ".join(f"{100.0 * rate:.4g} %" for rate in rates)
    if len(rates) > 1:
        return (
            f"No single rate of return: the flows change sign {often} and {len(rates)} rates give an NPV of 0: "
            f"{shown} a year. Judge by the NPV or the modified rate (MIRR)."
        )
    borrowed = amounts[0] > 0.0
    note = " Money comes first and is paid back later: this is the rate it costs." if borrowed else ""
    return f"{shown} a year is the only rate between -99 % and 1000 % with an NPV of 0.{note}"
