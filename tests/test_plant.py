"""From plan to plant: the same battery, made once, and a day beside its plan with nothing unexplained."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.cli.running import run_project
from afterbay.core.battery import Battery, run_battery
from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.fleet.inventory import Inventory, Site, ThermalModel, check_inventory, read_inventory, write_inventory
from afterbay.fleet.messages import Telemetry
from afterbay.plant import (
    DayComparison,
    PlanDay,
    asset_from_study,
    compare_day,
    option_of_asset,
    place_asset,
    plan_day,
    site_named,
)
from afterbay.sizing.project import load_project
from afterbay.sizing.stored_run import FORMAT, StoredRun, read_run

_SITE = Site("4c1feab9-a58f-507c-8676-9b98ffd67e7f", "North Quay")
_START = datetime(2026, 6, 21, 5, tzinfo=UTC)


def _run(folder: Path, **changes: Any) -> StoredRun:
    setup = {"bess_efficiency": 87.0, "bess_min_soc": 5.0, "bess_max_soc": 95.0}
    facts = {
        "format": FORMAT, "complete": True, "input_hash": "b09dc20e", "config": {"setup_config": setup},
        "project": {"name": "Red Rock"}, "sources": [], "grid": {}, "template": {}, "start": None, "dt_h": 1.0,
        "versions": {"afterbay": "0.1.0"},
        "recommendation": {"recommended": {"index": 1}, "best_reached": {"index": 0}},
        "results": {"option": [1, 2, 3], "capacity": [40.0, 50.0, 0.0], "duration": [4.0, 4.0, 4.0],
                    "power": [10.0, 12.5, 0.0], "dg_capacity": [0.0, 0.0, 5.0]},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts | changes))
    return StoredRun(folder, facts | changes)


def _plan(power_mw: list[float], dt_h: float = 1.0) -> PlanDay:
    power = np.array(power_mw)
    soc = 50.0 - np.concatenate(([0.0], np.cumsum(power * dt_h))) / 100.0 * 100.0
    return PlanDay(1, "100 MWh / 20 MW", _START, dt_h, power, soc, 100.0, 90.0, 20.0)


def _sample(at: datetime, mw: float, **more: Any) -> Telemetry:
    usual: dict[str, Any] = {
        "setpoint_mw": mw, "max_mw": 20.0, "min_mw": -20.0, "status": "idle", "capacity_mwh": 100.0,
    }  # fmt: skip
    return Telemetry("asset", "site", at, mw, **{**usual, **more})


def _day(plan: PlanDay, step_s: float = 60.0, **more: Any) -> list[Telemetry]:
    """Telemetry of a plant that does exactly what was planned."""
    count = round(plan.dt_h * len(plan.power_mw) * 3600.0 / step_s)
    samples = []
    for place in range(1, count + 1):
        step = math.ceil(place * step_s / (plan.dt_h * 3600.0)) - 1
        samples.append(_sample(plan.start + timedelta(seconds=place * step_s), float(plan.power_mw[step]), **more))
    return samples


def _reasons(found: DayComparison) -> dict[str, float]:
    return {reason.code: round(reason.net_mwh, 9) for reason in found.reasons}


def test_the_asset_is_the_battery_of_the_option_with_its_round_trip_taken_one_way(tmp_path: Path) -> None:
    asset = asset_from_study(_run(tmp_path), "best", _SITE)

    assert (asset.capacity_mwh, asset.max_mw, asset.min_mw) == (50.0, 12.5, -12.5)
    assert asset.efficiency == math.sqrt(0.87)
    assert (asset.min_soc_pct, asset.max_soc_pct, asset.name) == (5.0, 95.0, "Red Rock 2")
    check_inventory(Inventory((_SITE,), (asset,)))


def test_the_same_option_at_the_same_site_is_the_same_asset_and_any_other_is_not(tmp_path: Path) -> None:
    run, elsewhere = _run(tmp_path), replace(_SITE, id="2660bd43-90ed-5f97-b72f-3e7e21ab09dc")

    ids = [asset_from_study(run, "2", _SITE).id, asset_from_study(tmp_path, "best", _SITE).id,
           asset_from_study(run, "1", _SITE).id, asset_from_study(run, "2", elsewhere).id,
           asset_from_study(_run(tmp_path, input_hash="another"), "2", _SITE).id]  # fmt: skip

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert option_of_asset(run, ids[0], _SITE.id) == 2
    assert option_of_asset(run, ids[3], _SITE.id) is None


def test_an_option_without_a_battery_becomes_no_asset(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="an option with a battery"):
        asset_from_study(_run(tmp_path), 3, _SITE)


def test_an_option_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no option '9'"):
        asset_from_study(_run(tmp_path), 9, _SITE)


def test_a_damaged_run_is_no_stack_trace(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="a damaged run"):
        asset_from_study(_run(tmp_path, config={}), "best", _SITE)


def test_placing_it_twice_changes_nothing_and_keeps_what_somebody_wrote(tmp_path: Path) -> None:
    asset = asset_from_study(_run(tmp_path), "best", _SITE)
    once = place_asset(Inventory((_SITE,)), asset)
    edited = replace(asset, device="sunspec+tcp://10.0.0.5:502/1", thermal=ThermalModel(), reserve_soc_pct=20.0)
    by_hand = replace(once, assets=(edited,))

    assert place_asset(once, asset) == once
    assert place_asset(by_hand, asset) == by_hand
    resized = replace(asset, capacity_mwh=60.0)
    assert place_asset(by_hand, resized).assets == (replace(edited, capacity_mwh=60.0),)


def test_the_entry_survives_the_file_to_the_bit(tmp_path: Path) -> None:
    asset = asset_from_study(_run(tmp_path), "best", _SITE)
    file = tmp_path / "assets.yaml"
    write_inventory(file, place_asset(Inventory((_SITE,)), asset))

    assert read_inventory(file).assets == (asset,)


def test_a_site_is_found_by_name_and_made_only_when_asked() -> None:
    inventory = Inventory((_SITE,))

    assert site_named(inventory, "north quay") == (inventory, _SITE)
    with pytest.raises(NotFoundError, match="there is North Quay"):
        site_named(inventory, "South Quay")
    made, site = site_named(inventory, "South Quay", make=True)
    assert (made.sites, site.name) == ((_SITE, site), "South Quay")
    assert site_named(made, "South Quay", make=True) == (made, site)


def test_a_plant_that_does_what_was_planned_differs_in_nothing() -> None:
    plan = _plan([0.0, -10.0, -5.0, 0.0, 15.0, 5.0])

    found = compare_day(_day(plan), plan)

    assert found.reasons == ()
    assert found.covered_h == pytest.approx(6.0)
    assert found.missing_h == pytest.approx(0.0)
    assert found.gaps == ()
    assert [found.actual_out_mwh, found.actual_in_mwh] == pytest.approx([20.0, 15.0])
    assert (found.planned_hours, found.delivered_hours, found.unknown_hours) == (2.0, 2.0, 0.0)
    assert found.actual_cycles == pytest.approx(found.planned_cycles) == pytest.approx(20.0 / 90.0)


def test_an_empty_battery_is_named_with_the_energy_that_it_did_not_give() -> None:
    plan = _plan([10.0, 10.0])
    samples = [
        one if one.timestamp <= _START + timedelta(hours=1) else replace(one, mw=4.0, limited_by="soc_min")
        for one in _day(plan)
    ]

    found = compare_day(samples, plan)

    assert _reasons(found) == {"soc_min": -6.0}
    assert found.reasons[0].hours == pytest.approx(1.0)
    assert (found.planned_hours, found.delivered_hours) == (2.0, 1.0)


def test_another_setpoint_and_a_limit_at_once_each_get_their_own_part() -> None:
    plan = _plan([10.0])
    samples = [replace(one, setpoint_mw=8.0, mw=5.0, limited_by="temperature") for one in _day(plan)]

    assert _reasons(compare_day(samples, plan)) == {"setpoint": -2.0, "temperature": -3.0}


@pytest.mark.parametrize(
    "fault", [{"online": False}, {"fault_code": "RACK"}, {"status": "fault"}, {"limited_by": "fault"}]
)
def test_a_plant_in_fault_is_unavailable_whatever_it_was_told(fault: dict[str, Any]) -> None:
    plan = _plan([10.0])
    samples = [replace(one, mw=0.0, setpoint_mw=3.0, **fault) for one in _day(plan)]

    assert _reasons(compare_day(samples, plan)) == {"unavailable": -10.0}


def test_too_little_charge_does_not_make_up_for_too_little_discharge() -> None:
    plan = _plan([-10.0, 10.0])
    samples = [replace(one, mw=0.0) for one in _day(plan)]

    (reason,) = compare_day(samples, plan).reasons

    assert (reason.code, round(reason.net_mwh, 9), round(reason.absolute_mwh, 9)) == ("following", 0.0, 20.0)


def test_a_gap_is_no_zero_and_nothing_is_said_about_it() -> None:
    plan = _plan([10.0, 10.0, 10.0])
    low, high = _START + timedelta(hours=1), _START + timedelta(hours=2)
    samples = [one for one in _day(plan) if not low < one.timestamp <= high]

    found = compare_day(samples, plan)

    assert found.reasons == ()
    assert found.missing_h == pytest.approx(1.0)
    assert found.gaps == ((low, high),)
    assert found.difference_mwh == pytest.approx(0.0)
    assert found.planned_out_mwh - found.planned_out_covered_mwh == pytest.approx(10.0)
    assert (found.delivered_hours, found.unknown_hours) == (2.0, 1.0)


def test_no_data_at_all_is_no_difference_at_all() -> None:
    found = compare_day([], _plan([10.0, -10.0]))

    assert (found.covered_h, found.missing_h, found.reasons) == (0.0, 2.0, ())
    assert (found.mean_soc_difference_pct, found.counted_out_mwh) == (None, None)
    assert found.unknown_hours == 1.0


def test_samples_of_bad_quality_count_as_missing_and_are_counted() -> None:
    plan = _plan([10.0, 10.0])
    samples = [replace(one, mw=0.0, quality="bad") if one.timestamp > _START + timedelta(hours=1) else one
               for one in _day(plan)]  # fmt: skip

    found = compare_day(samples, plan)

    assert found.reasons == ()
    assert found.missing_h == pytest.approx(1.0)
    assert "60 samples of quality bad" in found.notes[0]


def test_the_plants_own_counter_tells_the_day_across_a_gap() -> None:
    plan = _plan([10.0, 10.0, 10.0])
    samples = [replace(one, energy_out_mwh=500.0 + 10.0 * (one.timestamp - _START) / timedelta(hours=1),
                       energy_in_mwh=7.0) for one in _day(plan)]  # fmt: skip
    low, high = _START + timedelta(hours=1), _START + timedelta(hours=2)

    found = compare_day([one for one in samples if not low < one.timestamp <= high], plan)

    assert found.counted_out_mwh == pytest.approx(30.0, abs=0.2)
    assert found.counted_in_mwh == 0.0
    assert found.actual_out_mwh < 21.0


@pytest.mark.parametrize("kept", [slice(0, 90), slice(90, 180)])
def test_a_counter_that_does_not_span_the_day_is_not_taken_for_the_day(kept: slice) -> None:
    plan = _plan([10.0, 10.0, 10.0])
    samples = [replace(one, energy_out_mwh=500.0 + place / 6.0, energy_in_mwh=0.0)
               for place, one in enumerate(_day(plan))]  # fmt: skip

    assert compare_day(samples[kept], plan).counted_out_mwh is None


def test_a_counter_that_was_set_back_is_not_believed() -> None:
    plan = _plan([10.0])
    samples = [replace(one, energy_out_mwh=float(place % 30)) for place, one in enumerate(_day(plan))]

    assert compare_day(samples, plan).counted_out_mwh is None


def test_the_state_of_charge_is_compared_at_the_same_moments() -> None:
    plan = _plan([10.0, -10.0])
    edges, planned = np.array([0.0, 1.0, 2.0]), plan.soc_pct
    samples = [
        replace(one, soc_pct=float(np.interp((one.timestamp - _START) / timedelta(hours=1), edges, planned)) + 3.0)
        for one in _day(plan, 4.0)
    ]

    assert compare_day(samples, plan).mean_soc_difference_pct == pytest.approx(3.0, abs=0.02)


def test_another_battery_than_the_plans_is_said() -> None:
    plan = _plan([10.0])

    assert "two batteries" in compare_day([replace(one, capacity_mwh=60.0) for one in _day(plan)], plan).notes[0]


def test_samples_of_two_assets_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="several assets"):
        compare_day([_sample(_START, 1.0), replace(_sample(_START, 1.0), asset_id="other")], _plan([1.0]))


_limits = st.sampled_from([None, "soc_min", "ramp", "site_limit", "fault"])
_readings = st.tuples(
    st.integers(0, 6 * 3600 + 60), st.floats(-20, 20), st.one_of(st.none(), st.floats(-20, 20)), _limits,
    st.sampled_from(["good", "bad"]), st.booleans(),
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.lists(_readings, max_size=60, unique_by=lambda one: one[0]),
    st.lists(st.floats(-20, 20), min_size=6, max_size=6),
)
def test_every_difference_is_explained_and_every_moment_is_told_or_missing(
    readings: list[tuple[int, float, float | None, Any, Any, bool]], power: list[float]
) -> None:
    plan = _plan(power)
    samples = [
        _sample(_START + timedelta(seconds=at), mw, setpoint_mw=told, limited_by=limit, quality=quality, online=online)
        for at, mw, told, limit, quality, online in readings
    ]

    found = compare_day(samples, plan, longest_gap_s=1800.0)

    assert math.fsum(reason.net_mwh for reason in found.reasons) == pytest.approx(found.difference_mwh, abs=1e-9)
    assert found.covered_h + found.missing_h == pytest.approx(6.0)
    gaps = sum(((end - start) for start, end in found.gaps), timedelta())
    assert gaps / timedelta(hours=1) == pytest.approx(found.missing_h, abs=1e-6)
    assert all(abs(reason.net_mwh) <= reason.absolute_mwh + 1e-12 for reason in found.reasons)
    assert found.delivered_hours + found.unknown_hours <= found.planned_hours
    assert compare_day(samples[::-1], plan, longest_gap_s=1800.0).to_dict() == found.to_dict()
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.fixture(scope="module")
def block_sun(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A study whose every day follows by hand: 10 MW of load, 30 MW of sun for 8 h, 160 MWh without losses."""
    folder = tmp_path_factory.mktemp("study")
    project = folder / "block.yaml"
    load = "\n".join(["hour,load_mw", *(f"{hour},10" for hour in range(8760))])
    sun = "\n".join(["hour,solar_mw", *(f"{hour},{30 if 8 <= hour % 24 < 16 else 0}" for hour in range(8760))])
    (folder / "load.csv").write_text(load + "\n")
    (folder / "solar.csv").write_text(sun + "\n")
    project.write_text(
        "name: Block sun\n"
        "setup_config: {load_mode: csv, load_file: load.csv, solar_source: csv, solar_file: solar.csv, "
        "bess_efficiency: 100, bess_min_soc: 0, bess_max_soc: 100, dg_enabled: false}\n"
        "rules_config: {}\n"
        "sizing_config: {capacity_min: 160, capacity_max: 160, capacity_step: 40, durations: [4], "
        "optimization_goal: {delivery_mode: at_least, delivery_target_pct: 99}}\n"
    )
    run_project(load_project(project), folder / "run")
    return read_run(folder / "run")


