"""The workbook of a study: six sheets, numbers as numbers, and no formula but our own sums."""

from __future__ import annotations

import io
import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import MissingExtraError, Problems
from afterbay.core.output_file import check_file, write_whole
from afterbay.sizing.report.parts import Cell, Column, Table, clean_text

if TYPE_CHECKING:
    from afterbay.sizing.report.study import Study

__all__ = ["SHEETS", "write_workbook"]

SHEETS: Final = ("Summary", "Cases", "Hourly", "Monthly", "Finance", "Assumptions")

_MOST_SIGNS: Final = 32_767
"""A cell holds no more."""
_MOST_ROWS: Final = 1_048_576
"""A sheet has no more."""
_WIDEST: Final = 44.0
_SUMMARY_WIDTH: Final = 100


def write_workbook(study: Study, path: str | Path) -> Path:
    """Write the sheets of `SHEETS`; the same study gives the same bytes.

    Args:
        study: The study.
        path: The file, ending in `.xlsx`, in a folder that exists; replaced only when the new one is complete.

    Returns:
        The path of the file.

    Raises:
        InvalidInputError: If the path cannot be written, or the study has more rows than a sheet.
        MissingExtraError: If XlsxWriter is not installed.
    """
    path = Path(path)
    check_file(path, ".xlsx")
    _check_rows(study)
    try:
        import xlsxwriter
    except ImportError:
        raise MissingExtraError("XlsxWriter", "report", "the workbook of a study") from None
    content = io.BytesIO()
    options = {
        "in_memory": True,
        # A text of the user stays a text, whatever it starts with.
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(content, options)
    made = datetime(study.made_on.year, study.made_on.month, study.made_on.day)
    properties = {"title": clean_text(study.title, 200), "created": made, "comments": f"Input {study.input_hash}"}
    book.set_properties(properties)
    pens = _Pens(book)
    sheets = {name: book.add_worksheet(name) for name in SHEETS}
    _summary(sheets["Summary"], study, pens)
    for name, table in (("Cases", study.cases), ("Hourly", study.hourly), ("Monthly", study.monthly)):
        last = _table(sheets[name], table, pens, 0)
        sheets[name].freeze_panes(1, 1)
        sheets[name].repeat_rows(0)
        if not table.total_name:
            sheets[name].autofilter(0, 0, max(last - 1, 0), len(table.columns) - 1)
    _finance(sheets["Finance"], study, pens)
    _assumptions(sheets["Assumptions"], study, pens)
    for sheet in sheets.values():
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
    book.close()
    write_whole(path, content.getvalue())
    return path


def _check_rows(study: Study) -> None:
    problems = Problems()
    for name, table in (("Cases", study.cases), ("Hourly", study.hourly)):
        if len(table) >= _MOST_ROWS:
            problems.add(f"sheet {name}", f"{len(table):,} rows", f"at most {_MOST_ROWS - 1:,}", "write them as CSV")
    problems.raise_if_any()


class _Pens:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __call__(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(look)
        return self._made[key]

    def number(self, digits: int, **look: Any) -> Any:
        return self(num_format="#,##0" + ("." + "0" * digits if digits else ""), **look)

    @property
    def heading(self) -> Any:
        return self(bold=True, bg_color="#E2E5EA", bottom=1, text_wrap=True, valign="top")

    @property
    def section(self) -> Any:
        return self(bold=True, font_size=12, font_color="#1D4ED8")


def _write(sheet: Any, row: int, place: int, value: Cell, pen: Any = None) -> None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        sheet.write_blank(row, place, None, pen)
    elif isinstance(value, bool):
        sheet.write_string(row, place, "yes" if value else "no", pen)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, place, value, pen)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value, pen)
    else:
        sheet.write_string(row, place, clean_text(value, _MOST_SIGNS), pen)


def _pen_of(column: Column, pens: _Pens) -> Any:
    first = next((value for value in column.values if value is not None), None)
    if isinstance(first, datetime):
        return pens(num_format="yyyy-mm-dd hh:mm")
    # No thousands mark in a year or a step: they are names.
    if isinstance(first, int) and not column.unit:
        return pens(num_format="0")
    return None if isinstance(first, str) else pens.number(column.digits)


