"""The login that is kept: for one user's eyes, whole, and sent nowhere but where it belongs."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afterbay.client import BESSAPIClient, connect
from afterbay.client.login import Login, forget_login, keep_login, login_file, read_login, resolve
from afterbay.core.errors import InvalidInputError

LOGIN = Login("https://afterbay.example.org", "aft_secret", "ada@example.org", "desk", "2027-01-01T00:00:00+00:00")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AFTERBAY_URL", "AFTERBAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AFTERBAY_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def test_a_login_is_kept_for_one_user_alone_read_again_and_forgotten(folder: Path) -> None:
    assert read_login() is None

    path = keep_login(LOGIN)

    assert read_login() == LOGIN
    assert path == login_file() == folder / "login.json"
    assert [entry.name for entry in folder.iterdir()] == ["login.json"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (forget_login(), forget_login(), read_login()) == (True, False, None)


def test_a_login_that_was_readable_by_others_is_not_after_the_next(folder: Path) -> None:
    keep_login(LOGIN).chmod(0o644)

    path = keep_login(LOGIN)

    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"url": "https://a.example"}', '{"url": 5, "token": "t"}', "\x00"])
def test_a_file_that_is_no_login_says_what_to_do(folder: Path, content: str) -> None:
    folder.mkdir()
    login_file().write_text(content)

    with pytest.raises(InvalidInputError, match="afterbay login"):
        read_login()


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    folder.write_text("a file")

    with pytest.raises(InvalidInputError, match="AFTERBAY_CONFIG_DIR"):
        keep_login(LOGIN)
    assert read_login() is None


def test_the_secret_is_in_no_representation() -> None:
    assert "aft_secret" not in repr(LOGIN)


@pytest.mark.parametrize(
    ("url", "token", "expected"),
    [
        (None, None, (LOGIN.url, LOGIN.token)),
        (LOGIN.url + "/", None, (LOGIN.url + "/", LOGIN.token)),
        ("https://elsewhere.example", None, ("https://elsewhere.example", None)),
        ("https://elsewhere.example", "mine", ("https://elsewhere.example", "mine")),
        (None, "mine", (LOGIN.url, "mine")),
    ],
)
def test_the_token_of_a_login_goes_to_its_own_address_only(
    url: str | None, token: str | None, expected: tuple[str | None, str | None]
) -> None:
    keep_login(LOGIN)

    assert resolve(url, token) == expected


def test_the_environment_goes_before_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_login(LOGIN)
    monkeypatch.setenv("AFTERBAY_URL", "http://127.0.0.1:9")

    with BESSAPIClient() as client:
        assert client.connection.url == "http://127.0.0.1:9"
        assert "authorization" not in client.connection.http.headers


def test_a_headend_is_reached_though_the_login_is_damaged(folder: Path) -> None:
    folder.mkdir()
    login_file().write_text("nothing of ours")

    with connect("http://127.0.0.1:9") as client:
        assert client.fleet.connection.url == "http://127.0.0.1:9"
        with pytest.raises(InvalidInputError, match="afterbay login"):
            client.sizing.me()


def test_a_login_runs_out() -> None:
    assert LOGIN.is_over(datetime(2027, 1, 1, tzinfo=UTC))
    assert not LOGIN.is_over(datetime(2026, 12, 31, tzinfo=UTC))
