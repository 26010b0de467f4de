"""Telemetry batches as they came over the wire, taken apart in compiled loops.

Bytes are arrays of uint8; a varint comes as int64, as its bits stand. Nothing here reads beyond where it is told to
end, whatever the bytes say. Whatever is unusual is left to protobuf: this knows a part of the format, and what it
knows it knows exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afterbay.core.compiled import Indices, njit
from afterbay.fleet.wire.frame_layout import (
    ASSET_ID,
    BYTES,
    CURRENT_MW,
    END,
    EXTRAS,
    FIELDS,
    FIXED32,
    FIXED64,
    IS_FINITE,
    KINDS,
    MESSAGES,
    MOMENT,
    NAME,
    NAME_END,
    NUMBER,
    SEQ,
    START,
    TIMESTAMP_US,
    VARINT,
)

__all__ = ["Bytes", "is_finite", "list_extras", "name_of_extra", "read_sample", "read_varint", "scan_batch"]

Bytes = NDArray[np.uint8]

_LONGEST_VARINT = 10
_USUAL = 5
"""Bytes of a length or of a batch's number, below which it is what protobuf accepts."""


@njit
def read_varint(raw: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return a varint and where it ends; -1: it does not end."""
    value, shift = np.int64(0), 0
    while at < end and shift < 64:
        byte = np.int64(raw[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return int(value), at
        shift += 7
    return int(value), -1


@njit
def scan_batch(raw: Bytes, at: int, end: int, table: Indices) -> tuple[int, int, int, bool]:
    """Write a row for each sample of a batch.

    Args:
        raw: The message.
        at: Where the batch starts.
        end: Where it ends.
        table: Is filled, shape (at least half the bytes of the batch, COLUMNS).

    Returns:
        Number of samples (-1: this batch is unusual), the batch's number, whether it is a replay, and whether all of
        it is proven to be what protobuf accepts; if not, protobuf has to be asked.
    """
    count, batch_seq, replay, is_proven = 0, 0, 0, True
    while at < end:
        tag = raw[at]
        begin = at + 1
        size, at = read_varint(raw, begin, end)
        if at < 0:
            return -1, 0, 0, False
        # Of a number that takes ten bytes, or of a length that takes more than it needs, protobuf knows the rules.
        is_proven = is_proven and at - begin < _USUAL
        if tag == (1 << 3 | BYTES):
            if size < 0 or size > end - at:
                return -1, 0, 0, False
            is_read, is_known = scan_sample(raw, at, at + size, table[count])
            if not is_read:
                return -1, 0, 0, False
            is_proven = is_proven and is_known
            count += 1
            at += size
        elif tag == (2 << 3 | VARINT):
            batch_seq = size
        elif tag == (3 << 3 | VARINT):
            replay = size
        else:
            return -1, 0, 0, False
    return count, batch_seq, replay, is_proven


@njit
def scan_sample(raw: Bytes, at: int, end: int, row: Indices) -> tuple[bool, bool]:
    """Write the row of one sample; returns whether it could be read, and whether protobuf need not be asked."""
    row[START] = at
    row[END] = end
    row[NAME] = row[NAME_END] = at
    row[NUMBER] = row[MOMENT] = 0
    row[IS_FINITE] = 1
    is_known = True
    while at < end:
        tag = int(np.int64(raw[at]))
        at += 1
        if tag > 127:
            # Field numbers from 16 on take two bytes; more than that is unusual.
            if at >= end or raw[at] == 0 or raw[at] > 127:
                return False, False
            tag = (tag & 127) | int(np.int64(raw[at])) << 7
            at += 1
        number, kind = tag >> 3, tag & 7
        is_field = number < FIELDS and bool(kind == KINDS[number])
        is_known = is_known and is_field
        if kind == VARINT:
            begin = at
            value, at = read_varint(raw, begin, end)
            if at < 0:
                return False, False
            is_known = is_known and at - begin < _LONGEST_VARINT
            if number == SEQ:
                row[NUMBER] = value
            elif number == TIMESTAMP_US:
                row[MOMENT] = value
        elif kind == FIXED64:
            if end - at < 8:
                return False, False
            if number == CURRENT_MW:
                row[IS_FINITE] = is_finite(raw, at)
            at += 8
        elif kind == BYTES:
            begin = at
            size, at = read_varint(raw, begin, end)
            if at < 0 or size < 0 or size > end - at:
                return False, False
            is_known = is_known and at - begin < _USUAL
            if number == ASSET_ID:
                row[NAME] = at
                row[NAME_END] = at + size
            text, bits = raw[at : at + size], np.uint8(0)
            for offset in range(len(text)):  # counted from 0: many bytes at once
                bits |= text[offset]
            # Letters beyond ASCII are right or wrong UTF-8, and messages have fields of their own.
            if number == EXTRAS:
                is_known = is_known and name_of_extra(raw, at, at + size) >= 0
            else:
                is_known = is_known and bool(bits < 128) and bool(MESSAGES[number % FIELDS] == 0)
            at += size
        else:
            return False, False
    return True, is_known


@njit
def name_of_extra(raw: Bytes, at: int, end: int) -> int:
    """Return the length of the name in an entry of `extras` that holds a double; -1: it is not just that.

    The name starts two bytes after `at`, the double eight bytes before `end`.
    """
    size = end - at - 13
    if size < 0 or raw[at] != 10 or raw[at + 1] != size or size > 127:
        return -1
    if raw[end - 11] != 18 or raw[end - 10] != 9 or raw[end - 9] != 9:
        return -1
    for offset in range(at + 2, at + 2 + size):
        if raw[offset] == 0 or raw[offset] > 127:
            return -1
    return size


@njit
def list_extras(raw: Bytes, at: int, end: int, entries: Indices) -> int:
    """Write where the name of each extra starts and ends, and where its double starts, shape (any, 3).

    Returns:
        Number of extras; -1: too many, or there are others than doubles.
    """
    count = 0
    while at < end:
        tag, at = read_varint(raw, at, end)
        kind = tag & 7
        if at < 0:
            return -1
        if kind == BYTES:
            size, at = read_varint(raw, at, end)
            if at < 0 or size < 0 or size > end - at:
                return -1
            if tag == (EXTRAS << 3 | BYTES):
                name = name_of_extra(raw, at, at + size)
                if name < 0 or count == len(entries):
                    return -1
                entries[count, 0] = at + 2
                entries[count, 1] = at + 2 + name
                entries[count, 2] = at + size - 8
                count += 1
            at += size
        elif kind == VARINT:
            _, at = read_varint(raw, at, end)
            if at < 0:
                return -1
        else:
            at += 8 if kind == FIXED64 else 4
    return count


@njit
def read_sample(raw: Bytes, at: int, end: int, place: Indices, value: Indices) -> bool:
    """Note the fields of one sample by number; of a repeated one the last, as protobuf does.

    Args:
        raw: The message.
        at: Where the sample starts.
        end: Where it ends.
        place: Where each field's value starts, -1 for what is absent, shape (FIELDS,).
        value: What a varint says, or the length of what has one, shape (FIELDS,); only beside a place.

    Returns:
        False: this sample is unusual.
    """
    for number in range(FIELDS):
        place[number] = -1
    while at < end:
        tag, at = read_varint(raw, at, end)
        if at < 0:
            return False
        number, kind = tag >> 3, tag & 7
        found, size = at, 8
        if kind == VARINT:
            size, at = read_varint(raw, at, end)
        elif kind == FIXED64:
            at += 8
        elif kind == BYTES:
            size, found = read_varint(raw, at, end)
            at = -1 if found < 0 or size < 0 or size > end - found else found + size
        elif kind == FIXED32:
            at += 4
        else:
            return False
        if at < 0 or at > end:
            return False
        if 0 < number < FIELDS and kind == KINDS[number]:
            place[number] = found
            value[number] = size
    return True


@njit
def is_finite(raw: Bytes, at: int) -> bool:
    """Is the double that starts here neither infinite nor NaN?"""
    return bool(raw[at + 7] & 0x7F != 0x7F or raw[at + 6] & 0xF0 != 0xF0)
