"""What is operated: sites, assets and groups, read from `assets.yaml` and written back to it.

`read_inventory` reads a file, or returns the default set when none is meant; a broken file is an error with
line, key, got and allowed, for every problem at once. `find_inventory` says which file is meant. The edits
(`add_asset` and so on) are pure; `write_inventory` replaces the file in one step.
"""

from afterbay.fleet.inventory.checks import check_inventory
from afterbay.fleet.inventory.defaults import default_inventory
from afterbay.fleet.inventory.editing import (
    add_asset,
    add_group,
    add_site,
    remove_asset,
    remove_group,
    remove_site,
    replace_asset,
    replace_group,
    replace_site,
)
from afterbay.fleet.inventory.reading import find_inventory, read_asset, read_group, read_inventory, read_site
from afterbay.fleet.inventory.records import ASSET_TYPES, Asset, AssetType, Group, Inventory, Site, ThermalModel
from afterbay.fleet.inventory.writing import inventory_text, to_entry, write_inventory

__all__ = [
    "ASSET_TYPES",
    "Asset",
    "AssetType",
    "Group",
    "Inventory",
    "Site",
    "ThermalModel",
    "add_asset",
    "add_group",
    "add_site",
    "check_inventory",
    "default_inventory",
    "find_inventory",
    "inventory_text",
    "read_asset",
    "read_group",
    "read_inventory",
    "read_site",
    "remove_asset",
    "remove_group",
    "remove_site",
    "replace_asset",
    "replace_group",
    "replace_site",
    "to_entry",
    "write_inventory",
]
