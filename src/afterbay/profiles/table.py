"""Bytes of a file into named columns of cells; nothing is interpreted as time or power here."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from afterbay.core.errors import MissingExtraError, Problem
from afterbay.profiles.report import ImportReport, ProfileFileError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["NUMBER", "STAMP", "Table", "read_table"]

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
STAMP = re.compile(
    r"(?P<a>\d{1,4})[-/.](?P<b>\d{1,2})[-/.](?P<c>\d{1,4})"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?"
    r"\s*(?P<ampm>[AaPp][Mm])?\s*(?P<offset>Z|z|[+-]\d{2}:?\d{2})?)?"
)
_DELIMITERS = (";", "\t", "|", ",")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zX": "an xz archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, each as long as `rows`: text from a CSV file, typed from Parquet."""

    columns: dict[str, pd.Series[Any]]
    rows: list[int]
    """Line of the file of every row."""


def read_table(path: Path, report: ImportReport, delimiter: str | None) -> tuple[Table, ImportReport]:
    """Return the cells of a file and the report with what was found out about its format."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        _refuse(report, "no such file", "a file that exists", "check the path")
    except OSError as error:
        _refuse(report, error.strerror or "unreadable", "a readable file", "check path and permissions")
    if data.startswith(b"PAR1"):
        return _read_parquet(path, report)
    if data.startswith(b"\x1f\x8b"):
        report = replace(report, compression="gzip")
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            _refuse(report, "a damaged gzip file", "a complete gzip file", "copy the file again")
    text, report = _decode(data, report)
    if not text.strip():
        _refuse(report, "an empty file", "a header line and rows", "export the file again")
    return _split(text, report, delimiter)


def _decode(data: bytes, report: ImportReport) -> tuple[str, ImportReport]:
    for magic, what in _FOREIGN.items():
        if data.startswith(magic):
            _refuse(report, what, "CSV, CSV in gzip, or Parquet", "save the table as CSV")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), replace(report, encoding="utf-16 with byte-order mark")
        except UnicodeDecodeError:
            _refuse(report, "a damaged UTF-16 file", "a text file", "save the table as CSV in UTF-8")
    if b"\x00" in data:
        _refuse(report, "a binary file", "CSV, CSV in gzip, or Parquet", "save the table as CSV")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Every byte is a latin-1 character, so this cannot fail: a picture must be told by its content.
        text = data.decode("latin-1")
        if any(ord(character) < 32 and character not in "\t\n\r\x0c" for character in text[:65536]):
            _refuse(report, "a binary file", "CSV, CSV in gzip, or Parquet", "save the table as CSV")
        return text, replace(report, encoding="latin-1")
    marked = data.startswith(b"\xef\xbb\xbf")
    return text, replace(report, encoding="utf-8 with byte-order mark" if marked else "utf-8")


def _split(text: str, report: ImportReport, delimiter: str | None) -> tuple[Table, ImportReport]:
    import pandas as pd

    found = delimiter or _find_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found or ",", skipinitialspace=True)
    lines: list[int] = []
    cells: list[list[str]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append(reader.line_num)
                cells.append(row)
    except csv.Error as error:
        _refuse(report, f"line {reader.line_num}: {error}", "a CSV table", "export the file again")
    if not cells:
        _refuse(report, "an empty file", "a header line and rows", "export the file again")
    report = replace(report, delimiter=found)
    has_header = _has_header(cells)
    width = len(cells[0])
    names, renamed = _names(cells[0] if has_header else [""] * width)
    report = replace(report, header=has_header, columns=tuple(names), warnings=report.warnings + renamed)
    ragged = [line for line, row in zip(lines, cells, strict=True) if len(row) != width]
    if ragged:
        _refuse(
            report,
            f"{len(ragged)} rows with another number of cells (line {', '.join(map(str, ragged[:5]))})",
            f"{width} cells in every row, as in line {lines[0]}",
            "remove notes above and below the table, or name the delimiter with delimiter=",
        )
    if has_header:
        lines, cells = lines[1:], cells[1:]
    report = replace(report, rows_found=len(cells))
    if not cells:
        _refuse(report, "a header and no rows", "at least one row of values", "export the file again")
    columns = {
        name: pd.Series([cell.strip() for cell in column], dtype=object)
        for name, column in zip(names, zip(*cells, strict=True), strict=True)
    }
    return Table(columns, lines), report


def _find_delimiter(text: str) -> str | None:
    lines = [line for line in text[:65536].splitlines() if line.strip()][:30]
    if len(text) > 65536 and len(lines) > 1:
        lines.pop()  # the last one may be cut in two
    for candidate in _DELIMITERS:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=candidate))
        width, times = counts.most_common(1)[0]
        # A decimal comma splits every row but not the header, so the header must agree.
        if width > 1 and times >= 0.8 * len(lines) and lines[0].count(candidate) > 0:
            return candidate
    return None


def _has_header(cells: list[list[str]]) -> bool:
    first = [_is_value(cell) for cell in cells[0]]
    if not any(first):
        return True
    below = [_is_value(cell) for cell in cells[1]] if len(cells) > 1 else []
    return any(cell.strip() and not value and under for cell, value, under in zip(cells[0], first, below, strict=False))


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(NUMBER.fullmatch(cell) or STAMP.fullmatch(cell))


def _names(header: list[str]) -> tuple[list[str], tuple[str, ...]]:
    names: list[str] = []
    renamed: list[str] = []
    for position, raw in enumerate(header, start=1):
        name = raw.strip() or f"column_{position}"
        if name in names:
            renamed.append(f"the name {name!r} stands twice; column {position} is called {name}_{position}")
            name = f"{name}_{position}"
        names.append(name)
    return names, tuple(renamed)


def _read_parquet(path: Path, report: ImportReport) -> tuple[Table, ImportReport]:
    import pandas as pd

    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "reading a Parquet file") from None
    report = replace(report, compression="inside the Parquet file")
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
        if isinstance(frame.index, pd.DatetimeIndex) or any(name is not None for name in frame.index.names):
            frame = frame.reset_index()
    except (pa.ArrowException, OSError, ValueError, KeyError):
        _refuse(report, "a damaged Parquet file", "a complete Parquet file", "copy the file again")
    frame.columns = pd.Index([str(name) for name in frame.columns])
    report = replace(report, columns=tuple(frame.columns), rows_found=len(frame))
    if frame.empty:
        _refuse(report, "no rows", "at least one row of values", "export the file again")
    columns = {name: frame[name] for name in frame.columns}
    # Parquet has no lines; rows are counted from 1.
    return Table(columns, list(range(1, len(frame) + 1))), report


def _refuse(report: ImportReport, got: str, allowed: str, move: str) -> NoReturn:
    raise ProfileFileError(Problem(report.path, got, allowed, move), report)
