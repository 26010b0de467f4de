from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from afterbay.profiles import ProfileFileError, read_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAN = float("nan")


def test_all_defects_of_a_file_are_named_at_once(write: Callable[..., Path], table: Callable[..., str]) -> None:
    values = ["x", -1.0, *range(10), "", *range(20)]
    text = table(values=values, drop=[20, 21]) + "2023-01-20 05:00,9\n"

    with pytest.raises(ProfileFileError) as caught:
        read_profile(write(text))

    where = [problem.where.rsplit(", ", 1)[1] for problem in caught.value.problems]
    assert where == ["column load_mw", "order", "duplicates", "gaps", "column load_mw"]
    report = caught.value.report
    assert (report.negatives, report.duplicates, report.unsorted_rows) == (1, 1, 1)
    assert (report.gaps.count, report.gaps.missing_rows, report.gaps.missing_values) == (2, 2, 1)
    assert report.gaps.longest_h == 2.0
    assert report.changed == ()


def test_a_gap_says_where_it_is_and_how_long(write: Callable[..., Path], table: Callable[..., str]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write(table(drop=[5, 6, 7])))

    assert caught.value.report.gaps.where == ("2023-01-20 05:00, 3 steps",)
    assert (caught.value.report.rows_found, caught.value.report.rows_expected) == (45, 48)


def test_filling_draws_straight_lines_over_two_hours_and_says_so(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    values = [float(i) if i != 30 else "" for i in range(48)]

    profile = read_profile(write(table(values=values, drop=[5, 6])), gaps="fill")

    np.testing.assert_allclose(profile.values, np.arange(48.0))
    assert profile.report.changed == ("3 values of load_mw filled by straight lines in 2 gaps",)
    assert profile.report.gaps.count == 2


@pytest.mark.parametrize("drop", [[5, 6, 7], []])
def test_filling_refuses_long_gaps_and_gaps_at_the_edge(
    write: Callable[..., Path], table: Callable[..., str], drop: list[int]
) -> None:
    values = ["" if not drop and i == 0 else i for i in range(48)]

    with pytest.raises(ProfileFileError, match="gaps of at most 2 h between two values"):
        read_profile(write(table(values=values, drop=drop)), gaps="fill")


def test_five_minute_gaps_are_measured_in_hours(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(rows=288, minutes=5, drop=range(100, 124)))
    longer = write(table(rows=288, minutes=5, drop=range(100, 125)), "longer.csv")

    assert len(read_profile(path, gaps="fill")) == 288
    with pytest.raises(ProfileFileError, match="longest 25 steps"):
        read_profile(longer, gaps="fill")


def test_keeping_gaps_inserts_rows_without_a_value(write: Callable[..., Path], table: Callable[..., str]) -> None:
    profile = read_profile(write(table(drop=range(10, 20))), gaps="keep")

    assert len(profile) == 48
    assert np.isnan(profile.values).nonzero()[0].tolist() == list(range(10, 20))
    assert profile.report.changed == ("10 missing rows inserted without a value",)


def test_duplicates_can_be_dropped_or_averaged(write: Callable[..., Path], table: Callable[..., str]) -> None:
    lines = table(rows=30).splitlines()
    path = write("\n".join([*lines[:6], "2023-01-20 04:00,100", *lines[6:]]))

    first, mean = read_profile(path, duplicates="first"), read_profile(path, duplicates="mean")

    assert (first.values[4], mean.values[4]) == (14.0, 57.0)
    assert len(first) == len(mean) == 30
    assert "1 repeated stamps" in first.report.changed[0]
    with pytest.raises(ProfileFileError, match=r"1 repeated stamps \(2023-01-20 04:00\)"):
        read_profile(path)


def test_unsorted_rows_are_sorted_only_when_asked(write: Callable[..., Path], table: Callable[..., str]) -> None:
    lines = table(rows=30).splitlines()
    path = write("\n".join([lines[0], *lines[20:], *lines[1:20]]))

    profile = read_profile(path, unsorted="sort")

    assert profile.frame.index.is_monotonic_increasing
    assert "rows sorted by time" in profile.report.changed[0]
    with pytest.raises(ProfileFileError, match="rows in order of time"):
        read_profile(path)


@pytest.mark.parametrize("name", ["load_mw", "solar_mw"])
def test_negative_load_and_sun_are_refused_kept_or_zeroed(
    write: Callable[..., Path], table: Callable[..., str], name: str
) -> None:
    path = write(table(values=[1.0, -2.0] * 24, name=name))

    kept, zeroed = read_profile(path, negatives="keep"), read_profile(path, negatives="zero")

    assert kept.values.min() == -2.0
    assert kept.report.changed == ()
    assert zeroed.values.min() == 0.0
    assert zeroed.report.changed == ("24 negative values set to zero",)
    with pytest.raises(ProfileFileError, match="lowest -2"):
        read_profile(path)


def test_outliers_are_counted_and_shown_but_kept(write: Callable[..., Path], table: Callable[..., str]) -> None:
    values = [10.0] * 500
    values[77] = 60.0

    profile = read_profile(write(table(values=values)))

    assert profile.report.outliers == 1
    assert "60" in profile.report.outliers_where[0]
    assert profile.values[77] == 60.0
    assert profile.report.changed == ()


@pytest.mark.parametrize(
    ("year", "rows", "said"),
    [
        (2024, 8784, "present: 29 February 2024"),
        (2023, 8760, "not a leap year"),
        (2024, 48, "2024 is a leap year, its 29 February lies outside the file"),
    ],
)
def test_the_leap_day_is_stated(
    write: Callable[..., Path], table: Callable[..., str], year: int, rows: int, said: str
) -> None:
    profile = read_profile(write(table(rows=rows, start=datetime(year, 1, 1))))

    assert profile.report.leap_day == said
    assert len(profile) == profile.report.rows_expected == rows


def test_the_leap_day_is_dropped_only_when_asked(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(rows=8784, start=datetime(2024, 1, 1)))

    profile = read_profile(path, leap_day="drop")

    assert len(profile) == 8760
    assert profile.report.changed == ("29 February dropped: 24 rows",)
    index = pd.DatetimeIndex(profile.frame.index)
    assert not ((index.month == 2) & (index.day == 29)).any()


def test_half_a_leap_day_is_a_gap(write: Callable[..., Path], table: Callable[..., str]) -> None:
    first = 59 * 24

    with pytest.raises(ProfileFileError) as caught:
        read_profile(
            write(table(rows=8784, start=datetime(2024, 1, 1), drop=range(first, first + 12))),
        )

    assert caught.value.report.gaps.missing_rows == 12


def test_leap_days_are_days_of_the_local_clock(write: Callable[..., Path]) -> None:
    index = pd.date_range("2024-01-01", "2025-01-01", freq="h", inclusive="left", tz="America/New_York")
    index = index[~((index.month == 2) & (index.day == 29))]
    text = "time,load_mw\n" + "".join(f"{s:%Y-%m-%dT%H:%M:%SZ},1\n" for s in index.tz_convert("UTC"))
    path = write(text)

    profile = read_profile(path, zone="America/New_York")

    assert profile.report.leap_day.startswith("absent")
    assert profile.report.gaps.count == 0
    with pytest.raises(ProfileFileError, match="24 missing rows"):
        read_profile(path)
