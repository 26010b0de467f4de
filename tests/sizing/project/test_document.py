from __future__ import annotations

from pathlib import Path

import pytest
from study_files import problems_of, write

from afterbay.core.errors import NotFoundError
from afterbay.sizing.project import load_project


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "an empty file"),
        (b"# only a comment\n", "an empty file"),
        (b"- a\n", "no keys at the top"),
        (b"\x00\x00", "binary content"),
        (b"\xff\xfe\x00", "no UTF-8"),
        (b"setup_config:\n  a: [1\nb: 2\n", "line 3"),
        (b"setup_config:\n  load_mw: 1\n  load_mw: 2\n", "first on line 2"),
        (b"a: " + b"[" * 5000, "nested too deep"),
        (b"a: &a [*a, *a]\n", "unknown key"),
        (b"a: 2024-99-99\n", "month must be in 1..12"),
        (b"a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        (b"setup_config: 3\nrules_config: {}\nsizing_config: {}\n", "a section of named values"),
        (b"name: x\n", "add `setup_config:`"),
        (b"x: '" + b"y" * 1_000_001 + b"'", "at most 1 MB"),
    ],
)  # fmt: skip
def test_text_that_is_no_project_is_refused_in_words(tmp_path: Path, content: bytes, named: str) -> None:
    file = tmp_path / "project.yaml"
    file.write_bytes(content)

    assert named in "\n".join(problems_of(file))


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "project.json"
    file.write_text('{\n"setup_config": {\n"load_mw" 3}}')

    assert "line 3" in problems_of(file)[0]


def test_json_numbers_are_json_numbers(tmp_path: Path) -> None:
    file = write(tmp_path, "project.json")
    file.write_text(file.read_text().replace("10.0", "1e1"))

    assert load_project(file).load.values[0] == 10.0


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.yaml"):
        load_project(tmp_path / "nowhere.yaml")
