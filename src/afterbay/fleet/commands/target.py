"""Whom a command means: an asset before a site before a group, and never more than was named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from afterbay.fleet.inventory.records import Asset, Inventory

__all__ = ["Target", "TargetKind", "find_target"]

TargetKind = Literal["asset", "site", "group"]


@dataclass(frozen=True, slots=True)
class Target:
    """Who is meant."""

    kind: TargetKind
    id: str
    assets: tuple[Asset, ...]
    """In the order of their ids."""

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Ids of the assets that are meant."""
        return tuple(asset.id for asset in self.assets)


def find_target(
    inventory: Inventory, *, asset_id: str | None = None, site_id: str | None = None, group_id: str | None = None
) -> Target:
    """Return who is meant.

    Raises:
        InvalidInputError: If nobody is named.
        NotFoundError: If the narrowest id that was given is unknown, whatever the wider ones say.
    """
    if asset_id is not None:
        asset = inventory.asset(asset_id)
        if asset is None:
            raise NotFoundError(f"unknown_asset: no asset has the id {asset_id!r}; nothing was moved")
        return Target("asset", asset.id, (asset,))
    if site_id is not None:
        if inventory.site(site_id) is None:
            raise NotFoundError(f"unknown_site: no site has the id {site_id!r}; nothing was moved")
        return Target("site", site_id, inventory.assets_of(site_id))
    if group_id is not None:
        group = inventory.group(group_id)
        if group is None:
            raise NotFoundError(f"unknown_group: no group has the id {group_id!r}; nothing was moved")
        members = (inventory.asset(member) for member in group.asset_ids)
        return Target("group", group_id, tuple(sorted((each for each in members if each), key=lambda each: each.id)))
    problem = Problem("target", "no target", "asset_id, site_id or group_id", "name whom the power is for")
    raise InvalidInputError(problem)
