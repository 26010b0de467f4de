"""Every key that a project file may hold: its kind, its bounds and its default. Shares are in percent.

Source: sizing plan, section 4.2 (names and defaults); decisions 9 and 13 to 17.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from afterbay.core.errors import Problems
    from afterbay.sizing.project.document import Document

__all__ = ["SECTIONS", "Key", "read_section", "suggest"]

Kind = Literal["number", "percent", "whole", "flag", "choice", "text", "numbers", "mapping", "windows"]


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand under one key."""

    kind: Kind
    default: Any = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    or_none: bool = False
    unit: str = ""
    looks_like_fraction: float = 0.0
    """A percentage above 0 and up to this was surely meant as a fraction."""


def _mw(default: float | None, *, above: float | None = None) -> Key:
    least = 0.0 if above is None else None
    return Key("number", default, least=least, above=above, or_none=default is None, unit="MW")


def _percent(default: float, *, above: float | None = None, fraction_below: float = 0.0) -> Key:
    least = 0.0 if above is None else None
    return Key("percent", default, least, 100.0, above, unit="%", looks_like_fraction=fraction_below)


def _hour(default: int | None, most: int) -> Key:
    return Key("whole", default, 0, most, or_none=default is None, unit="h")


def _flag(default: bool | None) -> Key:
    return Key("flag", default, or_none=default is None)


def _choice(default: str, *choices: str) -> Key:
    return Key("choice", default, choices=choices)


_TEXT = Key("text", None, or_none=True)
_MAPPING = Key("mapping", MappingProxyType({}))

_TOP: Final = {"name": _TEXT, "description": _TEXT, "customer_reference": _TEXT}

_SETUP: Final = {
    "load_mode": _choice("constant", "constant", "day_only", "night_only", "seasonal", "custom", "csv"),
    "load_mw": _mw(25.0, above=0.0),
    "load_day_start": _hour(6, 24),
    "load_day_end": _hour(18, 24),
    "load_night_start": _hour(18, 24),
    "load_night_end": _hour(6, 24),
    "load_season_start_month": Key("whole", 4, 1, 12),
    "load_season_end_month": Key("whole", 10, 1, 12),
    "load_season_day_start": _hour(8, 24),
    "load_season_day_end": _hour(0, 24),
    "load_windows": Key("windows", ()),
    "load_file": _TEXT,
    "load_import": _MAPPING,
    "solar_source": Key("choice", None, choices=("csv", "typical_year", "clear_sky"), or_none=True),
    "solar_file": _TEXT,
    "solar_import": _MAPPING,
    "solar_capacity_mw": _mw(None, above=0.0),
    "weather_file": _TEXT,
    "latitude": Key("number", None, -90.0, 90.0, or_none=True, unit="degrees"),
    "longitude": Key("number", None, -180.0, 180.0, or_none=True, unit="degrees"),
    "altitude": Key("number", 0.0, -500.0, 9000.0, unit="m"),
    "utc_offset_h": Key("number", None, -12.0, 14.0, or_none=True, unit="h"),
    "year": Key("whole", 2019, 1900, 2100),
    "tilt": Key("number", 35.0, 0.0, 90.0, unit="degrees"),
    "azimuth": Key("number", None, 0.0, 360.0, or_none=True, unit="degrees"),
    "dc_ac_ratio": Key("number", 1.2, above=0.0),
    "solar_loss_pct": _percent(14.0, fraction_below=0.99),
    "bess_efficiency": _percent(87.0, above=0.0, fraction_below=1.5),
    "bess_min_soc": _percent(5.0),
    "bess_max_soc": _percent(95.0, above=0.0, fraction_below=1.5),
    "bess_initial_soc": _percent(50.0),
    "bess_daily_cycle_limit": Key("number", None, above=0.0, or_none=True, unit="cycles"),
    "bess_enforce_cycle_limit": _flag(None),
    "dg_enabled": _flag(True),
    "dg_operating_mode": _choice("binary", "binary", "variable"),
    "dg_min_load_pct": _percent(30.0, fraction_below=1.0),
    "dg_fuel_curve_enabled": _flag(False),
    "dg_fuel_f0": Key("number", 0.03, 0.0, unit="L/h per kW of rating"),
    "dg_fuel_f1": Key("number", 0.22, 0.0, unit="L/kWh"),
    "dg_fuel_flat_rate": Key("number", 0.25, 0.0, unit="L/kWh"),
    "binary_delivery": _flag(False),
}

