"""An agent with clocks that stand still, and a headend that loses connections when it is told to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from afterbay.core.errors import UnavailableError
from afterbay.fleet.agent import AgentClocks, DevicePort, Link, Runtime, Spool, SpoolLimits
from afterbay.fleet.devices.device import Device, DeviceOrder, WriteResult
from afterbay.fleet.devices.simulated import open_simulated
from afterbay.fleet.inventory.records import Asset, Inventory, Site
from afterbay.fleet.messages import (
    Acknowledgement,
    Event,
    Lease,
    Receipt,
    Register,
    Telemetry,
    Welcome,
)
from afterbay.fleet.wire import HeadendRecord, bootstrap_answer, headend_message, read_agent
from afterbay.fleet.wire import agent_pb2 as pb

__all__ = [
    "ASSETS",
    "BASE",
    "NOON",
    "SITE",
    "SMALL",
    "Clock",
    "PlainDevice",
    "StubHeadend",
    "agent",
    "give_up",
    "lease",
    "talk",
]

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BASE = int(NOON.timestamp() + 4) * 1_000_000
"""Number before the first one, when the first tick is 4 s after noon."""
SITE = "00000000-0000-4000-8000-000000000001"
ASSETS = tuple(f"00000000-0000-4000-8000-0000000000a{number}" for number in range(1, 4))
SMALL = Inventory(
    (Site(SITE, "Gateway-Test"),),
    (
        Asset(ASSETS[0], SITE, "A", 120.0, 60.0, -60.0, 0.92, 1000.0, 10.0, 90.0),
        Asset(ASSETS[1], SITE, "B", 40.0, 20.0, -20.0, 0.91, 1000.0, 10.0, 90.0),
        Asset(ASSETS[2], SITE, "C", 40.0, 20.0, -20.0, 0.90, 1000.0, 10.0, 90.0),
    ),
)


class Clock:
    """Both clocks; they move when they are told to, or by a little with every look."""

    def __init__(self) -> None:
        self.utc = NOON
        self.seconds = 1000.0

    def pass_s(self, seconds: float) -> None:
        """Let time pass on both."""
        self.utc += timedelta(seconds=seconds)
        self.seconds += seconds

    def jump_s(self, seconds: float) -> None:
        """Set the wall clock; no time passes."""
        self.utc += timedelta(seconds=seconds)

    @property
    def clocks(self) -> AgentClocks:
        """As the agent takes them."""
        return AgentClocks(lambda: self.utc, lambda: self.seconds, lambda: 0.5, "boot")


class PlainDevice:
    """A device that jumps to what it is told, has no timer, and can be made to fail."""

    def __init__(self, asset_id: str, clock: Clock) -> None:
        self.asset_ids = (asset_id,)
        self.clock = clock
        self.mw = 0.0
        self.written: list[DeviceOrder] = []
        self.refuses = ""
        self.away = False
        self.hang: asyncio.Event | None = None
        self.reads = 0

    async def open(self) -> None:
        if self.away:
            raise UnavailableError("nobody is there")

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        self.reads += 1
        if self.hang is not None:
            await self.hang.wait()
        if self.away:
            raise UnavailableError("nobody is there")
        return [Telemetry(self.asset_ids[0], SITE, now, self.mw, None, 60.0, -60.0, "idle", 60.0, 50.0, 120.0,
                          origin="device")]  # fmt: skip

    async def write(self, orders: Sequence[DeviceOrder], now: datetime) -> Sequence[WriteResult]:
        if self.refuses:
            return [WriteResult(order.asset_id, accepted=False, reason=self.refuses) for order in orders]
        self.written += orders
        self.mw = orders[-1].mw
        return [WriteResult(order.asset_id, accepted=True, read_back_mw=order.mw) for order in orders]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def agent(
    folder: Path,
    clock: Clock,
    *,
    inventory: Inventory = SMALL,
    devices: Sequence[Device] | None = None,
    limits: SpoolLimits | None = None,
    max_pages: int | None = None,
    closes: bool = True,
    **options: Any,
) -> AsyncIterator[Runtime]:
    """An agent with simulated devices, or with those given; `closes=False` leaves it as a crash does."""
    clocks = clock.clocks
    if devices is None:
        devices = [
            open_simulated("sim:", inventory.assets, start=clock.utc, sites=inventory.sites, monotonic=clocks.monotonic)
        ]
    ports = [DevicePort(device, monotonic=clocks.monotonic, random=clocks.random) for device in devices]
    spool = Spool(folder, limits or SpoolLimits(), clock.utc, max_pages=max_pages)
    runtime = Runtime(inventory, "gateway", ports, spool, clocks, **options)
    try:
        yield runtime
    finally:
        if closes:
            await runtime.close()
        else:
            give_up(runtime)


def give_up(runtime: Runtime) -> None:
    """Leave an agent as a crash does: nothing more is saved."""
    runtime._disk.shutdown()
    runtime.spool.close()


def lease(mw: float, seq: int, clock: Clock, *, lasts_s: float | None = None, **fields: Any) -> Lease:
    """Return a command for asset A, or for whom `fields` say."""
    usual: dict[str, Any] = {"id": f"lease-{seq}", "asset_id": ASSETS[0]}
    until = None if lasts_s is None else clock.utc + timedelta(seconds=lasts_s)
    return Lease(**{**usual, "mw": mw, "seq": seq, "issued_at": clock.utc, "valid_until": until, **fields})


class StubHeadend:
    """Keeps what agents say. A connection is lost after `lives` messages, with or without the last one."""

    def __init__(self, clock: Clock, *, original: bool = False) -> None:
        self.clock = clock
        self.original = original
        self.lives: deque[tuple[int, bool]] = deque()
        """Per connection: messages until it is lost, and whether the last one still arrives."""
        self.receipts = True
        self.window = 4
        self.said: list[Any] = []
        self.batches: list[tuple[bool, tuple[Telemetry, ...]]] = []
        self.samples: dict[tuple[str, int], Telemetry] = {}
        self.doubled = 0
        self.opened = 0
        self.present: _StubConversation | None = None
        self.remembers: Sequence[Any] = ()
        self.ahead_s = 0.0
        """How far its clock is ahead of the agents'."""

    @property
    def now(self) -> datetime:
        """Its time."""
        return self.clock.utc + timedelta(seconds=self.ahead_s)

    async def open(self) -> _StubConversation:
        """Begin a stream."""
        self.opened += 1
        lives, arrives = self.lives.popleft() if self.lives else (10**9, True)
        if lives == 0:
            raise UnavailableError("connection refused")
        self.present = _StubConversation(self, lives, arrives)
        return self.present

    async def bootstrap(self, asset_ids: Sequence[str], timeout_s: float) -> pb.BootstrapResponse:
        """Say what is remembered."""
        return bootstrap_answer(self.remembers, self.now)

    def hear(self, message: pb.AgentToHeadend, say: Callable[[HeadendRecord], None]) -> None:
        """Take one message."""
        kind = message.WhichOneof("message")
        record = read_agent(message)
        self.said.append(record)
        if isinstance(record, Register) and not self.original:
            say(Welcome(1, "stub", tuple(asset.asset_id for asset in record.assets), {}, self.window))
        elif kind == "telemetry_batch":
            assert not self.original
            batch = message.telemetry_batch
            taken = tuple(read_agent(pb.AgentToHeadend(telemetry=sample)) for sample in batch.samples)
            self.batches.append((batch.replay, taken))  # type: ignore[arg-type]
            for sample in taken:
                self._keep(sample)  # type: ignore[arg-type]
            if self.receipts:
                say(Receipt(batch.batch_seq))
        elif isinstance(record, Telemetry):
            self._keep(record)

    def of(self, kind: type) -> list[Any]:
        """Return what was said of one kind."""
        return [record for record in self.said if isinstance(record, kind)]

    @property
    def answers(self) -> list[Acknowledgement]:
        """All acknowledgements, in order."""
        return self.of(Acknowledgement)

    @property
    def events(self) -> list[Event]:
        """All events, in order."""
        return self.of(Event)

    def _keep(self, sample: Telemetry) -> None:
        sample = replace(sample, origin="simulated")
        key = (sample.asset_id, sample.seq)
        if key in self.samples:
            self.doubled += 1
            assert self.samples[key].timestamp == sample.timestamp, "a number was used for two samples"
        self.samples[key] = sample


