"""Rainflow counting of swings in the state of charge, one value at a time, without keeping the series.

A counter holds the turning points that are still open, the last of them being the newest value. Between two
calls the swings between neighbours never grow from the first to the last: the first may equal the second, after
that each is smaller than the one before it. A swing closes as one full cycle when the movement after it is at
least as large. A first swing that the next one exceeds can never close: it is half a cycle.

These are the counts of ASTM E1049-85, section 5.4.4, with one choice: two equal swings at the start of a series
are one full cycle, where the standard writes two halves. Every sum is the same. A plateau is one point.

**Depth.** Swings that shrink forever stay open forever, so no depth suffices for every series. If all values are
multiples of q in a span S, there are S/q swings to choose from, so at most S/q + 2 points are open:
`STACK_DEPTH` is exact for SOC in whole points. When no place is left, the oldest swing is booked as half a cycle,
which is what the end of the series would do with it: no movement is lost, only its partner may be another.

A counter is one array, and what `push` calls is written into it: every array that is handed on costs some 10 ns
per call for counting references, several times the work itself.
"""

from __future__ import annotations

from afterbay.core.compiled import Floats, inlined, njit

__all__ = [
    "BINS",
    "COUNT",
    "DEPTH",
    "FIRST_BIN",
    "HALF_ABOVE",
    "LEAST_STACK_DEPTH",
    "OPEN",
    "STACK",
    "STACK_DEPTH",
    "STRESS",
    "SUMS",
    "TABLE_AT",
    "TABLE_DEPTH",
    "TABLE_ROOM",
    "TABLE_SIZE",
    "count_series",
    "finish",
    "push",
    "reset",
    "stress_factor",
]

STACK_DEPTH = 128
LEAST_STACK_DEPTH = 4

COUNT, STRESS, DEPTH, FIRST_BIN = 0, 1, 2, 3
"""Sums of: counts; counts x stress; counts x range [points]; counts by range, in five bins of 20 points."""
BINS = 5
SUMS = FIRST_BIN + BINS
OPEN = SUMS
"""Number of points on the stack."""
HALF_ABOVE = OPEN + 1
"""Half cycles of this range or less are not booked [points]."""
TABLE_SIZE = HALF_ABOVE + 1
"""Number of points of the stress table, from 1."""
TABLE_ROOM = 16
TABLE_DEPTH = TABLE_SIZE + 1
TABLE_AT = TABLE_DEPTH + TABLE_ROOM
STACK = TABLE_AT + TABLE_ROOM
"""The stack takes the rest of the array, `LEAST_STACK_DEPTH` places or more."""

_BIN_WIDTH = 20.0
_TOP, _SECOND, _THIRD = STACK - 1, STACK - 2, STACK - 3


@inlined
def stress_factor(
    counter: Floats,
    swing: float,
) -> float:
    """Read the stress table at a range [points of SOC]: straight lines, held at both ends."""
    last = int(counter[TABLE_SIZE]) - 1
    if swing <= counter[TABLE_DEPTH]:
        return float(counter[TABLE_AT])
    if swing >= counter[TABLE_DEPTH + last]:
        return float(counter[TABLE_AT + last])
    above = 1
    while counter[TABLE_DEPTH + above] < swing:
        above += 1
    low, high = counter[TABLE_DEPTH + above - 1], counter[TABLE_DEPTH + above]
    start, end = counter[TABLE_AT + above - 1], counter[TABLE_AT + above]
    return float(start + (end - start) * (swing - low) / (high - low))


@inlined
def _book(
    counter: Floats,
    swing: float,
    count: float,
) -> None:
    counter[COUNT] += count
    counter[STRESS] += count * stress_factor(counter, swing)
    counter[DEPTH] += count * swing
    counter[FIRST_BIN + min(int(swing / _BIN_WIDTH), BINS - 1)] += count


@inlined
def _book_half(
    counter: Floats,
    place: int,
) -> None:
    """Book the swing between an open point, counted from 0, and the next one as half a cycle."""
    swing = abs(counter[STACK + place] - counter[STACK + place + 1])
    if swing > counter[HALF_ABOVE]:
        _book(counter, swing, 0.5)


@inlined
def _drop_oldest(
    counter: Floats,
    points: int,
) -> int:
    """Book the oldest open swing as half a cycle, forget its first point, return the points left."""
    _book_half(counter, 0)
    for place in range(STACK + 1, STACK + points):
        counter[place - 1] = counter[place]
    return points - 1


@njit
def reset(
    counter: Floats,
) -> None:
    """Forget sums and open points; keep the table and the threshold."""
    for place in range(SUMS):
        counter[place] = 0.0
    counter[OPEN] = 0.0


@inlined
def _turn(
    counter: Floats,
    value: float,
) -> None:
    """Open a new point, at the start or at a reversal."""
    points = int(counter[OPEN])
    if STACK + points == counter.shape[0]:
        points = _drop_oldest(counter, points)
    counter[STACK + points] = value
    counter[OPEN] = points + 1


@inlined
def _close(
    counter: Floats,
) -> None:
    """Close the swings that the newest movement covers: it may still grow, so they are covered for good."""
    points = int(counter[OPEN])
    while points >= 4:
        swing = abs(counter[_THIRD + points] - counter[_SECOND + points])
        if swing > abs(counter[_SECOND + points] - counter[_TOP + points]):
            break
        _book(counter, swing, 1.0)
        counter[_THIRD + points] = counter[_TOP + points]
        points -= 2
    if points == 3 and abs(counter[STACK] - counter[STACK + 1]) < abs(counter[STACK + 1] - counter[STACK + 2]):
        points = _drop_oldest(counter, points)
    counter[OPEN] = points


@njit
def push(
    counter: Floats,
    value: float,
) -> None:
    """Take the next state of charge [%] and book every cycle that it closes."""
    points = int(counter[OPEN])
    if points > 0 and value == counter[_TOP + points]:
        return
    if points < 2 or (value > counter[_TOP + points]) != (counter[_TOP + points] > counter[_SECOND + points]):
        _turn(counter, value)
    else:
        counter[_TOP + points] = value
    points = int(counter[OPEN])
    if points > 2 and abs(counter[_THIRD + points] - counter[_SECOND + points]) <= abs(
        counter[_SECOND + points] - value
    ):
        _close(counter)


@njit
def finish(
    counter: Floats,
) -> None:
    """Book what is still open as half cycles; call it once, after the last value."""
    for place in range(int(counter[OPEN]) - 1):
        _book_half(counter, place)


@njit
def count_series(
    counter: Floats,
    values: Floats,
) -> int:
    """Count a whole series from a fresh start; return the most points that were ever open."""
    reset(counter)
    most = 0
    for index in range(values.shape[0]):
        push(counter, values[index])
        most = max(most, int(counter[OPEN]))
    finish(counter)
    return most
