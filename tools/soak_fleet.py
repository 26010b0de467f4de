"""Run a fleet for long while processes are killed at random, and count what was lost, doubled and kept in memory.

A headend with a database of its own, and gateways in worker processes (some to each, every one with its own spool,
stream and simulated assets). Workers and headend are killed with SIGKILL and started again. At the end everything
stops kindly, and the numbers that the gateways gave are held against the rows of the database. Exit code 1: something
was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
import psycopg

from afterbay.fleet.agent import AgentSettings, Spool, SpoolLimits, run_agent
from afterbay.fleet.inventory import Asset, Inventory, Site, write_inventory
from afterbay.server.postgres import EmbeddedPostgres

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fleet"))
from fleet_processes import Headend

_SETTLE_S = 90.0


def fleet(gateways: int, assets: int) -> Inventory:
    """Return a site per gateway."""
    sites = tuple(Site(str(UUID(int=number + 1)), f"site {number}") for number in range(gateways))
    return Inventory(
        sites,
        tuple(
            Asset(str(UUID(int=(number + 1 << 32) + each)), site.id, f"{number}-{each}", 40.0, 20.0, -20.0, 0.91, 60.0)
            for number, site in enumerate(sites)
            for each in range(assets)
        ),
    )


async def work(folder: Path, headend: str, inventory: Inventory, numbers: range, tick_s: float) -> None:
    """Run some gateways in this process until SIGTERM."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    agents = []
    for number in numbers:
        site = inventory.sites[number]
        data = folder / f"gateway-{number}"
        served = Inventory((site,), inventory.assets_of(site.id))
        agents.append(
            run_agent(AgentSettings(headend, f"gateway-{number}", "gateway", served, data, tick_s=tick_s), stop)
        )
    await asyncio.gather(*agents)


class Workers:
    """Processes with some gateways each."""

    def __init__(self, options: argparse.Namespace, folder: Path, headend: str) -> None:
        each = -(-options.gateways // options.workers)
        self._ranges = [
            (first, min(first + each, options.gateways)) for first in range(0, options.gateways, each)
        ]  # fmt: skip
        self._words = [sys.executable, __file__, "--gateways", str(options.gateways), "--assets", str(options.assets),
                       "--tick", str(options.tick), "--folder", str(folder), "--headend", headend]  # fmt: skip
        self._log = (folder / "workers.log").open("ab")
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all."""
        self.children = [self._one(place) for place in range(len(self._ranges))]

    def kill_and_start(self, place: int) -> None:
        """Pull the plug of one, and start it again at once."""
        self.children[place].kill()
        self.children[place].wait()
        self.children[place] = self._one(place)

    def stop(self) -> None:
        """End all kindly; what is left is sent."""
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(30.0)

    def end(self) -> None:
        """End all, whatever their state."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
        self._log.close()

    def _one(self, place: int) -> subprocess.Popen[bytes]:
        first, end = self._ranges[place]
        words = [*self._words, "--work", str(first), str(end)]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)


def soak(options: argparse.Namespace) -> int:
    """Run, print, and return the exit code."""
    inventory = fleet(options.gateways, options.assets)
    chance = random.Random(options.seed)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="afterbay-soak-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        assets = folder / "assets.yaml"
        write_inventory(assets, inventory)
        postgres = EmbeddedPostgres(folder / "pg")
        postgres.start()
        stack.callback(postgres.stop)
        url = postgres.ensure_database("soak")
        headend = stack.enter_context(Headend.running(folder / "headend", assets, {"DATABASE_URL": url}))
        workers = Workers(options, folder, headend.grpc)
        stack.callback(workers.end)
        workers.start()
        print(
            f"{options.gateways} gateways with {options.assets} assets in {len(workers.children)} processes, "
            f"ticks of {options.tick:g} s, for {options.seconds:g} s, seed {options.seed}"
        )
        memory = _run(options, headend, workers, chance)
        _settle(headend, options.gateways)
        workers.stop()
        waited = _numbers(folder, options.gateways)
        headend.stop()
        return _verdict(url, waited, memory, options)


