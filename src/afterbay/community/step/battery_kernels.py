"""What a battery could do beyond its policy in a step: only the net of all that is asked goes through its cells."""

from __future__ import annotations

from afterbay.community.step.layout import Devices, DeviceState
from afterbay.core.compiled import njit
from afterbay.core.kernels import charge, discharge

__all__ = ["could_give", "could_take"]


@njit
def could_give(
    battery: int, asked: float, floor: float, devices: Devices, state: DeviceState, dt_h: float
) -> tuple[float, float]:
    """Return what a battery could give on top, down to `floor`: (by charging less, by discharging more) [kW]."""
    power, energy = state.power_kw[battery], state.stored_kwh[battery]
    if power >= 0.0:
        left, eta = devices.discharge_kw[battery] - power, devices.eta_discharge[battery]
        return 0.0, discharge(energy, asked, left, floor, eta, dt_h)[1]
    eta = devices.eta_charge[battery]
    less = max(min(-power, asked, (energy - floor) / (eta * dt_h)), 0.0)
    if less < -power:
        return less, 0.0
    energy -= less * dt_h * eta
    left, eta = devices.discharge_kw[battery], devices.eta_discharge[battery]
    return less, discharge(energy, asked - less, left, floor, eta, dt_h)[1]


@njit
def could_take(
    battery: int, asked: float, top: float, devices: Devices, state: DeviceState, dt_h: float
) -> tuple[float, float]:
    """Return what a battery could take on top, up to `top`: (by discharging less, by charging more) [kW]."""
    power, energy = state.power_kw[battery], state.stored_kwh[battery]
    if power <= 0.0:
        left, eta = devices.charge_kw[battery] + power, devices.eta_charge[battery]
        return 0.0, charge(energy, asked, left, top, eta, dt_h)[1]
    eta = devices.eta_discharge[battery]
    less = max(min(power, asked, (top - energy) * eta / dt_h), 0.0)
    if less < power:
        return less, 0.0
    energy += less * dt_h / eta
    left, eta = devices.charge_kw[battery], devices.eta_charge[battery]
    return less, charge(energy, asked - less, left, top, eta, dt_h)[1]
