"""From the stored answers of a project to a project of the library: the one that `afterbay size run` uses.

`study_of` gives what `afterbay.sizing.project.load_project` would give for a file of the same content, to the bit
and with the same hash of inputs; only that profiles come from the store. A problem names its place by a pointer
such as `/setup/bess_min_soc`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.profiles import scale_solar
from afterbay.sizing.project.checks import check_rules, check_setup, read_costs, read_goal, read_grid
from afterbay.sizing.project.document import Document
from afterbay.sizing.project.keys import SECTIONS, read_section
from afterbay.sizing.project.model import Project
from afterbay.sizing.project.profiles import Series, load_series, match, solar_series
from afterbay.sizing.project.words import default_sentences, rules_in_words, unused_sentences
from afterbay.sizing.templates import DISPATCH_TEMPLATES, infer_template

if TYPE_CHECKING:
    from uuid import UUID

    from afterbay.profiles import Profile
    from afterbay.sizing.templates import Template

__all__ = ["CONFIGS", "Given", "document_of", "inferred_template", "pointer", "strategy_lines", "study_of"]

CONFIGS: Final = ("setup_config", "rules_config", "sizing_config", "financial_config")
"""The sections of a project, as they are stored."""
_SHORT: Final = {name: name.removesuffix("_config") for name in CONFIGS} | {"costs": "financial/costs"}
_RENAMED: Final = {"load_file": "load_profile_id", "solar_file": "solar_profile_id"}
_FOR_FILES: Final = re.compile(r"(?:add )?(load|solar)_import: \{([^}]*)\}")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A stored profile that a project uses."""

    id: UUID
    profile: Profile


def study_of(
    answers: Mapping[str, Any],
    *,
    name: str,
    description: str | None = None,
    customer_reference: str | None = None,
    load: Given | None = None,
    solar: Given | None = None,
) -> Project:
    """Return the checked and completed project of stored answers.

    Args:
        answers: The four sections of `CONFIGS`, each a mapping in percent, or None when it was never saved.
        name: Name of the project.
        description: In the user's words.
        customer_reference: The customer's own.
        load: Profile of the load; used when `load_mode` is `csv`.
        solar: Profile of the sun; used when `solar_source` is `csv` or not given.

    Raises:
        InvalidInputError: With every problem.
        MissingExtraError: If a model of the sun needs a package that is not installed.
    """
    document = document_of(answers, name=name, description=description, customer_reference=customer_reference,
                           load_id=load.id if load else None, solar_id=solar.id if solar else None)  # fmt: skip
    problems = Problems()
    top = read_section("", document, problems)
    config = {one: read_section(one, document, problems) for one in SECTIONS if one}
    setup, rules, sizing = (config[one] for one in ("setup_config", "rules_config", "sizing_config"))
    check_setup(setup, document, problems)
    found = check_rules(setup, rules, document, problems)
    goal = read_goal(sizing, document, problems)
    sun = _sun(setup, solar, document, problems)
    demand = None
    if sun is not None:
        demand = _demand(setup, load, sun, document, problems)
        if demand is not None:
            match(demand, sun, document, problems)
    grid = read_grid(setup, sizing, sun.base_mw if sun else None, document, problems)
    if problems:
        raise InvalidInputError([_pointed(one) for one in problems.found])
    if sun is None or demand is None or grid is None:
        raise AssertionError("a project without problems has profiles and sizes")
    config["rules_config"]["inferred_template"] = found.template.number
    config["sizing_config"]["optimization_goal"] = goal.to_dict()
    project = Project(
        document.path, str(top["name"]), str(top["description"] or ""), top["customer_reference"], config, demand, sun,
        found.template, grid, goal, read_costs(config["costs"]),
        (*sun.sentences, *demand.sentences, *unused_sentences(config, document.values, found.template),
         *default_sentences(config, document.values, found.template)),
        (*found.warnings, *demand.warnings, *sun.warnings, *([grid.warning] if grid.warning else [])),
    )  # fmt: skip
    try:
        project.params()
    except InvalidInputError as error:
        raise InvalidInputError([_pointed(one) for one in error.problems]) from None
    return project


def document_of(
    answers: Mapping[str, Any],
    *,
    name: str,
    description: str | None = None,
    customer_reference: str | None = None,
    load_id: UUID | None = None,
    solar_id: UUID | None = None,
) -> Document:
    """Return stored answers in the format of a project file; profiles are named `<id>.parquet`, as they download."""
    values: dict[str, Any] = {"name": name}
    if description:
        values["description"] = description
    if customer_reference:
        values["customer_reference"] = customer_reference
    for section in ("setup_config", "rules_config", "sizing_config"):
        if answers.get(section) is not None:
            values[section] = {key: one for key, one in answers[section].items() if key != "inferred_template"}
    setup = values.get("setup_config")
    if setup is not None and load_id is not None and setup.get("load_mode") == "csv":
        setup["load_file"] = f"{load_id}.parquet"
    if setup is not None and solar_id is not None and setup.get("solar_source") in (None, "csv"):
        setup["solar_file"] = f"{solar_id}.parquet"
    costs = (answers.get("financial_config") or {}).get("costs")
    if costs:
        values["costs"] = dict(costs)
    return Document(Path("project.json"), values)


