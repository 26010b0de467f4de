"""Runs of a project: started, listed, followed, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from afterbay.core.errors import ConflictError, NotAllowedError, NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.jobs.service import cancel as cancel_job
from afterbay.server.platform.jobs.service import enqueue
from afterbay.server.platform.jobs.service import find as find_job
from afterbay.server.platform.modules.service import Quotas, check_quota
from afterbay.server.principal import SYSTEM
from afterbay.server.rest.paging import Slice
from afterbay.server.sizing.repository.simulations import SORTS, SimulationRepository
from afterbay.server.sizing.service.runs import MODULE, inputs_bytes
from afterbay.server.sizing.service.runs_files import INPUTS, folder_of, owner_of
from afterbay.server.sizing.service.runs_project import Options, Prepared, find_project, prepare
from afterbay.server.sizing.service.versions import refuse_archived

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.view import JobView
    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest, Sort
    from afterbay.server.sizing.tables import Simulation

__all__ = [
    "MODULE",
    "QUOTA",
    "SORTS",
    "STATUSES",
    "TYPES",
    "SimulationView",
    "StartRequest",
    "Status",
    "cancel_or_delete",
    "find_row",
    "find_simulation",
    "list_simulations",
    "needed_files",
    "runs_today",
    "start_simulation",
    "status_of",
    "view_of",
]

QUOTA: Final = "max_simulations_per_day"
TYPES: Final = ("single", "optimization", "multi_year")
STATUSES: Final = ("pending", "running", "completed", "failed", "cancelled")
_OPEN: Final = ("pending", "running")


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What to run."""

    simulation_type: str
    name: str | None = None
    override: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Answers in place of the project's, by section: `setup_config`, ..."""
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class SimulationView:
    """A run as everybody else sees it."""

    id: UUID
    project_id: UUID
    name: str | None
    simulation_type: str
    status: str
    cases: int | None
    goal_reached: bool | None
    dispatch_template: int | None
    input_hash: str | None
    project_version: int | None
    created_at: datetime
    created_by: UUID | None
    created_by_name: str
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    error_message: str | None
    job_id: UUID | None
    summary_metrics: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Status:
    """How far a run is."""

    simulation: SimulationView
    progress: float
    """Share that is done, 0..1."""
    message: str
    eta_s: float | None
    """Time left [s]; None: not known."""
    attempts: int


def start_simulation(
    session: Session,
    principal: Principal,
    storage: Storage,
    quotas: Quotas,
    project_id: UUID,
    request: StartRequest,
) -> SimulationView:
    """Freeze what a project says now, and queue its run.

    Args:
        session: In whose transaction run and job begin to exist.
        principal: Who asks.
        storage: Where the profiles are frozen.
        quotas: How many runs a day.
        project_id: The project.
        request: What to run.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
        NotAllowedError: If it may not run anything, or not in this project.
        ConflictError: If the project is archived.
        QuotaError: If the day's runs are used up.
        InvalidInputError: With every problem of the answers.
    """
    principal.need(MODULE, "create")
    row = find_project(session, principal, project_id, edit=True)
    refuse_archived(row)
    made = prepare(session, storage, row, request.override, request.options, request.simulation_type)
    # Last before anything is made: the user's other starts wait from here on.
    check_quota(session, principal, MODULE, QUOTA, quotas)
    simulation_id = uuid4()
    # Before the row: whoever sees the run finds its profiles.
    storage.put(f"{folder_of(simulation_id)}/{INPUTS}", inputs_bytes(made.project))
    job_id = enqueue(
        session,
        principal,
        task=f"sizing.{request.simulation_type}",
        args={"simulation_id": str(simulation_id)},
        module=MODULE,
        resource_id=simulation_id,
    )
    simulation = SimulationRepository(session).add(
        id=simulation_id,
        project_id=project_id,
        name=request.name,
        simulation_type=request.simulation_type,
        status="pending",
        config_snapshot=made.snapshot,
        dispatch_template=made.project.template.number,
        created_by=principal.id,
        created_by_name=principal.name or principal.email,
        project_version=None if request.override else row.config_version,
        inputs_hash=made.project.input_hash,
        options={"override": made.snapshot["override"], **request.options.to_json()},
        job_id=job_id,
        cases=len(made.project.grid),
    )
    log_action(session, principal, MODULE, "simulation.started", simulation_id, _told(simulation, made))
    return view_of(simulation)


def list_simulations(
    session: Session, principal: Principal, project_id: UUID, *, status: str | None, page: PageRequest, sort: Sort
) -> Slice[SimulationView]:
    """Return one page of a project's runs.

    Raises:
        NotFoundError: If there is no such project that the principal may see.
    """
    find_project(session, principal, project_id, edit=False)
    found = SimulationRepository(session).page(project_id, status=status, page=page, sort=sort)
    return Slice([view_of(row, _job_of(session, row)) for row in found.items], found.next_cursor)


def find_row(
    session: Session, principal: Principal, simulation_id: UUID, *, edit: bool = False, whole: bool = False
) -> Simulation:
    """Return a run's row, if the principal may see (or change) its project; `whole` with its results.

    Raises:
        NotFoundError: If there is none that it may see; which of the two is not told.
        NotAllowedError: If it may see it and not change it.
    """
    principal.need(MODULE, "read")
    row = SimulationRepository(session).find(simulation_id, whole=whole)
    if row is not None and row.project_id is not None:
        try:
            find_project(session, principal, row.project_id, edit=edit)
        except NotFoundError:
            row = None
    if row is None:
        raise NotFoundError(f"there is no simulation {simulation_id} among those you may open")
    return row


