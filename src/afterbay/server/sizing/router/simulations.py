"""Runs of a project: start, list, follow, cancel, delete; and one size looked at without keeping it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.platform.modules.service import Quotas
from afterbay.server.platform.storage import Storage
from afterbay.server.rest.paging import Page, PageQuery, read_sort, show_page
from afterbay.server.rest.sessions import DbSession
from afterbay.server.sizing.schemas.results import QuickOut
from afterbay.server.sizing.schemas.simulations import QuickIn, SimulateIn, SimulationOut, SimulationStatus, StatusOut
from afterbay.server.sizing.service import quick, simulations

__all__ = ["CurrentStorage", "router"]

router = APIRouter(prefix="/bess-sizing", tags=["simulations"])


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def _quotas(request: Request) -> Quotas:
    quotas: Quotas = request.app.state.quotas
    return quotas


CurrentStorage = Annotated[Storage, Depends(_storage)]
_Quotas = Annotated[Quotas, Depends(_quotas)]
_SEEN = documented(401, 403, 404, 503)


@router.post(
    "/projects/{project_id}/simulate",
    status_code=202,
    response_model=SimulationOut,
    responses=documented(400, 401, 403, 404, 409, 422, 429, 503),
)
def simulate(
    project_id: UUID,
    body: SimulateIn,
    session: DbSession,
    user: CurrentUser,
    once: Idempotent,
    storage: CurrentStorage,
    quotas: _Quotas,
) -> JSONResponse:
    """Start a run of what the project says now. `Location` is its job; `Content-Location` its status."""
    return once.answer(
        session,
        user,
        lambda: SimulationOut.of(simulations.start_simulation(session, user, storage, quotas, project_id, body.read())),
        status=202,
        headers=lambda shown: {
            "Location": f"/api/v1/jobs/{shown.job_id}",
            "Content-Location": f"/api/v1/bess-sizing/simulations/{shown.id}/status",
        },
    )


@router.get("/projects/{project_id}/simulations", responses=documented(401, 403, 404, 422, 503))
def list_simulations(
    project_id: UUID,
    request: Request,
    response: Response,
    session: DbSession,
    user: CurrentUser,
    page: PageQuery,
    status: SimulationStatus | None = None,
    sort: Annotated[str | None, Query(max_length=50, description="created_at or name; -name: largest first")] = None,
) -> Page[SimulationOut]:
    """List the runs of a project, newest first."""
    order = read_sort(sort, simulations.SORTS, "-created_at")
    found = simulations.list_simulations(session, user, project_id, status=status, page=page, sort=order)
    return show_page(request, response, found, SimulationOut.of)


@router.get("/simulations/{simulation_id}", responses=_SEEN)
def get_simulation(simulation_id: UUID, session: DbSession, user: CurrentUser) -> SimulationOut:
    """Show a run."""
    return SimulationOut.of(simulations.find_simulation(session, user, simulation_id))


@router.get("/simulations/{simulation_id}/status", responses=_SEEN)
def get_status(simulation_id: UUID, session: DbSession, user: CurrentUser) -> StatusOut:
    """Show how far a run is."""
    return StatusOut.of_status(simulations.status_of(session, user, simulation_id))


@router.delete(
    "/simulations/{simulation_id}",
    status_code=204,
    response_model=None,
    responses={**documented(401, 403, 404, 409, 503), 202: {"model": SimulationOut, "description": "It is cancelled"}},
)
def delete_simulation(simulation_id: UUID, session: DbSession, user: CurrentUser) -> Response:
    """Cancel a run that is not finished (202); delete the results of one that is (204, needs `delete`)."""
    cancelled = simulations.cancel_or_delete(session, user, simulation_id)
    if cancelled is None:
        return Response(status_code=204)
    return JSONResponse(SimulationOut.of(cancelled).model_dump(mode="json"), 202)


@router.post("/projects/{project_id}/quick-analysis", responses=documented(400, 401, 403, 404, 422, 503))
def quick_analysis(
    project_id: UUID, body: QuickIn, session: DbSession, user: CurrentUser, storage: CurrentStorage
) -> QuickOut:
    """Simulate one size at once; nothing is kept."""
    override, options = body.read()
    return QuickOut.of(quick.analyse_quickly(session, user, storage, project_id, override, options))
