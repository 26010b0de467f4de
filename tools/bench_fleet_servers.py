"""Servers of `bench_fleet.py`, each in a process of its own, and the messages of its gateways.

A server takes orders on stdin and answers each with a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import grpc.aio

from afterbay.fleet.commands.request import read_request
from afterbay.fleet.headend import Headend
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.inventory import Asset, Inventory, Site
from afterbay.fleet.messages import AssetDescriptor, Hello, Register, Telemetry, TelemetryBatch
from afterbay.fleet.wire import agent_message
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.identity import AllowList, Grant
from afterbay.fleet.wire.options import SERVER_OPTIONS
from afterbay.fleet.wire.tls import ServerTls

__all__ = ["EACH", "GATEWAYS", "claim", "fleet", "rss_kb", "serve", "ticks"]

GATEWAYS, EACH = 10, 100
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_SITE = str(UUID(int=1))


def fleet(count: int) -> Inventory:
    """Return batteries on one site."""
    assets = tuple(
        Asset(str(UUID(int=number + 16)), _SITE, f"asset-{number}", 40.0, 20.0, -20.0, 0.91, 1000.0)
        for number in range(count)
    )
    return Inventory((Site(_SITE, "bench"),), assets)


def claim(gateway: int, assets: Sequence[Asset]) -> bytes:
    """Return the first message of a gateway."""
    described = tuple(AssetDescriptor(asset.id, asset.site_id, asset.name) for asset in assets)
    hello = Hello(f"gateway-{gateway}", software="bench", boot_id="bench", spool_id=f"spool-{gateway}")
    message: bytes = agent_message(Register(f"gateway-{gateway}", described, hello)).SerializeToString()
    return message


def ticks(assets: Sequence[Asset], count: int, *, first: int = 1) -> Iterator[bytes]:
    """Yield batches of a gateway: one sample of each of its assets, numbered on."""
    start = datetime.now(UTC) - timedelta(seconds=count)
    samples = tuple(
        Telemetry(asset.id, asset.site_id, start, 5.25, 5.25, 20.0, -20.0, "discharging", 20.5, 51.25, 40.0,
                  seq=1, energy_in_mwh=12.5, energy_out_mwh=11.25, available_charge_mw=20.0,
                  available_discharge_mw=20.0, details={"loss_mwh": 0.125})
        for asset in assets
    )  # fmt: skip
    message = agent_message(TelemetryBatch(samples, 1))
    micros = int(start.timestamp() * 1e6)
    for number in range(first, first + count):
        message.telemetry_batch.batch_seq = number
        for sample in message.telemetry_batch.samples:
            sample.seq = number
            sample.timestamp_us = micros + number * 1_000_000
        yield message.SerializeToString()


async def serve(kind: str, folder: Path) -> None:
    """Run one server until stdin closes."""
    orders: asyncio.Queue[list[str]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(orders.put_nowait, line.split())
        loop.call_soon_threadsafe(orders.put_nowait, ["end"])

    threading.Thread(target=listen, daemon=True).start()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_Bare(kind) if kind in ("bare", "touched") else _Ours(kind, folder))
        _say({"port": server.port, "rss_kb": rss_kb()})
        while (order := await orders.get())[0] != "end":
            match order[0]:
                case "settle":
                    while server.items < int(order[1]) or any(one.name == "kernels" for one in threading.enumerate()):
                        await asyncio.sleep(0.01)
                    _say({"settled": server.items})
                case "count":
                    _say(await _count(server, int(order[1])))
                case "trip":
                    _say(await _trips(server.headend, int(order[1])))
                case "streams":
                    while server.headend.health().streams < int(order[1]):
                        await asyncio.sleep(0.01)
                    _say({"connected": server.headend.health().assets_connected, "rss_kb": rss_kb()})
                case "copy":
                    _say(await asyncio.to_thread(server.bare_copy, int(order[1])))


class _Bare:
    """What gRPC and protobuf alone can do: read the same messages, and count or touch their samples."""

    def __init__(self, kind: str) -> None:
        self._touches = kind == "touched"
        self.latest: dict[str, tuple[int, Any]] = {}

    async def __aenter__(self) -> Any:
        self.items = 0

        async def stream(_: Any, context: Any) -> None:
            while (message := await context.read()) is not grpc.aio.EOF:
                samples = message.telemetry_batch.samples
                if self._touches:
                    for sample in samples:
                        self.latest[sample.asset_id] = (sample.seq, sample)
                self.items += len(samples)

        handler = grpc.stream_stream_rpc_method_handler(
            stream, request_deserializer=pb.AgentToHeadend.FromString,
            response_serializer=pb.HeadendToAgent.SerializeToString,
        )  # fmt: skip
        self._server = grpc.aio.server(options=list(SERVER_OPTIONS))
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("agent.AgentLink", {"Stream": handler}),)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0.1)


class _Ours:
    """A headend: in memory, into PostgreSQL, or with mutual TLS."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self._stack = AsyncExitStack()
        self._recorder: Any = None
        self._url = ""
        self._engine: Any = None

    async def __aenter__(self) -> Any:
        inventory, tls, allow = fleet(GATEWAYS * EACH), None, None
        if self._kind == "database":
            from afterbay.server.db import make_engine, read_url
            from afterbay.server.fleet.recorder import open_recorder
            from afterbay.server.postgres import EmbeddedPostgres

            postgres = EmbeddedPostgres(self._folder / "pg")
            await asyncio.to_thread(postgres.start)
            self._stack.callback(postgres.stop)
            self._url = postgres.ensure_database("bench")
            self._engine = make_engine(read_url(self._url))
            self._stack.callback(self._engine.dispose)
            self._recorder = open_recorder(self._engine, self._folder / "buffer")
            await self._recorder.prepare(inventory)
            await self._stack.enter_async_context(self._recorder)
        if self._kind == "tls":
            ca = self._folder / "bench.pem"
            tls = ServerTls(self._folder / "headend.pem", self._folder / "headend.key", ca)
            names = {
                f"gateway-{number}": Grant(f"gateway-{number}", f"gateway-{number}", frozenset({asset.id}))
                for number, asset in enumerate(inventory.assets)
            }
            allow = AllowList(names, {})
        self.headend = await self._stack.enter_async_context(Headend(inventory, recorder=self._recorder))
        server = HeadendServer(self.headend, "127.0.0.1:0", tls=tls, allow=allow)
        self.port = (await self._stack.enter_async_context(server)).port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def items(self) -> int:
        """Samples in the latest map, or committed when there is a database."""
        if self._recorder is not None:
            return int(self._recorder.status().samples_written)
        return self.headend.health().samples_received

    def bare_copy(self, items: int) -> dict[str, float]:
        """COPY as many rows, packed beforehand, into an equal table: columns, keys, indexes, a partition per week."""
        import psycopg

        from afterbay.fleet.headend.latest import Block
        from afterbay.fleet.wire.frame import read_frame
        from afterbay.server.fleet.recorder.encoding import load_packing, pack_block
        from afterbay.server.fleet.repository.samples import COPY_COLUMNS

        connection = psycopg.connect(self._url)
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE bare_copy (LIKE telemetry INCLUDING ALL) PARTITION BY RANGE (ts)")
        for week in range(-3, 3):
            first = _MONDAY + timedelta(weeks=(datetime.now(UTC) - _MONDAY).days // 7 + week)
            cursor.execute(
                f"CREATE TABLE bare_copy_{week + 3} PARTITION OF bare_copy FOR VALUES FROM ('{first.isoformat()}') "
                f"TO ('{(first + timedelta(weeks=1)).isoformat()}')".encode()
            )
        connection.commit()
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT count(*) FROM telemetry")
        ((told,),) = cursor.fetchall()
        now = datetime.now(UTC)

        def pack(payload: bytes) -> bytes:
            frame = read_frame(payload)
            assert frame is not None
            return pack_block(Block(frame.samples, now, replay=False))

        assets, count = fleet(GATEWAYS * EACH).assets, items // (GATEWAYS * EACH)
        feeds = [ticks(assets[at * EACH : (at + 1) * EACH], count) for at in range(GATEWAYS)]
        payloads = [next(feed) for _ in range(count) for feed in feeds]
        load_packing()
        begun = time.perf_counter()
        packed = [b"".join(map(pack, payloads[at : at + 100])) for at in range(0, len(payloads), 100)]
        copy = f"COPY bare_copy ({', '.join(COPY_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        start = time.perf_counter()
        for rows in packed:
            with cursor.copy(copy) as sink:
                sink.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows + b"\xff\xff")
            connection.commit()
        ended = time.perf_counter()
        cursor.execute("SELECT count(*) FROM bare_copy")
        ((copied,),) = cursor.fetchall()
        cursor.execute("DROP TABLE bare_copy")
        connection.commit()
        cursor.execute("CHECKPOINT")
        connection.close()
        return {"seconds": ended - start, "whole_s": ended - begun, "items": copied, "told": told}


