"""What the generator may do in a step and why, and what held the battery back: the reasons that are told.

They are noted by the same code that decides, so that an explanation is never a guess afterwards.
"""

from __future__ import annotations

from afterbay.core.compiled import inlined, njit
from afterbay.sizing import layout as at

__all__ = [
    "CHARGES",
    "EMERGENCY",
    "IF_SHORT",
    "IF_SHORT_FIRST",
    "OFF",
    "RUNS",
    "TAKES_OVER",
    "bess_reason",
    "decide",
    "settle_reason",
]

# Rounding, not power [MW].
_NOTHING = 1e-9

# What the generator may do in a step.
OFF, IF_SHORT, IF_SHORT_FIRST, RUNS, EMERGENCY, TAKES_OVER, CHARGES = range(7)


@inlined
def decide(
    case: at.Case,
    load: float,
    solar: float,
    energy: float,
    floor: float,
    eta: float,
    p_discharge: float,
    charges_on: bool,
    was_running: bool,
    in_window: bool,
) -> tuple[int, int]:
    """Return (what the generator may do, why), from the state at the start of the step."""
    if not in_window:
        if case.emergency_allowed == 0.0:
            return OFF, at.DG_BLOCKED
        if energy <= case.capacity * case.emergency_pct / 100.0:
            return EMERGENCY, at.DG_EMERGENCY_NOT_NEEDED
        return OFF, at.DG_ABOVE_EMERGENCY
    if charges_on and was_running:
        return CHARGES, at.DG_CYCLE_CHARGING
    if case.takeover != 0.0 and case.dg_rating >= load:
        # Honours the lock and the cycle allowance: only what the battery may still give counts.
        within_reach = min(p_discharge, max(energy - floor, 0.0) * eta / case.dt_h)
        if solar + within_reach >= load - at.TOLERANCE_MW:
            return OFF, at.DG_GREEN_ENOUGH
        return TAKES_OVER, at.DG_TAKEOVER
    if case.trigger == at.TRIGGER_DEFICIT:
        if case.order == at.ORDER_GENERATOR_FIRST:
            return IF_SHORT_FIRST, at.DG_NOT_NEEDED
        if case.order == at.ORDER_IF_DG_FIRST and case.dg_first != 0.0:
            return IF_SHORT_FIRST, at.DG_NOT_NEEDED
        return IF_SHORT, at.DG_NOT_NEEDED
    if case.window_end != 0.0:
        return RUNS, at.DG_WINDOW_RUN
    if energy <= case.capacity * case.on_pct / 100.0:
        return RUNS, at.DG_BELOW_ON
    if energy >= case.capacity * case.off_pct / 100.0:
        return OFF, at.DG_ABOVE_OFF
    if was_running:
        return RUNS, at.DG_IN_BAND_ON
    return OFF, at.DG_IN_BAND_OFF


@njit
def settle_reason(
    plan: int,
    reason: int,
    ran: bool,
    withheld: bool,
    raised: bool,
) -> tuple[int, int]:
    """Return (mode, reason) once it is known whether the generator ran, and whether it ran for the battery."""
    if withheld:
        return at.MODE_OFF, at.DG_WITHHELD
    if not ran:
        return at.MODE_OFF, reason
    if plan == EMERGENCY:
        return at.MODE_EMERGENCY, at.DG_EMERGENCY
    if plan == TAKES_OVER:
        return at.MODE_TAKEOVER, reason
    if plan == CHARGES:
        return at.MODE_CYCLE, reason
    mode = at.MODE_CYCLE if raised else at.MODE_NORMAL
    if plan == IF_SHORT:
        return mode, at.DG_DEFICIT
    if plan == IF_SHORT_FIRST:
        return mode, at.DG_DEFICIT_FIRST
    return mode, reason


@njit
def bess_reason(
    case: at.Case,
    plan: int,
    locked: bool,
    asked: float,
    given: float,
    offered: float,
    stored: float,
    p_charge: float,
    p_discharge: float,
    allowance: float,
) -> int:
    """Say what the battery did in a step and what held it back (`layout.BESS_*`).

    `asked` is what the load still wanted when the battery's turn came, `offered` what it could have stored.
    """
    if case.capacity <= 0.0:
        return at.BESS_ABSENT
    if asked > _NOTHING:
        if locked:
            return at.BESS_LOCKED
        if given <= 0.0 and case.assists == 0.0 and (plan == RUNS or plan == CHARGES):
            return at.BESS_STANDS_BACK
        if given >= asked - _NOTHING:
            return at.BESS_COVERS
        if given >= allowance:
            return at.BESS_AT_ALLOWANCE
        return at.BESS_AT_POWER if given >= p_discharge else at.BESS_AT_FLOOR
    if offered > _NOTHING:
        if locked:
            return at.BESS_LOCKED
        if stored >= offered - _NOTHING:
            return at.BESS_STORES_ALL
        return at.BESS_CHARGE_POWER if stored >= p_charge else at.BESS_FULL
    return at.BESS_IDLE
