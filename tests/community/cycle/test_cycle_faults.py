"""The faults of the original cycle, one by one: what it did wrong must not happen here."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from community_cycle import HEADER, MOMENT, an_id, make_users, random_users, write_lines

from afterbay.community.cycle import (
    RESULT_COLUMNS,
    ConstantWeather,
    CycleState,
    quarter_of,
    read_users,
    results_csv,
    run_simulation,
    run_ticks,
    seed_of,
    solar_model,
    tick,
    validate_results,
)
from afterbay.community.cycle.contract import STEP, STEP_H, read_moment
from afterbay.core.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

# The sample files of the workflow document, word for word.
SAMPLE_USERS = """\
user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size
a1b2c3d4-e5f6-7890-1234-567890abcdef,400.0,12,13.5,5.0,4
b2c3d4e5-f6g7-8901-2345-678901bcdefg,350.0,8,10.0,3.5,2
c3d4e5f6-g7h8-9012-3456-789012cdefgh,450.0,16,20.0,7.0,5
"""
SAMPLE_RESULTS = """\
user_id,timestamp,generation_kwh,consumption_kwh,battery_soc_kwh,battery_charge_kwh,battery_discharge_kwh,grid_import_kwh,grid_export_kwh,surplus_kwh
a1b2c3d4-e5f6-7890-1234-567890abcdef,2024-09-11T14:15:00,1.234567,0.456789,12.500000,0.000000,0.000000,0.000000,0.777778,0.777778
b2c3d4e5-f6g7-8901-2345-678901bcdefg,2024-09-11T14:15:00,0.892345,0.634521,8.750000,0.000000,0.000000,0.000000,0.257824,0.257824
c3d4e5f6-g7h8-9012-3456-789012cdefgh,2024-09-11T14:15:00,2.156789,1.023456,19.125000,0.500000,0.000000,0.000000,0.633333,1.133333
"""
SUN = ConstantWeather(0.9)
DAY = [read_moment("2024-06-21T00:00:00") + STEP * index for index in range(96)]


def sample(folder: Path, name: str, text: str) -> Path:
    return write_lines(folder / name, text.splitlines())


def test_fault_1_the_documents_own_ids_are_refused_because_g_and_h_are_no_hex_digits(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"lines 3, 4 user_id: got 'g' as character 12"):
        read_users(sample(tmp_path, "users_input_20240911_141500.csv", SAMPLE_USERS))

    report = validate_results(sample(tmp_path, "results_20240911_1415.csv", SAMPLE_RESULTS))
    assert [problem.row for problem in report.problems if problem.rule == "uuid"] == [3, 4]
    assert "Invalid UUID: b2c3d4e5-f6g7-8901-2345-678901bcdefg" in report.errors


def test_fault_1_the_documents_own_energies_exceed_nameplate_and_inverter(tmp_path: Path) -> None:
    # The same rows with letters that are hex digits, so that the devices can be looked up.
    digits = str.maketrans("gh", "ab")
    users = read_users(
        sample(tmp_path, "users.csv", "\n".join([HEADER, *SAMPLE_USERS.translate(digits).splitlines()[1:]]))
    ).users
    results = "\n".join([",".join(RESULT_COLUMNS), *SAMPLE_RESULTS.translate(digits).splitlines()[1:]])

    report = validate_results(sample(tmp_path, "results.csv", results), users)

    over = {
        rule: [(problem.row, problem.value) for problem in report.problems if problem.rule == rule]
        for rule in ("nameplate", "inverter")
    }
    assert over["nameplate"] == [(2, 1.234567), (3, 0.892345), (4, 2.156789)]
    assert over["inverter"] == [(3, 0.892345), (4, 2.156789)]
    assert [problem.allowed[:12] for problem in report.problems if problem.rule == "nameplate"] == [
        "1.200000 kWh", "0.700000 kWh", "1.800000 kWh",
    ]  # fmt: skip
    assert len(report.good) == 0


def test_fault_1_a_balance_and_a_jump_of_the_stored_energy_are_seen(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["400,12,13.5,5.0,4"])
    frame = tick(CycleState(), users, SUN, MOMENT, 1)[1].frame()

    unbalanced = validate_results(frame.assign(grid_import_kwh=0.25), users, CycleState())
    jumped = validate_results(frame.assign(battery_soc_kwh=8.75), users, CycleState())

    assert set(unbalanced.counts) == {"balance"}
    assert set(jumped.counts) == {"soc_continuity"}


def test_fault_2_all_ten_columns_are_checked_and_kept(tmp_path: Path) -> None:
    users = random_users(tmp_path, 20)
    _, rows = tick(CycleState(), users, SUN, MOMENT, 1)
    path = tmp_path / "results_20240911_1415.csv"
    path.write_bytes(results_csv([rows]))

    report = validate_results(path, users, CycleState())

    assert report.good.columns.tolist() == list(RESULT_COLUMNS)
    pd.testing.assert_frame_equal(report.good, rows.frame())
    for column in ("battery_charge_kwh", "battery_discharge_kwh", "battery_soc_kwh", "grid_export_kwh"):
        assert not validate_results(rows.frame().assign(**{column: -1.0}), users, CycleState()).ok


def test_fault_3_defaults_and_left_out_consumers_are_reported_and_version_two_has_someone_to_sell_to(
    tmp_path: Path,
) -> None:
    rows = [f"{an_id(0)},,8,0.0,,2", f"{an_id(1)},,,,,"]
    one = read_users(write_lines(tmp_path / "one.csv", [HEADER, *rows]))
    two = read_users(write_lines(tmp_path / "two.csv", [f"{HEADER},cluster", *(f"{row},c" for row in rows)]))

    assert one.report.defaults_of(2) == ("panel_wattage", "inverter_capacity_kw")
    assert one.report.filtered.tolist() == [3]
    assert "line 3" in "\n".join(one.report.lines())
    _, rows_two = tick(CycleState(), two.users, SUN, MOMENT, 1)
    assert rows_two.kwh("grid_export_kwh")[0] > 0
    assert rows_two.kwh("grid_import_kwh")[1] > 0


def test_fault_4_a_step_is_a_quarter_hour_and_a_run_length_may_be_a_whole_float(tmp_path: Path) -> None:
    users = write_lines(tmp_path / "u.csv", [HEADER, f"{an_id(0)},400.0,12,13.5,5.0,4"])

    assert run_simulation(users, tmp_path / "r.csv", 4.0, MOMENT)

    stamps = pd.to_datetime(pd.read_csv(tmp_path / "r.csv")["timestamp"])
    assert stamps.diff().dropna().unique().tolist() == [pd.Timedelta(minutes=15)]
    assert STEP_H == STEP / timedelta(hours=1) == 0.25


def test_fault_4_no_global_chance_no_order_and_the_same_seed_repeats(tmp_path: Path) -> None:
    users = random_users(tmp_path, 10)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index] # noqa: NPY002

    first = tick(CycleState(), users, SUN, MOMENT, seed_of(MOMENT))[1]
    backwards = tick(CycleState(), users.take(range(9, -1, -1)), SUN, MOMENT, seed_of(MOMENT))[1]

    assert (first.micro == backwards.micro[::-1]).all()
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index] # noqa: NPY002


def test_fault_5_a_clear_day_gives_the_energy_of_the_sun_and_panel_wattage_counts(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["250,4,0,50,3", "500,4,0,50,3", "250,8,0,50,3"])

    _, ticks = run_ticks(CycleState(), users, ConstantWeather(1.0), DAY, 1)

    generated = np.sum([rows.kwh("generation_kwh") for rows in ticks], axis=0)
    # pvlib gives 5.7 kWh for a kilowatt in London on this day; a third of it would be the fault.
    assert 5.0 < generated[0] < 7.0
    assert generated[1] == pytest.approx(2 * generated[0], abs=1e-3)
    assert generated[2] == generated[1]


def test_fault_5_a_family_of_four_draws_what_families_draw(tmp_path: Path) -> None:
    users = make_users(tmp_path, [f"400,1,0,5,{people}" for people in (1, 4)])
    days = [read_moment("2024-04-15T00:00:00") + STEP * index for index in range(96 * 7)]

    _, ticks = run_ticks(CycleState(), users, SUN, days, 1)

    daily = np.sum([rows.kwh("consumption_kwh") for rows in ticks], axis=0) / 7
    # The original: 1.3 kWh. Measured houses: 10.9 on average, 95 % of them below 23.8.
    assert 12.0 < daily[1] < 18.0
    assert 5.0 < daily[0] < 9.0


def test_fault_6_battery_limits_are_power_times_a_quarter_hour(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["500,100,10.0,50,1"])

    _, ticks = run_ticks(CycleState(), users, SUN, DAY, 1)

    most = max(rows.kwh("battery_charge_kwh")[0] for rows in ticks)
    # 0.5 C of 10 kWh is 5 kW, that is 1.25 kWh in a quarter hour, not 5.
    assert most == 1.25


def test_fault_6_self_consumption_is_not_self_sufficiency_and_data_belong_to_their_own_step(tmp_path: Path) -> None:
    pytest.importorskip("mesa")
    users = random_users(tmp_path, 8)
    _, ticks = run_ticks(CycleState(), users, SUN, DAY, 1)
    model = solar_model(users, DAY[0], SUN, 1)
    for _ in DAY:
        model.step()

    sums = model.datacollector.get_model_vars_dataframe()

    # Collected before the step, each row would stand one place further down.
    assert sums["generation_kwh"].tolist() == [rows.total_kwh("generation_kwh") for rows in ticks]
    total = {column: sum(rows.total_kwh(column) for rows in ticks) for column in RESULT_COLUMNS[2:]}
    last = sums.iloc[-1]
    assert last["self_consumption"] == pytest.approx(1 - total["grid_export_kwh"] / total["generation_kwh"])
    assert last["self_sufficiency"] == pytest.approx(1 - total["grid_import_kwh"] / total["consumption_kwh"])
    assert last["self_consumption"] != pytest.approx(last["self_sufficiency"], abs=0.01)


def test_fault_7_two_rows_of_one_user_and_time_are_seen_and_floats_need_not_be_equal_to_the_bit(
    tmp_path: Path,
) -> None:
    users = make_users(tmp_path, ["400,12,13.5,5.0,4"])
    frame = tick(CycleState(), users, SUN, MOMENT, 1)[1].frame()

    # The surplus of another machine, rounded once more.
    nearly = frame.assign(surplus_kwh=(frame["surplus_kwh"] + 0.0009).round(6))
    assert validate_results(nearly, users, CycleState()).ok
    assert validate_results(pd.concat([frame, frame], ignore_index=True), users, CycleState()).counts == {
        "duplicate": 1
    }
    assert not validate_results(frame.assign(surplus_kwh=frame["surplus_kwh"] + 0.0012), users, CycleState()).ok


def test_fault_7_the_time_is_written_and_a_tick_never_restarts_a_battery(tmp_path: Path) -> None:
    users = write_lines(tmp_path / "u.csv", [HEADER, f"{an_id(0)},400.0,12,13.5,5.0,4"])
    moments = [read_moment(MOMENT) + STEP * index for index in range(4)]
    stored = []
    for moment in moments:
        assert run_simulation(users, tmp_path / "r.csv", 1, moment)
        row = pd.read_csv(tmp_path / "r.csv").iloc[0]
        assert row["timestamp"] == moment.strftime("%Y-%m-%dT%H:%M:%S")
        stored.append(row)

    for before, after in itertools.pairwise(stored):
        moved = 0.95 * after["battery_charge_kwh"] - after["battery_discharge_kwh"] / 0.95
        assert after["battery_soc_kwh"] == pytest.approx(before["battery_soc_kwh"] + moved, abs=1e-6)
    assert stored[3]["battery_soc_kwh"] != pytest.approx(6.75, abs=0.01)


def test_fault_8_the_clock_is_in_quarter_hours_whenever_one_looks() -> None:
    looks = [datetime(2024, 9, 11, 14, 0, tzinfo=UTC) + timedelta(minutes=10) * index for index in range(12)]

    quarters = {quarter_of(look) for look in looks}

    # Every ten minutes the original would have made twelve ticks of two hours; there are eight.
    assert len(quarters) == 8
    assert all(quarter.minute % 15 == 0 and quarter.second == 0 for quarter in quarters)
