"""The network of one step: what flows through each transformer, and what limits make of it.

Nodes are visited from the leaves to the grid. At each bus supply and demand meet; batteries in community mode
take what is left over or give what is missing; the rest crosses the transformer with its losses. Energy per
step [kWh]. Equations: docs/concepts/community-step.md.
"""

from __future__ import annotations

from afterbay.community.step.house_kernels import run_house
from afterbay.community.step.layout import (
    EXPORT,
    IMPORT,
    NODE_CURTAILED,
    NODE_DEMAND,
    NODE_DOWN,
    NODE_LOSS,
    NODE_SUPPLY,
    NODE_UNSERVED,
    NODE_UP,
    BlockInputs,
    BlockOutputs,
    Devices,
    DeviceState,
    Network,
    Scratch,
)
from afterbay.community.step.relief_kernels import (
    arrival_of,
    community_charge,
    community_discharge,
    cut_supply,
    draw_of,
    relieve_demand,
)
from afterbay.core.compiled import Indices, njit

__all__ = ["run_steps"]


@njit
def run_steps(
    begin: int,
    end: int,
    coupled: Indices,
    network: Network,
    devices: Devices,
    state: DeviceState,
    inputs: BlockInputs,
    outputs: BlockOutputs,
    scratch: Scratch,
) -> None:
    """Carry steps `begin` to `end` through the tree, after the houses that are not coupled have run.

    A house is coupled when the network may move its battery; it runs here, step by step.
    """
    net_kwh, nodes = outputs.net_kwh, outputs.nodes_kwh
    supply, demand, up, down = scratch.supply, scratch.demand, scratch.up, scratch.down
    parent, first_house, own_end = network.parent, network.first_house, network.own_end
    chosen, series = outputs.chosen, outputs.series_kwh
    n_nodes, n_houses = parent.shape[0], net_kwh.shape[1]
    dt_h = inputs.dt_h
    for step in range(begin, end):
        for place in range(coupled.shape[0]):
            run_house(coupled[place], step, step + 1, devices, state, inputs, outputs)
        for node in range(n_nodes):
            supply[node] = 0.0
            demand[node] = 0.0
            nodes[NODE_CURTAILED, step, node] = 0.0
            nodes[NODE_UNSERVED, step, node] = 0.0
        for node in range(n_nodes - 1, -1, -1):
            brought = 0.0
            taken = 0.0
            for house in range(first_house[node], own_end[node]):
                net = net_kwh[step, house]
                if net > 0.0:
                    brought += net
                else:
                    taken -= net
            supply[node] += brought
            demand[node] += taken
            if network.has_community[node] != 0:
                if supply[node] > demand[node]:
                    community_charge(node, step, network, devices, state, inputs, outputs, scratch)
                elif demand[node] > supply[node]:
                    community_discharge(node, step, network, devices, state, inputs, outputs, scratch)
            up[node] = max(supply[node] - demand[node], 0.0)
            down[node] = max(demand[node] - supply[node], 0.0)
            over = up[node] - network.export_kw[node] * dt_h
            if over > 0.0:
                nodes[NODE_CURTAILED, step, node] = over
                up[node] -= over
                cut_supply(node, over, step, network, inputs, outputs, scratch)
            over = down[node] - network.import_kw[node] * dt_h
            if over > 0.0:
                nodes[NODE_UNSERVED, step, node] = relieve_demand(
                    node, over, step, network, devices, state, inputs, outputs, scratch
                )
                down[node] = max(demand[node] - supply[node], 0.0)
            if node > 0:
                above = parent[node]
                supply[above] += arrival_of(up[node], network.eta_up[node], network.loss_per_kwh[node])
                demand[above] += draw_of(down[node], network.eta_down[node], network.loss_per_kwh[node])
                demand[above] += network.no_load_kwh[node]
        for node in range(n_nodes):
            nodes[NODE_SUPPLY, step, node] = supply[node]
            nodes[NODE_DEMAND, step, node] = demand[node]
            nodes[NODE_UP, step, node] = up[node]
            nodes[NODE_DOWN, step, node] = down[node]
            nodes[NODE_LOSS, step, node] = (
                up[node]
                - arrival_of(up[node], network.eta_up[node], network.loss_per_kwh[node])
                + draw_of(down[node], network.eta_down[node], network.loss_per_kwh[node])
                - down[node]
                + network.no_load_kwh[node]
            )
        sums = outputs.daily_kwh[inputs.day[step]]
        for house in range(n_houses):
            net = net_kwh[step, house]
            if net > 0.0:
                sums[EXPORT, house] += net
            else:
                sums[IMPORT, house] -= net
            if chosen[house] >= 0:
                series[IMPORT, step, chosen[house]] = -net if net < 0.0 else 0.0
                series[EXPORT, step, chosen[house]] = net if net > 0.0 else 0.0