def find_simulation(session: Session, principal: Principal, simulation_id: UUID) -> SimulationView:
    """Return a run; errors as `find_row`."""
    row = find_row(session, principal, simulation_id)
    return view_of(row, _job_of(session, row))


def status_of(session: Session, principal: Principal, simulation_id: UUID) -> Status:
    """Return how far a run is; errors as `find_row`."""
    row = find_row(session, principal, simulation_id)
    job = _any_job_of(session, row)
    view = view_of(row, job)
    if view.status not in _OPEN or job is None:
        done = 1.0 if view.status == "completed" else row.progress
        return Status(view, done, view.error_message or "", 0.0 if done == 1.0 else None, job.attempts if job else 0)
    return Status(view, job.progress, job.message, job.eta_s, job.attempts)


def cancel_or_delete(session: Session, principal: Principal, simulation_id: UUID) -> SimulationView | None:
    """Cancel a run that is not finished; delete one that is.

    Who may change the project cancels its runs; only who may delete in this module deletes results.

    Returns:
        The cancelled run; None: it was deleted.

    Raises:
        NotFoundError: As `find_row`.
        NotAllowedError: If the principal may not do this.
        ConflictError: If it ended meanwhile.
    """
    row = find_row(session, principal, simulation_id, edit=True)
    seen = view_of(row, _job_of(session, row)).status
    locked = SimulationRepository(session).lock(simulation_id)
    if locked is None:
        raise NotFoundError(f"there is no simulation {simulation_id} among those you may open")
    if seen in _OPEN:
        if not (principal.may(MODULE, "create") or principal.may(MODULE, "update")):
            raise NotAllowedError("you may not cancel runs -> ask the owner of the project")
        if locked.status not in _OPEN:
            raise ConflictError(f"the run is {locked.status} by now -> send the request again to delete it")
        locked.status = "cancelled"
        locked.error_message = f"cancelled by {principal.name or principal.email}"
        locked.completed_at = locked.updated_at = SimulationRepository(session).now()
        # Written before the job ends, which would note it in fewer words.
        session.flush()
        if locked.job_id is not None:
            # Whoever may change the project stops its runs, also those of somebody else.
            cancel_job(session, SYSTEM, locked.job_id)
        log_action(session, principal, MODULE, "simulation.cancelled", simulation_id, {"project_id": row.project_id})
        return view_of(locked)
    principal.need(MODULE, "delete")
    locked.deleted_at = locked.updated_at = SimulationRepository(session).now()
    details = {"project_id": row.project_id, "name": row.name, "status": seen}
    log_action(session, principal, MODULE, "simulation.deleted", simulation_id, details)
    return None


def runs_today(session: Session, user_id: UUID) -> tuple[int, int | None]:
    """Return how many runs a user started this day (UTC), and in how many seconds the next one begins."""
    repository = SimulationRepository(session)
    now = repository.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    left = midnight + timedelta(days=1) - now
    return repository.count_since(user_id, midnight), int(left.total_seconds()) + 1


def needed_files(session: Session, keys: Sequence[str]) -> set[str]:
    """Return which files of the store belong to a run that is there; all others under `FILES` may be collected."""
    owners = {key: owner for key in keys if (owner := owner_of(key)) is not None}
    there = SimulationRepository(session).existing(set(owners.values()))
    return {key for key, owner in owners.items() if owner in there}


def _job_of(session: Session, row: Simulation) -> JobView | None:
    """Return the job of a run that is not finished; who may see the run may see how far it is."""
    return _any_job_of(session, row) if row.status in _OPEN else None


def _any_job_of(session: Session, row: Simulation) -> JobView | None:
    if row.job_id is None:
        return None
    try:
        return find_job(session, SYSTEM, row.job_id)
    except NotFoundError:
        return None


def view_of(row: Simulation, job: JobView | None = None) -> SimulationView:
    """Return a run as everybody sees it.

    Args:
        row: The run.
        job: Its job, if it is not finished.
    """
    status, error = row.status, row.error_message
    if job is not None and status in _OPEN and job.state in ("failed", "cancelled"):
        # Its worker could not say so any more.
        status = job.state
        error = str((job.error or {}).get("detail") or f"the job of this run was {job.state}")
    if row.project_id is None:
        raise AssertionError("a run belongs to a project")
    return SimulationView(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        simulation_type=row.simulation_type or "optimization",
        status=status,
        cases=row.cases,
        goal_reached=row.goal_reached,
        dispatch_template=row.dispatch_template,
        input_hash=row.inputs_hash,
        project_version=row.project_version,
        created_at=row.created_at,
        created_by=row.created_by,
        created_by_name=row.created_by_name,
        started_at=row.started_at,
        completed_at=row.completed_at,
        duration_seconds=None if row.duration_seconds is None else float(row.duration_seconds),
        error_message=error,
        job_id=row.job_id,
        summary_metrics=row.summary_metrics,
    )


def _told(row: Simulation, made: Prepared) -> dict[str, Any]:
    return {
        "project_id": row.project_id,
        "simulation_type": row.simulation_type,
        "config_count": row.cases,
        "input_hash": made.project.input_hash,
    }
