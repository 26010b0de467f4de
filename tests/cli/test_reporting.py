from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Command

pytest.importorskip("matplotlib")
pytest.importorskip("typst")
pytest.importorskip("xlsxwriter")


def test_a_report_is_two_files_and_the_same_bytes_twice(afterbay: Command, block_sun: Path, tmp_path: Path) -> None:
    words = ("size", "report", block_sun, "--years", 5, "--date", "2026-11-21", "--out")

    first = afterbay(*words, tmp_path / "one")
    second = afterbay(*words, tmp_path / "two")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout.splitlines() == [str(tmp_path / "one" / name) for name in ("report.pdf", "report.xlsx")]
    for name in ("report.pdf", "report.xlsx"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_goal_that_nothing_reaches_is_reported_about_the_nearest(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    result = afterbay("size", "report", block_sun, "--grid", "bess=40:120:40", "--years", 2, "--out", tmp_path / "out")

    assert result.exit_code == 8
    assert (tmp_path / "out" / "report.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.parametrize(("words", "code"), [(("--date", "soon"), 2), (("--years", 0), 3)])
def test_a_slip_writes_nothing(
    afterbay: Command, block_sun: Path, tmp_path: Path, words: tuple[str, object], code: int
) -> None:
    result = afterbay("size", "report", block_sun, "--out", tmp_path / "out", *words)

    assert result.exit_code == code
    assert not (tmp_path / "out").exists()


def test_the_report_says_how_far_the_rule_is_from_the_best_and_how_sure_it_is(
    afterbay: Command, block_sun: Path, tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    afterbay("size", "report", block_sun, "--years", 3, "--out", tmp_path / "out")

    sheet = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")["Summary"]
    text = "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)
    assert "The rule and the optimum" in text
    assert "With perfect foresight" in text
    assert "net_present_value_usd: P50" in text
    assert "drawing cannot create another January" in text
