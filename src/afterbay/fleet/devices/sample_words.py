"""What real devices have in common in their telemetry: the word for what they do, and a sample that grew old."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import Telemetry

__all__ = ["power_status", "unanswered"]

_IDLE_MW: Final = 0.1
_IDLE_FRACTION: Final = 0.01


def power_status(mw: float, asset: Asset) -> str:
    """Return what an asset does at this power; small ones are idle below a hundredth of their limit."""
    idle_mw = min(_IDLE_MW, _IDLE_FRACTION * max(abs(asset.max_mw), abs(asset.min_mw)))
    if mw > idle_mw:
        return "discharging" if asset.asset_type == "storage" else "generating"
    return "charging" if mw < -idle_mw else "idle"


def unanswered(last: Telemetry, reason: str) -> Telemetry:
    """Return the last sample of a device that does not answer: its values and its time, marked as bad."""
    return replace(last, quality="bad", online=False, status="offline", fault_code=reason)
