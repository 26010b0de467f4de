"""What a device rests at between commands, and how often it is read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from fleet_agent import ASSETS, SMALL, Clock, PlainDevice, agent, lease

from afterbay.fleet.agent import Runtime
from afterbay.fleet.inventory.records import Inventory

A, B, _ = ASSETS


async def tick(runtime: Runtime, clock: Clock, times: int = 1) -> None:
    for _ in range(times):
        clock.pass_s(4.0)
        await runtime.tick()


def first(count: int) -> Inventory:
    """Return the first assets of the small inventory."""
    return replace(SMALL, assets=SMALL.assets[:count])


def test_a_fallback_that_a_site_holds_back_follows_when_the_site_has_room_again(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        bounded = replace(first(2), sites=(replace(SMALL.sites[0], export_limit_mw=30.0),))
        device, other = PlainDevice(A, clock), PlainDevice(B, clock)
        other.mw = 20.0
        async with agent(tmp_path, clock, inventory=bounded, devices=[device, other]) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(5.0, 1, clock, lasts_s=20.0, fallback_mw=25.0))
            await tick(runtime, clock, 10)
            assert device.mw == 10.0, "all that the other one leaves"

            other.mw = 0.0
            await tick(runtime, clock, 3)
            assert device.mw == 25.0
            written = len(device.written)
            await tick(runtime, clock, 3)
            assert len(device.written) == written, "and then it is left alone"

    asyncio.run(run())


def test_a_device_that_comes_back_is_told_the_fallback_again_that_it_may_have_forgotten(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = PlainDevice(A, clock)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            await tick(runtime, clock)
            runtime.take(lease(20.0, 1, clock, lasts_s=20.0, fallback_mw=6.0))
            await tick(runtime, clock, 10)
            assert device.mw == 6.0

            device.away = True
            await tick(runtime, clock, 3)
            device.away, device.mw = False, 0.0  # it was switched off and on
            await tick(runtime, clock, 3)

            assert device.mw == 6.0

    asyncio.run(run())


def test_a_device_that_was_never_told_anything_is_not_told_anything_when_it_comes_back(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        device = PlainDevice(A, clock)
        async with agent(tmp_path, clock, inventory=first(1), devices=[device]) as runtime:
            await tick(runtime, clock)
            device.away = True
            await tick(runtime, clock, 3)
            device.away = False
            await tick(runtime, clock, 3)

            assert device.written == []

    asyncio.run(run())


def test_the_registration_says_how_often_an_asset_is_read(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        slow, quick = PlainDevice(A, clock), PlainDevice(B, clock)
        slow.interval_s = 60.0  # type: ignore[attr-defined]
        async with agent(tmp_path, clock, inventory=first(2), devices=[slow, quick], tick_s=1.0) as runtime:
            said = runtime.registration()

        assert said.hello is not None
        assert (said.hello.tick_s, [asset.tick_s for asset in said.assets]) == (1.0, [60.0, None])

    asyncio.run(run())
