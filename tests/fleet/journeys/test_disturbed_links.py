"""Rival gateways, certificates, readers that sleep, full disks, devices that refuse: what is seen of each."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from fleet_certificates import Authority, Pair
from fleet_processes import SITE, A, Agent, B, C, Headend, until, write_assets
from fleet_proxy import Proxy
from fleet_servers import SunspecServer, SunspecUnit
from pymodbus.constants import ExcCodes

ABC = (A, B, C)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disturbed")


@pytest.fixture(scope="module")
def headend(folder: Path) -> Iterator[Headend]:
    with Headend.running(folder / "headend", write_assets(folder)) as running:
        yield running


def _seen(headend: Headend) -> dict[str, int]:
    health = headend.get("/health")
    return {"new": health["samples_received"], "again": health["samples_duplicate"]}


def _ticks_on(headend: Headend) -> None:
    """Wait until B has ticked a few times."""
    last = headend.telemetry(B)["seq"]
    until(lambda: headend.telemetry(B)["seq"] > last + 2)


def test_of_two_gateways_with_the_same_assets_the_newer_serves_and_the_older_takes_over_when_it_dies(
    headend: Headend, tmp_path: Path
) -> None:
    with Agent.running(tmp_path / "one", headend.assets, headend.grpc, environ={"GATEWAY_ID": "one"}) as one:
        headend.connected(*ABC)
        with Agent.running(tmp_path / "two", headend.assets, headend.grpc, environ={"GATEWAY_ID": "two"}):
            until(lambda: all(headend.rows()[key]["gateway_id"] == "two" for key in ABC), what="the newer one serves")
            event = until(lambda: headend.events("claim_taken_over"), what="the operator is told")[0]
            assert "one" in event["message"] or "two" in event["message"]
            until(lambda: '"taken_over"' in one.said, what="the older one is told")
            open_sessions = [each for each in headend.rows()[A]["sessions"] if each["disconnected_at"] is None]
            assert len(open_sessions) == 1
        until(lambda: all(headend.rows()[key]["gateway_id"] == "one" for key in ABC), what="the older one serves again")
        command = headend.dispatch(asset_id=A, mw=3.0, duration_s=30.0)
        headend.reaches(command["id"], "active")


def test_a_link_that_is_cut_again_and_again_delivers_everything_once(headend: Headend, tmp_path: Path) -> None:
    before = _seen(headend)
    with Proxy(headend.grpc) as proxy, Agent.running(tmp_path / "g", headend.assets, proxy.address) as agent:
        for _ in range(3):
            headend.connected(*ABC)
            _ticks_on(headend)
            proxy.cut()
            until(lambda: not headend.rows()[A]["connected"], what="the cut is seen")
        headend.connected(*ABC)
        ticks = agent.stop_when_delivered()
    assert _seen(headend)["new"] - before["new"] == 3 * ticks


def test_a_certificate_that_is_no_good_serves_nothing_and_the_check_says_why(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "somebody else")
    ours = authority.issue("headend", host="127.0.0.1")
    environ = {"AFTERBAY_GRPC_CERT": str(ours.certificate), "AFTERBAY_GRPC_KEY": str(ours.key),
               "AFTERBAY_GRPC_CLIENT_CA": str(authority.certificate)}  # fmt: skip

    def shown(pair: Pair) -> dict[str, str]:
        return {"AFTERBAY_AGENT_CA": str(authority.certificate), "AFTERBAY_AGENT_CERT": str(pair.certificate),
                "AFTERBAY_AGENT_KEY": str(pair.key)}  # fmt: skip

    bad = (("expired", authority.issue("gateway", expired=True)), ("certificate", other.issue("gateway")))
    with Headend.running(tmp_path / "h", write_assets(tmp_path), environ) as headend:
        for words, pair in bad:
            with Agent.running(tmp_path / words, headend.assets, headend.grpc, environ=shown(pair)) as agent:
                code, steps = agent.check()
                until(partial(agent.log, "headend_lost"), what="the agent says why")
                assert not any(row["connected"] for row in headend.rows().values())
            assert code == 8
            failed = next(step for step in steps.values() if step["result"] == "failed")
            assert "certificate" in failed["name"]
            assert words in failed["told"].lower()
            assert words in agent.log("headend_lost")[0]["reason"].lower()

        good = shown(authority.issue("good-gateway"))
        with Agent.running(tmp_path / "good", headend.assets, headend.grpc, environ=good):
            headend.connected(*ABC)


def test_a_reader_of_the_event_stream_that_sleeps_costs_neither_memory_nor_the_other_readers(
    headend: Headend, tmp_path: Path
) -> None:
    host, _, port = headend.http.rpartition(":")
    asking = f"GET /stream HTTP/1.1\r\nHost: {headend.http}\r\n\r\n".encode()
    with Agent.running(tmp_path / "g", headend.assets, headend.grpc, tick_s=0.05):
        headend.connected(*ABC)
        with (
            socket.create_connection((host, int(port))) as asleep,
            socket.create_connection((host, int(port))) as awake,
        ):
            asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asleep.sendall(asking)
            awake.sendall(asking)
            until(lambda: headend.get("/health")["subscribers"] == 2)
            awake.settimeout(60.0)

            def grows_by() -> int:
                """Return what the headend takes more while one reader hears a hundred samples and the other none."""
                process, heard = psutil.Process(headend.pid), 0
                before = process.memory_info().rss
                while heard < 100:
                    heard += awake.recv(65536).count(b"event: telemetry")
                return process.memory_info().rss - before

            # What a headend loads when it first has something to do is not the reader's.
            until(lambda: grows_by() < 1e6, what="memory stays as it is")

        until(lambda: headend.get("/health")["subscribers"] == 0, what="readers that go are forgotten")


def test_a_body_that_is_too_large_is_refused_in_words_and_moves_nothing(headend: Headend) -> None:
    host, _, port = headend.http.rpartition(":")
    head = f"POST /dispatch HTTP/1.1\r\nHost: {headend.http}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=5.0) as caller:
        # It is refused by its length, before a byte of it is read.
        caller.sendall(f"{head}Content-Length: 2000000\r\n\r\n".encode())
        answer = caller.recv(65536).decode()

    assert answer.startswith("HTTP/1.1 413")
    assert "application/problem+json" in answer


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_disk_that_is_full_stops_neither_ticks_nor_delivery_and_both_its_ends_are_told(
    headend: Headend, tmp_path: Path
) -> None:
    before = _seen(headend)
    with Proxy(headend.grpc) as proxy:
        proxy.silence()  # nobody hears the agent, so that its spool grows
        with Agent.running(tmp_path / "g", headend.assets, proxy.address, tick_s=0.05, before=_small_files) as agent:
            until(lambda: agent.log("spool_failing"), what="the agent tells of its disk")
            proxy.speak()
            headend.connected(*ABC)
            event = until(lambda: headend.events("SPOOL_FAILING"), what="the operator is told")[0]
            assert event["severity"] == "alarm"
            assert "in memory only" in event["message"]
            psutil.Process(agent.pid).rlimit(psutil.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
            until(lambda: headend.events("SPOOL_RECOVERED"), what="the operator is told that there is room again")
            agent.before = None
            ticks = agent.stop_when_delivered()
    assert _seen(headend)["new"] - before["new"] == 3 * ticks


def _dropped(agent: Agent) -> int:
    return sum(int(told["message"].split()[0]) for told in agent.log("telemetry_gap"))


def test_a_spool_that_is_full_drops_the_oldest_and_says_how_many_are_missing(headend: Headend, tmp_path: Path) -> None:
    before = _seen(headend)
    with Proxy(headend.grpc) as proxy:
        proxy.silence()
        small = {"AFTERBAY_SPOOL_MAX_MB": "0.1"}
        with Agent.running(tmp_path / "g", headend.assets, proxy.address, environ=small, tick_s=0.05) as agent:
            until(lambda: len(agent.log("telemetry_gap")) >= 2, what="the agent drops samples")
            gone = _dropped(agent)
            proxy.speak()
            headend.connected(*ABC)
            until(lambda: headend.events("TELEMETRY_GAP"), what="the operator is told")
            ticks = agent.stop_when_delivered()
    event = headend.events("TELEMETRY_GAP")[0]
    assert event["severity"] == "alarm"
    assert "the spool is full" in event["message"]
    # What is dropped while it is on its way is told as missing, and may arrive all the same; nothing else is missing.
    assert 3 * ticks - _dropped(agent) <= _seen(headend)["new"] - before["new"] <= 3 * ticks - gone


@contextmanager
def _device(unit: SunspecUnit) -> Iterator[Any]:
    """Serve a SunSpec device from a thread; yields its port and a way to take it away and bring it back."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SunspecServer({1: unit})

    def call(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=20)

    call(server.__aenter__())
    try:
        yield server, call
    finally:
        call(server.kill())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


