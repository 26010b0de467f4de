"""Sorting orders by price: quick where prices are spread or few, and never slow."""

from __future__ import annotations

import numpy as np

from afterbay.core.compiled import Floats, Indices, njit

__all__ = ["sort_slots"]


@njit
def sort_slots(slots: Indices, n: int, key: Floats, spare: Indices, counts: Indices) -> None:
    """Sort the first `n` slots by key; they come in the order of their numbers, and equal keys stay in it.

    A counting sort over evenly spaced keys puts nearly all in place and an insertion sort mends the rest. Where
    keys crowd together, so that it would take long, a merge sort ends the work.
    """
    low = np.inf
    high = -np.inf
    for place in range(n):
        here = key[slots[place]]
        low = min(low, here)
        high = max(high, here)
    span = high - low
    # Beyond these the scale would leave the floats.
    if 1e-250 < span < 1e250:
        scale = n / span
        for bucket in range(n + 1):
            counts[bucket] = 0
        for place in range(n):
            counts[min(int((key[slots[place]] - low) * scale), n - 1) + 1] += 1
        for bucket in range(n):
            counts[bucket + 1] += counts[bucket]
        for place in range(n):
            bucket = min(int((key[slots[place]] - low) * scale), n - 1)
            spare[counts[bucket]] = slots[place]
            counts[bucket] += 1
        for place in range(n):
            slots[place] = spare[place]
    moves_left = 8 * n
    for place in range(1, n):
        slot = slots[place]
        here = key[slot]
        at = place
        while at > 0:
            before = slots[at - 1]
            if key[before] < here or (key[before] == here and before < slot):
                break
            slots[at] = before
            at -= 1
        slots[at] = slot
        moves_left -= place - at
        if moves_left < 0:
            _merge_sort(slots, n, key, spare)
            return


@njit
def _merge_sort(slots: Indices, n: int, key: Floats, spare: Indices) -> None:
    """Merge neighbouring runs until one is left."""
    source = slots
    target = spare
    swapped = False
    while _run_end(source, 0, n, key) < n:
        start = 0
        while start < n:
            middle = _run_end(source, start, n, key)
            end = _run_end(source, middle, n, key) if middle < n else n
            _merge(source, target, start, middle, end, key)
            start = end
        source, target = target, source
        swapped = not swapped
    if swapped:
        for place in range(n):
            slots[place] = source[place]


@njit
def _run_end(slots: Indices, start: int, n: int, key: Floats) -> int:
    end = start + 1
    while end < n:
        before = slots[end - 1]
        here = slots[end]
        if key[before] > key[here] or (key[before] == key[here] and before > here):
            break
        end += 1
    return end


@njit
def _merge(source: Indices, target: Indices, start: int, middle: int, end: int, key: Floats) -> None:
    left = start
    right = middle
    for place in range(start, end):
        take_left = right >= end
        if not take_left and left < middle:
            one = source[left]
            other = source[right]
            take_left = key[one] < key[other] or (key[one] == key[other] and one < other)
        if take_left:
            target[place] = source[left]
            left += 1
        else:
            target[place] = source[right]
            right += 1
