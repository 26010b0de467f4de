"""A solar array gives what the weather offers, up to its inverter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError, OutOfRangeError
from afterbay.core.pv import PvArray, pv_power

# The first call of a kernel compiles it: no deadline.
_LAW = settings(deadline=None)
ARRAYS = st.builds(PvArray, dc_rating=st.floats(0.0, 1e4), ac_rating=st.floats(0.0, 1e4))
WEATHER = st.lists(st.floats(-0.1, 1.5), min_size=1, max_size=50)


@_LAW
@given(ARRAYS, WEATHER)
def test_power_stays_between_zero_and_the_inverter(array: PvArray, weather: list[float]) -> None:
    power = pv_power(array, weather)

    assert power.min() >= 0.0
    assert power.max() <= array.ac_rating


@_LAW
@given(ARRAYS, WEATHER)
def test_below_the_inverter_power_is_weather_times_nameplate(array: PvArray, weather: list[float]) -> None:
    power = pv_power(array, weather)

    offered = np.maximum(weather, 0.0) * array.dc_rating
    assert np.all((power == offered) | ((power == array.ac_rating) & (offered > power)))


@_LAW
@given(ARRAYS, st.floats(-0.1, 1.5), st.floats(0.0, 0.5))
def test_more_sun_never_gives_less(array: PvArray, factor: float, more: float) -> None:
    dim, bright = pv_power(array, [factor, factor + more])

    assert bright >= dim


def test_an_inverter_of_two_thirds_clips_at_two_thirds() -> None:
    power = pv_power(PvArray(dc_rating=9.0, ac_rating=6.0), [-0.01, 0.0, 0.5, 0.7, 1.0])

    assert power.tolist() == [0.0, 0.0, 4.5, 6.0, 6.0]


def test_one_factor_is_a_series_of_one() -> None:
    assert pv_power(PvArray(dc_rating=9.0, ac_rating=6.0), 0.5).tolist() == [4.5]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_weather_that_is_no_number_is_refused_with_its_step(bad: float) -> None:
    with pytest.raises(OutOfRangeError, match="at step 1"):
        pv_power(PvArray(dc_rating=9.0, ac_rating=6.0), [0.5, bad])


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, True, "9", None])
def test_both_wrong_ratings_are_named_at_once(bad: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        PvArray(dc_rating=bad, ac_rating=bad)  # type: ignore[arg-type]

    assert [problem.where for problem in caught.value.problems] == ["dc_rating", "ac_rating"]
