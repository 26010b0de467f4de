"""Lays a mapping beside the assets: which nodes each asset has, and every way in which two could meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterbay.core.errors import Problems
from afterbay.fleet.devices.opcua_fields import FIELDS, POWER_FIELDS
from afterbay.fleet.inventory.words import suggest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from afterbay.fleet.devices.opcua_mapping import NodeUse, OpcuaMapping
    from afterbay.fleet.inventory.records import Asset

__all__ = ["AssetNodes", "nodes_of_assets"]


@dataclass(frozen=True, slots=True)
class AssetNodes:
    """The nodes of one asset."""

    asset: Asset
    setpoint: NodeUse | None
    """Where its power is written; None: it cannot be commanded."""
    telemetry: Mapping[str, NodeUse]
    """By field of the wire."""
    details: Mapping[str, NodeUse]
    """Everything else that is read, by the name it gets."""


def nodes_of_assets(
    mapping: OpcuaMapping, assets: Sequence[Asset], known_ids: Collection[str] = ()
) -> tuple[AssetNodes, ...]:
    """Return the nodes of each asset.

    Args:
        mapping: As it was read.
        assets: Those behind this server.
        known_ids: Ids of all assets of the inventory: a mapping may serve several gateways.

    Raises:
        InvalidInputError: A node would be written for two assets, or serve two as their own power; an asset is
            unknown, or is read without its power.
    """
    problems = Problems()
    known = {*known_ids, *(asset.id for asset in assets)}
    for place, ids in (("setpoints", mapping.setpoints), ("telemetry_assets", mapping.telemetry_assets)):
        for asset_id in ids:
            if asset_id not in known:
                move = suggest(asset_id, known, "take the id from assets.yaml")
                problems.add(f"{mapping.source}: {place}.{asset_id}", "an unknown asset", "ids of assets.yaml", move)
    found = tuple(_nodes(mapping, asset) for asset in assets)
    _check_shared(mapping, found, problems)
    if not mapping.write_sim:
        for each in found:
            if (each.telemetry or each.details) and not set(POWER_FIELDS) & set(each.telemetry):
                where = f"{mapping.source}: telemetry of {each.asset.name}"
                problems.add(where, "no current_mw", "current_mw among its nodes", "map the node of its power")
    problems.raise_if_any()
    return found


def _nodes(mapping: OpcuaMapping, asset: Asset) -> AssetNodes:
    own = mapping.telemetry_assets.get(asset.id)
    nodes = mapping.default_telemetry if own is None else own
    return AssetNodes(
        asset,
        mapping.setpoints.get(asset.id, mapping.default_setpoint),
        {name: use for name, use in nodes.items() if name in FIELDS},
        {name: use for name, use in nodes.items() if name not in FIELDS},
    )


def _check_shared(mapping: OpcuaMapping, found: Sequence[AssetNodes], problems: Problems) -> None:
    """Note every node that would be written for two assets, or be the power of two."""
    owners: dict[str, dict[str, str]] = {}
    names = {each.asset.id: each.asset.name for each in found}
    for asset_id, use in mapping.setpoints.items():
        owners.setdefault(_key(use), {})[asset_id] = "setpoint"
    for each in found:
        if each.setpoint is not None:
            owners.setdefault(_key(each.setpoint), {})[each.asset.id] = "setpoint"
    for each in found:
        for name, use in (*each.telemetry.items(), *each.details.items()):
            # Its own setpoint may be read back under a field; what another writes may not be written or trusted.
            if mapping.write_sim or name in POWER_FIELDS:
                owners.setdefault(_key(use), {}).setdefault(each.asset.id, name)
    for node, uses in owners.items():
        if len(uses) > 1:
            users = ", ".join(sorted(f"{use} of {names.get(asset_id, asset_id)}" for asset_id, use in uses.items()))
            by_default = mapping.default_setpoint is not None and node == _key(mapping.default_setpoint)
            move = "give every asset its own node"
            if by_default:
                move = "list every asset under setpoints: default_setpoint serves one asset only"
            problems.add(f"{mapping.source}: node {node}", users, "one asset for each node", move)


def _key(use: NodeUse) -> str:
    node = use.node.strip()
    return node if node.startswith("ns=") else f"ns=0;{node}"
