"""The demo ends what it started, also when it fails."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from afterbay.fleet.inventory import default_inventory, write_inventory

_DEMO = Path(__file__).resolve().parents[2] / "tools" / "demo_fleet.py"
pytest.importorskip("fastapi")
pytest.importorskip("grpc")


def test_a_demo_that_fails_says_why_and_leaves_no_process(tmp_path: Path) -> None:
    inventory = default_inventory()
    # A site of another name: its gateway cannot start.
    sites = tuple(replace(site, name="Elsewhere") if site.name == "Mill Lane" else site for site in inventory.sites)
    file = tmp_path / "assets.yaml"
    write_inventory(file, replace(inventory, sites=sites))

    result = subprocess.run(
        [sys.executable, str(_DEMO), "--assets", str(file)], capture_output=True, text=True, timeout=120, check=False
    )

    assert result.returncode == 1
    assert "the agent of Mill Lane ended" in result.stderr
    assert "everything that it started is stopped" in result.stderr
    left = [one for one in psutil.process_iter(["cmdline"]) if str(file) in (one.info["cmdline"] or [])]
    assert left == []
