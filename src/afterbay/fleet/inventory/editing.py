"""Edits of an inventory. Each returns a new, checked one; the old one stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.fleet.inventory.checks import check_inventory

if TYPE_CHECKING:
    from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site

    Record = TypeVar("Record", Site, Asset, Group)

__all__ = [
    "add_asset",
    "add_group",
    "add_site",
    "remove_asset",
    "remove_group",
    "remove_site",
    "replace_asset",
    "replace_group",
    "replace_site",
]


def add_site(inventory: Inventory, site: Site) -> Inventory:
    """Add a site at the end; raises ConflictError if its id is taken, InvalidInputError if it is wrong."""
    return _checked(replace(inventory, sites=_with(inventory.sites, site, "site")))


def replace_site(inventory: Inventory, site: Site) -> Inventory:
    """Replace the site with this id in its place; raises NotFoundError if there is none."""
    return _checked(replace(inventory, sites=_instead(inventory.sites, site, "site")))


def remove_site(inventory: Inventory, site_id: str) -> Inventory:
    """Remove a site without assets.

    Raises:
        NotFoundError: If there is none with this id.
        ConflictError: If assets still stand there.
    """
    left = _without(inventory.sites, site_id, "site")
    names = [asset.name for asset in inventory.assets_of(site_id)]
    if names:
        raise ConflictError(
            f"site {site_id} still has {len(names)} assets ({', '.join(names[:3])}) -> remove them first"
        )
    return replace(inventory, sites=left)


def add_asset(inventory: Inventory, asset: Asset) -> Inventory:
    """Add an asset at the end; raises ConflictError if its id is taken, InvalidInputError if it is wrong."""
    return _checked(replace(inventory, assets=_with(inventory.assets, asset, "asset")))


def replace_asset(inventory: Inventory, asset: Asset) -> Inventory:
    """Replace the asset with this id in its place; raises NotFoundError if there is none."""
    return _checked(replace(inventory, assets=_instead(inventory.assets, asset, "asset")))


def remove_asset(inventory: Inventory, asset_id: str) -> Inventory:
    """Remove an asset, also from its groups.

    Raises:
        NotFoundError: If there is none with this id.
        ConflictError: If a group would be left empty.
    """
    left = _without(inventory.assets, asset_id, "asset")
    for group in inventory.groups:
        if group.asset_ids == (asset_id,):
            raise ConflictError(f"asset {asset_id} is the last of group {group.name} -> remove the group first")
    groups = tuple(
        replace(group, asset_ids=tuple(other for other in group.asset_ids if other != asset_id))
        for group in inventory.groups
    )
    return replace(inventory, assets=left, groups=groups)


def add_group(inventory: Inventory, group: Group) -> Inventory:
    """Add a group at the end; raises ConflictError if its id is taken, InvalidInputError if it is wrong."""
    return _checked(replace(inventory, groups=_with(inventory.groups, group, "group")))


def replace_group(inventory: Inventory, group: Group) -> Inventory:
    """Replace the group with this id in its place; raises NotFoundError if there is none."""
    return _checked(replace(inventory, groups=_instead(inventory.groups, group, "group")))


def remove_group(inventory: Inventory, group_id: str) -> Inventory:
    """Remove a group; its assets stay. Raises NotFoundError if there is none with this id."""
    return replace(inventory, groups=_without(inventory.groups, group_id, "group"))


def _with(records: tuple[Record, ...], record: Record, kind: str) -> tuple[Record, ...]:
    if any(other.id == record.id for other in records):
        raise ConflictError(f"there is already a {kind} {record.id} -> replace it, or give the new one its own UUID")
    return records + (record,)  # noqa: RUF005 - a starred tuple loses the type


def _instead(records: tuple[Record, ...], record: Record, kind: str) -> tuple[Record, ...]:
    _find(records, record.id, kind)
    return tuple(record if other.id == record.id else other for other in records)


def _without(records: tuple[Record, ...], identity: str, kind: str) -> tuple[Record, ...]:
    _find(records, identity, kind)
    return tuple(record for record in records if record.id != identity)


def _find(records: tuple[Record, ...], identity: str, kind: str) -> None:
    if all(record.id != identity for record in records):
        raise NotFoundError(f"there is no {kind} {identity} -> see the ids in assets.yaml")


def _checked(inventory: Inventory) -> Inventory:
    check_inventory(inventory)
    return inventory
