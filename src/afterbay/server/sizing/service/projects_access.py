"""Who may open a project: its owner, those it is shared with, and administrators of the module.

A project of somebody else that you may not see does not exist for you (404); one that you may see and not change
is refused (403).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import UUID

from afterbay.core.errors import NotAllowedError, NotFoundError
from afterbay.server.sizing.repository.projects import ProjectRepository

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal
    from afterbay.server.sizing.tables import Project

__all__ = ["MODULE", "Access", "access_to", "address_of", "open_project", "sees_all"]

MODULE: Final = "bess-sizing"
Access: TypeAlias = Literal["owner", "edit", "view"]


def sees_all(principal: Principal) -> bool:
    """Tell whether somebody administers the module, and so every project in it."""
    return principal.may(MODULE, "manage_users")


def address_of(email: str) -> str:
    """Return an e-mail address as shares keep it."""
    return email.strip().lower()


def access_to(session: Session, principal: Principal, row: Project) -> Access | None:
    """Return how somebody may use a project, or None when it does not exist for them."""
    if row.owner_id == principal.id or sees_all(principal):
        return "owner"
    shared = ProjectRepository(session).shared_with(row.id, address_of(principal.email))
    return {"edit": "edit", "view": "view"}.get(shared or "")  # type: ignore[return-value]


def open_project(
    session: Session,
    principal: Principal,
    project_id: UUID,
    *,
    edit: bool = False,
    own: bool = False,
    deleted: bool = False,
) -> tuple[Project, Access]:
    """Return a project's row and how it may be used; a row that is to be changed is locked until the commit.

    Args:
        session: To ask.
        principal: Who asks.
        project_id: The project.
        edit: It is to be changed.
        own: It is to be done what only its owner may do, such as sharing it.
        deleted: Ask for one that was deleted and waits for its end.

    Raises:
        NotFoundError: If there is none that the principal may see; whose it is is not told.
        NotAllowedError: If it may see it and not do this.
    """
    principal.need(MODULE, "read")
    row = ProjectRepository(session).find(project_id, lock=edit or own)
    access = None
    if row is not None and (row.deleted_at is not None) == deleted:
        access = access_to(session, principal, row)
    if row is None or access is None:
        raise NotFoundError(f"there is no project {project_id} among those you may open -> GET .../projects lists them")
    if own and access != "owner":
        raise NotAllowedError("only the owner of a project may do this -> ask the owner, or clone the project")
    if edit and access == "view":
        raise NotAllowedError("this project is shared with you to look at -> ask for edit, or clone the project")
    return row, access
