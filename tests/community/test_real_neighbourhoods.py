"""Measured houses on real networks: a year through the whole chain, and no kilowatt-hour is lost or made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from afterbay.community.recipes import ProfileLibrary, clear_sky_site, measured_columns
from afterbay.community.results import community_check
from afterbay.community.settlement import settle, standard_rules
from afterbay.community.simulation import CommunityRun, horizon, run_community
from afterbay.community.topology import (
    Grid,
    HomeBattery,
    LoadSeries,
    SolarArray,
    Tariff,
    read_network,
    remove_nodes,
    set_fields,
)
from shared_data import shared_path

HOUSES = 85


def street(network: str, houses: int) -> tuple[Grid, ProfileLibrary]:
    """Give the first houses of a network the measured loads, every second one sun, every fourth a battery."""
    measured = measured_columns(shared_path("data/loads_houses_15min.parquet"))
    grid = read_network(shared_path(f"data/{network}.json")).grid
    names = grid.house_names
    grid = remove_nodes(grid, names[houses:]) if len(names) > houses else grid
    for place, (name, column) in enumerate(zip(names[:houses], measured, strict=False)):
        grid = set_fields(
            grid,
            name,
            loads=(LoadSeries(column),),
            solar=(SolarArray("sun", 4.0, inverter_kw=3.6),) if place % 2 == 0 else (),
            batteries=(HomeBattery(6.0, 2.5, 2.5),) if place % 4 == 0 else (),
        )
    grid = replace(
        grid, time_zone="Europe/London", latitude=51.5, longitude=-0.1, tariffs={"house": Tariff(0.30, 0.08)}
    )
    pytest.importorskip("pvlib")
    sun = clear_sky_site("sun", latitude=51.5, longitude=-0.1, cloud_factor=0.6, variability=0.7, seed=1)
    return grid, ProfileLibrary([*measured.values(), sun])


@pytest.fixture(scope="module")
def schutterwald() -> CommunityRun:
    grid, profiles = street("topology_schutterwald_sub", HOUSES)
    # The measurements are of 2013 in UTC; London's local year begins with them.
    return run_community(grid, profiles, "proportional", horizon("2013-01-01", 365, time_zone="Europe/London"))


def test_the_year_of_85_measured_houses_is_the_energy_of_its_source(schutterwald: CommunityRun) -> None:
    assert schutterwald.timeline.count == 35_040
    assert schutterwald.daily("load_kwh").sum() / 1e3 == pytest.approx(336.9, abs=0.05)


def test_energy_in_is_energy_out_on_the_real_tree(schutterwald: CommunityRun) -> None:
    run = schutterwald

    brought = run.daily("solar_kwh").sum() + run.nodes("down_kwh")[:, 0].sum()
    taken = run.daily("load_kwh").sum() + run.nodes("up_kwh")[:, 0].sum() + run.nodes("loss_kwh").sum()
    stored = 0.5 * 6.0 * np.count_nonzero(run.daily("charge_kwh").sum(axis=0))
    in_batteries = run.daily("battery_loss_kwh").sum() + run.daily("stored_kwh")[-1].sum() - stored
    assert brought == pytest.approx(taken + in_batteries, rel=1e-9)
    assert community_check(run).passed
    assert run.nodes("loss_kwh").sum() > 1_000.0  # a 400 kVA transformer is never without loss


def test_every_rule_settles_the_real_year_to_zero(schutterwald: CommunityRun) -> None:
    settled = settle(schutterwald, standard_rules(), daily=False)

    settled.check()
    assert len(settled.rules) >= 14
    assert settled.fairness("mid_market_rate").total_saving > 0.0


def test_55_of_them_live_on_the_european_feeder() -> None:
    grid, profiles = street("topology_ieee_european_lv", 55)

    run = run_community(grid, profiles, "equal", horizon("2013-06-01", 14, time_zone="Europe/London"))

    assert run.tree.n_houses == 55
    assert community_check(run).passed
    assert run.daily("bought_kwh").sum() > 0.0
