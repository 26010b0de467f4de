"""Agents against real headends on real sockets, and agents as processes that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fleet_agent import ASSETS, SITE, SMALL
from fleet_certificates import Authority

from afterbay.core.errors import UnavailableError
from afterbay.fleet.agent import (
    AgentSettings,
    Launcher,
    TlsFiles,
    agent_status,
    check_link,
    read_agent_settings,
    run_agent,
)
from afterbay.fleet.agent.transport import Conversation, GrpcTransport
from afterbay.fleet.commands.request import read_request
from afterbay.fleet.headend import Headend
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.inventory import write_inventory
from afterbay.fleet.messages import Heartbeat
from afterbay.fleet.wire import agent_message
from afterbay.fleet.wire.identity import AllowList
from afterbay.fleet.wire.tls import ServerTls

A, B, C = ASSETS
COMMAND = [sys.executable, "-c", "from afterbay.cli.agent import app; app()", "run"]


async def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.01)
        return found


def settings_for(port: int, folder: Path, **fields: Any) -> AgentSettings:
    return AgentSettings(f"127.0.0.1:{port}", "gw", "gateway", SMALL, folder, tick_s=0.05, heartbeat_s=1.0, **fields)


def seen(headend: Headend, asset_id: str) -> int:
    """Number of samples, which came without a gap or after one."""
    return sum(last - first + 1 for first, last in headend.seen(asset_id))


def test_a_site_command_goes_to_the_gateway_and_is_reached_and_ended(tmp_path: Path) -> None:
    async def run() -> None:
        async with Headend(SMALL) as headend, HeadendServer(headend, "127.0.0.1:0") as server:
            stop = asyncio.Event()
            task = asyncio.create_task(run_agent(settings_for(server.port, tmp_path), stop))
            await until(lambda: all(row.connected for row in headend.agents()) and seen(headend, A))

            done = headend.submit(read_request({"site_id": SITE, "mw": 12, "duration_s": 2}), actor="test")
            await until(lambda: headend.command(done.command.id).reached_at)
            split = pytest.approx([7.2, 2.4, 2.4])
            await until(lambda: [headend.latest()[asset].mw for asset in ASSETS] == split)
            await until(lambda: headend.command(done.command.id).state == "completed")
            await until(lambda: headend.latest()[A].mw == 0.0)
            stop.set()
            await task

            assert len({row.peer for row in headend.agents()}) == 1
            last = agent_status(tmp_path)
            assert last["running"] is False
            assert last["spool"]["samples"] == 0

    asyncio.run(run())


def test_a_headend_that_comes_back_gets_everything_that_it_missed_once(tmp_path: Path) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        async with Headend(SMALL) as headend:
            async with HeadendServer(headend, "127.0.0.1:0", grace_s=0.0) as server:
                port = server.port
                task = asyncio.create_task(run_agent(settings_for(port, tmp_path), stop))
                await until(lambda: seen(headend, A) >= 5)
            away_at = seen(headend, A)
            await asyncio.sleep(0.5)
            async with HeadendServer(headend, f"127.0.0.1:{port}"):
                await until(lambda: seen(headend, A) > away_at + 10)
                await until(lambda: all(len(headend.seen(asset)) == 1 for asset in ASSETS))
                stop.set()
                await task

            health = headend.health()
            assert health.samples_received == sum(seen(headend, asset) for asset in ASSETS)

    asyncio.run(run())


def child(port: int, assets: Path, data: Path) -> subprocess.Popen[bytes]:
    environ = {
        **os.environ,
        "HEADEND_GRPC": f"127.0.0.1:{port}",
        "ASSETS_PATH": str(assets),
        "GATEWAY_SITE_ID": SITE,
        "AFTERBAY_AGENT_DATA": str(data),
        "AFTERBAY_AGENT_TICK_S": "0.1",
    }
    return subprocess.Popen(COMMAND, env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_an_agent_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    async def run() -> None:
        assets = tmp_path / "assets.yaml"
        write_inventory(assets, SMALL)
        async with Headend(SMALL) as headend, HeadendServer(headend, "127.0.0.1:0") as server:
            first = child(server.port, assets, tmp_path / "data")
            second = None
            try:
                await until(lambda: seen(headend, A) >= 3)
                done = headend.submit(read_request({"asset_id": A, "mw": 60, "duration_s": 600}), actor="test")
                await until(lambda: headend.command(done.command.id).reached_at)
                first.send_signal(signal.SIGKILL)
                first.wait()
                await until(lambda: not headend.agent(A).connected)
                before, count = headend.latest()[A], seen(headend, A)

                second = child(server.port, assets, tmp_path / "data")
                await until(lambda: seen(headend, A) > count + 3)
                after = headend.latest()[A]

                assert after.mw == 60.0
                assert before.soc_mwh is not None
                assert after.soc_mwh is not None
                assert before.soc_mwh - 1.0 < after.soc_mwh < before.soc_mwh
                assert headend.command(done.command.id).state == "active"
                assert len(headend.seen(A)) == 1
                second.terminate()
                await asyncio.to_thread(second.wait, 10)
                assert second.returncode == 0
            finally:
                for process in (first, second):
                    if process is not None and process.poll() is None:
                        process.kill()
                        process.wait()

    asyncio.run(run())


def test_the_launcher_starts_one_process_per_asset_revives_them_and_leaves_none(tmp_path: Path) -> None:
    assets = tmp_path / "assets.yaml"
    write_inventory(assets, SMALL)
    silent = [sys.executable, "-c", "import sys; sys.stdin.buffer.read(1)"]
    launcher = Launcher(assets, tmp_path, {"HEADEND_GRPC": "127.0.0.1:1"}, random=lambda: 0.01, command=silent)
    stop = threading.Event()
    thread = threading.Thread(target=launcher.run, args=(stop,), kwargs={"look_every_s": 0.02})
    thread.start()
    try:
        assert _wait(lambda: len(launcher.pids) == 3)
        first = launcher.pids
        os.kill(first[A], signal.SIGKILL)
        assert _wait(lambda: launcher.pids.get(A, first[A]) != first[A])
        running = set(launcher.pids.values()) | set(first.values())
    finally:
        stop.set()
        thread.join(15)

    assert not thread.is_alive()
    assert not [pid for pid in running if _lives(pid)]


def test_children_of_a_launcher_that_is_killed_end_too(tmp_path: Path) -> None:
    assets = tmp_path / "assets.yaml"
    write_inventory(assets, SMALL)
    script = (
        "import sys, threading, random\nfrom pathlib import Path\nfrom afterbay.fleet.agent import Launcher\n"
        f"launcher = Launcher(Path({str(assets)!r}), Path({str(tmp_path)!r}), {{}}, random=random.random,\n"
        "    command=[sys.executable, '-c', 'import sys; sys.stdin.buffer.read(1)'])\n"
        "def tell():\n"
        "    while len(launcher.pids) < 3: pass\n"
        "    print(*launcher.pids.values(), flush=True)\n"
        "threading.Thread(target=tell, daemon=True).start()\nlauncher.run(threading.Event())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 3
    finally:
        parent.kill()
        parent.communicate()

    assert _wait(lambda: not [pid for pid in children if _lives(pid)])


class Proxy:
    """Forwards bytes until told to swallow them: a connection that is dead and does not know it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.swallowed = 0
        """Connections up to this one are dead."""
        self.connections = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        there, back = await asyncio.open_connection("127.0.0.1", self._port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if number > self.swallowed:
                    sink.write(data)

        tasks = {asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))}
        self._tasks |= tasks
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for side in (writer, back):
            side.close()
            with suppress(OSError):
                await side.wait_closed()


