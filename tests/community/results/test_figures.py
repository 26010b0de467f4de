from __future__ import annotations

import math

import numpy as np
import pytest
from community_results import elm_week, one_house, random_community, random_run, two_house_library, two_house_run
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.results import (
    KPI_DEFINITIONS,
    community_kpis,
    definitions_table,
    house_kpis,
    house_peaks_kw,
    kpi_names,
    origins,
    run_without_batteries,
    transformer_kpis,
)
from afterbay.community.simulation import horizon, run_community
from afterbay.community.topology import HomeBattery, set_fields, two_houses
from afterbay.core.errors import InvalidInputError

HOUR = np.arange(96) / 4.0
NOON = np.where((HOUR >= 10) & (HOUR < 14), 3.0, 0.0)
NONE = np.zeros(96)


def test_two_houses_show_the_numbers_of_journey_j9() -> None:
    run = two_house_run()

    kpis = community_kpis(run)

    assert kpis["solar_kwh"] == pytest.approx(72.0)
    assert kpis["own_use_kwh"] == pytest.approx(24.0)
    assert kpis["shared_kwh"] == pytest.approx(36.0)
    assert kpis["grid_export_kwh"] == pytest.approx(12.0)
    assert kpis["grid_import_kwh"] == kpis["utility_bought_kwh"] == pytest.approx(0.0)
    assert kpis["self_sufficiency_fraction"] == pytest.approx(1.0)
    assert f"{100 * kpis['self_consumption_fraction']:.1f}" == "83.3"
    assert kpis["residual_kwh"] <= 1e-12
    net_kw = (run.nodes("down_kwh")[:, 1] - run.nodes("up_kwh")[:, 1]) / 0.25
    assert net_kw == pytest.approx(np.full(96, -0.5))


def test_two_houses_that_do_not_share_buy_and_sell_all_they_exchange() -> None:
    run = two_house_run("none")

    houses, kpis = house_kpis(run), community_kpis(run)

    assert houses["utility_bought_kwh"] == pytest.approx([0.0, 36.0])
    assert houses["utility_sold_kwh"] == pytest.approx([48.0, 0.0])
    assert kpis["self_sufficiency_fraction"] == pytest.approx(24.0 / 60.0)
    assert kpis["self_consumption_fraction"] == pytest.approx(24.0 / 72.0)
    assert kpis["grid_export_kwh"] == community_kpis(two_house_run())["grid_export_kwh"]


def test_a_house_is_told_with_and_without_its_neighbours() -> None:
    houses = house_kpis(two_house_run())

    assert houses["self_consumption_fraction"][0] == pytest.approx(60.0 / 72.0)
    assert houses["self_consumption_alone_fraction"][0] == pytest.approx(24.0 / 72.0)
    assert houses["self_sufficiency_fraction"] == pytest.approx([1.0, 1.0])
    assert houses["self_sufficiency_alone_fraction"] == pytest.approx([1.0, 0.0])
    assert houses["community_share_fraction"][1] == pytest.approx(1.0)
    # A house without generation has no self-consumption, not one of zero.
    assert math.isnan(houses["self_consumption_fraction"][1])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["proportional", "equal", "none", "dynamic"]))
def test_no_more_local_energy_is_used_than_was_made(seed: int, rule: str) -> None:
    run = random_run(seed, rule)

    parts, kpis, houses = origins(run), community_kpis(run), house_kpis(run)

    used = float(parts.own_kwh.sum() + parts.shared_kwh.sum())
    curtailed = kpis["curtailed_connection_kwh"] + kpis["curtailed_network_kwh"]
    assert used <= kpis["generation_kwh"] - curtailed + 1e-9 * max(kpis["generation_kwh"], 1.0)
    assert used == pytest.approx(kpis["own_use_kwh"] + kpis["shared_used_kwh"])
    for name in kpi_names("community"):
        if name.endswith("_fraction") and "reduction" not in name and not math.isnan(kpis[name]):
            assert 0.0 <= kpis[name] <= 1.0, name
    for name, values in houses.items():
        known = values[~np.isnan(values)]
        assert (known >= -1e-12).all(), name
        assert not name.endswith("_fraction") or (known <= 1.0).all(), name


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_parts_of_a_day_are_what_its_meters_and_batteries_show(seed: int) -> None:
    run = random_run(seed)

    parts = origins(run)

    def daily(name: str) -> np.ndarray:
        return run.daily(f"{name}_kwh")

    assert parts.generation_charged_kwh + parts.meter_charged_kwh == pytest.approx(daily("charge"))
    assert parts.battery_used_kwh + parts.battery_exported_kwh == pytest.approx(daily("discharge"), abs=1e-9)
    assert parts.meter_used_kwh + parts.meter_charged_kwh == pytest.approx(daily("import"), abs=1e-9)
    assert parts.generation_exported_kwh + parts.battery_exported_kwh == pytest.approx(daily("export"))
    for part in (parts.own_kwh, parts.shared_kwh, parts.given_kwh, parts.generation_charged_kwh):
        assert (part >= -1e-9).all()
    assert (parts.own_generation_kwh <= parts.own_kwh + 1e-9).all()


