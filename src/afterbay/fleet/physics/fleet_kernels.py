"""One tick of every simulated asset, in compiled loops. Power in MW, energy in MWh, + leaves the asset.

The energy of a battery moves in `afterbay.core.kernels`, with the same bits as in sizing. Equations are numbered
as in docs/concepts/fleet-physics.md. Callers own validation.
"""

from __future__ import annotations

from typing import NamedTuple

from afterbay.core.compiled import Codes, Floats, Indices, inlined, njit
from afterbay.core.kernels import charge, discharge

__all__ = [
    "FAULT",
    "NOT_LIMITED",
    "P_LIMIT",
    "RAMP",
    "RESOURCE",
    "SOC_MAX",
    "SOC_MIN",
    "TEMPERATURE",
    "Battery",
    "Cells",
    "Conditions",
    "interpolate",
    "moved",
    "ramp_parts",
    "ramped",
    "tick_literal",
    "tick_physical",
    "tick_resource",
]

NOT_LIMITED = 0
RAMP = 1
P_LIMIT = 2
SOC_MIN = 3
SOC_MAX = 4
TEMPERATURE = 5
FAULT = 6
RESOURCE = 7

# A full step of the ramp may come out a last digit longer than the step itself.
_NEARLY = 1.0 + 1e-9


class Battery(NamedTuple):
    """What stays the same in n batteries; arrays of shape (n,), curves (n, k)."""

    capacity_mwh: Floats
    max_mw: Floats
    min_mw: Floats
    ramp_mw_per_min: Floats
    floor_mwh: Floats
    ceiling_mwh: Floats
    efficiency: Floats
    larger_mw: Floats
    """The larger power limit: what the shares of the curve refer to."""
    curve_points: Indices
    """Points of the efficiency curve over power; 0: `efficiency` holds everywhere."""
    curve_share: Floats
    curve_efficiency: Floats
    soc_points: Indices
    """Points of the factor over the state of charge; 0: none."""
    soc_pct: Floats
    soc_factor: Floats
    thermal: Codes
    ambient_c: Floats
    heat_capacity_mwh_per_k: Floats
    derate_from_c: Floats
    stop_at_c: Floats


class Cells(NamedTuple):
    """What moves, shape (n,). Counters never fall."""

    soc_mwh: Floats
    """Energy of the racks that take part."""
    current_mw: Floats
    """Mean power of the tick."""
    end_mw: Floats
    """Power at its end, from which the next one ramps."""
    setpoint_mw: Floats
    temperature_c: Floats
    energy_in_mwh: Floats
    """Counted at the terminals; so `energy_out_mwh`."""
    energy_out_mwh: Floats
    loss_mwh: Floats
    energy_error_mwh: Floats
    """Energy that the literal tick makes (+) or destroys (-); stays 0 in the physical one."""
    limited: Codes
    available_charge_mw: Floats
    available_discharge_mw: Floats


class Conditions(NamedTuple):
    """What faults and cooling allow in this tick, shape (n,)."""

    power_fraction: Floats
    """Share of the power limits that is left."""
    energy_fraction: Floats
    """Share of the racks that take part."""
    conductance_mw_per_k: Floats
    decay: Floats
    """exp(-conductance x dt / heat capacity): share of a temperature difference that outlives the tick."""


@inlined
def ramped(current: float, setpoint: float, step: float) -> float:
    """Move a power towards its setpoint by at most `step`. Equation 1."""
    delta = setpoint - current
    if delta > step:
        return current + step
    if delta < -step:
        return current - step
    return setpoint


@njit
def interpolate(row: int, points: int, across: Floats, up: Floats, at: float) -> float:
    """Read a curve of straight lines; beyond its ends it stays flat. Equation 4."""
    found: float = up[row, points - 1]
    if at <= across[row, 0]:
        found = up[row, 0]
    else:
        for point in range(1, points):
            if at <= across[row, point]:
                share = (at - across[row, point - 1]) / (across[row, point] - across[row, point - 1])
                found = up[row, point - 1] + share * (up[row, point] - up[row, point - 1])
                break
    return found


@inlined
def moved(energy: float, power: float, floor: float, ceiling: float, eta: float, dt_h: float) -> tuple[float, float]:
    """Ask the cells for a signed power; return (energy, power really given). Equation 3, by the core."""
    if power > 0.0:
        return discharge(energy, power, power, floor, eta, dt_h)
    if power < 0.0:
        energy, taken = charge(energy, -power, -power, ceiling, eta, dt_h)
        return energy, 0.0 - taken
    return energy, 0.0


