"""The energy of a community as flows between its parts; what enters a part leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterbay.community.results.origin import origins, stored_before_kwh

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun

__all__ = ["CommunityFlows", "EnergyFlow", "community_flows"]


@dataclass(frozen=True, slots=True)
class EnergyFlow:
    """Energy from one part of the community to another."""

    source: str
    target: str
    energy_kwh: float


@dataclass(frozen=True, slots=True)
class CommunityFlows:
    """All flows above rounding.

    The parts are solar, wind, grid, store_before, batteries, network, demand, export, curtailed, battery_losses,
    network_losses and store_after.
    """

    flows: tuple[EnergyFlow, ...]
    unserved_kwh: float
    """Demand that nothing served; no flow."""
    shared_kwh: float
    """What neighbours bought from each other under the sharing rule; a part of what goes through the network."""

    def through_kwh(self, part: str) -> float:
        """Return the energy through a part: the larger of what enters and what leaves it."""
        entering = sum(flow.energy_kwh for flow in self.flows if flow.target == part)
        leaving = sum(flow.energy_kwh for flow in self.flows if flow.source == part)
        return max(entering, leaving)

    def residual_kwh(self, part: str) -> float:
        """Return what enters a part less what leaves it."""
        entering = sum(flow.energy_kwh for flow in self.flows if flow.target == part)
        return entering - sum(flow.energy_kwh for flow in self.flows if flow.source == part)


def community_flows(run: CommunityRun) -> CommunityFlows:
    """Return the flows of a run.

    Solar and wind are mixed behind a meter, so each takes its share of what becomes of both. What batteries take
    from the network and give to it is shown as one flow, the difference.
    """
    parts = origins(run)
    total = {
        name: float(run.daily(f"{name}_kwh").sum())
        for name in ("solar", "wind", "own_use", "battery_loss", "import", "export")
    }
    curtailed = float((run.daily("curtailed_connection_kwh") + run.daily("curtailed_network_kwh")).sum())
    unserved = float((run.daily("unserved_connection_kwh") + run.daily("unserved_network_kwh")).sum())
    shared = float(run.daily("bought_kwh").sum())
    store = float(run.daily("stored_kwh")[-1].sum() - stored_before_kwh(run).sum())
    generation = total["solar"] + total["wind"]
    exchange = float(parts.battery_exported_kwh.sum() - parts.meter_charged_kwh.sum())
    rows: list[tuple[str, str, float]] = []
    for kind in ("solar", "wind"):
        share = total[kind] / generation if generation > 0.0 else 0.0
        rows += [
            (kind, "curtailed", share * curtailed),
            (kind, "demand", share * total["own_use"]),
            (kind, "batteries", share * float(parts.generation_charged_kwh.sum())),
            (kind, "network", share * float(parts.generation_exported_kwh.sum())),
        ]
    rows += [
        ("grid", "network", float(run.nodes("down_kwh")[:, 0].sum())),
        ("store_before", "batteries", max(-store, 0.0)),
        ("batteries", "demand", float(parts.battery_used_kwh.sum())),
        ("batteries", "network", max(exchange, 0.0)),
        ("network", "batteries", max(-exchange, 0.0)),
        ("batteries", "battery_losses", total["battery_loss"]),
        ("batteries", "store_after", max(store, 0.0)),
        ("network", "demand", float(parts.meter_used_kwh.sum())),
        ("network", "export", float(run.nodes("up_kwh")[:, 0].sum())),
        ("network", "network_losses", float(run.nodes("loss_kwh").sum())),
    ]
    dust = 1e-9 * max(generation, total["import"], total["export"], 1.0)
    return CommunityFlows(tuple(EnergyFlow(*row) for row in rows if row[2] > dust), unserved, shared)
