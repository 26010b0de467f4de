"""State of charge along a command: by ramp to a power, then at that power, until empty, full or the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from afterbay.fleet.commands.present import ceiling_mwh, efficiency_at, floor_mwh

if TYPE_CHECKING:
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import LimitedBy

__all__ = ["PathPoint", "SocPath", "bound_of", "hours_to_bound", "soc_path"]

_PIECES = 64
"""Pieces of an interval or of an energy where the efficiency is a curve; one is exact where it is not."""


@dataclass(frozen=True, slots=True)
class PathPoint:
    """One moment of a path; the power is what the cells can give, so it drops at a bound."""

    after_s: float
    mw: float
    soc_mwh: float
    soc_pct: float


@dataclass(frozen=True, slots=True)
class SocPath:
    """Where the energy of one asset goes."""

    points: tuple[PathPoint, ...]
    bound_after_s: float | None
    """When the asset will be empty or full, also beyond the end; None: never at this power [s]."""
    bound: LimitedBy | None
    """soc_min, reserve or soc_max."""
    energy_mwh: float
    """Through the terminals to the end, + leaves the asset [MWh]."""
    shortfall_mwh: float
    """What was asked for and could not be, as a positive number [MWh]."""


def bound_of(asset: Asset, mw: float) -> LimitedBy:
    """Return the bound that a power runs into."""
    if mw < 0.0:
        return "soc_max"
    return "reserve" if asset.reserve_soc_pct is not None and asset.reserve_soc_pct > asset.min_soc_pct else "soc_min"


def hours_to_bound(asset: Asset, soc_mwh: float, mw: float) -> float:
    """Return how long a steady power lasts [h]; infinity for none."""
    if mw == 0.0:
        return math.inf
    bound = floor_mwh(asset) if mw > 0.0 else ceiling_mwh(asset)
    pieces = _PIECES if asset.efficiency_soc_factors else 1
    step = (bound - soc_mwh) / pieces
    if step * mw >= 0.0:
        return 0.0
    middles = (soc_mwh + step * (piece + 0.5) for piece in range(pieces))
    return math.fsum(-step * _terminals(asset, mw, middle) / mw for middle in middles)


def soc_path(
    asset: Asset,
    *,
    soc_mwh: float,
    start_mw: float,
    mw: float,
    until_s: float,
    ramp_mw_per_min: float | None = None,
    points: int = 60,
) -> SocPath:
    """Follow one asset to the end of a command.

    Args:
        asset: The asset.
        soc_mwh: Stored energy at the start [MWh].
        start_mw: Power at the start [MW].
        mw: Power of the command [MW].
        until_s: End of the command [s].
        ramp_mw_per_min: Ramp in place of the asset's own.
        points: Intervals of the path; moments where it bends are added.
    """
    rate = asset.ramp_rate_mw_per_min if ramp_mw_per_min is None else ramp_mw_per_min
    if rate <= 0.0:
        mw = start_mw  # it cannot move
    ramp_s = abs(mw - start_mw) / rate * 60.0 if rate > 0.0 else 0.0
    bends = [0.0, until_s, ramp_s]
    if start_mw * mw < 0.0:
        bends.append(ramp_s * abs(start_mw) / abs(mw - start_mw))
    pieces = _PIECES if asset.efficiency_curve or asset.efficiency_soc_factors else 1
    bends += [ramp_s * piece / pieces for piece in range(1, pieces)]
    times = sorted({*bends, *(until_s * step / points for step in range(points + 1))})

    def asked(after_s: float) -> float:
        return mw if after_s >= ramp_s else start_mw + (mw - start_mw) * after_s / ramp_s

    shown = [_point(asset, 0.0, start_mw, soc_mwh)]
    energy = shortfall = 0.0
    bound_after_s: float | None = None
    for before, after in pairwise(times):
        begin_mw, end_mw = asked(before), asked(after)
        mean_mw, dt_h = (begin_mw + end_mw) / 2.0, (after - before) / 3600.0
        wanted = mean_mw * dt_h
        there = _there(asset, mean_mw, soc_mwh)
        given = math.copysign(min(abs(wanted), there), wanted)
        stopped = abs(wanted) > there
        soc_mwh -= given / _terminals(asset, mean_mw, soc_mwh)
        if stopped:
            at_s = before + _hours_until(abs(begin_mw), abs(end_mw), dt_h, there) * 3600.0
            if mean_mw * mw > 0.0 and bound_after_s is None:
                bound_after_s = at_s
            if at_s < until_s and shown[-1].mw != 0.0:
                shown += [_point(asset, at_s, asked(at_s), soc_mwh), _point(asset, at_s, 0.0, soc_mwh)]
        if after <= until_s:
            energy += given
            shortfall += abs(wanted - given)
            shown.append(_point(asset, after, 0.0 if stopped else end_mw, soc_mwh))
    if bound_after_s is None:
        bound_after_s = times[-1] + hours_to_bound(asset, soc_mwh, mw) * 3600.0
    reaches = math.isfinite(bound_after_s)
    return SocPath(
        tuple(shown), bound_after_s if reaches else None, bound_of(asset, mw) if reaches else None, energy, shortfall
    )


def _terminals(asset: Asset, mw: float, soc_mwh: float) -> float:
    """Return energy at the terminals over energy in the cells for this power."""
    efficiency = efficiency_at(asset, mw, soc_mwh)
    return efficiency if mw >= 0.0 else 1.0 / efficiency


def _there(asset: Asset, mw: float, soc_mwh: float) -> float:
    """Return the energy at the terminals that can still go this way [MWh]."""
    cells = soc_mwh - floor_mwh(asset) if mw >= 0.0 else ceiling_mwh(asset) - soc_mwh
    return max(cells, 0.0) * _terminals(asset, mw, soc_mwh)


def _hours_until(begin_mw: float, end_mw: float, dt_h: float, energy_mwh: float) -> float:
    """Return when a power that goes in a straight line has moved an energy [h]."""
    bend = 2.0 * (end_mw - begin_mw) / dt_h * energy_mwh
    speed = begin_mw + math.sqrt(max(begin_mw * begin_mw + bend, 0.0))
    return min(2.0 * energy_mwh / speed, dt_h) if speed > 0.0 else 0.0


def _point(asset: Asset, after_s: float, mw: float, soc_mwh: float) -> PathPoint:
    share = soc_mwh / asset.capacity_mwh if asset.capacity_mwh > 0.0 else 0.0
    return PathPoint(after_s, mw, soc_mwh, share * 100.0)
