"""`/projects`: made, listed, opened, changed, cloned, deleted, restored."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.platform.identity.access import require
from afterbay.server.platform.modules.service import Quotas
from afterbay.server.platform.storage import Storage
from afterbay.server.principal import Principal
from afterbay.server.rest.etags import IfMatch, IfNoneMatch, etag, is_unchanged
from afterbay.server.rest.paging import Page, PageQuery, read_sort, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.schemas.projects import (
    CloneIn,
    ProjectIn,
    ProjectOut,
    ProjectSummary,
    ProjectUpdate,
    Status,
    StatusIn,
    Tag,
    TagCount,
    TagsIn,
    project_json,
)
from afterbay.server.sizing.service import projects
from afterbay.server.sizing.service.projects_access import MODULE
from afterbay.server.sizing.service.projects_files import clone_project

__all__ = ["Changer", "Exporter", "Maker", "Reader", "Remover", "Store", "UsedQuotas", "router", "shown"]

router = APIRouter(tags=["projects"])
Reader = Annotated[Principal, Depends(require(MODULE, "read"))]
Maker = Annotated[Principal, Depends(require(MODULE, "create"))]
Changer = Annotated[Principal, Depends(require(MODULE, "update"))]
Exporter = Annotated[Principal, Depends(require(MODULE, "export"))]
Remover = Annotated[Principal, Depends(require(MODULE, "delete"))]


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.quotas
    return quotas


Store = Annotated[Storage, Depends(_storage)]
UsedQuotas = Annotated[Quotas, Depends(_quotas)]


def shown(document: dict[str, Any]) -> JSONResponse:
    """Return a project's document with its entity tag."""
    return JSONResponse(document, headers={"ETag": etag(document["version"])})


def _made(document: dict[str, Any]) -> dict[str, str]:
    return {"Location": f"/api/v1/bess-sizing/projects/{document['id']}", "ETag": etag(document["version"])}


@router.get("/projects")
def list_projects(
    request: Request,
    response: Response,
    session: DbSession,
    user: Reader,
    page: PageQuery,
    whose: Annotated[projects.Whose, Query(description="mine, shared with me, or all that I may see")] = "all",
    status: Annotated[list[Status] | None, Query(description="Any of these")] = None,
    tag: Annotated[list[Tag] | None, Query(description="All of these", max_length=20)] = None,
    q: Annotated[
        str,
        Query(max_length=200, pattern=r"^[^\x00-\x1f]*$", description="Part of name, description, reference, owner"),
    ] = "",
    owner_id: UUID | None = None,
    deleted: Annotated[bool, Query(description="Those that wait for their end")] = False,
    sort: Annotated[str | None, Query(max_length=50, description=f"{', '.join(projects.SORTS)}; - to turn")] = None,
) -> Page[ProjectSummary]:
    """List the projects that you may open, the last changed first."""
    order = read_sort(sort, projects.SORTS, "-updated_at")
    looking = projects.Looking(whose, tuple(status or ()), tuple(tag or ()), q, owner_id, deleted)
    return show_page(
        request, response, projects.list_projects(session, user, looking, page, order), ProjectSummary.of
    )  # fmt: skip


@router.post("/projects", status_code=201, response_model=ProjectOut, responses=documented(409, 429))
def create_project(session: DbSession, user: Maker, quotas: UsedQuotas, once: Idempotent, body: ProjectIn) -> Response:
    """Make a project; its answers may come now or later."""

    def made() -> dict[str, Any]:
        return project_json(projects.create_project(session, user, quotas, body.columns()))

    return once.answer(session, user, made, status=201, headers=_made)


@router.get("/projects/{project_id}", response_model=ProjectOut, responses={304: {"description": "You have it"}})
def get_project(project_id: UUID, session: DbSession, user: Reader, if_none_match: IfNoneMatch = None) -> Response:
    """Return a project."""
    view = projects.show_project(session, user, project_id)
    tag = etag(view.row.version)
    if is_unchanged(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return shown(project_json(view))


@router.put("/projects/{project_id}", response_model=ProjectOut, responses=documented(409, 412))
def update_project(
    project_id: UUID, body: ProjectUpdate, session: DbSession, user: Changer, if_match: IfMatch = None
) -> Response:
    """Change any part of a project; what is not named stays as it is."""
    return shown(project_json(projects.update_project(session, user, project_id, body.columns(), check=if_match)))


@router.delete("/projects/{project_id}", status_code=204, responses=documented(412))
def delete_project(project_id: UUID, session: DbSession, user: Remover, if_match: IfMatch = None) -> None:
    """Delete a project; it can be restored for 30 days."""
    projects.delete_project(session, user, project_id, check=if_match)


@router.post("/projects/{project_id}/restore", response_model=ProjectOut)
def restore_project(project_id: UUID, session: DbSession, user: Remover) -> Response:
    """Take back a deletion."""
    return shown(project_json(projects.restore_project(session, user, project_id)))


@router.post("/projects/{project_id}/clone", status_code=201, response_model=ProjectOut, responses=documented(409, 429))
def clone(
    project_id: UUID,
    session: DbSession,
    user: Maker,
    storage: Store,
    quotas: UsedQuotas,
    once: Idempotent,
    body: CloneIn | None = None,
) -> Response:
    """Make a project of your own with the answers and profiles of this one."""

    def made() -> dict[str, Any]:
        name = body.name if body else None
        return project_json(clone_project(session, user, storage, quotas, project_id, name))

    return once.answer(session, user, made, status=201, headers=_made)


@router.put("/projects/{project_id}/status", response_model=ProjectOut, responses=documented(409, 412))
def set_status(
    project_id: UUID, body: StatusIn, session: DbSession, user: Changer, if_match: IfMatch = None
) -> Response:
    """Move a project on: draft, in_progress, completed, archived."""
    changed = projects.update_project(
        session, user, project_id, {"status": body.status}, check=if_match, reason="status set"
    )  # fmt: skip
    return shown(project_json(changed))


@router.put("/projects/{project_id}/tags", response_model=ProjectOut, responses=documented(412))
def set_tags(project_id: UUID, body: TagsIn, session: DbSession, user: Changer, if_match: IfMatch = None) -> Response:
    """Set the tags of a project."""
    changed = projects.update_project(
        session, user, project_id, {"tags": body.tags}, check=if_match, reason="tags set"
    )  # fmt: skip
    return shown(project_json(changed))


@router.get("/tags")
def list_tags(session: DbSession, user: Reader) -> list[TagCount]:
    """List the tags of the projects that you may open."""
    return [TagCount(tag=tag, projects=count) for tag, count in projects.list_tags(session, user)]
