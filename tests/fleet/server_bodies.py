"""Bodies of jobs for tests: what they do is said in `args`, what they did is left in a folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import text

from afterbay.core.errors import InvalidInputError, Problem, UnavailableError
from afterbay.server.platform.jobs.bodies import after, body, schedule

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.jobs.context import JobContext
    from afterbay.server.platform.jobs.view import JobView

if os.environ.get("TEST_SCHEDULE"):
    schedule("test.tick", os.environ["TEST_SCHEDULE"])


def _leave(args: dict[str, Any], what: str) -> None:
    """Leave a trace that outlives the process."""
    folder = Path(args["folder"])
    (folder / f"{what}-{uuid4().hex}").touch()


def traces(folder: Path, what: str) -> int:
    """Return how often a body left a trace."""
    return len(list(folder.glob(f"{what}-*")))


@body("test.echo")
def echo(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    return {"args": args, "who": job.principal.email, "attempt": job.attempt}


@body("test.tick")
def tick(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    return {"at": time.time()}


@body("test.steps")
def steps(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Report `steps` times with a pause of `pause_s` between; the attempt in `die_at` kills its worker half-way."""
    _leave(args, "begun")
    for step in range(args["steps"]):
        job.report(step / args["steps"], f"step {step}")
        time.sleep(args["pause_s"])
        if job.attempt in args.get("die_at", []) and step == args["steps"] // 2:
            os.kill(os.getpid(), signal.SIGKILL)
    with job.session() as session:
        session.execute(text("INSERT INTO effects (job_id, attempt) VALUES (:job, :attempt)"),
                        {"job": job.id, "attempt": job.attempt})  # fmt: skip
    _leave(args, "done")
    return {"steps": args["steps"], "attempt": job.attempt}


@body("test.deaf")
def deaf(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Never look whether to stop."""
    _leave(args, "begun")
    until = time.monotonic() + args["seconds"]
    while time.monotonic() < until:
        time.sleep(0.02)
    _leave(args, "done")
    return {}


@body("test.fail")
def fail(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Fail in one of our ways; a passing fault passes at attempt `well_at`."""
    _leave(args, "begun")
    if args["how"] == "input":
        raise InvalidInputError(Problem("/setup/bess_min_soc", "120 %", "0..100 %", "mend it"))
    if args["how"] == "passing" and job.attempt < args["well_at"]:
        raise UnavailableError("the weather service does not answer -> try again later")
    if args["how"] == "defect":
        raise ZeroDivisionError("secret detail")
    return {"attempt": job.attempt}


@after("test.echo")
def note_end(session: Session, ended: JobView) -> None:
    session.execute(text("INSERT INTO effects (job_id, attempt) VALUES (:job, -1)"), {"job": ended.id})
