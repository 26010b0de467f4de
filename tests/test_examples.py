"""The examples run as they stand and come to what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from afterbay.core.errors import MissingExtraError

_EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.mark.parametrize("script", sorted(_EXAMPLES.glob("*.py")), ids=lambda script: script.name)
def test_an_example_runs_and_says_something(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except MissingExtraError as missing:
        pytest.skip(str(missing))

    assert capsys.readouterr().out.strip()


def test_ten_lines_lead_from_a_profile_to_a_recommendation() -> None:
    script = _EXAMPLES / "size_a_project.py"
    code = [line for line in script.read_text(encoding="utf-8").splitlines() if line and not line.startswith('"""')]
    try:
        names = runpy.run_path(str(script))
    except MissingExtraError as missing:
        pytest.skip(str(missing))

    assert len(code) == 10
    assert names["answer"]["meets_goal"]
    assert names["answer"]["recommended"]["metrics"]["delivery_pct"] >= names["goal"]["delivery_target_pct"]
