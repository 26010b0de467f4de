"""Turns the nodes of an asset into telemetry, and telemetry into nodes. What a node does not say is None."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, cast

from afterbay.fleet.devices.opcua_fields import FIELDS
from afterbay.fleet.devices.sample_words import power_status
from afterbay.fleet.messages import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from afterbay.fleet.devices.opcua_mapping import NodeUse
    from afterbay.fleet.devices.opcua_nodes import AssetNodes
    from afterbay.fleet.devices.opcua_session import NodeValue
    from afterbay.fleet.messages import Quality

__all__ = ["field_values", "sample"]

_ORDER: Final = ("good", "uncertain", "bad")
_F_PER_C: Final = 1.8
_F_AT_0_C: Final = 32.0

Value = float | int | bool | str


def sample(
    nodes: AssetNodes, site_name: str, said: Mapping[str, NodeValue], lease_id: str | None, now: datetime
) -> Telemetry | None:
    """Return a sample, or None when its power is not known.

    A bad node other than the power is left out and makes the sample uncertain. The time is the latest source time
    of the nodes that were read: servers keep the source time of a value that does not change.

    Args:
        nodes: Of the asset.
        site_name: For the telemetry.
        said: What each node said.
        lease_id: Command in force.
        now: Taken where no node has a time of its own.
    """
    found: dict[str, Value | None] = {}
    details: dict[str, Value] = {}
    worst = "good"
    times: list[datetime] = []
    for name, use in (*nodes.telemetry.items(), *nodes.details.items()):
        answer = said[use.node]
        field = FIELDS.get(name)
        value = None if answer.quality == "bad" else _number(answer.value, use, text=field is None or field.text)
        quality: Quality = answer.quality if value is not None else "bad"
        worst = _ORDER[max(_ORDER.index(worst), min(_ORDER.index(quality), 1))]
        if value is None:
            continue
        if answer.timestamp is not None:
            times.append(answer.timestamp)
        if field is None:
            details[name] = value
        elif field.attribute:
            found[field.attribute] = _ours(name, value)
        else:
            details[field.detail or name] = _ours(name, value)
    mw = found.get("mw")
    if not isinstance(mw, (int, float)):
        return None
    asset = nodes.asset
    fields: dict[str, Any] = {"max_mw": asset.max_mw, "min_mw": asset.min_mw, "setpoint_mw": None, **found}
    fields["status"] = str(found.get("status") or power_status(mw, asset)).strip().lower()
    fields["fault_code"] = str(found["fault_code"]) if found.get("fault_code") else None
    return Telemetry(
        asset_id=asset.id,
        site_id=asset.site_id,
        site_name=site_name,
        timestamp=max(times, default=now),
        asset_type=asset.asset_type,
        quality=cast("Quality", worst),
        origin="device",
        lease_id=lease_id,
        details=details,
        **fields,
    )


def field_values(nodes: AssetNodes, of: Telemetry) -> list[tuple[str, Value]]:
    """Return what to write into each node of an asset, in the node's own unit; what is not known is left out."""
    found: list[tuple[str, Value]] = []
    for name, use in (*nodes.telemetry.items(), *nodes.details.items()):
        field = FIELDS.get(name)
        if field is not None and field.attribute:
            value = getattr(of, field.attribute)
        else:
            value = of.details.get((field.detail or name) if field is not None else name)
        if value is None:
            # A fault that is over leaves its node empty; a number that is not known leaves its node as it is.
            if field is not None and field.text:
                found.append((use.node, ""))
            continue
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = (_theirs(name, value) if field is not None else value) / use.scale
        found.append((use.node, value))
    return found


def _ours(name: str, value: Value) -> Value:
    """Return a field's value in the unit of our telemetry."""
    if isinstance(value, (str, bool)):
        return value
    field = FIELDS[name]
    return (value - _F_AT_0_C) / _F_PER_C if field.unit == "degF" else value * field.factor


def _theirs(name: str, value: float) -> float:
    field = FIELDS[name]
    return value * _F_PER_C + _F_AT_0_C if field.unit == "degF" else value / field.factor


def _number(value: Any, use: NodeUse, *, text: bool) -> Value | None:
    """Return a finite number, scaled; where text is welcome also text, and truth as it is."""
    if isinstance(value, bool):
        return value if text else None
    if isinstance(value, str):
        if text:
            return value
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value if use.scale == 1.0 else value * use.scale
