"""Projects: made, listed, changed, cloned, deleted, restored, and removed for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.modules.service import Quotas, check_quota
from afterbay.server.platform.storage.service import release_all
from afterbay.server.principal import SYSTEM
from afterbay.server.rest.etags import check_if_match, etag
from afterbay.server.rest.paging import Slice
from afterbay.server.sizing.repository.projects import SORTS, ProjectQuery, ProjectRepository, Whose
from afterbay.server.sizing.service.projects_access import MODULE, Access, access_to, address_of, open_project, sees_all
from afterbay.server.sizing.service.projects_answers import put_answers
from afterbay.server.sizing.service.projects_study import CONFIGS
from afterbay.server.sizing.service.versions import PROFILES, keep_first, keep_version, snapshot_of, touch

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest, Sort
    from afterbay.server.sizing.tables import Project

__all__ = [
    "DELETED_DAYS", "SORTS", "STATUSES", "Looking", "ProjectView", "Whose", "count_projects", "create_project",
    "delete_project", "find_project", "list_projects", "list_tags", "purge_deleted", "reach_step", "restore_project",
    "show_project", "update_project", "view_of",
]  # fmt: skip

QUOTA: Final = "max_projects_per_user"
DELETED_DAYS: Final = 30
"""How long a deleted project can be restored."""
STATUSES: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"in_progress", "archived"}),
    "in_progress": frozenset({"draft", "completed", "archived"}),
    "completed": frozenset({"in_progress", "archived"}),
    "archived": frozenset({"draft", "in_progress"}),
}
"""Which status may follow which."""
_DATA: Final = ("name", "description", "customer_reference", "tags")
_PURGED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Looking:
    """What somebody looks for among projects."""

    whose: Whose = "all"
    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    text: str = ""
    owner_id: UUID | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as one user sees it."""

    row: Project
    access: Access
    restorable_until: datetime | None


def create_project(
    session: Session, principal: Principal, quotas: Quotas, values: Mapping[str, Any], *, reason: str = "created"
) -> ProjectView:
    """Make a project.

    Args:
        session: In whose transaction it begins to exist.
        principal: Its owner.
        quotas: How many somebody may have.
        values: Columns: `name`, and any of the others that people fill.
        reason: What the first version is called.

    Raises:
        NotAllowedError: If the principal may not create projects.
        QuotaError: If it has as many as it may.
        InvalidInputError: If a profile that is named does not exist for the principal.
    """
    principal.need(MODULE, "create")
    check_quota(session, principal, MODULE, QUOTA, quotas)
    repository = ProjectRepository(session)
    data = {name: values[name] for name in _DATA if values.get(name) is not None}
    row = repository.add(
        {"id": uuid4(), "owner_id": principal.id, "owner_name": _name(principal), "updated_by": principal.id, **data}
    )
    put_answers(session, principal, row, {name: one for name, one in values.items() if name in (*CONFIGS, *PROFILES)})
    keep_first(session, principal, row, reason)
    session.flush()
    log_action(session, principal, MODULE, "project.created", row.id, {"reason": reason}, after=_plain(row))
    return view_of(session, principal, row)


def show_project(session: Session, principal: Principal, project_id: UUID) -> ProjectView:
    """Return a project; errors as `open_project`."""
    row, access = open_project(session, principal, project_id)
    return ProjectView(row, access, None)


def find_project(session: Session, principal: Principal, project_id: UUID, *, edit: bool = False) -> Project:
    """Return a project's row; errors as `open_project`."""
    return open_project(session, principal, project_id, edit=edit)[0]


def list_projects(
    session: Session, principal: Principal, looking: Looking, page: PageRequest, sort: Sort
) -> Slice[ProjectView]:
    """Return one page of the projects that somebody may see.

    Raises:
        NotAllowedError: If the principal may not read in this module.
    """
    principal.need(MODULE, "read")
    repository = ProjectRepository(session)
    wanted = _query(principal, looking)
    found = repository.page(wanted, page, sort)
    shared = repository.shared_to([row.id for row in found.items], wanted.email)
    views = []
    for row in found.items:
        own = row.owner_id == principal.id or wanted.everybody
        access: Access = "owner" if own else "edit" if shared.get(row.id) == "edit" else "view"
        views.append(ProjectView(row, access, _restorable_until(row)))
    return Slice(views, found.next_cursor)


def list_tags(session: Session, principal: Principal) -> list[tuple[str, int]]:
    """Return the tags of the projects that somebody may see, with how many have each."""
    principal.need(MODULE, "read")
    return list(ProjectRepository(session).tags(_query(principal, Looking())))


