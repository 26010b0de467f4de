"""The fleet as a whole: time, ends of setpoints, restarts, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from fleet_plant import NOON, SITE, battery, identity
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.fleet.inventory import Asset, ThermalModel, default_inventory
from afterbay.fleet.physics import FaultPlan, SimulatedFleet

_SLOW = battery("slow", ramp_rate_mw_per_min=10.0)


def _mixed() -> list[Asset]:
    def other(kind: Any, **fields: Any) -> Asset:
        return Asset(id=identity(kind), site_id=SITE.id, name=kind, asset_type=kind, **fields)

    return [
        battery("plain"),
        battery("warm", thermal=ThermalModel(heat_capacity_mwh_per_k=0.001)),
        other("pv", max_mw=30.0),
        other("wind", max_mw=5.0),
        other("ev", min_mw=-1.0, details={"sessions_per_day": 2000.0}),
    ]


def _fleet(*assets: Asset, **options: Any) -> SimulatedFleet:
    return SimulatedFleet(assets, start=NOON, sites=[SITE], **options)


def test_the_demo_fleet_starts_half_full_and_at_rest() -> None:
    inventory = default_inventory()
    samples = SimulatedFleet(inventory.assets, start=NOON, sites=inventory.sites).telemetry()

    assert [(sample.soc_pct, sample.mw, sample.setpoint_mw) for sample in samples[:5]] == [(50.0, 0.0, 0.0)] * 5
    assert samples[5].asset_type == "pv"


def test_an_order_of_30_mw_at_10_mw_a_minute_takes_three_minutes() -> None:
    fleet = _fleet(_SLOW)
    fleet.set_setpoint(_SLOW.id, 30.0)
    powers = []
    for tick in range(1, 51):
        fleet.advance(NOON + timedelta(seconds=4 * tick))
        powers.append(fleet.telemetry()[0].mw)

    assert powers[43] < 30.0
    assert powers[44:] == [30.0] * 6


def test_a_setpoint_ends_at_its_moment_and_falls_back_by_ramp() -> None:
    fleet = _fleet(_SLOW)
    fleet.set_setpoint(_SLOW.id, 10.0, until=NOON + timedelta(seconds=90), lease_id="L-1")

    fleet.advance(NOON + timedelta(seconds=80))
    in_force = fleet.telemetry()[0]
    fleet.advance(NOON + timedelta(seconds=120))
    ramping = fleet.telemetry()[0]
    fleet.advance(NOON + timedelta(seconds=150))

    assert (in_force.mw, in_force.lease_id) == (10.0, "L-1")
    # Half of the 40 s lay behind the end: 30 s at 10 MW a minute.
    assert ramping.mw == pytest.approx(5.0)
    assert (ramping.setpoint_mw, ramping.lease_id) == (0.0, None)
    assert fleet.telemetry()[0].mw == 0.0


def test_a_new_setpoint_stops_the_end_of_the_old_one() -> None:
    fleet = _fleet(_SLOW)
    fleet.set_setpoint(_SLOW.id, 5.0, until=NOON + timedelta(seconds=60))
    fleet.set_setpoint(_SLOW.id, 8.0)

    fleet.advance(NOON + timedelta(minutes=10))

    assert fleet.telemetry()[0].mw == 8.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(1, 600))
def test_no_setpoint_outlives_its_end_however_the_clock_is_read(reads: list[int], end: int) -> None:
    assets = [battery(f"B-{place}", ramp_rate_mw_per_min=1e6) for place in range(3)]
    fleet, now = _fleet(*assets), 0
    for place, asset in enumerate(assets):
        fleet.set_setpoint(asset.id, 10.0, until=NOON + timedelta(seconds=end + place), fallback_mw=-1.0)

    for seconds in reads:
        now += seconds
        fleet.advance(NOON + timedelta(seconds=now))
        for place, sample in enumerate(fleet.telemetry()):
            assert sample.setpoint_mw == (10.0 if now < end + place else -1.0)
            assert sample.energy_out_mwh == pytest.approx(10.0 * min(now, end + place) / 3600.0, abs=1e-9)


def test_time_is_measured_by_the_clock_that_never_steps() -> None:
    seconds = [0.0]
    fleet = _fleet(_SLOW, monotonic=lambda: seconds[0])
    fleet.set_setpoint(_SLOW.id, 60.0)

    # The wall clock is set back by an hour while 6 s pass.
    seconds[0] = 6.0
    fleet.advance(NOON - timedelta(hours=1))

    assert fleet.telemetry()[0].mw == pytest.approx(1.0)
    assert fleet.telemetry()[0].timestamp == NOON - timedelta(hours=1)


def test_a_clock_that_goes_back_moves_nothing_and_one_that_leaps_moves_an_hour() -> None:
    fleet = _fleet(battery(ramp_rate_mw_per_min=1e6))
    fleet.set_setpoint(identity("B-1"), 10.0)
    fleet.advance(NOON - timedelta(minutes=5))
    assert fleet.telemetry()[0].energy_out_mwh == 0.0

    fleet.advance(NOON + timedelta(days=400))
    assert fleet.telemetry()[0].energy_out_mwh == pytest.approx(10.0, abs=1e-9)


def test_a_fixed_step_is_the_same_whatever_the_clock_says() -> None:
    fleet = _fleet(_SLOW, fixed_dt_s=4.0)
    fleet.set_setpoint(_SLOW.id, 60.0)
    for _ in range(3):
        fleet.advance(NOON + timedelta(hours=1))

    assert fleet.telemetry()[0].mw == pytest.approx(3 * 4.0 / 60.0 * 10.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.integers(1, 40))
def test_a_restart_goes_on_as_if_nothing_had_happened(seed: int, at: int) -> None:
    plan = FaultPlan(probability_per_tick=0.05, least_gap_s=20.0, duration_s=40.0)
    assets = _mixed()

    def orders(fleet: SimulatedFleet, tick: int) -> None:
        if tick % 10 == 1:
            mw = (tick % 7 - 3) * 15.0
            until = NOON + timedelta(seconds=20 * tick + 90)
            fleet.set_setpoint(assets[0].id, mw, until=until, fallback_mw=2.0, lease_id=f"L-{tick}")
            fleet.set_setpoint(assets[1].id, 50.0)
            fleet.set_setpoint(assets[2].id, 10.0 if tick % 20 == 1 else None)

    def run(fleet: SimulatedFleet, first: int, last: int) -> None:
        for tick in range(first, last):
            orders(fleet, tick)
            fleet.advance(NOON + timedelta(seconds=20 * tick))

    options: dict[str, Any] = {"seed": seed, "faults": plan, "sites": [SITE], "ramp_energy": ("end", "mean")[seed % 2]}
    whole = SimulatedFleet(assets, start=NOON, **options)
    run(whole, 1, 50)
    before = SimulatedFleet(assets, start=NOON, **options)
    run(before, 1, at)
    saved = json.loads(json.dumps(before.state(), allow_nan=False))
    after = SimulatedFleet(assets, start=before.now, **options)
    after.restore(saved)
    run(after, at, 50)

    assert after.state() == whole.state()
    assert after.telemetry() == whole.telemetry()


def test_a_restored_state_is_held_within_todays_limits() -> None:
    wide, narrow = battery(), battery(max_soc_pct=40.0, max_mw=5.0, capacity_mwh=100.0)
    fleet = _fleet(wide)
    fleet.set_setpoint(wide.id, 50.0)
    fleet.advance(NOON + timedelta(minutes=1))

    after = _fleet(narrow)
    after.restore(fleet.state())

    sample = after.telemetry()[0]
    assert (sample.soc_mwh, sample.mw, sample.setpoint_mw) == (40.0, 5.0, 50.0)


def test_a_fleet_goes_on_from_its_last_telemetry() -> None:
    assets = _mixed()
    fleet = SimulatedFleet(assets, start=NOON, sites=[SITE])
    for asset, mw in zip(assets, (30.0, -20.0, 10.0, None, -0.5), strict=True):
        fleet.set_setpoint(asset.id, mw)
    fleet.advance(NOON + timedelta(minutes=30))
    last = fleet.telemetry()

    after = SimulatedFleet(assets, start=fleet.now, sites=[SITE])
    after.resume([*last, replace(last[0], asset_id=identity("gone"))])

    names = ("mw", "setpoint_mw", "soc_mwh", "energy_in_mwh", "energy_out_mwh", "temperature_c")
    for before, now in zip(last, after.telemetry(), strict=True):
        assert [getattr(now, name) for name in names] == [getattr(before, name) for name in names]


def test_a_fleet_of_nothing_ticks() -> None:
    fleet = SimulatedFleet([], start=NOON)
    fleet.advance(NOON + timedelta(seconds=4))

    assert fleet.telemetry() == ()


def test_times_of_any_zone_are_taken_as_utc() -> None:
    zone = timezone(timedelta(hours=2))
    fleet = SimulatedFleet(_mixed(), start=NOON.astimezone(zone), sites=[SITE])
    same = SimulatedFleet(_mixed(), start=NOON, sites=[SITE])
    fleet.advance((NOON + timedelta(minutes=1)).astimezone(zone))
    same.advance(NOON + timedelta(minutes=1))

    assert fleet.telemetry() == same.telemetry()
    assert fleet.now.tzinfo is UTC


def test_states_of_other_assets_are_left_out() -> None:
    old, new = _fleet(battery("old")), _fleet(battery("new"))

    new.restore(old.state())

    assert new.telemetry()[0].soc_pct == 50.0


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"tick": -1},
        {"tick": float("nan")},
        {"assets": []},
        {"assets": {"x": 3}},
        {"assets": {"x": {"plant": {}, "current_mw": float("inf")}}},
        {"assets": {"x": {"plant": {"soc_mwh": float("nan")}, "current_mw": 0.0}}},
        {"assets": {"x": {"plant": {"cars": [[1, "noon"]]}, "current_mw": 0.0}}},
        {"assets": {"x": {"plant": {}, "current_mw": 0.0, "setpoint_mw": True}}},
        {"assets": {"x": {"plant": {}, "current_mw": 0.0, "told": {"until": "soon"}}}},
        {"assets": {"x": {"plant": {}, "current_mw": 0.0, "fault": 3}}},
    ],
)
def test_a_broken_state_changes_nothing(change: dict[str, Any]) -> None:
    fleet = _fleet(battery())
    before = fleet.state()

    with pytest.raises(InvalidInputError):
        fleet.restore({**before, **change})

    assert fleet.state() == before


def test_unknown_assets_and_numbers_that_are_none_are_refused() -> None:
    fleet = _fleet(battery())

    with pytest.raises(NotFoundError, match="no simulated asset"):
        fleet.set_setpoint(identity("B-9"), 1.0)
    for wrong in (float("nan"), float("inf"), True, "5"):
        with pytest.raises(InvalidInputError, match="finite number"):
            fleet.set_setpoint(identity("B-1"), wrong)  # type: ignore[arg-type]
    assert fleet.setpoint(identity("B-1")) == 0.0


def test_what_cannot_be_simulated_is_refused_with_all_problems() -> None:
    with pytest.raises(InvalidInputError) as caught:
        SimulatedFleet(
            [battery(efficiency=92.0), battery("B-2", min_soc_pct=float("nan")), battery("B-2")],
            start=datetime(2026, 6, 21),
            physics="magic",  # type: ignore[arg-type]
            fixed_dt_s=-1.0,
        )

    wheres = " ".join(problem.where for problem in caught.value.problems)
    assert all(
        part in wheres for part in ("B-1: efficiency", "B-2: min_soc_pct", "assets", "start", "physics", "fixed")
    )
