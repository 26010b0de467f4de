"""A sizing project from a file: `load_project` reads, checks and completes it; percent becomes fractions once.

Source: sizing plan, sections 4.2 (keys, defaults) and 10 (rules to keep); decisions 9, 13 to 18.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.errors import Problems
from afterbay.core.units import percent_to_fraction
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.project.checks import check_rules, check_setup, read_costs, read_goal, read_grid
from afterbay.sizing.project.document import read_document
from afterbay.sizing.project.keys import SECTIONS, read_section
from afterbay.sizing.project.profiles import load_series, match, solar_series
from afterbay.sizing.project.words import default_sentences, unused_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from afterbay.sizing.cost import CapitalCosts
    from afterbay.sizing.goal import Goal
    from afterbay.sizing.grid import SizeGrid
    from afterbay.sizing.project.profiles import Series
    from afterbay.sizing.templates import Template

__all__ = ["Project", "load_project", "params_of_config", "profile_hash"]


@dataclass(frozen=True, eq=False)
class Project:
    """A checked project: what to simulate, which sizes, what to aim at, and all that was assumed."""

    path: Path
    name: str
    description: str
    customer_reference: str | None
    config: dict[str, dict[str, Any]]
    """The sections with every default filled in, shares in percent, as they are stored."""
    load: Series
    solar: Series
    template: Template
    grid: SizeGrid
    goal: Goal
    costs: CapitalCosts
    assumptions: tuple[str, ...]
    """Sentences on what was read, built, scaled or taken by default."""
    warnings: tuple[str, ...]

    def params(self) -> SimulationParams:
        """Return the plant; its sizes are those of the first case of the grid, a sweep replaces them."""
        return params_of_config(self.config, self.load.values, self.solar.values, self.load.dt_h, self.grid)

    @property
    def start(self) -> datetime | None:
        """Start of the first step, if load or sun have a calendar."""
        return self.solar.start or self.load.start

    @property
    def files(self) -> tuple[Path, ...]:
        """Files besides the project file that the results depend on."""
        return tuple(series.file for series in (self.load, self.solar) if series.file is not None)

    @cached_property
    def input_hash(self) -> str:
        """SHA-256 over everything that decides the results: settings and profiles, not names or places."""
        return profile_hash(self.config, self.load.values, self.solar.values, self.load.dt_h)


def load_project(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Project:
    """Read a project file in YAML or JSON.

    Args:
        path: The file; paths inside it start from its folder.
        overrides: Values to use in place of the file's, by path (`setup_config.load_mw`).

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: With every problem of the file, each with its key and line.
        MissingExtraError: If a profile needs a package that is not installed.
    """
    document = read_document(Path(path)).with_overrides(overrides or {})
    problems = Problems()
    top = read_section("", document, problems)
    config = {name: read_section(name, document, problems) for name in SECTIONS if name}
    setup, rules, sizing = (config[name] for name in ("setup_config", "rules_config", "sizing_config"))
    check_setup(setup, document, problems)
    found = check_rules(setup, rules, document, problems)
    goal = read_goal(sizing, document, problems)
    solar = solar_series(setup, document, problems)
    # Without the sun a built load has no length, but a file of its own can still be judged.
    load = None
    if solar is not None:
        load = load_series(setup, document, solar, problems)
        if load is not None:
            match(load, solar, document, problems)
    grid = read_grid(setup, sizing, solar.base_mw if solar else None, document, problems)
    problems.raise_if_any()
    if solar is None or load is None or grid is None:
        raise AssertionError("a project without problems has profiles and sizes")
    config["rules_config"]["inferred_template"] = found.template.number
    config["sizing_config"]["optimization_goal"] = goal.to_dict()
    warnings = [*found.warnings, *load.warnings, *solar.warnings]
    if grid.warning:
        warnings.append(grid.warning)
    project = Project(
        document.path,
        str(top["name"] or document.path.stem),
        str(top["description"] or ""),
        top["customer_reference"],
        config,
        load,
        solar,
        found.template,
        grid,
        goal,
        read_costs(config["costs"]),
        (
            *solar.sentences,
            *load.sentences,
            *unused_sentences(config, document.values, found.template),
            *default_sentences(config, document.values, found.template),
        ),
        tuple(warnings),
    )
    project.params()  # a last look at the whole, before anybody waits for results
    return project


_PARAMS: Final = {
    "setup_config": (
        "bess_daily_cycle_limit", "bess_enforce_cycle_limit", "dg_enabled", "dg_operating_mode",
        "dg_fuel_curve_enabled", "dg_fuel_f0", "dg_fuel_f1", "dg_fuel_flat_rate", "binary_delivery",
    ),
    "rules_config": (
        "dg_charges_bess", "dg_load_priority", "dg_takeover_mode", "allow_emergency_dg_day",
        "allow_emergency_dg_night", "night_start_hour", "night_end_hour", "day_start_hour", "day_end_hour",
        "blackout_start_hour", "blackout_end_hour", "cycle_charging_enabled", "dg_off_trigger",
    ),
}  # fmt: skip
"""Keys that `SimulationParams` has under the same name and in the same unit."""

_PERCENT: Final = {
    "setup_config": {
        "bess_efficiency": "bess_efficiency",
        "bess_min_soc": "bess_min_soc",
        "bess_max_soc": "bess_max_soc",
        "bess_initial_soc": "bess_initial_soc",
        "dg_min_load_pct": "dg_min_load",
    },
    "rules_config": {
        "soc_on_threshold": "dg_soc_on_threshold",
        "soc_off_threshold": "dg_soc_off_threshold",
        "emergency_soc_threshold": "emergency_soc_threshold",
        "cycle_charging_min_load_pct": "cycle_charging_min_load",
        "cycle_charging_off_soc": "cycle_charging_off_soc",
    },
}
"""Keys in percent and the fractions of `SimulationParams` they become."""


def params_of_config(
    config: Mapping[str, Mapping[str, Any]],
    load_mw: np.ndarray[Any, np.dtype[np.float64]],
    solar_mw: np.ndarray[Any, np.dtype[np.float64]],
    dt_h: float,
    grid: SizeGrid,
) -> SimulationParams:
    """Return the plant of complete sections, with the sizes of the first case of `grid`.

    Args:
        config: Sections as `Project.config` holds them, shares in percent.
        load_mw: Load [MW], shape (n,).
        solar_mw: Solar [MW], shape (n,).
        dt_h: Step [h].
        grid: The sizes.

    Raises:
        InvalidInputError: If the whole cannot be simulated.
    """
    values: dict[str, Any] = {name: config[section][name] for section, names in _PARAMS.items() for name in names}
    for section, names in _PERCENT.items():
        values |= {inside: percent_to_fraction(config[section][name]) for name, inside in names.items()}
    template = config["rules_config"]["inferred_template"]
    if template not in (2, 4, 5, 6):
        # Nothing reads the band under the other templates, so it need not be in order there.
        del values["dg_soc_on_threshold"], values["dg_soc_off_threshold"]
    for name in ("blackout_start_hour", "blackout_end_hour"):
        if values[name] is None:
            del values[name]
    if not values["dg_enabled"]:
        # Without a generator its rules do not act, nor need they fit together.
        for name in _PARAMS["rules_config"]:
            values.pop(name, None)
    power = grid.bess_mwh[0] / grid.durations_h[0]
    return SimulationParams(
        load_profile=load_mw,
        solar_profile=solar_mw,
        dt_h=dt_h,
        bess_capacity=grid.bess_mwh[0],
        bess_charge_power=power,
        bess_discharge_power=power,
        dg_capacity=grid.dg_mw[0],
        **values,
    )


def profile_hash(
    config: Mapping[str, Any],
    load_mw: np.ndarray[Any, np.dtype[np.float64]],
    solar_mw: np.ndarray[Any, np.dtype[np.float64]],
    dt_h: float,
) -> str:
    """Return the SHA-256 of settings and profiles, the same on every machine."""
    digest = hashlib.sha256(json.dumps([config, dt_h], sort_keys=True, allow_nan=False).encode())
    for values in (load_mw, solar_mw):
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()
