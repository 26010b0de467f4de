"""Routes of `/api/v1/jobs`: how far work is that takes longer than a request."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.db import session_scope
from afterbay.server.errors import documented
from afterbay.server.platform.idempotency.access import Idempotent
from afterbay.server.platform.identity.access import CurrentUser
from afterbay.server.platform.jobs import service
from afterbay.server.platform.jobs.events import job_events
from afterbay.server.platform.jobs.feed import feed_of
from afterbay.server.platform.jobs.schemas import JobOut
from afterbay.server.platform.jobs.view import JobState, JobView
from afterbay.server.rest.etags import IfNoneMatch, etag, is_unchanged
from afterbay.server.rest.events import EVENT_STREAM, LastEventId, event_response
from afterbay.server.rest.paging import Page, PageQuery, show_page
from afterbay.server.rest.sessions import DbSession

__all__ = ["router"]

_LONGEST_WAIT_S = 30.0
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)
_NAME = Query(max_length=100, pattern=r"^[^\x00]*$")
Prefer = Annotated[
    str | None,
    Header(max_length=200, description="`wait=10`: answer when the job is over, or after so many seconds (30 at most)"),
]

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=documented(401, 422))


@router.get("")
def list_jobs(
    request: Request,
    response: Response,
    session: DbSession,
    user: CurrentUser,
    page: PageQuery,
    state: Annotated[JobState | None, Query(description="Only jobs in this state")] = None,
    task: Annotated[str | None, _NAME] = None,
    module: Annotated[str | None, _NAME] = None,
    resource_id: Annotated[UUID | None, Query(description="Only jobs that work on this")] = None,
    owner_id: Annotated[UUID | None, Query(description="Only jobs of this user; for administrators")] = None,
) -> Page[JobOut]:
    """List your jobs, newest first; administrators see everybody's."""
    wanted = service.Wanted(owner_id=owner_id, state=state, task=task, module=module, resource_id=resource_id)
    found = service.find_page(session, user, page, wanted)
    return show_page(request, response, found, JobOut.model_validate)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events `job` with a job each", "content": {EVENT_STREAM: {}}}},
)
def follow_jobs(request: Request, user: CurrentUser, last_id: LastEventId) -> StreamingResponse:
    """Follow your jobs: those that are not over, then each whenever it changes (server-sent events)."""
    return event_response(request, job_events(feed_of(request.app.state), _sessions(request), user, last_id))


@router.get("/{job_id}", response_model=JobOut, responses={304: {"description": "Not changed"}, **documented(404)})
async def get_job(
    job_id: UUID, request: Request, user: CurrentUser, prefer: Prefer = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Tell how far a job is; with `Prefer: wait=10` the answer waits for its end."""
    seconds = _wait_of(prefer)
    sessions = _sessions(request)

    def find() -> JobView:
        with session_scope(sessions) as session:
            return service.find(session, user, job_id)

    def concerns(news: Mapping[str, Any]) -> bool:
        return bool(news["id"] == str(job_id))

    if not seconds:
        return _shown(await to_thread.run_sync(find), if_none_match)
    with feed_of(request.app.state).waiter(concerns) as waiter:
        job = await to_thread.run_sync(find)
        until = waiter.loop.time() + seconds
        while not job.finished and (left := until - waiter.loop.time()) > 0:
            await waiter.wait(left)
            job = await to_thread.run_sync(find)
    shown = _shown(job, if_none_match)
    shown.headers["Preference-Applied"] = f"wait={seconds:g}"
    return shown


@router.delete(
    "/{job_id}",
    response_model=JobOut,
    responses={202: {"model": JobOut, "description": "It stops at its next step"}, **documented(403, 404, 409)},
)
def cancel_job(job_id: UUID, session: DbSession, user: CurrentUser) -> Response:
    """Cancel a job: one that waits at once (200), one that runs at its next step (202)."""
    job = service.cancel(session, user, job_id)
    return _shown(job, None, status=200 if job.finished else 202)


@router.post("/{job_id}/retry", status_code=202, response_model=JobOut, responses=documented(403, 404, 409))
def retry_job(job_id: UUID, session: DbSession, user: CurrentUser, once: Idempotent) -> JSONResponse:
    """Run a job again that failed or was cancelled."""
    return once.answer(
        session,
        user,
        lambda: JobOut.model_validate(service.retry(session, user, job_id)),
        status=202,
        headers=lambda job: {"Location": f"{router.prefix}/{job.id}", "Retry-After": "1"},
    )


def _shown(job: JobView, if_none_match: str | None, *, status: int = 200) -> Response:
    tag = etag(job.version)
    headers = {"ETag": tag} if job.finished else {"ETag": tag, "Retry-After": "1"}
    if if_none_match is not None and is_unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return JSONResponse(JobOut.model_validate(job).model_dump(mode="json"), status, headers=headers)


def _wait_of(prefer: str | None) -> float:
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), _LONGEST_WAIT_S) if found else 0.0


def _sessions(request: Request) -> sessionmaker[Session]:
    sessions: sessionmaker[Session] = request.app.state.sessions
    return sessions
