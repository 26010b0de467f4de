"""The laws of years drawn from a record, and what they say about unusable input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from weather_by_hand import record

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.uncertainty import (
    resample_months,
)

MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FIRST_DAYS = np.concatenate([[0], np.cumsum(MONTH_DAYS)])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_the_same_seed_gives_the_same_years_and_more_years_only_add(
    seed: int, record_years: int, years: int, short_steps: bool
) -> None:
    dt_h = 0.5 if short_steps else 1.0
    load, solar = record(365 * record_years, per_day=round(24 / dt_h))

    one = resample_months(load, solar, years=years, seed=seed, dt_h=dt_h)
    more = resample_months(load, solar, years=years + 2, seed=seed, dt_h=dt_h)

    assert (len(one), len(more)) == (years, years + 2)
    for (load_a, solar_a), (load_b, solar_b) in zip(one, more[:years], strict=True):
        assert np.array_equal(load_a, load_b)
        assert np.array_equal(solar_a, solar_b)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 5))
def test_every_drawn_month_is_a_month_of_the_record_unchanged(seed: int, record_years: int) -> None:
    load, solar = record(365 * record_years)

    drawn = resample_months(load, solar, years=2, seed=seed)

    assert drawn.method == "months"
    for (new_load, new_solar), origins in zip(drawn, drawn.origins, strict=True):
        assert len(new_load) == len(new_solar) == 8760
        for month, origin in enumerate(origins):
            new = slice(FIRST_DAYS[month] * 24, FIRST_DAYS[month + 1] * 24)
            old = slice(new.start + (origin - 1) * 8760, new.stop + (origin - 1) * 8760)
            assert np.array_equal(new_load[new], load[old])
            assert np.array_equal(new_solar[new], solar[old])


def test_energy_is_unbiased_over_many_drawn_years() -> None:
    load, solar = record(3 * 365)
    one_load, one_solar = record(365)

    months = resample_months(load, solar, years=400, seed=5)
    days = resample_months(one_load, one_solar, years=400, seed=5)

    assert np.mean([pair[1].sum() for pair in months]) == pytest.approx(solar.sum() / 3, rel=0.005)
    assert np.mean([pair[0].sum() for pair in months]) == pytest.approx(load.sum() / 3, rel=0.005)
    assert np.mean([pair[1].sum() for pair in days]) == pytest.approx(one_solar.sum(), rel=0.005)


def test_a_leap_february_keeps_its_29_days() -> None:
    load, solar = record(365 + 366)

    drawn = resample_months(load, solar, years=30, seed=2, start=date(2019, 1, 1))
    lengths = [len(pair[0]) for pair in drawn]

    assert set(lengths) == {8760, 8784}
    assert [length == 8784 for length in lengths] == [origin == 2020 for origin in drawn.origins[:, 1]]


def test_a_record_may_begin_in_any_month_and_cut_months_are_left_out() -> None:
    load, solar = record(800)

    drawn = resample_months(load, solar, years=20, seed=3, start=date(2021, 4, 10))

    assert all(len(pair[0]) == 8760 for pair in drawn)
    assert set(drawn.origins[:, 3].tolist()) == {2022, 2023}  # April 2021 is cut
    assert set(drawn.origins[:, 0].tolist()) == {2022, 2023}
    assert set(drawn.origins[:, 11].tolist()) == {2021, 2022}


def test_months_with_a_single_candidate_are_named() -> None:
    load, solar = record(365 + 31)

    drawn = resample_months(load, solar, years=4, seed=3, start=date(2021, 1, 1))

    assert drawn.method == "months"
    assert "February, March" in drawn.notes[1]
    assert "January" not in drawn.notes[1]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 28))
def test_a_single_year_gives_only_its_own_days_in_blocks_of_neighbours(seed: int, block_days: int) -> None:
    load, solar = record(365)

    drawn = resample_months(load, solar, years=1, seed=seed, block_days=block_days)
    new_load, new_solar = drawn[0]

    assert (drawn.method, drawn.block_days) == ("days", block_days)
    assert "cannot create another January" in drawn.notes[0]
    assert f"blocks of {block_days} neighbouring days" in drawn.notes[0]
    day_of = {day.tobytes(): number for number, day in enumerate(load.reshape(365, 24))}
    origin = np.array([day_of[day.tobytes()] for day in new_load.reshape(365, 24)])
    assert np.array_equal(new_solar.reshape(365, 24), solar.reshape(365, 24)[origin])
    for month, length in enumerate(MONTH_DAYS):
        inside = origin[FIRST_DAYS[month] : FIRST_DAYS[month + 1]] - FIRST_DAYS[month]
        assert ((inside >= 0) & (inside < length)).all()
        neighbours = (np.diff(inside) % length) == 1
        assert neighbours[np.arange(length - 1) % block_days != block_days - 1].all()


def test_days_are_drawn_and_not_merely_copied() -> None:
    load, solar = record(366)

    drawn = resample_months(load, solar, years=2, seed=0)

    assert len(drawn[0][0]) == 8784
    assert not np.array_equal(drawn[0][1], solar)
    assert not np.array_equal(drawn[0][1], drawn[1][1])


def _broken() -> list[tuple[Callable[[], object], list[str]]]:
    year = record(365)
    return [
        (lambda: resample_months(*year, years=0, seed=-1, block_days=29, dt_h=0.7), ["years", "seed", "block", "dt_h"]),
        (lambda: resample_months([-1.0] * 8760, "sun", years=1, seed=0), ["load", "solar"]),
        (lambda: resample_months(year[0], year[1][:-24], years=1, seed=0), ["load"]),
        (lambda: resample_months(year[0][:-1], year[1][:-1], years=1, seed=0), ["whole days"]),
        (lambda: resample_months(*record(400), years=1, seed=0), ["start"]),
        (lambda: resample_months(*record(340), years=1, seed=0, start=date(2021, 1, 1)), ["December"]),
        (lambda: resample_months(*year, years=1, seed=0, start=datetime(2021, 1, 1, 5)), ["midnight"]),
        (lambda: resample_months(*year, years=1, seed=0, start=date(9999, 6, 1)), ["start"]),
        (lambda: resample_months(*year, years=1, seed=0, start="2021"), ["start"]),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("number", range(9))
def test_unusable_input_is_refused_with_every_problem_named(number: int) -> None:
    cases = _broken()
    assert len(cases) == 9
    ask, named = cases[number]

    with pytest.raises(InvalidInputError) as caught:
        ask()

    for word in named:
        assert word in str(caught.value)
