"""Measure the fleet's headend and agent beside a bare gRPC stream and a bare COPY, in one run; part of `make bench`.

Every server is a process of its own, as in operation; this process plays the gateways.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import grpc.aio

from afterbay.fleet.agent import AgentClocks, DevicePort, Runtime, Spool, SpoolLimits
from afterbay.fleet.devices.open_device import DeviceSurroundings, open_devices
from afterbay.fleet.headend import Headend
from afterbay.fleet.inventory import write_inventory
from afterbay.fleet.wire import agent_pb2 as pb

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "fleet")]
from fleet_certificates import Authority  # noqa: E402
from tools.bench_fleet_servers import EACH, GATEWAYS, claim, fleet, rss_kb, ticks  # noqa: E402

METHOD = "/agent.AgentLink/Stream"
MEMORY_ITEMS, DATABASE_ITEMS = 1_000_000, 400_000
WARM = 20
"""Batches of each gateway before the clock runs: connections, compiled code, pages of the database."""
LINKS = 1_000


class _Server:
    """The other end of `serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        started = self.hear()
        self.port, self.rss_kb = int(started["port"]), started["rss_kb"]

    def order(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a server of the benchmark ended; see above")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def _server(kind: str, folder: Path) -> Iterator[_Server]:
    words = [sys.executable, str(HERE / "bench_fleet_servers.py"), kind, str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield _Server(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# What the gateways do.


@asynccontextmanager
async def _streams(port: int, gateways: int) -> AsyncIterator[list[Any]]:
    """Open streams that are claimed, and read away what comes back."""
    assets = fleet(GATEWAYS * EACH).assets
    async with AsyncExitStack() as stack:
        calls = []
        for number in range(gateways):
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            call = channel.stream_stream(METHOD)()
            await call.write(claim(number, assets[number * EACH : (number + 1) * EACH]))
            reader = asyncio.create_task(_drain(call))
            stack.callback(reader.cancel)
            stack.callback(call.cancel)
            calls.append(call)
        await asyncio.sleep(0.3)
        yield calls


async def _drain(call: Any) -> None:
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.RpcError:
        pass


async def _push(server: _Server, items: int) -> dict[str, float]:
    assets = fleet(GATEWAYS * EACH).assets
    count = items // (GATEWAYS * EACH)
    made = [list(ticks(assets[at * EACH : (at + 1) * EACH], WARM + count)) for at in range(GATEWAYS)]
    async with _streams(server.port, GATEWAYS) as calls:

        async def say(call: Any, messages: Iterable[bytes]) -> None:
            for message in messages:
                await call.write(message)

        async def all_say(part: slice) -> None:
            await asyncio.gather(*(say(call, messages[part]) for call, messages in zip(calls, made, strict=True)))

        await all_say(slice(0, WARM))
        server.order("settle", WARM * GATEWAYS * EACH)
        await asyncio.to_thread(server.hear)
        server.order("count", items)
        await asyncio.to_thread(server.hear)
        await all_say(slice(WARM, None))
        return await asyncio.to_thread(server.hear)


def _throughput(folder: Path) -> None:
    """Compare gateway to latest map, and to PostgreSQL, with the bare ways."""
    best: dict[str, dict[str, float]] = {}
    for kind in ("bare", "touched", "memory") * 2:
        with _server(kind, folder) as server:
            found = asyncio.run(_push(server, MEMORY_ITEMS))
        if kind not in best or found["seconds"] < best[kind]["seconds"]:
            best[kind] = found
    stored, copied = _into_postgres(folder)
    rates = {kind: MEMORY_ITEMS / found["seconds"] for kind, found in best.items()}
    cpu_us = {kind: found["cpu_s"] / MEMORY_ITEMS * 1e6 for kind, found in best.items()}
    rate, bare = DATABASE_ITEMS / stored["seconds"], copied["items"] / copied["seconds"]
    print(f"\nTelemetry of {GATEWAYS} gateways with {EACH} assets each, a batch per gateway and tick")
    _row("bare gRPC stream, parsed and counted", rates["bare"], cpu_us["bare"], 1.0)
    _row("the same, each sample into a dict", rates["touched"], cpu_us["touched"], rates["touched"] / rates["bare"])
    _row("headend: checked, seen once, latest map", rates["memory"], cpu_us["memory"], rates["memory"] / rates["bare"])
    _row("bare COPY of packed rows, equal table and keys", bare, None, 1.0)
    whole = copied["items"] / copied["whole_s"]
    _row("the same with parsing and packing, no link", whole, None, whole / bare)
    _row("headend with recorder, committed once each", rate, stored["cpu_s"] / DATABASE_ITEMS * 1e6, rate / bare)


def _into_postgres(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Return the figures of the headend with its recorder, and the best of two bare COPYs: before it and after it."""
    with _server("database", folder) as server:
        bare = []
        for number in range(2):
            server.order("copy", DATABASE_ITEMS)
            bare.append(server.hear())
            if number == 0:
                stored = asyncio.run(_push(server, DATABASE_ITEMS))
    sent = DATABASE_ITEMS + WARM * GATEWAYS * EACH
    if bare[1]["told"] != sent:
        raise SystemExit(f"{bare[1]['told']:,} rows in the table, {sent:,} were sent")
    return stored, min(bare, key=lambda one: one["seconds"])


def _row(name: str, rate: float, cpu_us: float | None, ratio: float) -> None:
    cpu = "" if cpu_us is None else f"{cpu_us:6.2f} us CPU/item"
    print(f"  {name:<46} {rate:>9,.0f} items/s {cpu:>18} {ratio:7.2f}")


def _round_trips(folder: Path) -> None:
    """Send commands to a real agent, idle and under 10,000 items/s."""
    assets = folder / "assets.yaml"
    write_inventory(assets, fleet(GATEWAYS * EACH))
    last = fleet(GATEWAYS * EACH).assets[-1]
    with _server("memory", folder) as server:
        words = ["agent", "run", "--headend", f"127.0.0.1:{server.port}", "--assets", str(assets), "--asset", last.id]
        agent = subprocess.Popen(
            [sys.executable, "-m", "afterbay", *words, "--data", str(folder / "agent")], stderr=subprocess.DEVNULL
        )
        try:
            server.order("streams", 1)
            server.hear()
            time.sleep(2.0)
            server.order("trip", 200)
            idle = server.hear()
            server.order("trip", 200)
            loaded = asyncio.run(_pressed(server))
        finally:
            agent.terminate()
            agent.wait(20.0)
    print("\nA command from the headend to a real agent and its device, until the headend knows that it is in force")
    for name, found in (("idle", idle), ("under 10,000 items/s", loaded)):
        print(f"  {name:<24} p50 {found['p50_ms']:6.1f} ms   p99 {found['p99_ms']:6.1f} ms")


async def _pressed(server: _Server) -> dict[str, Any]:
    """Send 10,000 items/s from nine gateways until the answer is there."""
    assets = fleet(GATEWAYS * EACH).assets
    answer = asyncio.create_task(asyncio.to_thread(server.hear))
    async with _streams(server.port, GATEWAYS - 1) as calls:
        feeds = [ticks(assets[at * EACH : (at + 1) * EACH], 100_000) for at in range(len(calls))]
        began, sent = time.perf_counter(), 0
        while not answer.done():
            for call, feed in zip(calls, feeds, strict=True):
                await call.write(next(feed))
                sent += EACH
            await asyncio.sleep(max(began + sent / 10_000 - time.perf_counter(), 0.0))
    return await answer


def _mutual_tls(folder: Path) -> None:
    """Connect many gateways, each with a certificate of its own."""
    authority = Authority(folder, "bench")
    authority.issue("headend", host="127.0.0.1")
    pairs = [authority.issue(f"gateway-{number}") for number in range(LINKS)]
    root = authority.certificate.read_bytes()
    with _server("tls", folder) as server:
        before_kb = server.rss_kb

        async def connect() -> tuple[float, float, dict[str, Any]]:
            calls: list[Any] = []
            at_once = asyncio.Semaphore(32)
            assets = fleet(GATEWAYS * EACH).assets
            each: list[float] = []

            async def one(number: int) -> None:
                pair = pairs[number]
                credentials = grpc.ssl_channel_credentials(root, pair.key.read_bytes(), pair.certificate.read_bytes())
                async with at_once:
                    start = time.perf_counter()
                    channel = grpc.aio.secure_channel(
                        f"127.0.0.1:{server.port}", credentials, options=(("grpc.use_local_subchannel_pool", 1),)
                    )
                    call = channel.stream_stream(METHOD)()
                    await call.write(claim(number, assets[number : number + 1]))
                    await call.read()
                    each.append(time.perf_counter() - start)
                calls.append((channel, call))

            start = time.perf_counter()
            await asyncio.gather(*(one(number) for number in range(LINKS)))
            took = time.perf_counter() - start
            server.order("streams", LINKS)
            found = await asyncio.to_thread(server.hear)
            for channel, call in calls:
                call.cancel()
                await channel.close()
            return took, median(each), found

        took, middle, found = asyncio.run(connect())
    after_kb = found["rss_kb"]
    print(
        f"\n{LINKS:,} gateways with mutual TLS and an allow-list, 32 at once, both ends on this machine:\n"
        f"  connected and welcomed in {took:.1f} s ({middle * 1e3:.0f} ms each), {found['connected']:,} assets served, "
        f"headend memory {before_kb / 1024:.0f} -> {after_kb / 1024:.0f} MB, "
        f"{(after_kb - before_kb) / LINKS:.0f} KB a gateway"
    )


def _agent_tick(folder: Path) -> None:
    """Tick a gateway with 1,000 simulated assets: physics, numbering, leases, one transaction on disk."""

    async def run() -> tuple[list[float], list[float]]:
        inventory = fleet(1_000)
        start = datetime.now(UTC)
        clocks = AgentClocks(lambda: datetime.now(UTC), time.monotonic, lambda: 0.5, "bench")
        data = folder / "tick"
        data.mkdir()
        surroundings = DeviceSurroundings(start=start, sites=inventory.sites)
        ports = [
            DevicePort(device, monotonic=time.monotonic, random=lambda: 0.5)
            for device in open_devices(inventory.assets, surroundings)
        ]
        spool = Spool(data, SpoolLimits(), start)
        runtime = Runtime(inventory, "bench", ports, spool, clocks, tick_s=1.0)
        times, cpu = [], []
        for number in range(63):
            began, busy = time.perf_counter(), time.process_time()
            await runtime.tick()
            if number >= 3:
                times.append(time.perf_counter() - began)
                cpu.append(time.process_time() - busy)
            await asyncio.sleep(0.01)
        await runtime.close()
        return sorted(times), cpu

    times, cpu = asyncio.run(run())
    print(
        "\nA tick of an agent with 1,000 simulated assets, written to its spool: "
        f"median {median(times) * 1e3:.1f} ms, of it CPU {median(cpu) * 1e3:.1f} ms, "
        f"slowest of 60 {times[-1] * 1e3:.1f} ms"
    )


def _idle_memory() -> None:
    """Measure what a configured asset costs a headend that has not heard of it, in a fresh process."""
    words = [sys.executable, __file__, "--idle", "20000"]
    print(subprocess.run(words, check=True, capture_output=True, text=True).stdout, end="")


def idle(count: int) -> None:
    """Print the memory of a headend by asset."""
    Headend(fleet(10))
    inventory = fleet(count)
    before = rss_kb()
    headend = Headend(inventory)
    bare = (rss_kb() - before) / count
    for number in range(count // EACH):
        served = inventory.assets[number * EACH : (number + 1) * EACH]
        stream = headend.open_stream(f"127.0.0.1:{number}")
        headend.hear(stream, pb.AgentToHeadend.FromString(claim(number, served)))
        headend.hear(stream, pb.AgentToHeadend.FromString(next(ticks(served, 1))))
    spoken = (rss_kb() - before) / count
    print(f"\nHeadend memory per asset, {count:,} assets: {bare:.2f} KB idle, {spoken:.2f} KB connected, "
          "with a session and its newest sample")  # fmt: skip


def main() -> None:
    """Print every measurement."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 8192), hard), hard))
    match sys.argv[1:]:
        case ["--idle", count]:
            idle(int(count))
        case _:
            with tempfile.TemporaryDirectory(prefix="afterbay-bench-") as name:
                folder = Path(name)
                _throughput(folder)
                _round_trips(folder)
                _mutual_tls(folder)
                _agent_tick(folder)
                _idle_memory()


if __name__ == "__main__":
    main()
