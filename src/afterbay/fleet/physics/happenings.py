"""Events of the simulated plant: a bound of the window reached or left, a fault that begins or ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from afterbay.fleet.messages import Event, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.physics.faults import FaultEdge

__all__ = ["bound_event", "fault_event"]

_FAMILY: Final = uuid.UUID("0a1f8a7e-6a1c-5c39-9f0e-5d1c7f0f4f11")
_SEVERITY: Final[dict[str, Severity]] = {
    "RACK_FAULT": "alarm",
    "INVERTER_FAULT": "critical",
    "HVAC_FAILED": "alarm",
    "COMMS_DEGRADED": "warning",
}
_MEANING: Final = {
    "RACK_FAULT": "some of its racks are cut off, with their power and energy",
    "INVERTER_FAULT": "its inverter has stopped, it gives and takes nothing",
    "HVAC_FAILED": "its cooling has failed, it will get warm and then weaker",
    "COMMS_DEGRADED": "its link is slow and loses answers",
}


def bound_event(asset: Asset, when: datetime, *, lower: bool, reached: bool) -> Event:
    """Return the event of a bound that was reached or left."""
    kind = "MIN_SOC_REACHED" if lower else "MAX_SOC_REACHED"
    bound = asset.min_soc_pct if lower else asset.max_soc_pct
    action = "discharges" if lower else "charges"
    if reached:
        message = f"{asset.name} {action} no further: its state of charge is at {bound:g} %"
        return _event(asset, when, kind, "warning", message)
    return _event(asset, when, f"{kind}_CLEARED", "info", f"{asset.name} has left {bound:g} % and {action} again")


def fault_event(asset: Asset, edge: FaultEdge, when: datetime) -> Event:
    """Return the event of a fault that begins or ends."""
    if edge.begins:
        return _event(asset, when, edge.kind, _SEVERITY[edge.kind], f"{asset.name}: {_MEANING[edge.kind]}")
    return _event(asset, when, f"{edge.kind}_CLEARED", "info", f"{asset.name}: {edge.kind} is over")


def _event(asset: Asset, when: datetime, kind: str, severity: Severity, message: str) -> Event:
    # From what happened, not from chance: the same event that is told twice has the same id.
    identity = uuid.uuid5(_FAMILY, f"{asset.id}/{kind}/{when.isoformat()}")
    return Event(str(identity), asset.id, asset.site_id, when, kind, severity, message)
