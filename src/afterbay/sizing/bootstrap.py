"""Years that could have been: whole calendar months of a record, drawn again (block bootstrap, seeded)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from afterbay.core.checks import read_series
from afterbay.core.errors import InvalidInputError, Problems
from afterbay.core.timeline import steps_per_day

__all__ = ["ResampledYears", "resample_months"]

FloatArray = NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]

_MOST_YEARS: Final = 1_000
_LAST_START: Final = 9_000
_COMMON_YEAR: Final = 2023
"""Any year of 365 days: its months are those of a record without dates."""


class _Month(NamedTuple):
    """One whole calendar month of the record."""

    month: int
    origin: int
    load: FloatArray
    solar: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ResampledYears(Sequence[Pair]):
    """Load and solar of each drawn year [MW], and how they were drawn."""

    pairs: tuple[Pair, ...]
    origins: NDArray[np.int64]
    """Year of the record that each month comes from, shape (years, 12); 1, 2, ... if the record has no dates."""
    method: str
    """`months`: whole months of several years. `days`: blocks of days inside each month of a single year."""
    block_days: int | None
    """Length of a block of days [d]; None where whole months were drawn."""
    notes: tuple[str, ...]
    """What the draw can and cannot show, to be printed beside a result."""

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Pair, ...]: ...
    def __getitem__(self, index: int | slice) -> Pair | tuple[Pair, ...]:
        return self.pairs[index]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def lines(self) -> list[str]:
        """Return the notes as lines of text."""
        return list(self.notes)


def resample_months(
    load: ArrayLike,
    solar: ArrayLike,
    *,
    years: int,
    seed: int,
    dt_h: float = 1.0,
    start: date | None = None,
    block_days: int = 5,
) -> ResampledYears:
    """Draw years from a record, month by month; load and solar of a month stay together, hours keep their place.

    Each January is one of the Januaries of the record, unchanged, and so on; a February of 29 days makes a year of
    366. A record in which no month occurs twice has nothing to choose from: then each month is put together from
    blocks of its own neighbouring days instead, the last day followed by the first (circular block bootstrap), so
    that every day is equally likely everywhere. The result says which of the two it is.

    Args:
        load: Load of one or several years, one after another [MW], shape (n,).
        solar: Solar of the same steps [MW], shape (n,).
        years: How many years to draw, 1..1000. The first of them do not depend on how many follow.
        seed: The same seed gives the same years.
        dt_h: Length of a step [h].
        start: First day of the record, in the clock of the profiles; months that the record cuts are left out.
            Default: 1 January of a year of 365 days, one or several (or a single one of 366).
        block_days: Neighbouring days that stay together when a single year is drawn from [d], 1..28.

    Raises:
        InvalidInputError: With every problem found.

    Source: Künsch (1989) and Politis, Romano (1992) for blocks; docs/concepts/uncertainty.md.
    """
    problems = Problems()
    _check_whole(problems, "years", years, 1, _MOST_YEARS)
    _check_whole(problems, "seed", seed, 0, 2**63 - 1)
    _check_whole(problems, "block_days", block_days, 1, 28)
    day_one: object = start
    if day_one is not None and not isinstance(day_one, date):
        problems.add("start", day_one, "a date", "give datetime.date(2019, 1, 1)")
    elif isinstance(day_one, datetime) and (day_one.hour, day_one.minute, day_one.second) != (0, 0, 0):
        problems.add("start", day_one.isoformat(), "midnight", "let the record begin with a whole day")
    elif isinstance(day_one, date) and day_one.year > _LAST_START:
        problems.add("start", day_one.isoformat(), f"a year up to {_LAST_START}", "give the first day of the record")
    series = {name: _read(problems, name, values) for name, values in (("load", load), ("solar", solar))}
    try:
        per_day = steps_per_day(dt_h)
    except InvalidInputError as error:
        problems.extend(error.problems)
    problems.raise_if_any()
    record = _months_of(series["load"], series["solar"], per_day, start, problems)
    problems.raise_if_any()
    candidates = [[one for one in record if one.month == month] for month in range(1, 13)]
    single = max(len(some) for some in candidates) == 1
    rng = np.random.default_rng(seed)
    pairs, origins = [], np.zeros((years, 12), dtype=np.int64)
    for year in range(years):
        drawn = [some[0] if single else some[int(rng.integers(len(some)))] for some in candidates]
        origins[year] = [one.origin for one in drawn]
        parts = [_shuffled(one, per_day, block_days, rng) if single else (one.load, one.solar) for one in drawn]
        pairs.append(_joined(parts))
    if single:
        return ResampledYears(tuple(pairs), origins, "days", block_days, _notes_on_days(block_days))
    return ResampledYears(tuple(pairs), origins, "months", None, _notes_on_months(candidates))


def _check_whole(problems: Problems, where: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not (isinstance(value, (int, np.integer)) and least <= value <= most):
        problems.add(where, value, f"a whole number {least}..{most}", "give a number in this range")


def _read(problems: Problems, name: str, values: ArrayLike) -> FloatArray:
    try:
        return read_series(name, values, least=0.0, move="give positive power [MW], without gaps")
    except InvalidInputError as error:
        problems.extend(error.problems)
        return np.zeros(0)


def _months_of(
    load: FloatArray, solar: FloatArray, per_day: int, start: date | None, problems: Problems
) -> list[_Month]:
    """Return the whole calendar months of a record, in order."""
    if len(load) != len(solar):
        move = "give load and solar of the same steps"
        problems.add("load", f"{len(load)} steps, but solar has {len(solar)}", "as many steps in both", move)
        return []
    days, rest = divmod(len(load), per_day)
    if rest or not days:
        problems.add("load", f"{len(load)} steps", f"whole days of {per_day} steps", "cut the record at midnight")
        return []
    if start is None and days % 365 and days != 366:
        move = "give start, the first day of the record"
        problems.add("load", f"{days} days without a start", "years of 365 days, or one of 366", move)
        return []
    record, found = [], set()
    for first, month, origin, length in _calendar(days, start):
        steps = slice(first * per_day, (first + length) * per_day)
        record.append(_Month(month, origin, load[steps], solar[steps]))
        found.add(month)
    missing = ", ".join(calendar.month_name[month] for month in range(1, 13) if month not in found)
    if missing:
        problems.add("load", f"a record without a whole {missing}", "every month once", "give at least a whole year")
    return record


def _calendar(days: int, start: date | None) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first day, month, year of origin, days) of each whole month in `days` days."""
    if start is None:
        month_days = [calendar.monthrange(2024 if days == 366 else _COMMON_YEAR, month)[1] for month in range(1, 13)]
        first = 0
        for number in range(max(days // 365, 1) * 12):
            length = month_days[number % 12]
            yield first, number % 12 + 1, number // 12 + 1, length
            first += length
        return
    begin = date(start.year, start.month, start.day)
    first = 0
    while first < days:
        today = begin + timedelta(days=first)
        length = calendar.monthrange(today.year, today.month)[1]
        if today.day == 1 and first + length <= days:
            yield first, today.month, today.year, length
        first += length - today.day + 1


def _shuffled(one: _Month, per_day: int, block_days: int, rng: np.random.Generator) -> Pair:
    days = len(one.load) // per_day
    firsts = rng.integers(days, size=-(-days // block_days))
    order = ((firsts[:, np.newaxis] + np.arange(block_days)) % days).ravel()[:days]
    return one.load.reshape(days, per_day)[order].ravel(), one.solar.reshape(days, per_day)[order].ravel()


def _joined(months: Sequence[Pair]) -> Pair:
    load, solar = (np.concatenate([month[place] for month in months]) for place in (0, 1))
    load.flags.writeable = solar.flags.writeable = False
    return load, solar


def _notes_on_days(block_days: int) -> tuple[str, ...]:
    return (
        "Each month occurs once in the record: drawing cannot create another January. Inside each month, blocks of "
        f"{block_days} neighbouring days were drawn instead.",
        "This shows what the order of days does. It knows no sunnier and no duller year than the one measured, so the "
        "true spread between years is wider.",
    )


def _notes_on_months(candidates: Sequence[Sequence[_Month]]) -> tuple[str, ...]:
    counts = [len(some) for some in candidates]
    least, most = min(counts), max(counts)
    many = f"{least}" if least == most else f"{least} to {most}"
    notes = [f"Whole months were drawn from {many} years of record; a month outside that record cannot occur."]
    if least == 1:
        names = ", ".join(calendar.month_name[month] for month, count in enumerate(counts, 1) if count == 1)
        notes.append(f"One candidate only, the same in every drawn year: {names}.")
    return tuple(notes)
