"""What a headend says, as plain records; its own names stay in `document`.

Power in MW, + leaves the asset; energy in MWh; times in UTC. None is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from afterbay.client.times import when
from afterbay.core.checks import is_number
from afterbay.fleet.messages import Telemetry

__all__ = [
    "DEFAULT_TICK_S",
    "AssetState",
    "Freshness",
    "items_of",
    "read_asset",
    "read_telemetry",
    "with_agent",
    "with_sample",
]

Freshness = Literal["live", "late", "stale", "offline", "never"]
"""live: up to 2 ticks of its agent old; late: older, and said so; stale: over 5 ticks, out of all totals; offline: its
agent is not connected; never: there was no sample yet."""

DEFAULT_TICK_S = 4.0
"""Of an agent that does not say how often it ticks [s]."""
_LATE_TICKS, _STALE_TICKS = 2.0, 5.0
_LEAST_LATE_S, _LEAST_STALE_S = 2.0, 5.0
"""However fast an agent ticks: on its way a sample is looked at, sent in a batch, and asked for over the web [s]."""
_TEXTS = ("site_name", "status", "asset_type", "quality", "origin")
_NUMBERS = (
    "soc_pct", "energy_in_mwh", "energy_out_mwh", "temperature_c", "soh_pct", "cycle_count",
    "available_charge_mw", "available_discharge_mw",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssetState:
    """An asset and what was last heard of it."""

    id: str
    name: str
    site_id: str
    site_name: str
    asset_type: str = "storage"
    capacity_mwh: float = 0.0
    max_mw: float = 0.0
    min_mw: float = 0.0
    efficiency: float = 1.0
    """One way [fraction]."""
    ramp_rate_mw_per_min: float | None = None
    min_soc_pct: float = 0.0
    max_soc_pct: float = 100.0
    connected: bool | None = None
    """None: nobody said."""
    offline_since: datetime | None = None
    gateway_id: str | None = None
    tick_s: float | None = None
    """Time between two of its samples [s]; None: its agent does not say."""
    sample: Telemetry | None = None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def age_s(self, now: datetime) -> float | None:
        """Return the age of the newest sample [s], counted from when its source had it."""
        return None if self.sample is None else max((now - self.sample.timestamp).total_seconds(), 0.0)

    def freshness(self, now: datetime) -> Freshness:
        """Say how far the newest values may be trusted."""
        age = self.age_s(now)
        if self.connected is False or (self.sample is not None and not self.sample.online):
            return "never" if age is None else "offline"
        if age is None:
            return "never"
        tick_s = self.tick_s or DEFAULT_TICK_S
        if age <= max(_LATE_TICKS * tick_s, _LEAST_LATE_S):
            return "live"
        return "late" if age <= max(_STALE_TICKS * tick_s, _LEAST_STALE_S) else "stale"

    def counts(self, now: datetime) -> bool:
        """Are its values part of totals?"""
        return self.freshness(now) in ("live", "late")

    def to_empty_s(self) -> float | None:
        """Return how long until it is empty (or full, when it charges) at its present power [s]; None: never."""
        sample = self.sample
        if sample is None or sample.soc_mwh is None or self.capacity_mwh <= 0.0 or abs(sample.mw) <= 0.1:
            return None
        bound_pct = self.min_soc_pct if sample.mw > 0.0 else self.max_soc_pct
        left_mwh = abs(sample.soc_mwh - bound_pct / 100.0 * self.capacity_mwh)
        rate = sample.mw / self.efficiency if sample.mw > 0.0 else -sample.mw * self.efficiency
        return left_mwh / rate * 3600.0


def items_of(document: Any) -> list[Mapping[str, Any]]:
    """Return the entries of a list, bare or as a page (`items`)."""
    entries = document.get("items", []) if isinstance(document, dict) else document
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def read_asset(document: Mapping[str, Any]) -> AssetState:
    """Return an asset of `GET /assets`, with its newest sample if the headend sent one."""
    number = _Numbers(document)
    return AssetState(
        id=str(document.get("id") or document.get("asset_id") or ""),
        name=str(document.get("name") or document.get("asset_name") or ""),
        site_id=str(document.get("site_id") or ""),
        site_name=str(document.get("site_name") or ""),
        asset_type=str(document.get("asset_type") or "storage"),
        capacity_mwh=number("capacity_mwhr", "capacity_mwh") or 0.0,
        max_mw=number("max_mw") or 0.0,
        min_mw=number("min_mw") or 0.0,
        efficiency=number("efficiency") or 1.0,
        ramp_rate_mw_per_min=number("ramp_rate_mw_per_min"),
        min_soc_pct=number("min_soc_pct") or 0.0,
        max_soc_pct=100.0 if (most := number("max_soc_pct")) is None else most,
        connected=connected if isinstance(connected := document.get("connected"), bool) else None,
        tick_s=tick if (tick := number("tick_s")) is not None and tick > 0.0 else None,
        sample=read_telemetry({**document, "asset_id": document.get("id")}) if document.get("timestamp") else None,
        document=document,
    )


def read_telemetry(document: Mapping[str, Any]) -> Telemetry | None:
    """Return a sample in the record of the library, or None if it has no time or no power."""
    number = _Numbers(document)
    timestamp = when(document.get("timestamp") or document.get("ts"))
    mw = number("mw", "current_mw")
    if timestamp is None or mw is None:
        return None
    texts: dict[str, Any] = {name: str(document[name]) for name in _TEXTS if document.get(name) is not None}
    texts |= {name: number(name) for name in _NUMBERS}
    texts.setdefault("status", "idle" if abs(mw) <= 0.1 else "discharging" if mw > 0.0 else "charging")
    texts.setdefault("origin", "unknown")
    details = document.get("details")
    return Telemetry(
        asset_id=str(document.get("asset_id") or ""),
        site_id=str(document.get("site_id") or ""),
        timestamp=timestamp,
        mw=mw,
        setpoint_mw=number("mw_setpoint", "setpoint_mw"),
        max_mw=number("max_mw") or 0.0,
        min_mw=number("min_mw") or 0.0,
        soc_mwh=number("soc_mwhr", "soc_mwh"),
        capacity_mwh=number("capacity_mwhr", "capacity_mwh"),
        online=document.get("online") is not False,
        fault_code=document.get("fault_code"),
        limited_by=document.get("limited_by"),
        seq=int(number("seq") or 0),
        lease_id=document.get("lease_id"),
        details=details if isinstance(details, dict) else {},
        received_at=when(document.get("received_at")),
        **texts,
    )


def with_sample(asset: AssetState, sample: Telemetry) -> AssetState:
    """Return an asset with a newer sample; an older one changes nothing."""
    if asset.sample is not None and sample.timestamp < asset.sample.timestamp:
        return asset
    return replace(asset, sample=sample)


def with_agent(asset: AssetState, agent: Mapping[str, Any]) -> AssetState:
    """Return an asset with the row of `GET /agents` that speaks of it."""
    connected = agent.get("connected")
    if not isinstance(connected, bool) or asset.document.get("online") is True:
        # A headend that ticks its assets itself has no agents.
        return replace(asset, connected=True if asset.document.get("online") is True else asset.connected,
                       gateway_id=agent.get("gateway_id"))  # fmt: skip
    ended = [session.get("disconnected_at") for session in agent.get("sessions") or () if isinstance(session, dict)]
    since = None if connected or not ended else when(ended[0])
    return replace(asset, connected=connected, offline_since=since, gateway_id=agent.get("gateway_id"))


class _Numbers:
    """Reads finite numbers by their first name that is there."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def __call__(self, *names: str) -> float | None:
        for name in names:
            value = self._document.get(name)
            if is_number(value):
                return float(value)  # type: ignore[arg-type]
        return None
