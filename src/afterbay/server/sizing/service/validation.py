"""Checks a whole project: every problem at once with its pointer, and what would be run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.server.sizing.service.projects_access import open_project
from afterbay.server.sizing.service.projects_money import finance_problems
from afterbay.server.sizing.service.projects_profiles import open_profiles
from afterbay.server.sizing.service.projects_study import CONFIGS, inferred_template, strategy_lines, study_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.sizing.project import Project
    from afterbay.sizing.templates import Template

__all__ = ["Ready", "Validation", "validate_project"]


@dataclass(frozen=True, slots=True)
class Ready:
    """What a project would run."""

    cases: int
    steps: int
    dt_h: float
    starts_at: datetime | None
    input_hash: str
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found."""

    problems: tuple[Problem, ...]
    """Empty: the project can be run. `where` is a pointer such as `/setup/bess_min_soc`."""
    warnings: tuple[str, ...]
    strategy: tuple[str, ...]
    """How the plant is run, in plain words."""
    template: Template
    ready: Ready | None
    """None while there are problems."""


def validate_project(session: Session, principal: Principal, storage: Storage, project_id: UUID) -> Validation:
    """Check a project as a run of it would.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        UnavailableError: If the store does not answer.
        MissingExtraError: If a model of the sun needs a package that is not installed.
    """
    row, _ = open_project(session, principal, project_id)
    answers = {name: getattr(row, name) for name in CONFIGS}
    load, solar = open_profiles(session, storage, row)
    problems: list[Problem] = []
    study: Project | None = None
    try:
        study = study_of(answers, name=row.name, description=row.description,
                         customer_reference=row.customer_reference, load=load, solar=solar)  # fmt: skip
    except InvalidInputError as error:
        problems += error.problems
    known = {one.where for one in problems}
    problems += [one for one in finance_problems(answers["financial_config"]) if one.where not in known]
    ready = None
    if study is not None and not problems:
        ready = Ready(len(study.grid), len(study.solar.values), study.solar.dt_h, study.start, study.input_hash,
                      study.assumptions)  # fmt: skip
    return Validation(
        tuple(problems),
        study.warnings if study is not None else (),
        tuple(strategy_lines(answers)),
        inferred_template(answers["setup_config"], answers["rules_config"]),
        ready,
    )
