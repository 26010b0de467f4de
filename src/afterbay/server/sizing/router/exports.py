"""Downloads of a run: CSV, workbook, PDF, and the project file it was made from. All need `export`."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from afterbay.server.errors import documented
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.router.results import Index
from afterbay.server.sizing.router.simulations import CurrentStorage
from afterbay.server.sizing.service import exports

__all__ = ["router"]

router = APIRouter(prefix="/bess-sizing/exports", tags=["exports"])

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _sent(*media_types: str) -> dict[int | str, dict[str, Any]]:
    file = {"type": "string", "format": "binary"}
    content = {one: {"schema": {"type": "object"} if one == "application/json" else file} for one in media_types}
    return {**documented(401, 403, 404, 409, 422, 503), 200: {"content": content}}


def _download(file: exports.Download, media_type: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        # What a browser guesses may be run; what we say is not.
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return Response(file.content, media_type=media_type, headers=headers)


@router.get("/{simulation_id}/csv", response_class=Response, responses=_sent("text/csv"))
def export_csv(
    simulation_id: UUID,
    session: DbSession,
    user: CurrentUser,
    storage: CurrentStorage,
    table: Annotated[exports.Table, Query(description="The steps of an option, all options, or the years")] = "hourly",
    index: Index = None,
) -> Response:
    """Download a table of a run as CSV."""
    file = exports.export_csv(session, user, storage, simulation_id, table, index)
    return _download(file, "text/csv; charset=utf-8")


@router.get("/{simulation_id}/excel", response_class=Response, responses=_sent(_XLSX))
def export_excel(simulation_id: UUID, session: DbSession, user: CurrentUser, storage: CurrentStorage) -> Response:
    """Download the report as a workbook: Summary, Cases, Hourly, Monthly, Finance, Assumptions."""
    return _download(exports.export_report(session, user, storage, simulation_id, "xlsx"), _XLSX)


@router.get("/{simulation_id}/pdf", response_class=Response, responses=_sent("application/pdf"))
def export_pdf(simulation_id: UUID, session: DbSession, user: CurrentUser, storage: CurrentStorage) -> Response:
    """Download the report as a PDF, conclusion first."""
    return _download(exports.export_report(session, user, storage, simulation_id, "pdf"), "application/pdf")


@router.get("/{simulation_id}/json", response_class=Response, responses=_sent("application/json"))
def export_json(simulation_id: UUID, session: DbSession, user: CurrentUser, storage: CurrentStorage) -> Response:
    """Download what the run was made from, as a project file that `afterbay size run` takes."""
    return _download(exports.export_config(session, user, storage, simulation_id), "application/json")
