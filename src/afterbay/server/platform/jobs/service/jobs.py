"""Starts, finds, cancels and retries jobs, in the transaction of whoever asks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from afterbay.core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, Problem
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.jobs.bodies import tell_finished
from afterbay.server.platform.jobs.queue import defer_ticket, drop_ticket
from afterbay.server.platform.jobs.repository import NOW, JobRepository, Wanted
from afterbay.server.platform.jobs.service.records import principal_record, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.tables import JobRow
    from afterbay.server.platform.jobs.view import JobView
    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest, Slice

__all__ = ["cancel", "changed_since", "enqueue", "find", "find_page", "open_jobs", "retry"]


def enqueue(
    session: Session,
    principal: Principal,
    *,
    task: str,
    args: Mapping[str, Any],
    module: str,
    resource_id: UUID,
    key: str | None = None,
    not_before: datetime | None = None,
) -> UUID:
    """Queue a job in the transaction of the session; it starts when that commits, and never if it does not.

    Args:
        session: The session of the change that asks for the job.
        principal: Who asks; the job runs in their name.
        task: Name under which a body is registered.
        args: What the body is given; JSON.
        module: Id of the module, such as `bess-sizing`.
        resource_id: What the job works on.
        key: The same key of the same principal is the same job; the second call returns the first one's id.
        not_before: When it may begin (aware).

    Raises:
        ConflictError: If the key belongs to another job.
        InvalidInputError: If the arguments are no JSON, or the moment has no zone.
        UnavailableError: If the database does not answer.
    """
    repository, job_id, given = JobRepository(session), uuid4(), _checked(args, not_before)
    columns = {
        "id": job_id, "owner_id": principal.id, "principal": principal_record(principal), "task": task, "args": given,
        "module": module, "resource_id": resource_id, "key": key, "not_before": not_before,
    }  # fmt: skip
    if repository.add(columns) is None:
        return _same_job(repository, principal, key or "", task, given)
    row = repository.change(job_id, ticket=defer_ticket(session, job_id, at=not_before))
    return row.id


def find(session: Session, principal: Principal, job_id: UUID) -> JobView:
    """Return a job.

    Raises:
        NotFoundError: If there is none that this principal may see.
    """
    return view_of(_seen(session, principal, job_id))


def find_page(session: Session, principal: Principal, page: PageRequest, wanted: Wanted) -> Slice[JobView]:
    """Return jobs that this principal may see, newest first; administrators see everybody's."""
    from afterbay.server.rest.paging import Slice

    found = JobRepository(session).page(_visible(principal, wanted), page)
    return Slice([view_of(row) for row in found.items], found.next_cursor)


def open_jobs(session: Session, principal: Principal, *, limit: int) -> list[tuple[datetime, JobView]]:
    """Return jobs that are not over with the moments of their last change, oldest first."""
    rows = JobRepository(session).unfinished(_visible(principal, Wanted()), limit=limit)
    return [(row.changed_at, view_of(row)) for row in rows]


def changed_since(
    session: Session, principal: Principal, since: datetime, *, limit: int
) -> list[tuple[datetime, JobView]]:
    """Return jobs that changed after a moment with the moments of their change, oldest first."""
    rows = JobRepository(session).changed(_visible(principal, Wanted()), since=since, limit=limit)
    return [(row.changed_at, view_of(row)) for row in rows]


def cancel(session: Session, principal: Principal, job_id: UUID) -> JobView:
    """Cancel a job: a queued one at once, a running one at its next report; once more is no error.

    Raises:
        NotFoundError: If there is none that this principal may see.
        NotAllowedError: If this token may only look.
        ConflictError: If it is over already.
    """
    row, repository = _acted(session, principal, job_id), JobRepository(session)
    if row.state in ("succeeded", "failed"):
        raise ConflictError(f"the job has {row.state} already: there is nothing to cancel")
    if row.state == "cancelled" or row.cancel_requested:
        return view_of(row)
    if row.state == "running":
        log_action(session, principal, row.module, "job.cancelled", job_id, {"task": row.task, "was": "running"})
        return view_of(repository.change(job_id, cancel_requested=True))
    log_action(session, principal, row.module, "job.cancelled", job_id, {"task": row.task, "was": "queued"})
    drop_ticket(session, row.ticket)
    ended = view_of(repository.change(job_id, state="cancelled", cancel_requested=True, ticket=None, finished_at=NOW))
    tell_finished(session, ended)
    return ended


def retry(session: Session, principal: Principal, job_id: UUID) -> JobView:
    """Queue a job again that failed or was cancelled; what it is asked to do stays the same.

    Raises:
        NotFoundError: If there is none that this principal may see.
        NotAllowedError: If this token may only look.
        ConflictError: If it is not over, or has succeeded.
    """
    row = _acted(session, principal, job_id)
    if row.state not in ("failed", "cancelled"):
        raise ConflictError(f"the job is {row.state}: only one that failed or was cancelled can be run again")
    changed = JobRepository(session).change(
        job_id, state="queued", ticket=defer_ticket(session, job_id), failures=0, cancel_requested=False, error=None,
        progress=0.0, message="", eta_s=None, started_at=None, finished_at=None, not_before=None,
    )  # fmt: skip
    log_action(session, principal, row.module, "job.retried", job_id, {"task": row.task})
    return view_of(changed)


def _checked(args: Mapping[str, Any], not_before: datetime | None) -> dict[str, Any]:
    if not_before is not None and not_before.tzinfo is None:
        raise InvalidInputError(Problem("not_before", str(not_before), "a moment with a zone", "add +00:00 for UTC"))
    try:
        given: dict[str, Any] = json.loads(json.dumps(dict(args), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(Problem("args of the job", str(error), "JSON", "pass ids instead of objects")) from None
    return given


def _same_job(repository: JobRepository, principal: Principal, key: str, task: str, args: Mapping[str, Any]) -> UUID:
    known = repository.of_key(principal.id, key)
    if known is None or known.task != task or known.args != args:
        raise ConflictError(f"the key {key[:80]!r} belongs to another job -> take a key of its own for each job")
    return known.id


def _seen(session: Session, principal: Principal, job_id: UUID, *, lock: bool = False) -> JobRow:
    row = JobRepository(session).find(job_id, lock=lock)
    modules = _readable(principal)
    hidden = row is None or (row.owner_id != principal.id and not principal.is_admin)
    if row is None or hidden or (modules is not None and row.module not in modules):
        raise NotFoundError(f"job {job_id} not found among the jobs you may see")
    return row


def _acted(session: Session, principal: Principal, job_id: UUID) -> JobRow:
    row = _seen(session, principal, job_id, lock=True)
    if principal.scopes is not None and f"{row.module}:create" not in principal.scopes:
        raise NotAllowedError(f"this token may not start or stop jobs -> take one with the scope `{row.module}:create`")
    return row


def _visible(principal: Principal, wanted: Wanted) -> Wanted:
    modules = _readable(principal)
    owner_id = wanted.owner_id if principal.is_admin else principal.id
    return replace(wanted, owner_id=owner_id, modules=modules)


def _readable(principal: Principal) -> frozenset[str] | None:
    """Return the modules that a token is limited to, or None for no limit."""
    if principal.scopes is None:
        return None
    return frozenset(scope.removesuffix(":read") for scope in principal.scopes if scope.endswith(":read"))
