"""A short soak with every run of the tests; `tools/soak_fleet.py` alone runs the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[3] / "tools" / "soak_fleet.py"


@pytest.mark.always
def test_gateways_and_headend_that_are_killed_lose_and_double_nothing() -> None:
    size = ["--gateways", "4", "--assets", "5", "--workers", "2", "--tick", "0.2"]
    words = [sys.executable, str(TOOL), "--seconds", "20", "--kill-every", "3", *size]

    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)

    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "lost 0, doubled 0" in done.stdout
    (killed,) = (line for line in done.stdout.splitlines() if line.startswith("killed in all"))
    assert "headend 0 times" not in killed
