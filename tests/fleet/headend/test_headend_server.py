"""The headend on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from fleet_link import ASSETS, Agent, MemoryRecorder, acknowledge, batch, inventory, register, sample, until
from fleet_proxy import Proxy

from afterbay.core.errors import UnavailableError
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend import Headend
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.messages import Heartbeat, Lease, Receipt, Welcome
from afterbay.fleet.wire import agent_message, agent_pb2_grpc, bootstrap_request, read_bootstrap
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.options import CLIENT_OPTIONS
from afterbay.fleet.wire.tls import open_channel

A, B, C, D = ASSETS


def run(story: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20.0):
            await story

    asyncio.run(bounded())


@asynccontextmanager
async def serving(**more: Any) -> AsyncIterator[tuple[Headend, HeadendServer]]:
    """Run a headend on a free port."""
    stall_s = more.pop("stall_s", 30.0)
    async with (
        Headend(inventory(), **more) as headend,
        HeadendServer(headend, "127.0.0.1:0", stall_s=stall_s, grace_s=0.5) as server,
    ):
        yield headend, server


def test_an_agent_registers_tells_and_is_told() -> None:
    async def story() -> None:
        async with serving() as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register())
            welcome = await agent.hear(Welcome)
            assert (welcome.protocol, welcome.accepted) == (1, (A, B, C))

            await agent.say(batch([1, 2], (A, B, C)), Heartbeat("", datetime.now(UTC)))
            assert await agent.hear(Receipt) == Receipt(1)
            await until(lambda: headend.agent(C).last_heartbeat is not None)
            rows = headend.agents()
            assert [row.connected for row in rows] == [True, True, True, False]
            assert len({row.peer for row in rows[:3]}) == 1
            assert (rows[0].peer or "").startswith("127.0.0.1:")

            command = headend.submit(CommandRequest(mw=5.0, asset_id=A), actor="maria").command
            lease = await agent.hear(Lease)
            assert (lease.id, lease.mw, lease.asset_id) == (command.id, 5.0, A)
            await agent.say(acknowledge(lease, "active", at=datetime.now(UTC)))
            await until(lambda: headend.command(command.id).state == "active")

    run(story())


def test_an_agent_that_goes_is_disconnected_and_one_that_comes_back_has_one_open_session() -> None:
    async def story() -> None:
        async with serving() as (headend, server):
            for _ in range(3):
                async with Agent.dial(f"127.0.0.1:{server.port}") as agent:
                    await agent.say(register())
                    await agent.hear(Welcome)
                await until(lambda: not headend.agent(A).connected)
            sessions = headend.agent(A).sessions
            assert len(sessions) == 3
            assert all(session.disconnected_at is not None for session in sessions)

    run(story())


def test_an_agent_of_the_original_on_the_wire() -> None:
    async def story() -> None:
        async with serving() as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register(protocol=0), sample(A, 0, 1.0), Heartbeat(A, datetime.now(UTC)))
            await until(lambda: headend.telemetry(A) is not None)
            headend.submit(CommandRequest(mw=5.0, asset_id=A, duration_s=60.0), actor="maria")

            first = await agent.call.read()

            assert first.WhichOneof("message") == "setpoint", "no welcome, nothing that it does not know"
            assert (first.setpoint.asset_id, first.setpoint.mw, first.setpoint.duration_s) == (A, 5.0, 60)

    run(story())


def test_bootstrap_answers_with_what_is_known_and_still_valid() -> None:
    async def story() -> None:
        async with serving() as (headend, server), open_channel(f"127.0.0.1:{server.port}", None) as channel:
            headend.push(sample(A, 0, 3.0), actor="test")
            stub = agent_pb2_grpc.AgentLinkStub(channel)  # type: ignore[no-untyped-call]

            answer = await stub.Bootstrap(bootstrap_request([A, B, "nobody"]))

            known = read_bootstrap(answer, datetime.now(UTC))
            assert [(one.asset_id, one.telemetry is not None, one.lease) for one in known] == [
                (A, True, None), (B, False, None),
            ]  # fmt: skip

    run(story())


def test_two_headends_cannot_share_a_port() -> None:
    async def story() -> None:
        async with serving() as (headend, server):
            with pytest.raises(UnavailableError, match="cannot listen there"):
                async with HeadendServer(headend, f"127.0.0.1:{server.port}"):
                    pass

    run(story())


def test_a_message_that_is_too_large_ends_the_call_and_not_the_headend() -> None:
    async def story() -> None:
        async with serving() as (headend, server):
            unlimited = [("grpc.max_send_message_length", -1)]
            async with open_channel(f"127.0.0.1:{server.port}", None, options=unlimited) as channel:
                stub = agent_pb2_grpc.AgentLinkStub(channel)  # type: ignore[no-untyped-call]
                agent = Agent(stub.Stream())
                await agent.say(register())
                await agent.hear(Welcome)
                told = await agent.ending(Heartbeat("x" * 5_000_000, datetime.now(UTC)))
                assert told.code() is not grpc.StatusCode.OK
            await until(lambda: not headend.agent(A).connected)
            async with Agent.dial(f"127.0.0.1:{server.port}") as agent:
                await agent.say(register())
                await agent.hear(Welcome)

    run(story())


def test_bytes_that_are_no_message_do_not_harm_the_headend() -> None:
    async def story() -> None:
        async with serving() as (headend, server):
            async with open_channel(f"127.0.0.1:{server.port}", None) as channel:
                call = channel.stream_stream("/agent.AgentLink/Stream")()
                await call.write(b"\xff\xff\xff\xff")
                with pytest.raises(grpc.RpcError):
                    await call.read()
            with socket.create_connection(("127.0.0.1", server.port)) as raw:
                raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            async with Agent.dial(f"127.0.0.1:{server.port}") as agent:
                await agent.say(register())
                await agent.hear(Welcome)
            assert headend.health().assets == 4

    run(story())


def test_an_agent_that_does_not_read_is_cut_off_and_memory_stays_bounded() -> None:
    async def story() -> None:
        async with serving(stall_s=0.3) as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register())
            await agent.hear(Welcome)  # and never reads again
            (stream,) = headend._board._streams
            most = 0
            while headend.agent(A).connected:
                for number in range(50):
                    if not stream.outbox.is_full:
                        note = "x" * 10_000
                        stream.outbox.put(Lease(f"{number}{note}", 1.0, 1, datetime.now(UTC), asset_id=A))
                most = max(most, len(stream.outbox))
                await asyncio.sleep(0.002)
            assert most <= 1024 + 1
            assert "does not read" in headend.agent(A).sessions[0].reason

    run(story())


def test_an_agent_that_writes_faster_than_the_recorder_takes_is_slowed_down_and_loses_nothing() -> None:
    async def story() -> None:
        recorder = MemoryRecorder()
        recorder.gate.clear()
        async with (
            serving(recorder=recorder, most_samples=500) as (headend, server),
            Agent.dial(f"127.0.0.1:{server.port}") as agent,
        ):
            await agent.say(register([A]))
            await agent.hear(Welcome)
            size = 100

            async def flood() -> None:
                for number in range(200):
                    first = number * size + 1
                    await agent.say(batch(range(first, first + size), batch_seq=number + 1))

            flooding = asyncio.create_task(flood())
            await until(lambda: headend.health().samples_waiting >= 500)
            await asyncio.sleep(0.2)
            assert headend.health().samples_waiting <= 500 + size

            recorder.gate.set()
            await flooding
            while (await agent.hear(Receipt)).batch_seq < 200:
                pass
            assert [number for _, number in recorder.numbers] == list(range(1, 200 * size + 1))

    run(story())


def test_dropped_packets_are_found_by_the_agent_by_an_unanswered_ping() -> None:
    async def story() -> None:
        dropping = asyncio.Event()
        ends: list[asyncio.StreamWriter] = []

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                if not dropping.is_set():
                    target.write(data)

        async with serving() as (_, server):

            async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", server.port)
                ends.extend((writer, far_writer))
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)

            quick = {**dict(CLIENT_OPTIONS), "grpc.keepalive_time_ms": 300, "grpc.http2.ping_timeout_ms": 300}
            assert set(quick) == set(dict(CLIENT_OPTIONS)), "both are among the options of every agent"
            async with await asyncio.start_server(carry, "127.0.0.1", 0) as proxy:
                address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
                async with open_channel(address, None, options=tuple(quick.items())) as channel:
                    agent = Agent(agent_pb2_grpc.AgentLinkStub(channel).Stream())  # type: ignore[no-untyped-call]
                    await agent.say(register())
                    await agent.hear(Welcome)

                    dropping.set()
                    told = await agent.ending()

                    assert "ping timeout" in (told.details() or "")
                for end in ends:
                    end.close()
                await asyncio.gather(*(end.wait_closed() for end in ends), return_exceptions=True)

    run(story())


def test_a_half_open_connection_is_found_by_its_silence() -> None:
    async def story() -> None:
        async with serving(silence_s=0.3) as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register())
            await agent.hear(Welcome)
            await until(lambda: not headend.agent(A).connected)
            assert headend.agent(A).sessions[0].reason == "silent for 0.3 s"
            told = await agent.ending()
            assert told.code() is grpc.StatusCode.UNAVAILABLE
            assert "silent" in (told.details() or "")

    run(story())


def test_a_cut_connection_is_told_from_a_farewell() -> None:
    async def story(farewell: bool, reason: str) -> None:
        async with serving() as (headend, server):
            with Proxy(f"127.0.0.1:{server.port}") as wire:
                async with Agent.dial(wire.address) as agent:
                    await agent.say(register())
                    await agent.hear(Welcome)
                    if farewell:
                        await agent.leave()
                    else:
                        wire.cut()
                    await until(lambda: not headend.agent(A).connected)
            assert headend.agent(A).sessions[0].reason == reason

    for _ in range(5):
        run(story(farewell=False, reason="connection lost"))
        run(story(farewell=True, reason="disconnected"))


def test_stopping_ends_streams_with_a_reason_and_in_time() -> None:
    async def story() -> None:
        async with Headend(inventory()) as headend:
            async with (
                HeadendServer(headend, "127.0.0.1:0", grace_s=0.5) as server,
                Agent.dial(f"127.0.0.1:{server.port}") as agent,
            ):
                await agent.say(register())
                await agent.hear(Welcome)
                headend.close_streams("the headend stops")
                told = await agent.ending()
                assert told.details() == "the headend stops"
            assert not headend.agent(A).connected

    run(story())


@pytest.mark.parametrize(("protocol", "written"), [(1, ["late", "good"]), (0, ["good"])])
def test_a_lease_that_became_too_late_in_the_outbox_is_written_only_to_who_can_refuse_it(
    protocol: int, written: list[str]
) -> None:
    async def story() -> None:
        async with serving() as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register(protocol=protocol))
            await until(lambda: headend.agent(A).connected)
            (stream,) = headend._board._streams
            now = datetime.now(UTC)
            stream.outbox.put(Lease("late", 1.0, 1, now, asset_id=A, deliver_by=now - timedelta(seconds=1)))
            stream.outbox.put(Lease("over", 1.0, 2, now, asset_id=A, valid_until=now - timedelta(seconds=1)))
            stream.outbox.put(Lease("good", 1.0, 3, now, asset_id=A))

            assert [(await agent.hear(Lease)).id for _ in written] == written

    run(story())


def test_a_message_of_a_later_protocol_is_passed_over() -> None:
    async def story() -> None:
        async with serving() as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            await agent.say(register())
            await agent.call.write(pb.AgentToHeadend.FromString(b"\xfa\x3f\x01\x00"))
            await agent.call.write(agent_message(batch([1])))

            assert await agent.hear(Receipt) == Receipt(1)
            assert headend.events() == ()

    run(story())


def test_a_defect_of_the_headend_ends_the_stream_and_is_written_to_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with serving() as (headend, server), Agent.dial(f"127.0.0.1:{server.port}") as agent:
            monkeypatch.setattr(headend, "hear", lambda *_: 1 // 0)
            told = await agent.ending(register())
            assert told.code() is grpc.StatusCode.UNAVAILABLE

    run(story())

    assert "ZeroDivisionError" in caplog.text
