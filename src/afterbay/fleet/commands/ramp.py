"""Move setpoints towards their targets no faster than the assets and their site allow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.inventory.records import Asset

__all__ = ["ramp_step", "ramp_time_s"]


def ramp_step(
    current_mw: Mapping[str, float],
    target_mw: Mapping[str, float],
    assets: Mapping[str, Asset],
    dt_s: float,
    *,
    site_ramp_mw_per_min: float | None = None,
) -> dict[str, float]:
    """Return the setpoints after `dt_s` [s], by asset id; give all moving assets of one site together.

    A device that ramps by itself is told its target; one that jumps, and every asset of a site with a ramp limit,
    is told these.
    """
    reached, _ = _advance(current_mw, target_mw, assets, max(dt_s, 0.0), site_ramp_mw_per_min)
    return reached


def ramp_time_s(
    current_mw: Mapping[str, float],
    target_mw: Mapping[str, float],
    assets: Mapping[str, Asset],
    *,
    site_ramp_mw_per_min: float | None = None,
) -> float:
    """Return the time until all have arrived [s]; infinity when one cannot move."""
    reached, taken = _advance(current_mw, target_mw, assets, math.inf, site_ramp_mw_per_min)
    return taken if reached == dict(target_mw) else math.inf


def _advance(
    current_mw: Mapping[str, float],
    target_mw: Mapping[str, float],
    assets: Mapping[str, Asset],
    dt_s: float,
    site_ramp: float | None,
) -> tuple[dict[str, float], float]:
    """Move from one arrival to the next; return where all are and the time that was needed."""
    place = {key: current_mw.get(key, 0.0) for key in sorted(target_mw)}
    left, taken = dt_s, 0.0
    while left > 0.0:
        speed = _speeds(place, target_mw, assets, site_ramp)
        arrivals = {key: abs(target_mw[key] - place[key]) / abs(speed[key]) for key in speed}
        if not arrivals:
            break
        step = min(left, min(arrivals.values()))
        for key, arrival in arrivals.items():
            place[key] = target_mw[key] if arrival <= step else place[key] + speed[key] * step
        taken += step
        left -= step
    return place, taken


def _speeds(
    place: Mapping[str, float], target_mw: Mapping[str, float], assets: Mapping[str, Asset], site_ramp: float | None
) -> dict[str, float]:
    """Return the speed of each asset that moves [MW/s]; the busier direction waits where the site is slow."""
    speed = {
        key: math.copysign(assets[key].ramp_rate_mw_per_min / 60.0, target_mw[key] - place[key])
        for key in place
        if target_mw[key] != place[key] and assets[key].ramp_rate_mw_per_min > 0.0
    }
    total = math.fsum(speed.values())
    if site_ramp is not None and abs(total) > site_ramp / 60.0:
        with_it = math.fsum(each for each in speed.values() if each * total > 0.0)
        share = (math.copysign(site_ramp / 60.0, total) - (total - with_it)) / with_it
        speed = {key: each * share if each * total > 0.0 else each for key, each in speed.items()}
    return {key: each for key, each in speed.items() if each != 0.0}
