"""The headend: who is connected, what every asset last said, and the commands on their way. No database, no web.

One event loop owns a headend. Messages come in by `open_stream` and `hear`, whatever carries them; what is to be told
to an agent waits in its stream's outbox. Nothing here awaits on the path of a message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType

from afterbay.core.errors import ConflictError, NotFoundError, UnavailableError
from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.preview import Preview
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend.api import (
    AgentRow,
    Change,
    ChangeKind,
    HeadendHealth,
    Outcome,
    Recorder,
    Restored,
)
from afterbay.fleet.headend.desk import CommandDesk
from afterbay.fleet.headend.journal import Journal
from afterbay.fleet.headend.latest import LatestMap
from afterbay.fleet.headend.recording import RecorderPump
from afterbay.fleet.headend.sessions import SessionBook
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.headend.switchboard import Switchboard
from afterbay.fleet.headend.watching import Subscription, Watchers
from afterbay.fleet.inventory.records import Inventory
from afterbay.fleet.messages import Event, Heartbeat, Lease, Restoration, Telemetry
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.frame import TelemetryFrame
from afterbay.fleet.wire.identity import OPEN, Grant

__all__ = ["Headend"]

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Headend:
    """See the module. Use it in an `async with` block, which runs its recorder and its clockwork."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        recorder: Recorder | None = None,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        software: str = "afterbay",
        silence_s: float = 90.0,
        window: int = 32,
        most_samples: int = 100_000,
    ) -> None:
        """Start without streams.

        Args:
            inventory: What is operated; `replace_inventory` changes it while running.
            recorder: Keeps what happens; None: memory only.
            clock: Wall clock, UTC.
            monotonic: Clock that never jumps [s].
            software: Name and version for agents.
            silence_s: A stream that says nothing for so long is taken for dead [s].
            window: Batches that an agent may send ahead of their receipts.
            most_samples: Samples that may wait for the recorder; then streams wait too.
        """
        self._inventory = inventory
        self._clock = clock
        self._names = _names(inventory)
        self._latest = LatestMap(self._names)
        self._pump = RecorderPump(recorder, clock, most_samples=most_samples)
        self._watchers = Watchers(self._read_change)
        self._journal = Journal(self._pump, self._watchers, clock, self._site_of)
        self._sessions = SessionBook(inventory, told=self._journal.session)
        self._desk = CommandDesk(inventory, self._latest, self._sessions, clock, self._journal.command)
        self._board = Switchboard(
            self._latest,
            self._sessions,
            self._desk,
            self._pump,
            self._journal,
            self._watchers,
            clock=clock,
            monotonic=monotonic,
            software=software,
            silence_s=silence_s,
            window=window,
        )
        self._recorder_failed = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Headend:
        self._tasks = [asyncio.create_task(self._pump.run()), asyncio.create_task(self._tick_forever())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.close_all("the headend stops")
        self._watchers.close()
        try:
            async with asyncio.timeout(5.0):
                await self._pump.drained()
        except TimeoutError:
            _log.warning("stopping with %d samples that the recorder did not take", self._pump.samples_waiting)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def now(self) -> datetime:
        """Return this moment by the headend's clock."""
        return self._clock()

    # What is operated.

    @property
    def inventory(self) -> Inventory:
        """What is operated now."""
        return self._inventory

    def replace_inventory(self, inventory: Inventory) -> None:
        """Operate something else from now on; streams stay, and get or lose assets."""
        now = self._clock()
        handovers = self._sessions.replace_inventory(inventory, now)
        self._inventory = inventory
        self._names = _names(inventory)
        self._latest.replace_assets(self._names)
        self._desk.replace_inventory(inventory)
        for asset_id in self._names:
            self._latest.hand_over(asset_id, self._sessions.server_of(asset_id))
        self._board.hand_over(handovers, None)
        self._watchers.mark("inventory", ("",))

    def restore(self, remembered: Restored) -> None:
        """Take back what a recorder remembers, before the first stream is let in."""
        samples = {sample.asset_id: sample for sample in remembered.telemetry}
        for asset_id in self._names:
            self._latest.restore(samples.get(asset_id), asset_id, remembered.seen.get(asset_id, ()))
        self._desk.restore(remembered.commands)

    # Streams.

    @property
    def has_room(self) -> bool:
        """May another message be heard? If not, await `room` first, so that the link slows its sender down."""
        return self._pump.has_room

    async def room(self, stream: Stream) -> None:
        """Wait until another message may be heard."""
        await self._board.room(stream)

    def open_stream(self, peer: str, grant: Grant = OPEN) -> Stream:
        """Begin to hear an agent; what is to be told to it comes out of `stream.outbox`."""
        return self._board.open(peer, grant)

    def close_stream(self, stream: Stream, reason: str) -> None:
        """End a stream; assets that another one serves by now are not touched."""
        self._board.close(stream, reason)

    def close_streams(self, reason: str) -> None:
        """End all streams."""
        self._board.close_all(reason)

    def not_written(self, stream: Stream, lease: Lease) -> None:
        """Note that a lease was too late to be written to an agent that would have applied it all the same."""
        self._desk.not_written(stream, lease)

    def note_refusal(self, told: str) -> None:
        """Note that a caller was turned away before it had a stream."""
        self._journal.event("caller_refused", "alarm", told)

    def hear(self, stream: Stream, message: pb.AgentToHeadend | TelemetryFrame) -> None:
        """Take a message of an agent. Never raises for what it says: what cannot be read is counted and noted."""
        self._board.hear(stream, message)

    def bootstrap(self, asset_ids: Iterable[str], grant: Grant = OPEN) -> tuple[Restoration, ...]:
        """Return what is known of assets, for an agent that starts; nothing of assets that are not its own."""
        found: list[Restoration] = []
        for asset_id in dict.fromkeys(asset_ids):
            asset = self._names.get(asset_id)
            if asset is not None and grant.allows(asset_id, asset[1]):
                lease = self._desk.lease_in_force(asset_id)
                found.append(Restoration(asset_id, self._latest.newest(asset_id), lease))
        return tuple(found)

    # What is known.

    def agents(self) -> tuple[AgentRow, ...]:
        """Return one row per configured asset, in the order of the inventory."""
        return tuple(self.agent(asset_id) for asset_id in self._names)

    def agent(self, asset_id: str) -> AgentRow:
        """Return the row of one asset; `NotFoundError`."""
        name, site_id, site_name = self._known(asset_id)
        stream = self._sessions.server_of(asset_id)
        sessions = self._sessions.sessions_of(asset_id)
        beat, sample = self._latest.heartbeat_of(asset_id), self._latest.received_at(asset_id)
        last = sessions[0] if sessions else None
        return AgentRow(
            asset_id=asset_id,
            asset_name=name,
            site_id=site_id,
            site_name=site_name,
            connected=stream is not None,
            peer=last.peer if last is not None else None,
            gateway_id=last.gateway_id if last is not None else None,
            protocol=None if stream is None else stream.protocol,
            software="" if stream is None else stream.software,
            connected_at=last.connected_at if last is not None and stream is not None else None,
            last_seen=max((moment for moment in (beat, sample) if moment is not None), default=None),
            last_heartbeat=beat,
            reconnects=max(self._sessions.count_of(asset_id) - 1, 0),
            tick_s=None if stream is None else stream.tick_of(asset_id),
            clock_skew_s=None if stream is None else stream.clock_skew_s,
            sessions=sessions,
        )

    def telemetry(self, asset_id: str) -> Telemetry | None:
        """Return the newest sample of an asset, or None when there never was one; `NotFoundError`."""
        self._known(asset_id)
        return self._latest.newest(asset_id)

    def latest(self) -> dict[str, Telemetry]:
        """Return the newest sample of every asset that has one."""
        newest = ((asset_id, self._latest.newest(asset_id)) for asset_id in self._latest.with_samples())
        return {asset_id: sample for asset_id, sample in newest if sample is not None}

    def push(self, sample: Telemetry, *, actor: str) -> None:
        """Take a sample that came on no stream.

        Raises `NotFoundError`, `ConflictError` when a stream serves the asset, `UnavailableError` without `has_room`.
        """
        self._known(sample.asset_id)
        stream = self._sessions.server_of(sample.asset_id)
        if stream is not None:
            raise ConflictError(f"asset {sample.asset_id}: {stream.actor} serves it -> {actor} cannot push samples")
        if not self.has_room:
            raise UnavailableError(f"{self._pump.samples_waiting} samples wait for the recorder -> try again later")
        self._board.received += 1
        self._pump.samples(None, self._latest.push(sample, self._clock()), None)
        self._watchers.mark("telemetry", (sample.asset_id,))

    def heartbeat(self, asset_id: str) -> Heartbeat | None:
        """Return the newest heartbeat of an asset; `NotFoundError`."""
        self._known(asset_id)
        at = self._latest.heartbeat_of(asset_id)
        return None if at is None else Heartbeat(asset_id, at)

    def seen(self, asset_id: str) -> tuple[tuple[int, int], ...]:
        """Return the sequence numbers seen of an asset, as ranges; `NotFoundError`."""
        self._known(asset_id)
        return self._latest.seen(asset_id)

    def subscribe(
        self, kinds: Collection[ChangeKind] | None = None, asset_ids: Collection[str] | None = None
    ) -> Subscription:
        """Listen to changes, of some kinds and assets or of all; close it when done."""
        return self._watchers.subscribe(kinds, asset_ids)

    def health(self) -> HeadendHealth:
        """Return figures about the headend."""
        return HeadendHealth(
            streams=len(self._board),
            assets=len(self._names),
            assets_connected=self._sessions.connected,
            samples_received=self._board.received,
            samples_duplicate=self._board.duplicates,
            samples_refused=self._board.refused,
            samples_waiting=self._pump.samples_waiting,
            recorder_failing_since=self._pump.failing_since,
            recorder_error=self._pump.error,
            commands_open=self._desk.live,
            subscribers=len(self._watchers),
        )

    # Commands.

    def submit(
        self, request: CommandRequest, *, actor: str, key: str | None = None, not_before: datetime | None = None
    ) -> Outcome:
        """Accept a request and send it.

        Args:
            request: From `afterbay.fleet.commands.read_request`.
            actor: Who asks: a person, a token.
            key: Idempotency key; None: every call is a new command.
            not_before: Begin of an interval of a schedule; None: at once.

        Raises:
            InvalidInputError: It is not well formed, nobody is named, or the key belongs to another request;
                `OutOfRangeError`: strict, and beyond limits.
            NotFoundError: Whom it names is unknown; nothing moves then.
            ConflictError: An asset is offline and the request does not wait.
            UnavailableError: The gateway does not read what it is sent.
        """
        return self._desk.submit(request, actor=actor, key=key, not_before=not_before)

    def preview(self, request: CommandRequest) -> Preview:
        """Check a request and foresee it; nothing is sent or kept."""
        return self._desk.preview(request)

    def cancel(self, command_id: str, *, actor: str, reason: str = "") -> Command:
        """End a command now; `NotFoundError`, `ConflictError` when it is over."""
        return self._desk.cancel(command_id, actor=actor, reason=reason)

    def command(self, command_id: str) -> Command:
        """Return one command; `NotFoundError`."""
        return self._desk.get(command_id)

    def commands(self, *, asset_id: str | None = None, limit: int = 200) -> tuple[Command, ...]:
        """Return the newest commands, newest first."""
        return self._desk.recent(asset_id, limit)

    async def kept(self, within_s: float = 2.0) -> None:
        """Wait until the recorder has what was accepted so far; but not for long, if it fails."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._pump.kept()

    # Events.

    def raise_event(self, event: Event) -> None:
        """Note an event; `NotFoundError` for an asset that is not known."""
        if event.asset_id:
            self._known(event.asset_id)
        self._journal.note(event)

    def events(self, *, asset_id: str | None = None, limit: int = 100) -> tuple[Event, ...]:
        """Return the newest events, newest first."""
        return self._journal.recent(asset_id, limit)

    # What the clockwork does.

    def tick(self) -> None:
        """Expire commands, end silent streams, tell when the recorder fails; called once a second."""
        self._desk.due()
        self._board.close_silent()
        failing = self._pump.failing_since is not None
        if failing != self._recorder_failed:
            self._recorder_failed = failing
            if failing:
                self._journal.event("recorder_failing", "critical", self._pump.error)
            else:
                self._journal.event("recorder_recovered", "info", "the recorder takes samples again")

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                self.tick()
            except Exception:
                _log.exception("the clockwork stumbled; it goes on")

    def _read_change(self, kind: ChangeKind, key: str) -> Change | None:
        try:
            match kind:
                case "telemetry":
                    sample = self.telemetry(key)
                    return None if sample is None else Change(kind, key, sample)
                case "session":
                    return Change(kind, key, self.agent(key))
                case "command":
                    return Change(kind, None, self.command(key))
                case _:
                    return Change(kind, None, None)
        except NotFoundError:
            return None  # gone since

    def _site_of(self, asset_id: str) -> str:
        return self._names[asset_id][1] if asset_id in self._names else ""

    def _known(self, asset_id: str) -> tuple[str, str, str]:
        known = self._names.get(asset_id)
        if known is None:
            raise NotFoundError(f"asset {asset_id}: not in the inventory")
        return known


def _names(inventory: Inventory) -> dict[str, tuple[str, str, str]]:
    """Return name, site id and site name by asset id."""
    sites = {site.id: site.name for site in inventory.sites}
    return {asset.id: (asset.name, asset.site_id, sites.get(asset.site_id, "")) for asset in inventory.assets}
