"""A day of telemetry beside the day that was planned, and why the two differ.

Every moment of the day belongs to exactly one of: as planned, a reason, or no data. Where there is no data nothing
is said about the plant: a gap is never a zero, and never a line drawn across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import InvalidInputError, Problem
from afterbay.plant.cover import Cover, cover_day

if TYPE_CHECKING:
    from afterbay.fleet.messages import Telemetry
    from afterbay.plant.study import PlanDay

__all__ = ["DayComparison", "Reason", "compare_day"]

FloatArray = NDArray[np.float64]

_TOLERANCE: Final = 0.005
"""Share of the power limit within which a power is as planned."""
_WHOLE: Final = 0.99
"""Share of an hour's planned discharge that counts as delivered."""
_NAMES: Final = {
    "unavailable": "unavailable (offline or in fault)",
    "setpoint": "told something else than the plan",
    "no_setpoint": "told nothing that is known",
    "following": "on its way, or not following",
    "soc_min": "limited: empty",
    "soc_max": "limited: full",
    "reserve": "limited: down to its reserve",
    "ramp": "limited: ramp",
    "p_limit": "limited: power limit",
    "site_limit": "limited: the site's connection",
    "temperature": "limited: temperature",
    "resource": "limited: sun, wind or cars",
    "device": "limited: the device",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One kind of difference. Over all reasons `net_mwh` sums to what the plant did minus what was planned."""

    code: str
    text: str
    hours: float
    """Time in which it acted [h]."""
    net_mwh: float
    """What it added to the energy out of the plant, signed [MWh]."""
    absolute_mwh: float
    """The same without sign: too little charge does not make up for too little discharge [MWh]."""


@dataclass(frozen=True, slots=True)
class DayComparison:
    """Energies are those at the terminals [MWh]; None is not known."""

    plan: PlanDay
    samples: int
    covered_h: float
    missing_h: float
    gaps: tuple[tuple[datetime, datetime], ...]
    planned_out_mwh: float
    planned_in_mwh: float
    planned_out_covered_mwh: float
    """The part of the plan for which there are data."""
    planned_in_covered_mwh: float
    actual_out_mwh: float
    """By integration of the samples, where there are any."""
    actual_in_mwh: float
    counted_out_mwh: float | None
    """By the plant's own counter, gaps included; None: it has none, or it does not span the day."""
    counted_in_mwh: float | None
    planned_cycles: float
    actual_cycles: float
    planned_hours: float
    """Hours in which the plan discharges [h]."""
    delivered_hours: float
    """Of these, those in which the plant gave at least 99 % of the planned energy [h]."""
    unknown_hours: float
    """Of these, those that cannot be judged for want of data [h]."""
    mean_soc_difference_pct: float | None
    """Plant minus plan, over the time for which there are data [percentage points]."""
    reasons: tuple[Reason, ...]
    """Largest first."""
    notes: tuple[str, ...]

    @property
    def difference_mwh(self) -> float:
        """What left the plant minus what was planned to, net of charging, where there are data [MWh]."""
        actual = self.actual_out_mwh - self.actual_in_mwh
        return actual - (self.planned_out_covered_mwh - self.planned_in_covered_mwh)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, in values that JSON knows."""
        own = ("plan", "gaps", "reasons")
        figures = {name: getattr(self, name) for name in self.__slots__ if name not in own}
        return {
            "option": self.plan.option,
            "label": self.plan.label,
            "start": self.plan.start.isoformat(),
            "end": self.plan.end.isoformat(),
            **figures,
            "notes": list(self.notes),
            "difference_mwh": self.difference_mwh,
            "gaps": [[start.isoformat(), end.isoformat()] for start, end in self.gaps],
            "reasons": [{name: getattr(reason, name) for name in Reason.__slots__} for reason in self.reasons],
        }


def compare_day(telemetry: Sequence[Telemetry], plan: PlanDay, *, longest_gap_s: float | None = None) -> DayComparison:
    """Lay the telemetry of one asset beside a planned day.

    A sample tells the mean power since the one before it. Two samples further apart than `longest_gap_s` have a
    gap between them; the later one then speaks for one usual step only.

    Args:
        telemetry: Samples of one asset, in any order; those outside the day are left out.
        plan: The day.
        longest_gap_s: None: five usual steps, at least 30 s [s].

    Raises:
        InvalidInputError: If the samples are of several assets.
    """
    if len({sample.asset_id for sample in telemetry}) > 1:
        problem = Problem("telemetry", "samples of several assets", "those of one asset", "choose one")
        raise InvalidInputError(problem)
    cover = cover_day(telemetry, plan, longest_gap_s)
    planned = plan.power_mw
    here = planned[cover.step]
    actual, hours = cover.mw, cover.hours
    outs, ins = np.maximum(planned, 0.0) * plan.dt_h, np.maximum(-planned, 0.0) * plan.dt_h
    covered_h = float(hours.sum())
    whole_h = plan.dt_h * len(planned)
    actual_out = float((np.maximum(actual, 0.0) * hours).sum())
    counted = cover.counters
    wanted, delivered, unknown = _delivered_hours(cover, plan)
    usable = plan.usable_mwh
    return DayComparison(
        plan=plan,
        samples=cover.samples,
        covered_h=covered_h,
        missing_h=max(whole_h - covered_h, 0.0),
        gaps=cover.gaps,
        planned_out_mwh=float(outs.sum()),
        planned_in_mwh=float(ins.sum()),
        planned_out_covered_mwh=float((np.maximum(here, 0.0) * hours).sum()),
        planned_in_covered_mwh=float((np.maximum(-here, 0.0) * hours).sum()),
        actual_out_mwh=actual_out,
        actual_in_mwh=float((np.maximum(-actual, 0.0) * hours).sum()),
        counted_out_mwh=counted[0],
        counted_in_mwh=counted[1],
        planned_cycles=float(outs.sum()) / usable if usable > 0.0 else 0.0,
        actual_cycles=(actual_out if counted[0] is None else counted[0]) / usable if usable > 0.0 else 0.0,
        planned_hours=wanted,
        delivered_hours=delivered,
        unknown_hours=unknown,
        mean_soc_difference_pct=_soc_difference(cover, plan),
        reasons=_reasons(cover, plan),
        notes=_notes(telemetry, cover, plan),
    )


def _reasons(cover: Cover, plan: PlanDay) -> tuple[Reason, ...]:
    """Divide the difference of every moment: what it was told otherwise, and what it did otherwise than told."""
    planned = plan.power_mw[cover.step]
    told = np.where(np.isnan(cover.setpoint_mw), planned, cover.setpoint_mw)
    parts: dict[str, list[FloatArray]] = {}

    def note(code: str, power: FloatArray, where: NDArray[np.bool_]) -> None:
        if where.any():
            parts.setdefault(code, []).append(np.where(where, power, 0.0))

    away = cover.unavailable
    unknown = np.isnan(cover.setpoint_mw) & ~away
    note("unavailable", cover.mw - planned, away)
    note("setpoint", told - planned, ~away & ~unknown)
    note("no_setpoint", cover.mw - planned, unknown & (cover.limit == ""))
    for code in dict.fromkeys(cover.limit.tolist()):
        rest = cover.mw - told
        chosen = ~away & (cover.limit == code) & ~(unknown & (cover.limit == ""))
        note(code or "following", rest, chosen)
    tolerance = max(_TOLERANCE * plan.max_mw, 1e-6)
    found = []
    for code, pieces in parts.items():
        power = np.sum(pieces, axis=0)
        absolute = float((np.abs(power) * cover.hours).sum())
        if absolute > 0.0:
            acted = float(cover.hours[np.abs(power) > tolerance].sum())
            net = float((power * cover.hours).sum())
            found.append(Reason(code, _NAMES.get(code, code), acted, net, absolute))
    return tuple(sorted(found, key=lambda reason: -reason.absolute_mwh))


def _delivered_hours(cover: Cover, plan: PlanDay) -> tuple[float, float, float]:
    """Return planned, delivered and unknown hours of discharge [h]."""
    count = len(plan.power_mw)
    discharging = plan.power_mw > max(_TOLERANCE * plan.max_mw, 1e-6)
    out = np.bincount(cover.step, np.maximum(cover.mw, 0.0) * cover.hours, minlength=count)
    known = np.bincount(cover.step, cover.hours, minlength=count)
    wanted = plan.power_mw * plan.dt_h
    enough = discharging & (out >= _WHOLE * wanted)
    # An hour with a hole in it is delivered if what is known suffices, and else not judged.
    unknown = discharging & ~enough & (known < _WHOLE * plan.dt_h)
    hours = [float(mask.sum()) * plan.dt_h for mask in (discharging, enough, unknown)]
    return hours[0], hours[1], hours[2]


def _soc_difference(cover: Cover, plan: PlanDay) -> float | None:
    known = ~np.isnan(cover.soc_pct)
    weight = cover.hours * known
    if weight.sum() <= 0.0:
        return None
    edges = np.arange(len(plan.soc_pct)) * plan.dt_h
    planned = np.interp(cover.at_h, edges, plan.soc_pct)
    return float((np.where(known, cover.soc_pct - planned, 0.0) * weight).sum() / weight.sum())


def _notes(telemetry: Sequence[Telemetry], cover: Cover, plan: PlanDay) -> tuple[str, ...]:
    notes = []
    sizes = {sample.capacity_mwh for sample in telemetry if sample.capacity_mwh}
    if sizes and any(abs(size - plan.capacity_mwh) > 1e-6 * plan.capacity_mwh for size in sizes):
        shown = ", ".join(f"{size:g}" for size in sorted(sizes))
        notes.append(f"the plant has {shown} MWh, the option {plan.capacity_mwh:g} MWh: these are two batteries")
    if cover.bad:
        notes.append(f"{cover.bad:,} samples of quality bad or stale are left out; their time counts as missing")
    return tuple(notes)
