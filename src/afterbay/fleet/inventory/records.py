"""What is operated: sites, assets and groups, as `assets.yaml` names them.

Power is in MW, + leaves the asset (discharge, generation, export). Energy is in MWh. `efficiency` is one way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ASSET_TYPES", "Asset", "AssetType", "Group", "Inventory", "Site", "ThermalModel"]

AssetType = Literal["storage", "pv", "wind", "ev"]
ASSET_TYPES: tuple[AssetType, ...] = ("storage", "pv", "wind", "ev")


@dataclass(frozen=True, slots=True)
class Site:
    """A place with a grid connection of its own."""

    id: str
    """Stable UUID."""
    name: str
    location: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = "UTC"
    export_limit_mw: float | None = None
    """Most that all assets of the site may export together [MW]; None: no limit."""
    import_limit_mw: float | None = None
    """Most that they may import together, as a positive number [MW]."""
    ramp_limit_mw_per_min: float | None = None
    """Fastest change of their sum [MW/min]."""


@dataclass(frozen=True, slots=True)
class ThermalModel:
    """One node: loss heats it, the surroundings cool it, heat derates it."""

    ambient_c: float = 25.0
    heat_capacity_mwh_per_k: float = 0.01
    conductance_mw_per_k: float = 0.02
    derate_from_c: float = 45.0
    """Above it power is cut in a straight line down to nothing at `stop_at_c`."""
    stop_at_c: float = 60.0
    passive_fraction: float = 0.1
    """Share of the conductance that is left when the cooling has failed."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing that can be told a power, or that at least reports one."""

    id: str
    """Stable UUID."""
    site_id: str
    name: str
    capacity_mwh: float = 0.0
    """Nominal energy [MWh]; 0 for what stores nothing. `capacity_mwhr` on the wire and in the file."""
    max_mw: float = 0.0
    min_mw: float = 0.0
    efficiency: float = 1.0
    """One way, terminals to cells and back [fraction]."""
    ramp_rate_mw_per_min: float = 1000.0
    min_soc_pct: float = 0.0
    max_soc_pct: float = 100.0
    reserve_soc_pct: float | None = None
    """No command discharges below it; None: no reserve above `min_soc_pct`."""
    asset_type: AssetType = "storage"
    location: str = ""
    device: str = "sim:"
    """Where the asset is reached: `sim:`, `opcua:...`, `sunspec+tcp://host:port/unit`."""
    efficiency_curve: tuple[tuple[float, float], ...] = ()
    """Pairs of (share of the larger power limit, one-way efficiency); replaces `efficiency` when given."""
    efficiency_soc_factors: tuple[tuple[float, float], ...] = ()
    """Pairs of (state of charge [%], factor on the one-way efficiency); none: the same at every state of charge."""
    thermal: ThermalModel | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    """What a type's own model needs (a wind curve, a solar profile, charging points)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Assets that are commanded together, across sites."""

    id: str
    name: str
    asset_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """All sites, assets and groups, in the order of the file; ids are unique."""

    sites: tuple[Site, ...] = ()
    assets: tuple[Asset, ...] = ()
    groups: tuple[Group, ...] = ()
    # Every command asks; a fleet of a thousand is not read through for each.
    _sites: Mapping[str, Site] = field(init=False, repr=False, compare=False)
    _assets: Mapping[str, Asset] = field(init=False, repr=False, compare=False)
    _groups: Mapping[str, Group] = field(init=False, repr=False, compare=False)
    _of_sites: Mapping[str, tuple[Asset, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index what stands in the file."""
        of_sites: dict[str, list[Asset]] = {}
        for asset in sorted(self.assets, key=lambda asset: asset.id):
            of_sites.setdefault(asset.site_id, []).append(asset)
        # Of several with one id, which the reader refuses, the first counts.
        for name, index in (
            ("_sites", {site.id: site for site in reversed(self.sites)}),
            ("_assets", {asset.id: asset for asset in reversed(self.assets)}),
            ("_groups", {group.id: group for group in reversed(self.groups)}),
            ("_of_sites", {site_id: tuple(assets) for site_id, assets in of_sites.items()}),
        ):
            object.__setattr__(self, name, index)

    def site(self, site_id: str) -> Site | None:
        """Return the site with this id."""
        return self._sites.get(site_id)

    def asset(self, asset_id: str) -> Asset | None:
        """Return the asset with this id."""
        return self._assets.get(asset_id)

    def group(self, group_id: str) -> Group | None:
        """Return the group with this id."""
        return self._groups.get(group_id)

    def assets_of(self, site_id: str) -> tuple[Asset, ...]:
        """Return the assets of a site, in the order of their ids."""
        return self._of_sites.get(site_id, ())
