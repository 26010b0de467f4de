"""What a run was made of, and the digests by which two runs are told to have the same inputs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from afterbay.community.topology import grid_to_document

if TYPE_CHECKING:
    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.sharing import SharingRule
    from afterbay.community.topology import Grid
    from afterbay.core.timeline import Timeline

__all__ = ["Scenario", "profile_names", "scenario_of"]


@dataclass(frozen=True)
class Scenario:
    """Everything that decides the numbers of a run."""

    grid: dict[str, Any]
    """Snapshot of the topology, as its document."""
    profiles: dict[str, str]
    """Digest of each profile that the grid names."""
    start: str
    """Start of the first step, UTC."""
    step_s: int
    steps: int
    sharing: str
    """The sharing rule in words."""
    seed: int
    """Seed of whatever draws numbers later (bidding strategies); the physics draws none."""

    @cached_property
    def inputs_digest(self) -> str:
        """SHA-256 of all that the physics depends on: grid, profiles and steps."""
        return _digest({"grid": self.grid, "profiles": self.profiles, "steps": [self.start, self.step_s, self.steps]})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything."""
        return _digest({"inputs": self.inputs_digest, "sharing": self.sharing, "seed": self.seed})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "grid": self.grid,
            "profiles": self.profiles,
            "start": self.start,
            "step_s": self.step_s,
            "steps": self.steps,
            "sharing": self.sharing,
            "seed": self.seed,
        }


def scenario_of(grid: Grid, profiles: ProfileLibrary, sharing: SharingRule, timeline: Timeline, seed: int) -> Scenario:
    """Return the scenario of a run."""
    series, sessions = profile_names(grid)
    return Scenario(
        grid=grid_to_document(grid),
        profiles={name: profiles.digest(name) for name in sorted({*series, *sessions})},
        start=timeline.start.isoformat(),
        step_s=int(timeline.step.total_seconds()),
        steps=timeline.count,
        sharing=repr(sharing),
        seed=seed,
    )


def profile_names(grid: Grid) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of all series and of all session sets that a grid refers to, each once, in order."""
    series: dict[str, None] = {}
    sessions: dict[str, None] = {}
    for house, _ in grid.every_house():
        for load in house.loads:
            series[load.profile] = None
        for array in house.solar:
            series[array.profile] = None
        for turbine in house.wind:
            series[turbine.profile] = None
        for car in house.cars:
            sessions[car.profile] = None
    return tuple(series), tuple(sessions)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
