"""What the keys of a project must be together: rules that can be run, bounds in order, a grid of sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.core.units import percent_to_fraction
from afterbay.sizing.cost import CapitalCosts
from afterbay.sizing.goal import Goal
from afterbay.sizing.grid import SizeGrid, inclusive_range
from afterbay.sizing.templates import DISPATCH_TEMPLATES, TRIGGERS_OFFERED, Template, infer_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.sizing.project.document import Document

__all__ = ["Rules", "check_rules", "check_setup", "read_costs", "read_goal", "read_grid"]

_NARROW_BAND_POINTS: Final = 20.0

_WHY_NOT_OFFERED: Final = {
    ("anytime", "proactive"): "a proactive run needs a night to run in",
    ("day_only", "reactive"): "no template runs a generator by day as the last resort",
    ("day_only", "proactive"): "the proactive run is a night run",
    ("night_only", "reactive"): "no template runs a generator by night as the last resort",
    ("custom_blackout", "soc_based"): "outside a blackout the generator is the last resort, no battery level starts it",
    ("custom_blackout", "proactive"): "the proactive run is a night run",
}
"""Why some answers do not go together: none of the seven templates would do it."""


@dataclass(slots=True)
class Rules:
    """The rule that the answers of a project imply."""

    template: Template
    warnings: list[str]

    @property
    def uses_band(self) -> bool:
        """Does the state of charge start and stop the generator?"""
        return self.template.trigger == "soc_band"


def check_setup(setup: Mapping[str, Any], document: Document, problems: Problems) -> None:
    """Note what is wrong with the battery as a whole."""
    low, high, first = (setup[f"bess_{name}_soc"] for name in ("min", "max", "initial"))
    where = document.where
    if low >= high:
        problems.add(where("setup_config.bess_min_soc"), f"{low:g} % with bess_max_soc = {high:g} %",
                     "less than bess_max_soc", "lower it or raise bess_max_soc")  # fmt: skip
    elif not low <= first <= high:
        problems.add(where("setup_config.bess_initial_soc"), f"{first:g} %", f"{low:g}..{high:g} %, the battery's band",
                     "start the battery inside its band")  # fmt: skip


def check_rules(setup: Mapping[str, Any], rules: Mapping[str, Any], document: Document, problems: Problems) -> Rules:
    """Return the template that the answers imply, after noting why they cannot be run."""
    timing, trigger = rules["dg_timing"], rules["dg_trigger"]
    template = DISPATCH_TEMPLATES[infer_template(setup["dg_enabled"], timing, trigger)]
    found = Rules(template, [])
    _check_stated_template(rules, template, document, problems)
    if not setup["dg_enabled"]:
        return found
    where = document.where
    if trigger not in TRIGGERS_OFFERED[timing]:
        offered = " | ".join(TRIGGERS_OFFERED[timing])
        problems.add(where("rules_config.dg_trigger"), f"{trigger} with dg_timing {timing}", f"{offered} for {timing}",
                     _WHY_NOT_OFFERED[timing, trigger])  # fmt: skip
    if found.uses_band or trigger == "soc_based":
        _check_band(setup, rules, found, document, problems)
    if timing == "custom_blackout":
        _check_blackout(rules, document, problems)
    if rules["dg_off_trigger"] == "window_end" and not (found.uses_band and template.window in ("night", "day")):
        problems.add(where("rules_config.dg_off_trigger"), f"window_end with {template.label}",
                     "soc_band, or a generator that runs by state of charge in a night or day window",
                     "drop it or choose dg_timing night_only or day_only")  # fmt: skip
    if rules["cycle_charging_enabled"]:
        for place, wrong, allowed in (
            ("setup_config.dg_operating_mode", setup["dg_operating_mode"] != "variable", "variable"),
            ("rules_config.dg_charges_bess", not rules["dg_charges_bess"], "true"),
        ):
            if wrong:
                got = "binary" if "mode" in place else "false"
                problems.add(where(place), f"{got} with cycle_charging_enabled", allowed,
                             f"say {allowed}, or switch cycle charging off")  # fmt: skip
        if rules["cycle_charging_off_soc"] > setup["bess_max_soc"]:
            problems.add(where("rules_config.cycle_charging_off_soc"), f"{rules['cycle_charging_off_soc']:g} %",
                         f"{setup['bess_max_soc']:g} % (bess_max_soc) or less",
                         "the battery never rises this high, so cycle charging would never stop: lower it")  # fmt: skip
    return found


def read_goal(sizing: Mapping[str, Any], document: Document, problems: Problems) -> Goal:
    """Return the goal, or the default after noting what is wrong with it."""
    try:
        return Goal.from_dict(sizing["optimization_goal"])
    except InvalidInputError as error:
        _rename(error, "goal.", "sizing_config.optimization_goal.", document, problems)
        return Goal()


def read_costs(costs: Mapping[str, Any]) -> CapitalCosts:
    """Return the prices; the share of installation comes in percent."""
    prices = {name: float(value) for name, value in costs.items() if name != "installation_pct"}
    return CapitalCosts(**prices, installation_fraction=percent_to_fraction(costs["installation_pct"]))


def read_grid(
    setup: Mapping[str, Any], sizing: Mapping[str, Any], solar_base_mw: float | None, document: Document,
    problems: Problems,
) -> SizeGrid | None:  # fmt: skip
    """Return the sizes to run, or None after noting why there are none."""
    before = len(problems.found)
    battery = _axis("capacity", sizing, document, problems)
    generator = _axis("dg", sizing, document, problems) if setup["dg_enabled"] else (0.0,)
    solar = None
    given = [key for key in ("solar_min", "solar_max", "solar_step") if sizing[key] is not None]
    if len(given) == 3 or sizing["solar_values"] is not None:
        solar = _axis("solar", sizing, document, problems)
    elif given:
        missing = ", ".join(key for key in ("solar_min", "solar_max", "solar_step") if key not in given)
        problems.add(document.where(f"sizing_config.{given[0]}"), f"without {missing}",
                     "solar_min, solar_max and solar_step together", f"add {missing}, or drop the others")  # fmt: skip
    if len(problems.found) > before or battery is None or generator is None:
        return None
    try:
        return SizeGrid(battery, tuple(sizing["durations"]), generator, solar, solar_base_mw if solar else None)
    except InvalidInputError as error:
        _rename(error, "", "sizing_config.", document, problems)
        return None


_AXES: Final = {
    "bess_mwh": "capacity_values",
    "durations_h": "durations",
    "dg_mw": "dg_values",
    "solar_mw": "solar_values",
}


def _axis(name: str, sizing: Mapping[str, Any], document: Document, problems: Problems) -> tuple[float, ...] | None:
    if sizing[f"{name}_values"] is not None:
        return tuple(sizing[f"{name}_values"])
    least, most, step = (float(sizing[f"{name}_{end}"]) for end in ("min", "max", "step"))
    where = f"sizing_config.{name}"
    before = len(problems.found)
    if least > most:
        problems.add(document.where(f"{where}_min"), f"{least:g} with {name}_max = {most:g}", f"at most {name}_max",
                     "swap the two or raise the maximum")  # fmt: skip
    if step <= 0.0 and least != most:
        problems.add(document.where(f"{where}_step"), f"{step:g}", "above 0", "give the distance of two sizes")
    elif least < most and (most - least) / step > 1e6:
        problems.add(document.where(f"{where}_step"), f"{step:g}", "at most 50,000 cases in all", "take wider steps")
    return inclusive_range(least, most, step) if len(problems.found) == before else None


def _check_stated_template(
    rules: Mapping[str, Any], template: Template, document: Document, problems: Problems
) -> None:
    stated = rules["inferred_template"]
    if stated is not None and stated != template.number:
        answers = f"dg_timing {rules['dg_timing']} and dg_trigger {rules['dg_trigger']}"
        if template.number == 0:
            answers = "dg_enabled false"
        problems.add(
            document.where("rules_config.inferred_template"),
            f"{stated} ({DISPATCH_TEMPLATES[stated].label})",
            f"{template.number} ({template.label}), which {answers} imply",
            "correct the answers, or drop inferred_template: it follows from them",
        )


def _check_band(
    setup: Mapping[str, Any], rules: Mapping[str, Any], found: Rules, document: Document, problems: Problems
) -> None:
    on, off = rules["soc_on_threshold"], rules["soc_off_threshold"]
    where = document.where
    before = len(problems.found)
    if on >= off:
        problems.add(where("rules_config.soc_on_threshold"), f"ON {on:g} % with OFF {off:g} %",
                     "ON below OFF (soc_off_threshold)", "lower ON or raise OFF")  # fmt: skip
    if on < setup["bess_min_soc"]:
        problems.add(where("rules_config.soc_on_threshold"), f"{on:g} %",
                     f"{setup['bess_min_soc']:g} % (bess_min_soc) or more",
                     "the battery never falls this low, so the generator would never start: raise it")  # fmt: skip
    if off > setup["bess_max_soc"]:
        problems.add(where("rules_config.soc_off_threshold"), f"{off:g} %",
                     f"{setup['bess_max_soc']:g} % (bess_max_soc) or less",
                     "the battery never rises this high, so the generator would never stop: lower it")  # fmt: skip
    if len(problems.found) == before and off - on < _NARROW_BAND_POINTS:
        found.warnings.append(
            f"the generator's band ON {on:g} % to OFF {off:g} % is narrower than {_NARROW_BAND_POINTS:g} points: "
            "expect many starts"
        )


def _check_blackout(rules: Mapping[str, Any], document: Document, problems: Problems) -> None:
    start, end = rules["blackout_start_hour"], rules["blackout_end_hour"]
    for key, hour in (("blackout_start_hour", start), ("blackout_end_hour", end)):
        if hour is None:
            problems.add(document.where(f"rules_config.{key}"), "nothing", "an hour of the day",
                         "custom_blackout needs both hours")  # fmt: skip
    if start is not None and start == end:
        problems.add(document.where("rules_config.blackout_start_hour"), f"{start}:00 to {end}:00",
                     "a start other than the end", "give the hours in which the generator must rest")  # fmt: skip


def _rename(error: InvalidInputError, old: str, new: str, document: Document, problems: Problems) -> None:
    for problem in error.problems:
        name = problem.where.removeprefix(old)
        place = document.where(new + _AXES.get(name, name)) if name != "grid" else "sizing_config"
        problems.extend([Problem(place, problem.got, problem.allowed, problem.next_move)])
