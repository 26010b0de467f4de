"""How far a run is from the balance of energy: in every house, battery and bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.results.origin import stored_before_kwh

if TYPE_CHECKING:
    from afterbay.community.simulation import CommunityRun
    from afterbay.core.compiled import Floats

__all__ = ["battery_residuals_kwh", "house_residuals_kwh", "meter_residuals_kwh", "node_residuals_kwh"]


def house_residuals_kwh(run: CommunityRun) -> Floats:
    """Return the larger error of a house and of its batteries on each day [kWh], shape (days, n_houses)."""
    return np.maximum(meter_residuals_kwh(run), battery_residuals_kwh(run))


def meter_residuals_kwh(run: CommunityRun) -> Floats:
    """Return |what came into a house - what left it or was used| on each day [kWh], shape (days, n_houses)."""
    come = _sum(run, "solar", "wind", "discharge", "import", "unserved_connection", "unserved_network")
    gone = _sum(run, "load", "car", "charge", "export", "curtailed_connection", "curtailed_network")
    return np.abs(come - gone)


def battery_residuals_kwh(run: CommunityRun) -> Floats:
    """Return |change of the store - (charge - discharge - losses)| on each day [kWh], shape (days, n_houses)."""
    stored = run.daily("stored_kwh")
    change = np.diff(stored, axis=0, prepend=stored_before_kwh(run)[None, :])
    return np.abs(change - run.daily("charge_kwh") + run.daily("discharge_kwh") + run.daily("battery_loss_kwh"))


def node_residuals_kwh(run: CommunityRun) -> Floats:
    """Return |supply - demand - what left the bus upwards| of each bus and step [kWh], shape (n_steps, n_nodes)."""
    upwards = run.nodes("up_kwh") - run.nodes("down_kwh")
    return np.abs(run.nodes("supply_kwh") - run.nodes("demand_kwh") - upwards)


def _sum(run: CommunityRun, *columns: str) -> Floats:
    total = run.daily(f"{columns[0]}_kwh").copy()
    for column in columns[1:]:
        total += run.daily(f"{column}_kwh")
    return total
