from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fleet_agent import ASSETS, BASE, SITE, SMALL, Clock, StubHeadend, agent, give_up, lease, talk
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import UnavailableError
from afterbay.fleet.agent import Link, Runtime
from afterbay.fleet.agent.backoff import Backoff
from afterbay.fleet.agent.outgoing import Outgoing
from afterbay.fleet.agent.running import _ask_headend
from afterbay.fleet.messages import Acknowledgement, Event, Heartbeat, Register, Restoration, Telemetry
from afterbay.fleet.wire import agent_pb2 as pb

A, B, C = ASSETS


async def tick(runtime: Runtime, clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        clock.pass_s(4.0)
        await runtime.tick()


def is_whole(headend: StubHeadend, ticks: int) -> bool:
    return len(headend.samples) == 3 * ticks


def test_the_registration_comes_first_and_names_every_asset(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            await talk(runtime, headend, lambda: is_whole(headend, 1))

            first = headend.said[0]
            assert isinstance(first, Register)
            assert [asset.asset_id for asset in first.assets] == list(ASSETS)
            assert first.hello is not None
            assert first.hello.spool_id == runtime.spool.spool_id
            assert any(isinstance(record, Heartbeat) for record in headend.said)

    asyncio.run(run())


def test_what_was_spooled_is_replayed_in_order_and_the_present_does_not_wait_for_it(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.window = 1
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock, 600)
            task = asyncio.create_task(talk(runtime, headend, lambda: is_whole(headend, 601)))
            while not headend.batches:
                await asyncio.sleep(0)
            await tick(runtime, clock)
            await task

            replayed = [sample.seq - BASE for replay, samples in headend.batches if replay for sample in samples
                        if sample.asset_id == A]  # fmt: skip
            assert replayed == list(range(1, 601))
            live_at = next(at for at, (replay, _) in enumerate(headend.batches) if not replay)
            assert live_at < len(headend.batches) - 1

    asyncio.run(run())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),  # ticks before the connection
            st.integers(0, 9),  # messages until it is lost
            st.booleans(),  # does the last one arrive?
            st.booleans(),  # do receipts come?
            st.sampled_from(["goes on", "restarts", "crashes"]),
        ),
        max_size=8,
    )
)
def test_law_every_sample_arrives_exactly_once_whatever_happens_to_connections_and_agents(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[int, int, bool, bool, str]]
) -> None:
    async def run() -> None:
        clock, folder = Clock(), tmp_path_factory.mktemp("agent")
        headend = StubHeadend(clock)
        total = 0
        context = agent(folder, clock, closes=False)
        runtime = await context.__aenter__()
        for ticks, lives, arrives, receipts, then in story:
            await tick(runtime, clock, ticks)
            total += ticks
            headend.receipts = receipts
            headend.lives.append((lives, arrives))
            headend.lives.append((0, False))
            before, polls = headend.opened, iter(range(8))

            def is_over(before: int = before, polls: Iterator[int] = polls) -> bool:
                # Without receipts a connection may live on with nothing more to say.
                return headend.opened > before + 1 or next(polls, None) is None

            await talk(runtime, headend, is_over)
            headend.lives.clear()
            if then == "restarts":
                await runtime.close()
            elif then == "crashes":
                give_up(runtime)
            if then != "goes on":
                context = agent(folder, clock, closes=False)
                runtime = await context.__aenter__()
        headend.receipts = True
        await tick(runtime, clock)
        total += 1
        await talk(runtime, headend, lambda: is_whole(headend, total))
        for asset_id in ASSETS:
            kept = [sample for (asset, _), sample in sorted(headend.samples.items()) if asset == asset_id]
            assert [sample.seq - BASE for sample in kept] == list(range(1, total + 1))
            moments = [sample.timestamp for sample in kept]
            assert moments == sorted(set(moments))
        await runtime.close()

    asyncio.run(run())


