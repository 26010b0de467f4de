"""Samples between records and protobuf: one at a time, and as plain rows for a table.

A sample of the original has no `seq`. It writes no zeros, so an absent core number of it is 0; an absent number
of ours is not known. Numbers that are not finite are treated as absent: NaN never gets any further than here.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from math import inf
from typing import Any, cast

from afterbay.fleet.inventory.records import ASSET_TYPES
from afterbay.fleet.messages import Telemetry
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.details import read_details, write_details
from afterbay.fleet.wire.times import from_micros, from_text, to_micros, to_text

__all__ = [
    "COLUMNS",
    "ORIGINS",
    "QUALITIES",
    "brief_record",
    "fill_telemetry",
    "telemetry_message",
    "telemetry_record",
    "telemetry_values",
]

COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(Telemetry))
"""Names of a row's values: those of `Telemetry`, in its order."""

QUALITIES: tuple[str, ...] = ("good", "uncertain", "bad", "stale")
"""In the order of their numbers on the wire."""
ORIGINS: tuple[str, ...] = ("unknown", "device", "simulated", "replay")
"""In the order of their numbers on the wire."""
_KNOWN_TYPES = frozenset(ASSET_TYPES)


def telemetry_message(sample: Telemetry, *, compact: bool = False) -> pb.Telemetry:
    """Return the sample for the wire; `compact` leaves out the text of its time, for a batch."""
    return fill_telemetry(pb.Telemetry(), sample, compact=compact)


def fill_telemetry(message: pb.Telemetry, sample: Telemetry, *, compact: bool) -> pb.Telemetry:
    """Write the sample into an empty message and return it."""
    message.asset_id = sample.asset_id
    message.site_id = sample.site_id
    message.timestamp_us = to_micros(sample.timestamp)
    if not compact:
        message.timestamp = to_text(sample.timestamp)
    message.current_mw = sample.mw
    message.max_mw = sample.max_mw
    message.min_mw = sample.min_mw
    message.status = sample.status
    message.seq = sample.seq
    _fill_known(message, sample)
    if sample.site_name:
        message.site_name = sample.site_name
    if sample.asset_type != "storage":
        message.asset_type = sample.asset_type
    if not sample.online:
        message.offline = True
    if sample.quality != "good":
        message.quality = cast(Any, QUALITIES.index(sample.quality))
    message.origin = cast(Any, ORIGINS.index(sample.origin))
    if sample.fault_code is not None:
        message.fault_code = sample.fault_code
    if sample.limited_by is not None:
        message.limited_by = sample.limited_by
    if sample.lease_id is not None:
        message.lease_id = sample.lease_id
    if sample.details:
        write_details(message, sample.asset_type, sample.details)
    return message


def telemetry_record(message: pb.Telemetry, *, replay: bool = False, received_at: datetime | None = None) -> Telemetry:
    """Return a sample as a record; `replay` marks one that comes late from a spool.

    Raises:
        InvalidInputError: Its time cannot be read.
    """
    return Telemetry(*telemetry_values(message, replay=replay, received_at=received_at))


