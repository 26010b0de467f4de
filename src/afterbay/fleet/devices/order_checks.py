"""The last look at an order before it reaches a real device."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.fleet.devices.device import DeviceOrder
    from afterbay.fleet.inventory.records import Asset

__all__ = ["find_refusal"]

_TOLERANCE_MW: Final = 1e-6


def find_refusal(asset: Asset | None, order: DeviceOrder, now: datetime) -> str:
    """Return why an order must not be written, or "".

    Args:
        asset: Whom it is for; None: not behind this device.
        order: As the agent gives it, limited already; a device is not told what its asset cannot do.
        now: An order that has ended is never written.
    """
    if asset is None:
        return "the asset is not behind this device"
    for mw in (order.mw, order.fallback_mw):
        if not math.isfinite(mw):
            return f"{mw} MW is no power"
        if not asset.min_mw - _TOLERANCE_MW <= mw <= asset.max_mw + _TOLERANCE_MW:
            return f"{mw:g} MW is outside {asset.min_mw:g} to {asset.max_mw:g} MW"
    if order.valid_until is not None and order.valid_until <= now:
        return "the order had ended already"
    return ""
