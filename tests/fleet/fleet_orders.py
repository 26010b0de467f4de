"""A small fleet and requests for it, for the tests of commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from afterbay.fleet.commands import AssetNow, CheckedRequest, CommandRequest, Moment, check_request
from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site

__all__ = ["FLEET", "MILL", "NOON", "NORTH", "PAIR", "A", "B", "C", "at", "checked", "moment", "present"]

NORTH, MILL, PAIR = "site-north", "site-mill", "group-pair"
A, B, C = "asset-a", "asset-b", "asset-c"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

FLEET = Inventory(
    sites=(Site(NORTH, "North Quay"), Site(MILL, "Mill Lane")),
    assets=(
        Asset(A, NORTH, "NQ-1", 120.0, 60.0, -60.0, 0.92, 600.0),
        Asset(B, NORTH, "NQ-2", 40.0, 20.0, -20.0, 0.91, 600.0),
        Asset(C, MILL, "ML-1", 40.0, 20.0, -20.0, 0.90, 600.0),
    ),
    groups=(Group(PAIR, "pair", (C, A)),),
)


def present(*, offline: tuple[str, ...] = (), soc_share: float = 0.5, fleet: Inventory = FLEET) -> dict[str, AssetNow]:
    """Return every asset of a fleet at rest."""
    return {
        asset.id: AssetNow(asset, online=asset.id not in offline, soc_mwh=asset.capacity_mwh * soc_share)
        for asset in fleet.assets
    }


def checked(mw: float = 10.0, *, offline: tuple[str, ...] = (), **rest: object) -> CheckedRequest:
    """Return a checked request for the small fleet; for asset A when nobody is named."""
    if not {"asset_id", "site_id", "group_id"} & set(rest):
        rest["asset_id"] = A
    request = CommandRequest(mw=mw, **rest)  # type: ignore[arg-type]
    return check_request(request, FLEET, present(offline=offline))


def at(after_s: float) -> datetime:
    """Return the moment that is so long after noon."""
    return NOON + timedelta(seconds=after_s)


def moment(after_s: float, *, wall_off_s: float = 0.0, boot_id: str = "boot") -> Moment:
    """Return a moment after noon on both clocks; the wall's may be off."""
    return Moment(at(after_s + wall_off_s), 1000.0 + after_s, boot_id)
