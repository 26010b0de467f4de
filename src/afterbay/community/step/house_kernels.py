"""One house through its steps: self-supply, cars, batteries by policy, connection limits.

Inside a step all is mean power [kW], what is written is energy [kWh]. Compiled when called from a
compiled loop, plain Python otherwise with the same bits. Formulas: docs/concepts/community-step.md.
"""

from __future__ import annotations

from afterbay.community.step.car_kernels import admit_sessions, car_need, car_takes, car_yields
from afterbay.community.step.layout import (
    BATTERY_LOSS,
    CAR,
    CAR_MISSED,
    CHARGE,
    CURTAILED_CONNECTION,
    CURTAILED_INVERTER,
    DISCHARGE,
    LOAD,
    OWN_USE,
    RESERVE,
    SOLAR,
    SOLAR_ONLY,
    STORED,
    TIME_OF_USE,
    UNSERVED_CONNECTION,
    WIND,
    BlockInputs,
    BlockOutputs,
    Devices,
    DeviceState,
)
from afterbay.core.compiled import Indices, inlined, njit
from afterbay.core.kernels import charge, discharge

__all__ = ["run_house", "run_houses", "within"]


@inlined
def within(hour: float, start: float, end: float) -> bool:
    """Does a window of the day contain this hour? A window with start > end goes over midnight."""
    return start <= hour < end if start <= end else (hour >= start or hour < end)


