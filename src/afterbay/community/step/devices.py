"""The devices of a grid as arrays for the compiled step."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.step.layout import Components, Devices, DeviceState
from afterbay.community.topology.records import BATTERY_MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from afterbay.community.topology.records import HomeBattery, House
    from afterbay.core.compiled import Floats, Indices

__all__ = ["Sessions", "battery_columns", "components_of", "devices_of", "first_of", "initial_state"]

Sessions = tuple["Indices", "Indices", "Floats", "Floats"]
"""Arrival step, departure step (one past the last), must-run kWh, flexible kWh of each stay of a car."""


def first_of(counts: Iterable[int]) -> Indices:
    """Return where each group begins, and the end of the last, shape (groups + 1,)."""
    return np.array([0, *accumulate(counts)], dtype=np.int64)


def components_of(houses: Sequence[House], row: Callable[[str], int]) -> Components:
    """Lay out which profiles feed each house; `row` gives a profile's row in the block."""
    loads = [part for house in houses for part in house.loads]
    solar = [part for house in houses for part in house.solar]
    wind = [part for house in houses for part in house.wind]
    return Components(
        first_load=first_of(len(house.loads) for house in houses),
        load_profile=_codes(row(part.profile) for part in loads),
        load_scale=_numbers(part.scale for part in loads),
        first_solar=first_of(len(house.solar) for house in houses),
        solar_profile=_codes(row(part.profile) for part in solar),
        solar_kw=_numbers(part.kw for part in solar),
        inverter_kw=_numbers(part.kw if part.inverter_kw is None else part.inverter_kw for part in solar),
        first_wind=first_of(len(house.wind) for house in houses),
        wind_profile=_codes(row(part.profile) for part in wind),
        wind_kw=_numbers(part.kw for part in wind),
    )


def devices_of(
    houses: Sequence[House], sessions: Callable[[str], Sessions], peak_load_kw: Floats | None = None
) -> Devices:
    """Lay out limits, batteries and cars of the houses.

    Args:
        houses: In the order of the run.
        sessions: Gives the stays of a car by the name of its profile.
        peak_load_kw: Peak load of each house over the run [kW], shape (H,); needed only when a battery has a
            `load_peak_fraction`.
    """
    peaks = np.zeros(len(houses)) if peak_load_kw is None else peak_load_kw
    batteries = [
        (battery, sum(array.kw for array in house.solar), float(peak))
        for house, peak in zip(houses, peaks, strict=True)
        for battery in house.batteries
    ]
    cars = [car for house in houses for car in house.cars]
    stays = [sessions(car.profile) for car in cars]
    return Devices(
        import_kw=_limits(house.import_kw for house in houses),
        export_kw=_limits(house.export_kw for house in houses),
        first_battery=first_of(len(house.batteries) for house in houses),
        **battery_columns(batteries),
        first_car=first_of(len(house.cars) for house in houses),
        charger_kw=_numbers(car.charger_kw for car in cars),
        first_session=first_of(len(stay[0]) for stay in stays),
        arrive=_joined([stay[0] for stay in stays], np.int64),
        depart=_joined([stay[1] for stay in stays], np.int64),
        must_kwh=_joined([stay[2] for stay in stays], np.float64),
        flexible_kwh=_joined([stay[3] for stay in stays], np.float64),
    )


def battery_columns(batteries: Sequence[tuple[HomeBattery, float, float]]) -> dict[str, np.ndarray]:
    """Return the battery columns of `Devices` for (battery, installed solar kW, peak load kW)."""
    only = [battery for battery, _, _ in batteries]
    floor = _numbers(b.min_soc * b.capacity_kwh for b in only)
    ceiling = _numbers(b.max_soc * b.capacity_kwh for b in only)
    reserve = np.clip(_numbers(b.reserve_soc * b.capacity_kwh for b in only), floor, ceiling)
    window = ceiling - floor
    base = np.maximum(floor + _numbers(b.base_share for b in only) * window, reserve)
    dynamic = np.minimum(base + _numbers(b.dynamic_share for b in only) * window, ceiling)
    return {
        "mode": np.array([BATTERY_MODES.index(b.mode) for b in only], dtype=np.int8),
        "floor_kwh": floor,
        "reserve_kwh": reserve,
        "ceiling_kwh": ceiling,
        "charge_kw": _numbers(b.charge_kw for b in only),
        "discharge_kw": _numbers(b.discharge_kw for b in only),
        "eta_charge": _numbers(b.charge_efficiency for b in only),
        "eta_discharge": _numbers(b.discharge_efficiency for b in only),
        "charge_from_h": _numbers(b.charge_from_h for b in only),
        "charge_to_h": _numbers(b.charge_to_h for b in only),
        "discharge_from_h": _numbers(b.discharge_from_h for b in only),
        "discharge_to_h": _numbers(b.discharge_to_h for b in only),
        "grid_charge": np.array([b.grid_charge for b in only], dtype=np.int8),
        "least_solar_kw": _numbers(b.solar_peak_fraction * solar for b, solar, _ in batteries),
        "least_load_kw": _numbers(b.load_peak_fraction * peak for b, _, peak in batteries),
        "base_kwh": base,
        "dynamic_kwh": dynamic,
    }


def initial_state(houses: Sequence[House], devices: Devices) -> DeviceState:
    """Return the state before the first step: batteries at their initial charge, no car seen yet."""
    stored = _numbers(b.initial_soc * b.capacity_kwh for house in houses for b in house.batteries)
    cars = devices.charger_kw.size
    return DeviceState(
        stored_kwh=np.clip(stored, devices.floor_kwh, devices.ceiling_kwh),
        power_kw=np.zeros(stored.size),
        session=devices.first_session[:-1].copy(),
        must_left_kwh=np.full(cars, -1.0),
        flexible_left_kwh=np.zeros(cars),
        car_power_kw=np.zeros(cars),
    )


def _numbers(values: Iterable[float]) -> Floats:
    return np.fromiter(values, dtype=np.float64)


def _codes(values: Iterable[int]) -> Indices:
    return np.fromiter(values, dtype=np.int64)


def _limits(values: Iterable[float | None]) -> Floats:
    return np.fromiter((np.inf if value is None else value for value in values), dtype=np.float64)


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts).astype(kind) if parts else np.empty(0, dtype=kind)
