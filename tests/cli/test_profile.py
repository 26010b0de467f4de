"""`afterbay profile inspect`: the report is data, the refusal is an exit code."""

from __future__ import annotations

import json
from pathlib import Path

from cli.conftest import Command


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
