"""What a worker notes of a run: that it began, what came of it, why it did not; each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.server.platform.audit.service import log_action
from afterbay.server.principal import SYSTEM
from afterbay.server.sizing.repository.projects import ProjectRepository
from afterbay.server.sizing.repository.simulations import SimulationRepository
from afterbay.server.sizing.service.projects import reach_step
from afterbay.server.sizing.service.runs import MODULE

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.principal import Principal

__all__ = ["Begun", "Finished", "Words", "note_begin", "note_end", "note_finish", "words_of"]

_RESULTS, _YEARS = 4, 5
"""Steps of the wizard that show results, and the years."""


_KINDS: Final = {"single": "single run", "optimization": "optimization", "multi_year": "multi-year run"}


@dataclass(frozen=True, slots=True)
class Words:
    """A run in the words of whoever started it."""

    name: str
    """Project and run."""
    outcome: str
    """What came of it; empty while nothing did."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that has to be computed."""

    id: UUID
    simulation_type: str
    snapshot: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """What came of a run, as its columns hold it."""

    summary_metrics: dict[str, Any]
    optimization_results: dict[str, Any]
    projection_results: dict[str, Any] | None
    hourly_data_path: str
    cases: int
    goal_reached: bool


def note_begin(session: Session, simulation_id: UUID) -> Begun | None:
    """Note that a run is being computed.

    Returns:
        What is to be computed; None if there is nothing left to do: it is deleted or finished. One that failed or
        was cancelled is computed when its job is queued again.
    """
    repository = SimulationRepository(session)
    row = repository.lock(simulation_id)
    if row is None or row.status == "completed":
        return None
    row.status, row.error_message = "running", None
    row.started_at = row.updated_at = repository.now()
    row.completed_at = None
    return Begun(row.id, row.simulation_type or "optimization", row.config_snapshot)


def note_finish(session: Session, principal: Principal, simulation_id: UUID, found: Finished) -> bool:
    """Make all results of a run visible at once, and record who had it made.

    Returns:
        False if somebody cancelled or deleted it meanwhile: nothing is kept then.
    """
    repository = SimulationRepository(session)
    row = repository.lock(simulation_id)
    if row is None or row.status == "cancelled":
        return False
    now = repository.now()
    row.status, row.error_message = "completed", None
    row.completed_at = row.updated_at = now
    row.duration_seconds = Decimal(str(round((now - (row.started_at or now)).total_seconds(), 2)))
    row.summary_metrics = found.summary_metrics
    row.optimization_results = found.optimization_results
    row.projection_results = found.projection_results
    row.hourly_data_path = found.hourly_data_path
    row.cases, row.goal_reached, row.progress = found.cases, found.goal_reached, 1.0
    details = {"config_count": found.cases, "project_id": row.project_id, "goal_reached": found.goal_reached}
    log_action(session, principal, MODULE, "simulation.completed", simulation_id, details)
    if row.project_id is not None:
        reach_step(session, row.project_id, _YEARS if found.projection_results else _RESULTS)
    return True


def note_end(session: Session, simulation_id: UUID, status: str, why: str) -> None:
    """Note that a run was cancelled or failed, unless it ended otherwise before.

    Args:
        session: The session in which its job ends.
        simulation_id: The run.
        status: cancelled or failed.
        why: A sentence for the user.
    """
    repository = SimulationRepository(session)
    row = repository.lock(simulation_id)
    if row is None or row.status not in ("pending", "running"):
        return
    row.status, row.error_message = status, why
    row.completed_at = row.updated_at = repository.now()
    log_action(session, SYSTEM, MODULE, f"simulation.{status}", simulation_id, {"reason": why})


def words_of(session: Session, simulation_id: UUID) -> Words | None:
    """Return how a run is called and what came of it; None if it is deleted."""
    row = SimulationRepository(session).find(simulation_id)
    if row is None:
        return None
    project = ProjectRepository(session).find(row.project_id) if row.project_id is not None else None
    run = row.name or _KINDS.get(row.simulation_type or "", "run")
    sizes = "1 size" if row.cases == 1 else f"{row.cases or 0:,} sizes"
    goal = (
        ""
        if row.goal_reached is None
        else ", the goal is reached"
        if row.goal_reached
        else ", no size reaches the goal"
    )
    outcome = f"{sizes}{goal}" if row.status == "completed" else ""
    return Words(f"{project.name}, {run}" if project is not None else run, outcome)
