"""The bodies of the jobs `sizing.single`, `sizing.optimization` and `sizing.multi_year`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from afterbay.server.platform.jobs.bodies import Subject, about, after, body
from afterbay.server.platform.jobs.context import JobCancelled
from afterbay.server.platform.storage.service import claim
from afterbay.server.sizing.service.runs import thaw
from afterbay.server.sizing.service.runs_files import FILES, HOURLY, INPUTS, SWEEP, folder_of, hourly_parquet
from afterbay.server.sizing.service.runs_outcome import judge
from afterbay.server.sizing.service.runs_record import (
    Begun,
    Finished,
    note_begin,
    note_end,
    note_finish,
    words_of,
)
from afterbay.server.sizing.service.runs_sweep import sweep_bytes
from afterbay.server.sizing.service.runs_years import live, years_document
from afterbay.server.sizing.service.simulations import needed_files
from afterbay.server.sizing.tasks.sweeping import run_sweep

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.context import JobContext
    from afterbay.server.platform.jobs.view import JobView

__all__ = ["note_how_it_ended", "run_is_about", "run_multi_year", "run_optimization", "run_single"]

_SWEPT: Final = 0.9
"""Share of the work that is done when all sizes are simulated."""


@body("sizing.single")
def run_single(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Simulate one size."""
    return _run(job, UUID(args["simulation_id"]))


@body("sizing.optimization")
def run_optimization(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Simulate every size of a project and judge them."""
    return _run(job, UUID(args["simulation_id"]))


@body("sizing.multi_year")
def run_multi_year(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Simulate every size, then the years of the one that is recommended."""
    return _run(job, UUID(args["simulation_id"]))


def _run(job: JobContext, simulation_id: UUID) -> dict[str, Any]:
    with job.session() as session:
        begun = note_begin(session, simulation_id)
    if begun is None:
        return {"simulation_id": str(simulation_id), "nothing_to_do": True}
    found = _computed(job, begun)
    with job.session() as session:
        if not note_finish(session, job.principal, simulation_id, found):
            raise JobCancelled("the run was cancelled or deleted while it was computed")
    return {"simulation_id": str(simulation_id), "config_count": found.cases, "goal_reached": found.goal_reached}


def _computed(job: JobContext, begun: Begun) -> Finished:
    folder = folder_of(begun.id)
    project = thaw(begun.snapshot["run"], job.storage.get(f"{folder}/{INPUTS}"))
    count = len(project.grid)

    def report(done: int) -> None:
        job.report(_SWEPT * done / count, f"{done:,} of {count:,} sizes")

    outcome = judge(project, run_sweep(project, job.compute, report))
    years = None
    if begun.simulation_type == "multi_year":
        job.report(_SWEPT, "the years of the chosen size")
        years = years_document(project, outcome.shown, live(project, outcome.shown, begun.snapshot["financial"]))
    job.report(0.95, "writing results")
    # Under names that depend on the run alone: a second attempt writes over the first.
    job.storage.put(f"{folder}/{SWEEP}", sweep_bytes(outcome.result))
    job.storage.put(f"{folder}/{HOURLY}", hourly_parquet(outcome.hourly, project.start))
    return Finished(
        outcome.summary_metrics, outcome.to_json(), years, f"{folder}/{HOURLY}", count, outcome.reached
    )  # fmt: skip


@after("sizing.single")
@after("sizing.optimization")
@after("sizing.multi_year")
def note_how_it_ended(session: Session, ended: JobView) -> None:
    """Let a run say that its job failed or was cancelled, in the transaction in which the job ends."""
    if ended.state == "failed":
        why = str((ended.error or {}).get("detail") or "an unexpected error; the server's log has the details")
        note_end(session, ended.resource_id, "failed", why)
    elif ended.state == "cancelled":
        note_end(session, ended.resource_id, "cancelled", "cancelled before it was finished")


@about("sizing.single")
@about("sizing.optimization")
@about("sizing.multi_year")
def run_is_about(session: Session, job: JobView) -> Subject | None:
    """Say which run of which project a job computes."""
    found = words_of(session, job.resource_id)
    if found is None:
        return None
    return Subject(found.name, f"/api/v1/bess-sizing/simulations/{job.resource_id}", found.outcome)


# Files of runs that are gone may be collected.
claim(FILES, needed_files)
