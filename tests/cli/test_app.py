"""The command as a whole: help that is quick, errors that are sentences, exits that mean something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterbay import __version__
from afterbay.cli import size
from afterbay.core.errors import MissingExtraError, PhysicsError
from cli.conftest import Command, assert_ends_well_without_a_reader

COMMANDS = [
    ("size", "check"), ("size", "run"), ("size", "results"), ("size", "show"), ("size", "compare"), ("size", "why"),
    ("profile", "inspect"), ("version",), ("size",), ("profile",),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_begins_with_two_examples(afterbay: Command, words: tuple[str, ...]) -> None:
    result = afterbay(*words, "--help")

    assert result.exit_code == 0
    after_usage = result.stdout.split("\n\n", 1)[1].splitlines()
    assert after_usage[0].strip() == "Examples:"
    assert all(line.strip().startswith("afterbay ") for line in after_usage[1:3])


def test_help_needs_no_heavy_package() -> None:
    code = "import sys, afterbay.cli; print([m for m in ('numpy', 'numba', 'pandas', 'yaml') if m in sys.modules])"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("word", ["serve", "worker", "login", "logout", "config", "doctor", "openapi"])
def test_a_command_without_commands_below_it_promises_none(afterbay: Command, word: str) -> None:
    assert afterbay(word, "--help").stdout.splitlines()[0].split()[-2:] == [word, "[OPTIONS]"]


def test_ctrl_c_while_the_command_is_loaded_leaves_no_trace() -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "import afterbay.cli\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


def test_version_names_itself_in_text_and_json(afterbay: Command) -> None:
    assert f"afterbay {__version__}" in afterbay("version").stdout
    assert json.loads(afterbay("version", "--json").stdout)["afterbay"] == __version__


def test_no_words_show_the_help_and_a_wrong_word_is_usage(afterbay: Command) -> None:
    assert "Usage" in afterbay().stdout + afterbay().stderr
    assert afterbay("size", "rnu").exit_code == 2
    assert afterbay("size", "run").exit_code == 2


def test_a_defect_is_one_line_without_a_trace_and_says_how_to_see_it(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect\nof two lines")

    monkeypatch.setattr(size, "_overrides", broken)

    result = afterbay("size", "check", tmp_path / "x.yaml")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "unexpected error: RuntimeError: a defect of two lines (set AFTERBAY_DEBUG=1 to see where)"
    ]
    assert result.stdout == ""


def test_the_trace_is_there_for_those_who_ask(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(size, "_overrides", broken)
    monkeypatch.setenv("AFTERBAY_DEBUG", "1")

    assert "Traceback" in afterbay("size", "check", tmp_path / "x.yaml").stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MissingExtraError("pvlib", "solar", "the sun"), 3),
        (PhysicsError("a law is broken"), 8),
        (KeyboardInterrupt(), 130),
    ],
    ids=["missing extra", "physics", "interrupt"],
)
def test_errors_have_their_exit_codes(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(size, "_overrides", broken)

    result = afterbay("size", "check", tmp_path / "x.yaml")

    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1


def test_with_json_a_problem_is_one_document_on_stdout(afterbay: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("setup_config: {bess_efficiency: 0.87}\nrules_config: {}\nsizing_config: {}\n")

    result = afterbay("size", "check", tmp_path / "bad.yaml", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 3
    assert document["code"] == 3
    assert document["errors"][0]["where"] == "setup_config.bess_efficiency, line 1"
    assert document["errors"][0]["next_move"] == "did you mean 87 %?"


@pytest.mark.parametrize(
    "words",
    [("size", "rnu"), ("size", "run"), ("size", "check", "x.yaml", "--nope"), ("--nope",), ("nope",)],
    ids=" ".join,
)
def test_with_json_a_usage_error_is_a_document_too(afterbay: Command, words: tuple[str, ...]) -> None:
    result = afterbay(*words, "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 2
    assert document["code"] == 2
    assert document["detail"]


def test_with_json_a_missing_extra_is_a_document_that_names_it(
    afterbay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MissingExtraError("pvlib", "solar", "the sun")

    monkeypatch.setattr(size, "_overrides", broken)

    document = json.loads(afterbay("size", "check", tmp_path / "x.yaml", "--json").stdout)

    assert document["title"] == "a package is missing"
    assert "afterbay[solar]" in document["detail"]


@pytest.mark.skipif(os.name == "nt", reason="a pipe without a reader fails in another way on Windows")
@pytest.mark.parametrize(
    "words",
    [("--help",), ("size", "run", "--help"), ("version",), ("version", "--json"), ("size", "rnu", "--json"),
     ("size", "check", "nowhere.yaml", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_a_reader_that_left_is_no_error(words: tuple[str, ...]) -> None:
    assert_ends_well_without_a_reader(*words)


WRONG_FILES = {
    "a folder": (None, 3, "a folder"),
    "binary": (b"\x00\x01\x02\xff\xfe", 3, "right file"),
    "empty": (b"", 3, "an empty file"),
    "a list": (b"- 1\n- 2\n", 3, "no keys at the top"),
    "broken": (b"name: x\nsetup_config: {a: [1\nrules_config: 3\n", 3, "line 3"),
    "an unknown key": (b"setup_config:\n  load_mv: 3\n", 3, "did you mean load_mw?"),
}


@pytest.mark.parametrize(("content", "code", "named"), WRONG_FILES.values(), ids=WRONG_FILES.keys())
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_wrong_file_is_refused_in_words(
    afterbay: Command, tmp_path: Path, command: str, content: bytes | None, code: int, named: str
) -> None:
    file = tmp_path / "project.yaml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)

    result = afterbay("size", command, file)

    assert result.exit_code == code
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["check", "run", "results", "show", "why"])
def test_a_file_that_is_not_there_exits_4(afterbay: Command, tmp_path: Path, command: str) -> None:
    result = afterbay("size", command, tmp_path / "nowhere.yaml")

    assert result.exit_code == 4
    assert "nowhere.yaml" in result.stderr
