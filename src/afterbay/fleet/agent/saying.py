"""What an agent says of itself: to the headend when a stream begins, to its operator at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.fleet.messages import AssetDescriptor, Hello, Register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from afterbay.fleet.agent.port import DevicePort
    from afterbay.fleet.agent.records import Counters
    from afterbay.fleet.agent.spool import Spool
    from afterbay.fleet.inventory.records import Inventory
    from afterbay.fleet.messages import Lease

__all__ = ["registration_of", "status_of"]


def registration_of(inventory: Inventory, hello: Hello, ports: Sequence[DevicePort]) -> Register:
    """Return the registration of all assets behind an agent."""
    names = {site.id: site.name for site in inventory.sites}
    slower = {asset_id: _interval_s(port) for port in ports for asset_id in port.asset_ids}
    tick_s = hello.tick_s or 0.0
    return Register(
        hello.gateway_id,
        tuple(
            AssetDescriptor(
                asset.id,
                asset.site_id,
                asset.name,
                names.get(asset.site_id, ""),
                asset.location,
                asset.asset_type,
                slower[asset.id] if slower.get(asset.id, 0.0) > tick_s else None,
            )
            for asset in sorted(inventory.assets, key=lambda asset: asset.id)
        ),
        hello,
    )


def status_of(
    now: datetime,
    *,
    gateway_id: str,
    tick_s: float,
    link: Mapping[str, Any],
    clock_skew_s: float | None,
    counters: Counters,
    spool: Spool,
    ports: Sequence[DevicePort],
    leases: Sequence[Lease],
    inventory: Inventory,
) -> dict[str, Any]:
    """Return how an agent is, in values that JSON knows."""
    samples, size = spool.waiting
    # This is asked for with every tick.
    names = {asset.id: asset.name for asset in inventory.assets} if leases else {}
    return {
        "at": now.isoformat(),
        "gateway_id": gateway_id,
        "tick_s": tick_s,
        "link": link,
        "clock_skew_s": None if clock_skew_s is None else round(clock_skew_s, 3),
        "ticks": counters.ticks,
        "overruns": counters.overruns,
        "last_tick_ms": round(counters.last_tick_ms, 2),
        "slowest_tick_ms": round(counters.slowest_tick_ms, 2),
        "samples": counters.samples,
        "samples_dropped": counters.samples_dropped,
        "clock_steps": counters.clock_steps,
        "spool": {"samples": samples, "bytes": size, "failing": spool.failing},
        "devices": [
            {"assets": len(port.asset_ids), "trouble": port.trouble, "unusable": port.unusable} for port in ports
        ],
        "leases": [
            {"id": lease.id, "asset_id": lease.asset_id, "asset": names.get(lease.asset_id or ""), "mw": lease.mw,
             "valid_until": None if lease.valid_until is None else lease.valid_until.isoformat()}
            for lease in leases
        ],
    }  # fmt: skip


def _interval_s(port: DevicePort) -> float:
    """Return the time between two readings of a device, where it is longer than every tick [s]; else 0."""
    return float(getattr(port.device, "interval_s", 0.0))
