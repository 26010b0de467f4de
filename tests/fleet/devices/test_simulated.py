"""The `sim:` device: the doors of a real one, its own end of every order, and a link that may be bad."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from fleet_plant import NOON, SITE, battery, identity

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.devices.device import Device, DeviceOrder
from afterbay.fleet.devices.simulated import SimulatedDevice, open_simulated
from afterbay.fleet.inventory import Asset
from afterbay.fleet.physics import FaultPlan, SimulatedFleet

_ASSET = battery(ramp_rate_mw_per_min=10.0)


def _device(*assets: Asset, **options: Any) -> tuple[SimulatedDevice, list[float]]:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    fleet = SimulatedFleet(assets or (_ASSET,), start=NOON, sites=[SITE], **options)
    device = SimulatedDevice(fleet, sleep=sleep)
    asyncio.run(device.open())
    return device, waits


def _order(mw: float = 10.0, until: datetime | None = None, **fields: Any) -> DeviceOrder:
    usual: dict[str, Any] = {"asset_id": _ASSET.id, "fallback_mw": 0.0, "lease_id": "L-1"}
    return DeviceOrder(mw=mw, valid_until=until, **{**usual, **fields})


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_it_is_a_device() -> None:
    device, _ = _device()

    assert isinstance(device, Device)
    assert device.asset_ids == (_ASSET.id,)


def test_an_order_acts_from_its_moment_on_and_is_read_back() -> None:
    device, _ = _device()
    asyncio.run(device.read(_at(0)))

    # Between the two reads lies an order: the ramp begins there, not at the read before it.
    (result,) = asyncio.run(device.write([_order(60.0)], _at(30)))
    (sample,) = asyncio.run(device.read(_at(60)))

    assert (result.accepted, result.read_back_mw) == (True, 60.0)
    assert sample.mw == pytest.approx(5.0)
    assert (sample.timestamp, sample.lease_id) == (_at(60), "L-1")
    assert (sample.origin, sample.quality) == ("simulated", "good")


def test_what_is_read_back_is_what_the_device_will_do() -> None:
    device, _ = _device()

    (result,) = asyncio.run(device.write([_order(80.0)], NOON))

    assert (result.accepted, result.read_back_mw) == (True, 60.0)


def test_it_falls_back_by_ramp_though_nobody_tells_it() -> None:
    device, _ = _device()
    asyncio.run(device.write([_order(10.0, _at(90), fallback_mw=-5.0)], NOON))

    (ramping,) = asyncio.run(device.read(_at(120)))
    (settled,) = asyncio.run(device.read(_at(240)))

    assert ramping.mw == pytest.approx(5.0)
    assert ramping.lease_id is None
    assert (settled.mw, settled.setpoint_mw) == (-5.0, -5.0)


def test_a_closed_device_keeps_its_order_and_its_timer() -> None:
    device, _ = _device()
    asyncio.run(device.write([_order(10.0, _at(90))], NOON))
    (known,) = asyncio.run(device.read(_at(70)))
    asyncio.run(device.close())

    (stale,) = asyncio.run(device.read(_at(80)))
    (refused,) = asyncio.run(device.write([_order(1.0)], _at(80)))
    asyncio.run(device.open())
    (after,) = asyncio.run(device.read(_at(300)))

    assert (stale.quality, stale.timestamp, stale.mw) == ("stale", known.timestamp, known.mw)
    assert (refused.accepted, refused.reason) == (False, "the device is closed")
    assert (after.mw, after.setpoint_mw) == (0.0, 0.0)
    assert after.energy_out_mwh == pytest.approx((10 * 60 / 2 + 10 * 30 + 10 * 60 / 2) / 3600, abs=0.2)


def test_orders_that_cannot_be_followed_are_refused_one_by_one() -> None:
    device, _ = _device()
    orders = [_order(float("nan")), _order(asset_id=identity("B-9")), _order(5.0, _at(-1)), _order(7.0)]

    results = asyncio.run(device.write(orders, NOON))

    assert [result.accepted for result in results] == [False, False, False, True]
    assert "finite number" in results[0].reason
    assert "no simulated asset" in results[1].reason
    assert "ended" in results[2].reason
    assert device.fleet.setpoint(_ASSET.id) == 7.0


def test_over_a_disturbed_link_answers_are_late_or_old_and_never_invented() -> None:
    plan = FaultPlan(probability_per_tick=0.0, latency_s=2.0, jitter_s=0.5, loss_fraction=0.5)
    other = battery("B-2")
    device, waits = _device(_ASSET, other, faults=plan)
    asyncio.run(device.read(_at(4)))
    device.fleet.inject_fault(_ASSET.id, "COMMS_DEGRADED")

    seen = [asyncio.run(device.read(_at(4 * tick))) for tick in range(2, 202)]

    disturbed, fine = [samples[0] for samples in seen], [samples[1] for samples in seen]
    assert all(sample.quality == "good" for sample in fine)
    stale = [place for place, sample in enumerate(disturbed) if sample.quality == "stale"]
    assert 70 <= len(stale) <= 130
    for place in stale:
        before = disturbed[place - 1] if place else None
        assert disturbed[place].timestamp < _at(4 * (place + 2))
        assert before is None or disturbed[place].timestamp == before.timestamp
    assert len(waits) == 200
    assert sum(waits) / 200 == pytest.approx(2.0, abs=0.2)


def test_an_order_over_a_disturbed_link_may_get_no_answer_and_then_moves_nothing() -> None:
    plan = FaultPlan(probability_per_tick=0.0, latency_s=0.0, jitter_s=0.0, loss_fraction=1.0)
    device, waits = _device(faults=plan)
    device.fleet.inject_fault(_ASSET.id, "COMMS_DEGRADED")

    (result,) = asyncio.run(device.write([_order(10.0)], NOON))

    assert (result.accepted, result.reason) == (False, "no answer (COMMS_DEGRADED)")
    assert device.fleet.setpoint(_ASSET.id) == 0.0
    assert asyncio.run(device.read(_at(4))) == []
    assert waits == []


def test_a_fixed_step_counts_reads_and_not_orders() -> None:
    device, _ = _device(fixed_dt_s=6.0)

    asyncio.run(device.write([_order(10.0)], _at(6)))
    (sample,) = asyncio.run(device.read(_at(6)))

    assert sample.mw == pytest.approx(1.0)


def test_the_uri_names_seed_faults_and_step() -> None:
    plain = open_simulated("sim:", [_ASSET], start=NOON)
    special = open_simulated("sim:?seed=7&faults=on&fixed_dt_s=4&ramp_energy=mean", [_ASSET], start=NOON)

    assert (plain.fleet.seed, plain.fleet.fixed_dt_s, plain.fleet.faults.plan.probability_per_tick) == (0, None, 0.0)
    assert (special.fleet.seed, special.fleet.fixed_dt_s) == (7, 4.0)
    assert special.fleet.faults.plan == FaultPlan()
    assert (plain.fleet.ramp_energy, special.fleet.ramp_energy) == ("end", "mean")


@pytest.mark.parametrize(
    ("uri", "part"),
    [
        ("opcua:x", "sim:"),
        ("sim://host", "sim:"),
        ("sim:?sed=7", "did you mean seed?"),
        ("sim:?seed=x", "a whole number"),
        ("sim:?faults=maybe", "on | off"),
        ("sim:?fixed_dt_s=x", "seconds"),
        ("sim:?ramp_energy=start", "end | mean"),
        ("sim:?fixed_dt_s=-1", "fixed_dt_s"),
    ],
)
def test_a_wrong_uri_is_refused(uri: str, part: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_simulated(uri, [_ASSET], start=NOON)

    assert part in str(caught.value)
