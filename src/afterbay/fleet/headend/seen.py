"""Which numbers of a count have been seen: a few ranges, however many numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

__all__ = ["SequenceSet"]

_MOST_RANGES = 64


class SequenceSet:
    """Numbers that were seen, as ranges.

    Numbers mostly come in order, so there is mostly one range; a gap stands for samples that an agent still holds
    or has lost. When there are too many gaps the oldest one is taken for lost: memory stays bounded, and a number
    counted twice would be worse than one that comes later than 64 gaps.
    """

    __slots__ = ("_ends", "_starts", "given_up")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.given_up = 0
        """Gaps that were taken for lost."""
        for start, end in sorted(ranges):
            if self._ends and start <= self._ends[-1] + 1:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        while len(self._starts) > _MOST_RANGES:
            self._give_up_oldest()

    @property
    def highest(self) -> int:
        """The highest number seen; 0 when there is none."""
        return self._ends[-1] if self._ends else 0

    @property
    def last(self) -> tuple[int, int]:
        """The last range, inclusive; (1, 0) when there is none."""
        return (self._starts[-1], self._ends[-1]) if self._ends else (1, 0)

    def stretch(self, number: int) -> None:
        """Note all numbers from the highest one seen to this one."""
        if number <= self.highest:
            return
        if self._ends:
            self._ends[-1] = number
        else:
            self._starts.append(1)
            self._ends.append(number)

    def add(self, number: int) -> bool:
        """Note a number; False when it was there before."""
        starts, ends = self._starts, self._ends
        if ends and number == ends[-1] + 1:
            ends[-1] = number
            return True
        at = bisect_right(starts, number)
        if at and number <= ends[at - 1]:
            return False
        touches_before = at > 0 and ends[at - 1] == number - 1
        touches_after = at < len(starts) and starts[at] == number + 1
        if touches_before and touches_after:
            ends[at - 1] = ends.pop(at)
            del starts[at]
        elif touches_before:
            ends[at - 1] = number
        elif touches_after:
            starts[at] = number
        else:
            starts.insert(at, number)
            ends.insert(at, number)
            if len(starts) > _MOST_RANGES:
                self._give_up_oldest()
        return True

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._starts, number)
        return at > 0 and number <= self._ends[at - 1]

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Return what was seen, as inclusive ranges in order."""
        return tuple(zip(self._starts, self._ends, strict=True))

    def _give_up_oldest(self) -> None:
        del self._ends[0], self._starts[1]
        self.given_up += 1