def test_a_device_that_refuses_or_goes_away_is_told_and_never_replaced_by_invention(tmp_path: Path) -> None:
    unit = SunspecUnit()
    with _device(unit) as (server, call):
        uri = f"sunspec+tcp://127.0.0.1:{server.port}/1?timeout_s=0.5"
        assets = write_assets(tmp_path, device_of_a=uri)
        with (
            Headend.running(tmp_path / "h", assets) as headend,
            Agent.running(tmp_path / "g", assets, headend.grpc, tick_s=0.2),
        ):
            headend.connected(*ABC)
            register = unit.start[704] + 24
            unit.refuse[register] = ExcCodes.ILLEGAL_VALUE
            refused = headend.dispatch(asset_id=A, mw=5.0, duration_s=60.0)
            failed = headend.reaches(refused["id"], "failed")
            assert "does not accept this value" in failed["history"][-1]["reason"]
            assert failed["parts"][0]["delivered_mw"] in (None, 0.0)
            unit.refuse.clear()

            accepted = headend.dispatch(asset_id=A, mw=4.0, duration_s=60.0)
            headend.reaches(accepted["id"], "active")
            until(lambda: headend.telemetry(A)["current_mw"] == pytest.approx(4.0))
            call(server.kill())
            event = until(lambda: headend.events("DEVICE_OFFLINE"), what="the operator is told")[0]
            assert event["asset_id"] == A
            bad = until(lambda: (now := headend.telemetry(A))["quality"] != "good" and now)
            _ticks_on(headend)
            later = headend.telemetry(A)
            assert later["quality"] in ("bad", "stale")
            assert later["timestamp"] == bad["timestamp"]
            assert headend.telemetry(B)["quality"] == "good"

            call(server.__aenter__())
            until(lambda: headend.events("DEVICE_ONLINE"), what="the operator is told that it is back")
            until(lambda: headend.telemetry(A)["quality"] == "good")


def test_a_site_command_with_a_dead_gateway_is_refused_and_names_what_is_missing(headend: Headend) -> None:
    until(lambda: not any(headend.rows()[key]["connected"] for key in ABC), what="nobody is there")
    refused = headend.ask("POST", "/dispatch", {"site_id": SITE, "mw": 5.0})

    assert refused.status == 409
    assert "offline" in refused.text or "not connected" in refused.text
