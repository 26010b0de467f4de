from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plants_by_hand import plain

from afterbay.sizing import DISPATCH_TEMPLATES
from afterbay.sizing import layout as at
from afterbay.sizing.case import case_row, hours_of_day, hours_of_window


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (8, 20, set(range(8, 20))),
        (22, 2, {22, 23, 0, 1}),
        (5, 5, set()),
        (0, 24, set(range(24))),
        (18, 24, set(range(18, 24))),
    ],
)
def test_a_window_is_half_open_and_wraps_midnight(start: int, end: int, hours: set[int]) -> None:
    bits = hours_of_window(start, end)

    assert {hour for hour in range(24) if bits >> hour & 1} == hours


@given(st.integers(0, 23), st.integers(0, 23))
def test_a_window_and_its_mirror_make_the_day(start: int, end: int) -> None:
    if start != end:
        assert hours_of_window(start, end) ^ hours_of_window(end, start) == (1 << 24) - 1


@pytest.mark.parametrize("dt_h", [1.0, 0.5, 0.25, 1 / 3, 1 / 12, 1 / 60])
def test_every_hour_of_the_day_has_the_same_number_of_steps(dt_h: float) -> None:
    hours = hours_of_day(dt_h).tolist()

    assert hours == sorted(hours)
    assert {hours.count(hour) for hour in range(24)} == {round(1 / dt_h)}


def test_a_case_holds_percent_with_the_digits_that_were_given() -> None:
    row = case_row(plain([1.0], bess_efficiency=0.87, bess_min_soc=0.07, bess_initial_soc=0.5), DISPATCH_TEMPLATES[1])

    assert row[at.EFFICIENCY_PCT] == 87.0
    assert row[at.MIN_SOC_PCT] == 7.0
