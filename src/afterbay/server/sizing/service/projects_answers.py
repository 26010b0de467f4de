"""Saves the answers of a project: sections as they come, profiles that exist, and the template that follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.core.errors import InvalidInputError, NotFoundError, Problems
from afterbay.server.profiles.service import hold_profile
from afterbay.server.sizing.service.projects_study import CONFIGS, inferred_template
from afterbay.server.sizing.service.versions import PROFILES, refuse_archived

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal
    from afterbay.server.sizing.tables import Project

__all__ = ["put_answers"]

_STEPS: Final = {"setup_config": 1, "rules_config": 2, "sizing_config": 3}
"""Step of the wizard that asks for a section."""


def put_answers(session: Session, principal: Principal, row: Project, values: Mapping[str, Any]) -> None:
    """Put sections and profiles into a project's row; what is not named stays.

    Args:
        session: To find profiles by.
        principal: Who asks: only a profile of theirs, or one of everybody, may come in.
        row: The project, locked.
        values: Of `CONFIGS` and `PROFILES`.

    Raises:
        ConflictError: If the project is archived.
        InvalidInputError: If a profile does not exist for the principal, or is of the other kind.
    """
    if values:
        refuse_archived(row)
    problems = Problems()
    for name in PROFILES:
        wanted = values.get(name, getattr(row, name))
        # One that is there already may be the owner's, and may stay.
        if wanted is not None and wanted != getattr(row, name):
            _hold(session, principal, name, wanted, problems)
    problems.raise_if_any()
    for name, value in values.items():
        setattr(row, name, value)
        if value is not None:
            row.completed_step = max(row.completed_step, _STEPS.get(name, 0))
    if row.rules_config is not None and any(name in values for name in CONFIGS):
        # A copy: the database only hears of a new object.
        template = inferred_template(row.setup_config, row.rules_config).number
        row.rules_config = {**row.rules_config, "inferred_template": template}


def _hold(session: Session, principal: Principal, name: str, profile_id: UUID, problems: Problems) -> None:
    kind = name.removesuffix("_profile_id")
    try:
        profile = hold_profile(session, principal, profile_id)
    except NotFoundError:
        profile = None
    except InvalidInputError as error:
        problems.extend(error.problems)
        return
    if profile is None:
        problems.add(f"/{name}", str(profile_id), f"the id of a {kind} profile of yours or of the library",
                     "GET /api/v1/profiles lists yours")  # fmt: skip
    elif profile.profile_type != kind:
        problems.add(f"/{name}", f"a {profile.profile_type} profile", f"a {kind} profile", "choose another one")
