"""What the platform must know of the module before it serves: how quotas are counted, what jobs do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from afterbay.server.platform.jobs.bodies import load_bodies
from afterbay.server.sizing.service import projects
from afterbay.server.sizing.service.runs import MODULE
from afterbay.server.sizing.service.simulations import QUOTA, runs_today

if TYPE_CHECKING:
    from afterbay.server.platform.modules.service import Quotas

__all__ = ["wire_runs"]


class _Parts(Protocol):
    @property
    def quotas(self) -> Quotas: ...


def wire_runs(parts: _Parts) -> None:
    """Tell the platform of projects and runs; also that the end of a job is noted where it is cancelled from the API.

    Args:
        parts: Of the application that is made.
    """
    parts.quotas.count_by(MODULE, QUOTA, runs_today)
    parts.quotas.count_by(MODULE, projects.QUOTA, projects.count_projects)
    load_bodies(["afterbay.server.sizing.tasks.bodies"])