def _table(sheet: Any, table: Table, pens: _Pens, top: int, *, widths: bool = True) -> int:
    """Write a table with its headings in row `top`; return the row below it."""
    count = len(table)
    for place, column in enumerate(table.columns):
        _write(sheet, top, place, column.heading, pens.heading)
        pen = _pen_of(column, pens)
        for row, value in enumerate(column.values, start=top + 1):
            _write(sheet, row, place, value, pen)
        if table.total_name:
            _total(sheet, column, pens, top + 1, count, place, table.total_name)
        if widths:
            sheet.set_column(place, place, _width(column))
    return top + 1 + count + bool(table.total_name)


def _total(sheet: Any, column: Column, pens: _Pens, first: int, count: int, place: int, name: str) -> None:
    from xlsxwriter.utility import xl_range

    row, pen = first + count, pens.number(column.digits, bold=True, top=1)
    if column.summed and column.total is not None and count:
        sheet.write_formula(row, place, f"=SUM({xl_range(first, place, row - 1, place)})", pen, column.total)
    else:
        _write(sheet, row, place, name if place == 0 else column.total, pen)


def _width(column: Column) -> float:
    words = max((len(word) for word in column.heading.split()), default=0)
    values = column.values
    text = max((len(value) for value in values if isinstance(value, str)), default=0)
    dated = 17 if any(isinstance(value, datetime) for value in values[:1]) else 0
    return min(_WIDEST, float(max(10, words + 2, text + 2, dated)))


def _summary(sheet: Any, study: Study, pens: _Pens) -> None:
    wrap = pens(text_wrap=True, valign="top")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, _SUMMARY_WIDTH)
    _write(sheet, 0, 0, study.title, pens(bold=True, font_size=16))
    row = 2

    def block(name: str, lines: tuple[str, ...], pen: Any) -> None:
        nonlocal row
        for place, line in enumerate(lines):
            if place == 0:
                _write(sheet, row, 0, name, pens(bold=True, valign="top"))
            _write(sheet, row, 1, line, pen)
            row += 1
        row += bool(lines)

    block("Conclusion", study.conclusion, pens(text_wrap=True, valign="top", bold=True, font_size=12))
    for figure in (*study.figures, *study.money_figures):
        _write(sheet, row, 0, f"{figure.name} [{figure.unit}]", pens(bold=True))
        if figure.value is None:
            _write(sheet, row, 1, figure.words or "none", wrap)
        else:
            _write(sheet, row, 1, figure.value, pens.number(figure.digits, align="left"))
        row += 1
    row += 1
    block("Reasons", study.reasons, wrap)
    block("Risks", study.risks, wrap)
    for heading, sentences in (("The rule and the optimum", study.rule_gap), ("How sure", study.certainty)):
        if sentences:
            block(heading, sentences, wrap)
    holds = sum(law.holds for law in study.physics)
    block("Physics check", (f"{holds} of {len(study.physics)} laws hold in every step",), wrap)
    block("Customer", (study.customer,) if study.customer else (), wrap)
    block("Description", (study.description,) if study.description else (), wrap)
    block("Date", (study.made_on.isoformat(),), wrap)
    block("Made by", (f"afterbay {study.version}",), wrap)
    block("Input hash (SHA-256)", (study.input_hash,), wrap)
    sheet.activate()


def _finance(sheet: Any, study: Study, pens: _Pens) -> None:
    row = 0
    for table in (study.capital, study.statement, study.years):
        if table is None:
            continue
        _write(sheet, row, 0, table.title, pens.section)
        row = _table(sheet, table, pens, row + 1, widths=False) + 1
    if study.money_figures:
        _write(sheet, row, 0, "Figures of merit", pens.section)
        for figure in study.money_figures:
            row += 1
            _write(sheet, row, 0, f"{figure.name} [{figure.unit}]")
            _write(sheet, row, 1, figure.value, pens.number(figure.digits))
            _write(sheet, row, 2, figure.words)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 40, 18)
    sheet.freeze_panes(0, 1)


def _assumptions(sheet: Any, study: Study, pens: _Pens) -> None:
    for place, (heading, width) in enumerate((("Assumption", 44), ("Value", 18), ("Unit", 22), ("Source", 60))):
        _write(sheet, 0, place, heading, pens.heading)
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 1)
    for row, one in enumerate(study.assumptions, start=1):
        for place, value in enumerate((one.name, one.value, one.unit, one.source)):
            _write(sheet, row, place, value, pens(align="right") if place == 1 else None)
    row = len(study.assumptions) + 2
    for place, note in enumerate(study.notes):
        _write(sheet, row + place, 0, "Note" if place == 0 else None)
        _write(sheet, row + place, 1, note)
