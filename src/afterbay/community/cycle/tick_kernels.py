"""One quarter hour of one household and of all of them, in whole microkilowatt-hours.

What is written has six decimals, so the state has them too: a tick that goes on from a file gives the same
numbers as one that goes on from memory, and every row balances to the last digit.
"""

from __future__ import annotations

import math

from afterbay.core.compiled import Floats, Indices, njit
from afterbay.core.kernels import charge, discharge, pv_power

__all__ = ["household_step", "micro_down", "tick_household", "tick_households"]

_MICRO = 1e6
_STEP_H = 0.25
# A flow is cut to whole units from above; this much keeps a whole number that floats show as 0.999999999.
_GRAIN = 1e-3


@njit
def household_step(
    generation: float,
    load: float,
    stored: float,
    floor: float,
    ceiling: float,
    p_charge: float,
    p_discharge: float,
    eta_charge: float,
    eta_discharge: float,
    dt_h: float,
) -> tuple[float, float, float]:
    """Use one's own first, store what is left, draw what lacks; return (stored, charge, discharge).

    The step of a community run for a house with one battery in self-consumption, to the last bit.
    """
    own = min(generation, load)
    surplus = generation - own
    deficit = load - own
    if surplus > 0.0:
        stored, accepted = charge(stored, surplus, p_charge, ceiling, eta_charge, dt_h)
        return stored, accepted, 0.0
    if deficit > 0.0:
        stored, given = discharge(stored, deficit, p_discharge, floor, eta_discharge, dt_h)
        return stored, 0.0, given
    return stored, 0.0, 0.0


@njit
def micro_down(energy: float) -> int:
    """Cut an energy to whole micro-units."""
    return math.floor(energy * _MICRO + _GRAIN)


@njit
def tick_household(
    share: float,
    nameplate: float,
    inverter: float,
    consumption: int,
    stored: int,
    floor: int,
    ceiling: int,
    p_charge: float,
    p_discharge: float,
    eta_charge: float,
    eta_discharge: float,
) -> tuple[int, int, int, int]:
    """Return (generation, stored, charge, discharge) of one quarter hour, all in micro-units."""
    generation = micro_down(pv_power(min(share, 1.0), nameplate, inverter) * _STEP_H)
    _, accepted, given = household_step(
        generation / _MICRO / _STEP_H,
        consumption / _MICRO / _STEP_H,
        stored / _MICRO,
        floor / _MICRO,
        ceiling / _MICRO,
        p_charge,
        p_discharge,
        eta_charge,
        eta_discharge,
        _STEP_H,
    )
    charged = min(micro_down(accepted * _STEP_H), max(generation - consumption, 0))
    discharged = min(micro_down(given * _STEP_H), max(consumption - generation, 0))
    # To the nearest unit; the last one may round over a bound.
    if charged > 0:
        stored = min(stored + math.floor(charged * eta_charge + 0.5), ceiling)
    if discharged > 0:
        stored = max(stored - math.floor(discharged / eta_discharge + 0.5), floor)
    return generation, stored, charged, discharged


@njit
def tick_households(
    share: Floats,
    nameplate: Floats,
    inverter: Floats,
    consumption: Indices,
    stored: Indices,
    floor: Indices,
    ceiling: Indices,
    p_charge: Floats,
    p_discharge: Floats,
    eta_charge: Floats,
    eta_discharge: Floats,
    rows: Indices,
) -> None:
    """Fill `rows` with the eight energies of the contract, in its order, shape (n, 8)."""
    for user in range(share.shape[0]):
        used = consumption[user]
        generation, left, charged, discharged = tick_household(
            share[user],
            nameplate[user],
            inverter[user],
            used,
            stored[user],
            floor[user],
            ceiling[user],
            p_charge[user],
            p_discharge[user],
            eta_charge[user],
            eta_discharge[user],
        )
        net = generation + discharged - used - charged
        rows[user, 0] = generation
        rows[user, 1] = used
        rows[user, 2] = left
        rows[user, 3] = charged
        rows[user, 4] = discharged
        rows[user, 5] = max(-net, 0)
        rows[user, 6] = max(net, 0)
        rows[user, 7] = generation - used
