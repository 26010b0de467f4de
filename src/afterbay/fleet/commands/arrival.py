"""When a power counts as reached. The agent asks here, and the headend for agents that cannot; nobody else decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from afterbay.fleet.inventory.records import Asset

__all__ = ["has_reached", "reach_tolerance_mw"]

_SHARE: Final = 0.01
"""Of what was ordered."""
_STEP: Final = 0.0005
"""Of the larger power limit. A 16-bit register whose scale is a power of ten tells full power in 3,277 steps at
least, so a device can be one step (0.03 %) off without being told anything wrong."""
_LEAST_MW: Final = 1e-6


def reach_tolerance_mw(mw: float, asset: Asset) -> float:
    """Return how far from an ordered power the power read back may be and still be that power [MW].

    One percent of the order, and never less than a meter or a register of this asset can tell apart: a stop has no
    percentage.
    """
    rated_mw = max(abs(asset.max_mw), abs(asset.min_mw))
    return max(_SHARE * abs(mw), _STEP * rated_mw, _LEAST_MW)


def has_reached(delivered_mw: float, mw: float, asset: Asset) -> bool:
    """Is what an asset delivers what it was ordered to [MW]? False for what is no number."""
    return abs(delivered_mw - mw) <= reach_tolerance_mw(mw, asset)