def test_without_receipts_nothing_is_forgotten_and_no_more_than_the_window_is_under_way(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.receipts, headend.window = False, 3
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            task = asyncio.create_task(talk(runtime, headend, lambda: len(headend.batches) == 3))
            while not headend.batches:
                await asyncio.sleep(0)
            await tick(runtime, clock, 10)
            await task

            assert len(headend.batches) == 3
            assert runtime.spool.waiting[0] == 3 * 11

    asyncio.run(run())


def test_a_command_is_answered_again_after_a_reconnect_when_nothing_proves_that_it_was_heard(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.receipts = False
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(10.0, 1, clock))
            await tick(runtime, clock, 2)
            await talk(runtime, headend, lambda: len(headend.answers) >= 3)
            headend.said.clear()
            headend.receipts = True

            await tick(runtime, clock)
            await talk(runtime, headend, lambda: bool(headend.answers) and is_whole(headend, 4))
            await asyncio.sleep(0)

            assert {answer.state for answer in headend.answers} >= {"received", "active"}

    asyncio.run(run())


def test_a_command_over_the_link_is_applied_and_one_past_its_deadline_is_not(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            late = lease(-50.0, 2, clock, asset_id=B, deliver_by=clock.utc - timedelta(seconds=1))

            async def operate() -> None:
                while headend.present is None or not runtime.link_state["connected"]:
                    await asyncio.sleep(0)
                headend.present.say(lease(12.0, 1, clock, asset_id=None, site_id=SITE))
                headend.present.say(late)
                while len(runtime._inbox) < 2:
                    await asyncio.sleep(0)
                await tick(runtime, clock, 3)

            operating = asyncio.create_task(operate())
            await talk(runtime, headend, lambda: operating.done() and len(headend.answers) >= 7)

            last = {(answer.lease_id, answer.asset_id): answer for answer in headend.answers}
            assert last["lease-2", B].state == "expired"
            assert [runtime.control.latest(asset).mw for asset in ASSETS] == pytest.approx([7.2, 2.4, 2.4])  # type: ignore[union-attr]

    asyncio.run(run())


def test_a_headend_of_the_original_gets_single_samples_oldest_first(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock, original=True)
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock, 3)
            await talk(runtime, headend, lambda: is_whole(headend, 3))

            samples = headend.of(Telemetry)
            assert [sample.seq - BASE for sample in samples if sample.asset_id == A] == [1, 2, 3]
            assert [beat.asset_id for beat in headend.of(Heartbeat)] == list(ASSETS)
            await tick(runtime, clock)
            assert runtime.spool.waiting[0] == 3

    asyncio.run(run())


def test_a_new_agent_begins_where_the_headend_last_saw_its_batteries(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        seen = Telemetry(A, SITE, clock.utc, 7.0, 7.0, 60.0, -60.0, "discharging", 33.0, 27.5, 120.0, seq=9)
        forever = lease(7.0, 4, clock)
        headend.remembers = [Restoration(A, seen, forever)]
        async with agent(tmp_path, clock) as runtime:
            assert runtime.is_new
            await _ask_headend(runtime, headend)
            await tick(runtime, clock, 3)

            sample = runtime.control.latest(A)
            assert sample is not None
            assert sample.soc_mwh == pytest.approx(33.0, abs=0.1)
            assert sample.mw == 7.0

    asyncio.run(run())


def test_a_setpoint_that_an_original_headend_remembers_is_not_run_again(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.remembers = [Restoration(A, None, lease(50.0, 0, clock))]
        async with agent(tmp_path, clock) as runtime:
            await _ask_headend(runtime, headend)
            await tick(runtime, clock, 3)

            assert runtime.control.latest(A).mw == 0.0  # type: ignore[union-attr]

    asyncio.run(run())


def test_a_headend_that_does_not_answer_a_new_agent_keeps_it_from_nothing(tmp_path: Path) -> None:
    class Silent(StubHeadend):
        async def bootstrap(self, asset_ids: object, timeout_s: float) -> pb.BootstrapResponse:
            raise UnavailableError("unimplemented")

    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await _ask_headend(runtime, Silent(clock))
            await tick(runtime, clock)

            assert runtime.counters.ticks == 1

    asyncio.run(run())


def test_waits_grow_with_full_jitter_up_to_a_ceiling() -> None:
    high, low = Backoff(lambda: 0.999999, longest_s=60.0), Backoff(lambda: 0.0, least_s=0.05)

    assert [round(high.next_s()) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert [low.next_s() for _ in range(3)] == [0.05, 0.05, 0.05]
    high.reset()
    assert high.next_s() < 1.0


def test_a_headend_that_refuses_is_asked_again_with_pauses(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.lives.extend([(0, False)] * 5)
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0)

        async with agent(tmp_path, clock) as runtime:
            stop = asyncio.Event()
            task = asyncio.create_task(Link(runtime, headend, sleep=sleep).run(stop))
            while not runtime.link_state["connected"]:
                await asyncio.sleep(0.001)
            stop.set()
            await task

        assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]

    asyncio.run(run())


def test_what_is_proven_is_not_said_again_and_what_is_not_survives_a_restart() -> None:
    outgoing = Outgoing()
    now = Clock().utc
    event = Event("e", A, SITE, now, "X", "info", "y")
    answers = [Acknowledgement("l", A, state, now) for state in ("received", "active")]
    outgoing.put(answers[0], event, answers[1])

    assert outgoing.take(1) == answers[0]
    assert outgoing.take(2) == event
    outgoing.proven(1)
    outgoing.rewind()
    again = Outgoing()
    again.restore(outgoing.to_json())

    assert [again.take(1), again.take(1), again.take(1)] == [event, answers[1], None]


def test_two_agents_do_not_share_a_folder_and_settings_do_not_show_the_token(tmp_path: Path) -> None:
    from afterbay.core.errors import ConflictError
    from afterbay.fleet.agent import AgentSettings
    from afterbay.fleet.agent.folder import held_folder, holder_of_folder

    with held_folder(tmp_path):
        assert holder_of_folder(tmp_path) is not None
        with pytest.raises(ConflictError, match="in use"), held_folder(tmp_path):
            pass
    assert holder_of_folder(tmp_path) is None
    assert "secret" not in repr(AgentSettings("h:1", "g", "single", SMALL, tmp_path, token="secret"))
