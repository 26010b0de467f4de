"""Compares the units and ranges that a server tells with those that the mapping means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from afterbay.fleet.devices.opcua_fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.core.errors import Problems
    from afterbay.fleet.devices.opcua_mapping import NodeUse
    from afterbay.fleet.inventory.records import Asset

__all__ = ["UnitUse", "check_ranges", "check_units", "uses_with_units"]

UnitUse = tuple[str, str, "NodeUse"]
"""Place in the mapping, unit that is meant, and the node."""

# Quantity and size of each unit, under the names that servers show and the codes of UNECE Recommendation 20.
_SIZES: Final = {
    "W": ("power", 1e-6), "kW": ("power", 1e-3), "MW": ("power", 1.0), "GW": ("power", 1e3),
    "Wh": ("energy", 1e-6), "kWh": ("energy", 1e-3), "MWh": ("energy", 1.0), "GWh": ("energy", 1e3),
    "%": ("share", 1.0), "V": ("voltage", 1.0), "kV": ("voltage", 1e3), "A": ("current", 1.0), "kA": ("current", 1e3),
    "degC": ("Celsius", 1.0), "degF": ("Fahrenheit", 1.0),
}  # fmt: skip
_NAMES: Final = {
    "\N{DEGREE SIGN}C": "degC", "\N{DEGREE SIGN}F": "degF", "C": "degC", "F": "degF", "MWhr": "MWh", "kWhr": "kWh",
    "percent": "%", "pct": "%",
}  # fmt: skip
_CODES: Final = {
    "WTT": "W", "KWT": "kW", "MAW": "MW", "WHR": "Wh", "KWH": "kWh", "MWH": "MWh", "GWH": "GWh", "P1": "%",
    "VLT": "V", "KVT": "kV", "AMP": "A", "CEL": "degC", "FAH": "degF",
}  # fmt: skip
_BY_NUMBER: Final = {int.from_bytes(code.encode("ascii"), "big"): unit for code, unit in _CODES.items()}
_TOLERANCE: Final = 1e-6
_FAR: Final = 100.0


def uses_with_units(place: str, nodes: Sequence[tuple[str, NodeUse]]) -> list[UnitUse]:
    """Return what is meant by each node whose field has a unit."""
    return [(f"{place}.{name}", FIELDS[name].unit, use) for name, use in nodes if name in FIELDS and FIELDS[name].unit]


def check_units(source: str, uses: Sequence[UnitUse], told: Sequence[Any], problems: Problems) -> None:
    """Note every node whose own unit, times its scale, is not the unit that is meant.

    Args:
        source: Names the mapping.
        uses: What is meant.
        told: `EngineeringUnits` of each node, or None where it has none; an unknown unit is not judged.
        problems: Takes what is wrong.
    """
    for (place, meant, use), answer in zip(uses, told, strict=True):
        unit = _unit(answer)
        if unit is None:
            continue
        (quantity, size), (wanted, base) = _SIZES[unit], _SIZES[meant]
        where = f"{source}: {place} ({use.node})"
        if quantity != wanted:
            problems.add(where, f"a node in {unit}", f"a {wanted} in {meant}", "map the right node")
        elif abs(abs(use.scale) * base / size - 1.0) > _TOLERANCE:
            problems.add(
                where, f"a node in {unit} with scale {use.scale:g}", f"scale: {size / base:g} to get {meant}",
                f"write {{node: ..., scale: {size / base:g}}}",
            )  # fmt: skip


def check_ranges(source: str, asset: Asset, use: NodeUse, told: Any, problems: Problems) -> None:
    """Note a setpoint whose range is a hundred times too wide or too narrow for the asset: a unit is mistaken."""
    low, high = getattr(told, "Low", None), getattr(told, "High", None)
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return
    reach_mw = max(abs(low), abs(high)) * abs(use.scale)
    largest_mw = max(abs(asset.max_mw), abs(asset.min_mw))
    if reach_mw > 0.0 and largest_mw > 0.0 and not 1.0 / _FAR < reach_mw / largest_mw < _FAR:
        problems.add(
            f"{source}: setpoint of {asset.name} ({use.node})",
            f"a range of {low:g} to {high:g} with scale {use.scale:g}",
            f"about {asset.min_mw:g} to {asset.max_mw:g} MW",
            "give the scale that turns the node's number into MW",
        )


def _unit(answer: Any) -> str | None:
    name = getattr(getattr(answer, "DisplayName", None), "Text", None) or ""
    name = _NAMES.get(name.strip(), name.strip())
    return name if name in _SIZES else _BY_NUMBER.get(getattr(answer, "UnitId", None) or -1)