async def _count(server: Any, items: int) -> dict[str, float]:
    """Wait for so many more items; their time runs from the first of them."""
    before = server.items
    _say({"ready": 1})
    while server.items == before:
        await asyncio.sleep(0.001)
    start, cpu = time.perf_counter(), time.process_time()
    while server.items < before + items:
        await asyncio.sleep(0.005)
    return {"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - cpu}


async def _trips(headend: Headend, count: int) -> dict[str, Any]:
    """Send commands one by one and wait for the agent's word that each is in force."""
    asset = headend.inventory.assets[-1]
    times = []
    with headend.subscribe({"command"}) as changes:
        for number in range(count):
            start = time.perf_counter()
            request = read_request({"asset_id": asset.id, "mw": float(number % 7 + 1), "duration_s": 60.0})
            command = headend.submit(request, actor="bench").command
            while headend.command(command.id).state not in ("active", "limited"):
                await asyncio.wait_for(anext(changes), 10.0)
            times.append(time.perf_counter() - start)
            await asyncio.sleep(0.01)
    times.sort()
    return {"p50_ms": times[len(times) // 2] * 1e3, "p99_ms": times[int(len(times) * 0.99)] * 1e3}


def rss_kb() -> float:
    """Return the memory of this process [KB]."""
    import psutil

    return float(psutil.Process().memory_info().rss / 1024)


def _say(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
