"""What lies between a house and the bus where it shares: losses at the present flow, and fees."""

from __future__ import annotations

from afterbay.community.sharing.layout import Room
from afterbay.community.step.tree import Tree
from afterbay.core.compiled import Floats, njit

__all__ = ["find_flows", "find_own", "find_paths"]


@njit
def find_own(net: Floats, tree: Tree, room: Room) -> bool:
    """Add up what the houses at each bus offer and need; return whether anyone could share at all."""
    first_house, own_end = tree.first_house, tree.own_end
    own_supply, own_demand = room.own_supply, room.own_demand
    offered = 0.0
    needed = 0.0
    for node in range(first_house.shape[0]):
        supply = 0.0
        demand = 0.0
        for house in range(first_house[node], own_end[node]):
            supply += max(net[house], 0.0)
            demand += max(-net[house], 0.0)
        own_supply[node] = supply
        own_demand[node] = demand
        offered += supply
        needed += demand
    return offered > 0.0 and needed > 0.0


@njit
def find_flows(tree: Tree, room: Room) -> None:
    """Find the share of the energy that each transformer lets through at the flow that the meters make there."""
    supply, demand, dt_h = room.supply, room.demand, room.dt_h
    parent, load_loss, no_load = tree.parent, tree.load_loss_per_kw, tree.no_load_kw
    n_nodes = parent.shape[0]
    forward, backward = tree.eta_down, tree.eta_up
    own_supply, own_demand, eta_up, eta_down = room.own_supply, room.own_demand, room.eta_up, room.eta_down
    for node in range(n_nodes):
        supply[node] = own_supply[node]
        demand[node] = own_demand[node]
    for node in range(n_nodes - 1, 0, -1):
        up = max(supply[node] - demand[node], 0.0)
        down = max(demand[node] - supply[node], 0.0)
        loss = load_loss[node] / dt_h
        through = backward[node] - loss * up
        cost = 1.0 / forward[node] + loss * down
        eta_up[node] = max(through, 1e-9)
        eta_down[node] = 1.0 / cost
        supply[parent[node]] += max(through * up, 0.0)
        demand[parent[node]] += cost * down + no_load[node] * dt_h


@njit
def find_paths(node: int, last_node: int, with_losses: bool, tree: Tree, room: Room) -> None:
    """Find what lies between each node below and the pool's bus: efficiency both ways, fees."""
    parent, fee_per_kwh, fee_fraction = tree.parent, tree.fee_per_kwh, tree.fee_fraction
    up, down, fee, fee_share = room.up, room.down, room.fee, room.fee_share
    eta_up, eta_down = room.eta_up, room.eta_down
    up[node] = 1.0
    down[node] = 1.0
    fee[node] = 0.0
    fee_share[node] = 0.0
    for below in range(node + 1, last_node):
        above = parent[below]
        up[below] = up[above] * eta_up[below] if with_losses else 1.0
        down[below] = down[above] * eta_down[below] if with_losses else 1.0
        fee[below] = fee[above] + fee_per_kwh[below]
        fee_share[below] = fee_share[above] + fee_fraction[below]
