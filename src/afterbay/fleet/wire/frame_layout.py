"""Numbers and kinds of the fields of a sample, as compiled code needs them; `agent.proto` is where they come from."""

from __future__ import annotations

from typing import Final

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

from afterbay.fleet.wire import agent_pb2 as pb

__all__ = [
    "ASSET_ID",
    "BYTES",
    "COLUMNS",
    "CURRENT_MW",
    "END",
    "EXTRAS",
    "FIELDS",
    "FIXED32",
    "FIXED64",
    "IS_FINITE",
    "KINDS",
    "MESSAGES",
    "MOMENT",
    "NAME",
    "NAME_END",
    "NUMBER",
    "SEQ",
    "START",
    "TIMESTAMP_US",
    "VARINT",
    "field_number",
]

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_KIND_OF = {
    FieldDescriptor.TYPE_DOUBLE: FIXED64,
    FieldDescriptor.TYPE_STRING: BYTES,
    FieldDescriptor.TYPE_MESSAGE: BYTES,
    FieldDescriptor.TYPE_UINT64: VARINT,
    FieldDescriptor.TYPE_INT64: VARINT,
    FieldDescriptor.TYPE_BOOL: VARINT,
    FieldDescriptor.TYPE_ENUM: VARINT,
}
_DESCRIPTORS = pb.Telemetry.DESCRIPTOR.fields

FIELDS: Final = 1 + max(field.number for field in _DESCRIPTORS)
"""One more than the highest field number of a sample."""

KINDS: Final = np.full(FIELDS, 255, np.uint8)
"""How each field travels, shape (FIELDS,); 255: there is none of this number."""
for _field in _DESCRIPTORS:
    KINDS[_field.number] = _KIND_OF[_field.type]

MESSAGES: Final = np.zeros(FIELDS, np.uint8)
"""1: what this field has inside is for protobuf to check, shape (FIELDS,)."""
for _field in _DESCRIPTORS:
    MESSAGES[_field.number] = _field.type == FieldDescriptor.TYPE_MESSAGE

# Columns of the table of a frame's samples: where a sample and its asset's id are, and what is decided by.
START: Final = 0
END: Final = 1
NAME: Final = 2
NAME_END: Final = 3
NUMBER: Final = 4
MOMENT: Final = 5
IS_FINITE: Final = 6
COLUMNS: Final = 7


def field_number(name: str) -> int:
    """Return the number of a field of a sample."""
    return int(pb.Telemetry.DESCRIPTOR.fields_by_name[name].number)


ASSET_ID: Final = field_number("asset_id")
CURRENT_MW: Final = field_number("current_mw")
SEQ: Final = field_number("seq")
TIMESTAMP_US: Final = field_number("timestamp_us")
EXTRAS: Final = field_number("extras")