@njit
def ramp_parts(before: float, after: float, ramp_mw_per_h: float, dt_h: float) -> tuple[float, float, float, float]:
    """Return mean power and length of a ramp up to zero and from zero on; the second is empty if it does not cross."""
    whole_h = min(abs(after - before) / ramp_mw_per_h, dt_h)
    if before * after >= 0.0:
        return (before + after) / 2.0, whole_h, 0.0, 0.0
    first_h = min(abs(before) / ramp_mw_per_h, whole_h)
    return before / 2.0, first_h, after / 2.0, whole_h - first_h


@njit
def tick_physical(battery: Battery, cells: Cells, conditions: Conditions, dt_s: float, mean_ramp: bool) -> None:
    """Advance n batteries: ramp, limits, then what the cells can give or take in `dt_s`. Equations 1 to 6."""
    dt_h = dt_s / 3600.0
    max_mw, min_mw, ramp = battery.max_mw, battery.min_mw, battery.ramp_mw_per_min
    floors, ceilings, capacities = battery.floor_mwh, battery.ceiling_mwh, battery.capacity_mwh
    efficiencies, larger = battery.efficiency, battery.larger_mw
    curve_points, curve_share, curve_efficiency = (
        battery.curve_points,
        battery.curve_share,
        battery.curve_efficiency,
    )
    soc_points, soc_pct, soc_factor = battery.soc_points, battery.soc_pct, battery.soc_factor
    thermal, ambient, heat_capacity = battery.thermal, battery.ambient_c, battery.heat_capacity_mwh_per_k
    derate_from, stop_at = battery.derate_from_c, battery.stop_at_c
    soc_mwh, current_mw, setpoint_mw = cells.soc_mwh, cells.current_mw, cells.setpoint_mw
    end_mw, temperature_c, limited = cells.end_mw, cells.temperature_c, cells.limited
    energy_in, energy_out, losses = cells.energy_in_mwh, cells.energy_out_mwh, cells.loss_mwh
    can_charge, can_discharge = cells.available_charge_mw, cells.available_discharge_mw
    power_fraction, energy_fraction = conditions.power_fraction, conditions.energy_fraction
    conductance, decay = conditions.conductance_mw_per_k, conditions.decay
    for i in range(soc_mwh.shape[0]):
        share = power_fraction[i]
        reason = FAULT if share < 1.0 else P_LIMIT
        if thermal[i]:
            cool = (stop_at[i] - temperature_c[i]) / (stop_at[i] - derate_from[i])
            derating = min(max(cool, 0.0), 1.0)
            if derating < share:
                reason = TEMPERATURE
            share = share * derating
        top = max_mw[i] * share
        bottom = min_mw[i] * share
        setpoint = setpoint_mw[i]

        power = min(max(ramped(end_mw[i], setpoint, ramp[i] / 60.0 * dt_s), bottom), top)
        what = NOT_LIMITED
        if power != setpoint:
            beyond = (setpoint > top and power == top) or (setpoint < bottom and power == bottom)
            what = reason if beyond else RAMP

        energy = soc_mwh[i]
        floor = floors[i] * energy_fraction[i]
        ceiling = ceilings[i] * energy_fraction[i]
        eta = efficiencies[i]
        if curve_points[i] > 0 and larger[i] > 0.0:
            eta = interpolate(i, curve_points[i], curve_share, curve_efficiency, abs(power) / larger[i])
        capacity = capacities[i] * energy_fraction[i]
        if soc_points[i] > 0 and capacity > 0.0:
            eta = eta * interpolate(i, soc_points[i], soc_pct, soc_factor, energy / capacity * 100.0)

        # One part at the last power or, with `mean_ramp`, the ramp (parted where it crosses zero) and then the rest.
        first_mw, first_h, second_mw, second_h = 0.0, 0.0, 0.0, 0.0
        change = power - end_mw[i]
        ramping = mean_ramp and dt_h > 0.0 and change != 0.0 and abs(change) <= ramp[i] / 60.0 * dt_s * _NEARLY
        if ramping:
            first_mw, first_h, second_mw, second_h = ramp_parts(end_mw[i], power, ramp[i] * 60.0, dt_h)
        end, given, out, into, lost = power, 0.0, 0.0, 0.0, 0.0
        for part_mw, part_h in ((first_mw, first_h), (second_mw, second_h), (power, dt_h - first_h - second_h)):
            if part_h > 0.0 or dt_h <= 0.0:
                energy, given = moved(energy, part_mw, floor, ceiling, eta, part_h)
                if abs(given) < abs(part_mw):
                    what = SOC_MIN if part_mw > 0.0 else SOC_MAX
                    end = given
                if given > 0.0:
                    out += given * part_h
                    lost += given * part_h / eta - given * part_h
                else:
                    into -= given * part_h
                    lost += -given * part_h + given * part_h * eta
        soc_mwh[i] = energy
        end_mw[i] = end
        energy_out[i] += out
        energy_in[i] += into
        # No minus zero: a battery at rest reads 0.0 MW.
        current_mw[i] = (out - into) / dt_h + 0.0 if ramping else given + 0.0
        losses[i] += lost
        limited[i] = what

        if thermal[i] and dt_h > 0.0:
            if conductance[i] > 0.0:
                settled = ambient[i] + lost / dt_h / conductance[i]
                temperature_c[i] = settled + (temperature_c[i] - settled) * decay[i]
            else:
                temperature_c[i] += lost / heat_capacity[i]
        can_discharge[i] = top
        can_charge[i] = -bottom + 0.0
        if dt_h > 0.0:
            can_discharge[i] = min(top, max(energy - floor, 0.0) * eta / dt_h)
            can_charge[i] = min(-bottom + 0.0, max(ceiling - energy, 0.0) / eta / dt_h)


