from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.sizing.grid import SizeGrid, inclusive_range


@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0.01, 300))
def test_a_range_never_passes_its_maximum_and_starts_at_its_minimum(low: float, span: float, step: float) -> None:
    values = inclusive_range(low, low + span, step)

    assert values[0] == low
    assert max(values) <= low + span
    assert low + span - values[-1] <= step * (1 + 1e-6) + 1e-6


def test_a_range_includes_its_maximum_when_the_steps_meet_it() -> None:
    assert inclusive_range(50, 250, 50) == (50.0, 100.0, 150.0, 200.0, 250.0)
    assert inclusive_range(0, 12, 5) == (0.0, 5.0, 10.0)
    assert inclusive_range(0, 0.3, 0.1)[-1] == 0.3
    assert inclusive_range(7, 7, 0) == (7.0,)


@pytest.mark.parametrize("numbers", [(1, 0, 1), (0, 1, 0), (0, 1, -1), (math.nan, 1, 1), (0, math.inf, 1)])
def test_a_range_that_leads_nowhere_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidInputError):
        inclusive_range(*numbers)


def test_the_default_project_has_seventy_cases_in_the_order_of_the_plan() -> None:
    grid = SizeGrid(inclusive_range(50, 200, 25), (2, 4), inclusive_range(0, 20, 5))

    assert len(grid) == 70
    assert grid.columns["capacity"][:11].tolist() == [50.0] * 10 + [75.0]
    assert grid.columns["power"][:6].tolist() == [25.0] * 5 + [12.5]
    assert grid.columns["dg_capacity"][:5].tolist() == [0.0, 5.0, 10.0, 15.0, 20.0]
    assert grid.warning is None


def test_more_than_ten_thousand_cases_warn_and_more_than_fifty_thousand_are_refused() -> None:
    many = tuple(float(size) for size in range(1, 10_002))

    assert "10,001" in (SizeGrid(many, (2,)).warning or "")
    with pytest.raises(InvalidInputError, match="50,005 cases"):
        SizeGrid(many, (1, 2, 3, 4, 5))


@pytest.mark.parametrize(
    "axes",
    [
        {"bess_mwh": ()},
        {"bess_mwh": (-1.0,)},
        {"bess_mwh": (1.0, 1.0)},
        {"durations_h": (0.0,)},
        {"dg_mw": (math.nan,)},
        {"solar_mw": ("much",)},
        {"solar_base_mw": 0.0},
    ],
)
def test_an_axis_must_be_sizes(axes: dict[str, object]) -> None:
    fine: dict[str, object] = {"bess_mwh": (1.0,), "durations_h": (2.0,)}

    with pytest.raises(InvalidInputError) as caught:
        SizeGrid(**{**fine, **axes})  # type: ignore[arg-type]

    assert caught.value.problems[0].where == next(iter(axes))
