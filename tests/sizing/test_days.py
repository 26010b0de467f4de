from __future__ import annotations

import numpy as np
import pytest

from afterbay.core.errors import OutOfRangeError
from afterbay.sizing.days import (
    best_day,
    count_days,
    daily_energy_mwh,
    day_steps,
    typical_day,
    worst_day,
)
from afterbay.sizing.params import SimulationParams
from afterbay.sizing.simulation import HourlyResults, run_simulation


def solar_days(*peaks_mw: float, hours: int = 24, generator_mw: float = 0.0, battery_mwh: float = 0.0) -> HourlyResults:
    """Run days with a load of 10 MW and flat solar of the given height from 06:00 to 18:00."""
    hour = np.arange(24)
    sun = np.concatenate([np.where((hour >= 6) & (hour < 18), peak, 0.0) for peak in peaks_mw])
    steps = 24 * (len(peaks_mw) - 1) + hours
    params = SimulationParams(
        load_profile=np.full(steps, 10.0),
        solar_profile=sun[:steps],
        bess_capacity=battery_mwh,
        dg_capacity=generator_mw,
        dg_takeover_mode=False,
    )
    return run_simulation(params, 1 if generator_mw else 0)


def test_the_worst_day_has_the_most_unserved_energy_and_the_best_the_least() -> None:
    results = solar_days(8.0, 3.0, 10.0, 5.0)

    assert daily_energy_mwh(results, "unserved").tolist() == pytest.approx([144.0, 204.0, 120.0, 180.0])
    assert worst_day(results) == 2
    assert best_day(results) == 3


def test_a_tie_is_won_by_the_earlier_day() -> None:
    results = solar_days(8.0, 2.0, 2.0, 8.0)

    assert worst_day(results) == 2
    assert best_day(results) == 1


def test_the_typical_day_is_the_one_nearest_to_the_mean() -> None:
    assert typical_day(solar_days(0.0, 10.0, 6.0, 1.0)) == 3


def test_with_nothing_unserved_the_worst_day_is_where_the_battery_comes_lowest() -> None:
    results = solar_days(30.0, 30.0, 15.0, 40.0, generator_mw=10.0, battery_mwh=400.0)
    lowest = results.soc.reshape(4, 24).min(axis=1)

    assert results.unserved.max() == 0.0
    assert worst_day(results) == int(np.argmin(lowest)) + 1


def test_with_the_battery_equally_low_most_generator_energy_decides() -> None:
    results = solar_days(10.0, 4.0, 7.0, generator_mw=10.0)

    assert results.unserved.max() == 0.0
    assert worst_day(results) == 2
    assert best_day(results) == 1


def test_a_day_cut_short_can_be_the_worst_but_never_the_best_or_typical() -> None:
    short_and_dark = solar_days(10.0, 10.0, 0.0, hours=20)
    short_and_light = solar_days(5.0, 6.0, 0.0, hours=2)

    assert worst_day(short_and_dark) == 3
    assert best_day(short_and_light) == 2
    assert typical_day(short_and_light) in (1, 2)


def test_a_run_shorter_than_a_day_has_one_day() -> None:
    results = solar_days(5.0, hours=7)

    assert count_days(results) == 1
    assert (worst_day(results), best_day(results), typical_day(results)) == (1, 1, 1)
    assert day_steps(results, 1) == slice(0, 7)


def test_daily_energies_add_up_to_the_run() -> None:
    results = solar_days(8.0, 3.0, 12.0, hours=5)

    assert daily_energy_mwh(results, "load").sum() == pytest.approx(10.0 * 53)


@pytest.mark.parametrize(("day", "days"), [(0, 1), (4, 1), (1, 0), (2, 3), (True, 1), (1.0, 1), ("1", 1), (1, None)])
def test_days_outside_the_run_are_refused_with_what_is_allowed(day: object, days: object) -> None:
    results = solar_days(8.0, 3.0, 12.0)

    with pytest.raises(OutOfRangeError, match=r"a whole number 1\.\."):
        day_steps(results, day, days)  # type: ignore[arg-type]
