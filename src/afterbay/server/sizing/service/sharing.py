"""With whom a project is shared. Whether an address has an account is never told: the share waits for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.notifications.tasks import tell_of_share
from afterbay.server.sizing.repository.projects import ProjectRepository
from afterbay.server.sizing.service.projects_access import MODULE, address_of, open_project

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal

__all__ = ["ShareView", "list_shares", "revoke_share", "share_project"]

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ShareView:
    """One share."""

    email: str
    permission: str
    created_at: datetime


def share_project(
    session: Session, principal: Principal, project_id: UUID, email: str, permission: Literal["view", "edit"]
) -> ShareView:
    """Let somebody open a project, or change how they may use it.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it is not the principal's.
        InvalidInputError: If it is the principal's own address.
        ConflictError: If the project has as many shares as it may.
    """
    principal.need(MODULE, "update")
    row, _ = open_project(session, principal, project_id, own=True)
    address = address_of(email)
    if row.owner_id == principal.id and address == address_of(principal.email):
        raise InvalidInputError(
            Problem("/email", address, "an address of somebody else", "the project is yours already")
        )
    repository = ProjectRepository(session)
    before = repository.shared_with(project_id, address)
    if before is None and len(repository.shares(project_id)) >= _MOST:
        raise ConflictError(f"a project is shared with at most {_MOST} people -> take some shares back")
    repository.put_share(project_id, address, permission, principal.id)
    if before != permission:
        log_action(session, principal, MODULE, "project.shared", project_id, {"email": address},
                   before={"permission": before}, after={"permission": permission})  # fmt: skip
    if before is None:
        tell_of_share(
            session, principal, address, f"the project {row.name}", f"/api/v1/bess-sizing/projects/{project_id}"
        )
    found = next(share for share in repository.shares(project_id) if share.email == address)
    return ShareView(found.email, found.permission, found.created_at)


def list_shares(session: Session, principal: Principal, project_id: UUID) -> list[ShareView]:
    """Return with whom a project is shared; its owner's business alone.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it is not the principal's.
    """
    open_project(session, principal, project_id, own=True)
    found = ProjectRepository(session).shares(project_id)
    return [ShareView(share.email, share.permission, share.created_at) for share in found]


def revoke_share(session: Session, principal: Principal, project_id: UUID, email: str) -> None:
    """Take a share back; who was given one may also give it up.

    Raises:
        NotFoundError: If there is no such project or share.
        NotAllowedError: If it is neither the principal's project nor share.
    """
    address = address_of(email)
    leaving = address == address_of(principal.email)
    open_project(session, principal, project_id, own=not leaving)
    if not leaving:
        principal.need(MODULE, "update")
    if not ProjectRepository(session).remove_share(project_id, address):
        raise NotFoundError("the project is not shared with this address -> GET .../shares lists them")
    log_action(session, principal, MODULE, "project.share_revoked", project_id, {"email": address})
