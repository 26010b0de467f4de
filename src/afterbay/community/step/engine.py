"""Many houses and their network through blocks of whole local days, in threads, with the same bits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.step.house_kernels import run_houses
from afterbay.community.step.layout import (
    COMMUNITY,
    N_FLOWS,
    N_NODE_FLOWS,
    BlockInputs,
    BlockOutputs,
    Network,
    Scratch,
)
from afterbay.community.step.mix_kernels import mix
from afterbay.community.step.tree_kernels import run_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterbay.community.step.layout import Components, Devices, DeviceState
    from afterbay.community.step.tree import Tree
    from afterbay.core.compiled import Floats, Indices

__all__ = ["Block", "CommunityStep"]

_HOUSES_PER_TASK = 64
"""Houses that one thread takes at once: neighbours share cache lines of the outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one block of steps left behind."""

    first: int
    """Index of its first step in the run."""
    net_kwh: Floats
    """Through each meter, + out of the house, shape (T, H)."""
    daily_kwh: Floats
    """Sums by local day, shape (days, N_FLOWS, H)."""
    series_kwh: Floats
    """Every flow of the chosen houses, shape (N_FLOWS, T, chosen)."""
    nodes_kwh: Floats
    """Flows of every node, shape (N_NODE_FLOWS, T, N)."""


class CommunityStep:
    """The compiled step over one community; owns no state of the houses, only room to work in."""

    def __init__(
        self,
        tree: Tree,
        components: Components,
        devices: Devices,
        dt_h: float,
        *,
        chosen: Sequence[int] = (),
        threads: int = 1,
    ) -> None:
        """Prepare a community.

        Args:
            tree: The tree as arrays.
            components: Which profiles feed each house.
            devices: What stands behind the meters.
            dt_h: Step [h].
            chosen: Houses whose full series is wanted.
            threads: Threads to run on; the result has the same bits with any number.
        """
        n_houses, n_nodes = tree.house_node.size, tree.parent.size
        self._components, self._devices, self._dt_h, self._threads = components, devices, dt_h, threads
        self._chosen = np.full(n_houses, -1, dtype=np.int64)
        self._chosen[list(chosen)] = np.arange(len(chosen))
        self._n_chosen = len(chosen)
        self._network = _network(tree, devices, dt_h)
        self._coupled = _coupled(tree, devices)
        self._free = np.setdiff1d(np.arange(n_houses), self._coupled)
        self._all = np.arange(n_houses)
        self._n_nodes = n_nodes

    def run(self, profiles: Floats, hour: Floats, days: Indices, state: DeviceState, *, first: int) -> Block:
        """Carry `state` through the steps of a block, in place.

        Args:
            profiles: Mean power of every profile [kW or kW per kW], shape (P, T).
            hour: Local hour of day of each step, shape (T,).
            days: First step of each local day in the block, and T, shape (days + 1,).
            state: What the steps before left; written into.
            first: Index of the block's first step in the run.
        """
        n_steps, n_houses = profiles.shape[1], self._all.size
        n_days = days.size - 1
        inputs = BlockInputs(
            load_kw=np.empty((n_houses, n_steps)),
            solar_kw=np.empty((n_houses, n_steps)),
            wind_kw=np.empty((n_houses, n_steps)),
            clipped_kw=np.empty((n_houses, n_steps)),
            hour=hour,
            day=np.repeat(np.arange(n_days), np.diff(days)),
            first=first,
            dt_h=self._dt_h,
        )
        outputs = BlockOutputs(
            net_kwh=np.empty((n_steps, n_houses)),
            daily_kwh=np.zeros((n_days, N_FLOWS, n_houses)),
            chosen=self._chosen,
            series_kwh=np.zeros((N_FLOWS, n_steps, self._n_chosen)),
            nodes_kwh=np.empty((N_NODE_FLOWS, n_steps, self._n_nodes)),
        )

        def run_part(houses: Indices) -> None:
            mix(houses, profiles, self._components, inputs)
            run_houses(houses, days, self._devices, state, inputs, outputs)

        def run_tree(span: tuple[int, int]) -> None:
            run_steps(
                span[0], span[1], self._coupled, self._network, self._devices, state, inputs, outputs, self._scratch()
            )

        parts = [self._free[at : at + _HOUSES_PER_TASK] for at in range(0, self._free.size, _HOUSES_PER_TASK)]
        mix(self._coupled, profiles, self._components, inputs)
        self._each(run_part, parts)
        # A coupled battery hands its state from step to step; without one, days are independent here.
        spans = [(0, n_steps)] if self._coupled.size else list(zip(days[:-1].tolist(), days[1:].tolist(), strict=True))
        self._each(run_tree, spans)
        return Block(first, outputs.net_kwh, outputs.daily_kwh, outputs.series_kwh, outputs.nodes_kwh)

    def _each(self, work: Callable[..., None], parts: Sequence[object]) -> None:
        if self._threads > 1 and len(parts) > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                for _ in pool.map(work, parts):
                    pass
        else:
            for part in parts:
                work(part)

    def _scratch(self) -> Scratch:
        nodes = np.zeros((6, self._n_nodes))
        return Scratch(nodes[0], nodes[1], nodes[2], nodes[3], nodes[4], nodes[5], np.zeros(self._devices.mode.size))


def _network(tree: Tree, devices: Devices, dt_h: float) -> Network:
    has_community = np.zeros(tree.parent.size, dtype=np.int8)
    for house in np.flatnonzero(np.diff(devices.first_battery)):
        batteries = slice(devices.first_battery[house], devices.first_battery[house + 1])
        if (devices.mode[batteries] == COMMUNITY).any():
            has_community[tree.house_node[house]] = 1
    return Network(
        parent=tree.parent,
        first_house=tree.first_house,
        own_end=tree.own_end,
        last_node=tree.last_node,
        eta_up=tree.eta_up,
        eta_down=tree.eta_down,
        loss_per_kwh=tree.load_loss_per_kw / dt_h,
        no_load_kwh=tree.no_load_kw * dt_h,
        import_kw=tree.import_kw,
        export_kw=tree.export_kw,
        has_community=has_community,
        house_class=tree.house_class,
        n_classes=int(tree.house_class.max(initial=0)) + 1,
    )


def _coupled(tree: Tree, devices: Devices) -> Indices:
    """Return the houses whose devices the network may move: community batteries, and all below a limit."""
    limited = np.isfinite(tree.import_kw)
    for node in range(1, tree.parent.size):
        limited[node] |= limited[tree.parent[node]]
    movable = (np.diff(devices.first_battery) > 0) | (np.diff(devices.first_car) > 0)
    community = np.array(
        [
            (devices.mode[devices.first_battery[house] : devices.first_battery[house + 1]] == COMMUNITY).any()
            for house in range(tree.house_node.size)
        ],
        dtype=bool,
    )
    return np.flatnonzero((movable & limited[tree.house_node]) | community).astype(np.int64)
