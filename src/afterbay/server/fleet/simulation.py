"""`--simulate`: every asset of the YAML ticks in this process, and is commanded as an agent's would be.

It speaks to the headend in the messages of the wire, without a network: the same sessions, leases, splits and
acknowledgements, and an agent that dials in takes its assets over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import afterbay
from afterbay.fleet.agent.control import Control
from afterbay.fleet.commands import LeaseBook, Moment
from afterbay.fleet.devices.simulated import SimulatedDevice
from afterbay.fleet.messages import AssetDescriptor, Heartbeat, Hello, Lease, Register, TelemetryBatch
from afterbay.fleet.physics import SimulatedFleet
from afterbay.fleet.wire import AgentRecord, agent_message

if TYPE_CHECKING:
    from types import TracebackType

    from afterbay.fleet.headend import Headend, Stream
    from afterbay.fleet.inventory import Inventory
    from afterbay.fleet.messages import Acknowledgement, Telemetry

__all__ = ["LocalGateway"]

_log = logging.getLogger(__name__)
_NAME = "in-process"
_BEAT_S = 30.0


class LocalGateway:
    """A gateway without a network. Use it in an `async with` block, on the headend's event loop."""

    def __init__(
        self,
        headend: Headend,
        *,
        tick_s: float = 4.0,
        seed: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start where the headend last saw its assets.

        Args:
            headend: Running, with what was restored.
            tick_s: Time between two ticks [s].
            seed: Of what is random in wind, cars and faults.
            clock: Wall clock, UTC.
            monotonic: Clock that never jumps [s].
        """
        self._headend = headend
        self._tick_s = tick_s
        self._seed = seed
        self._clock = clock
        self._monotonic = monotonic
        self._boot_id = uuid4().hex
        self._batch = 0
        self._seqs: dict[str, int] = {}
        self._beat_at_s = -float("inf")
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._stream: Stream | None = None
        self._build(headend.inventory, tuple(headend.latest().values()), None)

    async def __aenter__(self) -> LocalGateway:
        await self._device.open()
        # What the headend remembers to be in force, as an agent asks for it when it starts.
        restored = self._headend.bootstrap(self._device.asset_ids)
        answers = [answer for one in restored if one.lease for answer in self._control.take(one.lease, self._now())]
        self._register()
        self._answer(answers)
        self._tasks = [asyncio.create_task(self._tick_forever()), asyncio.create_task(self._listen_forever())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._stream is not None:
            self._headend.close_stream(self._stream, "the headend stops")
        await self._device.close()

    async def replace_inventory(self, inventory: Inventory) -> None:
        """Go on with another inventory; assets that stay keep their energy and their commands."""
        async with self._turn:
            samples, book = self._device.fleet.telemetry(), self._control.book.to_dict(self._now())
            self._build(inventory, samples, book)
            await self._device.open()
            # Registers anew; what is in force is sent again and answered as known.
            if self._stream is not None:
                self._headend.close_stream(self._stream, "the inventory changed")
            self._register()
        await self.tick()

    async def tick(self) -> None:
        """Move all assets on, report, and do what is due."""
        async with self._turn:
            now = self._now()
            samples = await self._device.read(now.utc)
            stream = self._open_stream()
            if not self._headend.has_room:
                await self._headend.room(stream)
            numbered = tuple(replace(sample, seq=self._next_seq(sample.asset_id)) for sample in samples)
            self._batch += 1
            self._say(TelemetryBatch(numbered, self._batch))
            for event in self._device.fleet.take_events():
                self._say(event)
            if now.monotonic_s >= self._beat_at_s:
                self._beat_at_s = now.monotonic_s + _BEAT_S
                self._say(Heartbeat("", now.utc))
            self._answer(self._control.observe(samples, now))
            await self._obey()

    async def _obey(self) -> None:
        now = self._now()
        self._answer(self._control.due(now))
        orders = self._control.orders(now)
        if orders:
            self._answer(self._control.wrote(orders, await self._device.write(orders, now.utc), now))

    async def _tick_forever(self) -> None:
        due_s = self._monotonic()
        while True:
            try:
                await self.tick()
            except Exception:
                _log.exception("a tick failed; the next one comes")
            due_s = max(due_s + self._tick_s, self._monotonic())
            await asyncio.sleep(due_s - self._monotonic())

    async def _listen_forever(self) -> None:
        while True:
            stream = self._open_stream()
            message = await stream.outbox.next()
            if message is None:
                await asyncio.sleep(0.1)  # it was closed: the next tick registers anew
            elif isinstance(message, Lease):
                async with self._turn:
                    self._answer(self._control.take(message, self._now()))
                    await self._obey()

    def _build(self, inventory: Inventory, samples: Sequence[Telemetry], book: dict[str, object] | None) -> None:
        fleet = SimulatedFleet(
            inventory.assets,
            start=self._clock(),
            seed=self._seed,
            sites=inventory.sites,
            monotonic=self._monotonic,
        )
        known = set(fleet.asset_ids)
        resumed = [sample for sample in samples if sample.asset_id in known]
        fleet.resume(resumed)
        self._seqs |= {sample.asset_id: max(sample.seq, self._seqs.get(sample.asset_id, 0)) for sample in resumed}
        now = self._now()
        leases = LeaseBook(inventory.assets) if book is None else LeaseBook.from_dict(book, inventory.assets, now)
        self._device = SimulatedDevice(fleet)
        self._control = Control(inventory, leases, ramps_itself=known, tick_s=self._tick_s)
        self._control.reach(known, True)
        self._control.book.link(True, now)
        self._inventory = inventory

    def _open_stream(self) -> Stream:
        if self._stream is None or not self._stream.is_open:
            self._register()
        if self._stream is None:
            raise AssertionError
        return self._stream

    def _register(self) -> None:
        self._stream = self._headend.open_stream(_NAME)
        sites = {site.id: site.name for site in self._inventory.sites}
        assets = sorted(self._inventory.assets, key=lambda asset: asset.id)
        hello = Hello(
            _NAME,
            software=f"afterbay {afterbay.__version__}",
            boot_id=self._boot_id,
            # Always the same: numbers go on above those of the newest samples, also across restarts.
            spool_id=_NAME,
            last_command_seq=self._control.book.last_seq,
            tick_s=self._tick_s,
        )
        descriptors = tuple(
            AssetDescriptor(
                asset.id, asset.site_id, asset.name, sites.get(asset.site_id, ""), asset.location, asset.asset_type
            )
            for asset in assets
        )
        self._say(Register(_NAME, descriptors, hello))

    def _answer(self, answers: Sequence[Acknowledgement]) -> None:
        for answer in answers:
            self._say(answer)

    def _say(self, record: AgentRecord) -> None:
        if self._stream is not None:
            self._headend.hear(self._stream, agent_message(record))

    def _next_seq(self, asset_id: str) -> int:
        self._seqs[asset_id] = self._seqs.get(asset_id, 0) + 1
        return self._seqs[asset_id]

    def _now(self) -> Moment:
        return Moment(self._clock(), self._monotonic(), self._boot_id)
