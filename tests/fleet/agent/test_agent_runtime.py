"""The agent without a headend: ticks, commands to their end, restarts and clocks that jump."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleet_agent import ASSETS, BASE, SITE, SMALL, Clock, PlainDevice, agent, lease

from afterbay.fleet.agent import Runtime
from afterbay.fleet.messages import Acknowledgement
from afterbay.fleet.wire import agent_pb2 as pb

A, B, C = ASSETS


async def tick(runtime: Runtime, clock: Clock, times: int = 1, *, seconds: float = 4.0) -> None:
    for _ in range(times):
        clock.pass_s(seconds)
        await runtime.tick()


def told(runtime: Runtime) -> list[Acknowledgement]:
    found = []
    while (record := runtime.outgoing.take(1)) is not None:
        found.append(record)
    return [record for record in found if isinstance(record, Acknowledgement)]


def states(runtime: Runtime, lease_id: str) -> list[str]:
    return [answer.state for answer in told(runtime) if answer.lease_id == lease_id]


def mw(runtime: Runtime, asset_id: str = A) -> float:
    sample = runtime.control.latest(asset_id)
    assert sample is not None
    return sample.mw


def test_it_ticks_without_a_headend_and_numbers_every_sample(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock, 5)

            batches = runtime.spool.read(0)
            samples = [sample for batch in batches for sample in pb.TelemetryBatch.FromString(batch.payload).samples]
            assert [sample.seq - BASE for sample in samples if sample.asset_id == A] == [1, 2, 3, 4, 5]
            assert len(samples) == 15

    asyncio.run(run())


def test_a_command_is_written_verified_and_ended_without_any_connection(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.connected(True)
            runtime.take(lease(30.0, 1, clock, lasts_s=20.0))
            await runtime.obey()
            runtime.connected(False)

            await tick(runtime, clock, 2)
            during = mw(runtime)
            await tick(runtime, clock, 6)

            assert during == 30.0
            assert mw(runtime) == 0.0
            assert states(runtime, "lease-1") == ["received", "active", "active", "completed"]

    asyncio.run(run())


def test_a_command_for_an_unknown_asset_moves_nothing_also_with_our_site(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(12.0, 1, clock, asset_id="unknown", site_id=SITE))
            await tick(runtime, clock, 3)

            assert [mw(runtime, asset) for asset in ASSETS] == [0.0, 0.0, 0.0]
            (answer,) = told(runtime)
            assert (answer.state, answer.reason.split(":")[0]) == ("rejected", "unknown_asset")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"asset_id": None, "site_id": "elsewhere"}, "unknown_site"), ({"asset_id": None}, "no_target"),
     ({"asset_id": None, "group_id": "g"}, "unknown_group")],
)  # fmt: skip
def test_a_command_that_means_nobody_here_is_refused(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            runtime.take(lease(12.0, 1, clock, **fields))
            await tick(runtime, clock)

            (answer,) = told(runtime)
            assert answer.reason.startswith(reason)

    asyncio.run(run())


def test_with_both_ids_the_asset_alone_moves(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(5.0, 1, clock, site_id=SITE))
            await tick(runtime, clock, 3)

            assert [mw(runtime, asset) for asset in ASSETS] == [5.0, 0.0, 0.0]

    asyncio.run(run())


def test_a_site_command_is_split_by_capacity(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(12.0, 1, clock, asset_id=None, site_id=SITE))
            await tick(runtime, clock, 3)

            assert [mw(runtime, asset) for asset in ASSETS] == pytest.approx([7.2, 2.4, 2.4], abs=1e-9)
            assert states(runtime, "lease-1").count("received") == 3

    asyncio.run(run())


def test_when_an_asset_is_empty_the_others_take_over_its_part(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.ports[0].device.fleet._batteries.cells.soc_mwh[1] = 4.1  # type: ignore[attr-defined]
            await tick(runtime, clock)
            runtime.take(lease(30.0, 1, clock, asset_id=None, site_id=SITE))
            await tick(runtime, clock, 40)

            assert mw(runtime, B) == 0.0
            assert sum(mw(runtime, asset) for asset in ASSETS) == pytest.approx(30.0)

    asyncio.run(run())


def test_an_older_command_that_comes_later_does_not_replace_the_newer(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(20.0, 2, clock))
            runtime.take(lease(-20.0, 1, clock))
            await tick(runtime, clock, 3)

            assert mw(runtime) == 20.0
            assert states(runtime, "lease-1") == ["superseded"]

    asyncio.run(run())


def test_the_same_command_twice_is_applied_once_and_answered_twice(tmp_path: Path) -> None:
    async def run() -> None:
        clock, device = Clock(), None
        device = PlainDevice(A, clock)
        one = replace(SMALL, assets=SMALL.assets[:1])
        async with agent(tmp_path, clock, inventory=one, devices=[device]) as runtime:
            await tick(runtime, clock)
            command = lease(20.0, 1, clock)
            runtime.take(command)
            runtime.take(command)
            await tick(runtime, clock, 2)

            assert [order.mw for order in device.written] == [20.0]
            assert states(runtime, "lease-1")[:2] == ["received", "received"]

    asyncio.run(run())


def test_a_restart_goes_on_with_the_same_energy_numbers_and_command(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock, closes=False) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(30.0, 1, clock, lasts_s=120.0))
            await tick(runtime, clock, 5)
            before = runtime.control.latest(A)
            name = runtime.spool.spool_id
        clock.pass_s(10.0)

        async with agent(tmp_path, clock) as again:
            assert not again.is_new
            await again.tick()
            after = again.control.latest(A)

            assert before is not None
            assert after is not None
            assert after.soc_mwh == pytest.approx(before.soc_mwh, abs=1e-9)
            assert after.energy_out_mwh == pytest.approx(before.energy_out_mwh, abs=1e-9)
            assert again.spool.numbering[A] == BASE + 7
            assert again.spool.spool_id == name
            await tick(again, clock, 2)
            assert mw(again) == 30.0
            assert again.registration().hello.last_command_seq == 1  # type: ignore[union-attr]
            await tick(again, clock, 25)
            assert mw(again) == 0.0

    asyncio.run(run())


def test_a_command_that_ended_while_the_agent_was_down_is_not_begun_again(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock, closes=False) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(30.0, 1, clock, lasts_s=60.0))
            await tick(runtime, clock, 3)
        clock.pass_s(3600.0)

        async with agent(tmp_path, clock) as again:
            powers = []
            for _ in range(4):
                await tick(again, clock)
                powers.append(mw(again))
            assert powers[-1] == 0.0
            assert powers == sorted(powers, reverse=True)
            assert "completed" in states(again, "lease-1")
            again.take(lease(30.0, 1, clock, lasts_s=60.0))
            await tick(again, clock, 3)
            assert mw(again) == 0.0

    asyncio.run(run())


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, 86_400.0 * 400])
def test_a_clock_that_jumps_never_prolongs_a_command_and_is_told_of(tmp_path: Path, jump_s: float) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(30.0, 1, clock, lasts_s=60.0))
            await tick(runtime, clock, 3)
            clock.jump_s(jump_s)

            await tick(runtime, clock, 6)
            during = mw(runtime)
            await tick(runtime, clock, 10)

            # By either clock it is over: a jump ahead ends it, a jump back changes nothing.
            assert during == (0.0 if jump_s > 0.0 else 30.0)
            assert mw(runtime) == 0.0
            assert runtime.counters.clock_steps == 1
            assert runtime.counters.samples_dropped == 0

    asyncio.run(run())


def test_a_command_without_end_holds_offline_only_as_long_as_the_site_allows(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        async with agent(tmp_path, clock, hold_offline_s=60.0) as runtime:
            runtime.connected(True)
            await tick(runtime, clock)
            runtime.take(lease(30.0, 1, clock))
            await tick(runtime, clock, 30)
            assert mw(runtime) == 30.0

            runtime.connected(False)
            await tick(runtime, clock, 10)
            assert mw(runtime) == 30.0
            await tick(runtime, clock, 12)
            assert mw(runtime) == 0.0

    asyncio.run(run())
