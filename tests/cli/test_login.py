"""Signing in: what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import login, project
from afterbay.cli.project_words import profile_files
from afterbay.client.login import Login
from afterbay.core.errors import InvalidInputError, NotAllowedError, UnavailableError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AFTERBAY_URL", "AFTERBAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFTERBAY_CONFIG_DIR", str(tmp_path))
    return tmp_path


def failure(*words: str, given: str = "") -> Any:
    return CliRunner().invoke(login.app, [*words], input=given).exception


def test_a_password_goes_to_no_other_machine_in_the_clear() -> None:
    error = failure("--url", "http://afterbay.example.org", "--email", "ada@example.org", given="secret\n")

    assert isinstance(error, InvalidInputError)
    assert "use https" in str(error)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://afterbay.example"])
def test_an_address_that_is_none_is_told_as_the_words_that_were_given(url: str) -> None:
    error = failure("--url", url, "--email", "ada@example.org", given="secret\n")

    assert isinstance(error, InvalidInputError)
    (problem,) = error.problems
    assert (problem.where, problem.got) == ("--url", url)
    assert "http://127.0.0.1:8000" in problem.allowed
    assert "headend" not in str(problem)


def test_a_token_that_cannot_be_kept_is_ended_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    made = Login("http://127.0.0.1:9", "aft_x", "ada@example.org", "desk", "2999-01-01T00:00:00+00:00")
    monkeypatch.setattr(login, "sign_in", lambda *_: (made, False))
    monkeypatch.setattr(login, "_end", lambda known: ended.append(known.token))
    (folder / "file").write_text("")
    monkeypatch.setenv("AFTERBAY_CONFIG_DIR", str(folder / "file"))

    error = failure("--url", "http://127.0.0.1:9", "--email", "ada@example.org", given="secret\n")

    assert isinstance(error, InvalidInputError)
    assert "AFTERBAY_CONFIG_DIR" in str(error)
    assert ended == ["aft_x"]


def test_a_token_lives_no_longer_than_a_server_allows() -> None:
    assert CliRunner().invoke(login.app, ["--days", "3660", "--email", "a@b.example"], input="x\n").exit_code == 2


def test_without_a_terminal_address_and_password_must_be_given(folder: Path) -> None:
    assert "give --email" in str(failure(given="secret\n"))
    assert "one line on stdin" in str(failure("--email", "ada@example.org"))
    assert [*folder.iterdir()] == []


def test_nobody_there_is_said_so_and_nothing_is_kept(folder: Path) -> None:
    error = failure("--url", "http://127.0.0.1:9", "--email", "ada@example.org", given="secret\n")

    assert isinstance(error, UnavailableError)
    assert "afterbay serve" in str(error)
    assert [*folder.iterdir()] == []


def test_a_login_that_ran_out_is_told_without_asking_the_server(folder: Path) -> None:
    (folder / "login.json").write_text(
        '{"url": "http://127.0.0.1:9", "token": "aft_x", "email": "a@b.example", "name": "desk", '
        '"expires_at": "2020-01-01T00:00:00+00:00"}'
    )

    error = failure("--status")

    assert isinstance(error, NotAllowedError)
    assert "ran out on 2020-01-01 -> afterbay login" in str(error)


def test_a_damaged_login_can_be_forgotten(folder: Path) -> None:
    (folder / "login.json").write_text("nothing of ours")

    told = CliRunner().invoke(login.logout_app, [])

    assert (told.exit_code, "forgotten" in told.output) == (0, True)
    assert not (folder / "login.json").exists()


def test_a_token_that_could_not_be_ended_on_the_server_is_forgotten_here_and_said_so(folder: Path) -> None:
    (folder / "login.json").write_text(
        '{"url": "http://127.0.0.1:9", "token": "aft_x", "email": "a@b.example", "name": "desk", '
        '"expires_at": "2999-01-01T00:00:00+00:00"}'
    )

    told = CliRunner().invoke(login.logout_app, [])

    assert told.exit_code == 0
    assert "may live on" in told.stdout
    assert not (folder / "login.json").exists()


@pytest.mark.parametrize(
    "words", [["share", "quarry", "--edit"], ["share", "quarry", "a@b.example", "--edit", "--revoke"]]
)
def test_words_that_do_not_fit_together_are_refused(words: list[str]) -> None:
    assert CliRunner().invoke(project.app, words).exit_code == 2


def test_somebody_to_share_with_is_named_by_an_address() -> None:
    refused = CliRunner().invoke(project.app, ["share", "quarry", "vera"])

    assert refused.exit_code == 2
    assert "vera is no address such as name@example.org" in refused.output


@pytest.mark.parametrize("name", ["../../.ssh/authorized_keys", "/etc/passwd", "load.csv", ""])
def test_a_server_cannot_name_a_file_outside_the_folder(name: str) -> None:
    with pytest.raises(UnavailableError):
        profile_files({"setup_config": {"load_file": name}})
