"""The agent's book of leases: what each asset is to do now, to its end and not a moment longer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from afterbay.core.checks import is_number
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem
from afterbay.fleet.commands.arrival import has_reached
from afterbay.fleet.commands.asset_book import AssetBook, resting_mw
from afterbay.fleet.commands.plain import moment_from
from afterbay.fleet.commands.split import part_leases
from afterbay.fleet.messages import Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from afterbay.fleet.commands.moment import Moment
    from afterbay.fleet.commands.split import Split
    from afterbay.fleet.inventory.records import Asset
    from afterbay.fleet.messages import Lease, LimitedBy

__all__ = ["LeaseBook", "Setpoint"]


@dataclass(frozen=True, slots=True)
class Setpoint:
    """What an asset is to do now."""

    asset_id: str
    mw: float
    """Where it is to go, by ramp (`ramp_step`, or the device's own) [MW]."""
    lease_id: str | None
    """None: nothing is in force, and `mw` is the fallback of what was."""
    valid_until: datetime | None
    """End on this agent's wall clock, for a device with a timer of its own; None: it holds."""
    remaining_s: float | None
    """Time to the end [s]."""
    fallback_mw: float
    is_written: bool
    """Has the device taken this already? If not, write it and call `written`."""


class LeaseBook:
    """Leases of the assets behind one agent. Pure: no clock, no device; state goes out by `to_dict`.

    The agent calls `offer` (or `offer_split`) for what arrives, `due` in every tick, `setpoint` for what to write,
    `written` when the device has taken or refused it, `report` for what the device delivers, and `link` when the
    stream comes or goes. It saves `to_dict` after every change (`revision` moves) and once a minute.
    """

    def __init__(self, assets: Iterable[Asset], *, remember: int = 256, settle_s: float = 10.0) -> None:
        """Start with nothing in force.

        Args:
            assets: Assets behind this agent.
            remember: Ended leases per asset to answer for; older ones are refused by their sequence.
            settle_s: Grace beyond the ramp before a power that was not reached counts as limited [s].
        """
        self._books = {asset.id: AssetBook(asset, remember, settle_s) for asset in assets}
        self._offline_since_s: float | None = None
        self._revision = 0

    @property
    def revision(self) -> int:
        """Counts the changes worth saving."""
        return self._revision

    @property
    def last_seq(self) -> int:
        """Highest sequence that has begun at any asset, for `Hello.last_command_seq`."""
        return max((book.last_seq for book in self._books.values()), default=0)

    def offer(self, lease: Lease, now: Moment) -> Acknowledgement:
        """Take a lease for one asset, or say why not.

        States of the answer: received, or for a repetition what became of it; superseded (older than what this
        asset has begun), expired (after its delivery deadline or end), rejected (unknown_asset, not_finite,
        no_target), cancelled. What the new lease replaces is told by the next `due`.
        """
        refused = ""
        book = self._books.get(lease.asset_id or "")
        if lease.asset_id is None:
            refused = "no_target: a site's lease comes with its split (offer_split), or its cancelling (cancel)"
        elif book is None:
            # Never the site instead: a command for one asset moves that asset or nothing.
            refused = "unknown_asset: it is not behind this agent"
        elif not lease.id:
            refused = "no_id: a command without an id cannot be applied only once"
        elif not (is_number(lease.mw) and is_number(lease.fallback_mw)):
            refused = "not_finite: its power is no number"
        elif not all(value is None or is_number(value) for value in (lease.duration_s, lease.hold_offline_s)):
            refused = "not_finite: its duration is no number"
        if refused or book is None:
            return Acknowledgement(lease.id, lease.asset_id or "", "rejected", now.utc, refused)
        book.step(now, self._offline_s(now))
        self._revision += 1
        if lease.cancel:
            return book.cancel(lease.id, now, "", lease.mw)
        return book.offer(lease, now)

    def offer_split(self, lease: Lease, split: Split, now: Moment) -> tuple[Acknowledgement, ...]:
        """Take the parts of a site's or group's lease; one answer per asset of the split.

        An asset that is offline gets nothing and answers `rejected` with the reason `offline`, unless it has the
        lease already.
        """
        offers = [self.offer(part, now) for part in part_leases(lease, split)]
        answers = {ack.asset_id: ack for ack in offers}
        for part in split.allocations:
            book = self._books.get(part.asset_id)
            if part.online or book is None:
                continue
            known = book.known(lease.id)
            offline = Acknowledgement(lease.id, part.asset_id, "rejected", now.utc, "offline", None, part.mw)
            answers[part.asset_id] = known or offline
        return tuple(answers[asset_id] for asset_id in sorted(answers))

    def cancel(
        self,
        lease_id: str,
        now: Moment,
        *,
        asset_ids: Collection[str] | None = None,
        fallback_mw: float | None = None,
        reason: str = "",
    ) -> tuple[Acknowledgement, ...]:
        """End a lease at every asset that has it, or at those that are named.

        If none has it, all refuse it should it arrive later. `fallback_mw` replaces what was to follow its end,
        at each of them; None: what the lease said.
        """
        if asset_ids is not None:
            meant = sorted(key for key in self._books if key in asset_ids)
        else:
            knowing = [key for key, book in self._books.items() if book.known(lease_id) is not None]
            meant = sorted(knowing or self._books)
        self._revision += 1
        return tuple(self._books[key].cancel(lease_id, now, reason, fallback_mw) for key in meant)

    def reassign(self, lease_id: str, split: Split, now: Moment) -> None:
        """Give the parts of a lease that is not over new powers: an asset became empty, another has headroom."""
        for part in split.allocations:
            book = self._books.get(part.asset_id)
            held = None if book is None or not part.online else book.find(lease_id)
            if book is not None and held is not None:
                book.reassign(held, part.mw, now)
                self._revision += 1

    def due(self, now: Moment) -> tuple[Acknowledgement, ...]:
        """Begin and end what is due; return every change that no answer has told yet."""
        offline_s = self._offline_s(now)
        told: list[Acknowledgement] = []
        for book in self._books.values():
            if book.current is not None or book.pending:
                book.step(now, offline_s)
            if book.outbox:
                told += book.outbox
                book.outbox = []
        self._revision += bool(told)
        return tuple(told)

    def next_change(self, now: Moment) -> float | None:
        """Return how long until `due` has something to do [s]; None: nothing is planned."""
        offline_s = self._offline_s(now)
        if any(book.outbox for book in self._books.values()):
            return 0.0
        times = [time for book in self._books.values() for time in book.next_change_s(now, offline_s)]
        soonest = min(times, default=math.inf)
        return None if math.isinf(soonest) else max(soonest, 0.0)

    def setpoint(self, asset_id: str, now: Moment) -> Setpoint:
        """Return what is in force; never a lease after its end, even when `due` was not called.

        Raises:
            NotFoundError: If the asset is not behind this agent.
        """
        book = self._need(asset_id)
        held = book.current
        remaining_s = math.inf if held is None else held.remaining_s(now)
        if held is None:
            return Setpoint(asset_id, book.fallback_mw, None, None, None, book.fallback_mw, book.fallback_written)
        rest_mw = held.lease.fallback_mw or resting_mw(book.asset)
        longest, offline_s = held.lease.hold_offline_s, self._offline_s(now)
        if remaining_s <= 0.0 or (longest is not None and offline_s is not None and offline_s >= longest):
            return Setpoint(asset_id, rest_mw, None, None, None, rest_mw, is_written=False)
        if longest is not None and offline_s is not None:
            remaining_s = min(remaining_s, longest - offline_s)
        holds = math.isinf(remaining_s)
        return Setpoint(
            asset_id=asset_id,
            mw=held.lease.mw,
            lease_id=held.lease.id,
            valid_until=None if holds else now.utc + timedelta(seconds=remaining_s),
            remaining_s=None if holds else remaining_s,
            fallback_mw=rest_mw,
            is_written=held.written,
        )

    def written(
        self,
        asset_id: str,
        lease_id: str | None,
        now: Moment,
        *,
        accepted: bool = True,
        reason: str = "",
        read_back_mw: float | None = None,
    ) -> Acknowledgement | None:
        """Note that the device took a setpoint (the lease is active) or refused it (the lease has failed).

        A fallback that the device refuses stays to be written. Raises `NotFoundError` for an unknown asset.
        """
        book = self._need(asset_id)
        held = book.current
        if lease_id is None:
            if held is None:
                book.fallback_written = accepted
            return None
        if held is None or held.lease.id != lease_id or held.remaining_s(now) <= 0.0:
            return None  # replaced or over while the device was being told
        self._revision += 1
        if not accepted:
            return book.fail(held, now, reason or "the device refused it")
        held.written, first = True, not held.took
        held.took = True
        if not first:
            return None
        differs = read_back_mw is not None and not has_reached(read_back_mw, held.lease.mw, book.asset)
        if differs:
            book.say(held, "limited", now, reason or "device", read_back_mw)
        else:
            book.say(held, "active", now, reason, None)
        return held.ack

    def report(
        self, asset_id: str, delivered_mw: float, limited_by: LimitedBy | None, now: Moment
    ) -> Acknowledgement | None:
        """Compare the power read back with what is asked; return a change: reached, limited, or active again.

        While the asset may still be ramping, less than asked is no limit. Raises `NotFoundError` for an unknown asset.
        """
        book = self._need(asset_id)
        held = book.current
        if held is None or not held.took or held.remaining_s(now) <= 0.0 or not is_number(delivered_mw):
            return None
        if has_reached(delivered_mw, held.lease.mw, book.asset):
            if held.reached and held.state == "active":
                return None
            reason = "" if held.reached else "reached"
            held.reached = True
            book.say(held, "active", now, reason, delivered_mw)
        else:
            ramping = limited_by in (None, "ramp")
            if ramping and now.monotonic_s < held.settled_s:
                return None
            reason = "not_reached" if limited_by is None else limited_by
            if held.state == "limited" and held.ack.reason == reason:
                return None
            book.say(held, "limited", now, reason, delivered_mw)
        self._revision += 1
        return held.ack

    def link(self, connected: bool, now: Moment) -> None:
        """Note that the headend is or is not in reach; without it leases hold for `hold_offline_s` at most."""
        if connected:
            for book in self._books.values():
                # What the silence has ended stays ended.
                book.step(now, self._offline_s(now))
            self._offline_since_s = None
        elif self._offline_since_s is None:
            self._offline_since_s = now.monotonic_s

    def leases(self) -> tuple[Lease, ...]:
        """Return the leases that are in force or will begin, one per asset and id."""
        return tuple(
            held.lease
            for book in self._books.values()
            for held in ([] if book.current is None else [book.current]) + book.pending
        )

    def acknowledgements(self, *, since: datetime | None = None) -> tuple[Acknowledgement, ...]:
        """Return the last word on every lease that is not over, and on those that ended after `since`.

        Send them after a reconnection; the headend takes words in any order and any number of times.
        """
        words = []
        for book in self._books.values():
            words += [held.ack for held in ([] if book.current is None else [book.current]) + book.pending]
            words += [ack for ack in book.ended.values() if since is None or ack.timestamp >= since]
        return tuple(words)

    def to_dict(self, now: Moment) -> dict[str, object]:
        """Return everything in values that JSON knows."""
        return {
            "version": 1,
            "utc": now.utc.isoformat(),
            "monotonic_s": now.monotonic_s,
            "boot_id": now.boot_id,
            "offline_s": self._offline_s(now),
            "assets": {asset_id: book.to_dict(now) for asset_id, book in self._books.items()},
        }

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        assets: Iterable[Asset],
        now: Moment,
        *,
        remember: int = 256,
        settle_s: float = 10.0,
    ) -> LeaseBook:
        """Return the book as it stands now; what ended meanwhile is told by the next `due`, never begun again.

        The headend counts as out of reach until `link` says otherwise. Assets that are gone are left out.

        Raises:
            InvalidInputError: If it is not a book; nothing is guessed then.
        """
        book = cls(assets, remember=remember, settle_s=settle_s)
        try:
            elapsed_s = _elapsed_s(values, now)
            offline_s = (values["offline_s"] or 0.0) + (elapsed_s or 0.0)
            for asset_id, rows in values["assets"].items():
                if asset_id in book._books:
                    book._books[asset_id].restore(rows, now, elapsed_s)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = Problem("lease book", f"{type(error).__name__}: {error}", "a book that afterbay wrote")
            raise InvalidInputError(problem) from error
        book._offline_since_s = now.monotonic_s - offline_s
        return book

    def _offline_s(self, now: Moment) -> float | None:
        return None if self._offline_since_s is None else now.monotonic_s - self._offline_since_s

    def _need(self, asset_id: str) -> AssetBook:
        book = self._books.get(asset_id)
        if book is None:
            raise NotFoundError(f"unknown_asset: {asset_id!r} is not behind this agent")
        return book


def _elapsed_s(values: Mapping[str, Any], now: Moment) -> float | None:
    """Return how long ago a book was written [s]; None: nobody can tell."""
    by_wall = (now.utc - moment_from(values["utc"], "utc")).total_seconds()
    if now.boot_id and values["boot_id"] == now.boot_id and now.monotonic_s >= float(values["monotonic_s"]):
        return max(now.monotonic_s - float(values["monotonic_s"]), by_wall)
    return by_wall if by_wall >= 0.0 else None
