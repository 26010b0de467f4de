"""Validation: every rule finds what breaks it, names row, rule, value and allowed, and keeps the good rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from community_cycle import HEADER, MOMENT, make_users, random_users, write_lines
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle import (
    ENERGY_COLUMNS,
    RESULT_COLUMNS,
    ConstantWeather,
    CycleState,
    results_csv,
    results_frame,
    run_ticks,
    validate_results,
)
from afterbay.community.cycle.contract import STEP, read_moment
from afterbay.community.cycle.validation_rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from afterbay.community.cycle import Users, ValidationReport

MOMENTS = [read_moment(MOMENT) + STEP * index for index in range(3)]
HOME = "400,12,13.5,5.0,4"


def good_frame(users: Users, steps: int = 1) -> Any:
    return results_frame(run_ticks(CycleState(), users, ConstantWeather(), MOMENTS[:steps], 1)[1])


def check(frame: pd.DataFrame, users: Users, steps: int = 1) -> ValidationReport:
    return validate_results(frame, users, CycleState(), expected=MOMENTS[:steps])


def test_our_own_rows_break_no_rule_as_a_frame_and_as_a_file(tmp_path: Path) -> None:
    users = random_users(tmp_path, 60)
    _, ticks = run_ticks(CycleState(), users, ConstantWeather(), MOMENTS, 1)
    path = tmp_path / "results_20240911_1415.csv"
    path.write_bytes(results_csv(ticks))

    for results in (results_frame(ticks), path):
        report = validate_results(results, users, CycleState(), expected=MOMENTS)

        assert report.ok, report.lines()
        assert (report.rows, report.valid_share, report.counts, report.errors) == (180, 1.0, {}, ())
        pd.testing.assert_frame_equal(report.good, results_frame(ticks))
        assert report.totals()["generation_kwh"] == sum(rows.total_kwh("generation_kwh") for rows in ticks)


BREACHES: list[tuple[str, object, str, str]] = [
    ("user_id", "b2c3d4e5-f6g7-8901-2345-678901bcdefg", "uuid", "Invalid UUID: b2c3d4e5-f6g7"),
    ("user_id", "11111111-2222-4333-8444-555555555555", "unknown_user", "a user of the input file"),
    ("timestamp", "11.9.2024 14:15", "timestamp", "Invalid timestamp: 11.9.2024 14:15"),
    ("timestamp", pd.NaT, "timestamp", "Invalid timestamp: NaT"),
    ("timestamp", "2024-09-11T14:16:00", "quarter_hour", "on the quarter hour"),
    ("timestamp", "2024-09-11T14:30:00", "expected_time", "one of 2024-09-11T14:15:00"),
    ("generation_kwh", float("nan"), "number", "generation_kwh: must be a finite number"),
    ("consumption_kwh", "much", "number", "consumption_kwh: must be a finite number"),
    ("battery_soc_kwh", float("inf"), "number", "battery_soc_kwh: must be a finite number"),
    ("grid_import_kwh", -0.5, "negative", "Negative values found in grid_import_kwh"),
    ("battery_charge_kwh", -0.5, "negative", "Negative values found in battery_charge_kwh"),
    ("surplus_kwh", 9.0, "surplus", "Surplus calculation mismatch"),
    ("grid_export_kwh", 9.0, "balance", "generation + import + discharge"),
    ("grid_export_kwh", 0.1234567, "decimals", "at most six decimals"),
    ("generation_kwh", 1.3, "nameplate", "at most the nameplate"),
    ("generation_kwh", 1.3, "inverter", "at most the rating of the inverter"),
    ("battery_charge_kwh", 1.7, "battery_power", "charge or discharge power"),
    ("battery_discharge_kwh", 0.2, "battery_both_ways", "not both"),
    ("battery_soc_kwh", 2.0, "soc_window", "2.700000 to 12.825000 kWh"),
    ("battery_soc_kwh", 13.0, "soc_window", "2.700000 to 12.825000 kWh"),
    ("battery_soc_kwh", 6.0, "soc_continuity", "energy before + charge"),
]


@pytest.mark.parametrize(("column", "value", "rule", "message"), BREACHES)
def test_each_rule_names_row_value_and_allowed_and_keeps_the_other_rows(
    tmp_path: Path, column: str, value: object, rule: str, message: str
) -> None:
    users = make_users(tmp_path, [HOME, HOME, HOME])
    frame = good_frame(users).astype({column: object})
    assert frame.loc[1, "battery_charge_kwh"] > 0
    frame.loc[1, column] = value

    report = check(frame, users)

    found = [problem for problem in report.problems if problem.rule == rule]
    assert [(problem.row, problem.column) for problem in found] == [(3, column if rule != "balance" else "")]
    if rule != "balance":
        assert str(found[0].value) == str(value)
    assert any(message in error for error in report.errors)
    assert report.counts[rule] == 1
    assert report.good["user_id"].tolist() == frame.loc[[0, 2], "user_id"].tolist()
    assert report.bad["line"].tolist() == [3]
    assert rule in report.bad["rules"].tolist()[0].split()
    assert str(report.bad[column].tolist()[0]) == str(value)
    assert [rows.tolist() for rows in report.missing.values()] == [[1]]
    assert not report.ok


def test_every_rule_has_its_case() -> None:
    assert set(RULES) == {rule for _, _, rule, _ in BREACHES} | {"cells", "duplicate"}


def test_a_row_that_stands_twice_is_kept_once(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME, HOME])
    frame = good_frame(users)
    twice = pd.concat([frame, frame.iloc[[0]]], ignore_index=True)

    report = check(twice, users)

    assert report.counts == {"duplicate": 1}
    assert report.bad["line"].tolist() == [4]
    assert len(report.good) == 2
    assert report.missing == {}


def test_a_user_without_a_row_is_missed_and_the_log_does_not_name_anyone(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME, HOME, HOME])
    frame = good_frame(users).drop(index=1)
    frame.loc[0, "surplus_kwh"] = 9.0

    report = check(frame, users)

    assert report.missing["2024-09-11T14:15:00"].tolist() == [0, 1]
    said = "\n".join(report.lines())
    assert "users without a good row at 2024-09-11T14:15:00: 2" in said
    assert "surplus (line 2)" in said
    assert not any(user.decode() in said for user in users.user_id.tolist())


def test_stored_energy_is_followed_from_step_to_step_of_one_user(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME, HOME])
    frame = good_frame(users, 3)
    # Another household's energy at the second step, each of them possible by itself.
    frame.loc[2, "battery_soc_kwh"] = round(frame.loc[2, "battery_soc_kwh"] + 0.5, 6)

    report = check(frame, users, 3)

    assert report.counts == {"soc_continuity": 2}
    assert report.bad["line"].tolist() == [4, 6]


def test_without_users_the_rules_of_the_document_and_the_balance_hold_alone(tmp_path: Path) -> None:
    frame = good_frame(make_users(tmp_path, [HOME]))
    frame.loc[0, ["generation_kwh", "surplus_kwh", "grid_export_kwh"]] += 100.0

    assert validate_results(frame).ok
    assert not validate_results(frame, make_users(tmp_path, [HOME])).ok


def test_a_battery_outside_its_window_may_stay_there_and_only_go_inwards(tmp_path: Path) -> None:
    users = make_users(tmp_path, ["400,0,10.0,5.0,4,1.0"], f"{HEADER},soc_start_kwh")

    frame = good_frame(users)
    assert frame["battery_soc_kwh"].tolist() == [1.0]
    assert check(frame, users).ok
    frame["battery_soc_kwh"] = 0.9
    assert set(check(frame, users).counts) == {"soc_window", "soc_continuity"}


def test_times_with_and_without_a_zone_are_the_same_instant(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME])
    frame = good_frame(users).astype({"timestamp": object})

    for stamp in (MOMENT, "2024-09-11T16:15:00+02:00", datetime(2024, 9, 11, 14, 15, tzinfo=UTC)):
        frame.loc[0, "timestamp"] = stamp
        report = check(frame, users)
        assert report.ok, report.lines()
        assert report.good.loc[0, "timestamp"] == pd.Timestamp(MOMENT, tz="UTC")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="battery_soc_kwh"), "Missing column: battery_soc_kwh"),
        (lambda frame: frame.assign(price=1.0), "Unknown column: price"),
        (lambda frame: pd.concat([frame, frame[["surplus_kwh"]]], axis=1), "Duplicated column: surplus_kwh"),
    ],
)
def test_a_file_with_other_columns_has_no_good_row(tmp_path: Path, change: object, message: str) -> None:
    users = make_users(tmp_path, [HOME])
    frame = change(good_frame(users))  # type: ignore[operator]
    path = tmp_path / "results_20240911_1415.csv"
    frame.to_csv(path, index=False)

    for results in (frame, path):
        report = validate_results(results, users)

        assert message in report.errors
        assert (len(report.good), report.valid_share) == (0, 0.0)
        assert report.missing["any time"].tolist() == [0]


def test_columns_in_another_order_are_taken_by_name(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME])
    frame = good_frame(users)[list(reversed(RESULT_COLUMNS))]
    path = tmp_path / "r.csv"
    frame.to_csv(path, index=False)

    assert check(frame, users).ok
    report = validate_results(path, users, CycleState())
    assert report.ok
    assert "another order" in report.notices[0]


def test_a_truncated_file_keeps_its_whole_rows(tmp_path: Path) -> None:
    users = make_users(tmp_path, [HOME, HOME, HOME])
    content = results_csv(run_ticks(CycleState(), users, ConstantWeather(), MOMENTS[:1], 1)[1])
    path = tmp_path / "results_20240911_1415.csv"
    path.write_bytes(content[:-60])

    report = validate_results(path, users, CycleState(), expected=MOMENT)

    assert len(report.good) == 2
    assert report.counts["cells"] == 1
    assert report.bad["line"].tolist() == [4]
    assert report.missing["2024-09-11T14:15:00"].tolist() == [2]


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "an empty file"), ("user_id\n".encode("utf-16"), "UTF-16"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read_is_a_report_too(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "r.csv"
    if content is not None:
        path.write_bytes(content)

    report = validate_results(path)

    assert not report.ok
    assert words in report.errors[0]


def test_no_rows_for_no_users_is_right(tmp_path: Path) -> None:
    nobody = random_users(tmp_path, 3).take([])

    report = validate_results(write_lines(tmp_path / "r.csv", [",".join(RESULT_COLUMNS)]), nobody, expected=MOMENT)

    assert report.ok
    assert (report.rows, report.valid_share) == (0, 1.0)
    assert np.isclose(report.totals()["generation_kwh"], 0.0)


@given(st.integers(0, 11), st.sampled_from(ENERGY_COLUMNS[:-1]), st.integers(10, 3_000_000), st.sampled_from([-1, 1]))
def test_no_energy_of_a_good_row_can_be_changed_by_a_hundredth_of_a_watt_hour_unseen(
    tmp_path_factory: pytest.TempPathFactory, row: int, column: str, micro: int, sign: int
) -> None:
    users = random_users(tmp_path_factory.mktemp("users"), 12)
    _, (rows,) = run_ticks(CycleState(), users, ConstantWeather(), MOMENTS[:1], 1)
    rows.micro[row, ENERGY_COLUMNS.index(column)] += sign * micro

    report = validate_results(rows.frame(), users, CycleState(), expected=MOMENT)

    assert report.bad["line"].tolist() == [row + 2]
    assert len(report.good) == 11
