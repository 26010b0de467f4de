"""Steps are UTC, days are local: a day has 92, 96 or 100 quarter hours, a leap year 35,136."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from afterbay.community.simulation import horizon, local_days
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline


def test_days_of_the_clock_change_have_92_and_100_quarter_hours() -> None:
    spring = horizon("2024-03-30", 3, time_zone="Europe/Berlin")
    autumn = horizon("2024-10-26", end="2024-10-28", time_zone="Europe/Berlin")

    assert np.diff(local_days(spring, "Europe/Berlin").starts).tolist() == [96, 92, 96]
    assert np.diff(local_days(autumn, "Europe/Berlin").starts).tolist() == [96, 100, 96]
    assert local_days(spring, "Europe/Berlin").hour[96 + 8] == 3.0


@pytest.mark.parametrize(("year", "steps"), [(2023, 35_040), (2024, 35_136)])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"])
def test_a_year_is_as_long_as_it_is(year: int, steps: int, zone: str) -> None:
    year_of = horizon(f"{year}-01-01", end=f"{year}-12-31", time_zone=zone)
    days = local_days(year_of, zone)

    assert year_of.count == steps
    assert len(days.dates) == steps // 96
    assert days.starts[-1] == steps
    assert (np.diff(days.starts) > 0).all()


def test_days_that_are_cut_at_both_ends_are_still_days() -> None:
    timeline = Timeline(datetime(2023, 6, 1, 22, 30, tzinfo=UTC), timedelta(minutes=15), 200)

    days = local_days(timeline, "Europe/Berlin")

    assert days.dates == (date(2023, 6, 2), date(2023, 6, 3), date(2023, 6, 4))
    assert days.starts.tolist() == [0, 94, 190, 200]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": "2023-13-01", "days": 1}, "a date such as"),
        ({"start": "2023-01-02", "end": "2023-01-01"}, "or later"),
        ({"start": "2023-01-02", "days": 0}, "whole number from 1"),
        ({"start": "2023-01-02"}, "either days or end"),
        ({"start": "2023-01-02", "days": 2, "time_zone": "Mars/Base"}, "IANA name"),
    ],
)
def test_a_horizon_that_makes_no_sense_is_refused_in_words(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        horizon(**arguments)  # type: ignore[arg-type]
