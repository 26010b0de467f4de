"""A fleet that is simulated in this process: it is told powers, moves with the clock, and reports."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.checks import is_number
from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem, Problems
from afterbay.fleet.inventory.checks import check_asset
from afterbay.fleet.physics.batteries import Batteries, Physics, RampEnergy
from afterbay.fleet.physics.charging import Cars
from afterbay.fleet.physics.draws import asset_keys
from afterbay.fleet.physics.faults import FAULT_KINDS, FaultBook, FaultEdge, FaultKind, FaultPlan, LinkQuality
from afterbay.fleet.physics.followers import Followers
from afterbay.fleet.physics.happenings import bound_event, fault_event
from afterbay.fleet.physics.resources import Sun, Wind
from afterbay.fleet.physics.samples import battery_samples, follower_samples
from afterbay.fleet.physics.saved import fleet_state, read_state, resume_from
from afterbay.fleet.physics.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from afterbay.core.compiled import Floats
    from afterbay.fleet.inventory.records import Asset, Site
    from afterbay.fleet.messages import Event, Telemetry

__all__ = ["SimulatedFleet"]

_MOST_EVENTS: Final = 10_000
_LONGEST_STEP_S: Final = 60.0
_LONGEST_GAP_S: Final = 3600.0


class SimulatedFleet:
    """Any number of simulated assets, advanced together.

    Batteries start in the middle of their SOC window with a setpoint of 0; what follows sun, wind or cars starts
    held back by nothing. The same assets, seed and times give the same numbers, in whatever order the assets are
    given and also across a restart (`state`, `restore`).

    Args:
        assets: What to simulate; their `device` does not matter here.
        start: Where the simulated time begins, UTC.
        seed: Of wind, cars and faults.
        physics: `physical`, or `literal`: batteries tick to the letter of the original document.
        ramp_energy: `end`: a tick counts the power at its end over its whole length, as the original does; `mean`:
            it counts the mean of the ramp, and the length of a tick no longer matters.
        fixed_dt_s: Every `advance` moves by this [s]; None: by the time that has passed.
        faults: Which faults come by themselves; None: only those that are injected.
        sites: Places of the assets: names for the telemetry, and where the sun stands.
        monotonic: Seconds of a clock that never steps; None: the differences of `now` are taken.

    Raises:
        InvalidInputError: With every problem found in the assets and the numbers.
    """

    def __init__(
        self,
        assets: Sequence[Asset],
        *,
        start: datetime,
        seed: int = 0,
        physics: Physics = "physical",
        ramp_energy: RampEnergy = "end",
        fixed_dt_s: float | None = None,
        faults: FaultPlan | None = None,
        sites: Iterable[Site] = (),
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        _check(assets, start, physics, ramp_energy, fixed_dt_s, faults)
        self.assets = tuple(assets)
        self.seed = seed
        start = start.astimezone(UTC)
        self.now = start
        self.tick = 0
        self.elapsed_s = 0.0
        self._sites = {site.id: site for site in sites}
        self.fixed_dt_s = fixed_dt_s
        self._monotonic = monotonic
        self._monotonic_s = monotonic() if monotonic is not None else 0.0
        self._keys = asset_keys(seed, self.asset_ids)
        self.faults = FaultBook(self.assets, self._keys, faults or FaultPlan(probability_per_tick=0.0))
        self.timers = Timers()
        self.events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._physics = physics
        self.ramp_energy = ramp_energy
        self._lay_out(start)

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Ids of the assets, in the order they were given."""
        return tuple(asset.id for asset in self.assets)

    def set_setpoint(
        self,
        asset_id: str,
        mw: float | None,
        *,
        until: datetime | None = None,
        fallback_mw: float | None = 0.0,
        lease_id: str | None = None,
    ) -> None:
        """Tell an asset its power, as an intent: limits, cells and resources bound what flows.

        Args:
            asset_id: The asset.
            mw: Power [MW], + leaves the asset; None holds an asset with a resource back no longer, and stops a
                battery.
            until: End; then it ramps to `fallback_mw` by itself. None: it holds.
            fallback_mw: As `mw`.
            lease_id: Shown in the telemetry while it is in force.

        Raises:
            NotFoundError: If there is no such asset.
            InvalidInputError: If a power is no finite number.
        """
        place = self._place_of(asset_id)
        for name, value in (("mw", mw), ("fallback_mw", fallback_mw)):
            if value is not None and not is_number(value):
                raise InvalidInputError(
                    Problem(
                        f"asset {self.assets[place].name}: {name}", repr(value), "a finite number [MW]", "0 stops it"
                    )
                )
        self._tell(place, mw)
        self.timers.set(asset_id, until, fallback_mw, lease_id)

    def setpoint(self, asset_id: str) -> float | None:
        """Return what an asset is told [MW]; None: it is held back by nothing."""
        column, place = self._setpoints[self._place_of(asset_id)]
        told = float(column[place])
        return None if math.isnan(told) else told

    def advance(self, now: datetime) -> None:
        """Move all assets to `now`; setpoints that end on the way end at their moment.

        A gap of more than an hour counts as an hour: the clock was set, or the machine slept.
        """
        now = now.astimezone(UTC)
        total_s = self.fixed_dt_s if self.fixed_dt_s is not None else self._passed_s(now)
        wall_s = (now - self.now).total_seconds()
        start, done_s = self.now, 0.0
        for until, asset_id in self.timers.due(now):
            # With no wall time to place it in, an end that is due comes first.
            part_s = total_s * min(max((until - start).total_seconds() / wall_s, 0.0), 1.0) if wall_s > 0.0 else 0.0
            self._move(part_s - done_s, max(until, start) if wall_s > 0.0 else self.now)
            done_s = max(done_s, part_s)
            self._tell(self._place_of(asset_id), self.timers.end(asset_id))
        self._move(total_s - done_s, now)
        self.now = now

    def telemetry(self) -> tuple[Telemetry, ...]:
        """Return one sample of every asset, in order, stamped with the moment that they were advanced to."""
        samples: list[Telemetry | None] = [None] * len(self.assets)
        for place, sample in battery_samples(self, self._batteries, self._battery_places):
            samples[place] = sample
        for followers, places in self._followers:
            for place, sample in follower_samples(self, followers, places):
                samples[place] = sample
        return tuple(sample for sample in samples if sample is not None)

    def take_events(self) -> tuple[Event, ...]:
        """Return what happened since the last call, oldest first; the last 10,000 are kept."""
        taken = tuple(self.events)
        self.events.clear()
        return taken

    def inject_fault(self, asset_id: str, kind: FaultKind, *, duration_s: float = math.inf) -> None:
        """Begin a fault now; it takes the place of one that is there.

        Raises:
            NotFoundError: If there is no such asset.
            ConflictError: If this asset cannot have this fault.
        """
        place = self._place_of(asset_id)
        ignored = self._physics == "literal" and self.assets[place].asset_type == "storage"
        if kind not in FAULT_KINDS or not self.faults.can(place, kind) or (ignored and kind != "COMMS_DEGRADED"):
            raise ConflictError(f"asset {self.assets[place].name} cannot have {kind} -> choose another fault or asset")
        self.clear_fault(asset_id)
        self._apply(self.faults.begin(place, kind, self.elapsed_s, duration_s))

    def clear_fault(self, asset_id: str) -> None:
        """End the fault of an asset, if it has one."""
        place = self._place_of(asset_id)
        if self.faults.kind_of(place) is not None:
            self._apply(self.faults.clear(place, self.elapsed_s))

    def link_quality(self, asset_id: str) -> LinkQuality | None:
        """Return how the link to an asset behaves while it is disturbed; None: it is fine."""
        if self.faults.kind_of(self._place_of(asset_id)) != "COMMS_DEGRADED":
            return None
        plan = self.faults.plan
        return LinkQuality(plan.latency_s, plan.jitter_s, plan.loss_fraction)

    def site_name(self, site_id: str) -> str:
        """Return the name of a site, or nothing when it was not given."""
        site = self._sites.get(site_id)
        return "" if site is None else site.name

    def state(self) -> dict[str, Any]:
        """Return all that a restart needs, ready for JSON."""
        return fleet_state(self)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state. Energy stays where it was: no time passes for a fleet that is not running.

        Assets that are not in the state keep their start, and states of assets that are gone are left out. What
        does not fit today's limits is held within them.

        Raises:
            InvalidInputError: If it is no state of a fleet; nothing is changed then.
        """
        read_state(self, state)

    def resume(self, samples: Iterable[Telemetry]) -> None:
        """Go on from telemetry: energy, power, setpoint, counters and temperature of each asset that is there.

        Weaker than `restore`, for when only a history is left: ends of setpoints, faults and cars are not in it.
        """
        resume_from(self, samples)

    def parts_of(self, place: int) -> tuple[Batteries | Followers, int]:
        """Return the columns that an asset lives in, and its row."""
        return self._homes[place]

    def forget_edges(self) -> None:
        """Take bounds that are reached now as known, so that they are not told again."""
        self._batteries.forget_edges()

    def _lay_out(self, start: datetime) -> None:
        kinds: dict[str, list[int]] = {"storage": [], "pv": [], "wind": [], "ev": []}
        for place, asset in enumerate(self.assets):
            kinds[asset.asset_type].append(place)
        self._battery_places = np.array(kinds["storage"], dtype=np.int64)
        self._batteries = Batteries([self.assets[place] for place in kinds["storage"]], self._physics, self.ramp_energy)
        self._followers: list[tuple[Followers, Any]] = []
        for kind in ("pv", "wind", "ev"):
            if not kinds[kind]:
                continue
            places = np.array(kinds[kind], dtype=np.int64)
            some, keys = [self.assets[place] for place in kinds[kind]], self._keys[places]
            if kind == "pv":
                followers = Followers(some, 1.0, Sun(some, self._sites), start)
            elif kind == "wind":
                followers = Followers(some, 1.0, Wind(some, keys), start)
            else:
                followers = Followers(some, -1.0, Cars(some, keys, start), start)
            self._followers.append((followers, places))
        self._homes: dict[int, tuple[Batteries | Followers, int]] = {}
        self._setpoints: dict[int, tuple[Floats, int]] = {}
        for row, place in enumerate(kinds["storage"]):
            self._homes[place] = (self._batteries, row)
            self._setpoints[place] = (self._batteries.cells.setpoint_mw, row)
        for followers, places in self._followers:
            for row, place in enumerate(places.tolist()):
                self._homes[place] = (followers, row)
                self._setpoints[place] = (followers.setpoint_mw, row)
        self._places = {asset.id: place for place, asset in enumerate(self.assets)}

    def _place_of(self, asset_id: str) -> int:
        place = self._places.get(asset_id)
        if place is None:
            raise NotFoundError(f"there is no simulated asset {asset_id} -> see the ids in assets.yaml")
        return place

    def _tell(self, place: int, mw: float | None) -> None:
        column, row = self._setpoints[place]
        nothing = 0.0 if column is self._batteries.cells.setpoint_mw else math.nan
        column[row] = nothing if mw is None else mw

    def _passed_s(self, now: datetime) -> float:
        if self._monotonic is None:
            passed = (now - self.now).total_seconds()
        else:
            before, self._monotonic_s = self._monotonic_s, self._monotonic()
            passed = self._monotonic_s - before
        return min(max(passed, 0.0), _LONGEST_GAP_S)

    def _move(self, total_s: float, end: datetime) -> None:
        """Tick by `total_s` in steps that are short enough, the last one stamped `end`."""
        if total_s <= 0.0:
            return
        steps = 1 if self.fixed_dt_s is not None else math.ceil(total_s / _LONGEST_STEP_S)
        dt_s = total_s / steps
        for left in reversed(range(steps)):
            self.now = end - timedelta(seconds=dt_s * left)
            self._tick(dt_s)

    def _tick(self, dt_s: float) -> None:
        self.tick += 1
        self.elapsed_s += dt_s
        for edge in self.faults.advance(self.elapsed_s, dt_s, self.tick):
            self._apply(edge)
        power = self.faults.power_fraction
        places = self._battery_places
        if places.size:
            self._batteries.tick(dt_s, power[places], self.faults.without_cooling[places])
            for row, lower, reached in self._batteries.bound_edges():
                asset = self.assets[int(places[row])]
                self.events.append(bound_event(asset, self.now, lower=lower, reached=reached))
        for followers, some in self._followers:
            followers.tick(self.now, dt_s, self.tick, power[some])

    def _apply(self, edge: FaultEdge) -> None:
        home, row = self._homes[edge.place]
        if edge.kind == "RACK_FAULT" and isinstance(home, Batteries):
            home.isolate(row, 1.0 - self.faults.plan.rack_fraction if edge.begins else 1.0)
        self.events.append(fault_event(self.assets[edge.place], edge, self.now))


def _check(
    assets: Sequence[Asset],
    start: datetime,
    physics: str,
    ramp_energy: str,
    fixed_dt_s: float | None,
    faults: FaultPlan | None,
) -> None:
    problems = Problems()
    for asset in assets:
        check_asset(asset, lambda key, name=asset.name: f"asset {name}: {key}", problems)  # type: ignore[misc]
    if len({asset.id for asset in assets}) < len(assets):
        problems.add("assets", "an id twice", "every id once", "give each asset its own UUID")
    if start.tzinfo is None:
        problems.add("start", repr(start), "a time with a zone (UTC)", "datetime.now(UTC)")
    if physics not in ("physical", "literal"):
        problems.add("physics", repr(physics), "physical | literal", "literal is for the original's own cases")
    if ramp_energy not in ("end", "mean") or (physics == "literal" and ramp_energy == "mean"):
        problems.add("ramp_energy", repr(ramp_energy), "end | mean (physical only)", "end is the original's way")
    if physics == "literal" and faults is not None:
        problems.add("faults", "a plan beside literal physics", "None", "the original's tick knows no faults")
    if fixed_dt_s is not None and not (is_number(fixed_dt_s) and fixed_dt_s >= 0.0):
        problems.add("fixed_dt_s", repr(fixed_dt_s), "a finite number, 0 or more [s]", "4, or None for measured time")
    problems.raise_if_any()
