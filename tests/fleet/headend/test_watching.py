"""Listening to changes: everything newest, nothing piled up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fleet_link import ASSETS, batch, connect, inventory, register, sample
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend import AgentRow, Change, Headend, Subscription
from afterbay.fleet.messages import Event, Telemetry
from afterbay.fleet.wire import agent_message

A, B, C, D = ASSETS


def heard(subscription: Subscription) -> list[Change]:
    """Read what waits, and no more."""

    async def read() -> list[Change]:
        found = []
        while len(subscription):
            found.append(await asyncio.wait_for(anext(subscription), 1.0))
        return found

    return asyncio.run(read())


def event(number: int = 1, asset_id: str = A) -> Event:
    return Event(str(number), asset_id, "", sample().timestamp, "rack_fault", "alarm", "rack 3")


def test_telemetry_commands_sessions_and_events_are_heard() -> None:
    headend = Headend(inventory())
    subscription = headend.subscribe()
    connect(headend, register([A]), batch([1]))
    command = headend.submit(CommandRequest(mw=1.0, asset_id=A), actor="maria").command
    headend.raise_event(event())
    headend.replace_inventory(replace(inventory(), groups=()))

    changes = heard(subscription)

    by_kind = {change.kind: change for change in changes}
    assert set(by_kind) == {"telemetry", "command", "session", "event", "inventory"}
    assert len(changes) == 5, "one change per thing, however often it changed"
    assert isinstance(by_kind["telemetry"].data, Telemetry)
    assert isinstance(by_kind["session"].data, AgentRow)
    assert by_kind["event"].data == event()
    told = by_kind["command"].data
    assert isinstance(told, Command)
    assert (told.id, told.state) == (command.id, "sent")


@given(st.lists(st.lists(st.integers(1, 40), min_size=1), max_size=20))
def test_a_slow_listener_gets_the_newest_of_each_asset_once(batches: list[list[int]]) -> None:
    headend = Headend(inventory())
    subscription = headend.subscribe({"telemetry"})
    stream = connect(headend, register([A, B]))

    for number, numbers in enumerate(batches, start=1):
        headend.hear(stream, agent_message(batch(numbers, (A, B), batch_seq=number)))
        assert len(subscription) <= 2, "memory does not grow with what is not read"

    told = {change.asset_id: change.data for change in heard(subscription)}
    newest = max((max(numbers) for numbers in batches), default=0)
    for asset_id in (A, B) if batches else ():
        data = told[asset_id]
        assert isinstance(data, Telemetry)
        assert data.seq == newest


def test_only_the_kinds_and_assets_that_were_asked_for_are_heard() -> None:
    headend = Headend(inventory())
    of_b = headend.subscribe({"telemetry", "command", "event"}, {B})
    connect(headend, register(), batch([1], (A, B)))
    for asset_id in (A, B):
        headend.submit(CommandRequest(mw=1.0, asset_id=asset_id), actor="maria")
        headend.raise_event(event(asset_id=asset_id))

    changes = heard(of_b)

    assert sorted(change.kind for change in changes) == ["command", "event", "telemetry"]
    for change in changes:
        if isinstance(change.data, Command):
            assert change.data.target_id == B
        else:
            assert change.asset_id == B


def test_events_are_bounded_and_the_loss_is_counted() -> None:
    headend = Headend(inventory())
    subscription = headend.subscribe({"event"})

    for number in range(300):
        headend.raise_event(event(number))

    assert [change.data for change in heard(subscription)] == [event(number) for number in range(44, 300)]
    assert subscription.events_dropped == 44


def test_a_listener_waits_and_is_woken() -> None:
    async def story() -> None:
        headend = Headend(inventory())
        with headend.subscribe({"telemetry"}) as subscription:
            waiter = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(0.01)
            assert not waiter.done()
            connect(headend, register(), batch([1]))
            assert (await asyncio.wait_for(waiter, 1.0)).asset_id == A
            assert headend.health().subscribers == 1
        assert headend.health().subscribers == 0
        with pytest.raises(StopAsyncIteration):
            await anext(subscription)

    asyncio.run(story())


def test_stopping_the_headend_ends_every_iteration() -> None:
    async def story() -> None:
        async with Headend(inventory()) as headend:
            subscription = headend.subscribe()
            waiter = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(0)
        with pytest.raises(StopAsyncIteration):
            await waiter

    asyncio.run(story())


def test_what_is_gone_before_it_is_read_is_passed_over() -> None:
    headend = Headend(inventory())
    subscription = headend.subscribe({"telemetry"})
    connect(headend, register(), batch([1]))

    headend.replace_inventory(replace(inventory(), assets=inventory().assets[1:]))

    assert len(subscription) == 1
    with pytest.raises(TimeoutError):
        heard(subscription)
