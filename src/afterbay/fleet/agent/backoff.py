"""How long to wait before the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Exponential with full jitter: a fleet that lost its headend does not come back all at once.

    Args:
        random: Returns a number in [0, 1).
        first_s: Longest first wait [s].
        longest_s: Longest wait of all [s].
        least_s: Shortest wait [s].
    """

    def __init__(
        self, random: Callable[[], float], *, first_s: float = 1.0, longest_s: float = 60.0, least_s: float = 0.05
    ) -> None:
        self._random = random
        self._first_s = first_s
        self._longest_s = longest_s
        self._least_s = least_s
        self.attempts = 0

    def next_s(self) -> float:
        """Return the next wait [s]."""
        # 2 ** 30 s is more than any longest wait; beyond it the power only grows.
        ceiling = min(self._first_s * 2.0 ** min(self.attempts, 30), self._longest_s)
        self.attempts += 1
        return max(self._random() * ceiling, self._least_s)

    def reset(self) -> None:
        """Begin anew after a success."""
        self.attempts = 0
