"""The physics of one step: battery, solar, generator. Scale-free: power in P, energy in P·h, time in h.

Compiled when called from a compiled loop, and plain Python otherwise with the same bits. Equations are
numbered as in docs/concepts/battery.md. Callers own validation.
"""

from __future__ import annotations

from afterbay.core.compiled import Floats, njit

__all__ = [
    "battery_step",
    "charge",
    "discharge",
    "generator_fuel",
    "generator_output",
    "pv_power",
    "run_battery",
    "run_generator",
    "run_pv",
    "stand",
]


@njit
def charge(
    energy: float, offered: float, power_left: float, ceiling: float, eta: float, dt_h: float
) -> tuple[float, float]:
    """Offer power to the cells; return (energy, power accepted at the terminals). Equation 1."""
    room = ceiling - energy
    if offered <= 0.0 or power_left <= 0.0 or room <= 0.0:
        return energy, 0.0
    # A branch, not a minimum: the common way does not wait for the division.
    accepted = min(offered, power_left)
    fits = room / eta
    if accepted * dt_h <= fits:
        return min(energy + accepted * dt_h * eta, ceiling), accepted
    # The last bit of a full charge may round above the ceiling.
    return min(energy + fits * eta, ceiling), fits / dt_h


@njit
def discharge(
    energy: float, needed: float, power_left: float, floor: float, eta: float, dt_h: float
) -> tuple[float, float]:
    """Ask the cells for power; return (energy, power delivered at the terminals). Equation 2."""
    above = energy - floor
    if needed <= 0.0 or power_left <= 0.0 or above <= 0.0:
        return energy, 0.0
    delivered = min(needed, power_left)
    reachable = above * eta
    if delivered * dt_h <= reachable:
        return max(energy - delivered * dt_h / eta, floor), delivered
    return max(energy - reachable / eta, floor), reachable / dt_h


@njit
def stand(energy: float, floor: float, loss_per_h: float, dt_h: float) -> tuple[float, float]:
    """Let stored energy leak; return (energy, energy lost). It stops at the floor. Equation 3."""
    if loss_per_h <= 0.0 or energy <= floor:
        return energy, 0.0
    lost = min(energy * loss_per_h * dt_h, energy - floor)
    return max(energy - lost, floor), lost


@njit
def battery_step(
    energy: float,
    request: float,
    floor: float,
    ceiling: float,
    p_charge: float,
    p_discharge: float,
    eta_charge: float,
    eta_discharge: float,
    loss_per_h: float,
    dt_h: float,
) -> tuple[float, float, float]:
    """Follow a signed request (+ discharges); return (energy, power really given, energy lost standing)."""
    if request >= 0.0:
        energy, power = discharge(energy, request, p_discharge, floor, eta_discharge, dt_h)
    else:
        energy, accepted = charge(energy, -request, p_charge, ceiling, eta_charge, dt_h)
        power = -accepted
    energy, lost = stand(energy, floor, loss_per_h, dt_h)
    return energy, power, lost


@njit
def run_battery(
    request: Floats,
    energy: float,
    limits: Floats,
    dt_h: float,
    energy_out: Floats,
    power_out: Floats,
    lost_out: Floats,
) -> None:
    """Follow a series of requests; `limits` are the seven numbers of `Battery.limits`."""
    for index in range(request.shape[0]):
        energy, power, lost = battery_step(
            energy,
            request[index],
            limits[0],
            limits[1],
            limits[2],
            limits[3],
            limits[4],
            limits[5],
            limits[6],
            dt_h,
        )
        energy_out[index] = energy
        power_out[index] = power
        lost_out[index] = lost


@njit
def pv_power(weather: float, dc_rating: float, ac_rating: float) -> float:
    """Turn a weather factor (share of DC rating) into AC power, clipped at the inverter. Equation 4."""
    return min(max(weather, 0.0) * dc_rating, ac_rating)


@njit
def run_pv(
    weather: Floats,
    dc_rating: float,
    ac_rating: float,
    power_out: Floats,
) -> None:
    """Turn a series of weather factors into AC power."""
    for index in range(weather.shape[0]):
        power_out[index] = pv_power(weather[index], dc_rating, ac_rating)


@njit
def generator_output(request: float, rating: float, least: float) -> float:
    """Hold a running generator between its least output and its rating. Equation 5."""
    return min(max(request, least), rating)


@njit
def generator_fuel(output: float, rating: float, per_rating_h: float, per_energy: float, dt_h: float) -> float:
    """Fuel of a running generator in one step: Willans line; flat when `per_rating_h` is 0. Equation 6."""
    if output <= 0.0:
        return 0.0
    return (per_rating_h * rating + per_energy * output) * dt_h


@njit
def run_generator(
    request: Floats,
    rating: float,
    least: float,
    per_rating_h: float,
    per_energy: float,
    dt_h: float,
    running: bool,
    output_out: Floats,
    fuel_out: Floats,
) -> tuple[int, int, bool]:
    """Follow a series of requests (0 is off); return (starts, steps running, running at the end)."""
    starts = 0
    steps = 0
    for index in range(request.shape[0]):
        on = request[index] > 0.0
        if on:
            output = generator_output(request[index], rating, least)
            steps += 1
            if not running:
                starts += 1
        else:
            output = 0.0
        output_out[index] = output
        fuel_out[index] = generator_fuel(output, rating, per_rating_h, per_energy, dt_h)
        running = on
    return starts, steps, running
