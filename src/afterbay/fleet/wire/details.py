"""Fields of an asset's type: `Telemetry.details` on one side, typed messages and the original's map on the other.

A name that the document gives to a type travels in that type's message; so do the original's electrical and
temperature fields (in Fahrenheit there). Every other name travels in the map `extras`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

from afterbay.fleet.wire import agent_pb2 as pb

__all__ = ["read_details", "write_details"]

_Value = float | int | bool | str

_ELECTRICAL = ("voltage_v", "current_a", "dc_bus_v", "dc_bus_a")
_FAHRENHEIT = {
    "temperature_module_c": "temperature_module_f",
    "temperature_ambient_c": "temperature_ambient_f",
}
_MEMBERS = ("storage", "pv", "wind", "ev")
_OF_MEMBER = {
    member: frozenset(pb.Telemetry.DESCRIPTOR.fields_by_name[member].message_type.fields_by_name) for member in _MEMBERS
}
_TEXTS = frozenset({"inverter_state", "curtailment_reason", "turbine_state", "station_state"})
_INT64 = 1 << 63


def write_details(message: pb.Telemetry, asset_type: str, details: Mapping[str, _Value]) -> None:
    """Put the fields of a type where they belong; numbers that are not finite are left out."""
    names = _OF_MEMBER.get(asset_type, frozenset())
    for name, value in details.items():
        if isinstance(value, float) and not isfinite(value):
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name in names and _fits(name, value):
            setattr(getattr(message, asset_type), name, value)
        elif name in _ELECTRICAL and number:
            setattr(message, name, value)
        elif name in _FAHRENHEIT and number:
            setattr(message, _FAHRENHEIT[name], float(value) * 1.8 + 32.0)
        else:
            _write_extra(message.extras[name], value)


def read_details(message: pb.Telemetry) -> dict[str, _Value]:
    """Return the fields of a type by name, in a fixed order: typed, electrical, temperatures, extras by name."""
    found: dict[str, _Value] = {}
    for member in _MEMBERS:
        if message.HasField(member):
            _add(found, ((field.name, value) for field, value in getattr(message, member).ListFields()))
    _add(found, ((name, getattr(message, name)) for name in _ELECTRICAL if message.HasField(name)))
    _add(found, (
        (name, (getattr(message, wire) - 32.0) / 1.8) for name, wire in _FAHRENHEIT.items() if message.HasField(wire)
    ))  # fmt: skip
    if message.extras:
        _add(found, ((name, _read_extra(value)) for name, value in sorted(message.extras.items())))
    return found


def _fits(name: str, value: _Value) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "active_sessions":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2 * _INT64
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _write_extra(extra: pb.TelemetryValue, value: _Value) -> None:
    if isinstance(value, bool):
        extra.bool = value
    elif isinstance(value, int) and -_INT64 <= value < _INT64:
        extra.i64 = value
    elif isinstance(value, int) and 0 <= value < 2 * _INT64:
        extra.u64 = value
    elif isinstance(value, str):
        extra.string = value
    else:
        extra.f64 = float(value)


def _read_extra(extra: pb.TelemetryValue) -> _Value | None:
    kind = extra.WhichOneof("value")
    return getattr(extra, kind) if kind else None


def _add(found: dict[str, _Value], pairs: Iterable[tuple[str, _Value | None]]) -> None:
    for name, value in pairs:
        if value is None or (isinstance(value, float) and not isfinite(value)):
            continue
        found[name.replace("\x00", "")] = value.replace("\x00", "") if isinstance(value, str) else value
