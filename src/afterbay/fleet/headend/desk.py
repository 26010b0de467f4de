"""The desk where commands are accepted, sent, followed and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from afterbay.core.errors import NotFoundError, UnavailableError
from afterbay.fleet.commands.arrival import has_reached
from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.limits import check_request
from afterbay.fleet.commands.making import command_id_of, key_taken, request_digest
from afterbay.fleet.commands.present import AssetNow, asset_now
from afterbay.fleet.commands.preview import Preview, preview_request
from afterbay.fleet.commands.record import HEADEND, CommandRecord
from afterbay.fleet.commands.request import CommandRequest, check_begin
from afterbay.fleet.commands.states import FINAL, IN_FORCE, CommandState
from afterbay.fleet.headend.api import Outcome
from afterbay.fleet.headend.latest import LatestMap
from afterbay.fleet.headend.routing import Route, find_routes
from afterbay.fleet.headend.sessions import SessionBook
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.inventory.records import Asset, Inventory
from afterbay.fleet.messages import Acknowledgement, Lease
from afterbay.fleet.wire import agent_pb2 as pb

__all__ = ["CommandDesk"]

_SAME_MW = 1e-6
_DOUBT = timedelta(seconds=30)
"""So long an agent of the original has to show a command in its telemetry: several of its ticks of 4 s."""
_LOST = "its connection was lost; an agent of the original cannot say whether it arrived"


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A command on its way to an agent of the original, which may never say what became of it."""

    command_id: str
    mw: float
    before_mw: float | None
    """What its asset was told before; None: not known [MW]."""
    since: datetime


