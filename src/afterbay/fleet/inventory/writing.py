"""Writes an inventory back to its file: whole or not at all, in the order of its entries.

The comment lines above the first key are kept; comments further down are lost, for they belong to no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import yaml

from afterbay.core.output_file import write_whole
from afterbay.fleet.inventory.checks import check_inventory
from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site

__all__ = ["inventory_text", "to_entry", "write_inventory"]

_NAMES = {"capacity_mwh": "capacity_mwhr"}
_ALWAYS = ("capacity_mwh", "max_mw", "min_mw", "efficiency", "ramp_rate_mw_per_min")
_HEADER = "# Sites, assets and groups of the fleet. Power in MW, + leaves the asset; efficiency is one way.\n"


class _Row(list[Any]):
    """A list that is written on one line."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes blocks, and rows on one line."""


_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_sequence("tag:yaml.org,2002:seq", row, flow_style=True)
)


def to_entry(record: Site | Asset | Group) -> dict[str, Any]:
    """Return a record under the keys of the file; what has its default is left out."""
    entry: dict[str, Any] = {}
    stores = isinstance(record, Asset) and record.asset_type == "storage"
    for field in fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if (stores and field.name in _ALWAYS) or value != default:
            entry[_NAMES.get(field.name, field.name)] = _plain(value)
    return entry


def inventory_text(inventory: Inventory, header: str = _HEADER) -> str:
    """Return the file's text."""
    document = {
        "sites": [to_entry(site) for site in inventory.sites],
        "assets": [to_entry(asset) for asset in inventory.assets],
    }
    if inventory.groups:
        document["groups"] = [to_entry(group) for group in inventory.groups]
    body = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=False
    )
    return header + body


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Check an inventory and replace its file by it in one step.

    Raises:
        InvalidInputError: If the inventory cannot be operated, or the file cannot be written; the old one stays.
    """
    check_inventory(inventory)
    # A link is followed, so that the file it points to is replaced and not the link.
    target = Path(path).resolve()
    write_whole(target, inventory_text(inventory, _header_of(target)).encode())


def _header_of(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return _HEADER
    header = []
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        header.append(line if line.endswith("\n") else f"{line}\n")
    return "".join(header) if any(line.strip() for line in header) else _HEADER


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        items = [_plain(item) for item in value]
        return items if any(isinstance(item, (str, dict)) for item in items) else _Row(items)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return value
