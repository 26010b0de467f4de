"""When a power counts as reached: as near as the order deserves, and never nearer than a device can tell."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.commands import has_reached, reach_tolerance_mw
from afterbay.fleet.inventory.records import Asset

_RATED = st.floats(0.001, 1000.0)
_SHARE = st.floats(-1.0, 1.0)


def asset(rated_mw: float, low_share: float = 1.0) -> Asset:
    return Asset("a", "s", "A", 100.0, rated_mw, -low_share * rated_mw)


def test_three_of_four_mw_is_not_reached_whatever_the_size_of_the_asset() -> None:
    for rated_mw in (4.0, 60.0, 90.0):
        assert not has_reached(3.1, 4.0, asset(rated_mw))
        assert not has_reached(3.9, 4.0, asset(rated_mw))


@given(_RATED, _SHARE)
def test_what_was_ordered_is_always_reached(rated_mw: float, share: float) -> None:
    mw = share * rated_mw

    assert has_reached(mw, mw, asset(rated_mw))


@given(_RATED, _SHARE, st.floats(0.0, 2.0))
def test_a_nearer_power_is_never_less_reached_than_a_farther_one(rated_mw: float, share: float, off: float) -> None:
    mw, plant = share * rated_mw, asset(rated_mw)

    if has_reached(mw + off, mw, plant):
        assert has_reached(mw + off / 2.0, mw, plant)


@given(_RATED, st.floats(0.05, 1.0), st.sampled_from([-1.0, 1.0]))
def test_above_a_twentieth_of_full_power_the_tolerance_is_one_percent_of_the_order(
    rated_mw: float, share: float, sign: float
) -> None:
    mw = sign * share * rated_mw

    assert reach_tolerance_mw(mw, asset(rated_mw)) == pytest.approx(max(0.01 * abs(mw), 1e-6))


@given(_RATED, _SHARE)
def test_a_register_that_is_one_step_off_has_reached_and_standing_still_has_not(rated_mw: float, share: float) -> None:
    mw, plant = share * rated_mw, asset(rated_mw)

    assert has_reached(mw + rated_mw / 3277.0, mw, plant)
    if abs(mw) > 0.001 * rated_mw and abs(mw) > 2e-6:
        assert not has_reached(0.0, mw, plant)


@given(_RATED, _SHARE)
def test_giving_and_taking_are_judged_alike(rated_mw: float, share: float) -> None:
    mw = share * rated_mw

    assert reach_tolerance_mw(mw, asset(rated_mw)) == reach_tolerance_mw(-mw, asset(rated_mw))


def test_no_number_is_never_reached() -> None:
    for value in (math.nan, math.inf, -math.inf):
        assert not has_reached(value, 0.0, asset(60.0))
