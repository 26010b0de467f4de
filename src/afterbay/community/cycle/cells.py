"""A CSV file of the contract as named columns of cells, or every reason why it is none."""

from __future__ import annotations

import csv
import difflib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Floats
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Cells", "lines_in_words", "number_of", "read_cells", "read_numbers"]

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a file by column, all as text."""

    columns: dict[str, tuple[str, ...]]
    lines: NDArray[np.int64]
    """Line of the file of every row; the header is line 1."""
    short: tuple[int, ...]
    """Lines with fewer cells than the header; their missing cells are empty."""
    long: tuple[int, ...]
    """Lines with more cells than the header; the rest is left out."""
    header_problems: tuple[Problem, ...]
    """Missing, unknown and duplicated columns."""
    notices: tuple[str, ...] = ()
    """What was unusual and could be read all the same."""

    def __len__(self) -> int:
        return len(self.lines)


def read_cells(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Cells:
    """Read a comma-separated file by the names of its columns, in any order.

    Args:
        path: The file.
        needed: Columns that must be there, in the order of the contract.
        optional: Columns that may be there.

    Raises:
        InvalidInputError: For a file that has no cells at all: not there, empty, no text, another encoding.
    """
    text, notices = _read_text(path)
    rows = _split(path, text)
    header = [name.strip() for name in rows[0]]
    width = len(header)
    lines = np.arange(2, len(rows) + 1, dtype=np.int64)
    lengths = np.fromiter(map(len, rows[1:]), dtype=np.int64, count=len(lines))
    lines, lengths = lines[lengths > 0], lengths[lengths > 0]
    body = [cells for cells in rows[1:] if cells]
    if not text.endswith("\n"):
        notices = (*notices, "the last line has no line end: its last cell may have been cut")
    expected = [name for name in (*needed, *optional) if name in header]
    if header != expected and sorted(header) == sorted(expected):
        notices = (*notices, "the columns stand in another order than in the contract; they were read by name")
    if (lengths != width).any():
        body = [(cells + [""] * width)[:width] for cells in body]
    return Cells(
        dict(zip(header, zip(*body, strict=True) if body else [()] * width, strict=True)),
        lines,
        tuple(lines[lengths < width].tolist()),
        tuple(lines[lengths > width].tolist()),
        _header_problems(f"{path.name} line 1", header, needed, optional),
        notices,
    )


def read_numbers(cells: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the numbers of cells, nan for empty ones, and which cells are no finite number (nan as well)."""
    try:
        values = np.array([float(cell) for cell in cells], dtype=np.float64)
        # float() also reads 1_000 and nan, which are no numbers of the contract.
        if np.isfinite(values).all() and "_" not in "".join(cells):
            return values, np.zeros(len(values), dtype=np.bool_)
    except ValueError:
        pass
    numbers = [number_of(cell) for cell in cells]
    values = np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)
    return values, np.array([number is None for number in numbers], dtype=np.bool_)


def number_of(cell: str) -> float | None:
    """Return the number of one cell, nan for an empty one, None for anything that is no finite number."""
    if not cell.strip():
        return float("nan")
    number = float(cell) if _NUMBER.fullmatch(cell) else None
    return None if number is None or number in (float("inf"), float("-inf")) else number


def lines_in_words(lines: Sequence[int]) -> str:
    """Name a few lines: line 3; lines 2, 5, 9; lines 2, 3, 4, 5, 6 and 94 more."""
    shown = ", ".join(str(line) for line in lines[:_SHOWN_LINES])
    more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            Problem(str(path), error.strerror or "unreadable", "a file that can be read", "check the path")
        ) from None
    if not data.strip():
        raise InvalidInputError(Problem(str(path), "an empty file", "a header and one row per user", "export it again"))
    utf8 = "text in UTF-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4096]:
        raise InvalidInputError(Problem(str(path), "text in UTF-16, or no text at all", utf8, "save it as CSV UTF-8"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInputError(
            Problem(f"{path} line {line}", f"byte 0x{data[error.start]:02x}", utf8, "save it as CSV UTF-8")
        ) from None
    marked = data.startswith(b"\xef\xbb\xbf")
    return text, ("the file begins with a byte order mark; it was skipped",) if marked else ()


def _split(path: Path, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InvalidInputError(
            Problem(str(path), f"quotes that do not close ({error})", "comma-separated cells", "transfer it again")
        ) from None


def _header_problems(
    where: str, header: list[str], needed: Sequence[str], optional: Sequence[str]
) -> tuple[Problem, ...]:
    problems = Problems()
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        problems.add(where, "columns separated by another sign", "commas", "export it with commas")
        return problems.found
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            problems.add(where, f"Duplicated column: {name}", "every column once", "delete one of them")
        if name not in needed and name not in optional:
            near = difflib.get_close_matches(name, [*needed, *optional], n=1)
            move = f"did you mean {near[0]}?" if near else "delete it"
            problems.add(where, f"Unknown column: {name}", ", ".join([*needed, *optional]), move)
    for name in needed:
        if name not in header:
            problems.add(where, f"Missing column: {name}", ", ".join(needed), "export it with all columns")
    return problems.found
