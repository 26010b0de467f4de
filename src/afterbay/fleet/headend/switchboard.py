"""Streams of agents: what they say goes where it belongs, and what changes hands is told to all whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from itertools import islice

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.headend.desk import CommandDesk
from afterbay.fleet.headend.journal import Journal
from afterbay.fleet.headend.latest import Block, LatestMap
from afterbay.fleet.headend.recording import RecorderPump
from afterbay.fleet.headend.sessions import Handover, SessionBook, is_same_gateway
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.headend.watching import Watchers
from afterbay.fleet.messages import (
    CURRENT_PROTOCOL,
    Acknowledgement,
    Event,
    Heartbeat,
    Notice,
    Receipt,
    Register,
    Welcome,
)
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire import read_agent
from afterbay.fleet.wire.frame import TelemetryFrame
from afterbay.fleet.wire.identity import Grant

__all__ = ["Switchboard"]

_MOST_REFUSALS = 16
"""Events that one registration can cause by claiming what it cannot have, one by one."""


class Switchboard:
    """All open streams."""

    def __init__(
        self,
        latest: LatestMap,
        sessions: SessionBook,
        desk: CommandDesk,
        pump: RecorderPump,
        journal: Journal,
        watchers: Watchers,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        software: str,
        silence_s: float,
        window: int,
    ) -> None:
        self._latest = latest
        self._sessions = sessions
        self._desk = desk
        self._pump = pump
        self._journal = journal
        self._watchers = watchers
        self._clock = clock
        self._monotonic = monotonic
        self._software = software
        self._silence_s = silence_s
        self._window = window
        self._streams: dict[Stream, None] = {}
        self.received = 0
        """Samples that were new."""
        self.duplicates = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, peer: str, grant: Grant) -> Stream:
        """Begin to hear an agent."""
        stream = Stream(peer, grant, self._clock(), self._monotonic())
        self._streams[stream] = None
        return stream

    def close(self, stream: Stream, reason: str) -> None:
        """End a stream; assets that another one serves by now are not touched."""
        if not stream.is_open:
            return
        stream.is_open = False
        del self._streams[stream]
        stream.outbox.close(reason)
        self.hand_over(self._sessions.close(stream, self._clock(), reason), None)

    def close_all(self, reason: str) -> None:
        """End all streams."""
        for stream in tuple(self._streams):
            self.close(stream, reason)

    def close_silent(self) -> None:
        """End streams that have said nothing for too long, though the connection looks alive."""
        silent_since = self._monotonic() - self._silence_s
        for stream in [one for one in self._streams if one.heard_s < silent_since and not one.held_up]:
            reason = f"silent for {self._silence_s:g} s"
            served = self._sessions.served_by(stream) or ("",)
            self._journal.event("gateway_silent", "warning", f"{stream.actor} ({stream.peer}): {reason}", served)
            self.close(stream, reason)

    async def room(self, stream: Stream) -> None:
        """Wait until another message may be heard; the stream's silence meanwhile is not its own."""
        stream.held_up = True
        try:
            await self._pump.room()
        finally:
            stream.held_up = False
            stream.heard_s = self._monotonic()

    def hear(self, stream: Stream, message: pb.AgentToHeadend | TelemetryFrame) -> None:
        """Take a message of an agent; what cannot be read is counted and noted, and the stream goes on."""
        if not stream.is_open:
            return
        stream.heard_s = self._monotonic()
        try:
            if isinstance(message, TelemetryFrame):
                self._take(stream, message.samples, message.batch_seq, replay=message.replay)
                return
            match message.WhichOneof("message"):
                case "telemetry_batch":
                    batch = message.telemetry_batch
                    self._take(stream, batch.samples, batch.batch_seq, replay=batch.replay)
                case "telemetry":
                    self._take(stream, (message.telemetry,), 0, replay=False)
                    if stream.protocol == 0:
                        self._desk.observe(stream, message.telemetry)
                case _:
                    self._take_record(stream, read_agent(message))
        except InvalidInputError as error:
            self._unreadable(stream, str(error))

    def hand_over(self, handovers: Collection[Handover], newcomer: Stream | None) -> None:
        """Bring everything in line with who serves what now, and tell who ought to know."""
        came: dict[Stream, list[str]] = {}
        for one in handovers:
            self._latest.hand_over(one.asset_id, one.after)
            if one.after is not None:
                came.setdefault(one.after, []).append(one.asset_id)
        lost = [one.asset_id for one in handovers if one.before is not None]
        if lost:
            self._desk.left(lost)
        for one in handovers:
            self._tell_of(one, newcomer)
        for stream, asset_ids in came.items():
            self._desk.arrived(stream, asset_ids)

    def _take(self, stream: Stream, samples: Collection[pb.Telemetry], batch_seq: int, *, replay: bool) -> None:
        now = self._clock()
        arrival = self._latest.take(stream, samples, now, replay=replay)
        fresh = arrival.fresh
        self.received += len(fresh)
        if len(fresh) < len(samples):
            self.duplicates += arrival.duplicates
            self.refused += len(samples) - len(fresh) - arrival.duplicates
            if arrival.unreadable:
                self._unreadable(stream, f"{arrival.unreadable} samples without a finite power or a readable time")
        receipt = Receipt(batch_seq, tuple(sorted(arrival.refused))) if batch_seq else None
        if fresh or receipt is not None:
            self._pump.samples(stream, Block(fresh, now, replay=replay), receipt)
        if fresh and self._watchers.wants("telemetry"):
            self._watchers.mark("telemetry", [sample.asset_id for sample in fresh])

    def _take_record(self, stream: Stream, record: object) -> None:
        match record:
            case Register():
                self._register(stream, record)
            case Heartbeat():
                # An agent that does not say how its clock stands still tells its time.
                told_s = record.clock_skew_s
                stream.clock_skew_s = (record.timestamp - self._clock()).total_seconds() if told_s is None else told_s
                for asset_id in (record.asset_id,) if record.asset_id else self._sessions.served_by(stream):
                    if self._sessions.server_of(asset_id) is stream:
                        self._latest.beat(asset_id, record.timestamp)
                        self._pump.heartbeat(Heartbeat(asset_id, record.timestamp))
            case Acknowledgement():
                self._desk.acknowledge(stream, record)
            case Event():
                if self._sessions.server_of(record.asset_id) is stream:
                    self._journal.note(record)
            case _:
                pass  # of a later protocol

    def _register(self, stream: Stream, register: Register) -> None:
        before = tuple(stream.claims)
        wanted = stream.grant.gateway_id
        if wanted is not None and register.gateway_id not in {"", wanted}:
            told = f"{stream.peer} calls itself gateway {register.gateway_id!r}, its certificate or token {wanted!r}"
            self._journal.event("claim_refused", "alarm", told)
            self.close(stream, told)
            return
        stream.introduce(register, self._clock())
        if register.hello is not None:
            self._desk.heard_of(register.hello.last_command_seq)
        handovers = self._sessions.register(stream, before, self._clock())
        refused = {
            asset_id: reason for asset_id in stream.claims if (reason := self._sessions.refusal(stream, asset_id))
        }
        if stream.protocol > 0:
            accepted = self._sessions.served_by(stream)
            protocol = min(stream.protocol, CURRENT_PROTOCOL)
            stream.outbox.put(Welcome(protocol, self._software, accepted, refused, self._window))
        self._note_refused(stream, refused)
        self.hand_over(handovers, stream)

    def _note_refused(self, stream: Stream, refused: Mapping[str, str]) -> None:
        for asset_id, reason in islice(refused.items(), _MOST_REFUSALS):
            told = f"{stream.actor} ({stream.peer}) claims asset {asset_id[:80]}: {reason}"
            self._journal.event("claim_refused", "alarm", told, (asset_id,))
        if len(refused) > _MOST_REFUSALS:
            told = (
                f"{stream.actor} ({stream.peer}) claims {len(refused) - _MOST_REFUSALS} more assets that it cannot have"
            )
            self._journal.event("claim_refused", "alarm", told)

    def _tell_of(self, one: Handover, newcomer: Stream | None) -> None:
        before, after, concerned = one.before, one.after, (one.asset_id,)
        if before is not None and after is not None and after is newcomer:
            if is_same_gateway(before, after):
                return
            told = f"taken over by {after.actor} ({after.peer}) from {before.actor} ({before.peer})"
            self._journal.event("claim_taken_over", "warning", told, concerned)
            for stream in (before, after):
                stream.tell(Notice("taken_over", told, "warning", concerned))
        elif after is not None and after is not newcomer:
            told = f"given to {after.actor} ({after.peer})"
            self._journal.event("claim_given_back", "info", told, concerned)
            after.tell(Notice("given_back", told, "info", concerned))
        elif before is not None and after is None and before.is_open and one.asset_id in before.claims:
            before.tell(Notice("removed", "no longer in the inventory", "warning", concerned))

    def _unreadable(self, stream: Stream, what: str) -> None:
        stream.unreadable += 1
        if stream.unreadable & (stream.unreadable - 1) == 0:  # the 1st, 2nd, 4th, 8th: a broken agent is no flood
            told = f"{stream.actor} ({stream.peer}): {what} (message {stream.unreadable} of this kind)"[:500]
            self._journal.event("message_unreadable", "warning", told)
            stream.tell(Notice("unreadable", told))
