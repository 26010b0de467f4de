"""When no size reaches the goal: how near it came, what blocks it, and the nearest change that would reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.sizing import layout as at
from afterbay.sizing.blockers import blocking_hours
from afterbay.sizing.goal import Goal, limits_of, read_options
from afterbay.sizing.metrics import metric_columns
from afterbay.sizing.sweep import run_rows

if TYPE_CHECKING:
    from afterbay.sizing.sweep import SweepResult

__all__ = ["Change", "NearestChanges", "nearest_changes"]

_SCAN_POINTS: Final = 24
_BISECTIONS: Final = 14
"""After the scan the answer is narrowed to a hundred-thousandth of the bounds."""


@dataclass(frozen=True, slots=True)
class Change:
    """One input, moved alone from the nearest case until the goal is reached, or up to its bounds."""

    name: str
    """battery energy, battery power, generator, solar or load."""
    unit: str
    present: float
    least: float
    """How far down it was tried."""
    most: float
    """How far up it was tried."""
    needed: float | None
    """Nearest value that reaches the goal, confirmed by a simulation; None if none within the bounds does."""
    outcome: str
    """What `needed` gives, or the nearest that moving this input alone comes to."""
    reason: str = ""
    """Why this input cannot be moved at all."""

    @property
    def helps(self) -> bool:
        """Does moving this input alone reach the goal?"""
        return self.needed is not None

    def __str__(self) -> str:
        if self.reason:
            return f"{self.name}: cannot help ({self.reason})"
        if self.needed is None:
            return (
                f"{self.name}: cannot help alone (tried {self.least:,.1f} to {self.most:,.1f} {self.unit}; "
                f"at best {self.outcome})"
            )
        return f"{self.name}: {self.present:,.1f} -> {self.needed:,.1f} {self.unit} ({self.outcome})"


@dataclass(frozen=True, slots=True)
class NearestChanges:
    """Why no case reaches the goal and what would."""

    goal: Goal
    case: int
    """The case of the sweep that came nearest."""
    label: str
    missed: tuple[str, ...]
    """What the goal asks and this case does not give."""
    blocked: str
    """The hours and the limit that block it, in words."""
    changes: tuple[Change, ...] = field(default_factory=tuple)

    def lines(self) -> list[str]:
        """Return the findings as sentences for a person."""
        helpful = [change for change in self.changes if change.helps]
        useless = [change for change in self.changes if not change.helps]
        found = [f"No size in this range reaches the goal. The nearest is {self.label}: {'; '.join(self.missed)}."]
        if self.blocked:
            found.append(self.blocked)
        if helpful:
            found.append("Any one of these changes reaches it (found by bisection, confirmed by a simulation):")
            found += [f"  {change}" for change in helpful]
        else:
            found.append("No single change within the stated bounds reaches it; combine changes or relax the goal.")
        found += [f"  {change}" for change in useless]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "goal": self.goal.to_dict(),
            "case": self.case,
            "label": self.label,
            "missed": list(self.missed),
            "blocked": self.blocked,
            "changes": [
                {name: getattr(change, name) for name in Change.__dataclass_fields__} | {"helps": change.helps}
                for change in self.changes
            ],
        }


def nearest_changes(
    result: SweepResult,
    goal: Goal | Mapping[str, Any],
    *,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> NearestChanges | None:
    """Find the nearest single change of each input that would reach a goal that no case reaches.

    Args:
        result: A sweep.
        goal: The goal, as for `calculate_recommendations`.
        bounds: Least and most of `battery_energy` [MWh], `battery_power`, `generator`, `solar` and `load`
            (peaks) [MW]. Default: up to 20 times the battery, 10 times solar, 1.5 times the peak load for
            the generator, and the load from a twentieth to ten times itself.

    Returns:
        None if a case reaches the goal already.

    Raises:
        InvalidInputError: If the goal cannot be read.
    """
    wanted = goal if isinstance(goal, Goal) else Goal.from_dict(goal)
    if not len(result):
        return None
    verdict = _judge(result.metrics, wanted)
    if verdict.met.any():
        return None
    best = verdict.nearest
    case = result.cases[best].copy()
    changes = tuple(_change(result, wanted, case, *move) for move in _moves(result, case, dict(bounds or {})))
    sizes = {name: float(column[best]) for name, column in result.sizes.items()}
    label = f"{sizes['capacity']:g} MWh / {sizes['power']:g} MW"
    label += f" with {sizes['dg_capacity']:g} MW generator" if sizes["dg_capacity"] > 0.0 else ""
    label += f" and {sizes['solar_capacity']:g} MW solar" if "solar_capacity" in sizes else ""
    # Unserved hours stand in the way of delivery, not of a cap on curtailment or generator hours.
    blocked = blocking_hours(result.simulate(best)) if verdict.short_of_delivery else ""
    return NearestChanges(wanted, best, label, verdict.missed, blocked, changes)


@dataclass(frozen=True, slots=True, eq=False)
class _Verdict:
    met: NDArray[np.bool_]
    nearest: int
    missed: tuple[str, ...]
    """What the nearest case misses, in words."""
    short_of_delivery: bool
    delivery_pct: float
    """Delivery of the nearest case [%]."""


def _judge(metrics: Mapping[str, NDArray[np.float64]], goal: Goal) -> _Verdict:
    names = ("delivery_pct", "dg_runtime_hours", "pct_solar_curtailed", goal.green_energy_measure)
    count = len(metrics["delivery_pct"])
    rows = [{name: float(metrics[name][index]) for name in names} for index in range(count)]
    options = read_options(rows, needs=(), green_energy_measure=goal.green_energy_measure)
    limits = limits_of(goal, options)
    met = np.ones(count, dtype=bool)
    failed = np.zeros(count)
    distance = np.zeros(count)
    for limit in limits:
        met &= limit.met
        failed += ~limit.met
        spread = float(np.ptp(limit.distance))
        scaled = (limit.distance - limit.distance.min()) / (spread if spread > 0.0 else 1.0)
        distance += np.where(limit.met, 0.0, scaled)
    best = int(np.lexsort((-options.delivery_pct, distance, failed))[0])
    missed = [limit for limit in limits if not limit.met[best]]
    words = tuple(f"{limit.values[best]:,.2f} {limit.unit} where the goal asks {limit.words}" for limit in missed)
    return _Verdict(
        met, best, words, any(limit.name == "delivery" for limit in missed), float(options.delivery_pct[best])
    )


def _moves(
    result: SweepResult, case: NDArray[np.float64], bounds: dict[str, tuple[float, float]]
) -> list[tuple[str, str, str, float, float, float]]:
    """Return (kind, name, unit, present value, least, most) of every input."""
    load_peak = float(result.params.load_mw.max())
    capacity, power = float(case[at.CAPACITY]), float(case[at.DISCHARGE_POWER])
    generator = float(case[at.DG_RATING])
    solar_peak = float(result.params.solar_mw.max()) * float(case[at.SOLAR_SCALE])
    # A size of zero grows from the plant's own scale.
    spans = {
        "battery_energy": ("battery energy", "MWh", capacity, (0.0, 20.0 * (capacity or load_peak))),
        "battery_power": ("battery power", "MW", power, (0.0, 20.0 * (power or load_peak))),
        "generator": ("generator", "MW", generator, (0.0, max(1.5 * load_peak, generator))),
        "solar": ("solar (peak)", "MW", solar_peak, (0.0, 10.0 * solar_peak)),
        "load": ("load (peak)", "MW", load_peak, (0.05 * load_peak, 10.0 * load_peak)),
    }
    return [
        (kind, name, unit, present, *bounds.get(kind, usual)) for kind, (name, unit, present, usual) in spans.items()
    ]


def _change(
    result: SweepResult,
    goal: Goal,
    case: NDArray[np.float64],
    kind: str,
    name: str,
    unit: str,
    present: float,
    least: float,
    most: float,
) -> Change:
    reason = _cannot_move(result, kind, present)
    if reason:
        return Change(name, unit, present, present, present, None, "", reason)

    def attempt(values: NDArray[np.float64]) -> _Verdict:
        return _judge(_simulate(result, case, kind, present, values), goal)

    up = np.linspace(present, most, _SCAN_POINTS + 1)[1:]
    down = np.linspace(present, least, _SCAN_POINTS + 1)[1:] if least < present else np.zeros(0)
    scan = np.concatenate([up, down])
    verdict = attempt(scan)
    if not verdict.met.any():
        outcome = "; ".join(verdict.missed)
        return Change(name, unit, present, least, most, None, outcome)
    reaching = scan[verdict.met]
    enough = float(reaching[np.argmin(np.abs(reaching - present))])
    side = up if enough > present else down
    place = int(np.flatnonzero(side == enough)[0])
    short = float(side[place - 1]) if place else present
    for _ in range(_BISECTIONS):
        middle = (short + enough) / 2.0
        if attempt(np.array([middle])).met[0]:
            enough = middle
        else:
            short = middle
    # A round number near it reads better, if it reaches the goal too: it is simulated like any other.
    toward, away = (np.floor, np.ceil) if enough > present else (np.ceil, np.floor)
    for shown in (float(toward(enough * 10.0) / 10.0), float(away(enough * 10.0) / 10.0), enough):
        confirmed = attempt(np.array([shown]))
        if confirmed.met[0]:
            break
    return Change(name, unit, present, least, most, shown, f"{confirmed.delivery_pct:.2f} % delivery")


def _cannot_move(result: SweepResult, kind: str, present: float) -> str:
    if kind == "generator" and result.template.trigger == "none":
        return f"the rule {result.template.label} uses no generator"
    if kind == "solar" and present <= 0.0:
        return "the profile has no sun to scale"
    return ""


def _simulate(
    result: SweepResult, case: NDArray[np.float64], kind: str, present: float, values: NDArray[np.float64]
) -> Mapping[str, NDArray[np.float64]]:
    """Simulate the case with one input at each of `values`; return the metrics."""
    params = result.params
    cases = np.tile(case, (len(values), 1))
    if kind == "battery_energy":
        cases[:, at.CAPACITY] = values
    elif kind == "battery_power":
        cases[:, at.CHARGE_POWER] = values
        cases[:, at.DISCHARGE_POWER] = values
    elif kind == "generator":
        cases[:, at.DG_RATING] = values
    elif kind == "solar":
        cases[:, at.SOLAR_SCALE] *= values / present
    if kind != "load":
        totals, _ = run_rows(cases, params.load_mw, params.solar_mw, params.dt_h)
    else:
        runs = [
            run_rows(one[np.newaxis], params.load_mw * (value / present), params.solar_mw, params.dt_h)
            for one, value in zip(cases, values, strict=True)
        ]
        totals = np.concatenate([run[0] for run in runs])
    return metric_columns(cases, totals)
