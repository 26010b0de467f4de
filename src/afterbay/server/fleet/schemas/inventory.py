"""Assets, sites and groups on the wire: the keys of `assets.yaml`, and the newest values beside them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from afterbay.server.units import Mw, Mwh, MwPerMinute, Percent

if TYPE_CHECKING:
    from afterbay.fleet.headend import AgentRow
    from afterbay.fleet.inventory import Asset, Group, Inventory
    from afterbay.fleet.messages import Telemetry
    from afterbay.server.fleet.service import SiteSum

__all__ = ["ASSET_EXAMPLE", "GROUP_EXAMPLE", "SITE_EXAMPLE", "AssetOut", "GroupOut", "SiteAggregate", "SiteOut"]

SITE_EXAMPLE: dict[str, Any] = {
    "name": "North Quay", "location": "Harbour substation", "time_zone": "Europe/London", "export_limit_mw": 90.0,
}  # fmt: skip
ASSET_EXAMPLE: dict[str, Any] = {
    "site_id": "4c1feab9-a58f-507c-8676-9b98ffd67e7f", "name": "NQ-3", "capacity_mwhr": 120.0, "max_mw": 60.0,
    "min_mw": -60.0, "efficiency": 0.92, "ramp_rate_mw_per_min": 10.0, "min_soc_pct": 5.0, "max_soc_pct": 95.0,
}  # fmt: skip
GROUP_EXAMPLE: dict[str, Any] = {"name": "Frequency", "asset_ids": ["176e59bb-00b4-5034-b0b3-3de833540634"]}


class AssetOut(BaseModel):
    """An asset as the YAML names it, with its newest values; those are null until it reports."""

    id: str
    site_id: str
    site_name: str
    name: str
    location: str
    asset_type: str
    capacity_mwhr: Mwh
    max_mw: Mw
    min_mw: Mw
    efficiency: float = Field(description="One way, terminals to cells and back")
    ramp_rate_mw_per_min: MwPerMinute
    min_soc_pct: Percent
    max_soc_pct: Percent
    reserve_soc_pct: Percent | None
    device: str
    tick_s: float | None = Field(description="Time between two samples, as the agent says [s]; null: not known")
    timestamp: datetime | None
    online: bool
    status: str | None
    soc_mwhr: Mwh | None
    soc_pct: Percent | None
    current_mw: Mw | None
    setpoint_mw: Mw | None
    limited_by: str | None
    fault_code: str | None
    quality: str | None

    @classmethod
    def of(cls, asset: Asset, inventory: Inventory, sample: Telemetry | None, agent: AgentRow) -> AssetOut:
        """Return an asset for the wire."""
        site = inventory.site(asset.site_id)
        return cls(
            id=asset.id,
            site_id=asset.site_id,
            site_name=site.name if site else "",
            name=asset.name,
            location=asset.location or (site.location if site else ""),
            asset_type=asset.asset_type,
            capacity_mwhr=asset.capacity_mwh,
            max_mw=asset.max_mw,
            min_mw=asset.min_mw,
            efficiency=asset.efficiency,
            ramp_rate_mw_per_min=asset.ramp_rate_mw_per_min,
            min_soc_pct=asset.min_soc_pct,
            max_soc_pct=asset.max_soc_pct,
            reserve_soc_pct=asset.reserve_soc_pct,
            device=asset.device.partition("?")[0],
            tick_s=agent.tick_s,
            timestamp=sample.timestamp if sample else None,
            online=agent.connected and (sample is None or sample.online),
            status=sample.status if sample else None,
            soc_mwhr=sample.soc_mwh if sample else None,
            soc_pct=sample.soc_pct if sample else None,
            current_mw=sample.mw if sample else None,
            setpoint_mw=sample.setpoint_mw if sample else None,
            limited_by=sample.limited_by if sample else None,
            fault_code=sample.fault_code if sample else None,
            quality=sample.quality if sample else None,
        )


class SiteAggregate(BaseModel):
    """Sums of a site's assets; percentages and efficiency are means weighted by capacity."""

    asset_count: int
    reporting: int = Field(description="Assets whose newest values are in the sums")
    capacity_mwhr: Mwh
    max_mw: Mw
    min_mw: Mw
    min_soc_pct: Percent | None
    max_soc_pct: Percent | None
    efficiency: float | None
    ramp_rate_mw_per_min: MwPerMinute | None
    soc_mwhr: Mwh | None
    soc_pct: Percent | None
    current_mw: Mw | None
    setpoint_mw: Mw | None


class SiteOut(BaseModel):
    """A site and what its assets do together."""

    site_id: str
    site_name: str
    location: str
    latitude: float | None
    longitude: float | None
    time_zone: str
    export_limit_mw: Mw | None
    import_limit_mw: Mw | None
    ramp_limit_mw_per_min: MwPerMinute | None
    assets: list[str] = Field(description="Ids of the assets")
    aggregate: SiteAggregate

    @classmethod
    def of(cls, known: SiteSum) -> SiteOut:
        """Return a site for the wire."""
        site = known.site
        names = SiteAggregate.model_fields.keys() - {"asset_count"}
        sums = {name: getattr(known, name) for name in names}
        return cls(
            site_id=site.id,
            site_name=site.name,
            location=site.location,
            latitude=site.latitude,
            longitude=site.longitude,
            time_zone=site.time_zone,
            export_limit_mw=site.export_limit_mw,
            import_limit_mw=site.import_limit_mw,
            ramp_limit_mw_per_min=site.ramp_limit_mw_per_min,
            assets=[asset.id for asset in known.assets],
            aggregate=SiteAggregate(asset_count=len(known.assets), **sums),
        )


class GroupOut(BaseModel):
    """Assets that are commanded together."""

    id: str
    name: str
    asset_ids: list[str]

    @classmethod
    def of(cls, group: Group) -> GroupOut:
        """Return a group for the wire."""
        return cls(id=group.id, name=group.name, asset_ids=list(group.asset_ids))
