"""What a report is made of: figures, tables, assumptions, pictures. Text is data here, never markup or a formula."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.sizing.charts.amounts import percent

__all__ = ["Assumption", "Cell", "Column", "Figure", "Picture", "Table", "clean_text", "shown_number"]

Cell: TypeAlias = float | int | str | bool | datetime | None

_MINUS: Final = "\u2212"
_KEPT_CONTROLS: Final = "\n\t"
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def clean_text(text: str, most: int | None = None) -> str:
    """Return a text without what no file can hold (control characters, half characters), cut at `most` characters."""
    kept = text
    # What is printable is none of them, and most cells of a year are.
    if not text.isprintable():
        kept = "".join(
            "\ufffd" if "\ud800" <= sign <= "\udfff" or sign in "\ufffe\uffff" else sign
            for sign in text
            if sign in _KEPT_CONTROLS or not (sign < " " or "\x7f" <= sign <= "\x9f")
        )
    return kept if most is None or len(kept) <= most else kept[: most - 1] + "…"


def shown_number(value: Cell, digits: int) -> str:
    """Write a cell as a person reads it: `12,345.6`, a real minus, yes or no; nothing for None and not a number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, str):
        return value
    shown = f"{value:,.{digits}f}"
    # Rounding makes minus zero of a small loss.
    return shown.removeprefix("-") if not shown.strip("-0.,") else shown.replace("-", _MINUS)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that stands alone."""

    name: str
    value: float | None
    unit: str
    digits: int = 1
    words: str = ""
    """Why there is no number, or what it means."""

    @property
    def shown(self) -> str:
        """The number as text, without its unit; `none` if there is none."""
        if self.value is None or math.isnan(self.value):
            return "none"
        # 99.96 % must not read as 100.0 %.
        return percent(self.value)[:-2] if self.unit == "%" else shown_number(self.value, self.digits)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption and where it comes from."""

    name: str
    value: float | int | str | bool | None
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as PNG, and what it shows in words.

    Raises:
        InvalidInputError: If the bytes are no PNG, or the words are missing.
    """

    png: bytes
    alt: str

    def __post_init__(self) -> None:
        problems = Problems()
        if not self.png.startswith(_PNG_SIGNATURE):
            problems.add("picture.png", f"{self.png[:8]!r}...", "the bytes of a PNG file", "use charts.save_png")
        if not self.alt.strip():
            problems.add("picture.alt", "no text", "a sentence on what the picture shows", "use charts.alt_text")
        problems.raise_if_any()


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a table."""

    name: str
    unit: str
    values: Sequence[Cell]
    digits: int = 0
    total: float | None = None
    """What stands under the column."""
    summed: bool = False
    """The total is the sum of the values."""
    on_page: bool = True
    """Shown in the PDF too; the workbook has every column."""

    @property
    def heading(self) -> str:
        """`Load [MWh]`, or the name alone."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length.

    Raises:
        InvalidInputError: If the lengths differ or a heading stands twice.
    """

    title: str
    columns: tuple[Column, ...]
    total_name: str = ""
    """What the row of totals is called; empty: there is none."""

    def __post_init__(self) -> None:
        headings = [column.heading for column in self.columns]
        lengths = {column.heading: len(column.values) for column in self.columns}
        if len(set(lengths.values())) > 1:
            raise InvalidInputError(Problem(self.title, str(lengths), "columns of one length", "fill what is missing"))
        if len(set(headings)) < len(headings):
            raise InvalidInputError(Problem(self.title, str(headings), "each heading once", "rename a column"))

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Yield the rows."""
        return zip(*(column.values for column in self.columns), strict=True)

    def column(self, name: str) -> Column:
        """Return the column of this name.

        Raises:
            InvalidInputError: If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(column.name for column in self.columns)
        raise InvalidInputError(Problem(self.title, name, f"one of {names}", "look at the table's columns"))
