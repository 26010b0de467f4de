"""What each policy does, in cases that can be followed with a pencil."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afterbay.community.step import FLOWS, Block, CommunityStep, components_of, devices_of, initial_state, tree_arrays
from afterbay.community.topology import (
    ElectricVehicle,
    Flag,
    Grid,
    HomeBattery,
    House,
    LoadSeries,
    SolarArray,
    Transformer,
    WindTurbine,
    two_houses,
)

_PLAIN = HomeBattery(10.0, 4.0, 4.0, 0.0, 1.0, 0.5, 1.0, 1.0)
_ROWS = ("load", "sun", "wind", "none")


def _run(grid: Grid, *, load: Any, sun: Any = 0.0, wind: Any = 0.0, stays: Any = None, steps: int = 1,
         peak: float = 0.0, hour: float = 12.0) -> tuple[dict[str, np.ndarray[Any, Any]], Block]:  # fmt: skip
    """Run hourly steps; return the flows of every house, shape (T, H) each."""
    houses = [house for house, _ in grid.every_house()]
    profiles = np.array([np.broadcast_to(np.asarray(row, dtype=float), steps) for row in (load, sun, wind, 0.0)])
    devices = devices_of(houses, (stays or {}).__getitem__, np.full(len(houses), peak))
    step = CommunityStep(
        tree_arrays(grid).tree, components_of(houses, _ROWS.index), devices, 1.0, chosen=range(len(houses))
    )
    hours = np.asarray((hour + np.arange(steps)) % 24.0, dtype=np.float64)
    block = step.run(profiles, hours, np.array([0, steps]), initial_state(houses, devices), first=0)
    return dict(zip(FLOWS, block.series_kwh, strict=True)), block


def _home(battery: HomeBattery | None = None, **fields: Any) -> House:
    fields = {"loads": (LoadSeries("load"),), "solar": (SolarArray("sun", 10.0),)} | fields
    return House("H", batteries=() if battery is None else (battery,), **fields)


def _one(battery: HomeBattery | None = None, *, fields: dict[str, Any] | None = None, **drive: Any) -> dict[str, float]:
    flows, _ = _run(Grid(houses=(_home(battery, **(fields or {})),)), **drive)
    return {name: round(float(column[0, 0]), 9) for name, column in flows.items()}


def test_journey_j9_ends_in_its_numbers() -> None:
    grid = two_houses()
    houses = [house for house, _ in grid.every_house()]
    no_cars: dict[str, Any] = {}
    devices = devices_of(houses, no_cars.__getitem__)
    rows = ["load-H-1.1.1", "load-H-1.1.2", "solar-1"]
    step = CommunityStep(tree_arrays(grid).tree, components_of(houses, rows.index), devices, 0.25)
    profiles = np.array([np.full(96, 1.0), np.full(96, 1.5), np.full(96, 1.0)])

    block = step.run(profiles, np.arange(96) / 4, np.array([0, 96]), initial_state(houses, devices), first=0)

    day = dict(zip(FLOWS, block.daily_kwh[0], strict=True))
    assert day["solar_kwh"].tolist() == [72.0, 0.0]
    assert day["own_use_kwh"].tolist() == [24.0, 0.0]
    assert day["import_kwh"].tolist() == [0.0, 36.0]
    assert day["export_kwh"].tolist() == [48.0, 0.0]
    assert block.nodes_kwh[1, :, 0].sum() == 12.0
    assert block.nodes_kwh[0].sum() == 0.0
    assert (block.nodes_kwh[1, :, 1] == 0.125).all()


def test_self_consumption_stores_the_surplus_and_gives_it_back_down_to_the_reserve() -> None:
    day, night = _one(_PLAIN, load=1.0, sun=0.4), _one(replace(_PLAIN, reserve_soc=0.3), load=3.0)

    assert (day["charge_kwh"], day["export_kwh"], day["stored_kwh"]) == (3.0, 0.0, 8.0)
    assert (night["discharge_kwh"], night["import_kwh"], night["stored_kwh"]) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("hour", "grid_charge", "charged", "given"),
    [(2.0, True, 4.0, 0.0), (2.0, False, 0.0, 0.0), (19.0, True, 0.0, 1.0), (12.0, True, 0.0, 0.0)],
)
def test_time_of_use_fills_from_the_grid_at_night_and_gives_in_the_evening(
    hour: float, grid_charge: bool, charged: float, given: float
) -> None:
    battery = replace(_PLAIN, mode="time_of_use", grid_charge=grid_charge, charge_from_h=22.0, charge_to_h=6.0,
                      discharge_from_h=17.0, discharge_to_h=22.0)  # fmt: skip

    found = _one(battery, load=1.0, hour=hour)

    assert (found["charge_kwh"], found["discharge_kwh"], found["import_kwh"]) == (charged, given, 1 + charged - given)


def test_a_full_battery_does_not_empty_itself_in_its_charging_window() -> None:
    battery = replace(_PLAIN, mode="time_of_use", grid_charge=True, charge_from_h=0.0, charge_to_h=24.0)

    found, _ = _run(Grid(houses=(_home(battery),)), load=1.0, steps=6)

    assert found["stored_kwh"][:, 0].tolist() == [9.0, 10.0, 10.0, 10.0, 10.0, 10.0]
    assert found["discharge_kwh"].max() == 0.0


@pytest.mark.parametrize(("start", "end", "stored"), [(0.0, 0.0, 3.0), (11.0, 14.0, 3.0), (15.0, 18.0, 0.0)])
def test_a_charging_window_without_the_grid_says_when_the_surplus_is_stored(
    start: float, end: float, stored: float
) -> None:
    battery = replace(_PLAIN, mode="time_of_use", charge_from_h=start, charge_to_h=end)

    assert _one(battery, load=1.0, sun=0.4)["charge_kwh"] == stored


def test_grid_charging_stops_at_the_connection() -> None:
    battery = replace(_PLAIN, mode="time_of_use", grid_charge=True, charge_to_h=24.0)

    found = _one(battery, fields={"import_kw": 3.0}, load=1.0)

    assert (found["import_kwh"], found["charge_kwh"]) == (3.0, 2.0)


def test_solar_only_leaves_the_wind_alone_also_with_two_batteries() -> None:
    battery = replace(_PLAIN, mode="solar_only", charge_kw=1.5)
    house = replace(_home(), wind=(WindTurbine("wind", 10.0),), batteries=(battery, battery))

    found, _ = _run(Grid(houses=(house,)), load=0.0, sun=0.2, wind=0.4)

    assert found["charge_kwh"][0, 0] == pytest.approx(2.0)
    assert found["export_kwh"][0, 0] == pytest.approx(4.0)


def test_a_reserve_is_filled_from_the_grid_and_only_what_is_above_it_is_used() -> None:
    below = _one(replace(_PLAIN, mode="reserve", reserve_soc=0.6), load=1.0)
    above = _one(replace(_PLAIN, mode="reserve", reserve_soc=0.4), load=3.0)

    assert (below["charge_kwh"], below["stored_kwh"], below["import_kwh"]) == (1.0, 6.0, 2.0)
    assert (above["discharge_kwh"], above["stored_kwh"], above["import_kwh"]) == (1.0, 4.0, 2.0)


def test_in_an_emergency_the_reserve_serves_what_the_connection_cannot() -> None:
    battery = replace(_PLAIN, mode="reserve", reserve_soc=1.0, min_soc=0.2)

    found = _one(battery, fields={"import_kw": 1.0}, load=6.0)

    assert (found["import_kwh"], found["discharge_kwh"], found["unserved_connection_kwh"]) == (1.0, 3.0, 2.0)


def test_a_battery_with_a_policy_gives_before_the_reserve_of_another_is_touched() -> None:
    backup, daily = replace(_PLAIN, mode="reserve", reserve_soc=1.0), _PLAIN
    grid = Grid(houses=(replace(_home(), batteries=(backup, daily), import_kw=1.0),))

    found, block = _run(grid, load=4.0)

    assert found["discharge_kwh"][0, 0] == 4.0
    assert found["import_kwh"][0, 0] == 0.0
    assert block.daily_kwh[0, FLOWS.index("stored_kwh"), 0] == 6.0


@pytest.mark.parametrize(("sun", "load", "charged", "given"), [(0.3, 1.0, 0.0, 0.0), (0.5, 1.0, 4.0, 0.0),
                                                               (0.0, 1.0, 0.0, 0.0), (0.0, 3.9, 0.0, 3.9)])  # fmt: skip
def test_the_thresholds_of_the_original_hold_the_battery_back(
    sun: float, load: float, charged: float, given: float
) -> None:
    battery = replace(_PLAIN, solar_peak_fraction=0.4, load_peak_fraction=0.95)

    found = _one(battery, load=load, sun=sun, peak=4.0)

    assert (found["charge_kwh"], found["discharge_kwh"]) == (charged, given)


def test_what_the_connection_would_not_let_out_is_stored_whatever_the_policy_says() -> None:
    found = _one(replace(_PLAIN, solar_peak_fraction=1.0), fields={"export_kw": 2.0}, load=1.0, sun=0.8)

    assert (found["charge_kwh"], found["export_kwh"], found["curtailed_connection_kwh"]) == (4.0, 2.0, 1.0)


def test_an_inverter_clips_before_anything_else() -> None:
    found = _one(fields={"solar": (SolarArray("sun", 10.0, inverter_kw=6.0),)}, load=1.0, sun=0.8)

    assert (found["solar_kwh"], found["curtailed_inverter_kwh"], found["export_kwh"]) == (6.0, 2.0, 5.0)


def test_a_car_charges_its_must_part_at_once_and_the_rest_from_surplus_or_just_in_time() -> None:
    stays = {"car": (np.array([1]), np.array([6]), np.array([3.0]), np.array([6.0]))}
    grid = Grid(houses=(_home(cars=(ElectricVehicle("car", 2.0),), solar=(SolarArray("sun", 1.0),)),))

    found, _ = _run(grid, load=0.0, sun=[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], stays=stays, steps=7)

    # 9 kWh at 2 kW in five hours: 1 kWh may wait, and the sun of hour 3 comes before its deadline.
    assert found["car_kwh"][:, 0].tolist() == [0.0, 2.0, 1.0, 2.0, 2.0, 2.0, 0.0]
    assert found["car_missed_kwh"].sum() == 0.0


def test_a_car_that_cannot_be_charged_in_its_stay_is_booked_as_missed_when_it_leaves() -> None:
    stays = {"car": (np.array([-2, 2]), np.array([1, 4]), np.array([1.0, 9.0]), np.array([0.0, 0.0]))}
    grid = Grid(houses=(_home(cars=(ElectricVehicle("car", 2.0),)),))

    found, _ = _run(grid, load=0.0, stays=stays, steps=6)

    assert found["car_kwh"][:, 0].tolist() == [1.0, 0.0, 2.0, 2.0, 0.0, 0.0]
    assert found["car_missed_kwh"][:, 0].tolist() == [0.0, 0.0, 0.0, 0.0, 5.0, 0.0]


def test_community_batteries_share_a_surplus_by_what_they_could_take_up_to_the_dynamic_mark() -> None:
    sun = _home()
    shared = replace(_PLAIN, mode="community", voluntary_storage=True, base_share=0.3, dynamic_share=0.4)
    small = replace(shared, charge_kw=1.0, initial_soc=0.0)
    large = replace(shared, charge_kw=9.0, initial_soc=0.4)
    hosts = [House(f"B{at}", loads=(LoadSeries("none"),), batteries=(b,)) for at, b in enumerate((small, large))]

    half, _ = _run(Grid(houses=(sun, *hosts)), load=0.0, sun=0.2)
    much, _ = _run(Grid(houses=(sun, *hosts)), load=0.0, sun=0.9)

    # Both could take 1 and 3 kWh: the large one is at 4 of the 7 kWh that neighbours may fill.
    assert half["charge_kwh"][0].tolist() == pytest.approx([0.0, 0.5, 1.5])
    assert much["charge_kwh"][0].tolist() == pytest.approx([0.0, 1.0, 3.0])
    assert much["stored_kwh"][0].tolist() == pytest.approx([0.0, 1.0, 7.0])


def test_two_community_batteries_behind_one_meter_share_its_room() -> None:
    shared = replace(_PLAIN, mode="community", voluntary_storage=True, initial_soc=0.0)
    host = House("B", loads=(LoadSeries("none"),), batteries=(shared, shared), import_kw=3.0)

    found, _ = _run(Grid(houses=(_home(), host)), load=0.0, sun=0.3)

    assert found["charge_kwh"][0].tolist() == pytest.approx([0.0, 3.0])


def test_neighbours_draw_a_community_battery_down_to_its_base() -> None:
    shared = replace(_PLAIN, mode="community", voluntary_storage=True, base_share=0.3)
    host = House("B", loads=(LoadSeries("none"),), batteries=(shared,))

    found, _ = _run(Grid(houses=(_home(), host)), load=3.0)

    assert found["export_kwh"][0].tolist() == [0.0, 2.0]
    assert found["stored_kwh"][0, 1] == 3.0


def test_a_limit_is_relieved_by_batteries_then_cars_then_the_last_class() -> None:
    stays = {"car": (np.array([0]), np.array([9]), np.array([2.0]), np.array([0.0]))}
    hospital = House("H-1", loads=(LoadSeries("load"),), flags=(Flag("Priority", "Hospital"),))
    stored = House("H-2", loads=(LoadSeries("load"),), batteries=(replace(_PLAIN, mode="reserve", reserve_soc=0.5),))
    driver = House("H-3", loads=(LoadSeries("load"),), cars=(ElectricVehicle("car", 2.0),))

    def outcome(limit: float) -> list[list[float]]:
        low = Transformer("T-1", houses=(hospital, stored, driver), import_limit_kw=limit)
        found, _ = _run(Grid(transformers=(low,), priority=(("Priority", "Hospital"),)), load=4.0, stays=stays)
        return [found[name][0].round(9).tolist() for name in ("discharge_kwh", "car_kwh", "unserved_network_kwh")]

    assert outcome(14.0) == [[0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    assert outcome(8.0) == [[0.0, 4.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert outcome(6.0) == [[0.0, 4.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    assert outcome(1.0) == [[0.0, 4.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0]]


def test_where_export_is_not_allowed_all_that_is_left_is_curtailed() -> None:
    low = Transformer("T-1", houses=(_home(), replace(_home(), name="H-2")), allow_export=False)

    found, block = _run(Grid(transformers=(low,)), load=1.0, sun=0.4)

    assert found["curtailed_network_kwh"][0].tolist() == [3.0, 3.0]
    assert block.nodes_kwh[1].max() == 0.0


def test_losses_are_those_of_the_formulas() -> None:
    low = Transformer("T-1", houses=(_home(),), rated_kw=10.0, forward_efficiency=0.8, backward_efficiency=0.9,
                      no_load_loss_kw=0.5, load_loss_kw=2.0)  # fmt: skip

    _, evening = _run(Grid(transformers=(low,)), load=4.0)
    _, noon = _run(Grid(transformers=(low,)), load=0.0, sun=0.5)

    assert evening.nodes_kwh[0, 0].tolist() == pytest.approx([4 / 0.8 + 0.02 * 16 + 0.5, 4.0])
    assert noon.nodes_kwh[1, 0].tolist() == pytest.approx([5 * 0.9 - 0.02 * 25 - 0.5, 5.0])


def test_a_load_loss_beyond_all_reason_loses_everything_and_no_more() -> None:
    low = Transformer("T-1", houses=(_home(),), rated_kw=1.0, load_loss_kw=0.9)

    _, block = _run(Grid(transformers=(low,)), load=0.0, sun=1.0)

    assert block.nodes_kwh[1, 0].tolist() == [0.0, 10.0]
    assert block.nodes_kwh[2, 0, 1] == 10.0
