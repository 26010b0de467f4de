"""What the parts of the agent hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Counters", "Gap", "SpoolLimits", "StoredBatch"]


@dataclass(slots=True)
class Counters:
    """What an agent did since it started."""

    ticks: int = 0
    overruns: int = 0
    samples: int = 0
    samples_dropped: int = 0
    clock_steps: int = 0
    last_tick_ms: float = 0.0
    slowest_tick_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much an agent keeps for a headend that is away."""

    max_bytes: int = 512_000_000
    max_age_s: float = 7 * 86_400.0
    memory_bytes: int = 16_000_000
    """Kept in memory while the disk takes nothing."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """Samples of one tick as they go over the wire."""

    row: int
    """Counts up; also across restarts."""
    at: datetime
    samples: int
    payload: bytes
    """A `TelemetryBatch` of the wire."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that were dropped before the headend had them."""

    samples: int
    since: datetime
    until: datetime
    reason: str
    """too_old, no_room, disk, or spoilt: it came back from the disk other than it was written."""
