"""The profiles that a project uses, and the projects that use a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from afterbay.core.errors import NotFoundError
from afterbay.server.principal import SYSTEM
from afterbay.server.profiles.service import Opened, UseCount, open_profile, open_values
from afterbay.server.sizing.repository.projects import ProjectRepository
from afterbay.server.sizing.service.projects_access import access_to, open_project
from afterbay.server.sizing.service.projects_study import Given

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.server.sizing.tables import Project

__all__ = ["Kind", "open_profiles", "open_used", "uses_of"]

Kind: TypeAlias = Literal["load", "solar"]


def open_profiles(session: Session, storage: Storage, row: Project) -> tuple[Given | None, Given | None]:
    """Return load and sun of a project that was opened already, whoever they belong to; None where there is none.

    One that was removed since counts as none: the check of the project says that it is missing.

    Raises:
        UnavailableError: If the store does not answer.
    """
    load, solar = (_given(session, storage, one) for one in (row.load_profile_id, row.solar_profile_id))
    return load, solar


def open_used(session: Session, principal: Principal, storage: Storage, project_id: UUID, kind: Kind) -> Opened:
    """Return a profile of a project for somebody who may open the project; errors as `open_project`, and this one.

    Raises:
        NotFoundError: If the project uses none of this kind.
    """
    row, _ = open_project(session, principal, project_id)
    profile_id = row.load_profile_id if kind == "load" else row.solar_profile_id
    if profile_id is None:
        raise NotFoundError(f"this project uses no {kind} profile -> it is built from the answers of step 1")
    return open_values(session, SYSTEM, storage, profile_id)


def uses_of(session: Session, principal: Principal, profile_id: UUID) -> UseCount:
    """Return which projects use a profile; those that the principal may not see are only counted."""
    rows = ProjectRepository(session).using(profile_id)
    named = [row for row in rows if access_to(session, principal, row) is not None]
    names = [f"{row.name} (deleted)" if row.deleted_at is not None else row.name for row in named]
    opened = any(row.deleted_at is None for row in named)
    return UseCount(names, len(rows) - len(named), opened)


def _given(session: Session, storage: Storage, profile_id: UUID | None) -> Given | None:
    if profile_id is None:
        return None
    try:
        return Given(profile_id, open_profile(session, SYSTEM, storage, profile_id))
    except NotFoundError:
        return None
