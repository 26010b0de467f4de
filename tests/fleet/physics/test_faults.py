"""Faults: seeded, spaced, ended; they take power away and never energy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fleet_plant import NOON, SITE, battery, identity

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError
from afterbay.fleet.inventory import Asset, ThermalModel
from afterbay.fleet.physics import FAULT_KINDS, FaultPlan, SimulatedFleet

_OFTEN = FaultPlan(probability_per_tick=0.2, least_gap_s=120.0, duration_s=60.0)


def _fleet(*assets: Asset, **options: Any) -> SimulatedFleet:
    return SimulatedFleet(assets, start=NOON, sites=[SITE], **options)


def _events(fleet: SimulatedFleet, ticks: int = 900, dt_s: float = 4.0) -> list[tuple[datetime, str, str]]:
    for tick in range(1, ticks + 1):
        fleet.advance(NOON + timedelta(seconds=tick * dt_s))
    return [(event.timestamp, event.asset_id, event.event_type) for event in fleet.take_events()]


def test_the_same_seed_brings_the_same_faults_and_another_one_others() -> None:
    assets = [battery(f"B-{place}") for place in range(5)]

    first, second, other = (_events(_fleet(*assets, faults=_OFTEN, seed=seed)) for seed in (1, 1, 2))

    assert first == second != other
    assert {kind.removesuffix("_CLEARED") for _, _, kind in first} == set(FAULT_KINDS) - {"HVAC_FAILED"}


def test_a_fault_lasts_as_long_as_planned_and_the_next_one_keeps_its_distance() -> None:
    asset = battery()
    edges = [(when, kind) for when, _, kind in _events(_fleet(asset, faults=_OFTEN))]

    assert len(edges) > 8
    for (begun, kind), (ended, clear) in zip(edges[::2], edges[1::2], strict=False):
        assert clear == f"{kind}_CLEARED"
        assert (ended - begun).total_seconds() == pytest.approx(60.0, abs=1e-6)
    for (ended, _), (begun, _) in zip(edges[1::2], edges[2::2], strict=False):
        assert (begun - ended).total_seconds() >= 120.0 - 1e-6


@pytest.mark.parametrize("dt_s", [1.0, 4.0, 8.0])
def test_faults_come_as_often_whatever_the_tick(dt_s: float) -> None:
    assets = [battery(f"B-{place}") for place in range(2000)]
    fleet = _fleet(*assets, faults=FaultPlan(), seed=9)

    begun = [kind for *_, kind in _events(fleet, round(80.0 / dt_s), dt_s) if not kind.endswith("_CLEARED")]

    # 0.5 % per 4 s, and 80 s: 20 chances each.
    assert len(begun) == pytest.approx(2000 * (1.0 - 0.995**20), rel=0.2)


def test_a_rack_fault_takes_power_and_energy_and_gives_the_energy_back() -> None:
    asset = battery(ramp_rate_mw_per_min=1e6)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, 60.0)
    fleet.inject_fault(asset.id, "RACK_FAULT")
    fleet.advance(NOON + timedelta(seconds=36))
    broken = fleet.telemetry()[0]
    fleet.clear_fault(asset.id)
    fleet.set_setpoint(asset.id, 0.0)
    fleet.advance(NOON + timedelta(seconds=37))
    mended = fleet.telemetry()[0]

    assert (broken.mw, broken.limited_by, broken.fault_code, broken.status) == (
        45.0,
        "fault",
        "RACK_FAULT",
        "discharging",
    )
    assert (broken.capacity_mwh, broken.details["isolated_mwh"]) == (90.0, 15.0)
    assert broken.soc_mwh == pytest.approx(45.0 - 0.45 / 0.92, abs=1e-9)
    assert (mended.capacity_mwh, mended.fault_code) == (120.0, None)
    assert mended.soc_mwh == pytest.approx(60.0 - 0.45 / 0.92, abs=1e-9)


@pytest.mark.parametrize("kind", ["storage", "pv"])
def test_an_inverter_fault_stops_an_asset_and_keeps_the_intent(kind: Any) -> None:
    asset = battery(asset_type=kind, capacity_mwh=0.0 if kind == "pv" else 120.0, min_mw=0.0)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, 10.0)
    fleet.inject_fault(asset.id, "INVERTER_FAULT", duration_s=60.0)
    fleet.advance(NOON + timedelta(seconds=30))
    stopped = fleet.telemetry()[0]
    fleet.advance(NOON + timedelta(seconds=70))
    fleet.advance(NOON + timedelta(seconds=130))

    assert (stopped.mw, stopped.setpoint_mw, stopped.limited_by) == (0.0, 10.0, "fault")
    assert (stopped.status, stopped.fault_code) == ("fault", "INVERTER_FAULT")
    assert fleet.telemetry()[0].mw == 10.0
    assert [(event.event_type, event.severity) for event in fleet.take_events()] == [
        ("INVERTER_FAULT", "critical"),
        ("INVERTER_FAULT_CLEARED", "info"),
    ]


def test_without_cooling_a_battery_gets_warmer() -> None:
    asset = battery(thermal=ThermalModel(heat_capacity_mwh_per_k=0.05, conductance_mw_per_k=0.2), capacity_mwh=600.0)
    cool, warm = _fleet(asset), _fleet(asset)
    warm.inject_fault(asset.id, "HVAC_FAILED")
    for fleet in (cool, warm):
        fleet.set_setpoint(asset.id, 30.0)
        fleet.advance(NOON + timedelta(hours=1))

    assert (warm.telemetry()[0].temperature_c or 0.0) > (cool.telemetry()[0].temperature_c or 0.0) + 1.0


def test_only_an_asset_that_can_have_a_fault_gets_it() -> None:
    fleet = _fleet(battery(), battery("PV", asset_type="pv", capacity_mwh=0.0, min_mw=0.0))

    with pytest.raises(ConflictError, match="cannot have HVAC_FAILED"):
        fleet.inject_fault(identity("B-1"), "HVAC_FAILED")
    with pytest.raises(ConflictError, match="cannot have RACK_FAULT"):
        fleet.inject_fault(identity("PV"), "RACK_FAULT")
    with pytest.raises(NotFoundError):
        fleet.inject_fault(identity("B-9"), "RACK_FAULT")


def test_a_disturbed_link_is_described_and_changes_no_power() -> None:
    asset = battery()
    fleet = _fleet(asset)
    assert fleet.link_quality(asset.id) is None
    fleet.inject_fault(asset.id, "COMMS_DEGRADED")
    fleet.set_setpoint(asset.id, 10.0)
    fleet.advance(NOON + timedelta(minutes=1))

    link = fleet.link_quality(asset.id)
    assert link is not None
    assert (link.latency_s, link.jitter_s, link.loss_fraction) == (2.0, 1.0, 0.2)
    assert fleet.telemetry()[0].mw == 10.0


def test_reaching_and_leaving_a_bound_is_told_once_each() -> None:
    asset = battery(max_soc_pct=90.0, ramp_rate_mw_per_min=1e6)
    fleet = _fleet(asset)
    fleet.set_setpoint(asset.id, -60.0)
    for minute in range(1, 71):
        fleet.advance(NOON + timedelta(minutes=minute))
    fleet.set_setpoint(asset.id, 10.0)
    for minute in range(71, 81):
        fleet.advance(NOON + timedelta(minutes=minute))

    events = fleet.take_events()
    assert [(event.event_type, event.severity) for event in events] == [
        ("MAX_SOC_REACHED", "warning"),
        ("MAX_SOC_REACHED_CLEARED", "info"),
    ]
    assert "90 %" in events[0].message
    assert fleet.take_events() == ()


def test_a_plan_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        FaultPlan(probability_per_tick=5.0, duration_s=0.0, kinds=("RACK_FALT",))  # type: ignore[arg-type]

    assert [problem.where for problem in caught.value.problems] == ["kinds", "probability_per_tick", "duration_s"]
    assert caught.value.problems[0].next_move == "did you mean RACK_FAULT?"
    with pytest.raises(InvalidInputError, match="knows no faults"):
        _fleet(battery(), physics="literal", faults=FaultPlan())
