from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from afterbay.community.recipes import flat, power_statistics, street_statistics
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline

WEEK = Timeline(datetime(2024, 3, 4, tzinfo=UTC), timedelta(minutes=15), 672)


def test_a_flat_load_has_load_factor_one() -> None:
    found = power_statistics(np.full(672, 2.0), WEEK, "UTC")

    assert (found.energy_kwh, found.annual_kwh, found.peak_kw, found.load_factor) == (336.0, 17520.0, 2.0, 1.0)
    assert found.week.tolist() == np.full((7, 96), 2.0).tolist()


def test_the_average_day_and_the_week_are_local() -> None:
    power = np.zeros(672)
    power[24 * 4 + 40] = 7.0  # Tuesday 10:00 UTC

    found = power_statistics(power, WEEK, "Europe/Berlin")

    assert found.average_day[44] == pytest.approx(1.0)
    assert found.week[1, 44] == 7.0
    assert np.nansum(found.week) == 7.0


def test_a_quarter_hour_that_never_came_has_no_mean() -> None:
    berlin = datetime(2024, 3, 31, tzinfo=ZoneInfo("Europe/Berlin"))
    found = power_statistics(np.ones(92 + 4), Timeline(berlin, timedelta(minutes=15), 96), "Europe/Berlin")

    assert np.isnan(found.week[6, 8:12]).all()
    assert np.isfinite(found.week[6, 12:]).all()


def test_houses_that_peak_at_different_times_coincide_less() -> None:
    power = np.zeros((2, 672)) + 0.1
    power[0, 80] = power[1, 300] = 4.0

    together = street_statistics(np.vstack([power[0], power[0]]), WEEK, "UTC")
    apart = street_statistics(power, WEEK, "UTC")

    assert together.coincidence == 1.0
    assert apart.coincidence == pytest.approx(4.1 / 8.0)


def test_a_series_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="one value per quarter hour"):
        power_statistics(flat("a", 1.0).values, WEEK, "UTC")
