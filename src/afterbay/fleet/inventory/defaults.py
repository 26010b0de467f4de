"""The set of assets that is operated when no file is given: always the same three sites."""

from __future__ import annotations

from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site

__all__ = ["default_inventory"]

_NORTH_QUAY = Site(
    "4c1feab9-a58f-507c-8676-9b98ffd67e7f", "North Quay", "Harbour substation",
    latitude=54.98, longitude=-1.45, time_zone="Europe/London",
)  # fmt: skip
_MILL_LANE = Site(
    "2660bd43-90ed-5f97-b72f-3e7e21ab09dc", "Mill Lane", "Industrial park",
    latitude=53.79, longitude=-1.62, time_zone="Europe/London",
)  # fmt: skip
_HIGH_MOOR = Site(
    "bc292ee2-a325-551a-8eff-4d924207570b", "High Moor", "Solar farm on the moor",
    latitude=54.21, longitude=-1.95, time_zone="Europe/London",
)  # fmt: skip


def default_inventory() -> Inventory:
    """Return five batteries and a solar farm on three sites: 500 MWh, 250 MW of batteries, 30 MW of sun.

    It is what `examples/fleet.yaml` holds.
    """
    batteries = (
        _battery("176e59bb-00b4-5034-b0b3-3de833540634", _NORTH_QUAY, "NQ-1", 120.0, 60.0, 0.92),
        _battery("eea10d85-f762-5a1a-b162-9f6cbe46e504", _NORTH_QUAY, "NQ-2", 80.0, 40.0, 0.90),
        _battery("3142df90-fd78-520e-8330-d33664b127bf", _MILL_LANE, "ML-1", 150.0, 50.0, 0.93),
        _battery("43fe6861-9062-5e0f-a3bc-9c309d665a6e", _MILL_LANE, "ML-2", 50.0, 50.0, 0.90),
        _battery("41e446d0-3a3a-59e6-acfa-a316c5138177", _HIGH_MOOR, "HM-1", 100.0, 50.0, 0.91),
    )
    solar = Asset(
        id="407f44a4-d33a-51c6-9b2f-afb464bb164d", site_id=_HIGH_MOOR.id, name="HM-PV", max_mw=30.0,
        ramp_rate_mw_per_min=10.0, asset_type="pv",
    )  # fmt: skip
    group = Group("3fd7362f-caf3-5df4-bc57-08dfa641611a", "All batteries", tuple(battery.id for battery in batteries))
    return Inventory((_NORTH_QUAY, _MILL_LANE, _HIGH_MOOR), (*batteries, solar), (group,))


def _battery(identity: str, site: Site, name: str, mwh: float, mw: float, efficiency: float) -> Asset:
    return Asset(
        id=identity, site_id=site.id, name=name, capacity_mwh=mwh, max_mw=mw, min_mw=-mw, efficiency=efficiency,
        ramp_rate_mw_per_min=10.0,
    )  # fmt: skip