class CommandDesk:
    """Commands between the record, which knows their lives, and the streams, which carry them."""

    def __init__(
        self,
        inventory: Inventory,
        latest: LatestMap,
        sessions: SessionBook,
        clock: Callable[[], datetime],
        changed: Callable[[Command], None],
    ) -> None:
        """Start without commands; `changed` hears of every change of every command."""
        self._present = _Present(inventory, latest, sessions)
        self._inventory = inventory
        self._sessions = sessions
        self._clock = clock
        self._changed = changed
        self._record = CommandRecord()
        self._held: set[str] = set()
        self._doubts: dict[str, _Doubt] = {}

    def replace_inventory(self, inventory: Inventory) -> None:
        """Go on with another inventory."""
        self._inventory = inventory
        self._present.replace_inventory(inventory)

    def submit(self, request: CommandRequest, *, actor: str, key: str | None, not_before: datetime | None) -> Outcome:
        """Accept a request and send it; see `Headend.submit`."""
        known = self._record.by_key(key) if key else None
        if known is not None:
            return self._repeated(known, request, not_before)
        checked = check_request(request, self._inventory, self._present)
        for asset_id in checked.target.asset_ids:
            stream = self._sessions.server_of(asset_id)
            if stream is not None and stream.outbox.is_full:
                raise UnavailableError(
                    f"asset {asset_id}: {stream.actor} does not read what it is sent ({len(stream.outbox)} messages "
                    "wait) -> see whether its agent hangs"
                )
        now = self._clock()
        check_begin(request, not_before, now)
        command_id = command_id_of(key, request, not_before)
        submission = self._record.submit(
            checked, command_id=command_id, now=now, actor=actor, key=key, not_before=not_before
        )
        command = submission.command
        if submission.is_new:
            for superseded in submission.superseded:
                self._note(superseded)
            command = self._send(command, checked.target.asset_ids, now)
        return Outcome(command, checked, not submission.is_new, submission.superseded)

    def preview(self, request: CommandRequest) -> Preview:
        """Foresee a request."""
        return preview_request(check_request(request, self._inventory, self._present), self._inventory, self._present)

    def cancel(self, command_id: str, *, actor: str, reason: str) -> Command:
        """End a command now."""
        now = self._clock()
        command = self._note(self._record.cancel(command_id, now, actor=actor, reason=reason))
        self._send_cancels([part.asset_id for part in command.parts], now)
        return self._record.get(command_id) or command

    def acknowledge(self, stream: Stream, ack: Acknowledgement) -> None:
        """Take the word of the stream that serves the asset; anybody else's is ignored."""
        ids = [ack.asset_id] if ack.asset_id else self._parts_on(stream, ack.lease_id)
        for asset_id in ids:
            if self._sessions.server_of(asset_id) is stream:
                self._apply(replace(ack, asset_id=asset_id), stream.actor)

    def observe(self, stream: Stream, sample: pb.Telemetry) -> None:
        """See in a sample of an agent of the original that a command is in force, and when its power is reached.

        Such an agent may never acknowledge, and never says how far it came.
        """
        doubt = self._doubts.get(sample.asset_id)
        asset = self._present.asset(sample.asset_id)
        if doubt is None or asset is None or self._sessions.server_of(sample.asset_id) is not stream:
            return
        if abs(sample.setpoint_mw - doubt.mw) <= _SAME_MW:
            reason = "seen in its telemetry"
            if has_reached(sample.current_mw, doubt.mw, asset):
                del self._doubts[sample.asset_id]
                reason = "reached"
            ack = Acknowledgement(
                doubt.command_id, sample.asset_id, "active", self._clock(), reason, doubt.mw, sample.current_mw
            )
            self._apply(ack, stream.actor)

    def arrived(self, stream: Stream, asset_ids: Iterable[str]) -> None:
        """Send what waited for assets that a stream serves from now on, and cancels it has not confirmed."""
        now = self._clock()
        ids = tuple(asset_ids)
        knows_leases = stream.protocol > 0
        for command, waiting in self._record.to_deliver(ids, now, knows_leases=knows_leases):
            self._send(command, waiting, now)
        if not knows_leases:
            for command, late in self._record.too_late_to_repeat(ids, now):
                self._doubt(command, late, None, now)
        self._send_cancels(ids, now)

    def left(self, asset_ids: Iterable[str]) -> None:
        """Put back what was on its way to assets that nobody serves any more, or somebody else."""
        for command in self._record.stream_lost(tuple(asset_ids), self._clock()):
            self._note(command)

    def not_written(self, stream: Stream, lease: Lease) -> None:
        """End what waited so long for an agent of the original to read that it must not be written any more."""
        ids = [each for each in lease.members or (lease.asset_id or "",) if self._sessions.server_of(each) is stream]
        self._give_up(lease.id, ids, "expired", "its agent did not read it within its deadline")

    def heard_of(self, sequence: int) -> None:
        """Number on above a sequence that an agent has seen."""
        self._record.raise_sequence(sequence)

    def due(self) -> None:
        """Expire what is too late, and send what was held back until now; call it about once a second."""
        now = self._clock()
        for command in self._record.due(now):
            self._note(command)
        for asset_id, doubt in tuple(self._doubts.items()):
            self._settle(asset_id, doubt, now)
        for command_id in tuple(self._held):
            command_ = self._record.get(command_id)
            if command_ is None or command_.is_final:
                self._held.discard(command_id)
            elif command_.not_before is None or command_.not_before <= now:
                self._held.discard(command_id)
                waiting = [part.asset_id for part in command_.parts if part.state in {"submitted", "queued"}]
                self._send(command_, waiting, now)

    def lease_in_force(self, asset_id: str) -> Lease | None:
        """Return what an asset should be doing by a command that has begun and not ended, as a lease for it alone."""
        command = self._record.in_force(asset_id)
        now = self._clock()
        if command is None or command.is_final or (command.valid_until is not None and command.valid_until <= now):
            return None
        if command.not_before is not None and command.not_before > now:
            return None
        lease = command.lease()
        if lease.asset_id is not None:
            return lease
        part = command.part(asset_id)
        power = None if part is None else part.mw if part.applied_mw is None else part.applied_mw
        return None if power is None else replace(
            lease, asset_id=asset_id, site_id=None, group_id=None, members=(), mw=power
        )  # fmt: skip

    def get(self, command_id: str) -> Command:
        """Return one command; `NotFoundError`."""
        command = self._record.get(command_id)
        if command is None:
            raise NotFoundError(f"command {command_id}: not known here -> older ones are in the database only")
        return command

    def recent(self, asset_id: str | None, limit: int) -> tuple[Command, ...]:
        """Return the newest commands, newest first."""
        if asset_id is None:
            return self._record.recent(limit)
        found = (command for command in self._record.recent(1_000_000) if command.part(asset_id) is not None)
        return tuple(command for command, _ in zip(found, range(limit), strict=False))

    @property
    def live(self) -> int:
        """Number of commands that are not over."""
        return len(self._record.live())

    def restore(self, commands: Iterable[Command]) -> None:
        """Take commands back after a restart."""
        for command in self._record.restore(commands, self._clock()):
            self._note(command)

    def _repeated(self, known: Command, request: CommandRequest, not_before: datetime | None) -> Outcome:
        if known.digest != request_digest(request, not_before):
            raise key_taken(known)
        return Outcome(known, None, duplicate=True)

    def _send(self, command: Command, asset_ids: Iterable[str], now: datetime) -> Command:
        """Put a command on the streams of these assets; what has no stream waits."""
        wanted = tuple(asset_ids)
        for route in self._routes(command, command.lease(), wanted):
            original = route.stream.protocol == 0
            if original and command.not_before is not None and command.not_before > now:
                self._held.add(command.id)  # the original would begin at once
                reason = "waits for its begin"
                command = self._note(self._record.queue(command.id, now, reason=reason, asset_ids=route.asset_ids))
                continue
            route.stream.outbox.put(route.lease)
            command = self._note(self._record.sent(command.id, now, asset_ids=route.asset_ids))
            if original:
                self._doubt(command, route.asset_ids, route.lease, now)
            else:
                for asset_id in route.asset_ids:
                    self._doubts.pop(asset_id, None)
        if any(part.state == "submitted" for part in command.parts):
            command = self._note(self._record.queue(command.id, now))
        return command

    def _send_cancels(self, asset_ids: Iterable[str], now: datetime) -> None:
        for command, ids in self._record.to_cancel(tuple(asset_ids)):
            for route in self._routes(command, command.cancel_lease(), ids):
                route.stream.outbox.put(route.lease)
                if route.stream.protocol == 0:
                    for asset_id in route.asset_ids:
                        ack = Acknowledgement(command.id, asset_id, "cancelled", now, "the original cannot confirm it")
                        self._apply(ack, HEADEND)

    def _routes(self, command: Command, lease: Lease, asset_ids: Iterable[str]) -> tuple[Route, ...]:
        return find_routes(
            lease,
            asset_ids,
            all_ids=command.members,
            server_of=self._sessions.server_of,
            shares=_shares(command),
        )

    def _doubt(self, command: Command, asset_ids: Iterable[str], lease: Lease | None, now: datetime) -> None:
        """Look for a command in the telemetry of an original's assets; `lease` is what it was just sent, if it was."""
        shares = _shares(command)
        for asset_id in asset_ids:
            earlier = self._doubts.get(asset_id)
            if earlier is not None and earlier.command_id != command.id:
                if lease is None:
                    self._give_up(command.id, [asset_id], "expired", _LOST)
                    continue
                # On one stream the later one follows the earlier, and this agent does what it hears last.
                self._give_up(earlier.command_id, [asset_id], "superseded", f"replaced by {command.id}")
            alone = lease.mw if lease is not None and lease.asset_id is not None else command.mw
            power = alone if command.target == "asset" else shares.get(asset_id, alone)
            before_mw = None if lease is None else self._present[asset_id].setpoint_mw
            self._doubts[asset_id] = _Doubt(command.id, power, before_mw, now)

    def _settle(self, asset_id: str, doubt: _Doubt, now: datetime) -> None:
        """End a doubt that lasted too long: such an agent will not say any more."""
        command = self._record.get(doubt.command_id)
        part = None if command is None else command.part(asset_id)
        if command is None or part is None or part.state in FINAL:
            del self._doubts[asset_id]
            return
        if part.state in IN_FORCE or now < doubt.since + _DOUBT:
            return
        if part.state == "sent":
            del self._doubts[asset_id]
            told_mw = self._present[asset_id].setpoint_mw if asset_id in self._present else None
            if told_mw is None or doubt.before_mw is None or abs(told_mw - doubt.before_mw) <= _SAME_MW:
                reason = f"not seen in its telemetry within {_DOUBT.seconds} s; an agent of the original cannot say why"
                self._give_up(command.id, [asset_id], "failed", reason)
            else:
                # It divides a site's power by itself, and knows other limits.
                reason = f"its agent set {told_mw:g} MW by itself"
                self._apply(Acknowledgement(command.id, asset_id, "limited", now, reason, told_mw), HEADEND)
        elif command.deliver_by is None or now >= command.deliver_by:
            del self._doubts[asset_id]
            self._give_up(command.id, [asset_id], "expired", _LOST)

    def _give_up(self, command_id: str, asset_ids: Iterable[str], state: CommandState, reason: str) -> None:
        command = self._record.get(command_id)
        if command is None:
            return
        meant = set(asset_ids)
        ids = [part.asset_id for part in command.parts if part.asset_id in meant and part.state not in IN_FORCE]
        after = self._record.fail(command_id, self._clock(), reason=reason, state=state, asset_ids=ids)
        if after is not command:
            self._note(after)

    def _parts_on(self, stream: Stream, command_id: str) -> list[str]:
        command = self._record.get(command_id)
        parts = () if command is None else command.parts
        return [part.asset_id for part in parts if self._sessions.server_of(part.asset_id) is stream]

    def _apply(self, ack: Acknowledgement, actor: str) -> None:
        for command in self._record.acknowledge(ack, self._clock(), actor=actor):
            self._note(command)

    def _note(self, command: Command) -> Command:
        self._changed(command)
        return command


class _Present(Mapping[str, AssetNow]):
    """What is known of every asset now, worked out for those that are asked for."""

    def __init__(self, inventory: Inventory, latest: LatestMap, sessions: SessionBook) -> None:
        self._latest = latest
        self._sessions = sessions
        self._assets: dict[str, Asset] = {}
        self.replace_inventory(inventory)

    def replace_inventory(self, inventory: Inventory) -> None:
        self._assets = {asset.id: asset for asset in inventory.assets}

    def asset(self, asset_id: str) -> Asset | None:
        """Return an asset as the inventory has it."""
        return self._assets.get(asset_id)

    def __getitem__(self, asset_id: str) -> AssetNow:
        asset = self._assets[asset_id]
        online = self._sessions.server_of(asset_id) is not None
        return asset_now(asset, self._latest.brief(asset_id), online=online)

    def __contains__(self, asset_id: object) -> bool:
        return asset_id in self._assets

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)


def _shares(command: Command) -> Mapping[str, float]:
    """Return the power of each asset, as it was foreseen when the command was submitted [MW]."""
    return {part.asset_id: part.mw for part in command.parts if part.mw is not None}
