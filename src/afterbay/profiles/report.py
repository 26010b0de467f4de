"""What was found in a profile file, and the error that carries it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from afterbay.core.errors import Problem, ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Gaps", "ImportReport", "ProfileFileError", "TextCell"]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Steps without a value: rows that are not there, and empty cells of the chosen column."""

    count: int = 0
    """Runs of missing steps [-]."""
    missing_rows: int = 0
    """Steps that have no row [-]."""
    missing_values: int = 0
    """Rows whose cell is empty [-]."""
    longest_h: float | None = None
    """Length of the longest run [h]; None when the step is unknown or nothing is missing."""
    where: tuple[str, ...] = ()
    """The first few runs, as text."""


@dataclass(frozen=True, slots=True)
class TextCell:
    """A cell of a number column that holds no number."""

    row: int
    """Line of the file, counted from 1 as a text editor or a spreadsheet does."""
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Everything the reader found, chose and changed; `changed` empty means untouched."""

    path: str
    compression: str = "none"
    encoding: str | None = None
    """None for Parquet, which has no text encoding."""
    delimiter: str | None = None
    decimal: str = "."
    header: bool = True
    """Whether the first line holds names."""
    columns: tuple[str, ...] = ()
    numeric_columns: tuple[str, ...] = ()
    column: str | None = None
    column_reason: str = ""
    quantity: str = "other"
    """`load`, `solar` or `other`; only the first two may not be negative."""
    unit: str | None = None
    """Unit in the file."""
    unit_reason: str = ""
    values_unit: str = "MW"
    """Unit of `Profile.values`."""
    time_column: str | None = None
    date_order: str | None = None
    """`year_first`, `day_first`, `month_first`; None without calendar stamps."""
    date_order_reason: str = ""
    zone: str = "none: no calendar stamps"
    step_min: float | str | None = None
    """Step [min], `irregular`, or None when the file does not tell."""
    first: str | None = None
    last: str | None = None
    rows_found: int = 0
    rows_expected: int | None = None
    """Rows from the first to the last stamp without gaps and duplicates; None if unknown."""
    gaps: Gaps = Gaps()
    duplicates: int = 0
    duplicates_where: tuple[str, ...] = ()
    unsorted_rows: int = 0
    negatives: int = 0
    outliers: int = 0
    outliers_where: tuple[str, ...] = ()
    text_cells: tuple[TextCell, ...] = ()
    leap_day: str = "no calendar stamps"
    warnings: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """What was filled, dropped, averaged, zeroed or inserted."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, nested records included."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report as readable lines, one fact each; nothing about what was not read."""
        text = [f"file: {self.path}"]
        if not self.columns:
            return [*text, "not examined: no table could be read"]
        text += [f"format: {self._format()}", f"columns: {', '.join(self.columns)}"]
        if not self.rows_found:
            return [*text, "not examined: no rows could be read"]
        text += [
            f"chosen: {self.column} ({self.column_reason}), taken as {self.quantity}",
            f"unit: {self.unit} ({self.unit_reason}); values in {self.values_unit}",
            f"time: column {self.time_column}, date order {self.date_order} ({self.date_order_reason})",
            f"zone: {self.zone}",
            f"step: {self._step()}, from {self.first} to {self.last}",
            f"rows: {self.rows_found:,} found, {self._expected()} expected",
            f"leap day: {self.leap_day}",
            f"gaps: {self.gaps.count} ({self.gaps.missing_rows} rows, {self.gaps.missing_values} values)"
            + _list(self.gaps.where),
            f"duplicates: {self.duplicates}" + _list(self.duplicates_where),
            f"negatives: {self.negatives}",
            f"outliers: {self.outliers} above 5 x P99" + _list(self.outliers_where),
        ]
        text += [f"text in a number column: row {c.row}, {c.column}: {c.text!r}" for c in self.text_cells]
        text += [f"warning: {warning}" for warning in self.warnings]
        text.append("changed: " + ("; ".join(self.changed) if self.changed else "nothing"))
        return text

    def _format(self) -> str:
        if self.encoding is None:
            return "Parquet"
        header = "with header" if self.header else "without header"
        shown = {"\t": "tab", None: "one column"}.get(self.delimiter, repr(self.delimiter))
        return (
            f"text, {self.encoding}, compression {self.compression}, delimiter {shown}, "
            f"decimal {self.decimal!r}, {header}"
        )

    def _step(self) -> str:
        if isinstance(self.step_min, float):
            return f"{self.step_min:g} min"
        return self.step_min or "unknown"

    def _expected(self) -> str:
        return "not known how many" if self.rows_expected is None else f"{self.rows_expected:,}"


class ProfileFileError(ProfileError):
    """A profile file that cannot be used as it stands; `report` says all that was found in it."""

    def __init__(self, problems: Problem | Iterable[Problem], report: ImportReport) -> None:
        self.report = report
        super().__init__(problems)


def _list(where: tuple[str, ...]) -> str:
    return f": {'; '.join(where)}" if where else ""
