"""The patience of a worker."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a worker looks, and how long it waits [s]."""

    beat_s: float = 1.0
    """Between two signs of life."""
    stalled_s: float = 15.0
    """A worker without a sign of life for so long is dead: its jobs are run again."""
    cancel_grace_s: float = 10.0
    """How long a body may take to notice that its job was cancelled, before it is cut off."""
    stop_grace_s: float = 5.0
    """How long jobs may go on after the worker was asked to stop, before they are given back to the queue."""
    stop_force_s: float = 2.5
    """How long they may then take to notice, before they are cut off."""
    poll_s: float = 2.0
    """Between two looks at the queue; new jobs announce themselves, those that wait for a moment do not."""
