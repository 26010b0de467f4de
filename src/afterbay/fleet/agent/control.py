"""Commands at the agent: taken, split, bounded, told to the devices, compared with what they deliver, and ended."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from afterbay.fleet.agent.bounds import hold_within
from afterbay.fleet.commands.lease_book import LeaseBook
from afterbay.fleet.commands.present import asset_now, power_range, site_now
from afterbay.fleet.commands.ramp import ramp_step
from afterbay.fleet.commands.split import split_power
from afterbay.fleet.devices.device import DeviceOrder
from afterbay.fleet.messages import Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from afterbay.fleet.commands.lease_book import Setpoint
    from afterbay.fleet.commands.moment import Moment
    from afterbay.fleet.commands.present import AssetNow, SiteNow
    from afterbay.fleet.commands.split import Split
    from afterbay.fleet.devices.device import WriteResult
    from afterbay.fleet.inventory.records import Inventory
    from afterbay.fleet.messages import Lease, LimitedBy, Telemetry

__all__ = ["Control"]

_REFUSALS = 2
"""So often a device that answers may refuse an order before the command has failed."""
_PATIENCE_S = 30.0
"""So long a device may be out of reach before the command has failed [s]."""


@dataclass(slots=True)
class _Told:
    """What a device was told last."""

    mw: float
    lease_id: str | None
    at_s: float


@dataclass(slots=True)
class _Trouble:
    """Attempts to tell a device its order."""

    lease_id: str | None
    since_s: float
    refusals: int = 0


class Control:
    """The commands of the assets behind one agent. Pure but for its state: clocks and devices are the runtime's.

    Args:
        inventory: What this agent serves.
        book: Leases, new or taken up.
        ramps_itself: Assets whose device moves no faster than they may; the others are told every step.
        tick_s: Time between two looks at the devices [s].
        hold_offline_s: Longest hold of a command without end while the headend is out of reach; None: for ever.
    """

    def __init__(
        self,
        inventory: Inventory,
        book: LeaseBook,
        *,
        ramps_itself: Collection[str],
        tick_s: float,
        hold_offline_s: float | None = None,
    ) -> None:
        self.book = book
        self._assets = {asset.id: asset for asset in inventory.assets}
        self._sites = {site.id: site for site in inventory.sites}
        self._bounded_sites = [
            site for site in inventory.sites if site.export_limit_mw is not None or site.import_limit_mw is not None
        ]
        self._is_bounded = bool(self._bounded_sites) or any(
            asset.reserve_soc_pct is not None for asset in inventory.assets
        )
        self._stepped = frozenset(
            asset.id
            for asset in inventory.assets
            if asset.id not in ramps_itself or self._ramp_of(asset.site_id) is not None
        )
        self._tick_s = tick_s
        self._hold_offline_s = hold_offline_s
        self._latest: dict[str, Telemetry] = {}
        self._reachable: dict[str, bool] = dict.fromkeys(self._assets, False)
        self._told: dict[str, _Told] = {}
        self._forgotten: set[str] = set()
        self._aims: dict[str, float] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._limits: dict[str, LimitedBy] = {}
        self._shared: dict[str, tuple[Lease, tuple[object, ...]]] = {}
        self.setpoints: dict[str, Setpoint] = {}
        """What was in force when `orders` was called last."""
        self.splits: list[tuple[Lease, Split]] = []
        """Splits that were made since somebody looked, for the log."""

    def latest(self, asset_id: str) -> Telemetry | None:
        """Return the newest sample of an asset."""
        return self._latest.get(asset_id)

    def take(self, lease: Lease, now: Moment) -> tuple[Acknowledgement, ...]:
        """Take a lease or a cancelling from the headend; the answers say what became of it at each asset."""
        if not lease.id:
            lease = replace(lease, id=uuid4().hex)  # an agent of the original got setpoints without a name
        if lease.hold_offline_s is None and lease.valid_until is None:
            lease = replace(lease, hold_offline_s=self._hold_offline_s)
        if lease.asset_id is not None:
            return (self.book.offer(lease, now),)
        members = self._members(lease)
        if not members:
            return (self._reject(lease, now),)
        if lease.cancel:
            # Each part knows its share of what follows.
            self._shared.pop(lease.id, None)
            return self.book.cancel(lease.id, now, asset_ids=members)
        split = self._split(lease, members)
        answers = self.book.offer_split(lease, split, now)
        if lease.id not in self._shared and any(answer.state == "received" for answer in answers):
            self._shared[lease.id] = (lease, self._situation(members))
            self.splits.append((lease, split))
        return answers

    def observe(self, samples: Iterable[Telemetry], now: Moment) -> list[Acknowledgement]:
        """Take what was read from the devices, and compare it with what is asked for."""
        answers = []
        for sample in samples:
            self._latest[sample.asset_id] = sample
            if sample.quality in ("good", "uncertain"):
                why = self._limits.get(sample.asset_id) or sample.limited_by
                answer = self.book.report(sample.asset_id, sample.mw, why, now)
                if answer is not None:
                    answers.append(answer)
        return answers

    def reach(self, asset_ids: Iterable[str], reachable: bool) -> None:
        """Note that the device of these assets answers, or does not."""
        for asset_id in asset_ids:
            self._reachable[asset_id] = reachable

    def due(self, now: Moment) -> tuple[Acknowledgement, ...]:
        """End and begin what is due, and share out anew what an asset can no longer carry."""
        told = self.book.due(now)
        living = {lease.id for lease in self.book.leases()} if self._shared else ()
        for lease_id in [one for one in self._shared if one not in living]:
            del self._shared[lease_id]
        for lease_id, (lease, before) in self._shared.items():
            members = self._members(lease)
            situation = self._situation(members)
            if situation != before:
                split = self._split(lease, members)
                self.book.reassign(lease_id, split, now)
                self._shared[lease_id] = (lease, situation)
                self.splits.append((lease, split))
        return told

    def orders(self, now: Moment) -> list[DeviceOrder]:
        """Return what is to be told to the devices now."""
        setpoints = self.setpoints = {asset_id: self.book.setpoint(asset_id, now) for asset_id in self._assets}
        commanded = {
            asset_id: setpoint
            for asset_id, setpoint in setpoints.items()
            if setpoint.lease_id is not None or not setpoint.is_written or self._is_elsewhere(asset_id, setpoint)
        }
        if not commanded:
            return []
        targets = {asset_id: setpoint.mw for asset_id, setpoint in commanded.items()}
        if self._is_bounded:
            present = {asset_id: self._now_of(asset_id) for asset_id in self._assets}
            targets, self._limits = hold_within(targets, present, self._bounded_sites, over_s=self._tick_s)
        steps = self._steps(targets, now)
        orders = []
        for asset_id, setpoint in commanded.items():
            told = self._told.get(asset_id)
            step = steps[asset_id]
            if setpoint.is_written and told is not None and told.mw == step and told.lease_id == setpoint.lease_id:
                continue
            orders.append(DeviceOrder(asset_id, step, setpoint.valid_until, setpoint.fallback_mw, setpoint.lease_id))
            self._aims[asset_id] = targets[asset_id]
        return orders

    def wrote(
        self, orders: Sequence[DeviceOrder], results: Sequence[WriteResult] | None, now: Moment, trouble: str = ""
    ) -> list[Acknowledgement]:
        """Note what became of orders; no results: the device did not answer."""
        answers = []
        by_asset = {result.asset_id: result for result in results or ()}
        for order in orders:
            result = by_asset.get(order.asset_id)
            if result is not None and result.accepted:
                answer = self._note_taken(order, result, now)
            else:
                answer = self._note_trouble(order, result, trouble or "the device does not answer", now)
            if answer is not None:
                answers.append(answer)
        return answers

    def forget_told(self, asset_ids: Iterable[str]) -> None:
        """The device may not know any more what it was told: tell it again."""
        for asset_id in asset_ids:
            if self._told.pop(asset_id, None) is not None:
                self._forgotten.add(asset_id)

    def to_dict(self, now: Moment) -> dict[str, Any]:
        """Return all that a restart needs in values that JSON knows."""
        from afterbay.fleet.wire import headend_message

        shared = [
            b64encode(headend_message(lease, now.utc).SerializeToString()).decode()
            for lease, _ in self._shared.values()
        ]
        return {"book": self.book.to_dict(now), "shared": shared}

    def restore_shared(self, saved: Iterable[str], now: Moment) -> None:
        """Take up the commands of sites and groups that are in force."""
        from afterbay.fleet.messages import Lease
        from afterbay.fleet.wire import agent_pb2 as pb
        from afterbay.fleet.wire import read_headend

        for text in saved:
            lease = read_headend(pb.HeadendToAgent.FromString(b64decode(text)), now.utc)
            if isinstance(lease, Lease):
                # Nobody knows yet how the assets are; the first look at them decides.
                self._shared[lease.id] = (lease, ())

    def _members(self, lease: Lease) -> tuple[str, ...]:
        if lease.members:
            return tuple(sorted(asset_id for asset_id in lease.members if asset_id in self._assets))
        return tuple(sorted(asset.id for asset in self._assets.values() if asset.site_id == lease.site_id))

    def _reject(self, lease: Lease, now: Moment) -> Acknowledgement:
        if lease.site_id is not None:
            reason = f"unknown_site: no asset of {lease.site_id} is behind this agent"
        elif lease.group_id is not None:
            reason = f"unknown_group: no asset of {lease.group_id} is behind this agent"
        else:
            reason = "no_target: it names no asset, no site and no members"
        return Acknowledgement(lease.id, "", "rejected", now.utc, reason)

    def _now_of(self, asset_id: str) -> AssetNow:
        return asset_now(self._assets[asset_id], self._latest.get(asset_id), online=self._reachable[asset_id])

    def _split(self, lease: Lease, members: Sequence[str]) -> Split:
        present = [self._now_of(asset_id) for asset_id in members]
        return split_power(lease.mw, present, sites=self._others(members), over_s=self._tick_s)

    def _others(self, members: Sequence[str]) -> list[SiteNow]:
        """Return the connections of the members with the power of those that do not belong to them."""
        sites = []
        for site_id in dict.fromkeys(self._assets[asset_id].site_id for asset_id in members):
            site = self._sites.get(site_id)
            if site is not None:
                others = (key for key, asset in self._assets.items() if asset.site_id == site_id and key not in members)
                sites.append(site_now(site, (self._now_of(asset_id) for asset_id in others)))
        return sites

    def _situation(self, members: Sequence[str]) -> tuple[object, ...]:
        """Return what a split depends on and what changes rarely: who is there, and who is at a bound."""
        found = []
        for asset_id in members:
            now = self._now_of(asset_id)
            limits = power_range(now)
            found.append((now.online, limits.low_reason, limits.high_reason))
        return tuple(found)

    def _ramp_of(self, site_id: str) -> float | None:
        site = self._sites.get(site_id)
        return None if site is None else site.ramp_limit_mw_per_min

    def _is_elsewhere(self, asset_id: str, setpoint: Setpoint) -> bool:
        """Is a device at something else than what it rests at: held back by its site, or nobody knows where?"""
        told = self._told.get(asset_id)
        return asset_id in self._forgotten if told is None else told.mw != setpoint.mw

    def _steps(self, targets: Mapping[str, float], now: Moment) -> dict[str, float]:
        """Return how far each asset may be told to go now; those that ramp by themselves all the way."""
        steps = dict(targets)
        by_site: dict[str, dict[str, float]] = {}
        for asset_id, mw in targets.items():
            if asset_id in self._stepped:
                by_site.setdefault(self._assets[asset_id].site_id, {})[asset_id] = mw
        for site_id, wanted in by_site.items():
            places, since_s = {}, now.monotonic_s
            for asset_id in wanted:
                told, sample = self._told.get(asset_id), self._latest.get(asset_id)
                places[asset_id] = told.mw if told is not None else 0.0 if sample is None else sample.mw
                since_s = min(since_s, told.at_s) if told is not None else since_s
            # A command that comes after a long rest begins with one tick's step, not with the whole rest's.
            dt_s = min(now.monotonic_s - since_s, self._tick_s) or self._tick_s
            limit = self._ramp_of(site_id)
            steps |= ramp_step(places, wanted, self._assets, dt_s, site_ramp_mw_per_min=limit)
        return steps

    def _note_taken(self, order: DeviceOrder, result: WriteResult, now: Moment) -> Acknowledgement | None:
        self._troubles.pop(order.asset_id, None)
        self._told[order.asset_id] = _Told(order.mw, order.lease_id, now.monotonic_s)
        self._forgotten.discard(order.asset_id)
        setpoint = self.book.setpoint(order.asset_id, now)
        if setpoint.lease_id != order.lease_id:
            return None
        # A step on the way is not yet what was asked for; only the whole is compared, and ends a fallback.
        whole = order.mw == self._aims.get(order.asset_id)
        if order.lease_id is None and not whole:
            return None
        return self.book.written(
            order.asset_id,
            order.lease_id,
            now,
            reason=self._limits.get(order.asset_id) or result.reason,
            read_back_mw=result.read_back_mw if whole else None,
        )

    def _note_trouble(
        self, order: DeviceOrder, result: WriteResult | None, trouble: str, now: Moment
    ) -> Acknowledgement | None:
        found = self._troubles.get(order.asset_id)
        if found is None or found.lease_id != order.lease_id:
            found = self._troubles[order.asset_id] = _Trouble(order.lease_id, now.monotonic_s)
        answers = result is not None and self._reachable[order.asset_id]
        found.refusals += answers
        if found.refusals < _REFUSALS and now.monotonic_s - found.since_s < _PATIENCE_S:
            return None
        reason = result.reason if result is not None else trouble
        return self.book.written(order.asset_id, order.lease_id, now, accepted=False, reason=reason)
