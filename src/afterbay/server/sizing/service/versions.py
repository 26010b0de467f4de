"""The answers of a project as they were: one version for every change of them, comparable, restorable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.rest.paging import Slice, Sort
from afterbay.server.sizing.repository.projects import ProjectRepository
from afterbay.server.sizing.service.projects_access import MODULE, open_project
from afterbay.server.sizing.service.projects_study import CONFIGS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest
    from afterbay.server.sizing.tables import Project, ProjectVersion

__all__ = [
    "PROFILES", "Difference", "VersionView", "compare_versions", "find_version", "keep_version", "list_versions",
    "refuse_archived", "restore_version", "snapshot_of", "touch",
]  # fmt: skip

PROFILES: Final = ("load_profile_id", "solar_profile_id")


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version."""

    number: int
    created_at: datetime
    created_by: UUID
    created_by_name: str
    reason: str
    snapshot: Mapping[str, Any]
    """The four sections and the two profile ids."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs between two versions."""

    pointer: str
    """Such as `/setup/bess_min_soc`."""
    change: str
    """added, removed, changed."""
    before: Any
    after: Any


def snapshot_of(row: Project) -> dict[str, Any]:
    """Return the answers of a project as a version keeps them."""
    profiles = {name: getattr(row, name) for name in PROFILES}
    return {
        **{name: getattr(row, name) for name in CONFIGS},
        **{name: str(one) if one is not None else None for name, one in profiles.items()},
    }


def touch(session: Session, principal: Principal, row: Project) -> None:
    """Note that a project changed, and by whom: its entity tag is another one now."""
    row.version += 1
    row.updated_by = principal.id
    row.updated_at = ProjectRepository(session).now()
    session.flush()


def keep_version(session: Session, principal: Principal, row: Project, before: Mapping[str, Any], reason: str) -> bool:
    """Keep the answers of a project as a new version, if they are others than before; tells whether they are."""
    now = snapshot_of(row)
    if now == before:
        return False
    row.config_version += 1
    _add(session, principal, row, now, reason)
    return True


def keep_first(session: Session, principal: Principal, row: Project, reason: str) -> None:
    """Keep the answers that a project begins with."""
    _add(session, principal, row, snapshot_of(row), reason)


def refuse_archived(row: Project) -> None:
    """Refuse to change the answers of a project that is archived.

    Raises:
        ConflictError: If it is.
    """
    if row.status == "archived":
        raise ConflictError("this project is archived -> set its status to in_progress first, or clone it")


def list_versions(session: Session, principal: Principal, project_id: UUID, page: PageRequest) -> Slice[VersionView]:
    """Return one page of versions, newest first; errors as `open_project`."""
    open_project(session, principal, project_id)
    found = ProjectRepository(session).versions(project_id, page, Sort("number", descending=True))
    return Slice([_view(row) for row in found.items], found.next_cursor)


def find_version(session: Session, principal: Principal, project_id: UUID, number: int) -> VersionView:
    """Return one version; the errors of `open_project`, and this one.

    Raises:
        NotFoundError: If there is no such version.
    """
    open_project(session, principal, project_id)
    return _view(_version(session, project_id, number))


def compare_versions(
    session: Session, principal: Principal, project_id: UUID, first: int, second: int
) -> list[Difference]:
    """Return every value that differs between two versions; errors as `find_version`."""
    open_project(session, principal, project_id)
    before, after = (_version(session, project_id, one).snapshot for one in (first, second))
    return list(_differences(_short(before), _short(after), ""))


def restore_version(
    session: Session, principal: Principal, project_id: UUID, number: int, *, check: str | None = None
) -> Project:
    """Give a project the answers of an earlier version; that is a new version, nothing is lost.

    Args:
        session: In whose transaction it happens.
        principal: Who asks.
        project_id: The project.
        number: The version.
        check: `If-Match` of the request.

    Raises:
        NotFoundError: As `find_version`.
        NotAllowedError: If the principal may not change the project.
        ConflictError: If it is archived, or changed meanwhile.
    """
    from afterbay.server.rest.etags import check_if_match, etag

    principal.need(MODULE, "update")
    row, _ = open_project(session, principal, project_id, edit=True)
    check_if_match(check, etag(row.version))
    refuse_archived(row)
    wanted, before = _version(session, project_id, number).snapshot, snapshot_of(row)
    for name in CONFIGS:
        setattr(row, name, wanted.get(name))
    for name in PROFILES:
        setattr(row, name, UUID(wanted[name]) if wanted.get(name) else None)
    if keep_version(session, principal, row, before, f"version {number} restored"):
        touch(session, principal, row)
        log_action(session, principal, MODULE, "project.version_restored", project_id, {"version": number},
                   before=before, after=snapshot_of(row))  # fmt: skip
    return row


def _add(session: Session, principal: Principal, row: Project, snapshot: Mapping[str, Any], reason: str) -> None:
    ProjectRepository(session).add_version(
        project_id=row.id, number=row.config_version, created_by=principal.id,
        created_by_name=(principal.name or principal.email)[:320], reason=reason[:200], snapshot=dict(snapshot),
    )  # fmt: skip


def _version(session: Session, project_id: UUID, number: int) -> ProjectVersion:
    found = ProjectRepository(session).version(project_id, number) if 0 < number < 2**31 else None
    if found is None:
        raise NotFoundError(f"this project has no version {number} -> GET .../versions lists them")
    return found


def _view(row: ProjectVersion) -> VersionView:
    return VersionView(row.number, row.created_at, row.created_by, row.created_by_name, row.reason, row.snapshot)


def _short(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_config"): one for name, one in snapshot.items()}


def _differences(before: Any, after: Any, where: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        was, became = (one if isinstance(one, Mapping) else {} for one in (before, after))
        for name in {**was, **became}:
            # Pointers write a slash in a name as ~1 (RFC 6901).
            place = f"{where}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _differences(was.get(name), became.get(name), place)
    elif before != after:
        change = "added" if before is None else "removed" if after is None else "changed"
        yield Difference(where, change, before, after)
