"""What a plant may do in a step when everything is known ahead, and what that is worth."""

from __future__ import annotations

from typing import NamedTuple

from afterbay.core.compiled import Floats, inlined, njit
from afterbay.core.kernels import charge, discharge, generator_output, stand
from afterbay.sizing import layout as at

__all__ = ["ACTIONS", "SERVE", "Plant", "act", "reward", "useful", "worth"]


class Plant(NamedTuple):
    """What the programme knows of a plant: numbers only; flags are 0 or 1."""

    floor: float
    ceiling: float
    p_charge: float
    p_discharge: float
    eta: float
    loss_per_h: float
    allowance: float
    """Most discharge of a day [MWh]; 0 is no limit."""
    usable: float
    rating: float
    least: float
    """Least output of the running generator; its rating when it knows no other [MW]."""
    dg_charges: float
    binary: float
    counts_hours: float
    run_cost: float
    """Taken off per generated MWh."""
    start_cost: float
    """Taken off per start."""
    fuel_per_rating_h: float
    fuel_per_energy: float
    dt_h: float


# What a plant may do in a step.
# SERVE: sun, then battery. STORE: the battery is filled and the load gets what is left of the sun.
# FULL: the generator runs as high as load and battery can take. FOLLOW: it carries what sun leaves.
# SPARE: it gives only what the battery cannot. RELIEVE: it carries the load while the sun fills the battery.
SERVE, STORE, FULL, FOLLOW, SPARE, RELIEVE = range(6)
ACTIONS = 6


@inlined
def useful(
    plant: Plant,
    action: int,
) -> bool:
    """Can this action differ from the others with this plant?"""
    if action == SERVE or action == STORE:
        return True
    if plant.rating <= 0.0:
        return False
    if action == FULL:
        return plant.dg_charges != 0.0
    if action == SPARE:
        return plant.least < plant.rating
    return True


@njit
def act(
    plant: Plant,
    action: int,
    load: float,
    sun: float,
    energy: float,
    allowance: float,
) -> tuple[bool, float, float, float, float, float, float, float, float]:
    """Do one action for a step; return (possible, flows ..., unserved, energy after it, before it stands)."""
    dt_h = plant.dt_h
    output = solar_to_bess = dg_to_bess = bess_to_load = 0.0
    solar_to_load = min(sun, load)
    fills_first = action == STORE or action == RELIEVE
    if fills_first:
        offered = sun
        if action == RELIEVE:
            room = max(plant.ceiling - energy, 0.0) / (plant.eta * dt_h)
            output = generator_output(load - sun + min(sun, plant.p_charge, room), plant.rating, plant.least)
            # The sun helps where the generator alone is short.
            offered = sun - min(max(load - output, 0.0), sun)
        energy, solar_to_bess = charge(energy, offered, plant.p_charge, plant.ceiling, plant.eta, dt_h)
        solar_to_load = min(sun - solar_to_bess, load)
    rest = load - solar_to_load
    p_discharge = plant.p_discharge
    if plant.allowance > 0.0:
        p_discharge = min(p_discharge, max(allowance, 0.0) / dt_h)
    if action == FULL or action == FOLLOW or action == SPARE:
        asked = rest
        if action == FULL:
            room = max(plant.ceiling - energy, 0.0) / (plant.eta * dt_h)
            asked += max(min(plant.p_charge, room) - (sun - solar_to_load), 0.0)
        if action == SPARE:
            asked -= min(p_discharge, max(energy - plant.floor, 0.0) * plant.eta / dt_h)
        output = generator_output(asked, plant.rating, plant.least)
    dg_to_load = min(output, rest)
    rest -= dg_to_load
    if not fills_first:
        if rest > 0.0:
            energy, bess_to_load = discharge(energy, rest, p_discharge, plant.floor, plant.eta, dt_h)
            rest -= bess_to_load
        else:
            spare = sun - solar_to_load
            energy, solar_to_bess = charge(energy, spare, plant.p_charge, plant.ceiling, plant.eta, dt_h)
            if plant.dg_charges != 0.0:
                left = plant.p_charge - solar_to_bess
                energy, dg_to_bess = charge(energy, output - dg_to_load, left, plant.ceiling, plant.eta, dt_h)
    possible = action < FULL or output > 0.0
    if plant.binary != 0.0 and rest >= at.TOLERANCE_MW:
        # All or nothing: nobody serves a part. Only storing stays, and its sun is then curtailed.
        possible = possible and action == STORE
        solar_to_load = 0.0
        rest = load
    return possible, solar_to_load, solar_to_bess, bess_to_load, dg_to_load, dg_to_bess, output, rest, energy


@inlined
def reward(
    plant: Plant,
    load: float,
    unserved: float,
    output: float,
) -> float:
    """Return what a step brings: hours served whole, or energy served, less what the generator takes."""
    if plant.counts_hours == 0.0:
        brought = load - unserved
    else:
        brought = 1.0 if load > 0.0 and unserved < at.TOLERANCE_MW else 0.0
    return (brought - plant.run_cost * output) * plant.dt_h


@inlined
def _between(
    values: Floats,
    energy_place: float,
    allowance_place: float,
) -> float:
    """Read a value between the points of the grid, along straight lines."""
    last = values.shape[1] - 1
    i = min(max(int(energy_place), 0), last - 1)
    share = min(max(energy_place - i, 0.0), 1.0)
    row = values.shape[0] - 1
    if row == 0:
        along: float = values[0, i] * (1.0 - share) + values[0, i + 1] * share
        return along
    j = min(max(int(allowance_place), 0), row - 1)
    across = min(max(allowance_place - j, 0.0), 1.0)
    low: float = values[j, i] * (1.0 - share) + values[j, i + 1] * share
    high: float = values[j + 1, i] * (1.0 - share) + values[j + 1, i + 1] * share
    mixed: float = low * (1.0 - across) + high * across
    return mixed


@inlined
def worth(
    plant: Plant,
    load: float,
    given: float,
    output: float,
    unserved: float,
    stored: float,
    allowance: float,
    after: Floats,
    per_mwh: float,
    per_allowance: float,
) -> float:
    """Return what an action brings now and later, before the cost of a start.

    `after` are the values at the end of the step, shape (2, allowances, levels).
    """
    runs = 1 if output > 0.0 else 0
    stored, _ = stand(stored, plant.floor, plant.loss_per_h, plant.dt_h)
    energy_place = (stored - plant.floor) * per_mwh
    later = _between(after[runs], energy_place, (allowance - given * plant.dt_h) * per_allowance)
    return reward(plant, load, unserved, output) + later
