"""The physics check that every result carries: computed from the flows, shown, and loud when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import PhysicsError
from afterbay.sizing import layout as at

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PhysicsCheck", "PhysicsLaw", "physics_check", "worst_violation"]

TOLERANCE = 1e-9
"""Largest residual, relative to the size of the plant."""


@dataclass(frozen=True, slots=True)
class PhysicsLaw:
    """One law and how far the result is from it."""

    name: str
    residual: float
    """Largest residual or excess of any step, in `unit`; 0 or less is perfect."""
    allowed: float
    unit: str

    @property
    def holds(self) -> bool:
        """Is the law kept to rounding? Not a number never holds."""
        return bool(self.residual <= self.allowed)


@dataclass(frozen=True, slots=True)
class PhysicsCheck:
    """All laws of one result."""

    laws: tuple[PhysicsLaw, ...]

    @property
    def passed(self) -> bool:
        """Do all laws hold?"""
        return all(law.holds for law in self.laws)

    @property
    def summary(self) -> str:
        """`physics 12/12`."""
        return f"physics {sum(law.holds for law in self.laws)}/{len(self.laws)}"

    def raise_if_failed(self) -> None:
        """Raise `PhysicsError` naming every broken law."""
        broken = [law for law in self.laws if not law.holds]
        if broken:
            lines = "; ".join(
                f"{law.name}: off by {law.residual:.3g} {law.unit}, allowed {law.allowed:.1g}" for law in broken
            )
            raise PhysicsError(f"the result breaks physics ({lines}) -> a defect of ours: report it with its input")

    def to_dict(self) -> dict[str, Any]:
        """Return the check for machine-readable output."""
        return {
            "passed": self.passed,
            "summary": self.summary,
            "laws": [
                {
                    "name": law.name,
                    "residual": law.residual,
                    "allowed": law.allowed,
                    "unit": law.unit,
                    "holds": law.holds,
                }
                for law in self.laws
            ],
        }


# name, place in the totals, unit
_LAWS = (
    ("solar = to load + to battery + curtailed", at.T_SOLAR_RESIDUAL, "MW"),
    ("load = solar + battery + generator + unserved", at.T_LOAD_RESIDUAL, "MW"),
    ("generator = to load + to battery + curtailed", at.T_DG_RESIDUAL, "MW"),
    ("stored energy changes by what goes in and out, after losses", at.T_SOC_RESIDUAL, "MWh"),
    ("state of charge inside its band", at.T_SOC_EXCESS, "MWh"),
    ("battery power within its ratings", at.T_BESS_EXCESS, "MW"),
    ("generator within its rating, and at rest when off", at.T_DG_EXCESS, "MW"),
    ("no flow is negative", at.T_NEGATIVE, "MW"),
    ("never charging and discharging at once", at.T_BOTH_WAYS, "MW"),
    ("daily cycle limit kept", at.T_CYCLE_EXCESS, "cycles"),
    ("fuel booked on gross output", at.T_FUEL_RESIDUAL, "L"),
    ("origin of stored energy within the energy itself", at.T_ORIGIN_EXCESS, "MWh"),
)


def _allowed(case: NDArray[np.float64], scale: float) -> dict[str, float]:
    fuel_scale = (case[at.FUEL_PER_RATING_H] + case[at.FUEL_PER_ENERGY]) * case[at.DG_RATING]
    return {
        "MW": TOLERANCE * scale,
        "MWh": TOLERANCE * scale,
        "cycles": TOLERANCE * max(1.0, float(case[at.CYCLE_LIMIT])),
        "L": TOLERANCE * max(1.0, float(fuel_scale)),
    }


def _scale(case: NDArray[np.float64], peak_mw: float) -> float:
    ratings = (case[at.CAPACITY], case[at.CHARGE_POWER], case[at.DISCHARGE_POWER], case[at.DG_RATING])
    return max(1.0, peak_mw, *(float(rating) for rating in ratings))


def physics_check(
    case: NDArray[np.float64],
    totals: NDArray[np.float64],
    load_mw: NDArray[np.float64],
    solar_mw: NDArray[np.float64],
) -> PhysicsCheck:
    """Judge the residuals that the kernel kept for one case.

    Args:
        case: `layout.CASE`, shape (36,).
        totals: `layout.TOTALS`, shape (53,).
        load_mw: Load [MW], shape (n,).
        solar_mw: Solar before scaling [MW], shape (n,).
    """
    peak = max(float(load_mw.max()), float(solar_mw.max()) * float(case[at.SOLAR_SCALE]))
    allowed = _allowed(case, _scale(case, peak))
    return PhysicsCheck(
        tuple(
            PhysicsLaw(
                name,
                max(float(totals[place]), 0.0) if totals[place] == totals[place] else float("nan"),
                allowed[unit],
                unit,
            )
            for name, place, unit in _LAWS
        )
    )


def worst_violation(
    cases: NDArray[np.float64], totals: NDArray[np.float64], load_peak_mw: float, solar_peak_mw: float
) -> int | None:
    """Return the first case of many that breaks a law, or None.

    Args:
        cases: Shape (m, 36).
        totals: Shape (m, 53).
        load_peak_mw: Largest load [MW].
        solar_peak_mw: Largest solar before scaling [MW].
    """
    ratings = [at.CAPACITY, at.CHARGE_POWER, at.DISCHARGE_POWER, at.DG_RATING]
    scale = np.maximum(1.0, np.maximum(load_peak_mw, solar_peak_mw * cases[:, at.SOLAR_SCALE]))
    scale = np.maximum(scale, cases[:, ratings].max(axis=1)) * TOLERANCE
    fuel = (cases[:, at.FUEL_PER_RATING_H] + cases[:, at.FUEL_PER_ENERGY]) * cases[:, at.DG_RATING]
    allowed = {
        "MW": scale,
        "MWh": scale,
        "cycles": TOLERANCE * np.maximum(1.0, cases[:, at.CYCLE_LIMIT]),
        "L": TOLERANCE * np.maximum(1.0, fuel),
    }
    holds = np.ones(len(cases), dtype=bool)
    for _, place, unit in _LAWS:
        holds &= totals[:, place] <= allowed[unit]
    broken = np.flatnonzero(~holds)
    return int(broken[0]) if broken.size else None
