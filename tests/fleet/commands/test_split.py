"""The split of a site's power: the golden cases, and laws that hold for every fleet."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from fleet_orders import FLEET, NOON, NORTH, A, B
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import NotFoundError, OutOfRangeError
from afterbay.fleet.commands import AssetNow, Split, find_target, part_leases, site_now, split_power
from afterbay.fleet.inventory.records import Asset, AssetType, Inventory, Site
from afterbay.fleet.messages import Lease
from shared_data import shared_path

HOWS = ("headroom", "capacity", "none")


def golden_splits() -> list[Any]:
    try:
        text = shared_path("golden/fleet_cases.json").read_text()
    except pytest.skip.Exception:
        return []
    cases = [case for case in json.loads(text)["cases"] if case["kind"] == "split"]
    return [pytest.param(case, id=case["id"]) for case in cases]


def golden_fleet(case: dict[str, Any]) -> Inventory:
    sites = tuple(Site(site_id, "site") for site_id in sorted({asset["site_id"] for asset in case["assets"]}))
    assets = tuple(
        Asset(each["asset_id"], each["site_id"], "x", each["capacity_mwhr"], each["max_mw"], each["min_mw"])
        for each in case["assets"]
    )
    return Inventory(sites, assets)


@pytest.mark.parametrize("case", golden_splits())
def test_golden_cases_are_split_as_they_say(case: dict[str, Any]) -> None:
    command = case["command"]
    fleet = golden_fleet(case)
    if case["expect"].get("rejected"):
        with pytest.raises(NotFoundError, match="unknown_asset"):
            find_target(fleet, asset_id=command["asset_id"], site_id=command["site_id"])
        return
    target = find_target(fleet, asset_id=command.get("asset_id"), site_id=command.get("site_id"))
    now = [AssetNow(asset) for asset in target.assets]

    plain = split_power(command["mw"], now, redistribute="none")
    by_headroom = split_power(command["mw"], now)
    by_capacity = split_power(command["mw"], now, redistribute="capacity")

    expect, again = case["expect"], case["expect_redistributed"]
    assert [part.asset_id for part in plain.allocations] == expect["targets"]
    assert {part.asset_id: part.raw_mw for part in plain.allocations} == pytest.approx(expect["raw_mw"], abs=1e-9)
    assert {part.asset_id: part.clamped for part in plain.allocations} == expect["clamped"]
    for split, powers, total, missing in (
        (plain, expect["mw"], expect["total_mw"], expect["shortfall_mw"]),
        (by_headroom, again["by_headroom"], again["total_mw"], again["shortfall_mw"]),
        (by_capacity, again["by_capacity"], again["total_mw"], again["shortfall_mw"]),
    ):
        assert {part.asset_id: part.mw for part in split.allocations} == pytest.approx(powers, abs=1e-9)
        assert split.allocated_mw == pytest.approx(total, abs=1e-9)
        assert split.shortfall_mw == pytest.approx(missing, abs=1e-9)


@st.composite
def fleets(draw: st.DrawFn, *, most: int = 6, sites: int = 1) -> list[AssetNow]:
    found = []
    for number in range(draw(st.integers(1, most))):
        capacity = draw(st.sampled_from([0.0, 1.0, 40.0, 120.0]) | st.floats(0.0, 500.0))
        asset = Asset(
            f"asset-{number}",
            f"site-{draw(st.integers(1, sites))}",
            "x",
            capacity,
            draw(st.floats(0.0, 100.0)),
            draw(st.floats(-100.0, 0.0)),
            draw(st.floats(0.5, 1.0)),
            min_soc_pct=draw(st.sampled_from([0.0, 10.0])),
            reserve_soc_pct=draw(st.sampled_from([None, 30.0])),
        )
        soc = draw(st.none() | st.sampled_from([0.0, 0.1, 1.0]) | st.floats(0.0, 1.0))
        online = draw(st.sampled_from([True, True, True, False]))
        power = draw(st.floats(asset.min_mw, asset.max_mw)) if not online else 0.0
        found.append(
            AssetNow(
                asset,
                online=online,
                mw=power,
                soc_mwh=None if soc is None else soc * capacity,
                fault=draw(st.sampled_from([False, False, False, True])),
            )
        )
    return found


def room_mw(now: AssetNow, mw: float) -> float:
    """Return the most that an online asset can do in the direction of a power."""
    if not now.online or now.fault:
        return 0.0
    asset = now.asset
    floor = max(asset.min_soc_pct, asset.reserve_soc_pct or 0.0) / 100.0 * asset.capacity_mwh
    known = now.soc_mwh is not None and asset.capacity_mwh > 0.0
    tiny = 1e-9 * asset.capacity_mwh
    if mw > 0.0:
        return 0.0 if known and (now.soc_mwh or 0.0) - floor <= tiny * 2.0 else asset.max_mw
    return 0.0 if known and asset.capacity_mwh - (now.soc_mwh or 0.0) <= tiny * 2.0 else -asset.min_mw


powers = st.sampled_from([0.0, 12.0, -12.0, 1e-6]) | st.floats(-400.0, 400.0)


@given(powers, fleets(), st.sampled_from(HOWS))
def test_nobody_gets_more_than_it_can_do_nor_the_other_sign(mw: float, fleet: list[AssetNow], how: Any) -> None:
    split = split_power(mw, fleet, redistribute=how)

    now = {each.asset.id: each for each in fleet}
    for part in split.allocations:
        if part.online:
            assert part.mw * mw >= 0.0
            assert abs(part.mw) <= room_mw(now[part.asset_id], mw) + 1e-12
        else:
            assert part.mw == now[part.asset_id].mw


@given(powers, fleets(), st.sampled_from(["headroom", "capacity"]))
def test_the_sum_is_what_was_asked_wherever_that_is_possible(mw: float, fleet: list[AssetNow], how: Any) -> None:
    split = split_power(mw, fleet, redistribute=how)

    held = math.fsum(each.mw for each in fleet if not each.online)
    rest = mw - held
    room = math.fsum(room_mw(each, mw) for each in fleet)
    assert math.fsum(part.mw for part in split.allocations) == pytest.approx(split.allocated_mw, abs=1e-9)
    assert split.requested_mw == pytest.approx(split.allocated_mw + split.shortfall_mw, abs=1e-6)
    if rest * mw > 0.0:
        expected = held + math.copysign(min(abs(rest), room), mw)
        assert split.allocated_mw == pytest.approx(expected, abs=1e-9 * max(1.0, abs(mw)))
    else:
        assert all(part.mw == 0.0 for part in split.allocations if part.online)


@given(powers, fleets(), st.randoms(use_true_random=False), st.sampled_from(HOWS))
def test_the_order_in_which_assets_are_given_does_not_matter(
    mw: float, fleet: list[AssetNow], random: Any, how: Any
) -> None:
    shuffled = list(fleet)
    random.shuffle(shuffled)

    assert split_power(mw, shuffled, redistribute=how) == split_power(mw, fleet, redistribute=how)


@given(st.floats(0.0, 400.0), st.floats(0.0, 400.0), fleets(), st.sampled_from(HOWS))
def test_asking_for_more_gives_nobody_less(low: float, more: float, fleet: list[AssetNow], how: Any) -> None:
    less, most = (split_power(mw, fleet, redistribute=how) for mw in (low, low + more))

    for before, after in zip(less.allocations, most.allocations, strict=True):
        assert after.mw >= before.mw - 1e-9


@given(powers, fleets())
def test_charging_mirrors_discharging(mw: float, fleet: list[AssetNow]) -> None:
    even = [replace(each, online=True, soc_mwh=None, fault=False, mw=0.0) for each in fleet]
    mirrored = [
        replace(each, asset=replace(each.asset, max_mw=-each.asset.min_mw, min_mw=-each.asset.max_mw)) for each in even
    ]

    there, back = split_power(mw, even), split_power(-mw, mirrored)

    assert [part.mw for part in back.allocations] == [-part.mw for part in there.allocations]


@given(st.floats(-400.0, 400.0), fleets(sites=3), st.floats(0.0, 60.0), st.floats(0.0, 60.0), st.floats(-20.0, 20.0))
def test_no_site_is_told_more_than_its_connection_takes(
    mw: float, fleet: list[AssetNow], export: float, imported: float, others: float
) -> None:
    sites = [
        site_now(
            Site(f"site-{number}", "x", export_limit_mw=export, import_limit_mw=imported),
            [AssetNow(Asset("other", f"site-{number}", "x", max_mw=99.0, min_mw=-99.0), mw=others)],
        )
        for number in (1, 2, 3)
    ]

    split = split_power(mw, fleet, sites=sites)

    part = {each.asset_id: each.mw for each in split.allocations}
    for site in sites:
        here = [each for each in fleet if each.asset.site_id == site.site.id]
        fixed = others + math.fsum(each.mw for each in here if not each.online)
        total = fixed + math.fsum(part[each.asset.id] for each in here if each.online)
        # What is fixed may break the limit by itself; the command never adds to that.
        assert min(-imported, fixed) - 1e-9 <= total <= max(export, fixed) + 1e-9


def test_an_empty_unit_gets_nothing_to_discharge_and_the_others_take_it_over() -> None:
    now = [AssetNow(asset, soc_mwh=0.0 if asset.id == A else 20.0) for asset in FLEET.assets_of(NORTH)]

    split = split_power(12.0, now)

    assert [(part.asset_id, part.mw, part.reason) for part in split.allocations] == [(A, 0.0, "soc_min"), (B, 12.0, "")]
    assert split.shortfall_mw == 0.0


def test_what_an_unreachable_unit_still_delivers_is_subtracted_first() -> None:
    a, b = (AssetNow(asset, soc_mwh=20.0) for asset in FLEET.assets_of(NORTH))

    split = split_power(12.0, [a, replace(b, online=False, mw=2.4)])

    assert split.mw_of(A) == pytest.approx(9.6)
    assert split.mw_of(B) is None
    assert split.allocated_mw == pytest.approx(12.0)


def test_an_unreachable_unit_that_does_more_than_asked_reverses_nobody() -> None:
    a, b = (AssetNow(asset, soc_mwh=20.0) for asset in FLEET.assets_of(NORTH))

    split = split_power(12.0, [a, replace(b, online=False, mw=20.0)])

    assert split.mw_of(A) == 0.0
    assert split.shortfall_mw == pytest.approx(-8.0)


def test_units_without_capacity_share_equally() -> None:
    now = [AssetNow(Asset(name, NORTH, name, 0.0, 10.0, -10.0)) for name in "xyz"]

    assert [part.mw for part in split_power(9.0, now).allocations] == pytest.approx([3.0, 3.0, 3.0])


@pytest.mark.parametrize("kind", ["pv", "wind", "ev"])
def test_a_split_moves_storage_and_leaves_alone_what_follows_sun_wind_and_drivers(kind: AssetType) -> None:
    now = [AssetNow(FLEET.assets[0], soc_mwh=60.0), AssetNow(Asset("z", NORTH, "z", 0.0, 5.0, -5.0, asset_type=kind))]

    together, alone = split_power(0.0, now), split_power(4.0, now[1:])

    assert [part.asset_id for part in together.allocations] == [A]
    assert together.left_alone == ("z",)
    assert alone.mw_of("z") == 4.0


def test_a_part_can_be_asked_to_last() -> None:
    now = [AssetNow(asset, soc_mwh=asset.capacity_mwh / 4.0) for asset in FLEET.assets_of(NORTH)]

    split = split_power(80.0, now, over_s=3600.0)

    assert split.mw_of(A) == pytest.approx(30.0 * 0.92)
    assert split.mw_of(B) == pytest.approx(10.0 * 0.91)


@pytest.mark.parametrize("mw", [math.nan, math.inf, True, "12"])
def test_what_is_no_number_is_not_split(mw: Any) -> None:
    with pytest.raises(OutOfRangeError):
        split_power(mw, [AssetNow(FLEET.assets[0])])


def test_part_leases_keep_identity_and_times_and_divide_power_and_fallback() -> None:
    lease = Lease("id", 12.0, 7, NOON, site_id=NORTH, fallback_mw=4.0, members=(A, B))
    split: Split = split_power(12.0, [AssetNow(asset) for asset in FLEET.assets_of(NORTH)])

    parts = part_leases(lease, split)

    assert [(part.asset_id, part.site_id, part.members, part.id, part.seq) for part in parts] == [
        (A, None, (), "id", 7),
        (B, None, (), "id", 7),
    ]
    assert [part.mw for part in parts] == pytest.approx([9.0, 3.0])
    assert [part.fallback_mw for part in parts] == pytest.approx([3.0, 1.0])
