"""Charging a car: what it must take now, what it may take, and what it took."""

from __future__ import annotations

from afterbay.community.step.layout import Devices, DeviceState
from afterbay.core.compiled import njit

__all__ = ["admit_sessions", "car_need", "car_takes", "car_yields"]


@njit
def admit_sessions(devices: Devices, state: DeviceState, car: int, step: int) -> float:
    """Close sessions that are over and open the one that begins; return the energy a departure left out."""
    missed = 0.0
    now = state.session[car]
    last = devices.first_session[car + 1]
    while now < last and step >= devices.depart[now]:
        if state.must_left_kwh[car] >= 0.0:  # else the run began after its end
            missed += state.must_left_kwh[car] + state.flexible_left_kwh[car]
        state.must_left_kwh[car] = -1.0
        state.flexible_left_kwh[car] = 0.0
        now += 1
    state.session[car] = now
    if now < last and step >= devices.arrive[now] and state.must_left_kwh[car] < 0.0:
        state.must_left_kwh[car] = devices.must_kwh[now]
        state.flexible_left_kwh[car] = devices.flexible_kwh[now]
    return missed


@njit
def car_need(devices: Devices, state: DeviceState, car: int, step: int, dt_h: float) -> tuple[float, float]:
    """Return (power that the car takes in any case, power it would take beside that from surplus) [kW].

    In any case: its must-run part at full power from arrival on, and of the flexible part what would not
    fit any more into the steps that are left.
    """
    must_left = state.must_left_kwh[car]
    if must_left < 0.0:
        return 0.0, 0.0
    charger = devices.charger_kw[car]
    flexible_left = state.flexible_left_kwh[car]
    must = min(charger, must_left / dt_h)
    room = charger - must
    later_kwh = (devices.depart[state.session[car]] - step - 1) * charger * dt_h
    pressing = (must_left + flexible_left - must * dt_h - later_kwh) / dt_h
    wished = min(room, flexible_left / dt_h)
    forced = min(max(pressing, 0.0), wished)
    return must + forced, wished - forced


@njit
def car_takes(state: DeviceState, car: int, power: float, dt_h: float) -> None:
    """Book what a car was given; the must-run part is filled first."""
    state.car_power_kw[car] = power
    if state.must_left_kwh[car] < 0.0:
        return  # not here
    energy = power * dt_h
    must = min(energy, state.must_left_kwh[car])
    state.must_left_kwh[car] -= must
    state.flexible_left_kwh[car] = max(state.flexible_left_kwh[car] - (energy - must), 0.0)


@njit
def car_yields(state: DeviceState, car: int, power: float, dt_h: float) -> float:
    """Give back up to `power` of what the car was just given; return what it gave back [kW].

    What it gives back is charged later, as the flexible part, and at departure counts as missed if it is not.
    """
    given = min(power, state.car_power_kw[car])
    state.car_power_kw[car] -= given
    state.flexible_left_kwh[car] += given * dt_h
    return float(given)
