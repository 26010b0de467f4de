"""The ramp limit of a site bounds the sum of its commands, their begin and their end, whatever its devices could do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from fleet_agent import ASSETS, SITE, SMALL, Clock, PlainDevice, agent, lease

from afterbay.fleet.agent import Runtime

LIMIT_MW_PER_MIN = 30.0
TICK_S = 4.0
STEP_MW = LIMIT_MW_PER_MIN / 60.0 * TICK_S


async def _tick(runtime: Runtime, clock: Clock) -> float:
    """Let a tick pass; return the sum of all powers."""
    clock.pass_s(TICK_S)
    await runtime.tick()
    latest = [runtime.control.latest(asset.id) for asset in runtime.inventory.assets]
    return sum(sample.mw for sample in latest if sample is not None)


def test_a_sites_ramp_limit_bounds_the_sum_of_its_simulated_batteries_up_and_down(tmp_path: Path) -> None:
    async def run() -> list[float]:
        clock = Clock()
        slow = replace(SMALL, sites=(replace(SMALL.sites[0], ramp_limit_mw_per_min=LIMIT_MW_PER_MIN),))
        async with agent(tmp_path, clock, inventory=slow) as runtime:
            await _tick(runtime, clock)
            runtime.take(lease(12.0, 1, clock, asset_id=None, site_id=SITE, lasts_s=40.0))
            return [await _tick(runtime, clock) for _ in range(22)]

    sums = asyncio.run(run())

    moves = [after - before for before, after in zip([0.0, *sums], sums, strict=False)]
    assert max(abs(move) for move in moves) <= STEP_MW + 1e-6
    assert max(sums) == pytest.approx(12.0)
    assert sums[-1] == pytest.approx(0.0)


def test_a_device_that_jumps_is_led_by_the_slower_of_its_own_ramp_and_the_sites(tmp_path: Path) -> None:
    async def run() -> PlainDevice:
        clock = Clock()
        device = PlainDevice(ASSETS[0], clock)
        site = replace(SMALL.sites[0], ramp_limit_mw_per_min=LIMIT_MW_PER_MIN)
        slow = replace(SMALL, sites=(site,), assets=SMALL.assets[:1])
        async with agent(tmp_path, clock, inventory=slow, devices=[device]) as runtime:
            await _tick(runtime, clock)
            runtime.take(lease(10.0, 1, clock, lasts_s=60.0))
            for _ in range(10):
                await _tick(runtime, clock)
        return device

    told = [order.mw for order in asyncio.run(run()).written]

    assert told[-1] == pytest.approx(10.0)
    assert max(after - before for before, after in zip([0.0, *told], told, strict=False)) <= STEP_MW + 1e-6
