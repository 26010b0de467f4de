"""What happens where supply and demand do not fit: community storage, curtailment, emergency, shedding.

All of it moves the flow through single meters (`net_kwh`) and keeps the flows of every node above them true.
"""

from __future__ import annotations

import math

from afterbay.community.step.battery_kernels import could_give, could_take
from afterbay.community.step.car_kernels import car_yields
from afterbay.community.step.layout import (
    BATTERY_LOSS,
    CAR,
    CHARGE,
    COMMUNITY,
    CURTAILED_NETWORK,
    DISCHARGE,
    STORED,
    UNSERVED_NETWORK,
    BlockInputs,
    BlockOutputs,
    Devices,
    DeviceState,
    Network,
    Scratch,
)
from afterbay.core.compiled import inlined, njit

__all__ = [
    "arrival_of",
    "community_charge",
    "community_discharge",
    "cut_supply",
    "draw_of",
    "relieve_demand",
]


@inlined
def arrival_of(sent: float, eta: float, loss_per_kwh: float) -> float:
    """What reaches the level above of what leaves the bus upwards [kWh]."""
    return max(sent * eta - loss_per_kwh * sent * sent, 0.0)


@inlined
def draw_of(needed: float, eta: float, loss_per_kwh: float) -> float:
    """What the level above must give so that `needed` reaches the bus [kWh]."""
    return needed / eta + loss_per_kwh * needed * needed


@njit
def _sent_for(arrival: float, eta: float, loss_per_kwh: float) -> float:
    """Invert `arrival_of`, on its rising branch."""
    if loss_per_kwh <= 0.0:
        return arrival / eta
    inside = max(eta * eta - 4.0 * loss_per_kwh * arrival, 0.0)
    return 2.0 * arrival / (eta + math.sqrt(inside))


@njit
def _needed_for(draw: float, eta: float, loss_per_kwh: float) -> float:
    """Invert `draw_of`."""
    if loss_per_kwh <= 0.0:
        return draw * eta
    return 2.0 * draw / (1.0 / eta + math.sqrt(1.0 / (eta * eta) + 4.0 * loss_per_kwh * draw))


@njit
def _book(
    house: int, battery: int, column: int, power: float, energy: float, step: int,
    state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs,
) -> None:  # fmt: skip
    """Book a further movement of a battery; `power` + gives [kW], `energy` is the change of its content [kWh].

    In `CHARGE` and `DISCHARGE` alike, a movement against the column takes back what was booked there.
    """
    moved = power * inputs.dt_h
    booked = moved if column == DISCHARGE else -moved
    state.stored_kwh[battery] += energy
    state.power_kw[battery] += power
    outputs.net_kwh[step, house] += moved
    sums = outputs.daily_kwh[inputs.day[step]]
    sums[column, house] += booked
    sums[BATTERY_LOSS, house] -= energy + moved
    sums[STORED, house] += energy
    place = outputs.chosen[house]
    if place >= 0:
        outputs.series_kwh[column, step, place] += booked
        outputs.series_kwh[BATTERY_LOSS, step, place] -= energy + moved
        outputs.series_kwh[STORED, step, place] += energy


@njit
def _give(
    house: int, battery: int, asked: float, floor: float, step: int,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs,
) -> float:  # fmt: skip
    """Let a battery give up to `asked` on top, down to `floor`; return what it gave [kW]."""
    dt_h = inputs.dt_h
    less, more = could_give(battery, asked, floor, devices, state, dt_h)
    if less > 0.0:
        energy = less * dt_h * devices.eta_charge[battery]
        _book(house, battery, CHARGE, less, -energy, step, state, inputs, outputs)
    if more > 0.0:
        # The last bit of an emptied battery is held to the bound.
        energy = min(more * dt_h / devices.eta_discharge[battery], state.stored_kwh[battery] - floor)
        _book(house, battery, DISCHARGE, more, -energy, step, state, inputs, outputs)
    return less + more


@njit
def _take(
    house: int, battery: int, asked: float, top: float, step: int,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs,
) -> None:  # fmt: skip
    """Let a battery take up to `asked` [kW] on top, up to `top`."""
    dt_h = inputs.dt_h
    less, more = could_take(battery, asked, top, devices, state, dt_h)
    if less > 0.0:
        energy = less * dt_h / devices.eta_discharge[battery]
        _book(house, battery, DISCHARGE, -less, energy, step, state, inputs, outputs)
    if more > 0.0:
        energy = min(more * dt_h * devices.eta_charge[battery], top - state.stored_kwh[battery])
        _book(house, battery, CHARGE, -more, energy, step, state, inputs, outputs)


