"""Try again, later each time: exponential back-off with jitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from afterbay.community.cycle.transfer.interface import TransferError
from afterbay.core.checks import is_number
from afterbay.core.errors import OutOfRangeError, Problems

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience", "Tried", "try_again"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and how long apart, something is tried."""

    attempts: int = 4
    """How often in all, at least once [-]."""
    first_s: float = 1.0
    """Wait after the first failure [s]; each later one waits twice as long."""
    most_s: float = 30.0
    """Longest wait [s]; whoever asks for a longer one is not waited for."""
    jitter: float = 0.5
    """Share of each wait that is left to chance, so that many clients do not come back together [fraction]."""

    def __post_init__(self) -> None:
        problems = Problems()
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            problems.add("attempts", self.attempts, "a whole number >= 1", "such as 4")
        for name in ("first_s", "most_s"):
            if not (is_number(getattr(self, name)) and getattr(self, name) >= 0.0):
                problems.add(name, getattr(self, name), "seconds >= 0", "such as 1")
        if not (is_number(self.jitter) and 0.0 <= self.jitter <= 1.0):
            problems.add("jitter", self.jitter, "0..1", "such as 0.5")
        if problems:
            raise OutOfRangeError(problems.found)

    def wait_s(self, failures: int, chance: float) -> float:
        """Return how long to wait after so many failures [s].

        Args:
            failures: Failures so far, >= 1.
            chance: A random number 0..1.
        """
        # Beyond 2^60 the wait is cut anyway, and the power of two stays a float.
        full = min(self.first_s * 2.0 ** min(failures - 1, 60), self.most_s)
        return full * (1.0 - self.jitter * chance)


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Tried(Generic[Answer]):
    """What came of trying."""

    answer: Answer
    attempts: int


def try_again(
    action: Callable[[], Answer],
    patience: Patience,
    *,
    sleep: Callable[[float], None],
    random: Callable[[], float],
    failed: Callable[[int, TransferError], None] | None = None,
) -> Tried[Answer]:
    """Do something until it goes well, it cannot go well, or patience ends.

    Args:
        action: What to do; a `TransferError` of it that is `passing` is tried again.
        patience: How often, and how long apart.
        sleep: Waits so many seconds.
        random: Gives a random number 0..1.
        failed: Told of every failure and its number, from 1.

    Returns:
        What the action returned, and how often it was tried.

    Raises:
        TransferError: The last failure.
    """
    attempt = 1
    while True:
        try:
            return Tried(action(), attempt)
        except TransferError as error:
            if failed is not None:
                failed(attempt, error)
            asked_s = error.wait_s or 0.0
            if not error.passing or attempt >= patience.attempts or asked_s > patience.most_s:
                raise
            sleep(max(patience.wait_s(attempt, random()), asked_s))
        attempt += 1