def telemetry_values(
    message: pb.Telemetry, *, replay: bool = False, received_at: datetime | None = None
) -> tuple[Any, ...]:
    """Return the values of a sample in the order of `COLUMNS`.

    Raises:
        InvalidInputError: Its time cannot be read.
    """
    has = message.HasField
    absent = None if message.seq else 0.0
    micros = message.timestamp_us
    quality, origin = message.quality, message.origin
    kind = message.asset_type
    return (
        message.asset_id,
        message.site_id,
        from_micros(micros) if micros else from_text(message.timestamp),
        _finite(message.current_mw) or 0.0,
        _finite(message.setpoint_mw) if has("setpoint_mw") else absent,
        _finite(message.max_mw) or 0.0,
        _finite(message.min_mw) or 0.0,
        _text(message.status),
        _finite(message.soc_mwhr) if has("soc_mwhr") else absent,
        _finite(message.soc_pct) if has("soc_pct") else absent,
        _finite(message.capacity_mwhr) if has("capacity_mwhr") else absent,
        _text(message.site_name),
        kind if kind in _KNOWN_TYPES else "storage",
        not message.offline,
        _text(message.fault_code) or None,
        _text(message.limited_by) or None,
        QUALITIES[quality] if 0 <= quality < len(QUALITIES) else "uncertain",
        "replay" if replay else (ORIGINS[origin] if 0 <= origin < len(ORIGINS) else "unknown"),
        message.seq,
        _text(message.lease_id) or None,
        _finite(message.energy_in_mwh) if has("energy_in_mwh") else None,
        _finite(message.energy_out_mwh) if has("energy_out_mwh") else None,
        _thousandth(message.available_charge_kw) if has("available_charge_kw") else None,
        _thousandth(message.available_discharge_kw) if has("available_discharge_kw") else None,
        _temperature(message),
        _finite(message.soh_pct) if has("soh_pct") else None,
        _cycles(message),
        read_details(message),
        received_at,
    )


def brief_record(message: pb.Telemetry) -> Telemetry:
    """Return only what a decision about power needs (power, energy, availability, status): four times as fast."""
    has = message.HasField
    absent = None if message.seq else 0.0
    micros = message.timestamp_us
    return Telemetry(
        message.asset_id,
        message.site_id,
        from_micros(micros) if micros else from_text(message.timestamp),
        _finite(message.current_mw) or 0.0,
        _finite(message.setpoint_mw) if has("setpoint_mw") else absent,
        _finite(message.max_mw) or 0.0,
        _finite(message.min_mw) or 0.0,
        _text(message.status),
        _finite(message.soc_mwhr) if has("soc_mwhr") else absent,
        _finite(message.soc_pct) if has("soc_pct") else absent,
        online=not message.offline,
        seq=message.seq,
        available_charge_mw=_thousandth(message.available_charge_kw) if has("available_charge_kw") else None,
        available_discharge_mw=_thousandth(message.available_discharge_kw) if has("available_discharge_kw") else None,
    )


def _fill_known(message: pb.Telemetry, sample: Telemetry) -> None:
    """Write the numbers that may be unknown; with a sequence number absence says so."""
    for wire, value in (
        ("setpoint_mw", sample.setpoint_mw),
        ("soc_mwhr", sample.soc_mwh),
        ("soc_pct", sample.soc_pct),
        ("capacity_mwhr", sample.capacity_mwh),
        ("energy_in_mwh", sample.energy_in_mwh),
        ("energy_out_mwh", sample.energy_out_mwh),
        ("soh_pct", sample.soh_pct),
    ):
        if value is not None:
            setattr(message, wire, value)
    if sample.available_charge_mw is not None:
        message.available_charge_kw = sample.available_charge_mw * 1000.0
    if sample.available_discharge_mw is not None:
        message.available_discharge_kw = sample.available_discharge_mw * 1000.0
    if sample.temperature_c is not None:
        message.temperature_c = sample.temperature_c
        message.temperature_cell_f = sample.temperature_c * 1.8 + 32.0
    if sample.cycle_count is not None:
        message.cycles = sample.cycle_count
        message.cycle_count = max(int(sample.cycle_count), 0)


def _finite(value: float) -> float | None:
    return value if -inf < value < inf else None


def _thousandth(value: float) -> float | None:
    return value / 1000.0 if -inf < value < inf else None


def _text(value: str) -> str:
    # PostgreSQL refuses NUL in text, and one such sample would hold up all others.
    return value.replace("\x00", "") if "\x00" in value else value


def _temperature(message: pb.Telemetry) -> float | None:
    if message.HasField("temperature_c"):
        return _finite(message.temperature_c)
    if message.HasField("temperature_cell_f"):
        return _finite((message.temperature_cell_f - 32.0) / 1.8)
    return None


def _cycles(message: pb.Telemetry) -> float | None:
    if message.HasField("cycles"):
        return _finite(message.cycles)
    return float(message.cycle_count) if message.HasField("cycle_count") else None
