"""A project in sentences: its rules, what was given and does not act, what was not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from afterbay.sizing.project.keys import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.sizing.project.model import Project
    from afterbay.sizing.templates import Template

__all__ = ["default_sentences", "rules_in_words", "unused_sentences"]

_LOAD_KEYS: Final = {
    "constant": ("load_mw",),
    "day_only": ("load_mw", "load_day_start", "load_day_end"),
    "night_only": ("load_mw", "load_night_start", "load_night_end"),
    "seasonal": (
        "load_mw", "load_season_start_month", "load_season_end_month", "load_season_day_start", "load_season_day_end",
    ),
    "custom": ("load_windows",),
    "csv": ("load_file", "load_import"),
}  # fmt: skip
_PLANE: Final = ("year", "tilt", "azimuth", "dc_ac_ratio", "solar_loss_pct")
_SOLAR_KEYS: Final = {
    "csv": ("solar_file", "solar_import"),
    "typical_year": ("weather_file", *_PLANE),
    "clear_sky": ("latitude", "longitude", "altitude", "utc_offset_h", *_PLANE),
}
_SHOWN_DEFAULTS: Final = {
    "setup_config": ("bess_efficiency", "bess_min_soc", "bess_max_soc", "bess_initial_soc"),
    "rules_config": ("dg_timing", "dg_trigger", "dg_takeover_mode"),
    "costs": ("bess_usd_per_mwh", "bess_usd_per_mw", "dg_usd_per_mw", "installation_pct"),
}
"""Defaults that move the result and are not visible elsewhere."""


def rules_in_words(project: Project) -> list[str]:
    """Return how the plant is run, in plain words."""
    setup, rules = project.config["setup_config"], project.config["rules_config"]
    template = project.template
    lines = [f"{template.label}: {template.description}"]
    if template.window == "never":
        return [*lines, "Solar serves the load first, its surplus charges the battery, the battery serves the rest."]
    windows = {
        "always": "at any hour",
        "night": f"by night, {rules['night_start_hour']}:00 to {rules['night_end_hour']}:00",
        "day": f"by day, {rules['day_start_hour']}:00 to {rules['day_end_hour']}:00",
        "not_blackout": f"at any hour but {rules['blackout_start_hour']}:00 to {rules['blackout_end_hour']}:00",
    }
    lines.append(f"The generator may run {windows[template.window]}.")
    if template.trigger == "soc_band":
        stop = f"stops at {rules['soc_off_threshold']:g} %"
        if rules["dg_off_trigger"] == "window_end":
            lines.append("It runs from the first hour of its window to the last.")
        else:
            lines.append(f"It starts when the battery falls to {rules['soc_on_threshold']:g} % and {stop}.")
    else:
        first = "before" if rules["dg_load_priority"] == "dg_first" else "after"
        lines.append(f"It starts when solar leaves the load short, {first} the battery.")
    lines.append(
        "It charges the battery with what the load leaves over."
        if rules["dg_charges_bess"]
        else "It does not charge the battery."
    )
    if rules["dg_takeover_mode"]:
        lines.append(
            "Takeover: where its rating covers the load, it takes the whole load when solar and battery cannot."
        )
    if template.emergency != "none" and rules[f"allow_emergency_dg_{template.emergency}"]:
        lines.append(
            f"Emergency: outside its window it may run when the battery is at {rules['emergency_soc_threshold']:g} %."
        )
    if setup["dg_operating_mode"] == "variable":
        lines.append(f"Its output follows the load, down to {setup['dg_min_load_pct']:g} % of its rating.")
    if rules["cycle_charging_enabled"]:
        lines.append(
            f"Cycle charging: while the battery is below {rules['cycle_charging_off_soc']:g} %, a running generator "
            f"gives at least {rules['cycle_charging_min_load_pct']:g} % of its rating, to charge it."
        )
    return lines


def unused_sentences(
    config: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], template: Template
) -> list[str]:
    """Name keys that are given but cannot act under the choices made."""
    setup, rules = config["setup_config"], config["rules_config"]
    groups: list[tuple[str, list[str], str]] = []
    mode = setup["load_mode"]
    others = [key for keys in _LOAD_KEYS.values() for key in keys if key not in _LOAD_KEYS[mode]]
    groups.append(("setup_config", others, f"load_mode is {mode}"))
    source = setup["solar_source"] or ("csv" if setup["solar_file"] else "typical_year")
    others = [key for keys in _SOLAR_KEYS.values() for key in keys if key not in _SOLAR_KEYS[source]]
    groups.append(("setup_config", others, f"the sun is {source}"))
    if not setup["dg_enabled"]:
        groups.append(("rules_config", [key for key in SECTIONS["rules_config"] if key != "inferred_template"],
                       "there is no generator"))  # fmt: skip
        groups.append(("sizing_config", ["dg_min", "dg_max", "dg_step", "dg_values"], "there is no generator"))
    else:
        if template.trigger != "soc_band":
            keys = ["soc_on_threshold", "soc_off_threshold", "emergency_soc_threshold"]
            groups.append(("rules_config", keys, f"{template.label} does not look at the state of charge"))
        if template.window != "not_blackout":
            groups.append(("rules_config", ["blackout_start_hour", "blackout_end_hour"],
                           f"{template.label} has no blackout"))  # fmt: skip
        if not rules["cycle_charging_enabled"]:
            keys = ["cycle_charging_min_load_pct", "cycle_charging_off_soc"]
            groups.append(("rules_config", keys, "cycle charging is off"))
        if setup["dg_operating_mode"] == "binary":
            groups.append(("setup_config", ["dg_min_load_pct"], "dg_operating_mode is binary"))
    sentences = []
    for section, keys, reason in groups:
        held = given.get(section)
        found = sorted({key for key in keys if isinstance(held, dict) and key in held}, key=keys.index)
        if found:
            sentences.append(f"given but without effect, because {reason}: {', '.join(found)}")
    return sentences


def default_sentences(
    config: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], template: Template
) -> list[str]:
    """Name the defaults that stand in for keys that are not given."""
    taken = []
    for section, keys in _SHOWN_DEFAULTS.items():
        if section == "rules_config" and template.window == "never":
            continue
        held = given.get(section) or {}
        taken += [f"{key} {_plain(config[section][key])}" for key in keys if key not in held]
    sentences = [f"defaults of the sizing plan: {', '.join(taken)}"] if taken else []
    if config["setup_config"]["bess_daily_cycle_limit"] is None:
        sentences.append("no limit on the battery's cycles per day")
    return sentences


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,g}" if isinstance(value, float) else str(value)
