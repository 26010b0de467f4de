from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.recipes import (
    ProfileLibrary,
    flat,
    household_load,
    measured,
    measured_columns,
    occupant_load,
    series,
)
from afterbay.community.recipes.clock import rows_of
from afterbay.core.errors import InvalidInputError, OutOfRangeError, ProfileError
from afterbay.core.timeline import Timeline
from shared_data import shared_path

QUARTER = timedelta(minutes=15)
BERLIN = "Europe/Berlin"
LONDON = "Europe/London"


def local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=ZoneInfo(BERLIN))


def day_numbers(dt_h: float = 0.25) -> np.ndarray:
    """A typical year whose value is day of the year plus hour / 100."""
    per_day = round(24 / dt_h)
    return np.repeat(np.arange(365), per_day) + np.tile(np.arange(per_day) * dt_h / 100.0, 365)


def parquet(folder: Path, values: np.ndarray, *, start: str = "2023-01-01", rows_a_group: int = 500) -> Path:
    pytest.importorskip("pyarrow")
    index = pd.date_range(start, periods=len(values), freq="15min", tz="UTC", name="timestamp_utc")
    columns = {f"house_{place}": values[:, place] for place in range(values.shape[1])}
    path = folder / "houses.parquet"
    pd.DataFrame(columns, index=index).to_parquet(path, row_group_size=rows_a_group)
    return path


def test_a_typical_year_follows_the_calendar_of_the_grid() -> None:
    timeline = Timeline(local(2023, 1, 1), QUARTER, 365 * 96)
    reader = ProfileLibrary([series("a", day_numbers(), calendar="year")]).reader(["a"], timeline, BERLIN)

    values = reader.read(0, timeline.count)[0]

    shown = pd.date_range(timeline.start, periods=timeline.count, freq=QUARTER).tz_convert(BERLIN)
    assert values == pytest.approx(shown.dayofyear - 1 + (shown.hour + shown.minute / 60) / 100)


def test_29_february_takes_28_february_and_march_is_not_shifted() -> None:
    # Defect 5 of the original: every day after it was one day late.
    timeline = Timeline(datetime(2024, 2, 28, tzinfo=UTC), QUARTER, 3 * 96)
    reader = ProfileLibrary([series("a", day_numbers(), calendar="year")]).reader(["a"], timeline, "UTC")

    days = np.floor(reader.read(0, 3 * 96)[0]).reshape(3, 96)

    assert days[:, 0].tolist() == [58.0, 58.0, 59.0]


@pytest.mark.parametrize(("month", "day", "quarters"), [(3, 26, 92), (10, 29, 100)])
def test_a_day_of_a_clock_change_keeps_its_92_or_100_quarter_hours(month: int, day: int, quarters: int) -> None:
    begin, end = local(2023, month, day), local(2023, month, day + 1)
    count = (end.astimezone(UTC) - begin.astimezone(UTC)) // QUARTER
    hours = series("a", np.arange(96) / 4.0, calendar="day")
    timeline = Timeline(begin, QUARTER, count)

    values = ProfileLibrary([hours]).reader(["a"], timeline, BERLIN).read(0, count)[0]

    assert count == quarters
    assert values[:8].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert (values[8], values[-1]) == ((3.0, 23.75) if quarters == 92 else (2.0, 23.75))
    assert (values == 2.5).sum() == (0 if quarters == 92 else 2)


def test_sun_time_knows_no_clock_change() -> None:
    sun = series("sun", day_numbers() % 1.0, calendar="year", utc_offset_h=1.0, unit="kW/kW")
    timeline = Timeline(local(2023, 7, 1), QUARTER, 96)

    values = ProfileLibrary([sun]).reader(["sun"], timeline, BERLIN).read(0, 96)[0]

    assert values[4] == pytest.approx(0.0)  # 01:00 summer time is midnight of standard time


def test_a_week_follows_the_weekday() -> None:
    week = series("a", np.repeat(np.arange(7.0), 96), calendar="week")
    timeline = Timeline(datetime(2024, 2, 26, tzinfo=UTC), QUARTER, 8 * 96)  # a Monday

    values = ProfileLibrary([week]).reader(["a"], timeline, "UTC").read(0, 8 * 96)[0]

    assert values.reshape(8, 96)[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 0]


