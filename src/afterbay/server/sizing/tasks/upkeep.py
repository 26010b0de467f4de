"""What the sizing module does by the clock: projects that were deleted long enough ago go for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.server.platform.jobs.bodies import body, schedule
from afterbay.server.platform.storage.service import claim
from afterbay.server.profiles.service.profiles import FOLDER
from afterbay.server.sizing.service.projects import purge_deleted

if TYPE_CHECKING:
    from afterbay.server.platform.jobs.context import JobContext

__all__ = ["purge"]

schedule("sizing.purge", "17 3 * * *", module="bess-sizing")
# Every profile that counts has a row of its own for its file.
claim(FOLDER)


@body("sizing.purge")
def purge(job: JobContext, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - every body is given arguments
    """Remove projects that can no longer be restored, a bounded number in each transaction."""
    gone = 0
    while True:
        job.check()
        with job.session() as session:
            removed = purge_deleted(session)
        gone += removed
        if not removed:
            return {"projects": gone}
