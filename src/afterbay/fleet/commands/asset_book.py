"""The book of one asset: what is in force, what will be, what was."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from afterbay.fleet.commands.held import hold, read_acknowledgement, read_held
from afterbay.fleet.commands.plain import to_plain
from afterbay.fleet.commands.states import FINAL
from afterbay.fleet.messages import Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.fleet.commands.held import Held
    from afterbay.fleet.commands.moment import Moment
    from afterbay.fleet.commands.states import CommandState
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import Lease

__all__ = ["AssetBook", "resting_mw"]

_NEARLY_S = 0.05
"""A lease this near to its end when the next interval of a schedule begins has completed: two readings of two
clocks never agree to the last bit [s]."""
_MOST_PENDING = 1024
"""Leases that may wait for their begin at one asset."""


def resting_mw(asset: Asset) -> float:
    """Return the power that an asset is left with when nobody commands it.

    Storage stands still; what follows sun, wind or drivers is not held back.
    """
    if asset.asset_type == "ev":
        return asset.min_mw
    return 0.0 if asset.asset_type == "storage" else asset.max_mw


@dataclass(slots=True)
class AssetBook:
    """All that the agent knows of the commands of one asset. Every change leaves a word in `outbox`."""

    asset: Asset
    remember: int
    settle_s: float
    current: Held | None = None
    pending: list[Held] = field(default_factory=list)
    ended: OrderedDict[str, Acknowledgement] = field(default_factory=OrderedDict)
    last_seq: int = 0
    """Highest sequence that has begun."""
    fallback_mw: float = 0.0
    fallback_written: bool = True
    """True before the first command: nobody asked to write anything."""
    outbox: list[Acknowledgement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fallback_mw = resting_mw(self.asset)

    def known(self, lease_id: str) -> Acknowledgement | None:
        """Return the last word on a lease that is remembered."""
        held = self.find(lease_id)
        return held.ack if held is not None else self.ended.get(lease_id)

    def find(self, lease_id: str) -> Held | None:
        """Return a lease that is not over."""
        living = self.pending if self.current is None else [self.current, *self.pending]
        return next((held for held in living if held.lease.id == lease_id), None)

    def offer(self, lease: Lease, now: Moment) -> Acknowledgement:
        """Take a lease or refuse it; the answer is not in the outbox."""
        before = self.known(lease.id)
        if before is not None:
            return before
        waits = lease.not_before is not None and lease.not_before > now.utc
        refused: tuple[CommandState, str] | None = None
        if lease.seq and not waits and lease.seq <= self.last_seq:
            refused = "superseded", "a newer command has begun at this asset"
        elif lease.deliver_by is not None and now.utc > lease.deliver_by:
            refused = "expired", f"arrived after {lease.deliver_by.isoformat()} by this agent's clock"
        elif lease.valid_until is not None and now.utc >= lease.valid_until:
            refused = "expired", f"its end {lease.valid_until.isoformat()} has passed by this agent's clock"
        elif len(self.pending) >= _MOST_PENDING:
            refused = "rejected", f"too_many: {_MOST_PENDING} commands wait at this asset"
        if refused is not None:
            return self._remember(self._word(lease.id, refused[0], now, refused[1]))
        held = hold(lease, self._word(lease.id, "received", now), now)
        if waits:
            self.pending.append(held)
            self.pending.sort(key=lambda each: (each.begins_s, each.lease.seq))
        else:
            self._begin(held, now)
        return held.ack

    def cancel(self, lease_id: str, now: Moment, reason: str, fallback_mw: float | None) -> Acknowledgement:
        """End a lease; one that has not arrived yet is refused when it does."""
        held = self.find(lease_id)
        if held is None:
            before = self.ended.get(lease_id)
            return before or self._remember(self._word(lease_id, "cancelled", now, reason or "before it arrived"))
        if fallback_mw is not None:
            held.lease = replace(held.lease, fallback_mw=fallback_mw)
        return self._end(held, "cancelled", now, reason, say=False)

    def step(self, now: Moment, offline_s: float | None) -> None:
        """End what is over, begin what is due."""
        while self.pending and self.pending[0].begins_s <= now.monotonic_s:
            held = self.pending.pop(0)
            newer = self.current is not None and 0 < held.lease.seq < self.current.lease.seq
            late = held.lease.deliver_by is not None and now.utc > held.lease.deliver_by
            if late or held.remaining_s(now) <= 0.0:
                self._close(held, "expired", now, "its time passed before it could begin")
            elif newer and self.current is not None and self.current.remaining_s(now) > 0.0:
                self._close(held, "superseded", now, f"{self.current.lease.id} is newer and in force")
            else:
                self._end_current(now, offline_s, early_s=_NEARLY_S)
                self._begin(held, now)
                self.outbox.append(held.ack)
        self._end_current(now, offline_s)

    def _end_current(self, now: Moment, offline_s: float | None, *, early_s: float = 0.0) -> None:
        held = self.current
        if held is None:
            return
        longest = held.lease.hold_offline_s
        if held.remaining_s(now) <= early_s:
            self._finish(held, now, "its end")
        elif longest is not None and offline_s is not None and offline_s >= longest:
            self._finish(held, now, f"headend out of reach for {longest:g} s")

    def _finish(self, held: Held, now: Moment, reason: str) -> None:
        if held.took:
            self._end(held, "completed", now, reason)
        else:
            self._end(held, "expired", now, f"{reason}; the device never took it")

    def next_change_s(self, now: Moment, offline_s: float | None) -> list[float]:
        """Return when something is due [s]."""
        times = [held.begins_s - now.monotonic_s for held in self.pending[:1]]
        if self.current is not None:
            times.append(self.current.remaining_s(now))
            if self.current.lease.hold_offline_s is not None and offline_s is not None:
                times.append(self.current.lease.hold_offline_s - offline_s)
        return times

    def say(self, held: Held, state: CommandState, now: Moment, reason: str, delivered_mw: float | None) -> None:
        """Note the state of a lease; it is up to the caller to send it."""
        held.ack = self._word(held.lease.id, state, now, reason, held.lease.mw, delivered_mw)

    def fail(self, held: Held, now: Moment, reason: str) -> Acknowledgement:
        """End a lease that the device refused."""
        return self._end(held, "failed", now, reason, say=False)

    def reassign(self, held: Held, mw: float, now: Moment) -> None:
        """Give a lease another power."""
        if mw == held.lease.mw:
            return
        held.lease = replace(held.lease, mw=mw)
        held.written = False
        if held is self.current:
            self._expect(held, now)
        if held.took:
            self.say(held, held.state, now, "redistributed", None)
            self.outbox.append(held.ack)

    def _begin(self, held: Held, now: Moment) -> None:
        if self.current is not None:
            self._end(self.current, "superseded", now, f"replaced by {held.lease.id}")
        self.current = held
        self.last_seq = max(self.last_seq, held.lease.seq)
        self._expect(held, now)

    def _expect(self, held: Held, now: Moment) -> None:
        """Set when the power should have been reached: the longest ramp that this asset can have, and a grace."""
        rate = self.asset.ramp_rate_mw_per_min
        ramp_s = (self.asset.max_mw - self.asset.min_mw) / rate * 60.0 if rate > 0.0 else 0.0
        held.settled_s = now.monotonic_s + ramp_s + self.settle_s

    def _end(self, held: Held, state: CommandState, now: Moment, reason: str, *, say: bool = True) -> Acknowledgement:
        """Close the lease in force (its fallback follows) or one that waits."""
        if held is self.current:
            self.current = None
            # No power of its own to fall back to means rest.
            self.fallback_mw = held.lease.fallback_mw or resting_mw(self.asset)
            self.fallback_written = False
        else:
            self.pending.remove(held)
        return self._close(held, state, now, reason, say=say)

    def _close(self, held: Held, state: CommandState, now: Moment, reason: str, *, say: bool = True) -> Acknowledgement:
        applied = held.ack.applied_mw
        held.ack = self._remember(self._word(held.lease.id, state, now, reason, applied, held.ack.delivered_mw))
        if say:
            self.outbox.append(held.ack)
        return held.ack

    def _remember(self, ack: Acknowledgement) -> Acknowledgement:
        self.ended[ack.lease_id] = ack
        while len(self.ended) > self.remember:
            self.ended.popitem(last=False)
        return ack

    def _word(
        self,
        lease_id: str,
        state: CommandState,
        now: Moment,
        reason: str = "",
        applied_mw: float | None = None,
        delivered_mw: float | None = None,
    ) -> Acknowledgement:
        return Acknowledgement(lease_id, self.asset.id, state, now.utc, reason, applied_mw, delivered_mw)

    def to_dict(self, now: Moment) -> dict[str, object]:
        """Return everything in values that JSON knows."""
        return {
            "current": None if self.current is None else self.current.to_dict(now),
            "pending": [held.to_dict(now) for held in self.pending],
            "ended": [to_plain(ack) for ack in self.ended.values()],
            "last_seq": self.last_seq,
            "fallback_mw": self.fallback_mw,
            "fallback_written": self.fallback_written and self.current is None,
            "outbox": [to_plain(ack) for ack in self.outbox],
        }

    def restore(self, values: Mapping[str, Any], now: Moment, elapsed_s: float | None) -> None:
        """Take back what `to_dict` wrote; nothing counts as written to the device any more."""
        if values["current"] is not None:
            self.current = read_held(values["current"], now, elapsed_s)
            self._expect(self.current, now)
        self.pending = [read_held(held, now, elapsed_s) for held in values["pending"]]
        for row in values["ended"]:
            ack = read_acknowledgement(row)
            if ack.state in FINAL:
                self._remember(ack)
        self.last_seq = int(values["last_seq"])
        self.fallback_mw = float(values["fallback_mw"])
        # Before its first command nothing was asked of the device; afterwards it is told again after a restart.
        self.fallback_written = not self.ended and self.last_seq == 0
        self.outbox = [read_acknowledgement(row) for row in values["outbox"]]
