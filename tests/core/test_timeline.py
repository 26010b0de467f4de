"""One clock: UTC, equal steps from midnight, an interval is labelled by its start."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import OutOfRangeError
from afterbay.core.timeline import Timeline, steps_per_day

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 1, tzinfo=UTC)
STEPS = st.sampled_from([timedelta(seconds=seconds) for seconds in (4, 60, 900, 1800, 3600, 86_400)])
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),
    max_value=datetime(2060, 1, 1),
    timezones=st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), timezone(-timedelta(hours=9, minutes=30))]),
)


@given(MOMENTS, STEPS, st.integers(1, 200), st.data())
def test_every_label_is_found_in_its_own_interval(
    moment: datetime, step: timedelta, count: int, data: st.DataObject
) -> None:
    line = Timeline(moment, step, count)
    index = data.draw(st.integers(0, count - 1))

    assert line.index_of(line.label(index)) == index
    assert line.index_of(line.label(index) + step - timedelta(microseconds=1)) == index
    assert line.label(index - count) == line.label(index)


@given(MOMENTS, STEPS, st.integers(0, 200))
def test_labels_are_utc_and_equally_far_apart(moment: datetime, step: timedelta, count: int) -> None:
    line = Timeline(moment, step, count)
    labels = list(line)

    assert len(line) == len(labels) == count
    assert all(label.tzinfo is UTC for label in labels)
    assert all(later - earlier == step for earlier, later in pairwise(labels))
    # In UTC, because a local hour that a clock change skips equals nothing.
    assert line.start == moment.astimezone(UTC)
    assert line.end - line.start == step * count
    assert line.dt_h == pytest.approx(step / timedelta(hours=1))


@given(MOMENTS, STEPS)
def test_an_aligned_interval_contains_the_moment_and_starts_a_whole_step_after_midnight(
    moment: datetime, step: timedelta
) -> None:
    line = Timeline.containing(moment, step)

    midnight = line.start.replace(hour=0, minute=0, second=0, microsecond=0)
    assert line.start <= moment.astimezone(UTC) < line.end
    assert (line.start - midnight) % step == timedelta(0)


@pytest.mark.parametrize(
    ("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 6, 1), 96), (date(2026, 10, 25), 100)]
)
def test_a_local_day_has_92_96_or_100_quarter_hours(day: date, quarters: int) -> None:
    first = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
    after = day + timedelta(days=1)
    last = datetime(after.year, after.month, after.day, tzinfo=BERLIN)

    line = Timeline(first, timedelta(minutes=15), quarters)

    assert line.end == last
    assert len({label.astimezone(BERLIN).isoformat() for label in line}) == quarters


def test_the_same_moment_in_two_zones_is_the_same_timeline() -> None:
    local = datetime(2026, 3, 1, 1, tzinfo=BERLIN)

    assert Timeline(local, timedelta(hours=1), 3) == Timeline(START, timedelta(hours=1), 3)


def test_a_leap_year_has_8784_hours() -> None:
    line = Timeline(datetime(2028, 1, 1, tzinfo=UTC), timedelta(hours=1), 8784)

    assert line.end == datetime(2029, 1, 1, tzinfo=UTC)


def test_the_end_belongs_to_no_interval() -> None:
    line = Timeline(START, timedelta(hours=1), 24)

    for outside in (line.end, START - timedelta(microseconds=1)):
        with pytest.raises(OutOfRangeError, match="moment"):
            line.index_of(outside)
    for index in (24, -25):
        with pytest.raises(OutOfRangeError, match="index"):
            line.label(index)


def test_a_time_without_a_zone_is_refused_everywhere() -> None:
    naive = datetime(2026, 3, 1)
    hour = timedelta(hours=1)

    with pytest.raises(OutOfRangeError, match="a time with a zone"):
        Timeline(naive, hour, 1)
    with pytest.raises(OutOfRangeError, match="a time with a zone"):
        Timeline(START, hour, 1).index_of(naive)
    with pytest.raises(OutOfRangeError, match="a time with a zone"):
        Timeline.containing(naive, hour)


@pytest.mark.parametrize("seconds", [0, -3600, 0.5, 7, 86_401, 172_800])
def test_a_step_is_whole_seconds_that_divide_a_day(seconds: float) -> None:
    with pytest.raises(OutOfRangeError, match="step"):
        Timeline(START, timedelta(seconds=seconds), 1)


def test_a_count_is_not_negative() -> None:
    with pytest.raises(OutOfRangeError, match="count"):
        Timeline(START, timedelta(hours=1), -1)


@given(st.integers(1, 86_400))
def test_a_day_split_in_n_steps_has_n_steps(steps: int) -> None:
    assert steps_per_day(24.0 / steps) == steps


@pytest.mark.parametrize("bad", [0.0, -1.0, 0.7, 5.0, 25.0, math.nan, math.inf, "1", None])
def test_a_step_that_does_not_divide_a_day_is_refused(bad: float) -> None:
    with pytest.raises(OutOfRangeError, match="dt_h"):
        steps_per_day(bad)