def test_both_shares_have_the_same_energy_above_the_line() -> None:
    kpis = community_kpis(elm_week())

    assert kpis["self_consumption_fraction"] * kpis["generation_kwh"] == pytest.approx(
        kpis["self_sufficiency_fraction"] * kpis["demand_kwh"]
    )
    assert kpis["self_consumption_fraction"] != pytest.approx(kpis["self_sufficiency_fraction"])


def test_sharing_helps_and_moves_no_physical_energy() -> None:
    shared, alone = community_kpis(elm_week()), community_kpis(elm_week(rule="none"))

    assert shared["self_sufficiency_fraction"] > alone["self_sufficiency_fraction"]
    assert alone["shared_kwh"] == 0.0
    for name in ("grid_import_kwh", "grid_export_kwh", "peak_import_kw", "network_loss_kwh", "battery_cycles"):
        assert shared[name] == alone[name], name


def test_energy_that_was_bought_at_night_is_not_self_supply_when_the_battery_gives_it_back() -> None:
    battery = HomeBattery(
        10.0, 5.0, 5.0, 0.0, 1.0, 0.0, mode="time_of_use", charge_to_h=4.0, discharge_from_h=4.0, grid_charge=True
    )
    _, _, run = one_house(np.full(96, 1.0), NONE, battery, days=2)

    kpis = community_kpis(run)

    assert kpis["discharge_kwh"] > 5.0
    assert kpis["own_use_kwh"] == 0.0
    assert kpis["self_sufficiency_fraction"] == 0.0


def test_solar_that_was_stored_is_self_supply_when_it_is_used() -> None:
    battery = HomeBattery(20.0, 5.0, 5.0, 0.0, 1.0, 0.0)
    _, _, run = one_house(np.full(96, 0.4), NOON, battery)

    kpis = community_kpis(run)

    assert kpis["discharge_kwh"] > 1.0
    assert kpis["own_use_kwh"] == pytest.approx(4 * 0.4 + kpis["discharge_kwh"])
    assert kpis["self_sufficiency_fraction"] == pytest.approx(kpis["own_use_kwh"] / 9.6)


def test_what_the_battery_held_before_the_run_is_nobodys_supply() -> None:
    _, _, run = one_house(np.full(96, 1.0), NONE, HomeBattery(10.0, 5.0, 5.0, 0.0, 1.0, 1.0))

    kpis = community_kpis(run)

    assert kpis["discharge_kwh"] == pytest.approx(9.5)
    assert kpis["own_use_kwh"] == 0.0


def test_cycles_are_discharge_over_the_usable_part() -> None:
    battery = HomeBattery(10.0, 5.0, 5.0, 0.1, 0.9, 0.9)
    _, _, run = one_house(np.full(96, 1.0), NONE, battery)

    assert community_kpis(run)["battery_cycles"] == pytest.approx(0.95)


def test_emissions_follow_the_substation_and_are_unknown_without_a_factor() -> None:
    _, _, with_factor = one_house(np.full(96, 2.0), NONE, emission_kg_per_kwh=0.5)
    _, _, without = one_house(np.full(96, 2.0), NONE)

    assert community_kpis(with_factor)["emissions_kg"] == pytest.approx(24.0)
    assert math.isnan(community_kpis(without)["emissions_kg"])