def test_a_half_open_connection_is_found_and_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            Headend(SMALL) as headend,
            HeadendServer(headend, "127.0.0.1:0", grace_s=0.0) as server,
            Proxy(server.port) as proxy,
        ):
            stop = asyncio.Event()
            task = asyncio.create_task(run_agent(settings_for(proxy.port, tmp_path, silence_s=0.5), stop))
            await until(lambda: seen(headend, A) >= 5)
            proxy.swallowed = proxy.connections
            await until(lambda: proxy.connections > proxy.swallowed)
            count = seen(headend, A)
            await until(lambda: seen(headend, A) > count + 5 and len(headend.seen(A)) == 1)
            stop.set()
            await task

    asyncio.run(run())


def test_mutual_tls_carries_an_agent_and_the_check_sees_names_and_dates(tmp_path: Path) -> None:
    async def run() -> None:
        authority = Authority(tmp_path)
        pair = authority.issue("headend", host="127.0.0.1")
        mine = authority.issue("gw", uri="urn:afterbay:gateway:gw")
        late = authority.issue("late", uri="urn:afterbay:gateway:gw", expired=True)
        ca = authority.certificate
        tls = ServerTls(pair.certificate, pair.key, ca)
        async with Headend(SMALL) as headend, HeadendServer(headend, "127.0.0.1:0", tls=tls) as server:
            good = settings_for(server.port, tmp_path / "a", tls=TlsFiles(ca, mine.certificate, mine.key))
            expired = settings_for(server.port, tmp_path / "b", tls=TlsFiles(ca, late.certificate, late.key))
            other = settings_for(
                server.port, tmp_path / "c", tls=TlsFiles(ca, mine.certificate, mine.key, "another.example")
            )
            stop = asyncio.Event()
            task = asyncio.create_task(run_agent(good, stop))
            await until(lambda: seen(headend, A) >= 3)
            steps = {step.name: step.result for step in await check_link(good)}
            refused = (await check_link(expired))[-1]
            misnamed = (await check_link(other))[-1]
            stop.set()
            await task

        assert set(steps.values()) <= {"ok", "warning", "skipped"}
        assert steps["certificate"] in ("ok", "warning")
        assert steps["own_certificate"] in ("ok", "warning")
        assert (refused.name in ("certificate", "own_certificate"), refused.result) == (True, "failed")
        assert (misnamed.name, misnamed.result) == ("certificate", "failed")

    asyncio.run(run())


