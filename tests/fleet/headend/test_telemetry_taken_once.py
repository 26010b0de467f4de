"""Every sample is kept once, whatever the link does to it, and the newest one is shown."""

from __future__ import annotations

import asyncio
import math

import pytest
from fleet_link import ASSETS, NOON, Clock, MemoryRecorder, batch, connect, inventory, register, sample, waiting
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.fleet.headend import Headend, Restored
from afterbay.fleet.messages import Receipt, TelemetryBatch
from afterbay.fleet.wire import agent_message
from afterbay.fleet.wire import agent_pb2 as pb

A, B = ASSETS[:2]


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.booleans(), st.booleans()), max_size=25)
)
def test_duplicated_and_reordered_batches_are_kept_once(
    sent: list[tuple[list[int], bool, bool]],
) -> None:
    recorder, clock = MemoryRecorder(), Clock()

    async def run() -> Headend:
        async with Headend(inventory(), recorder=recorder, clock=clock, monotonic=clock.monotonic) as headend:
            stream = connect(headend, register())
            for number, (numbers, replay, reconnects) in enumerate(sent, start=1):
                if reconnects:
                    stream = connect(headend, register())
                message = agent_message(batch(numbers, (A, B), batch_seq=number, replay=replay))
                headend.hear(stream, message)
            await headend._pump.drained()
            return headend

    headend = asyncio.run(run())

    expected = {number for numbers, _, _ in sent for number in numbers}
    for asset_id in (A, B):
        kept = [number for kept_id, number in recorder.numbers if kept_id == asset_id]
        assert sorted(kept) == sorted(expected), "none lost, none doubled"
        newest = headend.telemetry(asset_id)
        assert (newest.seq if newest else 0) == max(expected, default=0), "an older one never hides a newer"
    assert headend.health().samples_received == 2 * len(expected)


def test_a_receipt_waits_until_the_recorder_has_the_samples() -> None:
    async def run() -> None:
        recorder = MemoryRecorder()
        recorder.gate.clear()
        async with Headend(inventory(), recorder=recorder) as headend:
            stream = connect(headend, register())
            waiting(stream)
            headend.hear(stream, agent_message(batch([1], batch_seq=1)))
            await asyncio.sleep(0)
            headend.hear(stream, agent_message(batch([1], batch_seq=2)))  # a duplicate of what is not yet safe
            await asyncio.sleep(0.02)
            assert waiting(stream) == []

            recorder.gate.set()
            await headend._pump.drained()
            assert waiting(stream) == [Receipt(2)]

    asyncio.run(run())


def test_without_a_recorder_the_receipt_comes_at_once() -> None:
    stream = connect(Headend(inventory()), register(), batch([1, 2], batch_seq=4))

    assert waiting(stream)[-1] == Receipt(4)


def test_samples_of_assets_that_the_stream_does_not_serve_are_refused_and_said_so() -> None:
    headend = Headend(inventory())
    stream = connect(headend, register([A]), batch([1], (A, B, "unknown"), batch_seq=1))

    assert waiting(stream)[-1] == Receipt(1, (B, "unknown"))
    assert headend.telemetry(B) is None
    assert headend.health().samples_refused == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_sample_without_a_finite_power_is_refused_alone(bad: float) -> None:
    headend = Headend(inventory())
    samples = (sample(A, 1, bad), sample(A, 2, 3.0))
    connect(headend, register(), TelemetryBatch(samples, 1))

    newest = headend.telemetry(A)

    assert newest is not None
    assert (newest.seq, newest.mw) == (2, 3.0)
    assert headend.health().samples_refused == 1
    assert headend.events()[0].event_type == "message_unreadable"


def test_a_sample_without_a_readable_time_is_refused() -> None:
    headend = Headend(inventory())
    message = pb.AgentToHeadend(telemetry=pb.Telemetry(asset_id=A, timestamp="soon", current_mw=1.0))
    far = pb.AgentToHeadend(telemetry=pb.Telemetry(asset_id=A, timestamp_us=2**62, seq=1, current_mw=1.0))
    stream = connect(headend, register())

    for broken in (message, far):
        headend.hear(stream, broken)

    assert headend.telemetry(A) is None
    assert headend.health().samples_refused == 2


def test_a_spool_that_starts_anew_is_not_taken_for_old_samples() -> None:
    headend = Headend(inventory())
    connect(headend, register(spool="one"), batch(range(1, 6)))
    connect(headend, register(spool="two"), batch([1], batch_seq=1))

    newest = headend.telemetry(A)

    assert newest is not None
    assert newest.seq == 1
    assert headend.health().samples_duplicate == 0


def test_a_spool_that_comes_back_is_remembered() -> None:
    headend = Headend(inventory())
    for spool in ("one", "two", "one"):
        connect(headend, register(spool=spool), batch(range(1, 6)))

    assert headend.health().samples_received == 10
    assert headend.health().samples_duplicate == 5


def test_what_the_recorder_remembers_is_not_taken_twice_after_a_restart() -> None:
    headend = Headend(inventory())
    headend.restore(Restored(telemetry=(sample(A, 9),), seen={A: ((1, 5), (8, 9))}))
    assert headend.telemetry(A) == sample(A, 9)

    connect(headend, register(), batch(range(1, 12), replay=True))

    assert headend.health().samples_received == 4, "6, 7, 10 and 11"
    assert headend.seen(A) == ((1, 11),)


def test_a_replayed_sample_is_marked_and_carries_when_it_was_received() -> None:
    clock = Clock()
    headend = Headend(inventory(), clock=clock)
    connect(headend, register(), batch([1], replay=True))

    newest = headend.telemetry(A)

    assert newest is not None
    assert (newest.origin, newest.received_at) == ("replay", NOON)


def test_samples_of_an_agent_of_the_original_follow_each_other() -> None:
    headend = Headend(inventory())
    stream = connect(headend, register(protocol=0), sample(A, 0, 1.0), sample(A, 0, 2.0))

    newest = headend.telemetry(A)

    assert newest is not None
    assert newest.mw == 2.0
    assert waiting(stream) == [], "nothing is said to it that it does not know"


def test_a_pushed_sample_is_shown_unless_a_stream_serves_the_asset() -> None:
    headend = Headend(inventory())
    headend.push(sample(A, 0, 5.0), actor="maria")
    connect(headend, register([B]))

    newest = headend.telemetry(A)

    assert newest is not None
    assert newest.mw == 5.0
    with pytest.raises(ConflictError, match="gateway:gw-1 serves it"):
        headend.push(sample(B), actor="maria")
    with pytest.raises(NotFoundError, match="not in the inventory"):
        headend.push(sample("nobody"), actor="maria")


def test_a_headend_that_forgot_everything_shows_the_newest_sample_whatever_is_replayed() -> None:
    """Without a database the numbers seen end with the process; what has no receipt comes again, and only that."""
    connect(Headend(inventory()), register(), batch(range(1, 6), (A,), batch_seq=1))
    after = Headend(inventory())
    stream = connect(after, register(), batch([6], (A,), batch_seq=1))

    after.hear(stream, agent_message(batch([3, 4, 5], (A,), batch_seq=2, replay=True)))
    after.hear(stream, agent_message(batch([5, 6], (A,), batch_seq=3, replay=True)))

    newest = after.telemetry(A)
    assert newest is not None
    assert newest.seq == 6
    assert after.seen(A) == ((3, 6),)
    assert (after.health().samples_received, after.health().samples_duplicate) == (4, 2)
