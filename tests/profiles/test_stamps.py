from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.profiles import ProfileFileError, read_profile
from shared_data import shared_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BERLIN = ZoneInfo("Europe/Berlin")


def local_year(year: int, zone: ZoneInfo) -> str:
    """A year of hours as a clock on the wall shows them, without offsets."""
    start = datetime(year, 1, 1, tzinfo=zone).astimezone(UTC)
    hours = round((datetime(year + 1, 1, 1, tzinfo=zone).astimezone(UTC) - start) / timedelta(hours=1))
    stamps = ((start + timedelta(hours=i)).astimezone(zone) for i in range(hours))
    return "time,load_mw\n" + "".join(f"{s:%Y-%m-%d %H:%M},{i}\n" for i, s in enumerate(stamps))


def test_days_first_with_a_byte_order_mark_and_no_leap_day_is_read_and_stated() -> None:
    profile = read_profile(shared_path("data/solar_sites/Solar Profile.csv"))

    report = profile.report
    assert report.encoding == "utf-8 with byte-order mark"
    assert report.date_order == "day_first"
    assert "13-01-2024" in report.date_order_reason
    assert (report.rows_found, report.rows_expected) == (8760, 8760)
    assert report.leap_day == "absent: 2024 has a 29 February and the file leaves it out"
    assert "naive" in report.zone
    assert profile.start == datetime(2024, 1, 1)
    assert profile.values.max() == 67.89
    assert report.gaps.count == 0
    assert report.changed == ()


def test_an_ambiguous_date_order_names_both_readings_and_the_option(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    path = write(table(rows=24 * 5, start=datetime(2024, 2, 1), stamp="%d-%m-%Y %H:%M"))

    with pytest.raises(ProfileFileError) as caught:
        read_profile(path)

    message = str(caught.value)
    assert "'01-02-2024 00:00' is 2024-02-01 day first or 2024-01-02 month first" in message
    assert 'date_order="day_first"' in message
    assert 'date_order="month_first"' in message


def test_the_option_settles_an_ambiguous_date_order(write: Callable[..., Path], table: Callable[..., str]) -> None:
    path = write(table(rows=24 * 5, start=datetime(2024, 2, 1), stamp="%d-%m-%Y %H:%M"))

    profile = read_profile(path, date_order="day_first")

    assert profile.start == datetime(2024, 2, 1)
    assert profile.report.date_order_reason == "as asked with date_order"
    with pytest.raises(ProfileFileError):  # the other reading leaves months between the days
        read_profile(path, date_order="month_first", quantity="load", dt_h=1.0)


def test_a_file_settles_its_own_order_when_a_day_is_above_12(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    path = write(table(start=datetime(2024, 3, 12), stamp="%m/%d/%Y %I:%M %p"))

    profile = read_profile(path)

    assert profile.report.date_order == "month_first"
    assert profile.start == datetime(2024, 3, 12)
    assert profile.frame.index[13] == pd.Timestamp(2024, 3, 12, 13)
    with pytest.raises(ProfileFileError, match="settled by"):
        read_profile(path, date_order="day_first")


def test_two_orders_in_one_file_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match="one date order in the whole file"):
        read_profile(write("time,mw\n13-01-2024 00:00,1\n01-14-2024 00:00,2\n"))


def test_stamps_that_do_not_exist_are_listed_with_their_rows(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match=r"1 stamps \(row 3: '2023-02-30 00:00'\)"):
        read_profile(write("time,mw\n2023-02-28 00:00,1\n2023-02-30 00:00,2\n"))


def test_a_time_column_nobody_can_read_is_not_passed_over(write: Callable[..., Path]) -> None:
    with pytest.raises(ProfileFileError, match="four digits for the year"):
        read_profile(write("timestamp,mw\nJan 1 23 00h,1\nJan 1 23 01h,2\n"))


def test_midnight_written_as_24_is_the_next_day_and_said(write: Callable[..., Path]) -> None:
    profile = read_profile(write("time,mw\n2023-01-01 22:00,1\n2023-01-01 23:00,2\n2023-01-01 24:00,3\n"))

    assert profile.frame.index[-1] == pd.Timestamp(2023, 1, 2)
    assert "24:00 is read as 00:00 of the next day" in profile.report.warnings


def test_offsets_in_the_stamps_are_kept_in_utc(write: Callable[..., Path]) -> None:
    profile = read_profile(write("time,mw\n2023-06-01T02:00:00+02:00,1\n2023-06-01T03:00:00+02:00,2\n"))

    assert profile.start == datetime(2023, 6, 1, tzinfo=UTC)


def test_a_local_year_with_days_of_23_and_25_hours_is_whole_when_its_zone_is_given(
    write: Callable[..., Path],
) -> None:
    profile = read_profile(write(local_year(2023, BERLIN)), zone="Europe/Berlin")

    assert len(profile) == profile.report.rows_expected == 8760
    assert profile.report.duplicates == 0
    assert profile.report.gaps.count == 0
    assert profile.report.warnings == ()
    assert profile.start == datetime(2022, 12, 31, 23, tzinfo=UTC)
    np.testing.assert_array_equal(profile.values, np.arange(8760.0))


def test_the_same_year_without_a_zone_shows_both_clock_changes_and_hints_at_them(
    write: Callable[..., Path],
) -> None:
    with pytest.raises(ProfileFileError) as caught:
        read_profile(write(local_year(2023, BERLIN)))

    report = caught.value.report
    assert (report.duplicates, report.gaps.missing_rows) == (1, 1)
    assert str(caught.value).count("looks like a clock change: name the zone with zone=") == 2


def test_quarter_hours_of_the_repeated_hour_are_told_apart(write: Callable[..., Path]) -> None:
    utc = pd.date_range("2023-10-28T22:00Z", periods=100, freq="15min")
    rows = "".join(f"{s:%Y-%m-%d %H:%M},1\n" for s in utc.tz_convert(BERLIN))

    profile = read_profile(write("time,mw\n" + rows), zone="Europe/Berlin")

    assert list(profile.frame.index) == list(utc)


def test_stamps_in_the_hour_that_spring_skips_are_refused_with_a_way_out(
    write: Callable[..., Path], table: Callable[..., str]
) -> None:
    path = write(table(start=datetime(2023, 3, 25)))

    with pytest.raises(ProfileFileError, match=r"1 stamps that Europe/Berlin skips.*Etc/GMT-1"):
        read_profile(path, zone="Europe/Berlin")

    assert read_profile(path, zone="Etc/GMT-1").report.gaps.count == 0


def test_an_unknown_zone_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="zone: got 'Mars/Olympus'"):
        read_profile(tmp_path / "none.csv", zone="Mars/Olympus")