def inferred_template(setup: Mapping[str, Any] | None, rules: Mapping[str, Any] | None) -> Template:
    """Return the template that answers imply, also of a project that is not complete."""
    given, answered = setup or {}, rules or {}
    number = infer_template(
        given.get("dg_enabled", True), answered.get("dg_timing", "anytime"), answered.get("dg_trigger", "reactive")
    )
    return DISPATCH_TEMPLATES[number]


def strategy_lines(answers: Mapping[str, Any]) -> list[str]:
    """Return in plain words how the plant is run, also of a project that is not complete."""
    document, unheard = document_of(answers, name="-"), Problems()
    config = {one: read_section(one, document, unheard) for one in ("setup_config", "rules_config")}
    template = inferred_template(config["setup_config"], config["rules_config"])
    return rules_in_words(_Rules(config, template))  # type: ignore[arg-type] # it reads these two only


@dataclass(frozen=True, slots=True)
class _Rules:
    config: dict[str, dict[str, Any]]
    template: Template


def _sun(setup: Mapping[str, Any], given: Given | None, document: Document, problems: Problems) -> Series | None:
    source = setup["solar_source"] or ("csv" if given is not None else "typical_year")
    if source != "csv":
        return solar_series(setup, document, problems)
    series = _stored("solar", given, problems)
    if series is None:
        return None
    peak, target = float(series.values.max()), setup["solar_capacity_mw"]
    if not peak:
        problems.add("setup_config.solar_file", "zeros only", "a profile with sun", "is this the right profile?")
        return None
    series.base_mw = peak
    if target is None:
        series.sentences.append(f"solar: profile peak {peak:,.1f} MW, used as it is (no solar_capacity_mw)")
    elif abs(target - peak) > 1e-9 * peak:
        series.values = scale_solar(series.values, target)
        series.base_mw = float(target)
        series.sentences.append(f"solar: profile peak {peak:,.1f} MW, scaled to {target:,.1f}")
    else:
        series.sentences.append(f"solar: profile peak {peak:,.1f} MW, as solar_capacity_mw says")
    return series


def _demand(
    setup: Mapping[str, Any], given: Given | None, sun: Series, document: Document, problems: Problems
) -> Series | None:
    return (
        _stored("load", given, problems) if setup["load_mode"] == "csv" else load_series(setup, document, sun, problems)
    )


def _stored(kind: str, given: Given | None, problems: Problems) -> Series | None:
    if given is None:
        problems.add(f"setup_config.{kind}_file", "nothing", f"the id of a {kind} profile",
                     f"bring a profile (POST /api/v1/profiles) and name it as {kind}_profile_id")  # fmt: skip
        return None
    profile = given.profile
    sentences = [f"{kind}: profile {profile.report.path}, {len(profile):,} rows"]
    dt_h, warnings = profile.dt_h, []
    if dt_h is None:
        dt_h = 1.0
        sentences.append(f"{kind}: the profile has no time stamps, its rows are taken as hours from midnight")
    if profile.start is not None and profile.start.tzinfo is None and profile.start.hour != 0:
        warnings.append(
            f"{kind} profile: it begins at {profile.start:%H:%M}, but its first row counts as midnight of day 1, "
            "so day, night and blackout hours are shifted"
        )
    return Series(np.array(profile.values), dt_h, profile.start, None, sentences, warnings, profile.report)


def pointer(where: str) -> str:
    """Turn a place in a project file into a pointer: `setup_config.load_windows[0]` -> `/setup/load_windows/0`."""
    place = where.replace(" (set by you, not by the file)", "")
    parts = [part for part in re.split(r"[.\[\]\s]+", place) if part]
    if not parts:
        return "/"
    head = _SHORT.get(parts[0], parts[0])
    if head == parts[0] and parts[0] in _SECTION_OF:
        head = f"{_SHORT[_SECTION_OF[parts[0]]]}/{parts[0]}"
    return "/" + "/".join((head, *(_RENAMED.get(part, part) for part in parts[1:])))


_SECTION_OF: Final = {key: name for name, keys in SECTIONS.items() if name for key in keys} | {
    "dg_min_load": "setup_config",
    "dg_soc_on_threshold": "rules_config",
    "dg_soc_off_threshold": "rules_config",
}
"""Sections of the names that `SimulationParams` uses in its own problems."""


def _pointed(problem: Problem) -> Problem:
    move = _FOR_FILES.sub(r"bring the \1 profile again with \2", problem.next_move)
    if problem.where in CONFIGS:
        move = f"save this step (PUT .../{_SHORT[problem.where]}); it may be empty: {{}}"
    return Problem(pointer(problem.where), problem.got, problem.allowed, move)
