"""Seeded faults of the simulated plant: when they begin, what they take away, and when they end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from afterbay.core.checks import is_number
from afterbay.core.errors import Problems
from afterbay.fleet.inventory.words import suggest
from afterbay.fleet.physics.draws import Keys, uniforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from afterbay.core.compiled import Codes, Floats
    from afterbay.fleet.inventory.records import Asset

__all__ = ["FAULT_KINDS", "FaultBook", "FaultEdge", "FaultKind", "FaultPlan", "LinkQuality"]

FaultKind = Literal["RACK_FAULT", "INVERTER_FAULT", "HVAC_FAILED", "COMMS_DEGRADED"]
FAULT_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
_NONE: Final = -1
_BEGINS: Final = 1
_WHICH: Final = 2


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """How the link to an asset behaves while its communication is disturbed."""

    latency_s: float
    jitter_s: float
    """Standard deviation of the latency [s]."""
    loss_fraction: float
    """Share of the exchanges that get no answer."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Which faults come, how often and how long. An asset has one at a time.

    Raises:
        InvalidInputError: With every problem found, when the object is made.
    """

    kinds: tuple[FaultKind, ...] = FAULT_KINDS
    probability_per_tick: float = 0.005
    """That a fault begins within `tick_s`; ticks of another length are scaled to it. 0: only injected faults."""
    tick_s: float = 4.0
    least_gap_s: float = 120.0
    """From the end of a fault to the next one of the same asset."""
    duration_s: float = 300.0
    rack_fraction: float = 0.25
    """Share of the racks, so of power and energy, that a RACK_FAULT takes away."""
    latency_s: float = 2.0
    jitter_s: float = 1.0
    loss_fraction: float = 0.2

    def __post_init__(self) -> None:
        problems = Problems()
        for kind in self.kinds:
            if kind not in FAULT_KINDS:
                problems.add("kinds", kind, " | ".join(FAULT_KINDS), suggest(kind, FAULT_KINDS))
        for name in ("probability_per_tick", "loss_fraction", "rack_fraction"):
            value = getattr(self, name)
            if not (is_number(value) and 0.0 <= value <= 1.0):
                problems.add(name, value, "a fraction 0..1", "0.005, for example")
        for name in ("least_gap_s", "latency_s", "jitter_s"):
            value = getattr(self, name)
            if not (is_number(value) and value >= 0.0):
                problems.add(name, value, "a finite number, 0 or more [s]", "give it in seconds")
        for name in ("tick_s", "duration_s"):
            value = getattr(self, name)
            if not (is_number(value) and value > 0.0):
                problems.add(name, value, "a finite number above 0 [s]", "give it in seconds")
        problems.raise_if_any()


@dataclass(frozen=True, slots=True)
class FaultEdge:
    """A fault begins or ends."""

    place: int
    kind: FaultKind
    begins: bool


class FaultBook:
    """The faults of n assets; time is the simulated time since the start [s]."""

    def __init__(self, assets: Sequence[Asset], keys: Keys, plan: FaultPlan) -> None:
        self.plan = plan
        self._keys = keys
        self._kind: Codes = np.full(len(assets), _NONE, dtype=np.int8)
        self._ends_s: Floats = np.full(len(assets), np.inf)
        self._quiet_until_s: Floats = np.zeros(len(assets))
        self._possible = [tuple(kind for kind in FAULT_KINDS if _fits(kind, asset)) for asset in assets]
        self._random = [tuple(kind for kind in kinds if kind in plan.kinds) for kinds in self._possible]
        self._may_begin = np.array([bool(kinds) for kinds in self._random], dtype=bool)

    def advance(self, elapsed_s: float, dt_s: float, tick: int) -> Iterator[FaultEdge]:
        """Yield the faults that end or begin in the tick that leads to `elapsed_s`."""
        for place in np.flatnonzero((self._kind != _NONE) & (self._ends_s <= elapsed_s)).tolist():
            yield self.clear(place, elapsed_s)
        if self.plan.probability_per_tick <= 0.0:
            return
        probability = 1.0 - (1.0 - self.plan.probability_per_tick) ** (dt_s / self.plan.tick_s)
        begins = uniforms(self._keys, tick, _BEGINS) < probability
        begins &= self._may_begin & (self._kind == _NONE) & (self._quiet_until_s <= elapsed_s)
        if begins.any():
            which = uniforms(self._keys, tick, _WHICH)
            for place in np.flatnonzero(begins).tolist():
                kinds = self._random[place]
                yield self.begin(place, kinds[int(which[place] * len(kinds))], elapsed_s, self.plan.duration_s)

    def can(self, place: int, kind: FaultKind) -> bool:
        """Can this asset have this fault?"""
        return kind in self._possible[place]

    def begin(self, place: int, kind: FaultKind, elapsed_s: float, duration_s: float) -> FaultEdge:
        """Begin a fault; one that was there must have been cleared."""
        self._kind[place] = FAULT_KINDS.index(kind)
        self._ends_s[place] = elapsed_s + duration_s
        return FaultEdge(place, kind, begins=True)

    def clear(self, place: int, elapsed_s: float) -> FaultEdge:
        """End the fault of an asset that has one."""
        kind = FAULT_KINDS[self._kind[place]]
        self._kind[place] = _NONE
        self._ends_s[place] = np.inf
        self._quiet_until_s[place] = elapsed_s + self.plan.least_gap_s
        return FaultEdge(place, kind, begins=False)

    def kind_of(self, place: int) -> FaultKind | None:
        """Return the fault of an asset."""
        kind = int(self._kind[place])
        return None if kind == _NONE else FAULT_KINDS[kind]

    @property
    def any(self) -> bool:
        """Has any asset a fault?"""
        return bool((self._kind != _NONE).any())

    @property
    def power_fraction(self) -> Floats:
        """Share of the power limits that is left, shape (n,)."""
        left = np.ones(self._kind.shape[0])
        left[self._kind == FAULT_KINDS.index("INVERTER_FAULT")] = 0.0
        left[self._kind == FAULT_KINDS.index("RACK_FAULT")] = 1.0 - self.plan.rack_fraction
        return left

    @property
    def energy_fraction(self) -> Floats:
        """Share of the racks that take part, shape (n,)."""
        return np.where(self._kind == FAULT_KINDS.index("RACK_FAULT"), 1.0 - self.plan.rack_fraction, 1.0)

    @property
    def without_cooling(self) -> Floats:
        """1 where the cooling has failed, shape (n,)."""
        return np.where(self._kind == FAULT_KINDS.index("HVAC_FAILED"), 1.0, 0.0)

    def state(self, place: int) -> dict[str, Any]:
        """Return what a restart needs to know."""
        kind = self.kind_of(place)
        quiet = {"quiet_until_s": float(self._quiet_until_s[place])}
        return quiet if kind is None else {**quiet, "kind": kind, "ends_s": float(self._ends_s[place])}

    def restore(self, place: int, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""
        self._quiet_until_s[place] = float(state.get("quiet_until_s", 0.0))
        self._kind[place] = _NONE
        self._ends_s[place] = np.inf
        if state.get("kind") in self._possible[place]:
            self._kind[place] = FAULT_KINDS.index(state["kind"])
            self._ends_s[place] = float(state["ends_s"])


def _fits(kind: FaultKind, asset: Asset) -> bool:
    if kind == "RACK_FAULT":
        return asset.asset_type == "storage"
    if kind == "HVAC_FAILED":
        return asset.thermal is not None
    return True
