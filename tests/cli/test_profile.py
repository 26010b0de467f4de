"""`afterbay profile inspect`: the report is data, the refusal is an exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cli.conftest import Command, assert_ends_well_without_a_reader


def _file(folder: Path, rows: list[str]) -> Path:
    file = folder / "solar.csv"
    file.write_text("\n".join(["time,solar_kw", *rows]) + "\n")
    return file


def _hours(count: int) -> list[str]:
    return [f"2023-01-{1 + hour // 24:02d} {hour % 24:02d}:00,{hour}" for hour in range(count)]


def test_a_good_file_is_reported_with_its_numbers(afterbay: Command, tmp_path: Path) -> None:
    file = _file(tmp_path, _hours(48))

    text = afterbay("profile", "inspect", file)
    document = json.loads(afterbay("profile", "inspect", file, "--json").stdout)

    assert text.exit_code == 0
    assert "rows: 48 found, 48 expected" in text.stdout
    assert document["report"]["unit"] == "kW"
    assert document["statistics"]["highest (MW)"] == 0.047


def test_a_gap_is_reported_and_exits_3_until_it_is_filled(afterbay: Command, tmp_path: Path) -> None:
    rows = _hours(48)
    del rows[30]
    file = _file(tmp_path, rows)

    refused = afterbay("profile", "inspect", file)
    filled = afterbay("profile", "inspect", file, "--gaps", "fill")

    assert refused.exit_code == 3
    assert "gaps: 1 (1 rows" in refused.stdout
    assert 'gaps="fill"' in refused.stderr
    assert filled.exit_code == 0
    assert "filled by straight lines" in filled.stdout


def test_a_refused_file_with_json_is_one_problem_document(afterbay: Command, tmp_path: Path) -> None:
    rows = _hours(48)
    del rows[30]

    result = afterbay("profile", "inspect", _file(tmp_path, rows), "--json")

    assert result.exit_code == 3
    assert json.loads(result.stdout)["errors"]


def test_a_file_that_is_not_there_exits_4(afterbay: Command, tmp_path: Path) -> None:
    result = afterbay("profile", "inspect", tmp_path / "nowhere.csv")

    assert result.exit_code == 4
    assert "nowhere.csv" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("content", [None, b"", b"\x00\x01\x02"], ids=["a folder", "empty", "binary"])
def test_nothing_is_reported_of_a_file_that_could_not_be_read(
    afterbay: Command, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "solar.csv"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)

    result = afterbay("profile", "inspect", file)

    assert result.exit_code == 3
    assert result.stdout.splitlines() == [f"file: {file}", "not examined: no table could be read"]


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader fails in another way on Windows")
@pytest.mark.parametrize("rows", [48, 0], ids=["a good file", "a file without rows"])
def test_a_reader_that_left_is_no_error(tmp_path: Path, rows: int) -> None:
    assert_ends_well_without_a_reader("profile", "inspect", _file(tmp_path, _hours(rows)))
