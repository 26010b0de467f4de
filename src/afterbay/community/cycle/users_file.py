"""Read and write the input file of a cycle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.community.cycle.cells import Cells, lines_in_words, read_cells, read_numbers
from afterbay.community.cycle.contract import INPUT_COLUMNS, NUMBER_COLUMNS, OPTIONAL_COLUMNS
from afterbay.community.cycle.users import Ids, Keys, Users, locate, parse_ids, repeated
from afterbay.core.compiled import Floats
from afterbay.core.errors import Problems
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

__all__ = ["UsersFile", "UsersReport", "export_users", "read_users", "users_csv"]

_ALIASES = {"soc_start": "soc_start_kwh"}
_TEXTS = ("cluster", "weather_id")
_LIMITS = ("max_charge_kw", "max_discharge_kw")
_HALF_PER_HOUR = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class UsersReport:
    """What the reader found and filled in; line numbers are those of the file, the header is line 1."""

    path: str
    version: int
    rows: int
    """Rows of the file."""
    kept: int
    """Users that take part."""
    filtered: NDArray[np.int64]
    """Lines left out because version 1 takes panel_count > 0 only."""
    defaulted: Mapping[str, NDArray[np.int64]]
    """Lines whose empty cell got the default, by column."""
    notices: tuple[str, ...] = ()

    def defaults_of(self, line: int) -> tuple[str, ...]:
        """Return the columns of one line that were filled in."""
        return tuple(name for name, lines in self.defaulted.items() if line in lines)

    def lines(self) -> tuple[str, ...]:
        """Return the report in words, without any user id."""
        said = [f"{self.path}: contract version {self.version}, {self.kept} of {self.rows} users take part"]
        if len(self.filtered):
            said.append(f"left out, panel_count is not above 0: {lines_in_words(self.filtered.tolist())}")
        said += [
            f"{name} was empty, taken as {NUMBER_COLUMNS[name].default_words}: {lines_in_words(lines.tolist())}"
            for name, lines in self.defaulted.items()
        ]
        return (*said, *self.notices)


@dataclass(frozen=True, slots=True)
class UsersFile:
    """The users of a file and the report on it."""

    users: Users
    report: UsersReport


def read_users(path: str | os.PathLike[str]) -> UsersFile:
    """Read an input file of version 1 or 2.

    Version 1 takes users with `panel_count` > 0 only; with any optional column the file is version 2 and
    households without panels take part too. Empty cells get the defaults of the contract. Both are reported.

    Args:
        path: A comma-separated file in UTF-8.

    Raises:
        InvalidInputError: With every problem of the file at once, by line and column.
    """
    file = Path(path)
    problems = Problems()
    cells = read_cells(file, INPUT_COLUMNS, (*OPTIONAL_COLUMNS, *_ALIASES))
    reader = _Reader(file.name, cells, _known_names(file.name, cells, problems), problems)
    reader.check_shape()
    if "user_id" not in reader.columns:
        problems.raise_if_any()
    version = 2 if any(name in OPTIONAL_COLUMNS for name in reader.columns) else 1
    ids, keys = reader.read_ids()
    numbers: dict[str, Floats] = {}
    defaulted: dict[str, NDArray[np.int64]] = {}
    for name in NUMBER_COLUMNS:
        numbers[name], empty = reader.read_column(name)
        if empty.any():
            defaulted[name] = cells.lines[empty]
    for name in _LIMITS:
        own = np.isnan(numbers[name])
        numbers[name] = np.where(own, _HALF_PER_HOUR * numbers["battery_capacity_kwh"], numbers[name])
    reader.check_together(numbers)
    problems.raise_if_any()
    users = Users(
        user_id=ids,
        keys=keys,
        **numbers,
        cluster=reader.read_text("cluster"),
        weather_id=reader.read_text("weather_id"),
        version=version,
    )
    kept = _taking_part(users)
    left_out = cells.lines[locate(users.keys, kept.keys) < 0]
    return UsersFile(kept, UsersReport(str(path), version, len(cells), len(kept), left_out, defaulted, cells.notices))


def export_users(users: Users, path: str | os.PathLike[str]) -> int:
    """Write an input file, whole or not at all; return the number of rows.

    Version 1 users are written with the six columns of the contract, those with panels only, as the contract
    has it; version 2 users with all columns.

    Raises:
        InvalidInputError: If the file cannot be written.
    """
    file = Path(path)
    check_file(file, ".csv")
    write_whole(file, users_csv(users))
    return len(_taking_part(users))


def users_csv(users: Users) -> bytes:
    """Return the content of an input file."""
    names = INPUT_COLUMNS if users.version == 1 else (*INPUT_COLUMNS, *OPTIONAL_COLUMNS)
    rows = _taking_part(users)
    columns = [[key.decode("ascii") for key in rows.user_id.tolist()]]
    columns += [_cells(name, getattr(rows, name)) for name in names[1:]]
    body = [",".join(row) for row in zip(*columns, strict=True)]
    return ("\n".join([",".join(names), *body]) + "\n").encode("utf-8")


def _taking_part(users: Users) -> Users:
    return users.take(np.flatnonzero(users.panel_count > 0)) if users.version == 1 else users


def _cells(name: str, values: NDArray[np.float64] | NDArray[np.str_]) -> list[str]:
    if name in _TEXTS:
        return [_quoted(str(value)) for value in values.tolist()]
    if NUMBER_COLUMNS[name].whole:
        return [str(int(value)) for value in values.tolist()]
    # The shortest text that reads back as the same number; empty where it is not known.
    return ["" if value != value else repr(value) for value in values.tolist()]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\r\n') else text


def _known_names(name: str, cells: Cells, problems: Problems) -> dict[str, tuple[str, ...]]:
    columns = dict(cells.columns)
    for alias, full in _ALIASES.items():
        if alias in columns and full in columns:
            problems.add(f"{name} line 1", f"{alias} and {full}", "one of them", f"keep {full}")
        if alias in columns:
            columns[full] = columns.pop(alias)
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """The columns of a file on their way to users; notes every problem by line."""

    name: str
    cells: Cells
    columns: dict[str, tuple[str, ...]]
    problems: Problems

    def check_shape(self) -> None:
        self.problems.extend(self.cells.header_problems)
        width = f"{len(self.cells.columns)} cells in every row"
        short, long = self.cells.short, self.cells.long
        if short and list(short) == self.cells.lines[-1:].tolist():
            self._note(short, "", "the last row cut short", width, "the file is truncated: transfer it again")
        elif short:
            self._note(short, "", "rows with too few cells", width, "write one cell per column")
        if long:
            self._note(long, "", "rows with too many cells", width, "write numbers with a point, not a comma")

    def read_ids(self) -> tuple[Ids, Keys]:
        texts = self.columns["user_id"]
        # One byte more than an id has, so that a longer one shows.
        raw = np.array([text.encode("ascii", "replace")[:37] for text in texts], dtype="S37")
        keys, good = parse_ids(raw.astype("S36"))
        good &= np.char.str_len(raw) == 36
        if not good.all():
            # An id may end in a log: say what is wrong with it, not what it is.
            self._note(
                self.cells.lines[~good].tolist(),
                "user_id",
                _fault_of(texts[int(np.flatnonzero(~good)[0])]),
                "a UUID of 36 characters such as 123e4567-e89b-42d3-a456-426614174000",
                "write the id as the database has it",
            )
        again = repeated(keys) & good
        if again.any():
            self._note(
                self.cells.lines[again].tolist(),
                "user_id",
                "a user that stands further up already",
                "every user once",
                "delete the second row",
            )
        return raw.astype("S36"), keys

    def read_column(self, name: str) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the numbers, defaults filled in, and which rows were empty."""
        column, count = NUMBER_COLUMNS[name], len(self.cells)
        cells = self.columns.get(name)
        if cells is None:
            return np.full(count, column.default), np.zeros(count, dtype=np.bool_)
        values, unread = read_numbers(cells)
        empty = np.isnan(values) & ~unread
        outside = (values <= column.low if column.positive else values < column.low) | (values > column.high)
        if column.whole:
            outside |= (values != np.floor(values)) & ~np.isnan(values)
        wrong = unread | outside
        if wrong.any():
            self._note(
                self.cells.lines[wrong].tolist(),
                name,
                repr(cells[int(np.flatnonzero(wrong)[0])]),
                column.allowed,
                f"or leave the cell empty: {column.default_words}",
            )
        return np.where(empty, column.default, values), empty

    def read_text(self, name: str) -> NDArray[np.str_]:
        return np.array([cell.strip() for cell in self.columns.get(name, ("",) * len(self.cells))], dtype=np.str_)

    def check_together(self, numbers: Mapping[str, Floats]) -> None:
        over = numbers["soc_start_kwh"] > numbers["battery_capacity_kwh"]
        crossed = numbers["min_soc"] > numbers["max_soc"]
        half = np.isnan(numbers["latitude"]) != np.isnan(numbers["longitude"])
        for rows, columns, got, allowed, move in (
            (over, "soc_start_kwh", "more than the battery holds", "at most its capacity", "it is kWh, not percent"),
            (crossed, "min_soc, max_soc", "a lower bound above the upper", "min_soc <= max_soc", "exchange them"),
            (half, "latitude, longitude", "one without the other", "both or none", "give both in degrees"),
        ):
            if rows.any():
                self._note(self.cells.lines[rows].tolist(), columns, got, allowed, move)

    def _note(self, lines: Sequence[int], column: str, got: str, allowed: str, move: str) -> None:
        self.problems.add(f"{self.name} {lines_in_words(lines)} {column}".rstrip(), got, allowed, move)


def _fault_of(text: str) -> str:
    if len(text) != 36:
        return f"{len(text)} characters"
    wrong = (
        place
        for place, letter in enumerate(text)
        if letter not in "0123456789abcdefABCDEF-" or (letter == "-") != (place in (8, 13, 18, 23))
    )
    place = next(wrong)
    return f"{text[place]!r} as character {place + 1}"
