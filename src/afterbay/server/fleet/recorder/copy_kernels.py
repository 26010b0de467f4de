"""Samples of a frame into tuples of PostgreSQL's binary COPY, in compiled loops.

The same bytes as `encoding.pack_rows` makes of `telemetry_values`, column by column in the same order, without a
value of Python in between. A sample that needs more than this knows (details, an id that is no plain UUID, a text
that is too long) is left to those two. Doubles are turned around byte by byte: machines are little-endian here.
"""

from __future__ import annotations

import numpy as np

from afterbay.core.compiled import Codes, Floats, Indices, inlined, njit
from afterbay.fleet.wire.frame_kernels import Bytes, is_finite, list_extras, read_sample
from afterbay.fleet.wire.frame_layout import ASSET_ID, CURRENT_MW, END, EXTRAS, FIELDS, SEQ, START, TIMESTAMP_US
from afterbay.server.fleet.recorder.copy_layout import (
    ASSET_TYPE,
    AVAILABLE,
    CYCLE_COUNT,
    CYCLES,
    DETAILS,
    ENERGY,
    FAULT_CODE,
    FIRST_ORIGIN,
    FIRST_TYPE,
    LEASE_ID,
    LIMITED_BY,
    LONGEST_WORD,
    MAX_MW,
    MIN_MW,
    MOST_EXTRAS,
    OFFLINE,
    ORIGIN,
    PG_EPOCH_US,
    QUALITY,
    REPLAYED,
    SETPOINT_MW,
    SITE_ID,
    SOH_PCT,
    STATE,
    STATUS,
    STORAGE,
    TEMPERATURE_C,
    TEMPERATURE_F,
    UNCERTAIN,
    UNKNOWN,
    WORD_ENDS,
    WORDS,
)

__all__ = ["pack_samples"]

_COLUMNS = 28
_AFTER_DETAILS = 16
"""Bytes of a row from its details on, while they are NULL."""


@inlined
def _put(out: Bytes, to: int, value: int, size: int) -> int:
    """Write an integer, the highest byte first."""
    for at in range(size):
        out[to + at] = (value >> (8 * (size - 1 - at))) & 255
    return to + size


@njit
def _null(out: Bytes, to: int) -> int:
    return _put(out, to, -1, 4)


@inlined
def _double(out: Bytes, to: int, raw: Bytes, at: int) -> int:
    to = _put(out, to, 8, 4)
    for offset in range(8):
        out[to + offset] = raw[at + 7 - offset]
    return to + 8


@njit
def _zero(out: Bytes, to: int) -> int:
    return _put(out, _put(out, to, 8, 4), 0, 8)


@njit
def _power(out: Bytes, to: int, raw: Bytes, at: int) -> int:
    """Write a number that is 0 when absent, infinite or NaN; there is no negative zero."""
    if at < 0 or not is_finite(raw, at):
        return _zero(out, to)
    for offset in range(7):
        if raw[at + offset] != 0:
            return _double(out, to, raw, at)
    if raw[at + 7] & 127 != 0:
        return _double(out, to, raw, at)
    return _zero(out, to)


@njit
def _known(out: Bytes, to: int, raw: Bytes, at: int, is_zero: bool) -> int:
    """Write a number that may be unknown; absent it is 0 where the original leaves out zeros."""
    if at < 0 and is_zero:
        return _zero(out, to)
    if at < 0 or not is_finite(raw, at):
        return _null(out, to)
    return _double(out, to, raw, at)


@njit
def _read(raw: Bytes, at: int, number: Floats) -> float:
    octets = number.view(np.uint8)
    for offset in range(8):
        octets[offset] = raw[at + offset]
    return float(number[0])


@njit
def _write(out: Bytes, to: int, value: float, number: Floats) -> int:
    number[0] = value
    return _double(out, to, number.view(np.uint8), 0)


@njit
def _word(out: Bytes, to: int, raw: Bytes, at: int, size: int) -> int:
    """Write a text; -1: it is too long, or PostgreSQL refuses it."""
    if size > LONGEST_WORD:
        return -1
    to = _put(out, to, size, 4)
    for offset in range(size):
        octet = raw[at + offset]
        if octet == 0:
            return -1
        out[to + offset] = octet
    return to + size


@njit
def _word_or_null(out: Bytes, to: int, raw: Bytes, at: int, size: int) -> int:
    if at < 0 or size == 0:
        return _null(out, to)
    return _word(out, to, raw, at, size)


@njit
def _named(out: Bytes, to: int, word: int) -> int:
    return _word(out, to, WORDS, WORD_ENDS[word], WORD_ENDS[word + 1] - WORD_ENDS[word])


@njit
def _type(raw: Bytes, at: int, size: int) -> int:
    """Return the word of an asset's type: storage for one that is not known."""
    for word in range(FIRST_TYPE, len(WORD_ENDS) - 1):
        start = WORD_ENDS[word]
        if at >= 0 and WORD_ENDS[word + 1] - start == size:
            same = True
            for offset in range(size):
                if WORDS[start + offset] != raw[at + offset]:
                    same = False
            if same:
                return word
    return STORAGE


@njit
def _digit(octet: int) -> int:
    if 48 <= octet <= 57:
        return octet - 48
    if 97 <= octet <= 102:
        return octet - 87
    if 65 <= octet <= 70:
        return octet - 55
    return -1


@njit
def _uuid(out: Bytes, to: int, raw: Bytes, at: int, size: int) -> int:
    """Write an id; an absent one is NULL, -1: it is not written as 8-4-4-4-12 digits."""
    if at < 0 or size == 0:
        return _null(out, to)
    if size != 36:
        return -1
    to = _put(out, to, 16, 4)
    offset = 0
    while offset < 36:
        if offset in (8, 13, 18, 23):
            if raw[at + offset] != 45:
                return -1
            offset += 1
        high, low = _digit(int(np.int64(raw[at + offset]))), _digit(int(np.int64(raw[at + offset + 1])))
        if high < 0 or low < 0:
            return -1
        out[to] = high << 4 | low
        to += 1
        offset += 2
    return to


