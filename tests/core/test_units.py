"""Percent and fraction are the same digits with the point moved: nothing is lost on the way and back."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import OutOfRangeError
from afterbay.core.units import (
    fraction_to_percent,
    kw_to_mw,
    mw_to_kw,
    one_way_efficiency,
    percent_to_fraction,
    round_trip_efficiency,
)

# What a person or a file writes: up to 15 digits, which a float keeps.
WRITTEN = st.builds(
    lambda digits, places: float(Decimal(digits).scaleb(-places)),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(0, 20),
)


@given(WRITTEN)
def test_a_written_fraction_comes_back_to_the_bit(number: float) -> None:
    assert percent_to_fraction(fraction_to_percent(number)) == number


@given(WRITTEN)
def test_a_written_percentage_comes_back_to_the_bit(number: float) -> None:
    assert fraction_to_percent(percent_to_fraction(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_a_shift_is_the_nearest_float_of_the_shifted_digits(number: float) -> None:
    assert fraction_to_percent(number) == float(Decimal(repr(number)) * 100)
    assert percent_to_fraction(number) == float(Decimal(repr(number)) / 100)


@pytest.mark.parametrize(("fraction", "percent"), [(0.07, 7.0), (0.29, 29.0), (0.87, 87.0), (0.0, 0.0), (1.0, 100.0)])
def test_percentages_look_as_they_were_written(fraction: float, percent: float) -> None:
    assert fraction_to_percent(fraction) == percent
    assert percent_to_fraction(percent) == fraction


@pytest.mark.parametrize("shift", [percent_to_fraction, fraction_to_percent])
def test_what_is_not_finite_stays_what_it_is(shift: type) -> None:
    assert shift(math.inf) == math.inf
    assert shift(-math.inf) == -math.inf
    assert math.isnan(shift(math.nan))


@given(st.floats(1e-6, 1.0))
def test_there_and_back_loses_the_round_trip_efficiency(round_trip: float) -> None:
    one_way = one_way_efficiency(round_trip)

    assert round_trip <= one_way <= 1.0
    assert round_trip_efficiency(one_way) == pytest.approx(round_trip, rel=1e-15)


@pytest.mark.parametrize("bad", [0.0, -0.5, 1.0001, 87.0, math.nan, math.inf])
def test_an_efficiency_is_a_fraction_above_zero(bad: float) -> None:
    with pytest.raises(OutOfRangeError, match="round_trip"):
        one_way_efficiency(bad)


@given(st.floats(-1e9, 1e9))
def test_kilowatts_and_megawatts_are_a_thousand_apart(number: float) -> None:
    assert kw_to_mw(mw_to_kw(number)) == pytest.approx(number, rel=1e-15)
    assert mw_to_kw(1.5) == 1500.0
    assert kw_to_mw(1500.0) == 1.5
