"""Laws that no series of orders may break: energy, window, limits, ramp, order and step length."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fleet_plant import NOON, battery, identity
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.kernels import battery_step
from afterbay.fleet.inventory import Asset, ThermalModel
from afterbay.fleet.physics import FaultPlan, SimulatedFleet, fleet_kernels
from afterbay.fleet.physics.batteries import Batteries
from plain_python import plain_copy

_CURVE = ((0.05, 0.8), (0.3, 0.95), (1.0, 0.9))
_SOC_FACTORS = ((0.0, 0.97), (50.0, 1.0), (100.0, 0.98))

_assets = st.builds(
    lambda capacity, high, low, efficiency, ramp, window, curve, factors, thermal: battery(
        capacity_mwh=capacity,
        max_mw=high,
        min_mw=-low,
        efficiency=efficiency,
        ramp_rate_mw_per_min=ramp,
        min_soc_pct=window[0],
        max_soc_pct=window[1],
        efficiency_curve=_CURVE if curve else (),
        efficiency_soc_factors=_SOC_FACTORS if factors else (),
        thermal=ThermalModel(heat_capacity_mwh_per_k=0.001) if thermal else None,
    ),
    st.floats(0.5, 200.0),
    st.floats(0.0, 100.0),
    st.floats(0.0, 100.0),
    st.floats(0.5, 1.0),
    st.floats(0.0, 500.0),
    st.sampled_from([(0.0, 100.0), (10.0, 90.0), (40.0, 45.0)]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
_orders = st.lists(st.tuples(st.floats(-150.0, 150.0), st.floats(0.5, 900.0)), min_size=1, max_size=25)


def _fleet(*assets: Asset, **options: Any) -> SimulatedFleet:
    return SimulatedFleet(assets, start=NOON, **options)


def _stored(fleet: SimulatedFleet, asset: Asset) -> float:
    plant = fleet.state()["assets"][asset.id]["plant"]
    return float(plant["soc_mwh"] + plant["isolated_mwh"])


@settings(max_examples=60, deadline=None)
@given(_assets, _orders, st.booleans(), st.sampled_from(["end", "mean"]))
def test_energy_at_the_terminals_is_the_change_of_the_cells_and_the_loss(
    asset: Asset, orders: list[tuple[float, float]], faulty: bool, ramp_energy: str
) -> None:
    plan = FaultPlan(probability_per_tick=0.05, least_gap_s=10.0, duration_s=60.0) if faulty else None
    fleet = _fleet(asset, faults=plan, seed=3, ramp_energy=ramp_energy)
    start, now, power_mwh = _stored(fleet, asset), NOON, 0.0

    for mw, seconds in orders:
        fleet.set_setpoint(asset.id, mw)
        for _ in range(4):
            step = timedelta(seconds=seconds / 20.0)
            now += step
            fleet.advance(now)
            power_mwh += fleet.telemetry()[0].mw * step.total_seconds() / 3600.0

    sample = fleet.telemetry()[0]
    assert sample.energy_in_mwh is not None
    assert sample.energy_out_mwh is not None
    loss = float(sample.details["loss_mwh"])
    balance = sample.energy_in_mwh - sample.energy_out_mwh - loss
    assert _stored(fleet, asset) - start == pytest.approx(balance, abs=1e-9)
    assert loss >= 0.0
    # The counters count what the telemetry shows; a tick of 45 s at most is never divided.
    assert sample.energy_out_mwh - sample.energy_in_mwh == pytest.approx(power_mwh, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(_assets.filter(lambda asset: not asset.efficiency_curve and not asset.efficiency_soc_factors), _orders)
def test_each_tick_moves_the_cells_by_its_power_through_the_efficiency(
    asset: Asset, orders: list[tuple[float, float]]
) -> None:
    fleet, now = _fleet(asset), NOON

    for mw, seconds in orders:
        before = _stored(fleet, asset)
        step = timedelta(seconds=seconds / 15.0)
        now += step
        fleet.set_setpoint(asset.id, mw)
        fleet.advance(now)
        sample = fleet.telemetry()[0]
        moved = sample.mw * (step.total_seconds() / 3600.0)
        through = moved / asset.efficiency if moved > 0.0 else moved * asset.efficiency
        assert _stored(fleet, asset) == pytest.approx(before - through, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(_assets, _orders, st.booleans())
def test_window_limits_and_ramp_hold_after_every_tick(
    asset: Asset, orders: list[tuple[float, float]], faulty: bool
) -> None:
    plan = FaultPlan(probability_per_tick=0.05, least_gap_s=10.0, duration_s=60.0) if faulty else None
    fleet, now, before = _fleet(asset, faults=plan, seed=11), NOON, 0.0

    for mw, seconds in orders:
        fleet.set_setpoint(asset.id, mw)
        now += timedelta(seconds=seconds / 15.0)
        fleet.advance(now)
        sample = fleet.telemetry()[0]
        assert sample.soc_mwh is not None
        assert sample.capacity_mwh is not None
        slack = 1e-9 * asset.capacity_mwh
        assert sample.soc_mwh >= sample.capacity_mwh * asset.min_soc_pct / 100.0 - slack
        assert sample.soc_mwh <= sample.capacity_mwh * asset.max_soc_pct / 100.0 + slack
        assert asset.min_mw <= sample.mw <= asset.max_mw
        step = asset.ramp_rate_mw_per_min / 60.0 * (seconds / 15.0)
        # Cells, faults and heat may cut power at once; nothing may raise it faster than the ramp.
        # Moments have whole microseconds, so a part of a tick may be longer by one.
        microsecond = asset.ramp_rate_mw_per_min / 60.0 * 1e-6
        assert abs(sample.mw) <= abs(before) + step + microsecond + 1e-9 or sample.mw * before < 0.0
        assert (
            abs(sample.mw - before) <= step + microsecond + 1e-9
            or abs(sample.mw) < abs(before)
            or sample.mw * before < 0.0
        )
        if sample.mw != mw:
            assert sample.limited_by is not None
        else:
            assert sample.limited_by is None
        before = sample.mw


@settings(max_examples=40, deadline=None)
@given(_assets, st.floats(-100.0, 100.0), st.floats(1.0, 60.0), st.integers(2, 12))
def test_dividing_a_step_changes_the_energy_by_no_more_than_the_ramp_can(
    asset: Asset, mw: float, seconds: float, parts: int
) -> None:
    whole, split = _fleet(asset), _fleet(asset)
    for fleet in (whole, split):
        fleet.set_setpoint(asset.id, mw)

    whole.advance(NOON + timedelta(seconds=seconds))
    for part in range(1, parts + 1):
        split.advance(NOON + timedelta(seconds=seconds * part / parts))

    # One step counts the power at its end over all of it: too much by at most the ramp's range, through the losses.
    ramped = min(asset.ramp_rate_mw_per_min / 60.0 * seconds, abs(mw))
    worst_efficiency = 0.75 * asset.efficiency
    bound = ramped * seconds / 3600.0 / worst_efficiency
    assert abs(_stored(whole, asset) - _stored(split, asset)) <= bound + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(1.0, 300.0), st.integers(2, 30))
def test_with_the_mean_of_the_ramp_the_length_of_a_step_does_not_matter(
    first: float, second: float, ramp: float, parts: int
) -> None:
    asset = battery(ramp_rate_mw_per_min=ramp)
    whole, split = _fleet(asset, ramp_energy="mean"), _fleet(asset, ramp_energy="mean")
    for minute, mw in enumerate((first, second)):
        start = NOON + timedelta(minutes=minute)
        for fleet in (whole, split):
            fleet.set_setpoint(asset.id, mw)
        whole.advance(start + timedelta(seconds=60))
        for part in range(1, parts + 1):
            split.advance(start + timedelta(seconds=60 * part / parts))

    one, many = whole.telemetry()[0], split.telemetry()[0]
    assert (one.soc_mwh, one.energy_in_mwh, one.energy_out_mwh) == pytest.approx(
        (many.soc_mwh, many.energy_in_mwh, many.energy_out_mwh), abs=1e-9
    )


def test_the_mean_of_a_ramp_through_zero_takes_and_gives() -> None:
    asset = battery(ramp_rate_mw_per_min=20.0)
    fleet = _fleet(asset, ramp_energy="mean")
    fleet.set_setpoint(asset.id, 10.0)
    fleet.advance(NOON + timedelta(minutes=1))
    before = fleet.telemetry()[0]
    fleet.set_setpoint(asset.id, -10.0)
    fleet.advance(NOON + timedelta(minutes=2))

    # Half a minute from 0 to 10 MW, half a minute there; then half a minute down to 0, half a minute to -10 MW.
    after = fleet.telemetry()[0]
    assert before.energy_out_mwh == pytest.approx((5.0 * 30 + 10.0 * 30) / 3600, abs=1e-9)
    assert after.energy_out_mwh == pytest.approx((5.0 * 30 + 10.0 * 30 + 5.0 * 30) / 3600, abs=1e-9)
    assert (after.energy_in_mwh, after.mw) == pytest.approx((5.0 * 30 / 3600, 0.0), abs=1e-9)
    assert after.limited_by is None


@settings(max_examples=30, deadline=None)
@given(st.floats(-60.0, 60.0), st.integers(2, 30))
def test_at_steady_power_the_length_of_a_step_does_not_matter(mw: float, parts: int) -> None:
    asset = battery(ramp_rate_mw_per_min=1e6)
    whole, split = _fleet(asset), _fleet(asset)
    for fleet in (whole, split):
        fleet.set_setpoint(asset.id, mw)

    whole.advance(NOON + timedelta(seconds=60))
    for part in range(1, parts + 1):
        split.advance(NOON + timedelta(seconds=60 * part / parts))

    assert _stored(whole, asset) == pytest.approx(_stored(split, asset), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(_assets, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_assets_does_not_matter(assets: list[Asset], chance: random.Random) -> None:
    named = [
        battery(f"B-{place}", **{name: getattr(asset, name) for name in _PHYSICAL})
        for place, asset in enumerate(assets)
    ]
    shuffled = list(named)
    chance.shuffle(shuffled)
    plan = FaultPlan(probability_per_tick=0.05, least_gap_s=10.0, duration_s=60.0)
    fleets = [_fleet(*named, seed=5, faults=plan), _fleet(*shuffled, seed=5, faults=plan)]

    for fleet in fleets:
        for place, asset in enumerate(named):
            fleet.set_setpoint(asset.id, 20.0 * (-1) ** place)
        for minute in range(1, 6):
            fleet.advance(NOON + timedelta(minutes=minute))

    assert fleets[0].state()["assets"] == fleets[1].state()["assets"]


_PHYSICAL = (
    "capacity_mwh", "max_mw", "min_mw", "efficiency", "ramp_rate_mw_per_min", "min_soc_pct", "max_soc_pct",
    "efficiency_curve", "efficiency_soc_factors", "thermal",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(_assets, min_size=1, max_size=4), _orders, st.sampled_from(["physical", "literal"]), st.booleans())
def test_compiled_ticks_have_the_bits_of_plain_python(
    assets: list[Asset], orders: list[tuple[float, float]], physics: Any, mean_ramp: bool
) -> None:
    plain = plain_copy("afterbay.fleet.physics.fleet_kernels")
    ours, theirs = Batteries(assets, physics), Batteries(assets, physics)

    for mw, seconds in orders:
        for side, kernels in ((ours, fleet_kernels), (theirs, plain)):
            side.cells.setpoint_mw[:] = mw
            ones = side.energy_fraction
            decay = 0.9 * ones
            if physics == "literal":
                kernels.tick_literal(side.fixed, side.cells, seconds)
            else:
                conditions = fleet_kernels.Conditions(ones, ones, 0.02 * ones, decay)
                kernels.tick_physical(side.fixed, side.cells, conditions, seconds, mean_ramp)

    assert [np.asarray(column).tobytes() for column in ours.cells] == [
        np.asarray(column).tobytes() for column in theirs.cells
    ]


@settings(max_examples=60, deadline=None)
@given(st.floats(-60.0, 60.0), st.floats(0.0, 1.0), st.floats(1.0, 3600.0))
def test_a_battery_without_a_ramp_moves_as_the_core_moves_it(mw: float, charge: float, seconds: float) -> None:
    asset = battery(ramp_rate_mw_per_min=1e9, min_soc_pct=10.0, max_soc_pct=90.0)
    cells = Batteries([asset], "physical")
    cells.hold_in_window(0, charge * asset.capacity_mwh)
    start = float(cells.cells.soc_mwh[0])
    cells.cells.setpoint_mw[0] = mw

    cells.tick(seconds, cells.energy_fraction, 0.0 * cells.energy_fraction)

    floor, ceiling = cells.window(0)
    energy, power, _ = battery_step(start, mw, floor, ceiling, 60.0, 60.0, 0.92, 0.92, 0.0, seconds / 3600.0)
    assert (cells.cells.soc_mwh[0], cells.cells.current_mw[0]) == (energy, power)


def test_an_empty_battery_gives_nothing_and_says_why() -> None:
    asset = battery(min_soc_pct=10.0, ramp_rate_mw_per_min=1e6)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, 60.0)

    fleet.advance(NOON + timedelta(hours=1))
    fleet.advance(NOON + timedelta(hours=2))

    sample = fleet.telemetry()[0]
    assert (sample.mw, sample.setpoint_mw, sample.limited_by, sample.status) == (0.0, 60.0, "soc_min", "idle")
    assert sample.soc_pct == pytest.approx(10.0, abs=1e-9)
    assert sample.available_discharge_mw == pytest.approx(0.0, abs=1e-9)
    assert [event.event_type for event in fleet.take_events()] == ["MIN_SOC_REACHED"]


def test_heat_of_the_losses_warms_and_then_weakens_a_battery() -> None:
    model = ThermalModel(ambient_c=25.0, heat_capacity_mwh_per_k=0.02, conductance_mw_per_k=0.05,
                         derate_from_c=45.0, stop_at_c=60.0)  # fmt: skip
    asset = battery(thermal=model, ramp_rate_mw_per_min=1e6, capacity_mwh=600.0, efficiency=0.9)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, 60.0)
    for minute in range(1, 241):
        fleet.advance(NOON + timedelta(minutes=minute))
    sample = fleet.telemetry()[0]

    # At rest: the heat of the loss equals what the surroundings take, at the power that this temperature allows.
    temperature = sample.temperature_c
    assert temperature is not None
    heat_mw = sample.mw / 0.9 - sample.mw
    assert heat_mw == pytest.approx(0.05 * (temperature - 25.0), rel=1e-3)
    assert sample.mw == pytest.approx(60.0 * (60.0 - temperature) / 15.0, rel=1e-3)
    assert sample.limited_by == "temperature"


def test_a_battery_without_a_thermal_model_reports_no_temperature_and_no_voltage() -> None:
    sample = _fleet(battery()).telemetry()[0]

    assert sample.temperature_c is None
    assert sample.soh_pct is None
    assert not any("voltage" in key or "current" in key for key in sample.details)


def test_the_efficiency_follows_its_curve_over_power_and_charge() -> None:
    asset = battery(efficiency_curve=_CURVE, efficiency_soc_factors=_SOC_FACTORS, ramp_rate_mw_per_min=1e6)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, -0.3 * 60.0)

    fleet.advance(NOON + timedelta(seconds=36))

    # 30 % of 60 MW for 36 s at 50 %: the curve says 0.95, the factor 1.
    assert fleet.telemetry()[0].soc_mwh == pytest.approx(60.0 + 18.0 * 0.01 * 0.95, abs=1e-9)


def test_a_thousand_assets_report_in_the_order_they_were_given() -> None:
    assets = [battery(f"B-{number}") for number in range(1000)]
    fleet = _fleet(*assets)

    fleet.advance(NOON + timedelta(seconds=4))

    assert [sample.asset_id for sample in fleet.telemetry()] == [identity(f"B-{number}") for number in range(1000)]
