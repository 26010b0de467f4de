"""A tick is physics and a pure function: balance, bounds, state, and chance that belongs to the user."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from community_cycle import HEADER, MOMENT, make_users, random_users
from hypothesis import given
from hypothesis import strategies as st

import plain_python
from afterbay.community.cycle import ConstantWeather, CycleState, run_ticks, tick
from afterbay.community.cycle import tick_kernels as compiled
from afterbay.community.cycle.contract import STEP, read_moment
from afterbay.community.cycle.household import (
    KWH_PER_DAY,
    KWH_PER_PERSON_DAY,
    MONTH,
    WEEKDAY,
    WEEKEND,
    chance,
    daily_kwh,
    expected_kwh,
)
from afterbay.community.cycle.state import bounds_micro, start_micro
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place
from afterbay.community.step.devices import components_of, devices_of, initial_state
from afterbay.community.step.engine import CommunityStep
from afterbay.community.step.layout import CHARGE, DISCHARGE, STORED
from afterbay.community.step.tree import tree_arrays
from afterbay.community.topology.records import Grid, HomeBattery, House, LoadSeries, SolarArray
from afterbay.core.errors import InvalidInputError
from shared_data import shared_path

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.community.cycle import Rows, Users

SUN = ConstantWeather(0.9)
DAY = [read_moment("2024-06-21T00:00:00") + STEP * index for index in range(96)]
AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-6, 1e5))
ETAS = st.floats(0.1, 1.0)
MICRO = st.integers(0, 10**9)


def balance(rows: Rows) -> list[int]:
    generation, used, _, charge, discharge, bought, sold, surplus = rows.micro.T
    return [
        *(generation + bought + discharge - used - sold - charge).tolist(),
        *(surplus - generation + used).tolist(),
    ]


def test_every_row_balances_to_the_last_digit_over_a_day(tmp_path: Path) -> None:
    users = random_users(tmp_path, 200)

    _, ticks = run_ticks(CycleState(), users, SUN, DAY, 1)

    assert {number for rows in ticks for number in balance(rows)} == {0}
    assert sum(rows.total_kwh("battery_charge_kwh") for rows in ticks) > 100
    assert sum(rows.total_kwh("battery_discharge_kwh") for rows in ticks) > 100


def test_generation_never_exceeds_nameplate_or_inverter_and_no_flow_is_negative(tmp_path: Path) -> None:
    users = random_users(tmp_path, 200)

    _, ticks = run_ticks(CycleState(), users, ConstantWeather(1.5), DAY, 1)

    limit = np.minimum(users.nameplate_kw, users.inverter_capacity_kw) * 0.25
    assert all((rows.kwh("generation_kwh") <= limit + 1e-9).all() for rows in ticks)
    assert all((rows.micro[:, :7] >= 0).all() for rows in ticks)
    assert any((rows.kwh("generation_kwh") >= limit - 1e-6).any() for rows in ticks)


def test_the_battery_keeps_its_window_its_power_and_its_efficiency(tmp_path: Path) -> None:
    users = random_users(tmp_path, 200)
    floor, ceiling = bounds_micro(users)

    state = CycleState()
    for moment in DAY:
        before = start_micro(users, state)
        state, rows = tick(state, users, SUN, moment, 1)
        stored, charge, discharge = rows.micro[:, 2], rows.micro[:, 3], rows.micro[:, 4]
        assert ((stored >= floor) & (stored <= ceiling)).all()
        assert (charge <= users.max_charge_kw * 0.25e6 + 1e-3).all()
        assert (discharge <= users.max_discharge_kw * 0.25e6 + 1e-3).all()
        assert ((charge == 0) | (discharge == 0)).all()
        moved = charge * users.charge_efficiency - discharge / users.discharge_efficiency
        assert np.abs(stored - before - moved).max() <= 1.0


def test_the_same_inputs_give_the_same_bits_and_another_seed_or_run_others(tmp_path: Path) -> None:
    users = random_users(tmp_path, 20)
    one = tick(CycleState(), users, SUN, MOMENT, 5, "a")[1].micro

    assert (tick(CycleState(), users, SUN, MOMENT, 5, "a")[1].micro == one).all()
    assert (tick(CycleState(), users, SUN, MOMENT, 6, "a")[1].micro != one).any()
    assert (tick(CycleState(), users, SUN, MOMENT, 5, "b")[1].micro != one).any()


@given(order=st.permutations(range(12)), taken=st.integers(1, 12))
def test_neither_order_nor_subset_changes_anyones_numbers(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], taken: int
) -> None:
    users = random_users(tmp_path_factory.mktemp("users"), 12)
    _, everyone = run_ticks(CycleState(), users, SUN, DAY[40:44], 3)

    _, some = run_ticks(CycleState(), users.take(order[:taken]), SUN, DAY[40:44], 3)

    for all_rows, rows in zip(everyone, some, strict=True):
        assert (rows.micro == all_rows.micro[order[:taken]]).all()


def test_the_state_is_not_touched_and_users_who_take_part_later_keep_theirs(tmp_path: Path) -> None:
    users = random_users(tmp_path, 10)
    first, _ = tick(CycleState(), users, SUN, DAY[48], 1)
    kept = first.stored_micro.copy()

    second, _ = tick(first, users.take([3, 4]), SUN, DAY[49], 1)
    third, rows = tick(second, users, SUN, DAY[50], 1)

    assert (first.stored_micro == kept).all()
    assert len(second) == len(third) == 10
    absent = users.take([0, 1, 2]).keys
    assert (second.micro_of(absent) == first.micro_of(absent)).all()
    assert (third.micro_of(users.keys) == rows.micro[:, 2]).all()


def test_a_state_that_went_through_the_results_file_goes_on_the_same(tmp_path: Path) -> None:
    users = random_users(tmp_path, 30)
    first, rows = tick(CycleState(), users, SUN, DAY[48], 1)
    written = [f"{kwh:.6f}" for kwh in rows.kwh("battery_soc_kwh")]

    carried = make_users(
        tmp_path,
        [
            f"{users.panel_wattage[n]},{int(users.panel_count[n])},{users.battery_capacity_kwh[n]},"
            f"{users.inverter_capacity_kw[n]},{int(users.household_size[n])},{users.min_soc[n]},"
            f"{users.charge_efficiency[n]},{written[n]}"
            for n in range(30)
        ],
        f"{HEADER},min_soc,charge_efficiency,soc_start_kwh",
    )

    assert (tick(CycleState(), carried, SUN, DAY[49], 1)[1].micro == tick(first, users, SUN, DAY[49], 1)[1].micro).all()


def test_the_first_tick_of_a_user_begins_at_half_and_only_the_first(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["400,12,10.0,5,3", "400,12,10.0,5,3", "400,12,0.0,5,3"])

    assert start_micro(users, CycleState()).tolist() == [5_000_000, 5_000_000, 0]
    state, rows = tick(CycleState(), users.take([0]), SUN, DAY[48], 1)
    assert start_micro(users, state).tolist() == [int(rows.micro[0, 2]), 5_000_000, 0]
    assert rows.micro[0, 2] != 5_000_000


def test_a_figure_of_the_input_counts_for_users_whom_the_state_does_not_know(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["400,12,10.0,5,3,7.25", "400,12,10.0,5,3,7.25"], f"{HEADER},soc_start_kwh")
    state, rows = tick(CycleState(), users.take([0]), SUN, DAY[48], 1)

    assert start_micro(users, state).tolist() == [int(rows.micro[0, 2]), 7_250_000]
    assert len(state.without(users.keys)) == 0
    assert state.without(users.keys[1:]).stored_kwh.tolist() == state.stored_kwh.tolist()


def test_a_battery_that_became_smaller_holds_at_most_its_capacity(tmp_path: Path) -> None:
    big, small = (make_users(tmp_path, [f"400,12,{capacity},5,3"]) for capacity in (10.0, 2.0))
    state, _ = tick(CycleState(), big, SUN, DAY[48], 1)

    assert start_micro(small, state).tolist() == [2_000_000]


def test_nobody_at_all_is_a_tick_too(tmp_path: Path) -> None:
    state, rows = tick(CycleState(), random_users(tmp_path, 3).take([]), SUN, MOMENT, 1)

    assert len(state) == len(rows) == 0


def test_a_moment_off_the_quarter_hour_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="quarter hour"):
        tick(CycleState(), random_users(tmp_path, 1), SUN, "2024-09-11T14:16:00", 1)


def _community(users: int) -> tuple[Grid, list[HomeBattery]]:
    rng = np.random.default_rng(11)
    batteries = [
        HomeBattery(
            capacity_kwh=float(rng.uniform(2, 20)), charge_kw=float(rng.uniform(1, 6)),
            discharge_kw=float(rng.uniform(1, 6)), min_soc=0.2, max_soc=0.95, initial_soc=0.5,
            charge_efficiency=float(rng.uniform(0.8, 1.0)), discharge_efficiency=float(rng.uniform(0.8, 1.0)),
        )
        for _ in range(users)
    ]  # fmt: skip
    houses = tuple(
        House(
            name=f"H-1.{row}",
            loads=(LoadSeries(f"load{row}"),),
            solar=(SolarArray(f"sun{row}", kw=1.0, inverter_kw=1e9),),
            batteries=(battery,),
        )
        for row, battery in enumerate(batteries)
    )
    return Grid(houses=houses), batteries


def test_the_step_of_the_cycle_is_the_step_of_a_community_run_to_the_last_bit() -> None:
    count, steps = 20, 96
    grid, batteries = _community(count)
    rng = np.random.default_rng(5)
    load = rng.uniform(0, 4, (count, steps))
    sun = np.maximum(rng.uniform(-4, 8, (count, steps)), 0.0)
    place = {f"load{row}": row for row in range(count)} | {f"sun{row}": count + row for row in range(count)}
    devices = devices_of(grid.houses, lambda name: pytest.fail(f"no car {name}"))
    step = CommunityStep(
        tree_arrays(grid).tree, components_of(grid.houses, place.__getitem__), devices, 0.25, chosen=range(count)
    )

    block = step.run(
        np.vstack([load, sun]),
        np.arange(steps) / 4.0,
        np.array([0, steps]),
        initial_state(grid.houses, devices),
        first=0,
    )

    for row, battery in enumerate(batteries):
        floor, ceiling = 0.2 * battery.capacity_kwh, 0.95 * battery.capacity_kwh
        stored = 0.5 * battery.capacity_kwh
        for index in range(steps):
            stored, charge, discharge = compiled.household_step(
                float(sun[row, index]), float(load[row, index]), stored, floor, ceiling, battery.charge_kw,
                battery.discharge_kw, battery.charge_efficiency, battery.discharge_efficiency, 0.25,
            )  # fmt: skip
            assert block.series_kwh[CHARGE, index, row] == charge * 0.25
            assert block.series_kwh[DISCHARGE, index, row] == discharge * 0.25
            assert block.series_kwh[STORED, index, row] == stored


@given(st.tuples(*[AMOUNTS] * 7, ETAS, ETAS, st.sampled_from([0.25, 1.0])))
def test_the_compiled_step_has_the_bits_of_plain_python(arguments: tuple[Any, ...]) -> None:
    plain = plain_python.plain_copy("afterbay.community.cycle.tick_kernels")

    assert struct.pack("<3d", *compiled.household_step(*arguments)) == struct.pack(
        "<3d", *plain.household_step(*arguments)
    )


@given(
    st.tuples(st.floats(0, 1.5), AMOUNTS, AMOUNTS),
    st.tuples(MICRO, MICRO, st.floats(0, 0.5), st.floats(0.5, 1.0)),
    st.tuples(AMOUNTS, AMOUNTS, ETAS, ETAS),
)
def test_a_household_in_whole_units_has_the_numbers_of_plain_python(
    sun: tuple[float, float, float], home: tuple[int, int, float, float], battery: tuple[float, float, float, float]
) -> None:
    plain: Any = plain_python.plain_copy("afterbay.community.cycle.tick_kernels")
    used, capacity, low, high = home
    floor, ceiling = int(low * capacity), int(high * capacity)
    arguments = (*sun, used, (floor + ceiling) // 2, floor, ceiling, *battery)

    generation, stored, charge, discharge = compiled.tick_household(*arguments)

    assert (generation, stored, charge, discharge) == plain.tick_household(*arguments)
    assert floor <= stored <= ceiling
    assert generation <= min(sun[1], sun[2]) * 0.25e6 + 1e-3
    assert charge <= max(generation - used, 0)
    assert discharge <= max(used - generation, 0)


def test_all_households_at_once_have_the_numbers_of_plain_python(tmp_path: Path) -> None:
    users = random_users(tmp_path, 40)
    plain: Any = plain_python.plain_copy("afterbay.community.cycle.tick_kernels")
    floor, ceiling = bounds_micro(users)
    results = []
    for kernels in (compiled, plain):
        rows = np.empty((40, 8), dtype=np.int64)
        kernels.tick_households(
            np.linspace(0, 1.2, 40), users.nameplate_kw, users.inverter_capacity_kw, np.arange(40) * 9_000,
            start_micro(users, CycleState()), floor, ceiling, users.max_charge_kw, users.max_discharge_kw,
            users.charge_efficiency, users.discharge_efficiency, rows,
        )  # fmt: skip
        results.append(rows)

    assert (results[0] == results[1]).all()
    assert [compiled.micro_down(value) for value in (0.0, 1.2, 0.29999999999999999)] == [0, 1_200_000, 300_000]


def _mean_factor(users: Users) -> tuple[float, float]:
    factors = np.concatenate([chance(users, moment, 1, "run") for moment in DAY])
    return float(factors.mean()), float(factors.std())


def test_chance_has_mean_one_a_known_spread_and_hangs_on_nothing_but_its_key(tmp_path: Path) -> None:
    users = random_users(tmp_path, 400)

    mean, spread = _mean_factor(users)

    assert mean == pytest.approx(1.0, abs=0.01)
    assert spread == pytest.approx(np.sqrt(0.4), abs=0.01)
    series = np.stack([chance(users, moment, 1, "run") for moment in DAY])
    assert abs(np.corrcoef(series[1:, :].ravel(), series[:-1, :].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(series[:, 1:].ravel(), series[:, :-1].ravel())[0, 1]) < 0.02


def test_a_household_draws_like_the_measured_ones_over_a_year() -> None:
    sizes = np.array([0.0, 1.0, 2.5, 4.0])
    start = datetime(2023, 1, 1, tzinfo=UTC)

    times = [start + timedelta(minutes=15) * index for index in range(35_040)]
    year = np.sum([expected_kwh(sizes, moment, "Europe/London") for moment in times], axis=0)

    assert year[0] == 0.0
    # 85 measured houses use 3,964 kWh a year on average; half of them less than 3,419.
    assert year[2] == pytest.approx(3964, rel=0.01)
    assert year == pytest.approx(daily_kwh(sizes) * 365, rel=0.005)


def test_the_shapes_of_consumption_are_those_of_the_measured_houses() -> None:
    pytest.importorskip("pyarrow")
    houses = pd.read_parquet(shared_path("data/loads_houses_15min.parquet")).tz_convert("Europe/London")
    mean = houses.mean(axis=1)
    index = pd.DatetimeIndex(houses.index)
    half_hour = index.hour * 2 + index.minute // 30
    by_half_hour = (mean / mean.mean()).groupby([index.weekday >= 5, half_hour]).mean().to_numpy()

    assert by_half_hour == pytest.approx([*WEEKDAY, *WEEKEND], abs=0.001)
    assert (mean / mean.mean()).groupby(index.month).mean().to_numpy() == pytest.approx(MONTH, abs=0.001)
    assert mean.mean() * 24 == pytest.approx(KWH_PER_DAY + 2.5 * KWH_PER_PERSON_DAY, abs=0.01)


def test_households_live_by_the_clock_on_the_wall() -> None:
    size = np.array([3.0])
    summer, winter = datetime(2024, 7, 10, 17, tzinfo=UTC), datetime(2024, 1, 10, 18, tzinfo=UTC)

    # 18:00 on the wall in London both times; only the month differs.
    ratio = expected_kwh(size, winter, "Europe/London") / expected_kwh(size, summer, "Europe/London")

    assert ratio[0] == pytest.approx(1.293 / 0.793)
    assert Place(0.0, 0.0, "UTC") != DEFAULT_PLACE
