"""How long assets can hold a power together: whoever runs empty hands its part to those that still can."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from afterbay.fleet.commands.path import bound_of, hours_to_bound
from afterbay.fleet.commands.present import ceiling_mwh, efficiency_at, floor_mwh
from afterbay.fleet.commands.split import split_power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.fleet.commands.present import AssetNow, SiteNow
    from afterbay.fleet.messages import LimitedBy

__all__ = ["Foresight", "foresee"]


@dataclass(frozen=True, slots=True)
class Foresight:
    """What the stored energy allows. Ramps are left out of it."""

    ends_in_s: float | None
    """When the sum falls short for the first time [s]; None: not, or what is stored is not known."""
    limited_by: LimitedBy | None
    shortfall_mwh: float
    """Energy that will be missing at the end, as a positive number; 0 for a command without end [MWh]."""


def foresee(mw: float, assets: Sequence[AssetNow], sites: Sequence[SiteNow], duration_s: float | None) -> Foresight:
    """Follow a power [MW] from one empty (or full) asset to the next, to the end of the command."""
    left_h = math.inf if duration_s is None else duration_s / 3600.0
    now, passed_h = list(assets), 0.0
    ends_in_s: float | None = None
    limited_by: LimitedBy | None = None
    missing = 0.0
    for _ in range(len(now) + 1):
        split = split_power(mw, now, sites=sites)
        if split.shortfall_mw * mw > 0.0:
            if ends_in_s is None:
                stopped = [each.asset for each in now if _lasts_h(each, mw) <= 0.0]
                if not stopped:
                    break  # energy is not what stops it
                ends_in_s, limited_by = passed_h * 3600.0, bound_of(stopped[0], mw)
            if math.isinf(left_h):
                break
        shares = {part.asset_id: part.mw for part in split.allocations if part.online}
        parts = [shares.get(each.asset.id, 0.0) for each in now]
        step_h = min([left_h, *(_lasts_h(each, part) for each, part in zip(now, parts, strict=True))])
        missing += abs(split.shortfall_mw) * step_h if ends_in_s is not None else 0.0
        passed_h, left_h = passed_h + step_h, left_h - step_h
        if left_h <= 0.0 or math.isinf(step_h):
            break
        now = [_after(each, part, step_h) for each, part in zip(now, parts, strict=True)]
    return Foresight(ends_in_s, limited_by, missing if duration_s is not None else 0.0)


def _lasts_h(now: AssetNow, mw: float) -> float:
    if now.soc_mwh is None or now.asset.capacity_mwh <= 0.0 or mw == 0.0:
        return math.inf
    return hours_to_bound(now.asset, now.soc_mwh, mw)


def _after(now: AssetNow, mw: float, hours: float) -> AssetNow:
    """Return the asset after some time at a power; who has come to a bound is put on it exactly."""
    if now.soc_mwh is None or mw == 0.0:
        return now
    bound = floor_mwh(now.asset) if mw > 0.0 else ceiling_mwh(now.asset)
    if _lasts_h(now, mw) <= hours * (1.0 + 1e-12):
        return replace(now, soc_mwh=bound)
    efficiency = efficiency_at(now.asset, mw, now.soc_mwh)
    return replace(now, soc_mwh=now.soc_mwh - mw * hours * (1.0 / efficiency if mw > 0.0 else efficiency))
