"""Charging sessions: when a car is there, how much it needs, and how much of that can wait."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from afterbay.community.recipes.profile import content_digest
from afterbay.core.errors import Problem, Problems

if TYPE_CHECKING:
    from afterbay.community.recipes.recipe import Recipe
    from afterbay.core.compiled import Floats
    from afterbay.core.timeline import Timeline

__all__ = ["SessionSet", "SessionSteps", "check_sessions", "session_steps"]

Moments = NDArray[np.datetime64]


class SessionSteps(NamedTuple):
    """Sessions in the steps of a run, in order of arrival; n may be 0."""

    arrive_step: NDArray[np.int64]
    """First step in which the car can charge, shape (n,)."""
    depart_step: NDArray[np.int64]
    """One past the last step, shape (n,)."""
    energy_kwh: Floats
    """Energy at the charger [kWh], shape (n,)."""
    flexible_kwh: Floats
    """Part of it that only has to be there at departure [kWh], shape (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class SessionSet:
    """The sessions of one car, sorted, not overlapping, read-only."""

    name: str
    arrive: Moments
    """Arrival (UTC), shape (n,)."""
    depart: Moments
    energy_kwh: Floats
    """Energy of each session at the charger [kWh], shape (n,)."""
    flexible_kwh: Floats
    """Part of it that may wait until departure [kWh], shape (n,)."""
    recipe: Recipe

    def __post_init__(self) -> None:
        """Refuse sessions that no car can have."""
        arrive = np.array(self.arrive, dtype="datetime64[s]")
        depart = np.array(self.depart, dtype="datetime64[s]")
        energy = np.array(self.energy_kwh, dtype=np.float64)
        flexible = np.array(self.flexible_kwh, dtype=np.float64)
        problems = Problems()
        where = f"sessions {self.name}"
        if not arrive.shape == depart.shape == energy.shape == flexible.shape or arrive.ndim != 1:
            problems.add(where, "columns of different lengths", "one value of each per session", "complete them")
            problems.raise_if_any()
        order = np.argsort(arrive, kind="stable")
        arrive, depart, energy, flexible = arrive[order], depart[order], energy[order], flexible[order]
        for at in np.flatnonzero(~(depart > arrive))[:5]:
            got = f"arrival {arrive[at]}, departure {depart[at]}"
            problems.add(where, got, "a departure after the arrival", "correct this session")
        for at in np.flatnonzero(arrive[1:] < depart[:-1])[:5]:
            got = f"arrival {arrive[at + 1]} before the departure {depart[at]}"
            problems.add(where, got, "one session at a time", "a second car is a second profile")
        for at in np.flatnonzero(~(np.isfinite(energy) & (energy >= 0.0)))[:5]:
            problems.add(where, f"{energy[at]} kWh at {arrive[at]}", "a finite energy >= 0 kWh", "correct it")
        for at in np.flatnonzero(~((flexible >= 0.0) & (flexible <= energy)))[:5]:
            got = f"{flexible[at]} kWh flexible of {energy[at]} kWh at {arrive[at]}"
            problems.add(where, got, "0 up to the energy of the session", "correct it")
        problems.raise_if_any()
        columns = {"arrive": arrive, "depart": depart, "energy_kwh": energy, "flexible_kwh": flexible}
        for field, column in columns.items():
            column.setflags(write=False)
            object.__setattr__(self, field, column)

    def __reduce__(self) -> tuple[type[SessionSet], tuple[Any, ...]]:
        # A copy in another process is made like the first one, so its columns are read-only too.
        return SessionSet, tuple(getattr(self, field.name) for field in fields(self))

    @property
    def digest(self) -> str:
        """SHA-256 of recipe and sessions."""
        moments = np.concatenate([self.arrive.astype("<i8"), self.depart.astype("<i8")])
        energies = np.concatenate([self.energy_kwh, self.flexible_kwh]).astype("<f8")
        return content_digest(self.recipe, "sessions", moments.tobytes() + energies.tobytes())

    def __len__(self) -> int:
        return len(self.arrive)


def check_sessions(sessions: SessionSet, charger_kw: float) -> tuple[Problem, ...]:
    """Return one problem for each session whose energy the charger cannot deliver in the stay."""
    stay_h = (sessions.depart - sessions.arrive).astype(np.int64) / 3600.0
    problems = Problems()
    for at in np.flatnonzero(sessions.energy_kwh > charger_kw * stay_h * (1.0 + 1e-9)):
        reach = charger_kw * stay_h[at]
        problems.add(
            f"sessions {sessions.name}, arrival {sessions.arrive[at]}",
            f"{sessions.energy_kwh[at]:g} kWh in {stay_h[at]:g} h",
            f"{reach:.4g} kWh at {charger_kw:g} kW",
            "lower the energy, stay longer, or give a stronger charger",
        )
    return problems.found


def session_steps(sessions: SessionSet, timeline: Timeline) -> SessionSteps:
    """Put sessions on the steps of a run.

    A car charges in whole steps while it is there: arrival is rounded up, departure down. A stay
    without a whole step gets the step of its arrival. A session that reaches over an end of the run
    keeps the share of its energy that its time inside has.

    Args:
        sessions: The sessions of one car.
        timeline: The steps of the run.
    """
    step_s = int(timeline.step.total_seconds())
    begin = round(timeline.start.timestamp())
    arrive_s = sessions.arrive.astype(np.int64) - begin
    depart_s = sessions.depart.astype(np.int64) - begin
    end_s = step_s * timeline.count
    inside = (depart_s > 0) & (arrive_s < end_s)
    arrive_s, depart_s = arrive_s[inside], depart_s[inside]
    clipped_a, clipped_d = np.maximum(arrive_s, 0), np.minimum(depart_s, end_s)
    share = (clipped_d - clipped_a) / np.maximum(depart_s - arrive_s, 1)
    energy, flexible = sessions.energy_kwh[inside] * share, sessions.flexible_kwh[inside] * share
    first, last = -(-clipped_a // step_s), clipped_d // step_s
    short = last <= first
    first = np.where(short, clipped_a // step_s, first)
    last = np.where(short, first + 1, last)
    if len(first) > 1 and (first[1:] < last[:-1]).any():
        return _joined(first, last, energy, flexible)
    return SessionSteps(first.astype(np.int64), last.astype(np.int64), energy, flexible)


def _joined(first: NDArray[np.int64], last: NDArray[np.int64], energy: Floats, flexible: Floats) -> SessionSteps:
    """Join sessions that fall into the same step, so that none is lost and none overlaps."""
    rows: list[list[float]] = []
    for a, d, e, f in zip(first.tolist(), last.tolist(), energy.tolist(), flexible.tolist(), strict=True):
        if rows and a < rows[-1][1]:
            rows[-1] = [rows[-1][0], max(d, rows[-1][1]), rows[-1][2] + e, rows[-1][3] + f]
        else:
            rows.append([a, d, e, f])
    columns = np.array(rows, dtype=np.float64).T
    return SessionSteps(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], columns[3])
