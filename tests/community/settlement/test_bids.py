"""Bid strategies: prices between the limits, by house, by hour, by chance that can be repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.settlement.bids import (
    BidLimits,
    BidPrices,
    BidStrategy,
    ByHour,
    FixedPrice,
    Margin,
    PerHouse,
    Truthful,
    ZeroIntelligence,
)
from afterbay.core.compiled import Floats
from afterbay.core.errors import InvalidInputError
from afterbay.core.timeline import Timeline

_DAY = Timeline(datetime(2023, 6, 1, tzinfo=UTC), timedelta(hours=1), 48)
_NAMES = tuple(f"H-{number}" for number in range(5))


def _limits(first: int = 0, n_steps: int = 48, names: tuple[str, ...] = _NAMES) -> BidLimits:
    bid = np.tile([0.30, 0.40], (n_steps, 1))
    offer = np.tile([0.10, 0.08], (n_steps, 1))
    column = np.array([int(name[2:]) % 2 for name in names], dtype=np.int64)
    return BidLimits(first, bid, offer, column, names)


def _of_houses(prices: BidPrices) -> tuple[Floats, Floats]:
    return prices.bid[:, prices.column], prices.offer[:, prices.column]


_EVERY: list[BidStrategy] = [
    Truthful(),
    Margin(0.2, 0.4),
    ZeroIntelligence(7),
    ByHour(_DAY, "Europe/Berlin", [0.5] * 24, [hour / 24 for hour in range(24)]),
    PerHouse({"H-1": Margin(), "H-3": ZeroIntelligence(1)}),
]


@pytest.mark.parametrize("strategy", _EVERY, ids=lambda strategy: type(strategy).__name__)
def test_no_bid_is_above_what_the_utility_costs_and_no_offer_below_what_it_pays(strategy: BidStrategy) -> None:
    limits = _limits()

    bid, offer = _of_houses(strategy.prices(limits))

    assert isinstance(strategy, BidStrategy)
    assert bid.shape == offer.shape == (48, 5)
    assert (bid <= limits.bid[:, limits.column]).all()
    assert (offer >= limits.offer[:, limits.column]).all()


@pytest.mark.parametrize("strategy", _EVERY, ids=lambda strategy: type(strategy).__name__)
def test_a_price_does_not_depend_on_which_steps_are_asked_for(strategy: BidStrategy) -> None:
    whole = _of_houses(strategy.prices(_limits()))

    part = _of_houses(strategy.prices(_limits(first=30, n_steps=7)))

    for side in range(2):
        assert part[side].tobytes() == whole[side][30:37].tobytes()


@given(st.permutations(_NAMES), st.integers(1, 5), st.integers(-(2**70), 2**70))
def test_a_draw_depends_on_seed_house_and_step_only(names: list[str], count: int, seed: int) -> None:
    some = tuple(names[:count])

    whole = ZeroIntelligence(seed).prices(_limits()).bid
    part = ZeroIntelligence(seed).prices(_limits(names=some)).bid

    for place, name in enumerate(some):
        assert part[:, place].tobytes() == whole[:, _NAMES.index(name)].tobytes()


def test_draws_are_spread_evenly_and_differ_by_seed_and_house() -> None:
    names = tuple(f"H-{number}" for number in range(0, 40, 2))
    drawn = (ZeroIntelligence(1).prices(_limits(n_steps=2_000, names=names)).bid - 0.10) / 0.20

    counts = np.histogram(drawn, bins=20, range=(0.0, 1.0))[0]
    assert counts.sum() == drawn.size
    assert counts == pytest.approx(drawn.size / 20, rel=0.1)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(20)).max() < 0.1
    other = (ZeroIntelligence(2).prices(_limits(n_steps=2_000, names=names)).bid - 0.10) / 0.20
    assert abs(np.corrcoef(drawn.ravel(), other.ravel())[0, 1]) < 0.02


def test_a_margin_keeps_its_share_of_the_distance() -> None:
    bid, offer = _of_houses(Margin(0.25, 0.5).prices(_limits()))

    assert bid[0, :2] == pytest.approx([0.25, 0.32])
    assert offer[0, :2] == pytest.approx([0.20, 0.24])


def test_where_the_utility_pays_more_than_it_costs_a_margin_stays_at_its_limit() -> None:
    limits = BidLimits(0, np.full((1, 1), 0.1), np.full((1, 1), 0.3), np.zeros(1, dtype=np.int64), ("H-1",))

    prices = Margin(0.5, 0.5).prices(limits)

    assert (prices.bid[0, 0], prices.offer[0, 0]) == (0.1, 0.3)


def test_shares_by_hour_follow_the_local_clock() -> None:
    evening = [1.0 if hour == 20 else 0.0 for hour in range(24)]

    bid, _ = _of_houses(ByHour(_DAY, "Europe/Berlin", evening, [0.0] * 24).prices(_limits()))

    # 20 h in Berlin is 18 h UTC in summer.
    assert np.flatnonzero(bid[:, 0] < 0.30).tolist() == [18, 42]


def test_a_strategy_by_hour_made_for_a_shorter_run_is_refused() -> None:
    strategy = ByHour(_DAY, "UTC", [0.0] * 24, [0.0] * 24)

    with pytest.raises(InvalidInputError, match=r"steps 40\.\.59"):
        strategy.prices(_limits(first=40, n_steps=20))


def test_chosen_houses_have_strategies_of_their_own() -> None:
    strategy = PerHouse({"H-1": FixedPrice(0.9, 0.8), "H-4": FixedPrice(0.7, 0.6)})

    bid, offer = _of_houses(strategy.prices(_limits()))

    assert bid[3].tolist() == [0.30, 0.9, 0.30, 0.40, 0.7]
    assert offer[3].tolist() == [0.10, 0.8, 0.10, 0.08, 0.6]


def test_a_strategy_for_a_house_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'H-77' and 1 more"):
        PerHouse({"H-78": Truthful(), "H-77": Truthful()}).prices(_limits())


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Margin(-0.1, 2.0), ["bid_share", "offer_share"]),
        (lambda: FixedPrice(float("nan"), float("inf")), ["bid", "offer"]),
        (lambda: ZeroIntelligence("x"), ["seed"]),  # type: ignore[arg-type]
        (lambda: ByHour(_DAY, "UTC", [0.0] * 23, [0.0] * 23 + [1.5]), ["bid_shares", "offer_shares[23]"]),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, where: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make()

    assert [problem.where for problem in caught.value.problems] == where
