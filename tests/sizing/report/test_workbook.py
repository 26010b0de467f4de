from __future__ import annotations

import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.sizing.report import SHEETS, Assumption, Column, Money, Study, Table, study_of, write_workbook

openpyxl = pytest.importorskip("openpyxl", reason="reads the workbook back")
pytest.importorskip("xlsxwriter", reason="writes the workbook")

HOSTILE = '=cmd()|"/c calc"!A1 #$* \x00\x07 \ud800 _x0041_ 漢字 https://x.example/ ' + "A" * 40_000


@pytest.fixture(scope="module")
def book(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return openpyxl.load_workbook(write_workbook(study, tmp_path_factory.mktemp("book") / "study.xlsx"))


def _texts(sheet: Any) -> list[str]:
    return [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_the_sheets_are_the_six(book: Any) -> None:
    assert tuple(book.sheetnames) == SHEETS == ("Summary", "Cases", "Hourly", "Monthly", "Finance", "Assumptions")


def test_the_conclusion_stands_at_the_top(book: Any, study: Study) -> None:
    texts = _texts(book["Summary"])

    assert texts[0] == study.title
    assert texts[1:3] == ["Conclusion", study.conclusion[0]]
    assert study.input_hash in texts


def test_every_hour_and_every_case_is_there_as_a_number(book: Any, study: Study) -> None:
    hourly, cases = book["Hourly"], book["Cases"]
    headings = [cell.value for cell in hourly[1]]

    assert hourly.max_row == 8_761
    assert cases.max_row == 1 + len(study.cases)
    assert headings == [column.heading for column in study.hourly.columns]
    assert "Load [MW]" in headings
    solar = [row[headings.index("Solar [MW]")].value for row in hourly.iter_rows(min_row=2)]
    assert sum(solar) == pytest.approx(study.monthly.column("Solar").total)
    assert hourly.freeze_panes == "B2"


def test_the_sums_are_ours_and_equal_the_values(study: Study, tmp_path: Path) -> None:
    path = write_workbook(study, tmp_path / "study.xlsx")
    formulas, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    found = [
        (sheet.title, cell) for sheet in formulas for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]

    assert {title for title, _ in found} == {"Monthly", "Finance"}
    for title, cell in found:
        first, last = cell.value.removeprefix("=SUM(").removesuffix(")").split(":")
        summed = sum(row[0].value for row in values[title][first:last])
        assert values[title][cell.coordinate].value == pytest.approx(summed)


def test_text_of_a_user_is_never_a_formula_or_a_link(study: Study, tmp_path: Path) -> None:
    one = Assumption(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    hostile = replace(study, title=HOSTILE, customer=HOSTILE, description=HOSTILE, notes=(HOSTILE,), assumptions=(one,))

    path = write_workbook(hostile, tmp_path / "study.xlsx")

    book = openpyxl.load_workbook(path)
    assert book["Summary"]["A1"].data_type == "s"
    assert book["Summary"]["A1"].value.startswith('=cmd()|"/c calc"!A1 #$*')
    for name in ("Summary", "Assumptions"):
        cells = [cell for row in book[name].iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    with zipfile.ZipFile(path) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not [sheet for sheet in sheets if b"cmd()" in sheet]


def test_the_same_study_gives_the_same_bytes(study: Study, tmp_path: Path) -> None:
    first = write_workbook(study, tmp_path / "first.xlsx")
    second = write_workbook(study, tmp_path / "second.xlsx")

    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-11-21T00:00:00Z" in parts.read("docProps/core.xml")


def test_money_stands_on_the_finance_sheet(quarry: Any, study: Study, tmp_path: Path) -> None:
    money = Money(currency="EUR", years=range(3), lines={"Net cash flow": [-9.0, 4.0, 5.0]})
    with_money = study_of(quarry.project, quarry.result, quarry.recommendation, made_on=study.made_on, money=money)

    book = openpyxl.load_workbook(write_workbook(with_money, tmp_path / "study.xlsx"))

    assert tuple(book.sheetnames) == SHEETS
    assert "Net cash flow [EUR]" in _texts(book["Finance"])
    assert "Capital cost" in _texts(book["Finance"])


def test_without_the_extra_the_error_names_it(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)

    with pytest.raises(MissingExtraError, match=r'pip install "afterbay\[report\]"'):
        write_workbook(study, tmp_path / "study.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "says"), [("nowhere/study.xlsx", "make the folder"), ("study.xls", "ends in .xlsx")])
def test_a_place_that_cannot_be_written_is_refused(study: Study, tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        write_workbook(study, tmp_path / name)


def test_more_rows_than_a_sheet_holds_are_refused(study: Study, tmp_path: Path) -> None:
    endless = Table("Steps", (Column("Step", "", range(1_048_576)),))

    with pytest.raises(InvalidInputError, match="sheet Hourly: got 1,048,576 rows"):
        write_workbook(replace(study, hourly=endless), tmp_path / "study.xlsx")


def test_a_folder_is_not_a_file(study: Study, tmp_path: Path) -> None:
    (tmp_path / "study.xlsx").mkdir()

    with pytest.raises(InvalidInputError, match="a folder"):
        write_workbook(study, tmp_path / "study.xlsx")
