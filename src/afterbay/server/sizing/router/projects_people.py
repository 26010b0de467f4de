"""`/projects/{id}/shares|comments|activity`: who may open a project, what is said, what happened."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.rest.paging import Page, PageQuery, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.projects import Changer, Reader
from afterbay.server.sizing.schemas.projects_more import ActivityOut, CommentIn, CommentOut, ShareIn, ShareOut
from afterbay.server.sizing.service import comments, sharing

__all__ = ["router"]

router = APIRouter(prefix="/projects/{project_id}", tags=["people"])
_Address = Annotated[str, Path(min_length=3, max_length=320, pattern=r"^[^\x00-\x1f]*$")]


@router.get("/shares")
def list_shares(project_id: UUID, session: DbSession, user: Reader) -> list[ShareOut]:
    """List with whom your project is shared."""
    return [ShareOut.of(view) for view in sharing.list_shares(session, user, project_id)]


@router.post("/shares", responses=documented(409))
def share(project_id: UUID, body: ShareIn, session: DbSession, user: Changer) -> ShareOut:
    """Let somebody open your project, now or as soon as they have an account; sent again, it changes how."""
    return ShareOut.of(sharing.share_project(session, user, project_id, body.email, body.permission))


@router.delete("/shares/{email}", status_code=204)
def revoke(project_id: UUID, email: _Address, session: DbSession, user: Reader) -> None:
    """Take a share back, or give up your own."""
    sharing.revoke_share(session, user, project_id, email)


@router.get("/comments")
def list_comments(
    project_id: UUID, request: Request, response: Response, session: DbSession, user: Reader, page: PageQuery
) -> Page[CommentOut]:
    """List the comments on a project, the oldest first."""
    found = comments.list_comments(session, user, project_id, page)
    return show_page(request, response, found, CommentOut.of)


@router.post("/comments", status_code=201, response_model=CommentOut, responses=documented(409))
def add_comment(project_id: UUID, body: CommentIn, session: DbSession, user: Changer, once: Idempotent) -> Response:
    """Say something about a project."""

    def said() -> CommentOut:
        return CommentOut.of(comments.add_comment(session, user, project_id, body.body))

    return once.answer(session, user, said, status=201)


@router.put("/comments/{comment_id}")
def change_comment(
    project_id: UUID, comment_id: UUID, body: CommentIn, session: DbSession, user: Changer
) -> CommentOut:
    """Change a comment of yours."""
    return CommentOut.of(comments.change_comment(session, user, project_id, comment_id, body.body))


@router.delete("/comments/{comment_id}", status_code=204)
def delete_comment(project_id: UUID, comment_id: UUID, session: DbSession, user: Changer) -> None:
    """Remove a comment of yours, or any on a project of yours."""
    comments.delete_comment(session, user, project_id, comment_id)


@router.get("/activity")
def list_activity(
    project_id: UUID,
    session: DbSession,
    user: Reader,
    before_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="The last event of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ActivityOut]:
    """List what happened to a project, newest first."""
    found = comments.list_activity(session, user, project_id, before_id=before_id, limit=limit)
    return [ActivityOut.of(one) for one in found]