@pytest.mark.parametrize(("rated_kw", "hours"), [(0.5, 0.0), (0.4999, 24.0), (50.0, 0.0)])
def test_overload_begins_above_the_rating_in_either_direction(rated_kw: float, hours: float) -> None:
    grid = set_fields(two_houses(), "T-1.1", rated_kw=rated_kw)

    run = run_community(grid, two_house_library(), "proportional", horizon("2023-06-01", 1))

    transformer = transformer_kpis(run)
    assert transformer["overload_h"] == pytest.approx([hours])
    assert transformer["peak_loading_fraction"] == pytest.approx([0.5 / rated_kw])
    assert community_kpis(run)["overload_h"] == hours


def test_a_transformer_without_a_rating_has_energies_and_no_loading() -> None:
    run = random_run(3)
    bare = set_fields(run.grid, "T-1.1", rated_kw=None, load_loss_kw=0.0)
    library = random_community(3)[1]

    found = transformer_kpis(run_community(bare, library, "none", run.timeline))

    assert math.isnan(found["overload_h"][0])
    assert math.isnan(found["peak_loading_fraction"][0])
    assert found["down_kwh"][0] + found["up_kwh"][0] > 0.0


def test_peaks_of_houses_come_from_their_meters() -> None:
    run = two_house_run()

    imports, exports = house_peaks_kw(run)

    assert imports == pytest.approx([0.0, 1.5])
    assert exports == pytest.approx([2.0, 0.0])
    assert house_kpis(run, peaks=True)["peak_house_import_kw"] == pytest.approx(imports)
    assert "peak_house_import_kw" not in house_kpis(run)


def test_the_peak_is_compared_with_the_same_community_without_batteries() -> None:
    evening = np.where((HOUR >= 18) & (HOUR < 19), 4.0, 0.0)
    battery = HomeBattery(20.0, 3.0, 3.0, 0.0, 1.0, 0.0, 1.0, 1.0)
    _, library, run = one_house(evening, NOON, battery)

    kpis = community_kpis(run, run_without_batteries(run, library))

    assert kpis["peak_import_kw"] == pytest.approx(1.0)
    assert kpis["peak_import_reduction_fraction"] == pytest.approx(0.75)
    assert kpis["peak_export_reduction_fraction"] == pytest.approx(1.0)
    assert math.isnan(community_kpis(run)["peak_import_reduction_fraction"])


def test_a_baseline_of_another_community_is_refused() -> None:
    _, _, run = one_house(np.full(96, 1.0), NONE)
    _, _, other = one_house(np.full(96, 2.0), NONE)

    with pytest.raises(InvalidInputError, match=r"other profiles \(load\)"):
        community_kpis(run, other)


def test_a_baseline_from_other_profiles_is_refused_by_name() -> None:
    _, _, run = one_house(np.full(96, 1.0), NONE)
    _, other, _ = one_house(np.full(96, 2.0), NONE)

    with pytest.raises(InvalidInputError, match="another load"):
        run_without_batteries(run, other)


def test_every_figure_is_defined_and_every_definition_has_a_figure() -> None:
    run = elm_week()

    assert tuple(community_kpis(run)) == kpi_names("community")
    assert tuple(house_kpis(run, peaks=True)) == kpi_names("house")
    assert tuple(transformer_kpis(run)) == kpi_names("transformer")
    assert set(KPI_DEFINITIONS) == {*kpi_names("community"), *kpi_names("house"), *kpi_names("transformer")}
    table = definitions_table()
    assert table.count("\n") == len(KPI_DEFINITIONS) + 2
    assert all(row.text.endswith(".") and row.name in table for row in KPI_DEFINITIONS.values())


def test_the_community_is_the_sum_of_its_houses() -> None:
    run = elm_week()

    kpis, houses = community_kpis(run), house_kpis(run)

    for name in ("load_kwh", "car_kwh", "own_use_kwh", "utility_bought_kwh", "battery_loss_kwh", "car_missed_kwh"):
        assert kpis[name] == pytest.approx(houses[name].sum()), name
    assert kpis["grid_import_kwh"] - kpis["grid_export_kwh"] == pytest.approx(
        houses["import_kwh"].sum() - houses["export_kwh"].sum() + kpis["network_loss_kwh"]
    )
