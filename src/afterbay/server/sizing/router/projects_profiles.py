"""`/projects/{id}/profiles/{kind}`: the load and the sun of a project, for everybody who may open the project."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from afterbay.server.errors import documented
from afterbay.server.profiles.schemas import PreviewOut, ProfileOut
from afterbay.server.profiles.service.looking import preview_of, statistics_of
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.projects import Reader, Store
from afterbay.server.sizing.service.projects_profiles import open_used

__all__ = ["router"]

router = APIRouter(
    prefix="/projects/{project_id}/profiles/{kind}", tags=["profiles"], responses=documented(503)
)  # fmt: skip
_Kind = Literal["load", "solar"]


@router.get("")
def get_used(project_id: UUID, kind: _Kind, session: DbSession, user: Reader, storage: Store) -> ProfileOut:
    """Return a profile of the project without its values."""
    return ProfileOut.of(open_used(session, user, storage, project_id, kind).view)


@router.get("/statistics")
def statistics(project_id: UUID, kind: _Kind, session: DbSession, user: Reader, storage: Store) -> dict[str, Any]:
    """Return key figures of a profile of the project."""
    opened = open_used(session, user, storage, project_id, kind)
    return opened.view.stats or statistics_of(kind, opened.values, opened.view.dt_h)


@router.get("/preview")
def preview(
    project_id: UUID,
    kind: _Kind,
    session: DbSession,
    user: Reader,
    storage: Store,
    view: Annotated[Literal["day", "week", "month", "carpet"], Query(alias="kind")] = "day",
) -> PreviewOut:
    """Return aggregates of a profile of the project to draw."""
    opened = open_used(session, user, storage, project_id, kind)
    return PreviewOut.of(preview_of(view, opened.values, opened.view.dt_h, opened.start))
