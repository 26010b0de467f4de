"""What the platform does by the clock: forgets what is over, removes what nothing needs any longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from afterbay.server.platform.jobs.bodies import body, schedule
from afterbay.server.platform.jobs.service.leases import forget_jobs
from afterbay.server.platform.storage.service import collect_orphans

if TYPE_CHECKING:
    from afterbay.server.platform.jobs.context import JobContext

__all__ = ["collect", "forget"]

_KEEP_JOBS_DAYS: Final = 90.0
_GRACE_H: Final = 24.0
"""An object that is younger may belong to a change that has not committed yet."""

schedule("platform.forget", "41 2 * * *")
schedule("platform.collect_orphans", "23 * * * *")


@body("platform.forget")
def forget(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Delete jobs that ended `args["days"]` ago, old sessions and links, old messages, answers kept for repeats."""
    # Once a night: what they bring along would stay in memory from the start.
    from afterbay.server.platform.idempotency.service import forget_old_keys
    from afterbay.server.platform.identity.service.upkeep import forget_what_is_over
    from afterbay.server.platform.notifications.service import forget_old

    now = datetime.now(UTC)
    before = now - timedelta(days=float(args.get("days", _KEEP_JOBS_DAYS)))
    # Each on its own: what one cannot delete does not keep the others from it.
    with job.session() as session:
        jobs = forget_jobs(session, before)
    with job.session() as session:
        identity = forget_what_is_over(session, now)
    with job.session() as session:
        notifications = forget_old(session, now)
    with job.session() as session:
        answers = forget_old_keys(session, now)
    return {"jobs": jobs, "identity": identity, "notifications": notifications, "answers": answers}


@body("platform.collect_orphans")
def collect(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:
    """Remove objects that no row needs and that are older than `args["grace_h"]`."""
    grace = timedelta(hours=float(args.get("grace_h", _GRACE_H)))
    gone = collect_orphans(job.sessions, job.storage, before=datetime.now(UTC) - grace, check=job.check)
    return {"objects": gone.objects, "partial": gone.partial}
