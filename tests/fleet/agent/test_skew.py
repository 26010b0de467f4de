"""How far an agent's clock is off the headend's: measured, carried on, told once, and shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from fleet_agent import NOON, Clock, StubHeadend, agent, talk
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.agent import Runtime
from afterbay.fleet.agent.check import _skew
from afterbay.fleet.agent.skew import ClockSkew, skew_in_words
from afterbay.fleet.commands import Moment
from afterbay.fleet.messages import Event, Heartbeat
from afterbay.fleet.wire import agent_pb2 as pb

OFF = st.floats(-1e6, 1e6)


def at(after_s: float, *, wall_off_s: float = 0.0) -> Moment:
    return Moment(NOON + timedelta(seconds=after_s + wall_off_s), 500.0 + after_s, "boot")


@given(OFF, st.floats(0.0, 1e6), OFF)
def test_law_the_skew_is_what_the_clocks_differ_by_however_long_ago_and_whoever_sets_this_one(
    ahead_s: float, later_s: float, set_by_s: float
) -> None:
    skew = ClockSkew()

    skew.hear(NOON - timedelta(seconds=ahead_s), at(0.0))

    assert skew.seconds(at(later_s)) == pytest.approx(ahead_s, abs=1e-5)
    assert skew.seconds(at(later_s, wall_off_s=set_by_s)) == pytest.approx(ahead_s + set_by_s, abs=1e-5)


def test_nothing_is_known_before_a_headend_has_said_its_time() -> None:
    assert (ClockSkew().seconds(at(0.0)), ClockSkew().changed(at(0.0))) == (None, None)


def test_a_skew_is_told_once_when_it_comes_and_once_when_it_goes() -> None:
    skew = ClockSkew()
    told = []
    for ahead_s in (1.0, -1.9, 5.0, 6.0, -7.0, 0.5, 0.0):
        skew.hear(NOON - timedelta(seconds=ahead_s), at(0.0))
        told.append((skew.changed(at(0.0)), skew.is_off))

    assert told == [(None, False), (None, False), (5.0, True), (None, True), (None, True), (0.5, False), (None, False)]


def test_the_words_say_who_is_ahead() -> None:
    assert skew_in_words(75.0) == "this clock is 75.0 s ahead of the headend's"
    assert skew_in_words(-3.25) == "this clock is 3.2 s behind the headend's"


@pytest.mark.parametrize(("sampled_s", "result"), [(None, "skipped"), (-60.0, "ok"), (1.0, "ok"), (60.0, "warning")])
def test_the_check_reads_an_older_headends_time_off_its_samples(sampled_s: float | None, result: str) -> None:
    answer = pb.BootstrapResponse()
    if sampled_s is not None:
        answer.assets.add(asset_id="a").telemetry.timestamp_us = round((NOON.timestamp() + sampled_s) * 1e6)

    step = _skew(answer, NOON, NOON)

    assert (step.name, step.result) == ("clock", result)


@pytest.mark.parametrize(("way_s", "ahead_s", "result"), [(0.1, 0.0, "ok"), (0.1, 3.0, "warning"), (8.0, 3.0, "ok")])
def test_the_check_does_not_blame_a_clock_for_a_slow_answer(way_s: float, ahead_s: float, result: str) -> None:
    written = NOON + timedelta(seconds=way_s - ahead_s)
    answer = pb.BootstrapResponse(headend_time_us=round(written.timestamp() * 1e6))

    assert _skew(answer, NOON, NOON + timedelta(seconds=2.0 * way_s)).result == result


def _events(headend: StubHeadend) -> list[tuple[str, str]]:
    # What was not proven to have arrived is said again, as the same event.
    found = {event.id: event for event in headend.of(Event) if event.event_type.startswith("CLOCK")}
    return [(event.event_type, event.message) for event in found.values()]


async def _beats(runtime: Runtime, headend: StubHeadend) -> None:
    before = len(headend.of(Heartbeat))
    await talk(runtime, headend, lambda: len(headend.of(Heartbeat)) > before)


@pytest.mark.parametrize(("ahead_s", "word"), [(90.0, "behind"), (-90.0, "ahead of")])
def test_an_agent_whose_clock_is_off_says_so_in_its_heartbeats_and_as_an_event(
    tmp_path: Path, ahead_s: float, word: str
) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        headend.ahead_s = ahead_s
        async with agent(tmp_path, clock) as runtime:
            await _beats(runtime, headend)

            assert [beat.clock_skew_s for beat in headend.of(Heartbeat)] == [-ahead_s]
            assert runtime.status(clock.utc)["clock_skew_s"] == -ahead_s
            ((kind, message),) = _events(headend)
            assert kind == "CLOCK_SKEW"
            assert f"90.0 s {word} the headend's" in message

            headend.ahead_s = 0.0
            await _beats(runtime, headend)
            assert [kind for kind, _ in _events(headend)] == ["CLOCK_SKEW", "CLOCK_SKEW_OVER"]

    asyncio.run(run())


def test_a_clock_that_is_set_while_connected_shows_without_another_welcome(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock)
        async with agent(tmp_path, clock) as runtime:
            await _beats(runtime, headend)
            assert runtime.clock_skew_s == 0.0
            await runtime.tick()

            clock.jump_s(30.0)
            await runtime.tick()

            assert runtime.clock_skew_s == 30.0
            await _beats(runtime, headend)
            assert "CLOCK_SKEW" in [kind for kind, _ in _events(headend)]

    asyncio.run(run())


def test_a_headend_of_the_original_tells_no_time_and_nothing_is_guessed(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        headend = StubHeadend(clock, original=True)
        headend.ahead_s = 500.0
        async with agent(tmp_path, clock) as runtime:
            await _beats(runtime, headend)

            assert {beat.clock_skew_s for beat in headend.of(Heartbeat)} == {None}
            assert runtime.clock_skew_s is None

    asyncio.run(run())
