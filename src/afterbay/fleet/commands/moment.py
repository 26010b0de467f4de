"""A moment on both clocks: the wall's, which may jump, and the machine's own, which only counts up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Moment"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Now."""

    utc: datetime
    """Wall clock, aware."""
    monotonic_s: float
    """Seconds on a clock that never jumps (`time.monotonic()`)."""
    boot_id: str = ""
    """Names the run of the machine in which `monotonic_s` counts, if it is known: then the time that an agent
    was down is measured, whatever the wall clock did meanwhile."""