@njit
def community_charge(
    node: int, step: int, network: Network,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs, scratch: Scratch,
) -> None:  # fmt: skip
    """Store what is left over at a bus in the community batteries of its houses, by what each can take."""
    net, dt_h, could = outputs.net_kwh[step], inputs.dt_h, scratch.could
    able = 0.0
    for house in range(network.first_house[node], network.own_end[node]):
        room = devices.import_kw[house] + net[house] / dt_h
        for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
            could[battery] = 0.0
            if devices.mode[battery] == COMMUNITY:
                less, more = could_take(battery, room, devices.dynamic_kwh[battery], devices, state, dt_h)
                could[battery] = less + more
                able += less + more
                room -= less + more  # batteries behind one meter share it
    if able <= 0.0:
        return
    share = min((scratch.supply[node] - scratch.demand[node]) / (able * dt_h), 1.0)
    for house in range(network.first_house[node], network.own_end[node]):
        for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
            if could[battery] > 0.0:
                asked, top = could[battery] * share, devices.dynamic_kwh[battery]
                _take(house, battery, asked, top, step, devices, state, inputs, outputs)
    _gather(node, step, network, outputs, scratch)


@njit
def community_discharge(
    node: int, step: int, network: Network,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs, scratch: Scratch,
) -> None:  # fmt: skip
    """Cover what is missing at a bus from the community batteries of its houses, by what each can give."""
    net, dt_h, could = outputs.net_kwh[step], inputs.dt_h, scratch.could
    able = 0.0
    for house in range(network.first_house[node], network.own_end[node]):
        room = devices.export_kw[house] - net[house] / dt_h
        for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
            could[battery] = 0.0
            if devices.mode[battery] == COMMUNITY:
                less, more = could_give(battery, room, devices.base_kwh[battery], devices, state, dt_h)
                could[battery] = less + more
                able += less + more
                room -= less + more
    if able <= 0.0:
        return
    share = min((scratch.demand[node] - scratch.supply[node]) / (able * dt_h), 1.0)
    for house in range(network.first_house[node], network.own_end[node]):
        for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
            if could[battery] > 0.0:
                asked, base = could[battery] * share, devices.base_kwh[battery]
                _give(house, battery, asked, base, step, devices, state, inputs, outputs)
    _gather(node, step, network, outputs, scratch)


@njit
def _gather(node: int, step: int, network: Network, outputs: BlockOutputs, scratch: Scratch) -> None:
    """Add up a bus anew after single meters of its houses have moved; its transformers have not."""
    supply = 0.0
    demand = 0.0
    for house in range(network.first_house[node], network.own_end[node]):
        net = outputs.net_kwh[step, house]
        if net > 0.0:
            supply += net
        else:
            demand -= net
    child = node + 1
    while child < network.last_node[node]:
        supply += arrival_of(scratch.up[child], network.eta_up[child], network.loss_per_kwh[child])
        demand += draw_of(scratch.down[child], network.eta_down[child], network.loss_per_kwh[child])
        demand += network.no_load_kwh[child]
        child = network.last_node[child]
    scratch.supply[node] = supply
    scratch.demand[node] = demand


@njit
def cut_supply(
    node: int, amount: float, step: int, network: Network, inputs: BlockInputs, outputs: BlockOutputs, scratch: Scratch
) -> None:
    """Curtail `amount` at a bus: every supplier below gives up the same share of what it brings there."""
    cut, supply = scratch.cut, scratch.supply
    sums = outputs.daily_kwh[inputs.day[step]]
    for below in range(node, network.last_node[node]):
        cut[below] = 0.0
    cut[node] = amount
    for below in range(node, network.last_node[node]):
        if cut[below] <= 0.0 or supply[below] <= 0.0:
            continue
        share = min(cut[below] / supply[below], 1.0)
        for house in range(network.first_house[below], network.own_end[below]):
            net = outputs.net_kwh[step, house]
            if net > 0.0:
                outputs.net_kwh[step, house] = net - net * share
                sums[CURTAILED_NETWORK, house] += net * share
                if outputs.chosen[house] >= 0:
                    outputs.series_kwh[CURTAILED_NETWORK, step, outputs.chosen[house]] += net * share
        child = below + 1
        while child < network.last_node[below]:
            if scratch.up[child] > 0.0:
                eta, loss = network.eta_up[child], network.loss_per_kwh[child]
                arrival = arrival_of(scratch.up[child], eta, loss)
                sent = min(_sent_for(arrival * (1.0 - share), eta, loss), scratch.up[child])
                cut[child] = scratch.up[child] - sent
                scratch.up[child] = sent
            child = network.last_node[child]
    for below in range(network.last_node[node] - 1, node - 1, -1):
        if cut[below] > 0.0:
            _gather(below, step, network, outputs, scratch)


