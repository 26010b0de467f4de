"""A site as one: what its assets can do and what they do together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afterbay.fleet.inventory import Asset, Site
    from afterbay.fleet.messages import Telemetry

__all__ = ["SiteSum", "site_sum"]


@dataclass(frozen=True, slots=True)
class SiteSum:
    """Sums and capacity-weighted means; None where nothing is known."""

    site: Site
    assets: tuple[Asset, ...]
    capacity_mwhr: float
    max_mw: float
    min_mw: float
    min_soc_pct: float | None
    max_soc_pct: float | None
    efficiency: float | None
    ramp_rate_mw_per_min: float | None
    reporting: int
    """Assets whose newest sample is in the sums."""
    soc_mwhr: float | None
    soc_pct: float | None
    current_mw: float | None
    setpoint_mw: float | None


def site_sum(site: Site, assets: Sequence[Asset], latest: Mapping[str, Telemetry]) -> SiteSum:
    """Sum up a site."""
    samples = [latest[asset.id] for asset in assets if asset.id in latest]
    stores = [asset for asset in assets if asset.capacity_mwh > 0.0]
    known = [sample for sample in samples if sample.soc_mwh is not None and sample.capacity_mwh]
    soc = _sum([sample.soc_mwh for sample in known])
    capacity = _sum([sample.capacity_mwh for sample in known])
    return SiteSum(
        site=site,
        assets=tuple(assets),
        capacity_mwhr=math.fsum(asset.capacity_mwh for asset in assets),
        max_mw=math.fsum(asset.max_mw for asset in assets),
        min_mw=math.fsum(asset.min_mw for asset in assets),
        min_soc_pct=_mean(stores, lambda asset: asset.min_soc_pct),
        max_soc_pct=_mean(stores, lambda asset: asset.max_soc_pct),
        efficiency=_mean(stores, lambda asset: asset.efficiency),
        ramp_rate_mw_per_min=_mean(stores, lambda asset: asset.ramp_rate_mw_per_min),
        reporting=len(samples),
        soc_mwhr=soc,
        soc_pct=100.0 * soc / capacity if soc is not None and capacity else None,
        current_mw=_sum([sample.mw for sample in samples]),
        setpoint_mw=_sum([sample.setpoint_mw for sample in samples]),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def _mean(assets: Sequence[Asset], value: Callable[[Asset], float]) -> float | None:
    weight = math.fsum(asset.capacity_mwh for asset in assets)
    return math.fsum(asset.capacity_mwh * value(asset) for asset in assets) / weight if weight else None
