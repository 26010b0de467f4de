"""The fleet in words: a power with its direction, how old a value is, and what is in a total."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from afterbay.cli import numbers
from afterbay.client import AssetState
from afterbay.client.times import shown_span

__all__ = ["NOTHING", "age", "asset_document", "clock", "direction", "signed_mw", "soc", "totals", "totals_line"]

NOTHING = "—"
"""Not known; a zero is 0.0."""
_IDLE_MW = 0.1


def clock(moment: datetime | None) -> str:
    """Write a time of day in UTC; with its date when it is another day's."""
    return NOTHING if moment is None else f"{moment:%H:%M:%S}"


def signed_mw(mw: float | None) -> str:
    """Write a power with its sign: `+30.0 MW`."""
    return NOTHING if mw is None or math.isnan(mw) else f"{numbers.signed(numbers.plain(mw, 1))} MW"


def direction(mw: float | None, status: str = "", asset_type: str = "storage") -> str:
    """Write a power as an arrow, a number and a word: `▲ 10.0 MW discharging`."""
    if mw is None:
        return NOTHING
    if status in ("fault", "offline"):
        return f"✕ {signed_mw(mw)} {status}"
    if abs(mw) <= _IDLE_MW:
        return f"■ {numbers.power(mw)} idle"
    word = "charging" if mw < 0.0 else "generating" if asset_type in ("pv", "wind") else "discharging"
    return f"{'▲' if mw > 0.0 else '▼'} {numbers.power(abs(mw))} {word}"


def soc(asset: AssetState) -> str:
    """Write a state of charge in percent and in energy."""
    sample = asset.sample
    if sample is None or sample.soc_pct is None:
        return NOTHING
    energy = "" if sample.soc_mwh is None else f" ({numbers.energy(sample.soc_mwh)})"
    return f"{numbers.percent(sample.soc_pct)}{energy}"


def age(asset: AssetState, now: datetime) -> str:
    """Say how old the values are, so that old ones never look live."""
    seconds = asset.age_s(now)
    match asset.freshness(now):
        case "never":
            return "never heard of" if asset.connected is False else "no data yet"
        case "offline":
            since = asset.offline_since or (asset.sample.timestamp if asset.sample else None)
            return f"✕ offline since {_dated(since, now)}"
        case "stale":
            return f"✕ last {_dated(asset.sample.timestamp if asset.sample else None, now)}"
        case "late":
            return f"▲ {shown_span(seconds or 0.0)} ago"
    return f"{shown_span(seconds or 0.0)} ago"


def totals(assets: Sequence[AssetState], now: datetime) -> dict[str, Any]:
    """Sum up what can be trusted; an asset whose values are old is out of every sum."""
    counted = [asset for asset in assets if asset.counts(now) and asset.sample is not None]
    stored = [asset.sample.soc_mwh for asset in counted if asset.sample and asset.sample.soc_mwh is not None]
    return {
        "assets": len(assets),
        "counted": len(counted),
        "mw": math.fsum(asset.sample.mw for asset in counted if asset.sample) if counted else None,
        "stored_mwh": math.fsum(stored) if stored else None,
    }


def totals_line(assets: Sequence[AssetState], now: datetime) -> str:
    """Return the sums as a line: `+30.0 MW net, 250.0 MWh stored, 5 of 6 assets`."""
    found = totals(assets, now)
    parts = [] if found["mw"] is None else [f"{signed_mw(found['mw'])} net"]
    parts += [] if found["stored_mwh"] is None else [f"{numbers.energy(found['stored_mwh'])} stored"]
    return ", ".join([*parts, f"{found['counted']} of {found['assets']} assets, {now:%H:%M:%S} UTC"])


def asset_document(asset: AssetState, now: datetime) -> dict[str, Any]:
    """Return an asset as plain values; null is not known."""
    sample, seconds = asset.sample, asset.age_s(now)
    values: Mapping[str, Any] = {} if sample is None else {
        name: getattr(sample, name)
        for name in ("mw", "setpoint_mw", "soc_pct", "soc_mwh", "status", "limited_by", "fault_code", "quality")
    }  # fmt: skip
    return {
        "id": asset.id,
        "name": asset.name,
        "site_id": asset.site_id,
        "site_name": asset.site_name,
        "asset_type": asset.asset_type,
        "capacity_mwh": asset.capacity_mwh,
        "max_mw": asset.max_mw,
        "min_mw": asset.min_mw,
        **values,
        "timestamp": None if sample is None else sample.timestamp.isoformat(),
        "age_s": None if seconds is None else round(seconds, 3),
        "freshness": asset.freshness(now),
        "tick_s": asset.tick_s,
        "connected": asset.connected,
        "offline_since": None if asset.offline_since is None else asset.offline_since.isoformat(),
    }


def _dated(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "?"
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%d %b %H:%M}"
