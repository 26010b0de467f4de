"""The link to the headend: it comes and goes, and what the agent does never depends on it."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from afterbay.core.errors import AfterbayError, InvalidInputError, UnavailableError
from afterbay.fleet.agent.backoff import Backoff
from afterbay.fleet.agent.logs import say
from afterbay.fleet.messages import Heartbeat, Lease, Notice, Receipt, Welcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Any

    from afterbay.fleet.agent.records import StoredBatch
    from afterbay.fleet.agent.runtime import Runtime
    from afterbay.fleet.agent.transport import Conversation, Transport

__all__ = ["Link"]

_REPLAY_SAMPLES = 500
"""Samples of one message of a replay: small ticks travel together."""
_ANSWERED_AGAIN = timedelta(hours=1)
"""Commands that ended so shortly before a start are answered again with the first connection."""
_STEADY_S = 10.0
"""A stream that lives so long was a success: the next wait is short again [s]."""


class Link:
    """Keeps a stream to the headend for as long as the agent runs.

    A stream begins with hello and registration. What is new goes first, and what waited in the spool follows in its
    order, in the room that is left: after a day without a headend nobody waits an hour for the present. To a headend
    of the original, which sends no welcome, samples go one by one, the oldest first.

    Args:
        runtime: Whose link this is.
        transport: How the headend is reached.
        sleep: Waits [s]; tests pass one that does not.
        heartbeat_s: Time between two signs of life [s].
        welcome_s: How long to wait for the welcome before the headend counts as one of the original [s].
        silence_s: How long samples may stay without a receipt and the headend without a word, before the stream
            counts as dead: gRPC's own pings find most of these, and not each of them [s].
    """

    def __init__(
        self,
        runtime: Runtime,
        transport: Transport,
        *,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        heartbeat_s: float = 30.0,
        welcome_s: float = 5.0,
        silence_s: float = 60.0,
        backoff: Backoff | None = None,
    ) -> None:
        self._runtime = runtime
        self._transport = transport
        self._sleep = sleep
        self._heartbeat_s = heartbeat_s
        self._welcome_s = welcome_s
        self._silence_s = silence_s
        self._backoff = backoff or Backoff(runtime.clocks.random)
        self._said = ""
        self._lost_at = runtime.clocks.utc() - _ANSWERED_AGAIN
        self.connections = 0
        """Streams on which the headend answered."""

    async def run(self, stop: asyncio.Event) -> None:
        """Connect, talk, and connect again, until told to stop."""
        monotonic = self._runtime.clocks.monotonic
        while not stop.is_set():
            began_s = monotonic()
            reason = await self._talk_once(stop)
            if self._runtime.link_state["connected"]:
                self._lost_at = self._runtime.clocks.utc()
            self._runtime.connected(False)
            if stop.is_set():
                return
            if monotonic() - began_s >= _STEADY_S:
                self._backoff.reset()
            wait_s = self._backoff.next_s()
            if reason != self._said or self._backoff.attempts % 10 == 0:
                say("headend_lost", severity="warning", reason=reason, attempt=self._backoff.attempts,
                    wait_s=round(wait_s, 2))  # fmt: skip
            self._said = reason
            self._runtime.link_state.update(reason=reason, attempts=self._backoff.attempts)
            await _first_of(self._sleep(wait_s), stop.wait())

    async def drain(self, timeout_s: float) -> None:
        """Wait until the headend has everything, but not for long."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._runtime.link_state.get("connected") and (
                    self._runtime.spool.unconfirmed or self._runtime.outgoing.waiting
                ):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass

    async def _talk_once(self, stop: asyncio.Event) -> str:
        """Keep one stream from its beginning to its end, and return why it ended."""
        try:
            conversation = await self._transport.open()
        except AfterbayError as error:
            return str(error)
        session = _Session(
            self._runtime, conversation, self._heartbeat_s, self._welcome_s, self._lost_at, self._welcomed
        )
        try:
            await _first_of(session.read(), session.write(), session.watch(self._silence_s), stop.wait())
        except UnavailableError as error:
            return str(error)
        finally:
            await conversation.close()
            self._runtime.outgoing.rewind()
        return "the headend ended the stream"

    def _welcomed(self, protocol: int) -> None:
        self.connections += 1
        self._said = ""
        self._runtime.link_state.update(
            since=self._runtime.clocks.utc().isoformat(), protocol=protocol, reason="", attempts=0
        )
        self._runtime.connected(True)
        say("headend_connected", protocol=protocol, waiting_samples=self._runtime.spool.waiting[0])


