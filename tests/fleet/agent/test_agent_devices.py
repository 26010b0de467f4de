"""The tick and its devices: slow, away, refusing, without a ramp; limits of the site and the reserve."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fleet_agent import ASSETS, BASE, NOON, SITE, SMALL, Clock, PlainDevice, agent, lease
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.fleet.agent import Runtime
from afterbay.fleet.inventory.records import Asset, Inventory
from afterbay.fleet.messages import Acknowledgement, Event, Quality, Telemetry
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire import telemetry_record

A, B, C = ASSETS
TICK_H = 4.0 / 3600.0


async def tick(runtime: Runtime, clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        clock.pass_s(4.0)
        await runtime.tick()


def told(runtime: Runtime) -> list[Acknowledgement | Event]:
    return list(iter(lambda: runtime.outgoing.take(1), None))


def answers(runtime: Runtime) -> list[Acknowledgement]:
    return [record for record in told(runtime) if isinstance(record, Acknowledgement)]


def mw(runtime: Runtime, asset_id: str = A) -> float:
    sample = runtime.control.latest(asset_id)
    assert sample is not None
    return sample.mw


def samples(runtime: Runtime, asset_id: str = A) -> list[Telemetry]:
    batches = runtime.spool.read(0, most=10_000)
    found = [sample for batch in batches for sample in pb.TelemetryBatch.FromString(batch.payload).samples]
    return [telemetry_record(sample) for sample in found if sample.asset_id == asset_id]


def first(count: int, **fields: Any) -> Inventory:
    """Return the first assets of the small inventory, each with these fields."""
    return replace(SMALL, assets=tuple(replace(asset, **fields) for asset in SMALL.assets[:count]))


def test_a_slow_device_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        slow, quick = PlainDevice(A, clock), PlainDevice(B, clock)
        slow.hang = asyncio.Event()
        # An agent that waits for the slow one, if only for a part of every tick, does not get to the end.
        async with (
            asyncio.timeout(10.0),
            agent(tmp_path, clock, inventory=first(2), devices=[slow, quick], tick_s=1.0) as runtime,
        ):
            await tick(runtime, clock)
            runtime.take(lease(10.0, 1, clock, asset_id=A))
            runtime.take(lease(10.0, 2, clock, asset_id=B))
            await tick(runtime, clock, 50)

            assert (slow.reads, quick.reads) == (1, 51)
            assert [order.mw for order in quick.written] == [10.0]
            assert len(samples(runtime, B)) == 51
            assert samples(runtime, A) == []
            assert slow.written == []

            slow.hang.set()
            await tick(runtime, clock, 2)
            assert samples(runtime, A)[0].timestamp == samples(runtime, B)[0].timestamp
            assert slow.written[-1].lease_id == "lease-1"

    asyncio.run(run())


def test_a_device_that_is_away_is_told_of_and_told_again_when_it_is_back(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = PlainDevice(A, clock)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(20.0, 1, clock))
            await tick(runtime, clock, 2)
            told(runtime)

            device.away = True
            await tick(runtime, clock, 3)
            (event,) = told(runtime)
            assert isinstance(event, Event)
            assert (event.asset_id, event.event_type, event.severity) == (A, "DEVICE_OFFLINE", "alarm")
            assert "nobody is there" in event.message
            assert len(samples(runtime)) == 3

            device.away = False
            await tick(runtime, clock, 2)
            (event,) = told(runtime)
            assert isinstance(event, Event)
            assert (event.asset_id, event.event_type) == (A, "DEVICE_ONLINE")
            # It may have forgotten its order while it was away.
            assert [order.mw for order in device.written] == [20.0, 20.0]
            assert len(samples(runtime)) == 5

    asyncio.run(run())


def test_a_device_that_refuses_fails_the_command_and_says_why(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = PlainDevice(A, clock)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            await tick(runtime, clock)
            device.refuses = "locked by hand"
            runtime.take(lease(20.0, 1, clock))
            await tick(runtime, clock)
            # Once may be chance.
            assert [answer.state for answer in answers(runtime)] == ["received"]

            await tick(runtime, clock, 3)
            (answer,) = answers(runtime)
            assert (answer.lease_id, answer.state, answer.reason) == ("lease-1", "failed", "locked by hand")

            device.refuses = ""
            await tick(runtime, clock, 2)
            assert [(order.mw, order.lease_id) for order in device.written] == [(0.0, None)]

    asyncio.run(run())


def test_a_device_without_a_ramp_of_its_own_is_led_step_by_step_also_to_the_fallback(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = PlainDevice(A, clock)
        # 150 MW/min are 10 MW in a tick.
        async with agent(tmp_path, clock, inventory=first(1, ramp_rate_mw_per_min=150.0), devices=[device]) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(25.0, 1, clock, lasts_s=20.0, fallback_mw=-5.0))
            await tick(runtime, clock, 10)

            assert [order.mw for order in device.written] == [10.0, 20.0, 25.0, 15.0, 5.0, -5.0]
            assert [order.lease_id for order in device.written] == ["lease-1"] * 3 + [None] * 3
            assert [(answer.state, answer.reason) for answer in answers(runtime)] == [
                ("received", ""), ("active", ""), ("active", "reached"), ("completed", "its end"),
            ]  # fmt: skip

    asyncio.run(run())


def test_a_sites_export_limit_bounds_commands_that_came_one_by_one(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        bounded = replace(SMALL, sites=(replace(SMALL.sites[0], export_limit_mw=50.0),))
        async with agent(tmp_path, clock, inventory=bounded) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(40.0, 1, clock, asset_id=A, lasts_s=40.0))
            await tick(runtime, clock, 3)
            assert mw(runtime, A) == 40.0
            told(runtime)

            runtime.take(lease(20.0, 2, clock, asset_id=B))
            flows = []
            for _ in range(5):
                await tick(runtime, clock)
                flows.append([mw(runtime, asset_id) for asset_id in ASSETS])
            assert max(sum(flow) for flow in flows) == pytest.approx(50.0)
            assert flows[-1] == pytest.approx([100.0 / 3.0, 50.0 / 3.0, 0.0])
            limited = {answer.asset_id: answer.reason for answer in answers(runtime) if answer.state == "limited"}
            assert limited == {A: "site_limit", B: "site_limit"}

            await tick(runtime, clock, 5)
            assert [mw(runtime, asset_id) for asset_id in ASSETS] == [0.0, 20.0, 0.0]

    asyncio.run(run())


def test_no_command_discharges_into_the_reserve(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        # It begins at 60 MWh, with 0.12 MWh above the reserve: not two ticks at full power.
        async with agent(tmp_path, clock, inventory=first(1, reserve_soc_pct=49.9)) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(60.0, 1, clock))
            await tick(runtime, clock, 6)

            assert max(sample.mw for sample in samples(runtime)) == 60.0
            assert min(energies(sample)[0] for sample in samples(runtime)) == pytest.approx(59.88, abs=1e-9)
            assert mw(runtime) == 0.0
            last = answers(runtime)[-1]
            assert (last.state, last.reason) == ("limited", "reserve")

            runtime.take(lease(-60.0, 2, clock))
            await tick(runtime, clock, 2)
            assert mw(runtime) == -60.0

    asyncio.run(run())


# 20 MW in a tick, and a window that a few ticks run through.
TIGHT = first(3, capacity_mwh=0.5, ramp_rate_mw_per_min=300.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*ASSETS, SITE]),
            st.floats(-80.0, 80.0),  # power
            st.sampled_from([4.0, 12.0, None]),  # length
            st.sampled_from([0.0, 15.0, -15.0]),  # what follows
            st.integers(1, 4),  # ticks
            st.sampled_from(["goes on", "restarts", "crashes"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_law_no_energy_appears_over_any_commands_and_crashes(
    story: list[tuple[str, float, float | None, float, int, str]],
) -> None:
    # A last look, also after the last crash.
    story = [*story, (A, 0.0, None, 0.0, 1, "restarts")]

    async def run(folder: Path) -> None:
        clock, place, ticks = Clock(), 0, 0
        while place < len(story):
            end = next(number for number in range(place, len(story)) if story[number][-1] != "goes on")
            crashes = story[end][-1] == "crashes"
            async with agent(folder, clock, inventory=TIGHT, closes=not crashes) as runtime:
                for number in range(place, end + 1):
                    target, power, lasts_s, fallback, times, _ = story[number]
                    whom = {"asset_id": None, "site_id": SITE} if target == SITE else {"asset_id": target}
                    runtime.take(lease(power, number + 1, clock, lasts_s=lasts_s, fallback_mw=fallback, **whom))
                    await tick(runtime, clock, times)
                    ticks += times
                for asset in TIGHT.assets:
                    check_energy(asset, samples(runtime, asset.id), ticks)
                clock.pass_s(2.0)
                if crashes:
                    # What moved since the tick is lost with the process: the next one goes on from what was saved.
                    await runtime.ports[0].device.read(clock.utc)
            clock.pass_s(6.0)
            place = end + 1

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def check_energy(asset: Asset, seen: Sequence[Telemetry], ticks: int) -> None:
    """Check that the cells and the counters moved by the power of every tick, and by nothing else."""
    start = replace(seen[0], soc_mwh=asset.capacity_mwh / 2.0, energy_in_mwh=0.0, energy_out_mwh=0.0)
    assert len(seen) == ticks
    for before, after in pairwise([start, *seen]):
        out_mwh, in_mwh = max(after.mw, 0.0) * TICK_H, max(-after.mw, 0.0) * TICK_H
        stored_mwh = in_mwh * asset.efficiency - out_mwh / asset.efficiency
        moved = [new - old for old, new in zip(energies(before), energies(after), strict=True)]
        assert moved == pytest.approx([stored_mwh, in_mwh, out_mwh], abs=1e-9)
        soc_pct = energies(after)[0] / asset.capacity_mwh * 100.0
        assert asset.min_soc_pct - 1e-6 <= soc_pct <= asset.max_soc_pct + 1e-6


def energies(sample: Telemetry) -> tuple[float, float, float]:
    """Return what is stored, and what was taken and given since the asset was made [MWh]."""
    assert sample.soc_mwh is not None
    assert sample.energy_in_mwh is not None
    assert sample.energy_out_mwh is not None
    return sample.soc_mwh, sample.energy_in_mwh, sample.energy_out_mwh


class TimedDevice(PlainDevice):
    """Notes when it is read, and stops the agent at the fifth time."""

    def __init__(self, asset_id: str, clock: Clock, stop: asyncio.Event) -> None:
        super().__init__(asset_id, clock)
        self.stop = stop
        self.read_at_s: list[float] = []

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        self.read_at_s.append(self.clock.seconds - 1000.0)
        if len(self.read_at_s) == 5:
            self.stop.set()
        return await super().read(now)


def test_ticks_keep_to_their_grid_and_an_overrun_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        clock, stop = Clock(), asyncio.Event()
        device = TimedDevice(A, clock, stop)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            save = runtime.spool.save

            async def rest(left_s: float, _: asyncio.Event) -> None:
                clock.pass_s(left_s + 0.25)  # nobody wakes up to the moment

            def save_slowly_once(*args: Any) -> Any:
                if len(device.read_at_s) == 3:
                    clock.pass_s(9.0)
                return save(*args)

            monkeypatch.setattr(runtime, "_rest", rest)
            monkeypatch.setattr(runtime.spool, "save", save_slowly_once)
            await runtime.run(stop)

            # The third tick takes from 8.25 to 17.25 s: those of 12 and 16 s are left out.
            assert device.read_at_s == [0.0, 4.25, 8.25, 20.25, 24.25]
            assert (runtime.counters.ticks, runtime.counters.overruns) == (5, 2)
            assert runtime.counters.slowest_tick_ms == 9000.0

    asyncio.run(run())


class RepeatingDevice(PlainDevice):
    """Says again what it knew, with its old time."""

    since = NOON
    quality: Quality = "good"

    async def read(self, now: datetime) -> Sequence[Telemetry]:
        return [replace(sample, quality=self.quality) for sample in await super().read(self.since)]


def test_a_sample_that_a_device_only_repeats_is_sent_once(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = RepeatingDevice(A, clock)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            await tick(runtime, clock, 3)
            device.quality = "stale"
            await tick(runtime, clock, 3)
            device.since, device.quality = clock.utc, "good"
            await tick(runtime, clock, 3)

            found = [(sample.seq - BASE, sample.timestamp, sample.quality) for sample in samples(runtime)]
            assert found == [(1, NOON, "good"), (2, NOON, "stale"), (3, device.since, "good")]
            assert device.reads == 9

    asyncio.run(run())
