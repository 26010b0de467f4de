"""Where each column of a sample comes from, for compiled code that packs frames."""

from __future__ import annotations

from typing import Final

import numpy as np

from afterbay.fleet.inventory.records import ASSET_TYPES
from afterbay.fleet.wire.frame_layout import field_number
from afterbay.fleet.wire.telemetry import ORIGINS, QUALITIES

__all__ = [
    "ASSET_TYPE", "AVAILABLE", "CYCLES", "CYCLE_COUNT", "DETAILS", "ENERGY", "FAULT_CODE", "FIRST_ORIGIN",
    "FIRST_TYPE", "LEASE_ID", "LIMITED_BY", "LONGEST_WORD", "MAX_MW", "MIN_MW", "MOST_EXTRAS", "OFFLINE", "ORIGIN",
    "PG_EPOCH_US", "QUALITY", "REPLAYED", "ROOM", "SETPOINT_MW", "SITE_ID", "SOH_PCT", "STATE", "STATUS", "STORAGE",
    "TEMPERATURE_C", "TEMPERATURE_F", "UNCERTAIN", "UNKNOWN", "WORDS", "WORD_ENDS",
]  # fmt: skip

SITE_ID: Final = field_number("site_id")
STATUS: Final = field_number("status")
ASSET_TYPE: Final = field_number("asset_type")
OFFLINE: Final = field_number("offline")
FAULT_CODE: Final = field_number("fault_code")
LIMITED_BY: Final = field_number("limited_by")
QUALITY: Final = field_number("quality")
ORIGIN: Final = field_number("origin")
LEASE_ID: Final = field_number("lease_id")
SETPOINT_MW: Final = field_number("setpoint_mw")
MAX_MW: Final = field_number("max_mw")
MIN_MW: Final = field_number("min_mw")
TEMPERATURE_C: Final = field_number("temperature_c")
TEMPERATURE_F: Final = field_number("temperature_cell_f")
SOH_PCT: Final = field_number("soh_pct")
CYCLES: Final = field_number("cycles")
CYCLE_COUNT: Final = field_number("cycle_count")

STATE: Final = tuple(field_number(name) for name in ("soc_mwhr", "soc_pct", "capacity_mwhr"))
ENERGY: Final = tuple(field_number(name) for name in ("energy_in_mwh", "energy_out_mwh"))
AVAILABLE: Final = tuple(field_number(name) for name in ("available_charge_kw", "available_discharge_kw"))

DETAILS: Final = tuple(
    field_number(name)
    for name in (
        "voltage_v", "current_a", "dc_bus_v", "dc_bus_a", "temperature_module_f", "temperature_ambient_f",
        "storage", "pv", "wind", "ev",
    )
)  # fmt: skip
"""A sample with one of these has `details` that compiled code does not read."""
MOST_EXTRAS: Final = 8
"""Details of a sample that it does read."""

PG_EPOCH_US: Final = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts [us since 1970]."""
LONGEST_WORD: Final = 200
ROOM: Final = 400
"""Bytes of a packed row besides those of its texts, at most."""

_WORDS = tuple(word.encode() for word in (*QUALITIES, *ORIGINS, *ASSET_TYPES))
WORDS: Final = np.frombuffer(b"".join(_WORDS), np.uint8).copy()
"""Texts that a sample has as numbers, one after the other: qualities, origins, types."""
WORD_ENDS: Final = np.cumsum([0, *map(len, _WORDS)], dtype=np.int64)
"""Shape (n + 1,); the first is 0."""
UNCERTAIN: Final = QUALITIES.index("uncertain")
FIRST_ORIGIN: Final = len(QUALITIES)
UNKNOWN: Final = FIRST_ORIGIN + ORIGINS.index("unknown")
REPLAYED: Final = FIRST_ORIGIN + ORIGINS.index("replay")
FIRST_TYPE: Final = FIRST_ORIGIN + len(ORIGINS)
STORAGE: Final = FIRST_TYPE + ASSET_TYPES.index("storage")
