"""Commands to agents of the original, which never say what became of them: each ends, and says why."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fleet_link import ASSETS, SITE, Agent, Clock, connect, inventory, register, sample, until, waiting

from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend import Headend, Restored, Stream
from afterbay.fleet.headend.server import HeadendServer
from afterbay.fleet.messages import Lease
from afterbay.fleet.wire import agent_message

A, B, C, D = ASSETS


def _running() -> tuple[Headend, Clock, Stream]:
    clock = Clock()
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    return headend, clock, _dial(headend)


def _dial(headend: Headend) -> Stream:
    """Connect an agent of the original whose assets stand still."""
    return connect(headend, register(protocol=0), *(sample(asset_id, 0, 0.0) for asset_id in (A, B, C)))


def _submit(headend: Headend, mw: float = 5.0, **more: object) -> Command:
    request = CommandRequest(mw=mw, **{"asset_id": A, **more})  # type: ignore[arg-type]
    return headend.submit(request, actor="maria").command


def _leases(stream: Stream) -> list[str]:
    return [message.id for message in waiting(stream) if isinstance(message, Lease)]


def _after(headend: Headend, clock: Clock, seconds: float) -> None:
    clock.forward(seconds)
    headend.tick()


def test_a_command_that_its_telemetry_never_shows_has_failed() -> None:
    headend, clock, _ = _running()
    command = _submit(headend)

    _after(headend, clock, 29.0)
    assert headend.command(command.id).state == "sent"
    _after(headend, clock, 1.0)

    ended = headend.command(command.id)
    assert ended.state == "failed"
    assert ended.why == "not seen in its telemetry within 30 s; an agent of the original cannot say why"
    assert ended.history[-1].actor == "headend"


def test_one_that_it_shows_goes_on() -> None:
    headend, clock, stream = _running()
    command = _submit(headend)
    headend.hear(stream, agent_message(sample(A, 0, 2.0, setpoint_mw=5.0)))

    _after(headend, clock, 600.0)

    assert headend.command(command.id).state == "active"


def test_the_older_of_two_that_it_never_showed_was_replaced() -> None:
    headend, clock, _ = _running()
    older, newer = _submit(headend, 5.0), _submit(headend, 6.0)

    assert headend.command(older.id).state == "superseded"
    _after(headend, clock, 30.0)
    assert headend.command(newer.id).state == "failed"


def test_a_power_that_it_set_by_itself_is_a_limit() -> None:
    headend, clock, stream = _running()
    command = _submit(headend, 12.0, asset_id=None, site_id=SITE)
    (lease,) = (message for message in waiting(stream) if isinstance(message, Lease))
    assert lease.members == (A, B, C)
    for asset_id, mw in ((A, 7.2), (B, 2.4), (C, 1.0)):
        headend.hear(stream, agent_message(sample(asset_id, 0, mw, setpoint_mw=mw)))

    _after(headend, clock, 30.0)

    found = headend.command(command.id)
    assert [part.state for part in found.parts] == ["active", "active", "limited"]
    assert (found.parts[2].reason, found.parts[2].applied_mw) == ("its agent set 1 MW by itself", 1.0)


def test_a_command_on_a_link_that_was_lost_is_sent_again_in_time_and_expires_afterwards() -> None:
    headend, clock, stream = _running()
    command = _submit(headend)
    assert _leases(stream) == [command.id]
    headend.close_stream(stream, "connection lost")
    clock.forward(20.0)
    again = _dial(headend)
    assert _leases(again) == [command.id]

    headend.close_stream(again, "connection lost")
    _after(headend, clock, 39.0)
    assert headend.command(command.id).state == "queued"
    _after(headend, clock, 1.0)

    assert headend.command(command.id).state == "expired"
    assert "cannot say whether it arrived" in headend.command(command.id).why


def test_after_a_restart_a_late_command_is_looked_for_in_its_telemetry_and_not_sent_again() -> None:
    before, clock, _ = _running()
    shown, silent = _submit(before, 5.0), _submit(before, 3.0, asset_id=B)
    clock.forward(90.0)
    headend = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    headend.restore(Restored(commands=before.commands()))

    stream = _dial(headend)
    headend.hear(stream, agent_message(sample(A, 0, 5.0, setpoint_mw=5.0)))
    _after(headend, clock, 30.0)

    assert _leases(stream) == []
    assert headend.command(shown.id).state == "active"
    assert headend.command(silent.id).state == "expired"
    assert "cannot say whether it arrived" in headend.command(silent.id).why


def test_an_agent_that_was_replaced_by_a_newer_version_is_asked_instead() -> None:
    headend, clock, stream = _running()
    command = _submit(headend)
    headend.close_stream(stream, "connection lost")

    newer = connect(headend, register(protocol=1))
    _after(headend, clock, 80.0)

    assert _leases(newer) == [command.id]
    assert headend.command(command.id).state == "sent"


def test_a_command_that_was_too_late_to_be_written_has_expired() -> None:
    async def story() -> None:
        clock = Clock()
        async with (
            Headend(inventory(), clock=clock) as headend,
            HeadendServer(headend, "127.0.0.1:0", grace_s=0.5) as server,
            Agent.dial(f"127.0.0.1:{server.port}") as agent,
        ):
            await agent.say(register(protocol=0))
            await until(lambda: headend.agent(A).connected)
            late = [_submit(headend), _submit(headend, 4.0, asset_id=None, site_id=SITE)]
            clock.now += timedelta(seconds=61)  # before the writer has its turn
            await until(lambda: headend.commands() and all(one.is_final for one in headend.commands()))

            assert headend.command(late[0].id).state in ("expired", "superseded")
            assert headend.command(late[1].id).state == "expired"
            assert "did not read it within its deadline" in headend.command(late[1].id).why
            good = _submit(headend, 2.0)
            heard = await agent.hear(Lease)
            assert heard.id == good.id

    asyncio.run(asyncio.wait_for(story(), 20.0))
