"""A run as it was frozen: all that decides its numbers, so that any option gives the same bits again."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import afterbay
from afterbay.core.errors import OutOfRangeError, Problem, Problems, UnavailableError
from afterbay.sizing.goal import Goal
from afterbay.sizing.grid import SizeGrid
from afterbay.sizing.project import Project, params_of_config, profile_hash
from afterbay.sizing.project.checks import read_costs, read_grid
from afterbay.sizing.project.document import Document
from afterbay.sizing.project.profiles import Series
from afterbay.sizing.simulation import run_simulation
from afterbay.sizing.sweep import params_of_size
from afterbay.sizing.templates import resolve_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.sizing.simulation import HourlyResults

__all__ = ["MODULE", "freeze", "inputs_bytes", "label_of", "simulate_option", "sizes_of", "thaw"]

MODULE: Final = "bess-sizing"
"""Id of the module in manifests, permissions and the audit trail."""

_NOWHERE: Final = Path("project")


def freeze(project: Project) -> dict[str, Any]:
    """Return what a run must remember of a checked project, as JSON; profiles go beside it, see `inputs_bytes`.

    Args:
        project: The project with its profiles.
    """
    # What the importer found is part of the story that a report tells.
    read = [
        f"{title} file: {line.strip()}"
        for title, series in (("load", project.load), ("solar", project.solar))
        if series.report is not None
        for line in series.report.lines()
        if line.strip()
    ]
    return {
        "name": project.name,
        "description": project.description,
        "customer_reference": project.customer_reference,
        "config": project.config,
        "dt_h": project.load.dt_h,
        "start": project.start.isoformat() if project.start else None,
        "solar_base_mw": project.solar.base_mw,
        "assumptions": [*project.assumptions, *read],
        "warnings": list(project.warnings),
        "input_hash": project.input_hash,
        "afterbay": afterbay.__version__,
    }


def inputs_bytes(project: Project) -> bytes:
    """Return load and sun of a project as the bytes of one file."""
    raw = io.BytesIO()
    np.savez_compressed(raw, load_mw=project.load.values, solar_mw=project.solar.values)
    return raw.getvalue()


def thaw(facts: Mapping[str, Any], inputs: bytes) -> Project:
    """Return the project of a run as it was.

    Args:
        facts: What `freeze` returned.
        inputs: What `inputs_bytes` returned.

    Raises:
        UnavailableError: If the stored profiles are not those of the run.
    """
    with np.load(io.BytesIO(inputs), allow_pickle=False) as held:
        load_mw, solar_mw = held["load_mw"], held["solar_mw"]
    config = {name: dict(section) for name, section in facts["config"].items()}
    if profile_hash(config, load_mw, solar_mw, facts["dt_h"]) != facts["input_hash"]:
        raise UnavailableError("the stored profiles of this run do not match their hash -> start the run again")
    start = datetime.fromisoformat(facts["start"]) if facts["start"] else None
    setup, sizing = config["setup_config"], config["sizing_config"]
    problems = Problems()
    grid = read_grid(setup, sizing, facts["solar_base_mw"], Document(_NOWHERE, {}), problems)
    problems.raise_if_any()
    if grid is None:
        raise AssertionError("a grid without problems has sizes")
    return Project(
        _NOWHERE,
        facts["name"],
        facts["description"],
        facts["customer_reference"],
        config,
        Series(load_mw, facts["dt_h"], start),
        Series(solar_mw, facts["dt_h"], start, facts["solar_base_mw"]),
        resolve_template(config["rules_config"]["inferred_template"]),
        grid,
        Goal.from_dict(sizing["optimization_goal"]),
        read_costs(config["costs"]),
        tuple(facts["assumptions"]),
        tuple(facts["warnings"]),
    )


def sizes_of(project: Project, index: int) -> dict[str, float]:
    """Return the sizes of one option of a run.

    Args:
        project: The project of the run.
        index: Which option, from 0.

    Raises:
        OutOfRangeError: If the run has no such option.
    """
    count = len(project.grid)
    if not 0 <= index < count:
        raise OutOfRangeError(
            Problem("index", str(index), f"a whole number 0..{count - 1}", "take the `index` of a row of the results")
        )
    return {name: float(column[index]) for name, column in project.grid.columns.items()}


def simulate_option(project: Project, index: int) -> HourlyResults:
    """Run one option of a run again, with every hour; its totals are the bits of the sweep.

    Args:
        project: The project of the run.
        index: Which option, from 0.

    Raises:
        OutOfRangeError: If the run has no such option.
    """
    sizes = sizes_of(project, index)
    solar = sizes.get("solar_capacity")
    grid = SizeGrid(
        (sizes["capacity"],),
        (sizes["duration"],),
        (sizes["dg_capacity"],),
        None if solar is None else (solar,),
        project.grid.solar_base_mw,
    )
    load, sun = project.load, project.solar
    params = params_of_config(project.config, load.values, sun.values, load.dt_h, grid)
    return run_simulation(params_of_size(params, project.template, grid, 0), project.template)


def label_of(sizes: Mapping[str, Any]) -> str:
    """Name one option: `150 MWh / 37.5 MW, 10 MW generator`.

    Args:
        sizes: capacity [MWh], power [MW] and dg_capacity [MW]; solar_capacity [MW] where it varies.
    """
    text = f"{sizes['capacity']:,g} MWh / {round(sizes['power'], 2):,g} MW"
    if sizes["dg_capacity"] > 0.0:
        text += f", {sizes['dg_capacity']:,g} MW generator"
    if sizes.get("solar_capacity") is not None:
        text += f", {sizes['solar_capacity']:,g} MW solar"
    return text
