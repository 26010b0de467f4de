from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.profiles import ProfileFileError, read_profile
from afterbay.profiles.steps import find_step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

YEAR = datetime(2023, 1, 1)


@pytest.mark.parametrize("minutes", [60, 30, 15, 5, 1])
def test_every_usual_step_is_found(write: Callable[..., Path], table: Callable[..., str], minutes: int) -> None:
    profile = read_profile(write(table(rows=100, minutes=minutes)))

    assert profile.report.step_min == minutes
    assert profile.dt_h == pytest.approx(minutes / 60)


def test_a_short_year_is_told_by_what_is_missing(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(rows=8759, start=YEAR)))

    assert profile.report.rows_found == 8759
    assert profile.report.warnings == (
        "8,759 rows, 2023 has 8,760 steps: it ends 1 steps before the last step of the year, at 2023-12-31 22:00:00",
    )


def test_a_long_year_is_told_by_what_is_too_much(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(rows=8761, start=YEAR)))

    assert len(profile) == 8761
    assert "it ends 1 steps after the last step of the year, at 2024-01-01 00:00:00" in str(profile.report.warnings)


def test_a_year_with_a_hole_names_the_hole(write: Callable[..., Path], table: Callable[..., str]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write(table(rows=8760, start=YEAR, drop=[4000])))

    assert caught.value.report.gaps.where == ("2023-06-16 16:00, 1 steps",)
    assert "1 steps between the first and the last row have no row" in caught.value.report.warnings[0]


def test_8761_rows_with_a_double_are_told_as_such(write: Callable[..., Path], table: Callable[..., str]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write(table(rows=8760, start=YEAR) + "2023-12-31 23:00,1\n"))

    assert "8,761 rows, 2023 has 8,760 steps: 1 stamps stand twice" in caught.value.report.warnings[0]


def test_labels_at_the_end_of_the_hour_are_noticed(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(rows=8760, start=datetime(2023, 1, 1, 1))))

    assert "they look like ends" in profile.report.warnings[0]


def test_irregular_telemetry_loads_without_a_step(write: Callable[..., Path]) -> None:
    profile = read_profile(
        write("timestamp,power_kw\n2023-01-20T00:00:03Z,1\n2023-01-20T00:00:07Z,2\n2023-01-20T00:00:20Z,-3\n"),
        negatives="keep",
    )

    assert profile.dt_h is None
    assert profile.report.step_min == "irregular"
    assert profile.report.rows_expected is None
    assert len(profile) == 3


def test_elapsed_time_that_starts_again_is_stated(write: Callable[..., Path]) -> None:
    profile = read_profile(write("time_s,current_a\n0,1\n10,-1\n20,1\n0,1\n10,2\n"))

    assert profile.report.warnings[0] == "the elapsed time starts again 1 times"
    assert profile.start is None
    assert isinstance(profile.frame.index, pd.TimedeltaIndex)


def test_a_file_without_time_has_a_step_only_when_it_is_given(write: Callable[..., Path]) -> None:
    path = write("load_mw\n" + "1\n" * 48)

    assert read_profile(path).dt_h is None
    given = read_profile(path, dt_h=0.5)
    assert (given.dt_h, given.report.step_min) == (0.5, 30.0)
    assert "no time column" in given.report.warnings[0]
    assert given.start is None


@pytest.mark.parametrize("rows", [8759, 8761, 8785])
def test_an_odd_number_of_rows_without_time_is_not_explained_away(write: Callable[..., Path], rows: int) -> None:
    profile = read_profile(write("load_mw\n" + "1\n" * rows))

    assert f"{rows:,} rows are neither 8,760 (365 days) nor 8,784 (366 days)" in profile.report.warnings[0]


def test_a_step_that_contradicts_the_stamps_is_refused(write: Callable[..., Path], table: Callable[..., str]) -> None:
    with pytest.raises(ProfileFileError, match="1 h, as the stamps say"):
        read_profile(write(table()), dt_h=0.25)
    with pytest.raises(InvalidInputError, match="hours above 0"):
        read_profile(write(table()), dt_h=-1)


def test_energy_per_step_needs_a_step(write: Callable[..., Path]) -> None:
    path = write("load_kwh\n" + "500\n" * 30)

    with pytest.raises(ProfileFileError, match="kWh per step, and no step"):
        read_profile(path)
    assert read_profile(path, dt_h=0.25).values[0] == 2.0


def test_one_row_has_no_step() -> None:
    assert find_step(pd.DatetimeIndex(["2023-01-01"])) == (None, "one row tells no step")
