"""Checks of the settings of a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from afterbay.community.settlement.rule import PeriodName
from afterbay.core.checks import check_sizes, is_number

if TYPE_CHECKING:
    from afterbay.core.errors import Problems

__all__ = ["check_fraction", "check_month", "check_one_of", "check_period", "check_periods", "check_sizes"]

_PERIODS: Final = get_args(PeriodName)


def check_period(period: object, problems: Problems) -> None:
    """Note a period that is no month, year or run."""
    check_one_of("period", period, _PERIODS, problems)


def check_one_of(where: str, value: object, known: tuple[str, ...], problems: Problems) -> None:
    """Note a word that is not one of those known."""
    if value not in known:
        problems.add(where, value, ", ".join(known), "choose one of them")


def check_periods(where: str, value: object, problems: Problems) -> None:
    """Note a number of periods that is neither None nor a whole number >= 0."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        problems.add(where, value, "a whole number >= 0, or None for no end", "give a number of periods")


def check_month(where: str, value: object, problems: Problems) -> None:
    """Note a month that is neither None nor 1..12."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 12):
        problems.add(where, value, "a month 1..12, or None", "12 for the end of the year")


def check_fraction(where: str, value: object, problems: Problems) -> None:
    """Note a number outside 0..1."""
    if not (is_number(value) and 0.0 <= value <= 1.0):  # type: ignore[operator]
        problems.add(where, value, "a fraction 0..1", "0.5 for the middle")
