"""The SunSpec adapter beside a real pymodbus server whose device keeps and ends setpoints by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fleet_plant import NOON
from fleet_servers import SunspecServer, SunspecUnit
from fleet_sunspec import B1, B2, Clock, beside, device_at, order
from pymodbus.constants import ExcCodes

from afterbay.fleet.devices import DeviceOrder, SunspecDevice, SunspecOptions

if TYPE_CHECKING:
    pass


def test_the_points_of_701_713_and_802_become_telemetry_in_our_units() -> None:
    unit = SunspecUnit()
    unit.follow(-12_500)

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        (sample,) = await device.read(NOON)

        assert (sample.mw, sample.status, sample.setpoint_mw) == (-12.5, "charging", None)
        assert (sample.soc_pct, sample.soc_mwh, sample.capacity_mwh, sample.soh_pct) == (50.0, 60.0, 120.0, 100.0)
        assert (sample.energy_out_mwh, sample.energy_in_mwh, sample.cycle_count) == (7.0, 9.0, 42)
        assert (sample.timestamp, sample.quality, sample.origin) == (NOON, "good", "device")
        assert sample.details == {
            "frequency_hz": 50.02, "inverter_state": "running", "charge_state": "holding", "min_soc_pct": 10,
            "max_soc_pct": 90, "reserve_soc_pct": 15, "local_control": False,
        }  # fmt: skip

    beside(unit, work)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("mw", [1.0, -1.0])
def test_plus_leaves_the_device_and_minus_enters_it_in_either_word_order(mw: float, swapped: bool) -> None:
    unit = SunspecUnit(swapped=swapped)

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(
                server.port, options=SunspecOptions(timeout_s=0.5, word_order="little" if swapped else "big")
            )
            (result,) = await device.write([order(mw)], NOON)
            (sample,) = await device.read(NOON)
            await device.close()

        assert (result.accepted, result.reason, result.read_back_mw) == (True, "", mw)
        assert unit.get(704, 24, "i") == 1000 * mw
        assert (sample.mw, sample.setpoint_mw, sample.lease_id) == (mw, mw, "L-1")
        assert (sample.energy_out_mwh, sample.energy_in_mwh) == (7.0, 9.0)

    asyncio.run(run())


def test_value_and_reversion_are_written_before_the_switch() -> None:
    unit = SunspecUnit()

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        await device.write([order(5.0, fallback_mw=-1.0)], NOON)

        start = unit.start[704]
        places = [address - start for address, _ in unit.writes if start <= address < start + 49]
        assert places == [23, 30, 22]
        assert (unit.get(704, 26, "i"), unit.get(704, 30), unit.get(704, 31, "I")) == (-1000, 1, 300)

    beside(unit, work)


def test_the_device_itself_ends_the_order_although_nobody_is_left_to_tell_it() -> None:
    unit = SunspecUnit()

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port)
            await device.write([order(5.0, until=NOON + timedelta(seconds=1.2), fallback_mw=-2.0)], NOON)
            await device.close()
            held = unit.get(701, 10, "h")
            await asyncio.sleep(1.05)
            unit.settle()
            after = unit.get(701, 10, "h")

        assert (held, after) == (5000, -2000)

    asyncio.run(run())


def test_with_hold_the_timer_is_wound_up_while_we_read_and_runs_out_when_we_do_not() -> None:
    clock = Clock()
    unit = SunspecUnit(clock=clock)

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port, clock, SunspecOptions(timeout_s=0.5, hold_s=12.0))
            await device.write([order(5.0, until=None)], NOON)
            for _ in range(6):
                clock.now_s += 4.0
                (sample,) = await device.read(NOON)
                assert sample.mw == 5.0
            await device.close()
            clock.now_s += 11.0
            unit.settle()
            held = unit.get(701, 10, "h")
            clock.now_s += 1.0
            unit.settle()

        assert (held, unit.get(701, 10, "h")) == (5000, 0)

    asyncio.run(run())


@pytest.mark.parametrize(("offset", "code"), [(22, "H"), (24, "i")])
def test_an_order_that_the_device_left_by_itself_is_not_wound_up_again(offset: int, code: str) -> None:
    unit, clock = SunspecUnit(), Clock()

    async def run() -> None:
        async with SunspecServer({1: unit}) as server:
            device = device_at(server.port, clock, SunspecOptions(timeout_s=0.5, hold_s=60.0))
            await device.write([order(5.0)], NOON)
            unit.put(704, offset, 0, code)
            unit.writes.clear()
            clock.now_s += 50.0
            await device.read(NOON)
            await device.close()

        assert [address for address, _ in unit.writes] == [unit.start[802] + 19]

    asyncio.run(run())


def test_a_server_that_dies_gives_the_old_sample_as_bad_and_is_found_again_when_it_is_back() -> None:
    unit, clock = SunspecUnit(), Clock()
    unit.follow(3000)

    async def run() -> None:
        server = SunspecServer({1: unit})
        await server.__aenter__()
        device = device_at(server.port, clock)
        await device.open()
        await device.read(NOON)
        await server.kill()
        later = NOON + timedelta(seconds=4)
        (lost,) = await device.read(later)
        (refused,) = await device.write([order(5.0)], later)
        async with SunspecServer({1: unit}, server.port):
            (waiting,) = await device.read(later)
            clock.now_s += 60.0
            (back,) = await device.read(later)
            await device.close()

        assert (lost.mw, lost.timestamp, lost.quality, lost.online, lost.status) == (3.0, NOON, "bad", False, "offline")
        assert not refused.accepted
        assert "no Modbus device answers" in refused.reason
        assert (waiting.quality, waiting.timestamp) == ("bad", NOON)
        assert (back.quality, back.timestamp, device.troubles) == ("good", later, {})

    asyncio.run(run())


def test_a_silent_device_is_bad_after_the_time_limit_and_its_neighbour_stays_good() -> None:
    quiet, neighbour = SunspecUnit(), SunspecUnit()

    async def run() -> None:
        async with SunspecServer({1: quiet, 2: neighbour}) as server:
            device = SunspecDevice(
                "127.0.0.1", server.port, [(B1, 1), (B2, 2)], options=SunspecOptions(timeout_s=0.2), monotonic=Clock()
            )
            await device.open()
            await device.read(NOON)
            quiet.silent = True
            later = NOON + timedelta(seconds=4)
            first, second = await device.read(later)
            quiet.silent = False
            await device.close()

        assert (first.quality, first.timestamp) == ("bad", NOON)
        assert (second.quality, second.timestamp) == ("good", later)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "words"),
    [(ExcCodes.ILLEGAL_VALUE, "does not accept this value"), (ExcCodes.DEVICE_BUSY, "the device is busy")],
)
def test_a_refused_write_names_the_modbus_exception(code: ExcCodes, words: str) -> None:
    unit = SunspecUnit()
    unit.refuse[unit.start[704] + 24] = code

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        (result,) = await device.write([order(5.0)], NOON)
        (sample,) = await device.read(NOON)

        assert not result.accepted
        assert words in result.reason
        assert f"Modbus exception {int(code)}" in result.reason
        assert (sample.setpoint_mw, sample.lease_id, sample.quality) == (None, None, "good")

    beside(unit, work)


def test_an_order_is_refused_when_it_is_over_no_number_elsewhere_or_in_local_control() -> None:
    unit = SunspecUnit()

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        orders = [
            order(5.0, until=NOON),
            order(float("nan")),
            DeviceOrder("other", 1.0, None, 0.0, None),
            order(61.0),
            order(1.0, fallback_mw=-61.0),
        ]
        reasons = [result.reason for result in await device.write(orders, NOON) if not result.accepted]
        unit.put(802, 17, 1)
        (local,) = await device.write([order(5.0)], NOON)

        assert [reason.split(",")[0] for reason in reasons] == [
            "the order had ended already", "nan MW is no power", "the asset is not behind this device",
            "61 MW is outside -60 to 60 MW",
            "-61 MW is outside -60 to 60 MW",
        ]  # fmt: skip
        assert (local.accepted, local.reason) == (False, "the battery is in local control (802)")
        assert unit.get(704, 22) == 0

    beside(unit, work)


def test_a_power_that_the_devices_number_cannot_hold_is_refused_whole() -> None:
    unit = SunspecUnit(power_of_ten=-3)

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        (result,) = await device.write([order(5.0)], NOON)

        assert (result.accepted, result.reason) == (False, "5 MW does not fit the device's number (704.WSet)")
        assert unit.writes == []

    beside(unit, work)


def test_numbers_that_the_device_does_not_have_are_absent() -> None:
    unit = SunspecUnit()
    for model_id, offset, value, code in (
        (701, 17, 0xFFFF_FFFF, "I"), (701, 19, 0xFFFF_FFFF_FFFF_FFFF, "Q"), (713, 4, 0xFFFF, "H"),
        (713, 3, 0xFFFF, "H"), (802, 11, 0xFFFF, "H"), (802, 14, 0xFFFF_FFFF, "I"), (802, 19, 0xFFFF, "H"),
        (713, 7, -0x8000, "h"),
    ):  # fmt: skip
        unit.put(model_id, offset, value, code)

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        (sample,) = await device.read(NOON)

        assert (sample.soc_pct, sample.soc_mwh, sample.energy_out_mwh, sample.cycle_count) == (None, None, None, None)
        assert "frequency_hz" not in sample.details
        assert sample.capacity_mwh == 120.0
        assert unit.writes == []

    beside(unit, work)


def test_a_device_that_loses_its_power_reading_is_bad_with_the_old_value() -> None:
    unit = SunspecUnit()
    unit.follow(4000)

    async def work(_: SunspecServer, device: SunspecDevice) -> None:
        await device.read(NOON)
        unit.follow(-0x8000)
        (sample,) = await device.read(NOON + timedelta(seconds=4))

        assert (sample.mw, sample.timestamp, sample.quality) == (4.0, NOON, "bad")
        assert "701.W" in device.troubles[B1.id]

    beside(unit, work)
