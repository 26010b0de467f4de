"""What is around a server's command: variables that mean nothing, a data folder that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import afterbay as package
from afterbay.cli.surroundings import OTHER_VARIABLES, check_data_dir, misspelt, server_settings
from afterbay.core.errors import InvalidInputError
from afterbay.server.settings import Settings, stated
from cli.conftest import Command


def test_every_variable_that_the_program_reads_is_known() -> None:
    source = Path(package.__file__).parent
    named = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r"\"(AFTERBAY_[A-Z0-9_]*[A-Z0-9])\"", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 20
    assert misspelt(dict.fromkeys(named, "x")) == []


def test_no_setting_of_the_server_and_no_other_variable_is_called_misspelt() -> None:
    settings = {one.variable for one in stated(Settings.model_construct(), environment={})}

    assert misspelt(dict.fromkeys(settings | OTHER_VARIABLES, "x")) == []
    assert misspelt({"PATH": "/bin", "DATABASE_URL": "x", "AFTERBAYX": "x"}) == []


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant() -> None:
    near, far = misspelt({"AFTERBAY_LISTN": "127.0.0.1:9", "AFTERBAY_QQQQ": "x"})

    assert near == "AFTERBAY_LISTN means nothing here and is ignored -> did you mean AFTERBAY_LISTEN?"
    assert far == "AFTERBAY_QQQQ means nothing here and is ignored -> afterbay config shows every one"


@pytest.mark.parametrize("words", [["config", "--changed"], ["config", "--changed", "--json"]])
def test_config_warns_and_shows_the_rest(afterbay: Command, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("AFTERBAY_DATADIR", "elsewhere")

    told = afterbay(*words)

    assert told.exit_code == 0
    assert (
        "warning: AFTERBAY_DATADIR means nothing here and is ignored -> did you mean AFTERBAY_DATA_DIR?" in told.stderr
    )
    assert "warning" not in told.stdout


def test_a_data_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidInputError) as refused:
        check_data_dir(tmp_path / "file" / "below")

    (problem,) = refused.value.problems
    assert str(tmp_path / "file") in problem.got
    assert "--data-dir" in problem.next_move


def test_a_data_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    check_data_dir(tmp_path / "a" / "b")

    assert [*(tmp_path / "a" / "b").iterdir()] == []


def test_with_a_database_elsewhere_the_data_folder_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    given = {"data_dir": tmp_path / "file", "database_url": "postgresql://a@127.0.0.1:1/b"}

    assert server_settings(**given).data_dir == tmp_path / "file"
    with pytest.raises(InvalidInputError):
        server_settings(data_dir=tmp_path / "file", database_url="embedded")


@pytest.mark.parametrize(
    "words", [["user", "list"], ["db", "upgrade"], ["worker"], ["serve", "--port", "0"]], ids=" ".join
)
def test_every_command_of_the_server_refuses_a_data_folder_that_cannot_be_used(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.delenv("AFTERBAY_DATABASE_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "file").write_text("")

    told = afterbay(*words, "--data-dir", tmp_path / "file")

    assert told.exit_code == 3
    assert "data folder: got" in told.stderr
    assert "Traceback" not in told.stderr
