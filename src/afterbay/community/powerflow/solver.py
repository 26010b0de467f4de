"""The network as pandapower knows it, and its solution for given powers. Only this file touches pandapower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.core.errors import MissingExtraError, Problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.community.topology import Network, NetworkBus, NetworkLine, NetworkTransformer
    from afterbay.core.compiled import Floats

__all__ = ["Solution", "Solver", "check_network"]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """One solved step."""

    voltage_pu: Floats
    """Of every bus, shape (n_buses,)."""
    line_loading: Floats
    """Current / rated current of every line [-], nan without a rating, shape (n_lines,)."""
    transformer_loading: Floats
    """Of every transformer [-], shape (n_transformers,)."""
    source_kw: float
    """From the grid above [kW]."""
    loss_kw: float
    """In lines and transformers [kW]."""


class Solver:
    """A balanced three-phase power flow over the closed part of a network."""

    def __init__(self, network: Network, houses: Sequence[str], source_pu: float) -> None:
        """Lay the network out.

        Args:
            network: A network that `check_network` has nothing against.
            houses: Houses in the order of the powers that will be given.
            source_pu: Voltage of the feeding bus [per unit].

        Raises:
            MissingExtraError: If pandapower is not installed.
        """
        try:
            import pandapower
        except ImportError:
            raise MissingExtraError("pandapower", "powerflow", "a power flow") from None
        self._pandapower = pandapower
        self.buses, self.lines, self.transformers = _closed_part(network)
        net = pandapower.create_empty_network(add_stdtypes=False)
        indices = pandapower.create_buses(net, len(self.buses), [bus.vn_kv for bus in self.buses])
        place = {bus.id: int(index) for bus, index in zip(self.buses, indices, strict=True)}
        source = next(bus.id for bus in self.buses if bus.kind == "grid")
        pandapower.create_ext_grid(net, place[source], vm_pu=source_pu)
        # A line without impedance is a joint: as a line it would make the equations singular.
        self._is_line = np.array([_impedance(line) > 0.0 for line in self.lines], dtype=bool)
        for line, is_line in zip(self.lines, self._is_line, strict=True):
            if not is_line:
                pandapower.create_switch(net, place[line.from_bus], place[line.to_bus], et="b", closed=True)
        real = [line for line, is_line in zip(self.lines, self._is_line, strict=True) if is_line]
        if real:
            pandapower.create_lines_from_parameters(
                net,
                [place[line.from_bus] for line in real],
                [place[line.to_bus] for line in real],
                length_km=[line.length_m / 1000.0 for line in real],
                r_ohm_per_km=[line.r_ohm_per_km for line in real],
                x_ohm_per_km=[line.x_ohm_per_km for line in real],
                c_nf_per_km=[line.c_nf_per_km for line in real],
                max_i_ka=1.0,
            )
        for transformer in self.transformers:
            upper, lower = transformer.from_bus, transformer.to_bus
            if network.buses[upper].vn_kv < network.buses[lower].vn_kv:
                upper, lower = lower, upper
            pandapower.create_transformer_from_parameters(
                net, place[upper], place[lower], sn_mva=transformer.sn_kva / 1000.0,
                vn_hv_kv=network.buses[upper].vn_kv, vn_lv_kv=network.buses[lower].vn_kv,
                vkr_percent=transformer.vkr_percent, vk_percent=transformer.vk_percent, pfe_kw=transformer.pfe_kw,
                i0_percent=transformer.i0_percent,
            )  # fmt: skip
        pandapower.create_loads(net, [place[network.bus_of(house).id] for house in houses], p_mw=0.0, q_mvar=0.0)
        self._net: Any = net
        rated = np.array([line.max_i_a for line in self.lines], dtype=np.float64)
        self._rated_ka = np.where(rated > 0.0, rated / 1000.0, np.nan)

    def solve(self, demand_kw: Floats, reactive_kvar: Floats) -> Solution | None:
        """Solve one step; None when there is no solution, as beyond the point of voltage collapse.

        Args:
            demand_kw: Power into each house [kW], shape (n_houses,).
            reactive_kvar: Reactive power into each house [kvar], shape (n_houses,).
        """
        net = self._net
        net.load["p_mw"], net.load["q_mvar"] = demand_kw / 1000.0, reactive_kvar / 1000.0
        try:
            self._pandapower.runpp(net, init="flat", numba=False, calculate_voltage_angles=False)
        except self._pandapower.LoadflowNotConverged:
            return None
        current = np.full(len(self.lines), np.nan)
        current[self._is_line] = net.res_line["i_ka"].to_numpy(dtype=np.float64)
        losses = net.res_line["pl_mw"].sum() + net.res_trafo["pl_mw"].sum()
        return Solution(
            voltage_pu=net.res_bus["vm_pu"].to_numpy(dtype=np.float64).copy(),
            line_loading=current / self._rated_ka,
            transformer_loading=net.res_trafo["loading_percent"].to_numpy(dtype=np.float64) / 100.0,
            source_kw=float(net.res_ext_grid["p_mw"].sum()) * 1000.0,
            loss_kw=float(losses) * 1000.0,
        )


def check_network(network: Network, houses: Sequence[str]) -> None:
    """Make sure that a network can be solved for these houses.

    Raises:
        InvalidInputError: With every house that has no bus and every transformer without an impedance.
    """
    problems = Problems()
    for house in houses:
        if house not in network.loads_by_house:
            problems.add(
                f"house {house}", "no bus in the network", "a load of the network file", "add it to the network"
            )
    for transformer in network.transformers.values():
        if transformer.is_closed and not 0.0 < transformer.vk_percent >= transformer.vkr_percent:
            problems.add(
                f"{transformer.id}.vk_percent", f"{transformer.vk_percent:g}",
                f"above 0 and at least vkr_percent ({transformer.vkr_percent:g})", "see its name plate",
            )  # fmt: skip
    problems.raise_if_any()


def _closed_part(
    network: Network,
) -> tuple[tuple[NetworkBus, ...], tuple[NetworkLine, ...], tuple[NetworkTransformer, ...]]:
    """Return what hangs together with the source through closed lines and transformers, in the order of the file."""
    beside: dict[str, list[str]] = {}
    lines = [line for line in network.lines.values() if line.is_closed]
    transformers = [transformer for transformer in network.transformers.values() if transformer.is_closed]
    ends = [(line.from_bus, line.to_bus) for line in lines]
    ends += [(transformer.from_bus, transformer.to_bus) for transformer in transformers]
    for one, other in ends:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    waiting = [bus.id for bus in network.buses.values() if bus.kind == "grid"]
    fed = set(waiting)
    while waiting:
        for bus in beside.get(waiting.pop(), ()):
            if bus not in fed:
                fed.add(bus)
                waiting.append(bus)
    return (
        tuple(bus for bus in network.buses.values() if bus.id in fed),
        tuple(line for line in lines if line.from_bus in fed),
        tuple(transformer for transformer in transformers if transformer.from_bus in fed),
    )


def _impedance(line: NetworkLine) -> float:
    return line.length_m * max(line.r_ohm_per_km, line.x_ohm_per_km)