@njit
def run_house(
    house: int, begin: int, end: int, devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs
) -> None:
    """Run the steps `begin` to `end` of one house; they lie within one local day.

    Import and export are booked by the tree, which may still change the flow through the meter.
    """
    if end <= begin:
        return
    load_kw, solar_kw, wind_kw, clipped_kw = inputs.load_kw, inputs.solar_kw, inputs.wind_kw, inputs.clipped_kw
    hours, dt_h, first = inputs.hour, inputs.dt_h, inputs.first
    net_kwh, series = outputs.net_kwh, outputs.series_kwh
    chosen = outputs.chosen[house]
    sums = outputs.daily_kwh[inputs.day[begin]]
    import_kw, export_kw = devices.import_kw[house], devices.export_kw[house]
    battery_from, battery_to = devices.first_battery[house], devices.first_battery[house + 1]
    car_from, car_to = devices.first_car[house], devices.first_car[house + 1]
    # The sums go on from what earlier steps of the day left, so that no split of a day changes a bit.
    sum_load, sum_car, sum_solar, sum_wind = sums[LOAD, house], sums[CAR, house], sums[SOLAR, house], sums[WIND, house]
    sum_own, sum_charge, sum_discharge = sums[OWN_USE, house], sums[CHARGE, house], sums[DISCHARGE, house]
    sum_loss = sums[BATTERY_LOSS, house]
    sum_clipped, sum_curtailed = sums[CURTAILED_INVERTER, house], sums[CURTAILED_CONNECTION, house]
    sum_unserved, sum_missed = sums[UNSERVED_CONNECTION, house], sums[CAR_MISSED, house]
    # Fields are taken out of their records once: inside the loop that would cost more than the step.
    modes, reserves, floors, ceilings = devices.mode, devices.reserve_kwh, devices.floor_kwh, devices.ceiling_kwh
    charge_kw, discharge_kw, grid_charge = devices.charge_kw, devices.discharge_kw, devices.grid_charge
    etas_charge, etas_discharge = devices.eta_charge, devices.eta_discharge
    charge_from_h, charge_to_h = devices.charge_from_h, devices.charge_to_h
    discharge_from_h, discharge_to_h = devices.discharge_from_h, devices.discharge_to_h
    least_solar, least_load = devices.least_solar_kw, devices.least_load_kw
    stored_kwh, power_kw = state.stored_kwh, state.power_kw
    for step in range(begin, end):
        load = load_kw[house, step]
        solar = solar_kw[house, step]
        wind = wind_kw[house, step]
        generation = solar + wind
        missed = 0.0
        must = 0.0
        for car in range(car_from, car_to):
            missed += admit_sessions(devices, state, car, first + step)
            must += car_need(devices, state, car, first + step, dt_h)[0]
        own = min(generation, load + must)
        surplus = generation - own
        deficit = load + must - own
        taken = must
        # Flexible charging takes the surplus before the battery does, in the order of the cars.
        if car_to > car_from:
            left = surplus
            for car in range(car_from, car_to):
                forced, wished = car_need(devices, state, car, first + step, dt_h)
                given = min(left, wished)
                left -= given
                car_takes(state, car, forced + given, dt_h)
            taken += surplus - left
            own += surplus - left
            surplus = left
        charged = 0.0
        discharged = 0.0
        drawn = 0.0
        lost = 0.0
        sunny = solar
        for battery in range(battery_from, battery_to):
            mode = modes[battery]
            energy = stored_kwh[battery]
            reserve, ceiling = reserves[battery], ceilings[battery]
            p_charge, p_discharge = charge_kw[battery], discharge_kw[battery]
            eta_charge, eta_discharge = etas_charge[battery], etas_discharge[battery]
            before = energy
            in_charge = 0.0
            out_discharge = 0.0
            stores = solar >= least_solar[battery]
            gives = load >= least_load[battery]
            grid_top = 0.0
            if mode == TIME_OF_USE:
                charge_from, charge_to = charge_from_h[battery], charge_to_h[battery]
                charging = within(hours[step], charge_from, charge_to)
                if grid_charge[battery] == 0:
                    # A window without the grid says when the surplus is stored; no window: always.
                    stores = stores and (charging or charge_from == charge_to)
                elif charging:
                    grid_top = ceiling
                    gives = False  # else a full battery would empty and fill itself in turn
                gives = gives and within(hours[step], discharge_from_h[battery], discharge_to_h[battery])
            elif mode == RESERVE:
                grid_top = reserve
            if surplus > 0.0:
                offered = 0.0
                if stores:
                    offered = min(surplus, sunny) if mode == SOLAR_ONLY else surplus
                # What the connection would not let out is stored whatever the policy says.
                offered = max(offered, surplus - export_kw)
                energy, in_charge = charge(energy, offered, p_charge, ceiling, eta_charge, dt_h)
                surplus -= in_charge
                if mode == SOLAR_ONLY:
                    sunny = max(sunny - in_charge, 0.0)
            if grid_top > energy and deficit + drawn < import_kw:
                wished = surplus + import_kw - deficit - drawn
                energy, extra = charge(energy, wished, p_charge - in_charge, grid_top, eta_charge, dt_h)
                in_charge += extra
                # A surplus that the policy held back (a threshold) is at hand and is taken first.
                from_surplus = min(extra, surplus)
                surplus -= from_surplus
                drawn += extra - from_surplus
            elif deficit > 0.0 and gives:
                energy, out_discharge = discharge(energy, deficit, p_discharge, reserve, eta_discharge, dt_h)
                deficit -= out_discharge
            power_kw[battery] = out_discharge - in_charge
            stored_kwh[battery] = energy
            charged += in_charge
            discharged += out_discharge
            lost += (before - energy) + (in_charge - out_discharge) * dt_h
        if deficit > import_kw:
            # An emergency: what no policy covers is taken from below the reserves too. Nothing charges here.
            for battery in range(battery_from, battery_to):
                before, over = stored_kwh[battery], deficit - import_kw
                left = discharge_kw[battery] - power_kw[battery]
                floor, eta = floors[battery], etas_discharge[battery]
                energy, given = discharge(before, over, left, floor, eta, dt_h)
                stored_kwh[battery] = energy
                power_kw[battery] += given
                discharged += given
                lost += (before - energy) - given * dt_h
                deficit = import_kw if given >= over else deficit - given
        curtailed = 0.0
        if surplus > export_kw:
            curtailed = surplus - export_kw
            surplus = export_kw
        unserved = 0.0
        if deficit > import_kw:
            # Cars wait before the house goes dark.
            over = deficit - import_kw
            for car in range(car_from, car_to):
                over -= car_yields(state, car, over, dt_h)
            taken -= deficit - import_kw - over
            unserved = over
            deficit = import_kw
        net = (surplus - deficit - drawn) * dt_h
        net_kwh[step, house] = net
        clipped = clipped_kw[house, step]
        sum_load += load * dt_h
        sum_car += taken * dt_h
        sum_solar += solar * dt_h
        sum_wind += wind * dt_h
        sum_own += own * dt_h
        sum_charge += charged * dt_h
        sum_discharge += discharged * dt_h
        sum_loss += lost
        sum_clipped += clipped * dt_h
        sum_curtailed += curtailed * dt_h
        sum_unserved += unserved * dt_h
        sum_missed += missed
        if chosen >= 0:
            series[LOAD, step, chosen] = load * dt_h
            series[CAR, step, chosen] = taken * dt_h
            series[SOLAR, step, chosen] = solar * dt_h
            series[WIND, step, chosen] = wind * dt_h
            series[OWN_USE, step, chosen] = own * dt_h
            series[CHARGE, step, chosen] = charged * dt_h
            series[DISCHARGE, step, chosen] = discharged * dt_h
            series[BATTERY_LOSS, step, chosen] = lost
            series[CURTAILED_INVERTER, step, chosen] = clipped * dt_h
            series[CURTAILED_CONNECTION, step, chosen] = curtailed * dt_h
            series[UNSERVED_CONNECTION, step, chosen] = unserved * dt_h
            series[CAR_MISSED, step, chosen] = missed
            stored = 0.0
            for battery in range(battery_from, battery_to):
                stored += stored_kwh[battery]
            series[STORED, step, chosen] = stored
    sums[LOAD, house], sums[CAR, house], sums[SOLAR, house], sums[WIND, house] = sum_load, sum_car, sum_solar, sum_wind
    sums[OWN_USE, house], sums[CHARGE, house], sums[DISCHARGE, house] = sum_own, sum_charge, sum_discharge
    sums[BATTERY_LOSS, house] = sum_loss
    sums[CURTAILED_INVERTER, house], sums[CURTAILED_CONNECTION, house] = sum_clipped, sum_curtailed
    sums[UNSERVED_CONNECTION, house], sums[CAR_MISSED, house] = sum_unserved, sum_missed
    stored = 0.0
    for battery in range(battery_from, battery_to):
        stored += stored_kwh[battery]
    sums[STORED, house] = stored


@njit
def run_houses(
    houses: Indices, days: Indices, devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs
) -> None:
    """Run whole days of the listed houses; `days` are the first step of each day and the end, shape (days + 1,)."""
    for day in range(days.shape[0] - 1):
        for place in range(houses.shape[0]):
            run_house(houses[place], days[day], days[day + 1], devices, state, inputs, outputs)
