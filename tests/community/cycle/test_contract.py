"""The names, columns and clocks of the contract, word for word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from afterbay.community.cycle import (
    INPUT_COLUMNS,
    LATEST_INPUT,
    OPTIONAL_COLUMNS,
    RESULT_COLUMNS,
    input_moment,
    input_name,
    quarter_of,
    results_moment,
    results_name,
    seed_of,
)
from afterbay.community.cycle.contract import NUMBER_COLUMNS, as_utc, read_moment, stamp, step_index
from afterbay.core.errors import InvalidInputError

MOMENT = datetime(2024, 9, 11, 14, 17, 42, tzinfo=UTC)


def test_columns_are_those_of_the_document() -> None:
    assert ",".join(INPUT_COLUMNS) == (
        "user_id,panel_wattage,panel_count,battery_capacity_kwh,inverter_capacity_kw,household_size"
    )
    assert ",".join(RESULT_COLUMNS) == (
        "user_id,timestamp,generation_kwh,consumption_kwh,battery_soc_kwh,battery_charge_kwh,battery_discharge_kwh,"
        "grid_import_kwh,grid_export_kwh,surplus_kwh"
    )


def test_defaults_are_those_of_the_document() -> None:
    assert [NUMBER_COLUMNS[name].default for name in INPUT_COLUMNS[1:]] == [350.0, 0, 0.0, 5.0, 3]


def test_version_two_adds_state_limits_efficiencies_place_and_groups() -> None:
    assert set(OPTIONAL_COLUMNS) == {
        "soc_start_kwh", "min_soc", "max_soc", "max_charge_kw", "max_discharge_kw", "charge_efficiency",
        "discharge_efficiency", "latitude", "longitude", "tilt_deg", "azimuth_deg", "cluster", "weather_id",
    }  # fmt: skip


def test_file_names_are_those_of_the_document_and_read_back() -> None:
    assert LATEST_INPUT == "users_input_latest.csv"
    assert input_name(MOMENT) == "users_input_20240911_141742.csv"
    assert results_name(MOMENT) == "results_20240911_1415.csv"
    assert input_moment(input_name(MOMENT)) == MOMENT
    assert results_moment(results_name(MOMENT)) == quarter_of(MOMENT)


@pytest.mark.parametrize(
    "name",
    [
        "results_20240911_1417.csv",
        "results_2024911_1415.csv",
        "results_20241311_1415.csv",
        "results_20240911_1415.CSV",
        "users_input_latest.csv",
        "../results_20240911_1415.csv",
    ],
)
def test_a_name_that_is_not_of_the_contract_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="file name"):
        results_moment(name)


def test_a_time_with_a_zone_is_turned_into_utc_and_one_without_is_utc() -> None:
    berlin = timezone(timedelta(hours=2))

    assert read_moment("2024-09-11T14:15:00+02:00") == datetime(2024, 9, 11, 12, 15, tzinfo=UTC)
    assert read_moment("2024-09-11T14:15:00") == datetime(2024, 9, 11, 14, 15, tzinfo=UTC)
    assert results_name(datetime(2024, 9, 11, 0, 20, tzinfo=berlin)) == "results_20240910_2215.csv"
    assert stamp(datetime(2024, 9, 11, 14, 15)) == "2024-09-11T14:15:00"


@pytest.mark.parametrize("moment", ["2024-09-11T14:17:00", "2024-09-11T14:15:00.5", "tomorrow", "2024-13-01T00:00:00"])
def test_a_start_off_the_quarter_hour_is_refused_with_the_one_to_take(moment: str) -> None:
    with pytest.raises(InvalidInputError, match="quarter hour in ISO 8601"):
        read_moment(moment)


def test_steps_are_numbered_without_a_gap_over_midnight_and_clock_changes() -> None:
    times = [datetime(2024, 3, 30, 22, tzinfo=UTC) + timedelta(minutes=15) * index for index in range(200)]

    assert [step_index(moment) - step_index(times[0]) for moment in times] == list(range(200))
    assert seed_of(times[3]) == step_index(times[3])
    assert as_utc(datetime(1969, 12, 31, 23, 50)) < datetime(1970, 1, 1, tzinfo=UTC)
    assert step_index(datetime(1969, 12, 31, 23, 50)) == -1
