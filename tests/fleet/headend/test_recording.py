"""The queue in front of a recorder: nothing lost, nothing twice, memory bounded."""

from __future__ import annotations

import asyncio

import pytest
from fleet_link import ASSETS, MemoryRecorder, batch, connect, inventory, register, sample, until, waiting

from afterbay.core.errors import UnavailableError
from afterbay.fleet.headend import Headend
from afterbay.fleet.messages import Event, Heartbeat, Receipt
from afterbay.fleet.wire import agent_message

A, D = ASSETS[0], ASSETS[3]


def test_a_recorder_that_fails_gets_the_same_batch_again_and_the_operator_sees_it() -> None:
    async def run() -> None:
        recorder = MemoryRecorder()
        recorder.fails = True
        async with Headend(inventory(), recorder=recorder) as headend:
            stream = connect(headend, register(), batch([1, 2]))
            await until(lambda: headend.health().recorder_failing_since is not None)
            headend.hear(stream, agent_message(batch([3], batch_seq=2)))
            headend.tick()
            assert headend.events()[0].event_type == "recorder_failing"
            assert headend.health().samples_waiting == 3
            assert "no database" in headend.health().recorder_error

            recorder.fails = False
            await headend._pump.drained()
            headend.tick()
            assert recorder.numbers == [(A, 1), (A, 2), (A, 3)]
            assert headend.events()[0].event_type == "recorder_recovered"
            assert headend.health().recorder_failing_since is None
            assert waiting(stream)[-1] == Receipt(2)

    asyncio.run(run())


def test_what_was_noted_is_kept_when_its_own_batch_is_written_and_a_recorder_that_hangs_holds_nobody_up() -> None:
    async def run() -> None:
        recorder = MemoryRecorder()
        async with Headend(inventory(), recorder=recorder) as headend:
            await headend.kept(60.0)
            connect(headend, register(), batch([1]))
            recorder.gate.clear()
            await asyncio.sleep(0)
            connect(headend, register(), batch([2]))

            waits = asyncio.create_task(headend.kept(60.0))
            await headend.kept(0.01)
            assert not waits.done()

            recorder.gate.set()
            await waits
            assert recorder.numbers == [(A, 1), (A, 2)]

    asyncio.run(run())


def test_when_too_many_samples_wait_streams_wait_too() -> None:
    async def run() -> None:
        recorder = MemoryRecorder()
        recorder.gate.clear()
        async with Headend(inventory(), recorder=recorder, most_samples=10) as headend:
            stream = connect(headend, register(), batch(range(1, 11)))
            assert headend.health().samples_waiting == 10
            waiter = asyncio.create_task(headend.room(stream))
            await asyncio.sleep(0.02)
            assert not waiter.done()
            assert stream.held_up, "its silence is ours"
            with pytest.raises(UnavailableError, match="10 samples wait"):
                headend.push(sample(D, 0), actor="maria")

            recorder.gate.set()
            await asyncio.wait_for(waiter, 1.0)
            assert headend.has_room

    asyncio.run(run())


def test_everything_that_happens_reaches_the_recorder() -> None:
    async def run() -> MemoryRecorder:
        recorder = MemoryRecorder()
        async with Headend(inventory(), recorder=recorder) as headend:
            at = sample(A).timestamp
            stream = connect(headend, register([A]), batch([1]), Heartbeat("", at))
            headend.hear(stream, agent_message(Event("e", A, "s", at, "rack_fault", "alarm", "rack 3")))
        return recorder

    recorder = asyncio.run(run())

    assert recorder.numbers == [(A, 1)]
    assert [beat.asset_id for kept in recorder.batches for beat in kept.heartbeats] == [A]
    assert [event.event_type for kept in recorder.batches for event in kept.events] == ["rack_fault"]
    sessions = {session.id: session for kept in recorder.batches for session in kept.sessions}
    (session,) = sessions.values()
    assert session.disconnected_at is not None, "stopping closes the session, and that is written too"
    assert session.reason == "the headend stops"


def test_rows_come_in_the_order_of_the_columns_with_the_time_of_receipt() -> None:
    async def run() -> MemoryRecorder:
        recorder = MemoryRecorder()
        async with Headend(inventory(), recorder=recorder) as headend:
            connect(headend, register(), batch([1], replay=True))
        return recorder

    (kept,) = (block for each in asyncio.run(run()).batches for block in each.telemetry)

    (row,) = kept.rows()
    (record,) = kept.records()
    assert tuple(getattr(record, name) for name in record.__slots__) == row
    assert record.origin == "replay"
    assert record.received_at == kept.received_at