_RULES: Final = {
    "dg_timing": _choice("anytime", "anytime", "day_only", "night_only", "custom_blackout"),
    "dg_trigger": _choice("reactive", "reactive", "soc_based", "proactive"),
    "dg_charges_bess": _flag(False),
    "dg_load_priority": _choice("bess_first", "bess_first", "dg_first"),
    "dg_takeover_mode": _flag(True),
    "soc_on_threshold": _percent(20.0, fraction_below=1.0),
    "soc_off_threshold": _percent(80.0, fraction_below=1.0),
    "emergency_soc_threshold": _percent(15.0, fraction_below=1.0),
    "allow_emergency_dg_day": _flag(False),
    "allow_emergency_dg_night": _flag(False),
    "night_start_hour": _hour(18, 23),
    "night_end_hour": _hour(6, 24),
    "day_start_hour": _hour(6, 23),
    "day_end_hour": _hour(18, 24),
    "blackout_start_hour": _hour(None, 23),
    "blackout_end_hour": _hour(None, 24),
    "cycle_charging_enabled": _flag(False),
    "cycle_charging_min_load_pct": _percent(70.0, fraction_below=1.0),
    "cycle_charging_off_soc": _percent(80.0, fraction_below=1.0),
    "dg_off_trigger": _choice("soc_band", "soc_band", "window_end"),
    "inferred_template": Key("whole", None, 0, 6, or_none=True),
}

_SIZING: Final = {
    "capacity_min": Key("number", 50.0, 0.0, unit="MWh"),
    "capacity_max": Key("number", 200.0, 0.0, unit="MWh"),
    "capacity_step": Key("number", 25.0, 0.0, unit="MWh"),
    "capacity_values": Key("numbers", None, 0.0, or_none=True, unit="MWh"),
    "durations": Key("numbers", (2.0, 4.0), above=0.0, unit="h"),
    "dg_min": _mw(0.0),
    "dg_max": _mw(20.0),
    "dg_step": _mw(5.0),
    "dg_values": Key("numbers", None, 0.0, or_none=True, unit="MW"),
    "solar_min": _mw(None),
    "solar_max": _mw(None),
    "solar_step": _mw(None),
    "solar_values": Key("numbers", None, 0.0, or_none=True, unit="MW"),
    "optimization_goal": _MAPPING,
}

_COSTS: Final = {
    "bess_usd_per_mwh": Key("number", 300_000.0, 0.0, unit="USD/MWh"),
    "bess_usd_per_mw": Key("number", 50_000.0, 0.0, unit="USD/MW"),
    "dg_usd_per_mw": Key("number", 200_000.0, 0.0, unit="USD/MW"),
    "solar_usd_per_mw": Key("number", 0.0, 0.0, unit="USD/MW"),
    "installation_pct": _percent(15.0, fraction_below=0.99),
}

SECTIONS: Final[Mapping[str, Mapping[str, Key]]] = MappingProxyType(
    {"": _TOP, "setup_config": _SETUP, "rules_config": _RULES, "sizing_config": _SIZING, "costs": _COSTS}
)
"""Keys by section; the section "" is the top of the file."""

_REQUIRED: Final = ("setup_config", "rules_config", "sizing_config")


