"""Samples of a frame into the latest map, in a compiled loop: refused, seen before, or new.

It decides what is plain: an asset that the stream serves, a number next to the last one or within the last range. The
first sample that needs more than that stops it, and the caller decides on that one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from afterbay.core.compiled import Codes, Indices, njit
from afterbay.fleet.headend.arrival_layout import (
    DUPLICATE,
    FRESH,
    HIGH,
    LATEST_US,
    LOW,
    RECEIVED_US,
    REFUSED,
    REPLAY,
    SEQ,
    SERVER,
    SIZE,
    UNREADABLE,
    Assets,
    Newest,
)
from afterbay.fleet.wire.frame_kernels import Bytes
from afterbay.fleet.wire.frame_layout import END, IS_FINITE, MOMENT, NAME, NAME_END, NUMBER, START

__all__ = ["enter_names", "take"]

_MASK: Final = 0x3FFF_FFFF


@njit
def _hash(raw: Bytes, start: int, end: int) -> int:
    found = np.int64(7)
    for at in range(start, end):
        found = (found * 31 + np.int64(raw[at])) & _MASK
    return int(found)


@njit
def enter_names(assets: Assets) -> None:
    """Enter every id into the hash table, which is empty and has more room than ids."""
    last = len(assets.places) - 1
    for place in range(len(assets.name_ends) - 1):
        slot = _hash(assets.names, assets.name_ends[place], assets.name_ends[place + 1]) & last
        while assets.places[slot] >= 0:
            slot = (slot + 1) & last
        assets.places[slot] = place


@njit
def _find(assets: Assets, raw: Bytes, start: int, end: int) -> int:
    """Return the place of an id, or -1."""
    places, names, name_ends = assets.places, assets.names, assets.name_ends
    last, size = len(places) - 1, end - start
    slot = _hash(raw, start, end) & last
    while places[slot] >= 0:
        place = places[slot]
        begin = name_ends[place]
        if name_ends[place + 1] - begin == size and (names[begin : begin + size] == raw[start:end]).all():
            return int(place)
        slot = (slot + 1) & last
    return -1


@njit
def take(
    assets: Assets, newest: Newest, raw: Bytes, table: Indices, first: int, stream: int, received_us: int,
    replay: int, codes: Codes,
) -> int:  # fmt: skip
    """Take samples from `first` on, write what became of each, and return the place of one that is not plain.

    Args:
        assets: Who is who.
        newest: Is changed.
        raw: The frame.
        table: Its samples, shape (k, COLUMNS).
        first: Where to go on.
        stream: Identity of the stream.
        received_us: When the frame came [us since 1970].
        replay: 1: from a spool.
        codes: FRESH, DUPLICATE, REFUSED or UNREADABLE of each sample, shape (k,).

    Returns:
        Place of the sample that the caller has to decide on; k: all are decided.
    """
    names, name_ends = assets.names, assets.name_ends
    asset = -1
    for at in range(first, len(table)):
        row = table[at]
        # A gateway names its assets in the order of the inventory, mostly: then there is nothing to look up.
        start, size = row[NAME], row[NAME_END] - row[NAME]
        asset += 1
        is_same = asset + 1 < len(name_ends) and name_ends[asset + 1] - name_ends[asset] == size
        if is_same:
            begin, different = name_ends[asset], np.uint8(0)
            for offset in range(size):
                different |= names[begin + offset] ^ raw[start + offset]
            is_same = different == 0
        if not is_same:
            asset = _find(assets, raw, start, start + size)
        if asset < 0 or newest.numbers[asset, SERVER] != stream:
            codes[at] = REFUSED
            continue
        number = row[NUMBER]
        if row[MOMENT] <= 0 or row[MOMENT] >= LATEST_US or number <= 0:
            return at
        if row[IS_FINITE] == 0:
            codes[at] = UNREADABLE
            continue
        known = newest.numbers[asset]
        if known[LOW] <= number <= known[HIGH]:
            codes[at] = DUPLICATE
            continue
        size = row[END] - row[START]
        if number != known[HIGH] + 1 or size > newest.samples.shape[1]:
            return at
        codes[at] = FRESH
        known[HIGH] = number
        if number > known[SEQ]:
            known[SEQ] = number
            known[RECEIVED_US] = received_us
            known[REPLAY] = replay
            known[SIZE] = size
            newest.samples[asset, :size] = raw[row[START] : row[END]]
    return len(table)
