"""From the path of the messages to the recorder: one bounded queue, one task, receipts when things are safe."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from afterbay.core.errors import AfterbayError
from afterbay.fleet.commands.command import Command
from afterbay.fleet.headend.api import RecordBatch, Recorder, SessionRow
from afterbay.fleet.headend.latest import Block
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Event, Heartbeat, Receipt

__all__ = ["RecorderPump"]

_log = logging.getLogger(__name__)
_MOST_NOTES = 10_000
"""Events and heartbeats that wait; beyond it the oldest go, which telemetry and commands never do."""


@dataclass(slots=True)
class _Waiting:
    """What was noted since the last write."""

    blocks: list[Block]
    receipts: dict[Stream, Receipt]
    commands: dict[str, Command]
    sessions: dict[str, SessionRow]
    heartbeats: deque[Heartbeat]
    events: deque[Event]
    samples: int = 0

    @classmethod
    def empty(cls) -> _Waiting:
        return cls([], {}, {}, {}, deque(maxlen=_MOST_NOTES), deque(maxlen=_MOST_NOTES))

    def __bool__(self) -> bool:
        return bool(self.blocks or self.receipts or self.commands or self.sessions or self.heartbeats or self.events)

    def batch(self) -> RecordBatch:
        return RecordBatch(
            telemetry=self.blocks,
            commands=tuple(self.commands.values()),
            sessions=tuple(self.sessions.values()),
            heartbeats=tuple(self.heartbeats),
            events=tuple(self.events),
        )


class RecorderPump:
    """Queue in front of a recorder. Without a recorder samples count as safe at once.

    A receipt waits its turn behind the samples that came before it, also one for nothing but duplicates: their
    first copies may still be in the queue.
    """

    def __init__(
        self,
        recorder: Recorder | None,
        clock: Callable[[], datetime],
        *,
        most_samples: int = 100_000,
        retry_s: tuple[float, float] = (0.1, 5.0),
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._most_samples = most_samples
        self._retry_s = retry_s
        self._waiting = _Waiting.empty()
        self._writing = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._begun = self._ended = 0
        self._turned = asyncio.Event()
        self.failing_since: datetime | None = None
        self.error = ""

    @property
    def samples_waiting(self) -> int:
        """Samples that the recorder has not taken yet."""
        return self._waiting.samples + self._writing

    @property
    def has_room(self) -> bool:
        """May another message be taken?"""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until another message may be taken."""
        await self._room.wait()

    def samples(self, stream: Stream | None, block: Block, receipt: Receipt | None) -> None:
        """Add the new samples of a message, which may be none, and what to tell its stream once they are safe."""
        if self._recorder is None:
            if stream is not None and receipt is not None:
                stream.outbox.put(receipt)
            return
        if len(block):
            self._waiting.blocks.append(block)
            self._waiting.samples += len(block)
            if self.samples_waiting >= self._most_samples:
                self._room.clear()
        if stream is not None and receipt is not None:
            earlier = self._waiting.receipts.get(stream)
            refused = (*earlier.refused, *receipt.refused) if earlier is not None else receipt.refused
            self._waiting.receipts[stream] = Receipt(receipt.batch_seq, tuple(dict.fromkeys(refused)))
        self._has_work()

    def command(self, command: Command) -> None:
        """Add a command as it now stands."""
        if self._recorder is not None:
            self._waiting.commands[command.id] = command
            self._has_work()

    def session(self, session: SessionRow) -> None:
        """Add a session that opened or closed."""
        if self._recorder is not None:
            self._waiting.sessions[session.id] = session
            self._has_work()

    def heartbeat(self, beat: Heartbeat) -> None:
        """Add a heartbeat."""
        if self._recorder is not None:
            self._waiting.heartbeats.append(beat)
            self._has_work()

    def event(self, event: Event) -> None:
        """Add an event."""
        if self._recorder is not None:
            self._waiting.events.append(event)
            self._has_work()

    async def run(self) -> None:
        """Write what comes, for as long as the task lives; a batch that fails is tried again until it is taken."""
        if self._recorder is None:
            return
        while True:
            await self._work.wait()
            self._work.clear()
            taken, self._waiting = self._waiting, _Waiting.empty()
            if not taken:
                continue
            self._writing = taken.samples
            self._begun += 1
            await self._write(self._recorder, taken.batch())
            self._writing = 0
            self._ended += 1
            turned, self._turned = self._turned, asyncio.Event()
            turned.set()
            for stream, receipt in taken.receipts.items():
                stream.outbox.put(receipt)
            if self.samples_waiting < self._most_samples:
                self._room.set()
            if not self._waiting:
                self._idle.set()

    async def kept(self) -> None:
        """Wait until everything noted so far is written, whatever comes meanwhile."""
        goal = self._begun + bool(self._waiting)
        while self._ended < goal:
            await self._turned.wait()

    async def drained(self) -> None:
        """Wait until nothing is left to write."""
        await self._idle.wait()

    async def _write(self, recorder: Recorder, batch: RecordBatch) -> None:
        pause, longest = self._retry_s
        while True:
            try:
                await recorder.write(batch)
            except Exception as error:  # whatever it is, nothing may be lost for it
                if self.failing_since is None:
                    self.failing_since = self._clock()
                    # A database that is away is no defect, whose trace somebody wants to read.
                    trace = None if isinstance(error, AfterbayError) else error
                    _log.error("the recorder fails, samples wait: %s", error, exc_info=trace)
                self.error = f"{type(error).__name__}: {error}"[:200]
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, longest)
            else:
                if self.failing_since is not None:
                    _log.warning("the recorder works again")
                    self.failing_since, self.error = None, ""
                return

    def _has_work(self) -> None:
        self._idle.clear()
        self._work.set()