def _run(options: argparse.Namespace, headend: Headend, workers: Workers, chance: random.Random) -> list[float]:
    began = time.monotonic()
    next_kill = options.kill_every * (0.5 + chance.random())
    next_look, killed, restarts = 0.0, 0, 0
    memory: list[float] = []
    while (now := time.monotonic() - began) < options.seconds:
        if now >= next_kill and now < options.seconds - 2.0:
            next_kill = now + options.kill_every * (0.5 + chance.random())
            # The headend is every third one, so that also a short soak has it.
            if (killed + restarts) % 3 == 1:
                headend.kill()
                headend.start()
                restarts += 1
            else:
                workers.kill_and_start(chance.randrange(len(workers.children)))
                killed += 1
        if now >= next_look:
            next_look = now + max(options.seconds / 20.0, 1.0)
            health = headend.ask("GET", "/health").json
            memory.append(psutil.Process(headend.pid).memory_info().rss / 1e6)
            print(
                f"{now:6.0f} s  headend {memory[-1]:4.0f} MB, {health['assets_connected']:>5,} assets connected, "
                f"{health['samples_written']:>9,} written since its start, {health['buffered_bytes']:,} bytes wait, "
                f"killed: {killed} workers, headend {restarts} times",
                flush=True,
            )
        time.sleep(0.2)
    print(f"killed in all: {killed} workers, headend {restarts} times")
    return memory


def _settle(headend: Headend, gateways: int) -> None:
    """Give everybody the time to come back and to deliver; it is the state then that counts."""
    ends = time.monotonic() + _SETTLE_S
    while time.monotonic() < ends:
        health = headend.ask("GET", "/health").json
        if health["streams"] == gateways and not health["buffered_bytes"]:
            time.sleep(3.0)
            return
        time.sleep(0.2)
    print("not everybody came back in time")


def _numbers(folder: Path, gateways: int) -> dict[str, tuple[int, int]]:
    """Return the last number that each asset was given, and what its gateway still holds, from the spools."""
    found = {}
    for number in range(gateways):
        spool = Spool(folder / f"gateway-{number}", SpoolLimits(), datetime.now(UTC))
        waiting = spool.waiting[0]
        for asset_id, last in spool.numbering.items():
            found[asset_id] = (last, waiting)
            waiting = 0
        spool.close()
    return found


def _verdict(url: str, numbers: dict[str, tuple[int, int]], memory: list[float], options: argparse.Namespace) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT asset_id::text, count(*), count(DISTINCT seq), min(seq) FROM telemetry GROUP BY 1"
        rows = connection.execute(query).fetchall()
    kept = {asset_id: (count, different, first) for asset_id, count, different, first in rows}
    missing_assets = len(numbers) - len(kept)
    doubled = sum(count - different for count, different, _ in kept.values())
    numbered = sum(numbers[asset_id][0] - first + 1 for asset_id, (_, _, first) in kept.items())
    stored = sum(different for _, different, _ in kept.values())
    waiting = sum(held for _, held in numbers.values())
    lost = numbered - stored - waiting
    expected = options.gateways * options.assets
    print(f"numbered {numbered:,}, stored {stored:,}, still in spools {waiting:,}: lost {lost:,}, doubled {doubled:,}; "
          f"headend memory {memory[0]:.0f} -> {memory[-1]:.0f} MB (most {max(memory):.0f})")  # fmt: skip
    if missing_assets or len(numbers) != expected:
        print(f"{expected - len(kept)} of {expected} assets have no sample at all")
        return 1
    return 1 if lost or doubled else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the soak, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--gateways", type=int, default=100)
    parser.add_argument("--assets", type=int, default=10, help="of each gateway")
    parser.add_argument("--workers", type=int, default=10, help="processes for the gateways")
    parser.add_argument("--tick", type=float, default=1.0, help="seconds")
    parser.add_argument("--kill-every", type=float, default=15.0, help="seconds, about")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--headend", default="", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work is not None:
        inventory = fleet(options.gateways, options.assets)
        asyncio.run(work(options.folder, options.headend, inventory, range(*options.work), options.tick))
        return 0
    return soak(options)


if __name__ == "__main__":
    sys.exit(main())