@njit
def _pack(raw: Bytes, place: Indices, value: Indices, received: int, replay: bool, out: Bytes, to: int,
          number: Floats) -> int:  # fmt: skip
    """Write one row and return where it ends; -1: it is left to others."""
    seq = value[SEQ] if place[SEQ] >= 0 else 0
    moment = value[TIMESTAMP_US] if place[TIMESTAMP_US] >= 0 else 0
    if seq < 0 or moment <= 0:
        return -1
    is_zero = seq == 0
    to = _put(out, to, _COLUMNS, 2)
    to = _uuid(out, to, raw, place[ASSET_ID], value[ASSET_ID])
    if to >= 0:
        to = _uuid(out, to, raw, place[SITE_ID], value[SITE_ID])
    if to < 0:
        return -1
    to = _put(out, _put(out, to, 8, 4), moment - PG_EPOCH_US, 8)
    to = _power(out, to, raw, place[CURRENT_MW])
    to = _known(out, to, raw, place[SETPOINT_MW], is_zero)
    to = _power(out, to, raw, place[MAX_MW])
    to = _power(out, to, raw, place[MIN_MW])
    to = _word(out, to, raw, place[STATUS], value[STATUS] if place[STATUS] >= 0 else 0)
    if to < 0:
        return -1
    for field in STATE:
        to = _known(out, to, raw, place[field], is_zero)
    to = _named(out, to, _type(raw, place[ASSET_TYPE], value[ASSET_TYPE]))
    is_offline = place[OFFLINE] >= 0 and value[OFFLINE] != 0
    to = _put(out, _put(out, to, 1, 4), 0 if is_offline else 1, 1)
    to = _word_or_null(out, to, raw, place[FAULT_CODE], value[FAULT_CODE])
    if to >= 0:
        to = _word_or_null(out, to, raw, place[LIMITED_BY], value[LIMITED_BY])
    if to < 0:
        return -1
    # An enumeration is the lower half of what its varint says.
    quality = value[QUALITY] & 0xFFFF_FFFF if place[QUALITY] >= 0 else 0
    origin = value[ORIGIN] & 0xFFFF_FFFF if place[ORIGIN] >= 0 else 0
    to = _named(out, to, quality if quality < FIRST_ORIGIN else UNCERTAIN)
    if replay:
        to = _named(out, to, REPLAYED)
    else:
        to = _named(out, to, FIRST_ORIGIN + origin if origin < FIRST_TYPE - FIRST_ORIGIN else UNKNOWN)
    to = _put(out, _put(out, to, 8, 4), seq, 8)
    to = _word_or_null(out, to, raw, place[LEASE_ID], value[LEASE_ID])
    if to < 0:
        return -1
    for field in ENERGY:
        to = _known(out, to, raw, place[field], False)
    for field in AVAILABLE:
        if place[field] >= 0 and is_finite(raw, place[field]):
            to = _write(out, to, _read(raw, place[field], number) / 1000.0, number)
        else:
            to = _null(out, to)
    if place[TEMPERATURE_C] < 0 and place[TEMPERATURE_F] >= 0 and is_finite(raw, place[TEMPERATURE_F]):
        to = _write(out, to, (_read(raw, place[TEMPERATURE_F], number) - 32.0) / 1.8, number)
    else:
        to = _known(out, to, raw, place[TEMPERATURE_C], False)
    to = _known(out, to, raw, place[SOH_PCT], False)
    if place[CYCLES] < 0 and place[CYCLE_COUNT] >= 0:
        if value[CYCLE_COUNT] < 0:
            return -1
        to = _write(out, to, float(value[CYCLE_COUNT]), number)
    else:
        to = _known(out, to, raw, place[CYCLES], False)
    to = _null(out, to)
    return _put(out, _put(out, to, 8, 4), received, 8)


@njit
def pack_samples(
    raw: Bytes, table: Indices, received_us: int, replay: bool, out: Bytes, left: Codes, details: Indices
) -> tuple[int, int]:
    """Pack samples one after the other.

    Args:
        raw: The frame.
        table: Its samples, shape (n, COLUMNS).
        received_us: When the headend got them [us since 1970].
        replay: Did they wait in a spool?
        out: Is filled; `copy_layout.ROOM` bytes a row and the length of its sample are enough.
        left: 1 for each sample that is left to others, shape (n,).
        details: Is filled with the details of the packed samples: where a row's (still NULL) start in `out`, where
            the name starts and ends in `raw`, and where its double starts; shape (MOST_EXTRAS n, 4).

    Returns:
        Number of bytes, and of details.
    """
    place, value, number = np.empty(FIELDS, np.int64), np.empty(FIELDS, np.int64), np.empty(1, np.float64)
    to, count = 0, 0
    for at in range(len(table)):
        is_plain = read_sample(raw, table[at, START], table[at, END], place, value)
        for field in DETAILS:
            is_plain = is_plain and place[field] < 0
        extras = 0
        if is_plain and place[EXTRAS] >= 0:
            found = details[count : count + MOST_EXTRAS, 1:]
            extras = list_extras(raw, table[at, START], table[at, END], found)
        end = -1
        if is_plain and extras >= 0:
            end = _pack(raw, place, value, received_us - PG_EPOCH_US, replay, out, to, number)
        if end < 0:
            left[at] = 1
        else:
            to = end
            for extra in range(count, count + extras):
                details[extra, 0] = end - _AFTER_DETAILS
            count += extras
    return to, count
