"""Small work, here and now: what a process would cost more to be told than to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterbay.server.platform.jobs.compute.interface import Chunk, Compute, Result

__all__ = ["SmallFirst"]


class SmallFirst:
    """Runs chunks in the calling thread until they turn out to be big work, and gives the rest away."""

    def __init__(self, heavy: Compute, *, budget_s: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._heavy = heavy
        self._budget_s = budget_s
        self._clock = clock

    @property
    def label(self) -> str:
        """Where big work goes."""
        return self._heavy.label

    def map(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        on_done: Callable[[int, Result], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[Result]:
        """Return the function's results; see `Compute.map`."""
        results: list[Result] = []
        began = self._clock()
        while len(results) < len(chunks) and self._stays(began, len(results), len(chunks)):
            if check is not None:
                check()
            results.append(function(chunks[len(results)]))
            if on_done is not None:
                on_done(len(results) - 1, results[-1])
        first = len(results)
        if first == len(chunks):
            return results
        shifted = None if on_done is None else lambda index, result: on_done(first + index, result)
        return results + self._heavy.map(function, chunks[first:], on_done=shifted, check=check)

    def close(self) -> None:
        """End the processes; a later call begins anew."""
        self._heavy.close()

    def _stays(self, began: float, done: int, count: int) -> bool:
        """Will what is left take less than the budget, as far as the chunks so far tell?"""
        if done == 0:
            return True
        each_s = (self._clock() - began) / done
        return each_s * (count - done) <= self._budget_s