class _Session:
    """One stream: what was sent on it, and what the headend has confirmed."""

    def __init__(
        self,
        runtime: Runtime,
        conversation: Conversation,
        heartbeat_s: float,
        welcome_s: float,
        lost_at: datetime,
        welcomed: Callable[[int], None],
    ) -> None:
        self._runtime = runtime
        self._conversation = conversation
        self._heartbeat_s = heartbeat_s
        self._welcome_s = welcome_s
        self._lost_at = lost_at
        self._welcomed = welcomed
        self._welcome: Welcome | None = None
        self._answered = asyncio.Event()
        self._window = 1
        self._number = 0
        self._heard_s = runtime.clocks.monotonic()
        self._in_flight: deque[tuple[int, tuple[int, ...]]] = deque()
        self._boundary = runtime.spool.last_row
        self._live_row = self._boundary
        self._replay_row = 0
        self._live: deque[StoredBatch] = deque()
        self._replay: deque[StoredBatch] = deque()

    async def read(self) -> None:
        """Take what the headend says, until it ends the stream."""
        from afterbay.fleet.wire import read_headend

        while (message := await self._conversation.receive()) is not None:
            self._heard_s = self._runtime.clocks.monotonic()
            try:
                record = read_headend(message, self._runtime.clocks.utc())
            except InvalidInputError as error:
                say("message_unreadable", severity="warning", reason=str(error))
                continue
            match record:
                case Welcome():
                    self._greet(record)
                case Receipt():
                    self._confirm(record)
                case Lease():
                    self._runtime.take(record)
                case Notice():
                    say("notice", severity=record.severity, code=record.code, message=record.message,
                        assets=record.asset_ids)  # fmt: skip

    async def write(self) -> None:
        """Say hello, and then whatever there is to say."""
        from afterbay.fleet.wire import agent_message

        await self._conversation.send(agent_message(self._runtime.registration()))
        try:
            async with asyncio.timeout(self._welcome_s):
                await self._answered.wait()
        except TimeoutError:
            self._welcomed(0)
        # The last word on what is in force or ended meanwhile, in case that it got lost; repetitions do no harm.
        self._runtime.outgoing.put(*self._runtime.control.book.acknowledgements(since=self._lost_at))
        beat_s = self._runtime.clocks.monotonic()
        while True:
            self._runtime.batches.clear()
            if (record := self._runtime.outgoing.take(self._number + 1)) is not None:
                await self._conversation.send(agent_message(record))
            elif self._runtime.clocks.monotonic() >= beat_s:
                await self._beat()
                beat_s = self._runtime.clocks.monotonic() + self._heartbeat_s
            elif not await self._send_batch():
                await self._wait(beat_s - self._runtime.clocks.monotonic())

    async def watch(self, silence_s: float) -> None:
        """Raise `UnavailableError` when the headend owes receipts and says nothing any more."""
        while True:
            await asyncio.sleep(min(silence_s / 4.0, 1.0))
            if self._in_flight and self._runtime.clocks.monotonic() - self._heard_s > silence_s:
                raise UnavailableError(f"no word from the headend for {silence_s:g} s, though it owes receipts")

    def _greet(self, welcome: Welcome) -> None:
        if self._welcome is None:
            self._welcome = welcome
            if welcome.headend_time is not None:
                self._runtime.hear_time(welcome.headend_time)
            self._window = max(welcome.window, 1)
            self._welcomed(welcome.protocol)
            self._answered.set()
        for asset_id, reason in welcome.refused.items():
            say("claim_refused", severity="alarm", asset=asset_id, reason=reason)

    def _confirm(self, receipt: Receipt) -> None:
        """Everything up to this batch is safe at the headend: a stream keeps its order."""
        rows: list[int] = []
        while self._in_flight and self._in_flight[0][0] <= receipt.batch_seq:
            rows.extend(self._in_flight.popleft()[1])
        self._runtime.spool.confirm(rows)
        self._runtime.outgoing.proven(receipt.batch_seq)
        if receipt.refused:
            say("samples_refused", severity="warning", assets=receipt.refused)
        self._runtime.batches.set()

    async def _beat(self) -> None:
        from afterbay.fleet.wire import agent_message

        now = self._runtime.clocks.utc()
        names = ("",) if self._welcome is not None else tuple(asset.id for asset in self._runtime.inventory.assets)
        for asset_id in names:
            await self._conversation.send(agent_message(Heartbeat(asset_id, now, self._runtime.clock_skew_s)))

    async def _send_batch(self) -> bool:
        """Send the next samples, if there are any and the window is open."""
        if self._welcome is None:
            return await self._send_singles()
        if len(self._in_flight) >= self._window:
            return False
        is_live = await self._fill_live()
        if not is_live and not await self._fill_replay():
            return False
        batches = [self._live.popleft()] if is_live else self._take_replay()
        self._number += 1
        if not self._in_flight:
            self._heard_s = self._runtime.clocks.monotonic()  # from now on a word is due
        self._in_flight.append((self._number, tuple(batch.row for batch in batches)))
        await self._conversation.send(_batch_message(batches, self._number, replay=not is_live))
        return True

    async def _send_singles(self) -> bool:
        """Send the oldest samples one by one: the original knows no batches, and no receipts."""
        from afterbay.fleet.wire import agent_pb2 as pb
        from afterbay.fleet.wire.times import from_micros, to_text

        if not self._replay:
            self._replay.extend(await self._runtime.read_spool(self._replay_row))
        if not self._replay:
            return False
        batch = self._replay.popleft()
        self._replay_row = batch.row
        for sample in pb.TelemetryBatch.FromString(batch.payload).samples:
            sample.timestamp = to_text(from_micros(sample.timestamp_us))
            await self._conversation.send(pb.AgentToHeadend(telemetry=sample))
        self._runtime.spool.confirm((batch.row,))
        return True

    async def _fill_live(self) -> bool:
        if not self._live and self._runtime.spool.last_row > self._live_row:
            self._live.extend(await self._runtime.read_spool(self._live_row))
            self._live_row = self._live[-1].row if self._live else self._live_row
        return bool(self._live)

    async def _fill_replay(self) -> bool:
        if not self._replay and self._replay_row < self._boundary:
            found = await self._runtime.read_spool(self._replay_row, until_row=self._boundary, most=64)
            self._replay.extend(found)
            self._replay_row = found[-1].row if found else self._boundary
        return bool(self._replay)

    def _take_replay(self) -> list[StoredBatch]:
        taken = [self._replay.popleft()]
        samples = taken[0].samples
        while self._replay and samples + self._replay[0].samples <= _REPLAY_SAMPLES:
            taken.append(self._replay.popleft())
            samples += taken[-1].samples
        return taken

    async def _wait(self, longest_s: float) -> None:
        try:
            async with asyncio.timeout(max(longest_s, 0.0)):
                await self._runtime.batches.wait()
        except TimeoutError:
            pass


def _batch_message(batches: list[StoredBatch], number: int, *, replay: bool) -> Any:
    """Join batches of the spool into one message; their samples keep their order."""
    from afterbay.fleet.wire import agent_pb2 as pb

    message = pb.AgentToHeadend()
    for batch in batches:
        message.telemetry_batch.MergeFromString(batch.payload)
    message.telemetry_batch.batch_seq = number
    message.telemetry_batch.replay = replay
    return message


async def _first_of(*work: Awaitable[Any]) -> None:
    """Run several until the first one ends; end the others; raise what it raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
