from __future__ import annotations

import pytest

from afterbay.profiles.windows import hours_between, month_bounds


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [(6, 9, [6, 7, 8]), (22, 2, [0, 1, 22, 23]), (0, 24, list(range(24))), (7, 7, []), (24, 2, [0, 1])],
)
def test_a_window_holds_its_start_and_not_its_end(start: int, end: int, hours: list[int]) -> None:
    assert hours_between(start, end).nonzero()[0].tolist() == hours


@pytest.mark.parametrize(
    ("first", "last", "months", "days"), [(4, 10, 7, 214), (11, 2, 4, 120), (1, 12, 12, 365), (2, 2, 1, 28)]
)
def test_months_wrap_over_the_new_year(first: int, last: int, months: int, days: int) -> None:
    count, active = month_bounds(first, last)

    assert (count, int(active.sum()), len(active)) == (months, days, 365)
