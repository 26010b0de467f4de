from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from afterbay.community.topology import Tariff, TariffPeriod
from afterbay.community.topology.tariff import local_hours
from afterbay.core.timeline import Timeline

_QUARTER = timedelta(minutes=15)
_NIGHT = Tariff(0.30, 0.08, periods=(TariffPeriod(22.0, 6.0, retail_per_kwh=0.20),))


def _day(start: datetime, steps: int = 96) -> Timeline:
    return Timeline(start, _QUARTER, steps)


def test_a_tariff_without_periods_is_the_same_at_every_hour() -> None:
    retail, feed_in = Tariff(0.30, 0.08).prices(_day(datetime(2024, 6, 1, tzinfo=UTC)), "Europe/Berlin")

    assert set(retail) == {0.30}
    assert set(feed_in) == {0.08}


def test_a_window_over_midnight_holds_on_both_sides_of_it() -> None:
    retail, feed_in = _NIGHT.prices(_day(datetime(2024, 6, 1, tzinfo=UTC)), "UTC")

    assert retail.tolist() == [0.20] * 24 + [0.30] * 64 + [0.20] * 8
    assert set(feed_in) == {0.08}


def test_windows_follow_the_local_clock() -> None:
    # 22:00 in Berlin is 20:00 UTC in summer and 21:00 UTC in winter.
    summer, _ = _NIGHT.prices(_day(datetime(2024, 6, 1, tzinfo=UTC)), "Europe/Berlin")
    winter, _ = _NIGHT.prices(_day(datetime(2024, 1, 1, tzinfo=UTC)), "Europe/Berlin")

    assert int(np.flatnonzero(summer == 0.30)[-1]) == 79
    assert int(np.flatnonzero(winter == 0.30)[-1]) == 83


@pytest.mark.parametrize(("date", "steps"), [((2024, 3, 30, 23), 20), ((2024, 10, 26, 22), 28)])
def test_a_night_of_a_clock_change_is_an_hour_shorter_or_longer(date: tuple[int, int, int, int], steps: int) -> None:
    # From local midnight on: 24 quarter hours until 06:00 on any other day.
    retail, _ = _NIGHT.prices(_day(datetime(*date, tzinfo=UTC), 48), "Europe/Berlin")

    assert int(np.flatnonzero(retail == 0.30)[0]) == steps


def test_a_later_period_wins_and_an_open_price_leaves_what_is_there() -> None:
    tariff = Tariff(
        0.30, 0.08, periods=(TariffPeriod(0.0, 24.0, 0.25), TariffPeriod(12.0, 14.0, feed_in_per_kwh=0.01),
                             TariffPeriod(18.0, 20.0, 0.45)),
    )  # fmt: skip

    retail, feed_in = tariff.prices(_day(datetime(2024, 6, 1, tzinfo=UTC)), "UTC")

    assert retail.tolist() == [0.25] * 72 + [0.45] * 8 + [0.25] * 16
    assert feed_in.tolist() == [0.08] * 48 + [0.01] * 8 + [0.08] * 40


def test_weekdays_and_months_narrow_a_period() -> None:
    weekend = Tariff(0.30, periods=(TariffPeriod(0.0, 24.0, 0.10, weekdays=(5, 6), months=(6,)),))
    month = Timeline(datetime(2024, 5, 31, tzinfo=UTC), timedelta(days=1), 32)

    retail, _ = weekend.prices(month, "UTC")

    cheap = [int(place) for place in np.flatnonzero(retail == 0.10)]
    assert cheap == [1, 2, 8, 9, 15, 16, 22, 23, 29, 30]  # 1 June 2024 is a Saturday


def test_local_hours_are_those_of_the_start_of_each_step() -> None:
    hour, weekday, month = local_hours(_day(datetime(2024, 12, 31, 22, 45, tzinfo=UTC), 3), "Europe/Berlin")

    assert hour.tolist() == [23.75, 0.0, 0.25]
    assert weekday.tolist() == [1.0, 2.0, 2.0]
    assert month.tolist() == [12.0, 1.0, 1.0]