@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
@pytest.mark.parametrize("step", [5, 15, 60])
def test_any_step_of_a_profile_keeps_its_energy_on_any_step_of_a_run(minutes: int, step: int) -> None:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    values = np.random.default_rng(5).uniform(0, 4, 24 * 60 // minutes)
    timeline = Timeline(start, timedelta(minutes=step), 24 * 60 // step)
    library = ProfileLibrary([series("a", values, dt_h=minutes / 60, start=start)])

    power = library.reader(["a"], timeline, "UTC").read(0, timeline.count)[0]

    assert power.sum() * step == pytest.approx(values.sum() * minutes)
    if minutes >= step:
        assert power.tolist() == np.repeat(values, minutes // step).tolist()


def test_profiles_of_different_steps_and_starts_are_joined_by_time() -> None:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    early = series("early", np.arange(96 * 3) / 100.0, start=start - timedelta(days=1))
    hourly = series("hourly", np.arange(24.0), dt_h=1.0, start=start)
    timeline = Timeline(start, QUARTER, 96)

    values = ProfileLibrary([early, hourly]).reader(["hourly", "early"], timeline, "UTC").read(0, 96)

    assert values[0].tolist() == [float(row // 4) for row in range(96)]
    assert values[1].tolist() == (np.arange(96, 192) / 100.0).tolist()


def test_a_zone_off_by_half_an_hour_is_served() -> None:
    hours = series("a", np.arange(24.0), dt_h=1.0, calendar="day")
    timeline = Timeline(datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1), 24)

    values = ProfileLibrary([hours]).reader(["a"], timeline, "Asia/Kolkata").read(0, 24)[0]

    assert values[:3].tolist() == [5.5, 6.5, 7.5]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(0, 3))
def test_blocks_of_any_length_give_the_bits_of_the_whole(lengths: list[int], offset: int) -> None:
    start = datetime(2023, 3, 24, 5, tzinfo=UTC)
    total = sum(lengths) + offset
    timeline = Timeline(start, QUARTER, total)
    dated = series("dated", np.random.default_rng(1).uniform(0, 2, total), start=start)
    names = ["dated", "year", "house", "day", "dated"]
    library = ProfileLibrary(
        [dated, series("year", day_numbers(), calendar="year"), household_load("house"), occupant_load("day", 9.0)]
    )
    reader = library.reader(names, timeline, BERLIN)

    edges = np.cumsum([offset, *lengths])
    blocks = [reader.read(int(a), int(b - a)) for a, b in pairwise(edges)]

    whole = library.reader(names, timeline, BERLIN).read(offset, total - offset)
    assert np.concatenate(blocks, axis=1).tobytes() == whole.tobytes()


def test_a_block_is_float64_in_c_order_with_one_row_per_name() -> None:
    library = ProfileLibrary([flat("a", 1.0), flat("b", 2.0)])
    reader = library.reader(["b", "a", "b"], Timeline(datetime(2024, 1, 1, tzinfo=UTC), QUARTER, 96), "UTC")

    block = reader.read(10, 5)

    assert block.dtype == np.dtype(np.float64)
    assert block.shape == (3, 5)
    assert block.flags.c_contiguous
    assert block[:, 0].tolist() == [2.0, 1.0, 2.0]
    assert reader.distinct(0, 4).shape == (2, 4)
    assert reader.rows.tolist() == [0, 1, 0]
    assert reader.read(96, 0).shape == (3, 0)


def test_reading_past_the_end_is_refused() -> None:
    reader = ProfileLibrary([flat("a", 1.0)]).reader(
        ["a"], Timeline(datetime(2024, 1, 1, tzinfo=UTC), QUARTER, 96), "UTC"
    )

    with pytest.raises(OutOfRangeError, match="0 to 96"):
        reader.read(90, 10)


def test_a_measured_column_is_streamed_with_the_values_of_its_file(tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(0, 3, (96 * 20, 4))
    path = parquet(tmp_path, values)
    profiles = measured_columns(path, {"load-a": "house_2", "load-b": "house_0"}, scale=2.0)
    timeline = Timeline(datetime(2023, 1, 3, tzinfo=UTC), QUARTER, 96 * 18)
    reader = ProfileLibrary(profiles).reader(["load-b", "load-a"], timeline, "UTC")

    forwards = np.concatenate([reader.read(first, 96) for first in range(0, timeline.count, 96)], axis=1)

    assert forwards == pytest.approx(2.0 * values[192:, [0, 2]].T)
    assert reader.read(96, 96).tobytes() == forwards[:, 96:192].tobytes()  # a step back
    assert profiles["load-a"].load() == pytest.approx(2.0 * values[:, 2])


def test_a_measured_column_has_the_digest_of_its_values(tmp_path: Path) -> None:
    values = np.ones((96, 2))
    first = measured("a", parquet(tmp_path, values), "house_0").digest

    assert measured("b", parquet(tmp_path, values, rows_a_group=7), "house_0").digest == first
    values[50, 0] = 2.0
    assert measured("a", parquet(tmp_path, values), "house_0").digest != first


@pytest.mark.parametrize(("value", "said"), [(np.nan, "row 11"), (-1.0, "-1.0 in row 11")])
def test_a_bad_cell_of_a_measured_column_is_told_with_its_row(tmp_path: Path, value: float, said: str) -> None:
    values = np.ones((96, 2))
    values[10, 1] = value
    path = parquet(tmp_path, values)

    assert measured("a", path, "house_0").count == 96
    with pytest.raises(ProfileError, match=said):
        measured("a", path, "house_1")


def test_an_unknown_column_lists_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="house_0, house_1"):
        measured("a", parquet(tmp_path, np.ones((96, 2))), "house_9")


def test_a_profile_that_does_not_cover_the_horizon_is_told_with_its_first_and_last_time() -> None:
    short = series("load-a", np.ones(96), start=datetime(2024, 3, 1, tzinfo=UTC))
    timeline = Timeline(datetime(2024, 3, 1, tzinfo=UTC), QUARTER, 97)

    with pytest.raises(InvalidInputError, match="2024-03-01 00:00 to 2024-03-02 00:00 UTC"):
        ProfileLibrary([short]).reader(["load-a"], timeline, "UTC")


def test_mixed_years_are_told_as_such() -> None:
    # Defect 5 of the original: load of one year and sun of another were joined by position.
    start = datetime(2016, 1, 1, tzinfo=UTC)
    library = ProfileLibrary(
        [
            series("load", np.ones(366 * 96), start=start),
            series("sun", np.ones(365 * 96), start=datetime(2013, 1, 1, tzinfo=UTC), unit="kW/kW"),
        ]
    )

    problems = library.check(["load", "sun"], Timeline(start, QUARTER, 96), "UTC")

    assert [problem.where for problem in problems] == ["profile sun", "profiles"]
    assert "mixed years (sun: 2013)" in problems[1].got
    assert "2016" in problems[1].allowed


def test_a_repeating_year_keeps_weekday_and_season() -> None:
    start = datetime(2013, 1, 1, tzinfo=UTC)
    moments = pd.date_range(start, periods=365 * 96, freq=QUARTER)
    days = series("a", (moments - moments[0]).days.to_numpy(), start=start, repeats=True)
    timeline = Timeline(datetime(2024, 1, 1, tzinfo=UTC), QUARTER, 366 * 96)

    found = ProfileLibrary([days]).reader(["a"], timeline, "UTC").read(0, timeline.count)[0]

    source = moments[0] + pd.to_timedelta(found, unit="D")
    wanted = pd.date_range(timeline.start, periods=timeline.count, freq=QUARTER)
    assert (source.dayofweek == wanted.dayofweek).all()
    apart = np.abs(np.asarray(source.dayofyear) - np.asarray(wanted.dayofyear))
    assert np.minimum(apart, 366 - apart).max() <= 7


def test_a_repeating_profile_shorter_than_52_weeks_is_refused() -> None:
    short = series("a", np.ones(96 * 300), start=datetime(2013, 1, 1, tzinfo=UTC), repeats=True)

    with pytest.raises(InvalidInputError, match="52 weeks"):
        ProfileLibrary([short]).reader(["a"], Timeline(datetime(2024, 1, 1, tzinfo=UTC), QUARTER, 96), "UTC")


@given(days=st.integers(364, 800), moment=st.integers(-(10**10), 10**10), dt_s=st.sampled_from([300, 900, 1800, 3600]))
def test_a_repeating_profile_has_a_row_for_every_moment(days: int, moment: int, dt_s: int) -> None:
    n_rows = days * 86_400 // dt_s

    row = int(rows_of("dated", np.array([moment]), dt_s, 1_356_998_400, n_rows, repeats=True)[0])

    assert 0 <= row < n_rows
    weeks = (moment - (1_356_998_400 + row * dt_s)) / (7 * 86_400)
    assert weeks - np.floor(weeks + 1e-12) < dt_s / (7 * 86_400)


def test_a_repeating_column_gives_what_the_same_series_gives_in_memory(tmp_path: Path) -> None:
    values = np.random.default_rng(4).uniform(0, 3, (96 * 365, 1))
    start = datetime(2023, 1, 1, tzinfo=UTC)
    column = measured("column", parquet(tmp_path, values), "house_0", repeats=True)
    memory = series("memory", values[:, 0], start=start, repeats=True)
    timeline = Timeline(datetime(2023, 12, 20, tzinfo=UTC), QUARTER, 96 * 40)
    reader = ProfileLibrary([column, memory]).reader(["column", "memory"], timeline, "UTC")

    for first in range(0, timeline.count, 96 * 7):
        block = reader.read(first, min(96 * 7, timeline.count - first))
        assert block[0].tobytes() == block[1].tobytes()


def test_the_measured_houses_have_their_336_9_megawatt_hours() -> None:
    profiles = measured_columns(shared_path("data/loads_houses_15min.parquet"))
    timeline = Timeline(datetime(2013, 1, 1, tzinfo=UTC), QUARTER, 365 * 96)
    reader = ProfileLibrary(profiles).reader(list(profiles), timeline, LONDON)

    energy_kwh = sum(float(reader.read(first, 96 * 5).sum()) / 4.0 for first in range(0, timeline.count, 96 * 5))

    assert (len(profiles), round(energy_kwh / 1000.0, 1)) == (85, 336.9)
