"""What people say about a project, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from afterbay.core.errors import NotAllowedError, NotFoundError
from afterbay.server.platform.audit.service import AuditQuery, find_events, log_action
from afterbay.server.rest.paging import Slice, Sort
from afterbay.server.sizing.repository.projects import ProjectRepository
from afterbay.server.sizing.service.projects_access import MODULE, open_project

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest
    from afterbay.server.sizing.tables import Comment

__all__ = [
    "Activity", "CommentView", "add_comment", "change_comment", "delete_comment", "list_activity", "list_comments",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommentView:
    """One comment."""

    id: UUID
    author_id: UUID
    author_name: str
    body: str
    created_at: datetime
    edited_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened to a project; without the network addresses that the trail keeps."""

    id: int
    at: datetime
    actor: str
    action: str
    details: dict[str, Any]
    before: Any
    after: Any


def add_comment(session: Session, principal: Principal, project_id: UUID, body: str) -> CommentView:
    """Say something about a project; whoever may change things in the module and see this project may do so.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may only read in this module.
    """
    open_project(session, principal, project_id)
    principal.need(MODULE, "update")
    row = ProjectRepository(session).add_comment(
        id=uuid4(),
        project_id=project_id,
        author_id=principal.id,
        author_name=principal.name or principal.email,
        body=body,
    )
    log_action(session, principal, MODULE, "project.commented", project_id, {"comment": row.id})
    return _view(row)


def list_comments(session: Session, principal: Principal, project_id: UUID, page: PageRequest) -> Slice[CommentView]:
    """Return one page of comments, the oldest first; errors as `open_project`."""
    open_project(session, principal, project_id)
    found = ProjectRepository(session).comments(project_id, page, Sort("created_at"))
    return Slice([_view(row) for row in found.items], found.next_cursor)


def change_comment(
    session: Session, principal: Principal, project_id: UUID, comment_id: UUID, body: str
) -> CommentView:
    """Change one's own comment.

    Raises:
        NotFoundError: If there is no such comment that the principal may see.
        NotAllowedError: If it is somebody else's.
    """
    open_project(session, principal, project_id)
    principal.need(MODULE, "update")
    row = _comment(session, project_id, comment_id)
    if row.author_id != principal.id:
        raise NotAllowedError("this is somebody else's comment -> write one of your own")
    before, row.body = row.body, body
    row.edited_at = ProjectRepository(session).now()
    session.flush()
    log_action(session, principal, MODULE, "project.comment_changed", project_id, {"comment": comment_id},
               before={"body": before}, after={"body": body})  # fmt: skip
    return _view(row)


def delete_comment(session: Session, principal: Principal, project_id: UUID, comment_id: UUID) -> None:
    """Remove one's own comment, or any of one's own project.

    Raises:
        NotFoundError: If there is no such comment that the principal may see.
        NotAllowedError: If it may not remove it.
    """
    _, access = open_project(session, principal, project_id)
    principal.need(MODULE, "update")
    row = _comment(session, project_id, comment_id)
    if row.author_id != principal.id and access != "owner":
        raise NotAllowedError("this is somebody else's comment -> the owner of the project can remove it")
    before = {"body": row.body, "author": row.author_name}
    ProjectRepository(session).remove_comment(row)
    log_action(
        session, principal, MODULE, "project.comment_deleted", project_id, {"comment": comment_id}, before=before
    )


def list_activity(
    session: Session, principal: Principal, project_id: UUID, *, before_id: int | None, limit: int
) -> list[Activity]:
    """Return what happened to a project, newest first; errors as `open_project`."""
    open_project(session, principal, project_id)
    wanted = AuditQuery(module=MODULE, resource_id=str(project_id))
    return [
        Activity(one.id, one.at, one.actor, one.action, dict(one.details), one.before, one.after)
        for one in find_events(session, wanted, before_id=before_id, limit=limit)
    ]


def _comment(session: Session, project_id: UUID, comment_id: UUID) -> Comment:
    row = ProjectRepository(session).comment(project_id, comment_id)
    if row is None:
        raise NotFoundError(f"there is no comment {comment_id} on this project")
    return row


def _view(row: Comment) -> CommentView:
    return CommentView(row.id, row.author_id, row.author_name, row.body, row.created_at, row.edited_at)
