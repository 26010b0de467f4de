"""When to try again: soon at first, then ever more rarely, and never all devices at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Retry"]


class Retry:
    """Exponential back-off with full jitter: each wait is drawn between nothing and a bound that doubles.

    Args:
        monotonic: Seconds of a clock that never steps.
        random: Draws from 0 to 1.
        first_s: Bound of the first wait [s].
        longest_s: Largest bound [s].
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        *,
        first_s: float = 1.0,
        longest_s: float = 30.0,
    ) -> None:
        self._monotonic = monotonic
        self._random = random
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0
        self._not_before = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to try."""
        return self._failures == 0 or self._monotonic() >= self._not_before

    def failed(self) -> None:
        """Note a failure: the next try waits."""
        bound = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        self._not_before = self._monotonic() + bound * self._random()

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0
