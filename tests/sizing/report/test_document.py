from __future__ import annotations

import struct
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from afterbay.core.errors import InvalidInputError, MissingExtraError
from afterbay.sizing.projection import ProjectionConfig, project_years
from afterbay.sizing.report import (
    Assumption,
    Figure,
    Money,
    Picture,
    Study,
    document,
    standard_pictures,
    study_of,
    write_pdf,
)

typst = pytest.importorskip("typst", reason="writes the PDF")

HOSTILE = '#panic("x") $a_1$ *b* =cmd() _i_ `c` <l> @ref [x] \\ // "q" 漢字 \x00\x07 \ud800 ' + "A" * 5_000


@pytest.fixture(scope="module")
def illustrated(quarry: Any, study: Study) -> Study:
    pytest.importorskip("matplotlib", reason="draws the pictures")
    drawn = standard_pictures(quarry.project, quarry.result, quarry.recommendation, quarry.hourly)
    return replace(study, pictures=drawn)


def _pages(study: Study) -> list[bytes]:
    found = document._compiled(study, "png")
    return found if isinstance(found, list) else [found]


def test_the_same_study_gives_the_same_bytes(illustrated: Study, tmp_path: Path) -> None:
    first = write_pdf(illustrated, tmp_path / "first.pdf").read_bytes()
    second = write_pdf(illustrated, tmp_path / "second.pdf").read_bytes()

    assert first == second
    assert first.startswith(b"%PDF-")
    assert b"D:20261121" in first


def test_pages_are_a4_and_few(illustrated: Study) -> None:
    pages = _pages(illustrated)
    sizes_mm = {tuple(side / 110.0 * 25.4 for side in struct.unpack(">II", page[16:24])) for page in pages}

    assert len(sizes_mm) == 1
    assert sizes_mm.pop() == pytest.approx((210.0, 297.0), abs=0.3)
    assert 4 <= len(pages) <= 8


def test_the_answer_stands_on_a_page_of_its_own_with_both_pictures(illustrated: Study) -> None:
    with_all, without = _pages(illustrated), _pages(replace(illustrated, pictures={}))

    assert with_all[0] != without[0]
    assert len(with_all) > len(without)


def test_text_of_a_user_is_never_markup(study: Study, tmp_path: Path) -> None:
    hostile = replace(
        study,
        title=HOSTILE,
        customer=HOSTILE,
        description=HOSTILE,
        notes=(HOSTILE,),
        risks=(HOSTILE,),
        assumptions=(Assumption(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
    )

    write_pdf(hostile, tmp_path / "study.pdf")

    content = document._content(hostile)
    assert content["description"].startswith('#panic("x") $a_1$ *b* =cmd() _i_')
    assert len(content["running"]) < 80
    assert b"eval(" not in files("afterbay.sizing.report").joinpath("document.typ").read_bytes()


def test_a_number_and_its_unit_stay_together_and_a_long_word_may_break() -> None:
    assert document._text("44.6 % of 50 MWh") == "44.6\u00a0% of 50\u00a0MWh"
    assert max(len(part) for part in document._text("A" * 5_000).split("\u200b")) == 40


def test_the_shown_case_comes_first_and_the_others_by_rank(study: Study) -> None:
    data = document._content(study)["cases"]

    assert [row[0] for row in data["rows"]][:6] == ["1", "2", "3", "4", "5", ""]
    assert len(data["rows"]) == len(study.cases)


def test_years_money_and_pictures_of_others_find_a_place(quarry: Any, study: Study, illustrated: Study) -> None:
    result = quarry.result
    years = project_years(result.params_of(study.shown_case), result.template, ProjectionConfig(years=2))
    figures = (Figure("Rate of return", None, "%", 1, "There is none."),)
    money = Money(currency="USD", years=range(3), lines={"Net cash flow": [-9.0, 4.0, 5.0]}, figures=figures)
    any_picture = next(iter(illustrated.pictures.values()))
    pictures = {"tornado": any_picture, "one of my own": any_picture}

    full = study_of(
        quarry.project,
        result,
        quarry.recommendation,
        made_on=study.made_on,
        years=years,
        money=money,
        pictures=pictures,
    )

    content = document._content(full)
    assert [one["name"] for one in content["pictures"]["money"]] == ["tornado"]
    assert [one["name"] for one in content["pictures"]["others"]] == ["one of my own"]
    assert len(content["years"]["rows"]) == 2
    assert content["statement"]["rows"][0] == ["0", "\u22129"]
    assert len(_pages(full)) > len(_pages(study))


def test_a_picture_that_cannot_be_read_is_named(study: Study, tmp_path: Path) -> None:
    broken = replace(study, pictures={"pareto": Picture(b"\x89PNG\r\n\x1a\nnothing", "Broken")})

    with pytest.raises(InvalidInputError, match=r"study\.pictures: got pareto"):
        write_pdf(broken, tmp_path / "study.pdf")
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_error_names_it(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(MissingExtraError, match=r'pip install "afterbay\[report\]"'):
        write_pdf(study, tmp_path / "study.pdf")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "says"), [("nowhere/study.pdf", "make the folder"), ("study.doc", "ends in .pdf")])
def test_a_place_that_cannot_be_written_is_refused(study: Study, tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        write_pdf(study, tmp_path / name)