def test_the_planned_day_of_the_block_sun_is_the_one_that_follows_by_hand(block_sun: StoredRun) -> None:
    plan = plan_day(block_sun, "best", date(2026, 6, 21), plan=3)

    assert plan.power_mw.tolist() == [10.0] * 8 + [-20.0] * 8 + [10.0] * 8
    assert (plan.soc_pct[0], plan.soc_pct[8], plan.soc_pct[16], plan.soc_pct[24]) == (50.0, 0.0, 100.0, 50.0)
    assert (plan.start, plan.end) == (datetime(2026, 6, 21, tzinfo=UTC), datetime(2026, 6, 22, tzinfo=UTC))
    with pytest.raises(NotFoundError, match="no calendar"):
        plan_day(block_sun, "best", date(2026, 6, 21))


def test_a_battery_driven_by_the_plan_of_its_own_study_differs_in_nothing(block_sun: StoredRun) -> None:
    asset = asset_from_study(block_sun, "best", _SITE)
    plan = plan_day(block_sun, "best", date(2026, 6, 21), plan=3)
    battery = Battery(
        capacity=asset.capacity_mwh, charge_power=-asset.min_mw, discharge_power=asset.max_mw,
        charge_efficiency=asset.efficiency, discharge_efficiency=asset.efficiency,
    )  # fmt: skip
    told = np.repeat(plan.power_mw, 60)
    run = run_battery(battery, told, start_energy=asset.capacity_mwh / 2.0, dt_h=1 / 60)
    samples = [
        _sample(plan.start + timedelta(minutes=place + 1), float(run.power[place]), setpoint_mw=float(told[place]),
                soc_pct=float(run.energy[place]) / asset.capacity_mwh * 100.0, capacity_mwh=asset.capacity_mwh)
        for place in range(len(told))
    ]  # fmt: skip

    found = compare_day(samples, plan)

    assert math.fsum(reason.absolute_mwh for reason in found.reasons) < 1e-6
    assert found.mean_soc_difference_pct == pytest.approx(0.0, abs=0.2)
    assert found.delivered_hours == found.planned_hours == 16.0


def test_the_day_is_cut_in_the_studys_own_clock_and_is_the_same_day_of_its_year(block_sun: StoredRun) -> None:
    run = StoredRun(block_sun.folder, block_sun.facts | {"start": "2019-01-01T00:00:00-05:00"})

    plan = plan_day(run, "best", date(2026, 3, 1))

    assert (plan.start, plan.end) == (datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 2, 5, tzinfo=UTC))
    assert plan.power_mw.tolist() == plan_day(run, "best", date(2026, 3, 1), plan=60).power_mw.tolist()
    with pytest.raises(NotFoundError, match="no 29 February"):
        plan_day(run, "best", date(2028, 2, 29))
