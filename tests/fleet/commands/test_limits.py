"""What becomes of a request: taken as it is, clamped, predicted, or refused with the reason."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from fleet_orders import FLEET, MILL, NORTH, PAIR, A, B, C, checked, present
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, OutOfRangeError
from afterbay.fleet.commands import AssetNow, CommandRequest, check_request, find_target, read_request
from afterbay.fleet.inventory.records import Asset, Inventory, Site


def limited_fleet(**limits: Any) -> Inventory:
    """Return the fleet with limits at North Quay, and a PV plant there."""
    sites = (replace(FLEET.sites[0], **limits), FLEET.sites[1])
    return replace(
        FLEET, sites=sites, assets=(*FLEET.assets, Asset("sun", NORTH, "NQ-PV", 0.0, 30.0, 0.0, asset_type="pv"))
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mw": math.nan}, "mw"),
        ({"mw": math.inf}, "mw"),
        ({"mw": True}, "mw"),
        ({"mw": "10"}, "mw"),
        ({"mw": None}, "mw"),
        ({}, "mw"),
        ({"mw": 1, "duration_s": -1}, "duration_s"),
        ({"mw": 1, "duration_s": 0}, "duration_s"),
        ({"mw": 1, "duration_s": math.nan}, "duration_s"),
        ({"mw": 1, "duration_s": True}, "duration_s"),
        ({"mw": 1, "duration_s": 1e12}, "duration_s"),
        ({"mw": 1, "deliver_within_s": -3}, "deliver_within_s"),
        ({"mw": 1, "hold_offline_s": math.inf}, "hold_offline_s"),
        ({"mw": 1, "fallback_mw": math.nan}, "fallback_mw"),
        ({"mw": 1, "asset_id": 7}, "asset_id"),
        ({"mw": 1, "asset_id": ""}, "asset_id"),
        ({"mw": 1, "strict": "yes"}, "strict"),
        ({"mw": 1, "note": "x" * 501}, "note"),
        ({"mw": 1, "mode": "charge"}, "mode"),
        ({"mw": -1, "mode": "Discharge"}, "mode"),
        ({"mw": 1, "mode": "idle"}, "mode"),
    ],
)
def test_a_body_that_is_not_well_formed_is_refused_by_the_name_of_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read_request({"site_id": NORTH, **body})

    assert [problem.where for problem in refusal.value.problems] == [field]


def test_all_problems_of_a_body_are_told_at_once() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read_request({"mw": math.nan, "duration_s": -1})

    assert [problem.where for problem in refusal.value.problems] == ["mw", "duration_s", "target"]


@pytest.mark.parametrize(
    "extra",
    [
        {"mode": "discharge"},
        {"mode": "whatever"},
        {"mode": 3},
        {"colour": "red"},
        {"duration_s": None, "group_id": None},
    ],
)
def test_names_that_do_not_contradict_are_ignored(extra: dict[str, Any]) -> None:
    assert read_request({"asset_id": A, "mw": 10, **extra}).mw == 10.0


def test_stop_agrees_with_zero() -> None:
    assert read_request({"asset_id": A, "mw": 0, "mode": "stop"}).mw == 0.0


def test_the_narrowest_id_wins_and_an_unknown_one_moves_nothing() -> None:
    assert find_target(FLEET, asset_id=B, site_id=MILL, group_id=PAIR).asset_ids == (B,)
    assert find_target(FLEET, site_id=NORTH, group_id=PAIR).asset_ids == (A, B)
    assert find_target(FLEET, group_id=PAIR).asset_ids == (A, C)
    for ids in ({"asset_id": "x", "site_id": NORTH}, {"site_id": "x", "group_id": PAIR}, {"group_id": "x"}):
        with pytest.raises(NotFoundError, match="nothing was moved"):
            find_target(FLEET, **ids)
    with pytest.raises(InvalidInputError, match="name whom"):
        find_target(FLEET)


@given(st.floats(-1e6, 1e6))
def test_a_power_is_clamped_to_what_the_asset_can_do_and_says_so(mw: float) -> None:
    answer = checked(mw)

    assert answer.requested_mw == mw
    assert answer.mw == min(max(mw, -60.0), 60.0)
    assert answer.clamped == (abs(mw) > 60.0 + 1e-6) or abs(abs(mw) - 60.0) < 1e-5
    assert answer.clamped_by == ("p_limit" if answer.clamped else None)


def test_strict_refuses_with_the_limit_in_the_message() -> None:
    with pytest.raises(OutOfRangeError, match=r"got -70 MW, allowed: -60..60 MW .*NQ-1"):
        checked(-70.0, strict=True)
    assert checked(-60.0, strict=True).mw == -60.0


def test_a_site_is_clamped_to_what_its_assets_can_do_together() -> None:
    answer = checked(400.0, site_id=NORTH)

    assert (answer.mw, answer.clamped, answer.clamped_by) == (80.0, True, "p_limit")


def test_a_duration_that_the_energy_cannot_serve_is_answered_with_its_end_and_what_will_be_missing() -> None:
    answer = checked(30.0, duration_s=7200.0)

    assert answer.mw == 30.0
    assert not answer.clamped
    assert answer.ends_in_s == pytest.approx(60.0 * 0.92 / 30.0 * 3600.0)
    assert answer.limited_by == "soc_min"
    assert answer.shortfall_mwh == pytest.approx(60.0 - 55.2)
    assert answer.reason == "empty in 1 h 50 min; 4.8 MWh will be missing at the end"
    with pytest.raises(OutOfRangeError, match="empty in 1 h 50 min"):
        checked(30.0, duration_s=7200.0, strict=True)
    assert checked(30.0, duration_s=3600.0, strict=True).ends_in_s is None


def test_a_site_hands_the_part_of_an_empty_asset_to_the_others_before_it_falls_short() -> None:
    answer = checked(20.0, site_id=NORTH, duration_s=4 * 3600.0)

    stored = 60.0 * 0.92 + 20.0 * 0.91
    assert answer.ends_in_s == pytest.approx(stored / 20.0 * 3600.0, rel=1e-6)
    assert answer.shortfall_mwh == pytest.approx(80.0 - stored, rel=1e-6)


@pytest.mark.parametrize(("mw", "share", "by"), [(5.0, 0.0, "soc_min"), (-5.0, 1.0, "soc_max")])
def test_a_command_outward_at_a_bound_keeps_its_intent_and_says_that_nothing_will_flow(
    mw: float, share: float, by: str
) -> None:
    now = present(soc_share=share)
    request = CommandRequest(mw=mw, asset_id=A, duration_s=3600.0)

    answer = check_request(request, FLEET, now)

    assert (answer.mw, answer.ends_in_s, answer.limited_by) == (mw, 0.0, by)
    assert answer.shortfall_mwh == pytest.approx(5.0)
    with pytest.raises(OutOfRangeError):
        check_request(replace(request, strict=True), FLEET, now)
    assert check_request(replace(request, strict=True, mw=-mw), FLEET, now).ends_in_s is None


def test_a_reserve_is_not_discharged() -> None:
    fleet = Inventory(FLEET.sites, (replace(FLEET.assets[0], reserve_soc_pct=50.0),))

    answer = check_request(CommandRequest(mw=5.0, asset_id=A), fleet, present(fleet=fleet))

    assert (answer.ends_in_s, answer.limited_by, answer.reason) == (0.0, "reserve", "down to its reserve now")


def test_a_fault_is_told_and_refused_when_strict() -> None:
    now = {A: replace(present()[A], fault=True)}

    assert check_request(CommandRequest(mw=5.0, asset_id=A), FLEET, now).limited_by == "fault"
    with pytest.raises(OutOfRangeError, match="in fault"):
        check_request(CommandRequest(mw=5.0, asset_id=A, strict=True), FLEET, now)


def test_an_unknown_state_of_charge_promises_and_refuses_nothing() -> None:
    now = {A: AssetNow(FLEET.assets[0])}

    answer = check_request(CommandRequest(mw=5.0, asset_id=A, duration_s=1e6, strict=True), FLEET, now)

    assert (answer.ends_in_s, answer.shortfall_mwh) == (None, 0.0)


@pytest.mark.parametrize(
    ("mw", "limits", "others", "allowed"),
    [
        (60.0, {"export_limit_mw": 50.0}, {}, 50.0),
        (60.0, {"export_limit_mw": 50.0}, {"sun": 20.0}, 30.0),
        (60.0, {"export_limit_mw": 50.0}, {"sun": 20.0, B: -5.0}, 30.0),
        (60.0, {"export_limit_mw": 10.0}, {"sun": 20.0}, 0.0),
        (-60.0, {"import_limit_mw": 50.0}, {}, -50.0),
        (-60.0, {"import_limit_mw": 50.0}, {B: -20.0}, -30.0),
    ],
)
def test_the_connection_of_a_site_bounds_a_command_with_the_power_of_the_other_assets(
    mw: float, limits: dict[str, float], others: dict[str, float], allowed: float
) -> None:
    fleet = limited_fleet(**limits)
    now = present(fleet=fleet)
    # One that is ramping up counts with where it goes.
    now |= {key: replace(now[key], mw=0.0, setpoint_mw=power) for key, power in others.items()}

    answer = check_request(CommandRequest(mw=mw, asset_id=A), fleet, now)

    assert answer.mw == pytest.approx(allowed)
    assert (answer.clamped, answer.clamped_by) == (True, "site_limit")
    with pytest.raises(OutOfRangeError, match="site's limit"):
        check_request(CommandRequest(mw=mw, asset_id=A, strict=True), fleet, now)


def test_a_command_for_a_site_counts_the_sun_that_it_does_not_move() -> None:
    fleet = limited_fleet(export_limit_mw=50.0)
    now = present(fleet=fleet)
    now["sun"] = replace(now["sun"], mw=25.0)

    answer = check_request(CommandRequest(mw=60.0, site_id=NORTH), fleet, now)

    assert answer.mw == pytest.approx(25.0)
    assert answer.split.left_alone == ("sun",)


def test_an_asset_that_is_offline_is_a_conflict_unless_the_command_may_wait() -> None:
    with pytest.raises(ConflictError, match="offline: asset NQ-1"):
        checked(5.0, offline=(A,))
    with pytest.raises(ConflictError, match="all assets"):
        checked(5.0, site_id=NORTH, offline=(A, B))
    assert checked(5.0, offline=(A,), deliver_within_s=60.0).offline == (A,)
    assert checked(5.0, site_id=NORTH, offline=(A,)).split.mw_of(B) == 5.0


def test_an_asset_that_was_never_heard_of_is_offline() -> None:
    with pytest.raises(ConflictError):
        check_request(CommandRequest(mw=1.0, asset_id=A), FLEET, {})


def test_a_site_without_assets_is_refused() -> None:
    fleet = Inventory((Site("empty", "Empty"),))

    with pytest.raises(InvalidInputError, match="no assets"):
        check_request(CommandRequest(mw=1.0, site_id="empty"), fleet, {})


def test_a_fallback_beyond_what_the_asset_can_do_is_refused() -> None:
    with pytest.raises(OutOfRangeError, match="fallback_mw"):
        checked(5.0, fallback_mw=61.0)
