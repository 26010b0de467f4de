"""Backward over the days on a grid of stored energy, then forward with the exact physics.

The value of a state is what the rest of the horizon can still bring. It is kept at every midnight; within a
day it is made again when the day is replayed, so that a year needs the memory of a day.
"""

from __future__ import annotations

import numpy as np

from afterbay.core.compiled import Codes, Floats, njit
from afterbay.core.kernels import generator_fuel, stand
from afterbay.sizing import layout as at
from afterbay.sizing.optimum.kernels import ACTIONS, SERVE, Plant, act, reward, useful, worth

__all__ = ["midnight_values", "replay"]


@njit
def _scales(
    plant: Plant,
    allowances: int,
    levels: int,
) -> tuple[float, float]:
    """Return points of the grid per MWh of stored energy and per MWh of allowance; 0 where there is nothing."""
    band = plant.ceiling - plant.floor
    per_mwh = (levels - 1) / band if band > 0.0 else 0.0
    return per_mwh, (allowances - 1) / plant.allowance if plant.allowance > 0.0 else 0.0


@njit
def _values_of_day(
    plant: Plant,
    load: Floats,
    sun: Floats,
    first: int,
    last: int,
    after: Floats,
    values: Floats,
) -> None:
    """Fill the values of every state at the start of each step of a day, from those at its end.

    `after` has shape (2, levels): generator off or on; `values` (steps per day + 1, 2, allowances, levels).
    """
    allowances, levels = values.shape[2], values.shape[3]
    per_mwh, per_allowance = _scales(plant, allowances, levels)
    step_mwh = (plant.ceiling - plant.floor) / (levels - 1)
    end = last - first
    for j in range(allowances):
        for i in range(levels):
            values[end, 0, j, i] = after[0, i]
            values[end, 1, j, i] = after[1, i]
    for step in range(end - 1, -1, -1):
        demand, shine = load[first + step], sun[first + step]
        for i in range(levels):
            energy = plant.floor + i * step_mwh
            values[step, :, :, i] = -1e300
            for action in range(ACTIONS):
                if not useful(plant, action):
                    continue
                possible, _, _, given, _, _, output, unserved, stored = act(
                    plant, action, demand, shine, energy, plant.allowance
                )
                # From a whole allowance down: an action is made again only where it no longer fits.
                for j in range(allowances - 1, -1, -1):
                    left = plant.allowance if allowances == 1 else j / per_allowance
                    if allowances > 1 and given * plant.dt_h > left:
                        possible, _, _, given, _, _, output, unserved, stored = act(
                            plant, action, demand, shine, energy, left
                        )
                    if not possible:
                        break
                    found = worth(
                        plant, demand, given, output, unserved, stored, left, values[step + 1], per_mwh, per_allowance
                    )
                    start = plant.start_cost if output > 0.0 else 0.0
                    values[step, 1, j, i] = max(values[step, 1, j, i], found)
                    values[step, 0, j, i] = max(values[step, 0, j, i], found - start)


@njit
def midnight_values(
    plant: Plant,
    load: Floats,
    sun: Floats,
    steps_per_day: int,
    allowances: int,
    midnights: Floats,
) -> None:
    """Go backward over the days; `midnights` has shape (days + 1, 2, levels), zeros at the end of the horizon."""
    days, levels = midnights.shape[0] - 1, midnights.shape[2]
    values = np.zeros((steps_per_day + 1, 2, allowances, levels))
    for day in range(days - 1, -1, -1):
        first = day * steps_per_day
        last = min(first + steps_per_day, load.shape[0])
        _values_of_day(plant, load, sun, first, last, midnights[day + 1], values)
        midnights[day] = values[0, :, allowances - 1, :]


@njit
def replay(
    plant: Plant,
    load: Floats,
    sun: Floats,
    steps_per_day: int,
    allowances: int,
    energy: float,
    midnights: Floats,
    flows: Floats,
    codes: Codes,
) -> float:
    """Go forward from `energy` with the exact physics, step by step where the values say it is best.

    Fills flows and codes as the dispatch of a rule does; returns what the run brought.
    """
    levels = midnights.shape[2]
    values = np.zeros((steps_per_day + 1, 2, allowances, levels))
    per_mwh, per_allowance = _scales(plant, allowances, levels)
    brought = 0.0
    ran = 0
    for day in range(midnights.shape[0] - 1):
        first = day * steps_per_day
        last = min(first + steps_per_day, load.shape[0])
        _values_of_day(plant, load, sun, first, last, midnights[day + 1], values)
        left = plant.allowance
        for row in range(first, last):
            best, chosen = -1e300, SERVE
            for action in range(ACTIONS):
                if not useful(plant, action):
                    continue
                possible, _, _, given, _, _, output, unserved, stored = act(
                    plant, action, load[row], sun[row], energy, left
                )
                if not possible:
                    continue
                after = values[row - first + 1]
                found = worth(plant, load[row], given, output, unserved, stored, left, after, per_mwh, per_allowance)
                found -= plant.start_cost if output > 0.0 and ran == 0 else 0.0
                # Among equals the first: serving comes before storing, standing before running.
                if found > best + 1e-9:
                    best, chosen = found, action
            (
                _, solar_to_load, solar_to_bess, bess_to_load, dg_to_load, dg_to_bess, output, unserved, stored,
            ) = act(plant, chosen, load[row], sun[row], energy, left)  # fmt: skip
            energy, lost = stand(stored, plant.floor, plant.loss_per_h, plant.dt_h)
            left -= bess_to_load * plant.dt_h
            runs = 1 if output > 0.0 else 0
            brought += reward(plant, load[row], unserved, output)
            brought -= plant.start_cost if runs > ran else 0.0
            ran = runs
            flows[row, at.LOAD] = load[row]
            flows[row, at.SOLAR] = sun[row]
            flows[row, at.SOLAR_TO_LOAD] = solar_to_load
            flows[row, at.SOLAR_TO_BESS] = solar_to_bess
            flows[row, at.SOLAR_CURTAILED] = sun[row] - solar_to_load - solar_to_bess
            flows[row, at.BESS_TO_LOAD] = bess_to_load
            flows[row, at.DG_TO_LOAD] = dg_to_load
            flows[row, at.DG_TO_BESS] = dg_to_bess
            flows[row, at.DG_CURTAILED] = output - dg_to_load - dg_to_bess
            flows[row, at.DG_OUTPUT] = output
            flows[row, at.DG_FUEL] = generator_fuel(
                output, plant.rating, plant.fuel_per_rating_h, plant.fuel_per_energy, plant.dt_h
            )
            flows[row, at.UNSERVED] = unserved
            flows[row, at.SOC] = energy
            flows[row, at.STANDING_LOSS] = lost
            codes[row, at.MODE] = at.MODE_NORMAL if runs else at.MODE_OFF
            if plant.usable > 0.0:
                earlier = flows[row - 1, at.DAILY_CYCLES] if row > first else 0.0
                flows[row, at.DAILY_CYCLES] = earlier + bess_to_load * plant.dt_h / plant.usable
    return brought
