"""How far the clock of this machine is off the headend's, which leases are timed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.fleet.messages import CLOCK_SKEW_S

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.fleet.commands.moment import Moment

__all__ = ["ClockSkew", "skew_in_words"]


class ClockSkew:
    """What the last welcome said of the time, carried on by the machine's own clock."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None
        self._is_off = False

    def hear(self, headend_time: datetime, now: Moment) -> None:
        """Note the headend's time, which has just arrived."""
        self._told = (headend_time, now.monotonic_s)

    def seconds(self, now: Moment) -> float | None:
        """Return how far this clock is ahead of the headend's [s]; None: no headend has said.

        When somebody sets this clock, it shows at once, without another welcome.
        """
        if self._told is None:
            return None
        headend_time, since_s = self._told
        return (now.utc - headend_time).total_seconds() - (now.monotonic_s - since_s)

    def changed(self, now: Moment) -> float | None:
        """Return the skew once when it becomes worth telling, and once when it is no longer; else None [s]."""
        skew_s = self.seconds(now)
        if skew_s is None or (abs(skew_s) > CLOCK_SKEW_S) == self._is_off:
            return None
        self._is_off = not self._is_off
        return skew_s

    @property
    def is_off(self) -> bool:
        """Was it worth telling when `changed` was asked last?"""
        return self._is_off


def skew_in_words(skew_s: float) -> str:
    """Say how a clock stands to the headend's."""
    return f"this clock is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0.0 else 'behind'} the headend's"
