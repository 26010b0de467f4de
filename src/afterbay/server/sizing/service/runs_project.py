"""From a project to what a run freezes: answers merged with those of the request, profiles read, sizes chosen."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.core.errors import InvalidInputError, NotAllowedError, NotFoundError, Problem, Problems
from afterbay.server.principal import SYSTEM
from afterbay.server.profiles.service.profiles import find_profile, open_values
from afterbay.server.sizing.service.projects_access import open_project
from afterbay.server.sizing.service.projects_money import finance_of, projection_of
from afterbay.server.sizing.service.projects_study import CONFIGS, Given, study_of
from afterbay.server.sizing.service.runs import freeze
from afterbay.sizing.goal import Goal
from afterbay.sizing.project.keys import SECTIONS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.server.sizing.tables import Project as ProjectRow
    from afterbay.sizing.project import Project

__all__ = ["NAMES", "Options", "Prepared", "answers_of", "check_answers", "complete", "find_project", "merged",
           "prepare", "profile_hashes", "with_size"]  # fmt: skip

NAMES: Final = {"setup_config": "setup", "rules_config": "rules", "sizing_config": "sizing",
                "financial_config": "financial"}  # fmt: skip
"""Sections of a project, and what the sizing plan's service calls them in a snapshot."""
_NESTED: Final = ("optimization_goal", "costs", "projection", "degradation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run asks beyond the project; None leaves it to the project."""

    capacity: float | None = None
    """Battery energy of a single size [MWh]."""
    duration: float | None = None
    """Energy over power [h]."""
    dg_capacity: float | None = None
    """Generator [MW]."""
    solar_capacity: float | None = None
    """Solar plant [MW]."""
    years: int | None = None
    """Years of operation, for `multi_year` [a]."""

    def to_json(self) -> dict[str, Any]:
        """Return what was asked."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def names_a_size(self) -> bool:
        """Is a single size asked for?"""
        return any(value is not None for name, value in asdict(self).items() if name != "years")


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A project that can be simulated."""

    project: Project
    """Of the library, with profiles."""
    answers: dict[str, Any]
    """By section, those of the request in place."""
    profiles: dict[str, Any]
    """Id and hash of load and solar."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A run that can begin."""

    project: Project
    """Of the library, with profiles."""
    snapshot: dict[str, Any]
    """Plain JSON: what `config_snapshot` keeps."""


def find_project(session: Session, principal: Principal, project_id: UUID, *, edit: bool) -> ProjectRow:
    """Return a project's row, if the principal may see it (or change it); it is not locked.

    Raises:
        NotFoundError: If there is none that it may see.
        NotAllowedError: If it may see it and not change it.
    """
    row, access = open_project(session, principal, project_id)
    if edit and access == "view":
        raise NotAllowedError("this project is shared with you to look at -> ask for edit, or clone the project")
    return row


def answers_of(row: ProjectRow) -> dict[str, Any]:
    """Return the stored sections of a project by their column; None where a step was never saved."""
    return {name: getattr(row, name) for name in CONFIGS}


def merged(answers: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers with those of a request in their place; goal, costs and ageing are merged key by key.

    Args:
        answers: Sections by column.
        override: The same, of which only what is there counts.
    """
    found: dict[str, Any] = {}
    for name in CONFIGS:
        section, more = answers.get(name), override.get(name)
        if more is None:
            found[name] = None if section is None else dict(section)
            continue
        whole = {**(section or {}), **more}
        for part in _NESTED:
            if isinstance(more.get(part), Mapping) and isinstance((section or {}).get(part), Mapping):
                whole[part] = {**(section or {})[part], **more[part]}
        found[name] = whole
    return found


def prepare(
    session: Session,
    storage: Storage,
    row: ProjectRow,
    override: Mapping[str, Any],
    options: Options,
    simulation_type: str = "optimization",
) -> Prepared:
    """Check a project with the answers of a request in place of its own, and freeze it; as `check_answers`."""
    checked = check_answers(session, storage, row, override, options, simulation_type)
    snapshot = {
        **{short: complete(name, checked.answers[name]) for name, short in NAMES.items()},
        "override": {name: section for name, section in override.items() if section is not None},
        "options": options.to_json(),
        "profiles": checked.profiles,
        "run": freeze(checked.project),
    }
    return Prepared(checked.project, snapshot)


def check_answers(
    session: Session,
    storage: Storage,
    row: ProjectRow,
    override: Mapping[str, Any],
    options: Options,
    simulation_type: str,
    *,
    recent: bool = False,
) -> Checked:
    """Check a project with the answers of a request in place of its own.

    Args:
        session: To find profiles by.
        storage: Where profiles are.
        row: The project.
        override: Answers by section that stand in for the project's.
        options: The size and the years asked for.
        simulation_type: single, optimization or multi_year.
        recent: Profiles that were read a moment ago will do.

    Raises:
        InvalidInputError: With every problem, each under its pointer.
    """
    answers = with_size(merged(answers_of(row), override), options)
    if options.years is not None:
        answers["financial_config"] = {**(answers["financial_config"] or {}), "project_life_years": options.years}
    load, load_hash = _given(session, storage, row.load_profile_id, recent)
    solar, solar_hash = _given(session, storage, row.solar_profile_id, recent)
    problems = Problems()
    try:
        project = study_of(
            answers,
            name=row.name,
            description=row.description,
            customer_reference=row.customer_reference,
            load=load,
            solar=solar,
        )
    except InvalidInputError as error:
        problems.extend(error.problems)
    for read in (finance_of, projection_of):
        try:
            read(answers["financial_config"])
        except InvalidInputError as error:
            known = {one.where for one in problems.found}
            problems.extend(one for one in error.problems if one.where not in known)
    if not problems and simulation_type == "single" and len(project.grid) != 1:
        problems.add(
            "/options",
            f"{len(project.grid):,} sizes",
            "one size: capacity and duration, and dg_capacity with a generator",
            "name the size, or run an optimization",
        )
    problems.raise_if_any()
    return Checked(project, answers, {"load": _named(load, load_hash), "solar": _named(solar, solar_hash)})


def with_size(answers: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """Return answers whose grid is the single size that was asked for, if one was."""
    if not options.names_a_size:
        return dict(answers)
    sizing = dict(answers["sizing_config"] or {})
    if options.capacity is not None:
        sizing["capacity_values"] = [options.capacity]
    if options.duration is not None:
        sizing["durations"] = [options.duration]
    if options.dg_capacity is not None:
        if not (answers["setup_config"] or {}).get("dg_enabled", True) and options.dg_capacity > 0.0:
            got = f"{options.dg_capacity:g} MW, but the project has no generator (dg_enabled)"
            raise InvalidInputError(Problem("/options/dg_capacity", got, "0 or nothing", "set dg_enabled first"))
        sizing["dg_values"] = [options.dg_capacity]
    if options.solar_capacity is not None:
        sizing["solar_values"] = [options.solar_capacity]
    elif any(sizing.get(key) is not None for key in ("solar_values", "solar_min", "solar_max", "solar_step")):
        # The sun of a single size is the project's own, unless another is named.
        sizing |= dict.fromkeys(("solar_values", "solar_min", "solar_max", "solar_step"))
    return {**answers, "sizing_config": sizing}


def complete(name: str, section: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a section with the defaults of the sizing plan filled in, to be shown and compared."""
    known = {key: rule.default for key, rule in SECTIONS.get(name, {}).items() if key != "inferred_template"}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in known.items()}
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in plain.items()}
    given = {key: value for key, value in (section or {}).items() if key != "inferred_template"}
    if name == "sizing_config":
        with suppress(InvalidInputError):
            given["optimization_goal"] = Goal.from_dict(given.get("optimization_goal") or {}).to_dict()
    return {**plain, **given}


def profile_hashes(session: Session, row: ProjectRow) -> dict[str, str | None]:
    """Return the hashes of the values of a project's profiles, as they are now; None: there is none."""
    found: dict[str, str | None] = {}
    for kind, profile_id in (("load", row.load_profile_id), ("solar", row.solar_profile_id)):
        found[kind] = None
        if profile_id is not None:
            with suppress(NotFoundError):
                found[kind] = find_profile(session, SYSTEM, profile_id).values_hash
    return found


def _given(session: Session, storage: Storage, profile_id: UUID | None, recent: bool) -> tuple[Given | None, str]:
    """Return a profile of a project that was opened itself, and the hash of its values."""
    if profile_id is None:
        return None, ""
    try:
        opened = open_values(session, SYSTEM, storage, profile_id, recent=recent)
    except NotFoundError:
        # `study_of` says that it is missing, if it is needed at all.
        return None, ""
    return Given(profile_id, opened.profile), opened.view.values_hash


def _named(given: Given | None, values_hash: str) -> dict[str, Any] | None:
    return None if given is None else {"id": str(given.id), "sha256": values_hash}
