"""What a project assumes, as rows: value, unit, and whether the project says so or the sizing plan's default does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from afterbay.sizing.project.keys import SECTIONS
from afterbay.sizing.report.parts import Assumption

if TYPE_CHECKING:
    from afterbay.sizing.project.model import Project

__all__ = ["project_assumptions", "project_notes"]

_FROM_PLAN: Final = "as the default of the sizing plan"
_FROM_PROJECT: Final = "project"

# key, name, what must hold for the key to act
_SETUP: Final = (
    ("solar_capacity_mw", "Solar panels", ""),
    ("bess_efficiency", "Battery efficiency, round trip", ""),
    ("bess_min_soc", "Lowest state of charge", ""),
    ("bess_max_soc", "Highest state of charge", ""),
    ("bess_initial_soc", "State of charge at the start", ""),
    ("bess_daily_cycle_limit", "Battery cycles a day, at most", ""),
    ("binary_delivery", "An hour is served whole or not at all", ""),
    ("dg_operating_mode", "Generator output (binary: full or off)", "generator"),
    ("dg_min_load_pct", "Generator output, at least", "variable"),
    ("dg_fuel_flat_rate", "Fuel, flat rate", "flat"),
    ("dg_fuel_f0", "Fuel, standing", "curve"),
    ("dg_fuel_f1", "Fuel, rising with output", "curve"),
)
_RULES: Final = (
    ("dg_timing", "When the generator may run", "generator"),
    ("dg_trigger", "What starts the generator", "generator"),
    ("dg_load_priority", "Who serves the load first", "generator"),
    ("dg_charges_bess", "Generator charges the battery", "generator"),
    ("dg_takeover_mode", "Generator takes the whole load", "generator"),
    ("soc_on_threshold", "Generator starts at a state of charge of", "band"),
    ("soc_off_threshold", "Generator stops at a state of charge of", "band"),
)
_COSTS: Final = (
    ("bess_usd_per_mwh", "Battery energy, price", "USD/MWh"),
    ("bess_usd_per_mw", "Battery power, price", "USD/MW"),
    ("dg_usd_per_mw", "Generator, price", "USD/MW"),
    ("solar_usd_per_mw", "Solar plant, price", "USD/MW"),
    ("installation_pct", "Installation, on top of all prices", "%"),
)


def project_assumptions(project: Project) -> list[Assumption]:
    """Return every setting that acts on the result; shares in percent, as the project holds them."""
    setup = project.config["setup_config"]
    generator = bool(setup["dg_enabled"]) and project.template.window != "never"
    acts = {
        "": True,
        "generator": generator,
        "variable": generator and setup["dg_operating_mode"] == "variable",
        "flat": generator and not setup["dg_fuel_curve_enabled"],
        "curve": generator and bool(setup["dg_fuel_curve_enabled"]),
        "band": generator and project.template.trigger == "soc_band",
    }
    found = [_row(project, "setup_config", key, name) for key, name, needs in _SETUP if acts[needs]]
    found += [_row(project, "rules_config", key, name) for key, name, needs in _RULES if acts[needs]]
    found += [_row(project, "costs", key, name, unit) for key, name, unit in _COSTS]
    return [row for row in found if row.value is not None]


def project_notes(project: Project) -> list[str]:
    """Return what was read, built, scaled or taken by default, and what the files needed to be readable."""
    notes = [*project.assumptions, *project.warnings]
    for title, series in (("load", project.load), ("solar", project.solar)):
        if series.report is not None:
            notes += [f"{title} file: {line.strip()}" for line in series.report.lines() if line.strip()]
    return notes


def _row(project: Project, section: str, key: str, name: str, unit: str = "") -> Assumption:
    value: Any = project.config[section][key]
    known = SECTIONS[section][key]
    shown = _in_words(value) if known.kind == "choice" else value
    unit = unit or known.unit
    return Assumption(name, shown, unit, _FROM_PLAN if value == known.default else _FROM_PROJECT)


def _in_words(choice: str) -> str:
    return choice.replace("_", " ").replace("bess", "battery").replace("dg", "generator")