def update_project(
    session: Session, principal: Principal, project_id: UUID, values: Mapping[str, Any], *, check: str | None = None,
    reason: str = "project saved",
) -> ProjectView:  # fmt: skip
    """Change any part of a project: its data, status, answers, profiles.

    Args:
        session: In whose transaction it happens.
        principal: Who asks.
        project_id: The project.
        values: Columns that change; the others stay.
        check: `If-Match` of the request.
        reason: What the new version is called, if the answers change.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may not change it.
        ConflictError: If the status cannot follow, the project is archived, or changed meanwhile (412).
        InvalidInputError: If a profile that is named does not exist for the principal.
    """
    principal.need(MODULE, "update")
    row, access = open_project(session, principal, project_id, edit=True)
    check_if_match(check, etag(row.version))
    before, answers_before = _plain(row), snapshot_of(row)
    if "status" in values:
        _set_status(row, values["status"])
    for name in _DATA:
        if name in values:
            setattr(row, name, values[name])
    answers = {name: one for name, one in values.items() if name in (*CONFIGS, *PROFILES)}
    put_answers(session, principal, row, answers)
    keep_version(session, principal, row, answers_before, reason)
    after = _plain(row)
    if after != before:
        touch(session, principal, row)
        log_action(
            session, principal, MODULE, "project.changed", project_id, {"what": reason}, before=before, after=after
        )
    return ProjectView(row, access, None)


def delete_project(session: Session, principal: Principal, project_id: UUID, *, check: str | None = None) -> None:
    """Delete a project; it can be restored for `DELETED_DAYS`.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may not delete, or not this one.
        PreconditionFailedError: If it changed meanwhile.
    """
    row, _ = open_project(session, principal, project_id, own=True)
    principal.need(MODULE, "delete")
    check_if_match(check, etag(row.version))
    touch(session, principal, row)
    row.deleted_at, row.deleted_by = row.updated_at, principal.id
    session.flush()
    log_action(session, principal, MODULE, "project.deleted", project_id, {"name": row.name})


def restore_project(session: Session, principal: Principal, project_id: UUID) -> ProjectView:
    """Take back a deletion.

    Raises:
        NotFoundError: If there is no deleted project that the principal may see, or it is gone for good.
        NotAllowedError: If it may not do this.
    """
    row, access = open_project(session, principal, project_id, own=True, deleted=True)
    principal.need(MODULE, "delete")
    until = _restorable_until(row)
    if until is not None and until <= ProjectRepository(session).now():
        raise NotFoundError(f"project {project_id} was deleted more than {DELETED_DAYS} days ago and is gone")
    row.deleted_at = row.deleted_by = None
    touch(session, principal, row)
    log_action(session, principal, MODULE, "project.restored", project_id, {"name": row.name})
    return ProjectView(row, access, None)


def purge_deleted(session: Session, *, now: datetime | None = None) -> int:
    """Remove for good what was deleted more than `DELETED_DAYS` ago; returns how many projects.

    Runs on a schedule, and may run anywhere at any time. What their runs left in the object store is given up with
    them.
    """
    repository = ProjectRepository(session)
    gone = repository.deleted_before((now or repository.now()) - timedelta(days=DELETED_DAYS), _PURGED_AT_ONCE)
    for row in gone:
        log_action(session, SYSTEM, MODULE, "project.purged", row.id, {"name": row.name})
        for run_id in repository.runs_of(row.id):
            release_all(session, MODULE, run_id)
        repository.remove(row.id)
    return len(gone)


def count_projects(session: Session, user_id: UUID) -> tuple[int, int | None]:
    """Return how many projects a user has; waiting does not give more of them."""
    return ProjectRepository(session).count_of(user_id), None


def reach_step(session: Session, project_id: UUID, step: int) -> None:
    """Note that a project came as far as a step of the wizard (4: results, 5: years)."""
    row = ProjectRepository(session).find(project_id, lock=True)
    if row is not None and step > row.completed_step:
        row.completed_step = step
        session.flush()


def view_of(session: Session, principal: Principal, row: Project) -> ProjectView:
    """Return a row as somebody sees it who may see it."""
    return ProjectView(row, access_to(session, principal, row) or "view", _restorable_until(row))


def _set_status(row: Project, wanted: str) -> None:
    if wanted == row.status:
        return
    if wanted not in STATUSES[row.status]:
        may = ", ".join(sorted(STATUSES[row.status]))
        raise ConflictError(f"a project that is {row.status} cannot become {wanted} -> from here: {may}")
    row.status = wanted


def _query(principal: Principal, looking: Looking) -> ProjectQuery:
    return ProjectQuery(
        principal.id, address_of(principal.email), sees_all(principal), looking.whose, looking.statuses,
        looking.tags, looking.text, looking.owner_id, looking.deleted,
    )  # fmt: skip


def _restorable_until(row: Project) -> datetime | None:
    return None if row.deleted_at is None else row.deleted_at + timedelta(days=DELETED_DAYS)


def _name(principal: Principal) -> str:
    return (principal.name or principal.email)[:320]


def _plain(row: Project) -> dict[str, Any]:
    """Return what people can change, as the trail keeps it."""
    return {**{name: getattr(row, name) for name in (*_DATA, "status", "completed_step")}, **snapshot_of(row)}
