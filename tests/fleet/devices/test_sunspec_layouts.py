"""SunSpec devices that lack a part, or are not laid out as they should be."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fleet_plant import NOON
from fleet_servers import SunspecServer, SunspecUnit
from fleet_sunspec import B1, Clock, beside, device_at, order

from afterbay.core.errors import UnavailableError
from afterbay.fleet.devices import SunspecDevice, SunspecOptions

if TYPE_CHECKING:
    pass


def test_alarms_and_a_heartbeat_that_stands_still_are_seen_and_ours_goes_on() -> None:
    unit, clock = SunspecUnit(), Clock()
    unit.put(701, 6, 1 << 7 | 1, "I")

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port, clock)
            (first,) = await device.read(NOON)
            beat = unit.get(802, 19)
            clock.now_s += 11.0
            (still,) = await device.read(NOON + timedelta(seconds=11))
            unit.put(802, 18, 2)
            (moving,) = await device.read(NOON + timedelta(seconds=15))
            await device.close()

        assert (first.fault_code, first.status) == ("GROUND_FAULT,OVER_TEMP", "fault")
        assert (still.quality, still.timestamp, moving.quality) == ("stale", NOON, "good")
        assert unit.get(802, 19) - beat == 11

    asyncio.run(run())


def test_a_ramp_is_only_ever_made_slower_in_the_device() -> None:
    unit = SunspecUnit()

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        await device.write([order(5.0)], NOON)
        told = unit.get(704, 49)
        unit.put(704, 49, 3)
        await device.write([order(6.0)], NOON)

        # 1000 MW/min of 60 MW are 27.8 % per second.
        assert (told, unit.get(704, 49)) == (27, 3)

    beside(unit, work)


def test_an_order_without_end_switches_the_timer_off() -> None:
    unit = SunspecUnit()

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        await device.write([order(5.0)], NOON)
        await device.write([order(6.0, until=None)], NOON)

        assert (unit.get(704, 24, "i"), unit.get(704, 31, "I")) == (6000, 0)

    beside(unit, work)


def test_a_device_without_a_timer_takes_the_order_and_says_who_ends_it() -> None:
    unit = SunspecUnit()
    unit.put(704, 26, -0x8000_0000, "i")
    unit.put(704, 31, 0xFFFF_FFFF, "I")

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        (result,) = await device.write([order(5.0)], NOON)

        assert (result.accepted, result.read_back_mw) == (True, 5.0)
        assert "the agent ends the order" in result.reason

    unit._enable = lambda: unit.follow(unit.get(704, 24, "i"))  # type: ignore[method-assign]
    beside(unit, work)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (SunspecUnit(lengths={1: 66, 704: 65}), "has no model 701"),
        (SunspecUnit(lengths={1: 66, 701: 121}), "its model 701 (DER AC measurement) has 121 registers"),
    ],
)
def test_what_is_not_laid_out_as_sunspec_says_is_not_read(unit: SunspecUnit, words: str) -> None:
    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port)
            with pytest.raises(UnavailableError) as told:
                await device.open()
            assert words in str(told.value)
            assert list(await device.read(NOON)) == []
            await device.close()

    asyncio.run(run())


def test_a_wrong_unit_id_or_a_server_without_marker_is_told_with_the_next_move() -> None:
    bare = SunspecUnit()
    bare.registers[0] = 0

    async def told_by(unit: int, served: SunspecUnit) -> str:
        async with SunspecServer({1: served}) as server:
            device = SunspecDevice("127.0.0.1", server.port, [(B1, unit)], options=SunspecOptions(timeout_s=0.3))
            with pytest.raises(UnavailableError) as told:
                await device.open()
            await device.close()
            return str(told.value)

    assert "check host, port and unit id" in asyncio.run(told_by(1, bare))
    assert "unit 9 at 127.0.0.1" in asyncio.run(told_by(9, SunspecUnit()))
