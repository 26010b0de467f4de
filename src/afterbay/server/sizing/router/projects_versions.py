"""`/projects/{id}/versions`: the answers as they were, compared and restored."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from afterbay.server.errors import documented
from afterbay.server.rest.etags import IfMatch
from afterbay.server.rest.paging import Page, PageQuery, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.projects import Changer, Reader, shown
from afterbay.server.sizing.schemas.projects import SavedOut, saved_json
from afterbay.server.sizing.schemas.projects_more import DifferenceOut, VersionOut, VersionSummary
from afterbay.server.sizing.service import versions
from afterbay.server.sizing.service.projects import view_of

__all__ = ["router"]

router = APIRouter(prefix="/projects/{project_id}/versions", tags=["versions"])
_Number = Annotated[int, Path(ge=1, le=2_147_483_647)]
_Compared = Annotated[int, Query(ge=1, le=2_147_483_647)]


@router.get("")
def list_versions(
    project_id: UUID, request: Request, response: Response, session: DbSession, user: Reader, page: PageQuery
) -> Page[VersionSummary]:
    """List the versions of a project's answers, newest first."""
    found = versions.list_versions(session, user, project_id, page)
    return show_page(request, response, found, VersionSummary.of)


@router.get("/diff")
def compare(
    project_id: UUID,
    session: DbSession,
    user: Reader,
    first: Annotated[_Compared, Query(alias="from")],
    second: Annotated[_Compared, Query(alias="to")],
) -> list[DifferenceOut]:
    """Return every value that differs between two versions."""
    return [DifferenceOut.of(one) for one in versions.compare_versions(session, user, project_id, first, second)]


@router.get("/{number}")
def get_version(project_id: UUID, number: _Number, session: DbSession, user: Reader) -> VersionOut:
    """Return one version."""
    return VersionOut.of(versions.find_version(session, user, project_id, number))


@router.post("/{number}/restore", response_model=SavedOut, responses=documented(409, 412))
def restore(project_id: UUID, number: _Number, session: DbSession, user: Changer, if_match: IfMatch = None) -> Response:
    """Give the project the answers of this version; that makes a new version, nothing is lost."""
    row = versions.restore_version(session, user, project_id, number, check=if_match)
    return shown(saved_json(view_of(session, user, row)))
