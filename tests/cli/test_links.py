"""One-time links lead to where the server is, not to where it usually is."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from afterbay.cli.links import link_base
from afterbay.core.errors import InvalidInputError
from afterbay.server.listening import reached_at, told_where
from afterbay.server.settings import Settings, read_address, read_settings


def settings_of(folder: Path, **given: Any) -> Settings:
    return read_settings(data_dir=folder, listen=read_address("127.0.0.1:8000"), **given)


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_link_leads_to_the_server_that_runs_on_the_data_folder(tmp_path: Path, listener: socket.socket) -> None:
    host, port = listener.getsockname()

    with told_where(tmp_path, f"http://{host}:{port}", (host, port)):
        assert link_base(settings_of(tmp_path), None) == (f"http://{host}:{port}", "")

    assert link_base(settings_of(tmp_path), None)[0] == "http://127.0.0.1:8000"


def test_what_is_said_wins_over_the_setting_and_the_setting_over_the_server(
    tmp_path: Path, listener: socket.socket
) -> None:
    host, port = listener.getsockname()
    public = settings_of(tmp_path, public_url="https://afterbay.example/")

    with told_where(tmp_path, f"http://{host}:{port}", (host, port)):
        assert link_base(public, None) == ("https://afterbay.example", "")
        assert link_base(public, "http://10.0.0.5:9000/") == ("http://10.0.0.5:9000", "")


def test_without_a_server_the_link_comes_with_a_doubt(tmp_path: Path) -> None:
    base, doubt = link_base(settings_of(tmp_path), None)

    assert base == "http://127.0.0.1:8000"
    assert str(tmp_path) in doubt
    assert "--url" in doubt


def test_a_server_that_was_killed_is_not_taken_for_one_that_runs(tmp_path: Path, listener: socket.socket) -> None:
    host, port = listener.getsockname()
    gone = told_where(tmp_path, f"http://{host}:{port}", (host, port))
    gone.__enter__()

    listener.close()

    assert (tmp_path / "serve.json").exists()
    assert reached_at(tmp_path) is None
    gone.__exit__(None, None, None)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"url": "http://x"}', '{"url": "x", "host": "127.0.0.1", "port": 99999}']
)
def test_a_damaged_note_is_no_note(tmp_path: Path, content: str) -> None:
    (tmp_path / "serve.json").write_text(content)

    assert reached_at(tmp_path) is None


def test_the_note_of_a_server_that_started_later_stays(tmp_path: Path, listener: socket.socket) -> None:
    host, port = listener.getsockname()

    with told_where(tmp_path, "http://first", (host, port)):
        later = told_where(tmp_path, "http://later", (host, port))
        later.__enter__()

    assert reached_at(tmp_path) == "http://later"
    later.__exit__(None, None, None)
    assert not (tmp_path / "serve.json").exists()


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with told_where(tmp_path / "file", "http://x", ("127.0.0.1", 1)):
        assert reached_at(tmp_path / "file") is None


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "127.0.0.1:8000"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInputError, match="--url"):
        link_base(settings_of(tmp_path), url)
