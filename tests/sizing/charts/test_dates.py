from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.charts.dates import calendar_of


@pytest.mark.parametrize(("days", "last_of_february"), [(365, "28 Feb"), (366, "29 Feb")])
def test_a_year_without_a_start_begins_in_january_leap_or_not(days: int, last_of_february: str) -> None:
    calendar = calendar_of(days, None)
    ticks = calendar.ticks()

    assert ticks.labels == ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    assert calendar.date_of(int(ticks.edges[2])) == last_of_february
    assert calendar.date_of(days) == "31 Dec"


def test_other_lengths_without_a_start_are_only_numbered() -> None:
    calendar = calendar_of(5, None)

    assert calendar.ticks().labels == ("1", "2", "3", "4", "5")
    assert calendar.day_name(3) == "Day 3"
    assert calendar.axis_title == "Day of the run"


def test_a_known_start_names_the_year() -> None:
    assert calendar_of(30, date(2024, 2, 27)).day_name(3) == "Day 3 (29 Feb 2024)"


@pytest.mark.parametrize("days", [1, 4, 40, 90, 365, 700, 7_300])
def test_ticks_stay_few_and_inside_the_axis(days: int) -> None:
    ticks = calendar_of(days, date(2024, 5, 17)).ticks()

    assert 1 <= len(ticks.labels) <= 26
    assert len(ticks.labels) == len(ticks.centres)
    assert min(ticks.centres) >= 0.0
    assert max(ticks.centres) <= days


def test_a_sliver_of_a_month_is_not_named() -> None:
    assert calendar_of(100, date(2024, 12, 29)).ticks().labels[0] == "Jan\n2025"


@pytest.mark.parametrize("start", ["2024-01-01", 5, datetime(2024, 1, 1, 6, tzinfo=UTC), date(9999, 12, 30)])
def test_a_start_that_is_no_midnight_is_refused(start: object) -> None:
    with pytest.raises(InvalidInputError, match="a date, or a time at midnight"):
        calendar_of(365, start)  # type: ignore[arg-type]


def test_midnight_of_any_zone_is_a_day() -> None:
    assert calendar_of(2, datetime(2024, 3, 1, tzinfo=UTC)).date_of(1) == "1 Mar 2024"