def suggest(key: object, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Name the nearest known key, or all of them."""
    near = get_close_matches(str(key), list(known), n=1)
    return f"did you mean {near[0]}?" if near else "remove it or correct its name"


def read_section(name: str, document: Document, problems: Problems) -> dict[str, Any]:
    """Return one section with its defaults filled in; what cannot be used is noted and takes its default."""
    known = SECTIONS[name]
    given: Any = document.values if name == "" else document.values.get(name)
    if given is None:
        if name in _REQUIRED and name not in document.values:
            problems.add(name, "nothing", "a section of named values", f"add `{name}:`, it may be empty ({{}})")
        given = {}
    if not isinstance(given, dict):
        problems.add(document.where(name), _shown(given), "a section of named values", "give key: value pairs")
        given = {}
    prefix = f"{name}." if name else ""
    sections = tuple(section for section in SECTIONS if section)
    for key in given:
        if key not in known and not (name == "" and key in sections):
            move = suggest(key, (*known, *sections) if name == "" else known)
            problems.add(document.where(f"{prefix}{key}"), "an unknown key", "keys of the project file", move)
    values = {}
    for key, rule in known.items():
        value = given.get(key, rule.default)
        if key in given and not _check(document.where(f"{prefix}{key}"), value, rule, problems):
            value = rule.default
        if value is None and not rule.or_none:
            value = rule.default
        if rule.kind == "mapping":
            value = dict(value)
        elif rule.kind in ("numbers", "windows") and value is not None:
            value = [float(item) if rule.kind == "numbers" else item for item in value]
        elif rule.kind in ("number", "percent") and value is not None:
            value = float(value)  # 10 and 10.0 are one answer, and one hash
        values[key] = value
    return values


def _check(where: str, value: object, rule: Key, problems: Problems) -> bool:
    before = len(problems.found)
    if value is None:
        if not rule.or_none:
            problems.add(where, "nothing", _allowed(rule), f"give a value, or drop the key for {_shown(rule.default)}")
    elif rule.kind in ("number", "percent", "whole"):
        _check_number(where, value, rule, problems)
    elif rule.kind == "numbers":
        if not isinstance(value, list) or not value:
            problems.add(where, _shown(value), "a list of numbers", "give at least one, such as [2, 4]")
        else:
            for place, number in enumerate(value):
                _check_number(f"{where} [{place}]", number, rule, problems)
    elif rule.kind == "flag":
        if not isinstance(value, bool):
            problems.add(where, _shown(value), "true or false", "write true or false")
    elif rule.kind == "choice":
        if value not in rule.choices:
            problems.add(where, _shown(value), " | ".join(rule.choices), suggest(value, rule.choices))
    elif rule.kind == "text":
        if not isinstance(value, str) or not value.strip():
            problems.add(where, _shown(value), "text", "write some text, in quotes if it looks like a number")
    elif rule.kind == "mapping":
        if not _is_plain(value):
            problems.add(where, _shown(value), "a section of named plain values", "give key: value pairs")
    elif not isinstance(value, list) or not all(_is_plain(window) for window in value):
        problems.add(where, _shown(value), "a list of {start, end, mw}", "give one entry per window")
    return len(problems.found) == before


def _check_number(where: str, value: object, rule: Key, problems: Problems) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        problems.add(where, _shown(value), _allowed(rule), "give a number, without quotes or a unit")
        return
    if rule.kind == "whole" and not isinstance(value, int):
        problems.add(where, _shown(value), _allowed(rule), "give a whole number")
        return
    if abs(value) > 1e15 or not math.isfinite(value):
        problems.add(where, f"{value:.3g}", _allowed(rule), "give a finite number")
    elif 0.0 < value <= rule.looks_like_fraction:
        problems.add(where, f"{value:g} %", _allowed(rule), f"did you mean {value * 100:g} %?")
    elif (
        (rule.least is not None and value < rule.least)
        or (rule.most is not None and value > rule.most)
        or (rule.above is not None and value <= rule.above)
    ):
        problems.add(where, f"{value:g} {rule.unit}".rstrip(), _allowed(rule), "give a number in this range")


def _is_plain(value: object) -> bool:
    """Is this a mapping of names to text, numbers, true, false or nothing?"""
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and (item is None or isinstance(item, (str, int)) or (isinstance(item, float) and math.isfinite(item)))
        for name, item in value.items()
    )


def _allowed(rule: Key) -> str:
    if rule.kind == "choice":
        return " | ".join(rule.choices)
    if rule.kind not in ("number", "percent", "whole", "numbers"):
        return {"flag": "true or false", "text": "text"}.get(rule.kind, "named values")
    bounds = [f"above {rule.above:g}"] if rule.above is not None else []
    if rule.least is not None:
        bounds.append(f"{rule.least:g} or more" if rule.most is None else f"{rule.least:g}..{rule.most:g}")
    elif rule.most is not None:
        bounds.append(f"up to {rule.most:g}")
    kind = "a whole number" if rule.kind == "whole" else "a number"
    return f"{kind} {' and '.join(bounds)} {rule.unit}".replace("  ", " ").rstrip() + (
        ", or nothing" if rule.or_none else ""
    )


def _shown(value: object) -> str:
    # Bounded: a file may hold a list that refers to itself a million times.
    return reprlib.repr(value)