@njit
def tick_literal(battery: Battery, cells: Cells, dt_s: float) -> None:
    """Advance n batteries to the letter of bess-simulator-design.txt: the power goes on when the cells end."""
    dt_h = dt_s / 3600.0
    max_mw, min_mw, ramp = battery.max_mw, battery.min_mw, battery.ramp_mw_per_min
    capacities, efficiencies = battery.capacity_mwh, battery.efficiency
    soc_mwh, current_mw, setpoint_mw = cells.soc_mwh, cells.current_mw, cells.setpoint_mw
    energy_in, energy_out, errors = cells.energy_in_mwh, cells.energy_out_mwh, cells.energy_error_mwh
    can_charge, can_discharge, limited = cells.available_charge_mw, cells.available_discharge_mw, cells.limited
    for i in range(soc_mwh.shape[0]):
        step = ramp[i] / 60.0 * dt_s
        power = current_mw[i] + min(max(setpoint_mw[i] - current_mw[i], -step), step)
        power = min(max(power, min_mw[i]), max_mw[i])
        moved = power * dt_s / 3600.0
        if moved >= 0.0:
            wanted = soc_mwh[i] - moved / efficiencies[i]
            energy_out[i] += moved
        else:
            wanted = soc_mwh[i] - moved * efficiencies[i]
            energy_in[i] -= moved
        held = min(max(wanted, 0.0), capacities[i])
        errors[i] += held - wanted
        soc_mwh[i] = held
        current_mw[i] = power
        cells.end_mw[i] = power
        limited[i] = NOT_LIMITED
        can_discharge[i] = max_mw[i] if held > 0.0 or dt_h <= 0.0 else 0.0
        can_charge[i] = -min_mw[i] + 0.0 if held < capacities[i] or dt_h <= 0.0 else 0.0


@njit
def tick_resource(
    sign: float,
    available_mw: Floats,
    limit_mw: Floats,
    ramp_mw_per_min: Floats,
    power_fraction: Floats,
    setpoint_mw: Floats,
    current_mw: Floats,
    energy_mwh: Floats,
    limited: Codes,
    dt_s: float,
) -> None:
    """Advance n assets that follow the sun, the wind or the cars; a setpoint only holds them back. Equation 7.

    Args:
        sign: +1 for what generates, -1 for what consumes.
        available_mw: What sun, wind or cars would give or take, >= 0, shape (n,).
        limit_mw: Largest power, >= 0.
        ramp_mw_per_min: Fastest change.
        power_fraction: Share of the limit that a fault leaves.
        setpoint_mw: Signed; NaN: not held back.
        current_mw: Signed; moves.
        energy_mwh: Counter at the terminals, >= 0; moves.
        limited: Reason why less flows than the setpoint allows; set.
        dt_s: Length of the tick.
    """
    dt_h = dt_s / 3600.0
    for i in range(current_mw.shape[0]):
        told = setpoint_mw[i] == setpoint_mw[i]
        top = limit_mw[i] * power_fraction[i]
        wanted = max(sign * setpoint_mw[i], 0.0) if told else limit_mw[i]
        most = min(available_mw[i], top)
        # A cloud or a car that leaves waits for no ramp.
        power = min(ramped(sign * current_mw[i], min(wanted, most), ramp_mw_per_min[i] / 60.0 * dt_s), most)
        what = NOT_LIMITED
        if power != wanted:
            if power == top and top < limit_mw[i] and wanted > top:
                what = FAULT
            elif power == top and wanted > top:
                what = P_LIMIT
            elif power == most and wanted > most:
                what = RESOURCE
            else:
                what = RAMP
        if not told and what == RESOURCE:
            what = NOT_LIMITED
        current_mw[i] = sign * power + 0.0
        energy_mwh[i] += power * dt_h
        limited[i] = what
