"""What is shown before a command is sent: the numbers of the operator's journey, and laws of energy and ramps."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from fleet_orders import FLEET, NORTH, A, B, checked, present
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.commands import (
    CommandRequest,
    Preview,
    check_request,
    efficiency_at,
    preview_request,
    ramp_step,
    ramp_time_s,
    soc_path,
)
from afterbay.fleet.commands.words import in_words
from afterbay.fleet.inventory.records import Asset, Inventory

NQ1 = FLEET.assets[0]


def preview(mw: float, fleet: Inventory = FLEET, **rest: object) -> Preview:
    if not {"asset_id", "site_id"} & set(rest):
        rest["asset_id"] = A
    now = present(fleet=fleet)
    return preview_request(check_request(CommandRequest(mw=mw, **rest), fleet, now), fleet, now)  # type: ignore[arg-type]


def test_thirty_megawatts_from_half_full_are_empty_in_1_h_50_min() -> None:
    shown = preview(30.0, duration_s=3600.0)

    assert shown.sentence == "+30.0 MW, reached in 3 s, empty in 1 h 50 min"
    assert shown.ramp_s == pytest.approx(3.0)
    (asset,) = shown.assets
    assert asset.empty_in_s == pytest.approx(6624.0, abs=5.0)
    assert not asset.limited
    assert asset.end_soc_mwh == pytest.approx(60.0 - 30.0 / 0.92, abs=0.05)


def test_two_hours_of_it_will_be_limited() -> None:
    shown = preview(30.0, duration_s=7200.0)

    assert shown.sentence.endswith("empty in 1 h 50 min, before the 2 h 0 min end: it will be limited")
    assert shown.assets[0].limited
    assert shown.assets[0].end_soc_pct == 0.0


def test_a_site_shows_its_split_and_what_is_missing() -> None:
    shown = preview(100.0, site_id=NORTH, duration_s=3600.0)

    assert [(each.asset_id, each.mw) for each in shown.assets] == [(A, 60.0), (B, 20.0)]
    assert shown.sentence.startswith("+80.0 MW of +100.0 MW asked for, reached in 6 s, first asset empty in ")


def test_a_site_with_a_ramp_limit_takes_its_time() -> None:
    site = replace(FLEET.sites[0], ramp_limit_mw_per_min=10.0)

    shown = preview(20.0, replace(FLEET, sites=(site, FLEET.sites[1])), site_id=NORTH)

    assert shown.ramp_s == pytest.approx(120.0)
    assert [each.ramp_s for each in shown.assets] == pytest.approx([120.0, 120.0])


def test_an_asset_without_storage_has_energy_but_no_path() -> None:
    pv = Asset("sun", NORTH, "PV", 0.0, 30.0, 0.0, ramp_rate_mw_per_min=60.0, asset_type="pv")

    (asset,) = preview(10.0, Inventory(FLEET.sites, (pv,)), asset_id="sun", duration_s=3600.0).assets

    assert asset.path == ()
    assert asset.energy_mwh == pytest.approx(10.0 - 10.0 * 5.0 / 3600.0)
    assert (asset.empty_in_s, asset.end_soc_mwh) == (None, None)


def test_an_asset_that_cannot_ramp_never_arrives() -> None:
    stuck = replace(NQ1, ramp_rate_mw_per_min=0.0)

    shown = preview(10.0, Inventory(FLEET.sites, (stuck,)), duration_s=60.0)

    assert math.isinf(shown.ramp_s)
    assert shown.assets[0].energy_mwh == 0.0
    assert "never reached" in shown.sentence


@given(
    soc=st.floats(0.0, 1.0),
    start=st.floats(-60.0, 60.0),
    mw=st.floats(-60.0, 60.0),
    until_s=st.floats(1.0, 20_000.0),
    ramp=st.sampled_from([1.0, 10.0, 600.0]),
)
def test_energy_at_the_terminals_is_the_change_in_the_cells_through_the_efficiency(
    soc: float, start: float, mw: float, until_s: float, ramp: float
) -> None:
    asset = replace(NQ1, ramp_rate_mw_per_min=ramp, min_soc_pct=0.0)

    path = soc_path(asset, soc_mwh=soc * 120.0, start_mw=start, mw=mw, until_s=until_s)

    given_mwh = 0.0
    for before, after in pairwise(path.points):
        change = before.soc_mwh - after.soc_mwh
        given_mwh += change * 0.92 if change > 0.0 else change / 0.92
        assert -1e-9 <= after.soc_mwh <= 120.0 + 1e-9
        assert after.after_s >= before.after_s
    assert given_mwh == pytest.approx(path.energy_mwh, abs=1e-9)
    assert path.points[0].after_s == 0.0
    assert path.points[-1].after_s == until_s
    assert path.shortfall_mwh >= 0.0


@given(soc=st.floats(0.05, 0.95), mw=st.floats(5.0, 60.0), sign=st.sampled_from([1.0, -1.0]))
def test_the_foreseen_bound_is_where_a_path_of_that_length_ends(soc: float, mw: float, sign: float) -> None:
    first = soc_path(NQ1, soc_mwh=soc * 120.0, start_mw=0.0, mw=sign * mw, until_s=60.0)
    assert first.bound_after_s is not None

    there = soc_path(NQ1, soc_mwh=soc * 120.0, start_mw=0.0, mw=sign * mw, until_s=first.bound_after_s)

    assert there.points[-1].soc_mwh == pytest.approx(0.0 if sign > 0.0 else 120.0, abs=1e-6)
    assert there.shortfall_mwh == pytest.approx(0.0, abs=1e-6)


def test_a_reserve_ends_the_path_and_is_named() -> None:
    path = soc_path(replace(NQ1, reserve_soc_pct=40.0), soc_mwh=60.0, start_mw=30.0, mw=30.0, until_s=7200.0)

    assert path.bound == "reserve"
    assert path.points[-1].soc_mwh == pytest.approx(48.0)


def test_a_turn_from_discharge_to_charge_passes_through_nothing() -> None:
    path = soc_path(NQ1, soc_mwh=0.0, start_mw=30.0, mw=-30.0, until_s=60.0)

    assert max(point.soc_mwh for point in path.points[:4]) == 0.0
    assert path.points[-1].soc_mwh > 0.0
    assert path.bound == "soc_max"


def test_efficiency_is_read_from_the_curve_and_the_state_of_charge() -> None:
    asset = replace(
        NQ1, efficiency_curve=((0.0, 0.5), (0.5, 0.9), (1.0, 0.8)), efficiency_soc_factors=((20.0, 0.5), (80.0, 1.0))
    )

    assert efficiency_at(asset, 0.0) == 0.5
    assert efficiency_at(asset, -30.0) == 0.9
    assert efficiency_at(asset, 45.0) == pytest.approx(0.85)
    assert efficiency_at(asset, 30.0, 60.0) == pytest.approx(0.9 * 0.75)
    assert efficiency_at(asset, 30.0, 1.0) == pytest.approx(0.45)


def test_a_curve_makes_the_same_power_last_less_long() -> None:
    worse = replace(NQ1, efficiency_soc_factors=((0.0, 0.5), (100.0, 1.0)))

    plain, curved = (
        soc_path(asset, soc_mwh=60.0, start_mw=30.0, mw=30.0, until_s=60.0).bound_after_s for asset in (NQ1, worse)
    )

    # Factors from 0.5 to 0.75 along a straight line: on average 0.625 of the energy comes out.
    assert plain is not None
    assert curved == pytest.approx(plain * 0.625, rel=2e-3)


ASSETS = {asset.id: asset for asset in FLEET.assets}
TARGETS = st.fixed_dictionaries({A: st.floats(-60, 60), B: st.floats(-20, 20)})


@given(TARGETS, TARGETS, st.floats(0.01, 60.0), st.sampled_from([None, 0.5, 30.0, 2000.0]))
def test_a_ramp_step_keeps_every_rate_and_that_of_the_site(
    current: dict[str, float], target: dict[str, float], dt_s: float, limit: float | None
) -> None:
    after = ramp_step(current, target, ASSETS, dt_s, site_ramp_mw_per_min=limit)

    for key in target:
        step = abs(after[key] - current[key])
        assert step <= 10.0 * dt_s + 1e-9
        assert min(current[key], target[key]) - 1e-9 <= after[key] <= max(current[key], target[key]) + 1e-9
    if limit is not None:
        assert abs(sum(after.values()) - sum(current.values())) <= limit / 60.0 * dt_s + 1e-9


@given(TARGETS, TARGETS, st.sampled_from([None, 0.5, 30.0, 2000.0]))
def test_the_ramp_time_is_when_a_step_of_that_length_has_arrived(
    current: dict[str, float], target: dict[str, float], limit: float | None
) -> None:
    time_s = ramp_time_s(current, target, ASSETS, site_ramp_mw_per_min=limit)

    after = ramp_step(current, target, ASSETS, time_s * (1.0 + 1e-9) + 1e-9, site_ramp_mw_per_min=limit)
    earlier = ramp_step(current, target, ASSETS, time_s * 0.9, site_ramp_mw_per_min=limit)
    assert after == target
    assert time_s == 0.0 or time_s < 1e-9 or earlier != target


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3.0, "3 s"),
        (59.6, "1 min 0 s"),
        (180.0, "3 min 0 s"),
        (6624.0, "1 h 50 min"),
        (3599.8, "1 h 0 min"),
        (2e5, "2 d 8 h"),
    ],
)
def test_times_are_said_in_two_units(seconds: float, said: str) -> None:
    assert in_words(seconds) == said


def test_the_check_and_the_preview_agree_on_a_single_asset_at_its_power() -> None:
    answer = checked(30.0, duration_s=7200.0)

    path = soc_path(NQ1, soc_mwh=60.0, start_mw=30.0, mw=30.0, until_s=7200.0)
    assert answer.ends_in_s == pytest.approx(path.bound_after_s)
    assert answer.shortfall_mwh == pytest.approx(path.shortfall_mwh)
