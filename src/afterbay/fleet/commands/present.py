"""What is known of assets and sites at this moment, and what they can do in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from afterbay.fleet.inventory.records import Asset, Site
    from afterbay.fleet.messages import LimitedBy, Telemetry

__all__ = [
    "AssetNow",
    "PowerRange",
    "SiteNow",
    "asset_now",
    "ceiling_mwh",
    "efficiency_at",
    "floor_mwh",
    "power_range",
    "site_now",
]


_NOTHING = 1e-9
"""Share of the capacity below which stored energy or room counts as none."""


@dataclass(frozen=True, slots=True)
class AssetNow:
    """An asset and what is known of it now. None means not known."""

    asset: Asset
    online: bool = True
    """Can it be told a power? An asset that cannot may still deliver one."""
    mw: float = 0.0
    """Power at the terminals, the last one known when it is offline [MW]."""
    setpoint_mw: float | None = None
    """What it was told [MW]."""
    soc_mwh: float | None = None
    fault: bool = False
    available_charge_mw: float | None = None
    """Most that it can take now by its own word, as a positive number [MW]."""
    available_discharge_mw: float | None = None
    """Most that it can give now by its own word [MW]."""


@dataclass(frozen=True, slots=True)
class SiteNow:
    """A site and the power of those of its assets that a command does not move."""

    site: Site
    others_export_mw: float = 0.0
    """Sum of the others where each counts with the larger of power and setpoint [MW]."""
    others_import_mw: float = 0.0
    """Sum of the others where each counts with the smaller of power and setpoint, + leaves the asset [MW]."""
    others_mw: float = 0.0
    """Sum of their present power [MW]."""


@dataclass(frozen=True, slots=True)
class PowerRange:
    """What an asset can do now, and what stops it at either end."""

    low_mw: float
    high_mw: float
    low_reason: LimitedBy
    """p_limit: its own `min_mw`; else what is narrower: soc_max, device, fault."""
    high_reason: LimitedBy


def asset_now(asset: Asset, telemetry: Telemetry | None, *, online: bool = True) -> AssetNow:
    """Return what the latest telemetry says of an asset; without any nothing is made up."""
    if telemetry is None:
        return AssetNow(asset, online=online)
    soc_mwh = telemetry.soc_mwh
    if soc_mwh is None and telemetry.soc_pct is not None and asset.capacity_mwh > 0.0:
        soc_mwh = telemetry.soc_pct / 100.0 * asset.capacity_mwh
    return AssetNow(
        asset,
        online=online and telemetry.online,
        mw=telemetry.mw,
        setpoint_mw=telemetry.setpoint_mw,
        soc_mwh=soc_mwh,
        fault=telemetry.status == "fault",
        available_charge_mw=telemetry.available_charge_mw,
        available_discharge_mw=telemetry.available_discharge_mw,
    )


def site_now(site: Site, others: Iterable[AssetNow]) -> SiteNow:
    """Add up the assets of a site that a command does not move.

    What an asset was told counts when it is more than what it delivers: it may be on its way there.
    """
    export = imported = power = 0.0
    for other in others:
        told = other.mw if other.setpoint_mw is None or not other.online else other.setpoint_mw
        export += max(other.mw, told)
        imported += min(other.mw, told)
        power += other.mw
    return SiteNow(site, export, imported, power)


def floor_mwh(asset: Asset) -> float:
    """Return the energy below which no command discharges: the minimum, or the reserve above it [MWh]."""
    reserve = asset.min_soc_pct if asset.reserve_soc_pct is None else asset.reserve_soc_pct
    return asset.capacity_mwh * max(asset.min_soc_pct, reserve) / 100.0


def ceiling_mwh(asset: Asset) -> float:
    """Return the most energy that a command may store [MWh]."""
    return asset.capacity_mwh * asset.max_soc_pct / 100.0


def efficiency_at(asset: Asset, mw: float, soc_mwh: float | None = None) -> float:
    """Return the one-way efficiency at a power [MW] and a stored energy [MWh]."""
    efficiency = asset.efficiency
    if asset.efficiency_curve:
        largest = max(abs(asset.max_mw), abs(asset.min_mw))
        efficiency = _between(asset.efficiency_curve, abs(mw) / largest if largest > 0.0 else 0.0)
    if asset.efficiency_soc_factors and soc_mwh is not None and asset.capacity_mwh > 0.0:
        efficiency *= _between(asset.efficiency_soc_factors, soc_mwh / asset.capacity_mwh * 100.0)
    return efficiency


def power_range(now: AssetNow, *, over_s: float = 0.0) -> PowerRange:
    """Return what an asset can do now, or can hold for `over_s` [s]; it always holds 0 in between.

    An unknown state of charge bounds nothing. What a device says of itself is taken when it is narrower.
    """
    asset = now.asset
    low, high = min(asset.min_mw, 0.0), max(asset.max_mw, 0.0)
    low_reason: LimitedBy = "p_limit"
    high_reason: LimitedBy = "p_limit"
    if now.fault:
        return PowerRange(0.0, 0.0, "fault", "fault")
    if now.available_charge_mw is not None and -now.available_charge_mw > low:
        low, low_reason = -max(now.available_charge_mw, 0.0), "device"
    if now.available_discharge_mw is not None and now.available_discharge_mw < high:
        high, high_reason = max(now.available_discharge_mw, 0.0), "device"
    if asset.capacity_mwh > 0.0 and now.soc_mwh is not None:
        room, above = ceiling_mwh(asset) - now.soc_mwh, now.soc_mwh - floor_mwh(asset)
        fits = _holds(room / efficiency_at(asset, low, now.soc_mwh), over_s, asset.capacity_mwh)
        there = _holds(above * efficiency_at(asset, high, now.soc_mwh), over_s, asset.capacity_mwh)
        if -fits >= low:
            low, low_reason = -fits, "soc_max"
        if there <= high:
            high, high_reason = there, "reserve" if floor_mwh(asset) > _least_mwh(asset) else "soc_min"
    return PowerRange(low, high, low_reason, high_reason)


def _holds(energy_mwh: float, over_s: float, capacity_mwh: float) -> float:
    """Return the power that an energy at the terminals can hold; next to nothing counts as nothing."""
    if energy_mwh <= _NOTHING * capacity_mwh:
        return 0.0
    return energy_mwh * 3600.0 / over_s if over_s > 0.0 else math.inf


def _least_mwh(asset: Asset) -> float:
    return asset.capacity_mwh * asset.min_soc_pct / 100.0


def _between(pairs: Sequence[tuple[float, float]], at: float) -> float:
    """Read a line through pairs; it goes on level beyond its ends."""
    if at <= pairs[0][0]:
        return pairs[0][1]
    for (left, below), (right, above) in pairwise(pairs):
        if at <= right:
            return below + (above - below) * (at - left) / (right - left)
    return pairs[-1][1]