class _StubConversation:
    def __init__(self, headend: StubHeadend, lives: int, arrives: bool) -> None:
        self._headend = headend
        self._lives = lives
        self._arrives = arrives
        self._answers: asyncio.Queue[HeadendRecord] = asyncio.Queue()
        self._lost = asyncio.Event()

    def say(self, message: HeadendRecord) -> None:
        """Let the headend say something."""
        self._answers.put_nowait(message)

    async def send(self, message: pb.AgentToHeadend) -> None:
        await asyncio.sleep(0)
        self._lives -= 1
        if self._lives <= 0:
            if self._arrives:
                self._headend.hear(message, lambda _: None)
            self._lost.set()
            raise UnavailableError("connection reset")
        self._headend.hear(message, self.say)

    async def receive(self) -> pb.HeadendToAgent | None:
        answer = await self._answers.get()
        return headend_message(answer, self._headend.now)

    async def close(self) -> None:
        pass


async def talk(runtime: Runtime, headend: StubHeadend, until: Callable[[], bool], *, timeout_s: float = 10.0) -> Link:
    """Run a link until something is so."""
    stop = asyncio.Event()

    async def no_sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    link = Link(runtime, headend, sleep=no_sleep, welcome_s=0.01 if headend.original else 5.0)
    task = asyncio.create_task(link.run(stop))
    try:
        async with asyncio.timeout(timeout_s):
            while not until():
                if task.done():
                    task.result()
                await asyncio.sleep(0.001)
    finally:
        stop.set()
        await task
    return link
