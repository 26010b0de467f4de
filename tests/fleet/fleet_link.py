"""A small fleet, clocks that stand still, and a small agent on a real socket, for tests of the link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio

from afterbay.fleet.headend import Headend, RecordBatch, Stream
from afterbay.fleet.inventory.records import Asset, Group, Inventory, Site
from afterbay.fleet.messages import (
    Acknowledgement,
    AssetDescriptor,
    Hello,
    Lease,
    Notice,
    Receipt,
    Register,
    Telemetry,
    TelemetryBatch,
    Welcome,
)
from afterbay.fleet.wire import AgentRecord, HeadendRecord, agent_message, agent_pb2_grpc, read_headend
from afterbay.fleet.wire.tls import ClientTls, open_channel, token_metadata

__all__ = [
    "ASSETS",
    "GROUP",
    "NOON",
    "SITE",
    "Agent",
    "Clock",
    "MemoryRecorder",
    "acknowledge",
    "batch",
    "connect",
    "inventory",
    "register",
    "sample",
    "until",
    "waiting",
]

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SITE = "00000000-0000-4000-8000-000000000001"
OTHER_SITE = "00000000-0000-4000-8000-000000000002"
ASSETS = tuple(f"00000000-0000-4000-8000-0000000000a{number}" for number in range(1, 5))
"""Three at the site (120, 40 and 40 MWh), the fourth at another."""
GROUP = "00000000-0000-4000-8000-0000000000f1"


def inventory() -> Inventory:
    """Return two sites, four batteries and a group over both sites."""
    a, b, c, d = ASSETS
    return Inventory(
        (Site(SITE, "Gateway-Test"), Site(OTHER_SITE, "Campus-Test")),
        (
            Asset(a, SITE, "A", 120.0, 60.0, -60.0, 0.92),
            Asset(b, SITE, "B", 40.0, 20.0, -20.0, 0.91),
            Asset(c, SITE, "C", 40.0, 20.0, -20.0, 0.90),
            Asset(d, OTHER_SITE, "D", 100.0, 60.0, -60.0, 0.92),
        ),
        (Group(GROUP, "both", (a, d)),),
    )


class Clock:
    """Wall and monotonic clock that move when they are told to."""

    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 1000.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, seconds: float) -> None:
        """Let both clocks run."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


class MemoryRecorder:
    """Keeps everything, unless it is told to fail or to wait."""

    def __init__(self) -> None:
        self.batches: list[RecordBatch] = []
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, batch: RecordBatch) -> None:
        """Keep a batch."""
        await self.gate.wait()
        if self.fails:
            raise OSError("no database")
        self.batches.append(batch)

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """Asset and sequence number of every sample, in the order of writing."""
        return [
            (kept.asset_id, kept.seq) for each in self.batches for block in each.telemetry for kept in block.records()
        ]


def register(
    asset_ids: Iterable[str] = ASSETS[:3],
    *,
    gateway: str = "gw-1",
    protocol: int = 1,
    spool: str = "spool-1",
    last_command_seq: int = 0,
) -> Register:
    """Return a registration; protocol 0 is that of the original."""
    assets = tuple(AssetDescriptor(asset_id, SITE) for asset_id in sorted(asset_ids))
    hello = Hello(gateway, protocol, "test", "boot", spool, last_command_seq) if protocol else None
    return Register(gateway, assets, hello)


def sample(asset_id: str = ASSETS[0], seq: int = 1, mw: float = 0.0, **more: Any) -> Telemetry:
    """Return a sample, a second later with each number."""
    values: dict[str, Any] = {
        "setpoint_mw": mw,
        "max_mw": 60.0,
        "min_mw": -60.0,
        "status": "idle",
        "soc_mwh": 20.0,
        "soc_pct": 50.0,
        "capacity_mwh": 40.0,
        **more,
    }
    return Telemetry(asset_id, SITE, NOON + timedelta(seconds=seq), mw, seq=seq, **values)


def batch(numbers: Iterable[int], asset_ids: Sequence[str] = ASSETS[:1], *, batch_seq: int = 1, replay: bool = False) \
        -> TelemetryBatch:  # fmt: skip
    """Return a batch with these numbers of every asset."""
    samples = tuple(sample(asset_id, seq) for seq in numbers for asset_id in asset_ids)
    return TelemetryBatch(samples, batch_seq, replay)


def acknowledge(lease: Lease, state: str, *, asset_id: str | None = None, at: datetime = NOON) -> Acknowledgement:
    """Return an agent's word on a lease."""
    return Acknowledgement(lease.id, asset_id or lease.asset_id or "", state, at, applied_mw=lease.mw)


def connect(headend: Headend, *messages: AgentRecord, peer: str = "10.0.0.1:1") -> Stream:
    """Open a stream without a network and say something on it."""
    stream = headend.open_stream(peer)
    for message in messages:
        headend.hear(stream, agent_message(message))
    return stream


def waiting(stream: Stream) -> list[HeadendRecord]:
    """Take everything out of a stream's outbox."""
    found: list[Lease | Notice | Receipt | Welcome] = []
    while (message := stream.outbox.take()) is not None:
        found.append(message)
    return found


def leases(stream: Stream) -> list[Lease]:
    """Take everything out of a stream's outbox, and return the commands in it."""
    return [message for message in waiting(stream) if isinstance(message, Lease)]


def running() -> tuple[Headend, Clock]:
    """Return a headend whose time stands still, and its clock."""
    clock = Clock()
    return Headend(inventory(), clock=clock, monotonic=clock.monotonic), clock


class _Never:
    """What no headend says."""


class Agent:
    """An agent on a real socket."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self._lock = asyncio.Lock()

    async def say(self, *messages: AgentRecord) -> None:
        """Write messages; gRPC takes one at a time."""
        async with self._lock:
            for message in messages:
                await self.call.write(agent_message(message))

    async def hear(self, kind: type[Any], *, within_s: float = 5.0) -> Any:
        """Return the next message of a kind, passing over others."""
        async with asyncio.timeout(within_s):
            while (message := await self.call.read()) is not grpc.aio.EOF:
                record = read_headend(message, datetime.now(UTC))
                if isinstance(record, kind):
                    return record
        raise AssertionError(f"the stream ended without a {kind.__name__}")

    async def leave(self) -> None:
        """Say that nothing more will come."""
        await self.call.done_writing()

    async def ending(self, *messages: AgentRecord) -> grpc.aio.AioRpcError:
        """Say messages, and return the error with which the stream ends.

        Who is refused at the door says nothing: gRPC forgets the reason when a write comes too late.
        """
        try:
            await self.say(*messages)
            await self.hear(_Never)
        except grpc.aio.AioRpcError as error:
            return error
        raise AssertionError("the stream goes on")

    @classmethod
    @asynccontextmanager
    async def dial(
        cls, address: str, *, tls: ClientTls | None = None, token: str | None = None
    ) -> AsyncIterator[Agent]:
        """Open a stream to a headend."""
        async with open_channel(address, tls) as channel:
            stub = agent_pb2_grpc.AgentLinkStub(channel)  # type: ignore[no-untyped-call]
            call = stub.Stream(metadata=token_metadata(token))
            try:
                yield cls(call)
            finally:
                call.cancel()


async def until(claim: Any, *, within_s: float = 5.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while not claim():
            await asyncio.sleep(0.005)
