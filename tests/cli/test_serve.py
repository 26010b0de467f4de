"""What `afterbay serve` says when it is ready."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import serve
from afterbay.server.serve import Places


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://0.0.0.0:8443", True),
        ("https://[::]:8443", True),
        ("http://127.0.0.1:8000", False),
        ("https://bess.example.org", False),
    ],
)
def test_links_that_nobody_can_open_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, warned: bool
) -> None:
    def run(_settings: Any, *, ready: Callable[[Places], None]) -> None:
        ready(Places(url, url, "embedded", "a folder", "", True, "", "", 1.0))

    monkeypatch.setattr("afterbay.server.serve.run_serve", run)
    # This process is that of the tests: it keeps its logs, its signals and its life.
    monkeypatch.setattr("afterbay.server.logs.set_up_logs", lambda *_: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(serve, "end_whatever_runs", lambda: None)

    done = CliRunner().invoke(serve.app, ["--data-dir", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert ("set AFTERBAY_PUBLIC_URL" in done.stderr) is warned