@njit
def relieve_demand(
    node: int, amount: float, step: int, network: Network,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs, scratch: Scratch,
) -> float:  # fmt: skip
    """Take `amount` off the demand at a bus; return what of it went unserved.

    First the houses' own devices help (charging stops, batteries give, reserve included, cars wait); then houses
    are shed from the last class of the priority list to the first, by need within a class.
    """
    left = amount
    shed = 0.0
    for turn in range(network.n_classes + 1):
        own_devices = turn == 0
        if left <= 1e-12:
            break
        rank = network.n_classes - turn
        could = scratch.cut
        for below in range(network.last_node[node] - 1, node - 1, -1):
            total = 0.0
            for house in range(network.first_house[below], network.own_end[below]):
                total += _could_relieve(house, step, own_devices, rank, network, devices, state, inputs, outputs)
            child = below + 1
            while child < network.last_node[below]:
                eta, loss = network.eta_down[child], network.loss_per_kwh[child]
                fits = min(could[child], scratch.down[child])
                total += draw_of(scratch.down[child], eta, loss) - draw_of(scratch.down[child] - fits, eta, loss)
                child = network.last_node[child]
            could[below] = total
        relief = min(left, could[node])
        if relief <= 0.0:
            continue
        wanted = scratch.wanted
        for below in range(node, network.last_node[node]):
            wanted[below] = 0.0
        wanted[node] = relief
        for below in range(node, network.last_node[node]):
            if wanted[below] <= 0.0 or could[below] <= 0.0:
                continue
            share = min(wanted[below] / could[below], 1.0)
            for house in range(network.first_house[below], network.own_end[below]):
                able = _could_relieve(house, step, own_devices, rank, network, devices, state, inputs, outputs)
                if able <= 0.0:
                    continue
                if own_devices:
                    _relieve_house(house, able * share, step, devices, state, inputs, outputs)
                else:
                    _shed_house(house, able * share, step, inputs, outputs)
            child = below + 1
            while child < network.last_node[below]:
                eta, loss = network.eta_down[child], network.loss_per_kwh[child]
                draw = draw_of(scratch.down[child], eta, loss)
                fits = min(could[child], scratch.down[child])
                relieved = (draw - draw_of(scratch.down[child] - fits, eta, loss)) * share
                if relieved > 0.0:
                    needed = max(min(_needed_for(draw - relieved, eta, loss), scratch.down[child]), 0.0)
                    wanted[child] = scratch.down[child] - needed
                    scratch.down[child] = needed
                child = network.last_node[child]
        for below in range(network.last_node[node] - 1, node - 1, -1):
            if wanted[below] > 0.0:
                _gather(below, step, network, outputs, scratch)
        left -= relief
        if not own_devices:
            shed += relief
    return shed


@njit
def _could_relieve(
    house: int, step: int, own_devices: bool, rank: int, network: Network,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs,
) -> float:  # fmt: skip
    """Return what a house could take off its import in this step [kWh]."""
    taken = max(-outputs.net_kwh[step, house], 0.0)
    if taken <= 0.0:
        return 0.0
    if not own_devices:
        return taken if network.house_class[house] == rank else 0.0
    able, dt_h = 0.0, inputs.dt_h
    for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
        less, more = could_give(battery, taken / dt_h, devices.floor_kwh[battery], devices, state, dt_h)
        able += less + more
    for car in range(devices.first_car[house], devices.first_car[house + 1]):
        able += state.car_power_kw[car]
    return float(min(able * dt_h, taken))


@njit
def _relieve_house(
    house: int, amount: float, step: int,
    devices: Devices, state: DeviceState, inputs: BlockInputs, outputs: BlockOutputs,
) -> None:  # fmt: skip
    """Take `amount` [kWh] off a house's import: batteries stop charging and give, then cars wait."""
    dt_h = inputs.dt_h
    left = amount / dt_h
    for battery in range(devices.first_battery[house], devices.first_battery[house + 1]):
        if left > 0.0:
            left -= _give(house, battery, left, devices.floor_kwh[battery], step, devices, state, inputs, outputs)
    for car in range(devices.first_car[house], devices.first_car[house + 1]):
        if left <= 0.0:
            break
        waits = car_yields(state, car, left, dt_h)
        left -= waits
        outputs.net_kwh[step, house] += waits * dt_h
        outputs.daily_kwh[inputs.day[step], CAR, house] -= waits * dt_h
        if outputs.chosen[house] >= 0:
            outputs.series_kwh[CAR, step, outputs.chosen[house]] -= waits * dt_h


@njit
def _shed_house(house: int, amount: float, step: int, inputs: BlockInputs, outputs: BlockOutputs) -> None:
    outputs.net_kwh[step, house] = min(outputs.net_kwh[step, house] + amount, 0.0)
    outputs.daily_kwh[inputs.day[step], UNSERVED_NETWORK, house] += amount
    place = outputs.chosen[house]
    if place >= 0:
        outputs.series_kwh[UNSERVED_NETWORK, step, place] += amount
