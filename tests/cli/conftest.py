"""A command to call, and the block sun: a project whose results follow by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from afterbay.cli import app


class Command:
    """The `afterbay` command, called inside this process."""

    def __call__(self, *words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def afterbay() -> Command:
    return Command()


def assert_ends_well_without_a_reader(*words: object) -> None:
    """Run the command in a process of its own, into a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "afterbay", *(str(word) for word in words)]
        result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)

    assert (result.returncode, result.stderr) == (0, "")


def write_block_sun(folder: Path) -> Path:
    """10 MW in every hour; 30 MW of sun from 08:00 to 16:00; a battery without losses: section E of ux.md."""
    load = "\n".join(["hour,load_mw", *(f"{hour},10" for hour in range(8760))])
    sun = "\n".join(["hour,solar_mw", *(f"{hour},{30 if 8 <= hour % 24 < 16 else 0}" for hour in range(8760))])
    (folder / "load.csv").write_text(load + "\n")
    (folder / "solar.csv").write_text(sun + "\n")
    project = folder / "block.yaml"
    project.write_text(
        "name: Block sun\n"
        "setup_config:\n"
        "  load_mode: csv\n"
        "  load_file: load.csv\n"
        "  solar_source: csv\n"
        "  solar_file: solar.csv\n"
        "  bess_efficiency: 100\n"
        "  bess_min_soc: 0\n"
        "  bess_max_soc: 100\n"
        "  bess_initial_soc: 50\n"
        "  dg_enabled: false\n"
        "rules_config: {}\n"
        "sizing_config:\n"
        "  capacity_min: 40\n"
        "  capacity_max: 160\n"
        "  capacity_step: 40\n"
        "  durations: [4]\n"
        "  optimization_goal: {delivery_mode: at_least, delivery_target_pct: 99}\n"
        "costs: {installation_pct: 0}\n"
    )
    return project


@pytest.fixture(scope="session")
def block_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """Project, run folder and result of one `size run --json` over 40..160 MWh."""
    folder = tmp_path_factory.mktemp("block")
    project = write_block_sun(folder)
    out = folder / "run"
    return project, out, Command()("size", "run", project, "--charts", "--out", out, "--json")


@pytest.fixture
def block_sun(tmp_path: Path) -> Path:
    return write_block_sun(tmp_path)
