"""What a command would do, before it is sent: ramp, state of charge to the end, split and shortfall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterbay.fleet.commands.path import soc_path
from afterbay.fleet.commands.present import AssetNow
from afterbay.fleet.commands.ramp import ramp_time_s
from afterbay.fleet.commands.words import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.commands.limits import CheckedRequest
    from afterbay.fleet.commands.path import PathPoint
    from afterbay.fleet.inventory.records import Asset, Inventory

__all__ = ["AssetPreview", "Preview", "preview_request"]


@dataclass(frozen=True, slots=True)
class AssetPreview:
    """What one asset would do."""

    asset_id: str
    start_mw: float
    mw: float
    ramp_s: float
    """Time to reach the power [s]; infinity for an asset whose ramp rate is 0."""
    start_soc_mwh: float | None
    """None: not known, or it stores nothing; then there is no path."""
    end_soc_mwh: float | None
    end_soc_pct: float | None
    empty_in_s: float | None
    """When it would be down at its floor at this power, ramp included, also beyond the command's end [s]."""
    full_in_s: float | None
    limited: bool
    """Empty or full before the end."""
    energy_mwh: float
    """Energy through the terminals to the end of the command, + leaves the asset [MWh]."""
    shortfall_mwh: float
    """Energy that will be missing by the end, as a positive number [MWh]."""
    path: tuple[PathPoint, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a command would do."""

    checked: CheckedRequest
    ramp_s: float
    """Time until all assets have reached their power, within the site's ramp limit [s]."""
    until_s: float
    """Length of the paths: the command's duration, or the horizon of a command without end [s]."""
    assets: tuple[AssetPreview, ...]
    sentence: str
    """"+30.0 MW, reached in 3 s, empty in 1 h 50 min"."""


def preview_request(
    checked: CheckedRequest,
    inventory: Inventory,
    present: Mapping[str, AssetNow],
    *,
    horizon_s: float = 4 * 3600.0,
    points: int = 60,
) -> Preview:
    """Foresee a checked request; `horizon_s` is shown of a command without end."""
    until_s = horizon_s if checked.request.duration_s is None else checked.request.duration_s
    assets = {asset.id: asset for asset in checked.target.assets}
    starts = {key: present[key].mw if key in present else 0.0 for key in assets}
    targets = {part.asset_id: part.mw for part in checked.split.allocations if part.online}
    ramps = _ramps(targets, starts, assets, inventory)
    previews = tuple(
        _preview_asset(
            present.get(key) or AssetNow(assets[key]), starts[key], targets[key], ramps[key], until_s, points
        )
        for key in sorted(targets)
    )
    ramp_s = max(ramps.values(), default=0.0)
    return Preview(checked, ramp_s, until_s, previews, _sentence(checked, previews, ramp_s))


def _ramps(
    targets: Mapping[str, float], starts: Mapping[str, float], assets: Mapping[str, Asset], inventory: Inventory
) -> dict[str, float]:
    """Return each asset's time to its power [s], within the ramp limit of its site."""
    times: dict[str, float] = {}
    for site_id in {assets[key].site_id for key in targets}:
        there = {key: mw for key, mw in targets.items() if assets[key].site_id == site_id}
        site = inventory.site(site_id)
        limit = None if site is None else site.ramp_limit_mw_per_min
        free = {key: ramp_time_s(starts, {key: mw}, assets) for key, mw in there.items()}
        together = ramp_time_s(starts, there, assets, site_ramp_mw_per_min=limit)
        # Where the site is what takes the time, its assets share it.
        slowed = together > max(free.values()) * (1.0 + 1e-9)
        times |= {key: together if slowed and time > 0.0 else time for key, time in free.items()}
    return times


def _preview_asset(
    now: AssetNow, start_mw: float, mw: float, ramp_s: float, until_s: float, points: int
) -> AssetPreview:
    asset = now.asset
    known = asset.capacity_mwh > 0.0 and now.soc_mwh is not None
    rate = 0.0 if math.isinf(ramp_s) else asset.ramp_rate_mw_per_min
    if 0.0 < ramp_s < math.inf:
        rate = abs(mw - start_mw) / ramp_s * 60.0
    if not known or now.soc_mwh is None:
        ramped = min(ramp_s, until_s)
        end_mw = start_mw + (mw - start_mw) * (ramped / ramp_s if 0.0 < ramp_s < math.inf else float(ramp_s == 0.0))
        energy = ((start_mw + end_mw) / 2.0 * ramped + mw * (until_s - ramped)) / 3600.0
        return AssetPreview(asset.id, start_mw, mw, ramp_s, None, None, None, None, None, False, energy, 0.0, ())
    path = soc_path(
        asset, soc_mwh=now.soc_mwh, start_mw=start_mw, mw=mw, until_s=until_s, ramp_mw_per_min=rate, points=points
    )
    end = path.points[-1]
    return AssetPreview(
        asset_id=asset.id,
        start_mw=start_mw,
        mw=mw,
        ramp_s=ramp_s,
        start_soc_mwh=now.soc_mwh,
        end_soc_mwh=end.soc_mwh,
        end_soc_pct=end.soc_pct,
        empty_in_s=path.bound_after_s if path.bound in ("soc_min", "reserve") else None,
        full_in_s=path.bound_after_s if path.bound == "soc_max" else None,
        limited=path.bound_after_s is not None and path.bound_after_s < until_s,
        energy_mwh=path.energy_mwh,
        shortfall_mwh=path.shortfall_mwh,
        path=path.points,
    )


def _sentence(checked: CheckedRequest, previews: tuple[AssetPreview, ...], ramp_s: float) -> str:
    """Say it as an operator would."""
    said = [f"{checked.mw:+.1f} MW" if checked.mw else "0.0 MW"]
    if checked.clamped:
        said[0] += f" of {checked.requested_mw:+.1f} MW asked for"
    said.append(f"reached in {in_words(ramp_s)}" if math.isfinite(ramp_s) else "never reached: its ramp rate is 0")
    duration_s = checked.request.duration_s
    for word, times in (
        ("empty", [each.empty_in_s for each in previews]),
        ("full", [each.full_in_s for each in previews]),
    ):
        known = [time for time in times if time is not None]
        if not known:
            continue
        who = word if len(previews) == 1 else f"first asset {word}"
        said.append(f"{who} in {in_words(min(known))}")
        if duration_s is not None and len(previews) == 1 and min(known) < duration_s:
            said[-1] += f", before the {in_words(duration_s)} end: it will be limited"
    if checked.split.shortfall_mw:
        said.append(f"{checked.split.shortfall_mw:+.1f} MW cannot be served now")
    elif checked.shortfall_mwh > 0.0 and len(previews) > 1:
        said.append(f"{checked.shortfall_mwh:.3g} MWh will be missing at the end")
    return ", ".join(said)
