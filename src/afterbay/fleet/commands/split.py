"""Divide a site's or a group's power among its assets: by capacity, within what each can do, the rest by headroom."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problem
from afterbay.fleet.commands.present import power_range, site_now
from afterbay.fleet.commands.shares import Cap, Redistribution, share_under_caps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from afterbay.fleet.commands.present import AssetNow, SiteNow
    from afterbay.fleet.messages import Lease

__all__ = ["Allocation", "Redistribution", "Split", "part_leases", "split_power"]

_VISIBLE = 1e-6
"""Less than this off its share is no clamping [MW]."""
_SUM_TOLERANCE = 1e-9
"""Share of the request below which a shortfall is rounding."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One asset's part."""

    asset_id: str
    raw_mw: float
    """Share by capacity, before any limit [MW]."""
    mw: float
    """What it is to do; for an asset that is offline what it does anyway [MW]."""
    clamped: bool
    """Could not take its share."""
    reason: str
    """Why not: p_limit, soc_min, soc_max, reserve, fault, device, site_limit, offline; empty otherwise."""
    online: bool = True


@dataclass(frozen=True, slots=True)
class Split:
    """Who does what. Allocations are in the order of asset ids."""

    requested_mw: float
    allocated_mw: float
    """Sum of all parts, with what offline assets deliver anyway [MW]."""
    shortfall_mw: float
    """Requested minus allocated; signed like the power [MW]."""
    allocations: tuple[Allocation, ...]
    left_alone: tuple[str, ...] = ()
    """PV, wind and EV beside storage: a split moves the storage, and leaves what follows sun, wind and drivers."""

    def mw_of(self, asset_id: str) -> float | None:
        """Return the part of an online asset [MW]; None: it is not told anything."""
        return next((part.mw for part in self.allocations if part.asset_id == asset_id and part.online), None)


def split_power(
    mw: float,
    assets: Iterable[AssetNow],
    *,
    sites: Iterable[SiteNow] = (),
    redistribute: Redistribution = "headroom",
    over_s: float = 0.0,
) -> Split:
    """Divide a power [MW] by capacity, within what each asset and its site can do, and the rest by headroom.

    No part ever has the other sign: an order to discharge charges nobody. An asset that is offline and still
    delivers is subtracted first. The result does not depend on the order of `assets`.

    Args:
        mw: Sum that the assets are to reach together, + leaves the assets [MW].
        assets: Who is meant.
        sites: Limits of the connections; the others' power is that of assets that are not among `assets`.
        redistribute: Whom the rest goes to when somebody cannot take its share.
        over_s: Each asset must be able to hold its part for this long [s]; 0: for the moment.

    Raises:
        OutOfRangeError: If the power is no finite number.
    """
    if not is_number(mw):
        raise OutOfRangeError(Problem("mw", repr(mw), "a finite number [MW]", "0 stops them"))
    everyone = sorted(assets, key=lambda now: now.asset.id)
    stores = any(now.asset.asset_type == "storage" for now in everyone)
    moved = [now for now in everyone if now.asset.asset_type == "storage" or not stores]
    online = [now for now in moved if now.online]
    rest = mw - math.fsum(now.mw for now in moved if not now.online)
    if rest * mw <= 0.0:
        # What is out of reach does it all already, or more; nobody is reversed to make up for that.
        rest = 0.0
    ranges = [power_range(now, over_s=over_s) for now in online]
    tops = [limits.high_mw if rest > 0.0 else -limits.low_mw for limits in ranges]
    weights = _weights(online)
    told = {now.asset.id for now in online}
    fixed = [now for now in everyone if now.asset.id not in told]
    caps = [_cap(site, online, fixed, exports=rest > 0.0) for site in sites]
    sizes = share_under_caps(abs(rest), weights, tops, caps, redistribute)
    allocations = [
        Allocation(now.asset.id, now.mw, now.mw, clamped=False, reason="offline", online=False)
        for now in moved
        if not now.online
    ]
    for now, limits, weight, top, size in zip(online, ranges, weights, tops, sizes, strict=True):
        clamped = abs(rest) * weight - size > _VISIBLE
        reason = limits.high_reason if rest > 0.0 else limits.low_reason
        if clamped and top - size > _VISIBLE:
            reason = "site_limit"
        part = math.copysign(size, rest) if size else 0.0
        allocations.append(Allocation(now.asset.id, rest * weight, part, clamped, reason if clamped else ""))
    total = math.fsum(part.mw for part in allocations)
    missing = mw - total
    return Split(
        requested_mw=mw,
        allocated_mw=total,
        shortfall_mw=missing if abs(missing) > _SUM_TOLERANCE * max(1.0, abs(mw)) else 0.0,
        allocations=tuple(sorted(allocations, key=lambda part: part.asset_id)),
        left_alone=()
        if len(moved) == len(everyone)
        else tuple(now.asset.id for now in everyone if now.asset.asset_type != "storage"),
    )


def part_leases(lease: Lease, split: Split) -> tuple[Lease, ...]:
    """Return the lease of every online asset of a split: same id, sequence and times, its own power.

    The fallback is divided in the same shares as the power was before any limit.
    """
    online = [part for part in split.allocations if part.online]
    total = math.fsum(part.raw_mw for part in online)
    return tuple(
        replace(
            lease,
            asset_id=part.asset_id,
            site_id=None,
            group_id=None,
            members=(),
            mw=part.mw,
            fallback_mw=lease.fallback_mw * (part.raw_mw / total if total else 1.0 / len(online)),
        )
        for part in online
    )


def _weights(online: Sequence[AssetNow]) -> list[float]:
    """Return the shares by capacity, equal ones when nobody has any."""
    total = math.fsum(now.asset.capacity_mwh for now in online)
    if total <= 0.0:
        return [1.0 / len(online) for _ in online]
    return [now.asset.capacity_mwh / total for now in online]


def _cap(site: SiteNow, online: Sequence[AssetNow], fixed: Sequence[AssetNow], *, exports: bool) -> Cap:
    """Return what the connection of a site leaves for those that are moved."""
    places = tuple(place for place, now in enumerate(online) if now.asset.site_id == site.site.id)
    rest = site_now(site.site, (now for now in fixed if now.asset.site_id == site.site.id))
    if exports:
        limit, used = site.site.export_limit_mw, site.others_export_mw + rest.others_export_mw
    else:
        limit, used = site.site.import_limit_mw, -(site.others_import_mw + rest.others_import_mw)
    return Cap(places, math.inf if limit is None else max(limit - used, 0.0))
