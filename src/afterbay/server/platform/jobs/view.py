"""A job as everybody else sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

__all__ = ["CHANNEL", "FINISHED", "JobState", "JobView"]

JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]

CHANNEL: Final = "afterbay_jobs"
"""Where the database tells of every change: `{id, owner, state, version}`."""

FINISHED: Final = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class JobView:
    """One job: what was asked for, how far it is, what came out."""

    id: UUID
    task: str
    module: str
    """Id of the module that it belongs to, such as `bess-sizing`."""
    resource_id: UUID
    """What it works on, such as a simulation."""
    owner_id: UUID
    """Who started it."""
    state: JobState
    progress: float
    """Share that is done, 0..1."""
    message: str
    """What it does at the moment."""
    eta_s: float | None
    """Time left [s]; None: not known."""
    attempts: int
    """How often it was begun."""
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    """When the last attempt began."""
    finished_at: datetime | None
    not_before: datetime | None
    """When a queued job may begin; None: at once."""
    error: dict[str, Any] | None
    """`{code, detail, errors}` of what went wrong, also of the last attempt of a job that is tried again."""
    result: dict[str, Any] | None
    version: int = field(default=1)
    """Grows with every change."""

    @property
    def finished(self) -> bool:
        """Is it over, one way or the other?"""
        return self.state in FINISHED
