"""One lease at one asset, with its end on both clocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from afterbay.fleet.commands.plain import check_state, from_plain, to_plain
from afterbay.fleet.messages import Acknowledgement, Lease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.commands.moment import Moment
    from afterbay.fleet.commands.states import CommandState

__all__ = ["Held", "hold", "read_acknowledgement", "read_held"]


@dataclass(slots=True)
class Held:
    """A lease that an asset's book has taken and that is not over."""

    lease: Lease
    ack: Acknowledgement
    """The last word on it."""
    begins_s: float
    """On the machine's own clock [s]."""
    ends_s: float
    """On the machine's own clock; infinity: it holds [s]."""
    settled_s: float = math.inf
    """When its power should have been reached [s]."""
    written: bool = False
    """Has the device taken the power that it has now?"""
    took: bool = False
    """Has the device ever taken it?"""
    reached: bool = False

    @property
    def state(self) -> CommandState:
        """Where it is in its life."""
        return cast("CommandState", self.ack.state)

    def remaining_s(self, now: Moment) -> float:
        """Return the time to its end [s]: what is left on the machine's clock, or on the wall's if that is less.

        Once it is over it stays over, also when the wall clock goes back.
        """
        left = self.ends_s - now.monotonic_s
        if self.lease.valid_until is not None:
            left = min(left, (self.lease.valid_until - now.utc).total_seconds())
        if left <= 0.0:
            self.ends_s = min(self.ends_s, now.monotonic_s)
        return left

    def to_dict(self, now: Moment) -> dict[str, object]:
        """Return everything in values that JSON knows, times on the machine's clock as what is left of them."""
        return {
            "lease": to_plain(self.lease),
            "ack": to_plain(self.ack),
            "begins_in_s": self.begins_s - now.monotonic_s,
            "ends_in_s": None if math.isinf(self.ends_s) else self.ends_s - now.monotonic_s,
            "took": self.took,
            "reached": self.reached,
        }


def hold(lease: Lease, ack: Acknowledgement, now: Moment) -> Held:
    """Anchor a lease on the machine's clock.

    It never lasts longer than its length, whatever the wall clock says: an agent whose clock is behind cuts it.
    """
    begin = lease.issued_at if lease.not_before is None else lease.not_before
    wait_s = 0.0 if lease.not_before is None else max((lease.not_before - now.utc).total_seconds(), 0.0)
    lengths = [math.inf if lease.duration_s is None else lease.duration_s]
    if lease.valid_until is not None:
        lengths.append((lease.valid_until - begin).total_seconds())
        lengths.append((lease.valid_until - now.utc).total_seconds() - wait_s)
    begins_s = now.monotonic_s + wait_s
    return Held(lease, ack, begins_s, begins_s + min(lengths))


def read_held(values: Mapping[str, Any], now: Moment, elapsed_s: float | None) -> Held:
    """Return what `to_dict` wrote, as it stands now.

    Args:
        values: What was written.
        now: The moment of the restart.
        elapsed_s: Time since it was written [s]; None: nobody can tell, because the wall clock went back while
            the machine was down. Then what has an end is over.

    Raises:
        InvalidInputError: If it is not one.
    """
    lease = from_plain(Lease, {key: value for key, value in values["lease"].items() if key != "members"}, "lease")
    ack = read_acknowledgement(values["ack"])
    begins_in_s, ends_in_s = float(values["begins_in_s"]), values["ends_in_s"]
    if elapsed_s is None:
        elapsed_s = 0.0
        if ends_in_s is not None:
            begins_in_s = ends_in_s = 0.0
        elif lease.not_before is not None and begins_in_s > 0.0:
            begins_in_s = max((lease.not_before - now.utc).total_seconds(), 0.0)
    begins_s = now.monotonic_s + begins_in_s - elapsed_s
    ends_s = math.inf if ends_in_s is None else now.monotonic_s + float(ends_in_s) - elapsed_s
    return Held(lease, ack, begins_s, ends_s, took=bool(values["took"]), reached=bool(values["reached"]))


def read_acknowledgement(values: Mapping[str, object]) -> Acknowledgement:
    """Return the acknowledgement of plain values.

    Raises:
        InvalidInputError: If it is not one.
    """
    ack = from_plain(Acknowledgement, values, "acknowledgement")
    check_state(ack.state)
    return ack
