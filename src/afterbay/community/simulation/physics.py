"""Drive the compiled step over a horizon, block by block."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from afterbay.community.simulation.fitness import require_profiles
from afterbay.community.simulation.horizon import LocalDays, local_days
from afterbay.community.simulation.scenario import profile_names
from afterbay.community.step import (
    Block,
    CommunityStep,
    DeviceState,
    Sessions,
    TreeArrays,
    components_of,
    devices_of,
    initial_state,
    tree_arrays,
)
from afterbay.community.topology import require_ready
from afterbay.core.memory import keep_freed_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.topology import Grid
    from afterbay.core.compiled import Floats, Indices
    from afterbay.core.timeline import Timeline

__all__ = ["DayBlock", "Physics", "cores"]

_DAYS_AHEAD = 6
"""Days of profiles that are read at once."""

_BLOCK_VALUES = 2_000_000
"""House-steps in a block: small enough for the cache and the memory, large enough for the calls."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Reader(Protocol):
    def read(self, first: int, count: int) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class DayBlock:
    """A block of whole local days, run."""

    block: Block
    first_day: int
    days: Indices
    """First step of each day inside the block, and its number of steps, shape (days + 1,)."""
    state: DeviceState
    """What the last step left; a copy."""


class Physics:
    """A checked grid with its profiles over a horizon; can be run as often as one likes, with the same bits."""

    def __init__(
        self,
        grid: Grid,
        profiles: ProfileLibrary,
        timeline: Timeline,
        *,
        chosen: Sequence[int] = (),
        threads: int | None = None,
        block_days: int | None = None,
    ) -> None:
        """Check everything and lay it out.

        Raises:
            InvalidInputError: With every problem of the grid and of its profiles.
        """
        series, sessions = profile_names(grid)
        require_ready(grid, frozenset(profiles))
        require_profiles(grid, profiles, timeline)
        self.grid, self.timeline = grid, timeline
        self.tree: TreeArrays = tree_arrays(grid)
        self.days: LocalDays = local_days(timeline, grid.time_zone)
        self._threads = threads or cores()
        self._block_days = block_days or _days_per_block(self.tree.n_houses, self.days)
        self._houses = [house for house, _ in grid.every_house()]
        self._reader: _Reader = profiles.reader(series, timeline, grid.time_zone)
        row = {name: index for index, name in enumerate(series)}
        self._components = components_of(self._houses, row.__getitem__)
        stays = {name: _stays(profiles, name, timeline, grid.time_zone) for name in sessions}
        self._devices = devices_of(self._houses, stays.__getitem__, self._peaks())
        self._step = CommunityStep(
            self.tree.tree,
            self._components,
            self._devices,
            timeline.dt_h,
            chosen=chosen,
            threads=self._threads,
        )

    @property
    def threads(self) -> int:
        """Threads that the run uses."""
        return self._threads

    def start(self) -> DeviceState:
        """Return the state before the first step."""
        return initial_state(self._houses, self._devices)

    def run(self, state: DeviceState | None = None, first_day: int = 0) -> Iterator[DayBlock]:
        """Run from a day to the end; `state` is what the days before left (default: the start)."""
        state = self.start() if state is None else state
        keep_freed_memory()
        ahead, ahead_from = np.empty((0, 0)), 0
        for day in range(first_day, len(self.days.dates), self._block_days):
            last = min(day + self._block_days, len(self.days.dates))
            starts = self.days.starts[day : last + 1]
            first, count = int(starts[0]), int(starts[-1] - starts[0])
            days = starts - first
            if first + count > ahead_from + ahead.shape[1]:
                # Recipes that draw day by day are twice as fast in a week as in single days.
                until = int(self.days.starts[min(max(last, day + _DAYS_AHEAD), len(self.days.dates))])
                ahead, ahead_from = self._reader.read(first, until - first), first
            profiles = np.ascontiguousarray(ahead[:, first - ahead_from : first - ahead_from + count])
            hour = self.days.hour[first : first + count]
            block = self._step.run(profiles, hour, days, state, first=first)
            yield DayBlock(block, day, days, _copy_of(state))

    def _peaks(self) -> Floats | None:
        """Find the peak load of every house, when a battery's threshold refers to it."""
        if not any(battery.load_peak_fraction > 0.0 for house in self._houses for battery in house.batteries):
            return None
        parts = self._components
        peaks = np.zeros(len(self._houses))
        for first in range(0, self.timeline.count, 960):
            profiles = self._reader.read(first, min(960, self.timeline.count - first))
            for house in range(len(self._houses)):
                own = slice(parts.first_load[house], parts.first_load[house + 1])
                load = parts.load_scale[own] @ profiles[parts.load_profile[own]]
                peaks[house] = max(peaks[house], np.max(load, initial=0.0))
        return peaks


def _days_per_block(houses: int, days: LocalDays) -> int:
    steps = int(days.starts[-1]) / max(len(days.dates), 1)
    return int(max(1, min(_BLOCK_VALUES // max(houses * steps, 1), 7)))


def _copy_of(state: DeviceState) -> DeviceState:
    return DeviceState(
        stored_kwh=state.stored_kwh.copy(),
        power_kw=state.power_kw.copy(),
        session=state.session.copy(),
        must_left_kwh=state.must_left_kwh.copy(),
        flexible_left_kwh=state.flexible_left_kwh.copy(),
        car_power_kw=state.car_power_kw.copy(),
    )


def _stays(profiles: ProfileLibrary, name: str, timeline: Timeline, time_zone: str) -> Sessions:
    stays = profiles.sessions(name, timeline, time_zone)
    return stays.arrive_step, stays.depart_step, stays.energy_kwh - stays.flexible_kwh, stays.flexible_kwh