def test_the_check_tells_what_works_and_where_the_way_ends(tmp_path: Path) -> None:
    async def run() -> None:
        token = "a-token-of-a-gateway"
        allow = AllowList.of_one_token(token)
        async with Headend(SMALL) as headend, HeadendServer(headend, "127.0.0.1:0", allow=allow) as server:
            good = await check_link(settings_for(server.port, tmp_path, token=token))
            wrong = await check_link(settings_for(server.port, tmp_path, token="another-token-of-it"))
            assert not any(row.connected for row in headend.agents())
        closed = await check_link(settings_for(server.port, tmp_path))
        nowhere = await check_link(
            read_agent_settings({"HEADEND_GRPC": "no-such-host.invalid:1", **SINGLE_ASSET}), timeout_s=1.0
        )

        assert {step.name: step.result for step in good} == {
            "address": "ok", "port": "ok", "certificate": "skipped", "own_certificate": "skipped", "headend": "ok",
            "claim": "ok", "clock": "ok",
        }  # fmt: skip
        assert (wrong[-1].name, wrong[-1].result) == ("headend", "failed")
        assert "allow-list" in wrong[-1].told
        assert (closed[-1].name, closed[-1].result) == ("port", "failed")
        assert (nowhere[-1].name, nowhere[-1].result) == ("address", "failed")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("ahead_s", "result", "word"), [(0.0, "ok", "give or take"), (60.0, "warning", "60"), (-60.0, "warning", "60")]
)
def test_the_check_compares_the_clocks(tmp_path: Path, ahead_s: float, result: str, word: str) -> None:
    async def run() -> None:
        async with (
            Headend(SMALL, clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead_s)) as headend,
            HeadendServer(headend, "127.0.0.1:0") as server,
        ):
            clock = (await check_link(settings_for(server.port, tmp_path)))[-1]

        assert (clock.name, clock.result) == ("clock", result)
        assert word in clock.told
        assert (("behind" if ahead_s > 0.0 else "ahead of") in clock.told) or result == "ok"

    asyncio.run(run())


SINGLE_ASSET = {
    "ASSET_ID": A, "SITE_ID": SITE, "CAPACITY_MWHR": "1", "MAX_MW": "1", "MIN_MW": "-1", "EFFICIENCY": "0.9",
    "RAMP_RATE_MW_PER_MIN": "1",
}  # fmt: skip


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except OSError:
        return False


def _wait(condition: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    ends = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def test_who_writes_into_a_stream_that_was_refused_hears_why() -> None:
    async def write(conversation: Conversation) -> None:
        for _ in range(1_000):
            await conversation.send(agent_message(Heartbeat("", datetime.now(UTC))))

    async def story() -> None:
        allow = AllowList.of_one_token("a-token-that-is-long-enough")
        async with Headend(SMALL) as headend, HeadendServer(headend, "127.0.0.1:0", allow=allow) as server:
            for pause_s in (0.0, 0.001, 0.01, 0.3):
                conversation = await GrpcTransport(f"127.0.0.1:{server.port}", token="another").open()
                await asyncio.sleep(pause_s)
                with pytest.raises(UnavailableError, match="not on the allow-list"):
                    await write(conversation)
                await conversation.close()

    asyncio.run(story())
