"""The kernels: the same bits as plain Python, and a sort that sorts whatever it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterbay.community.settlement import auction_kernels, auction_pair_kernels, auction_sort_kernels
from afterbay.core.compiled import Floats
from plain_python import plain_copy

_PLAIN: Any = plain_copy("afterbay.community.settlement.auction_kernels")
_PLAIN_PAIRS: Any = plain_copy("afterbay.community.settlement.auction_pair_kernels")
_PLAIN_SORT: Any = plain_copy("afterbay.community.settlement.auction_sort_kernels")
_SOME = settings(max_examples=50, deadline=None)


def _book(seed: int) -> tuple[Floats, Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    n_bids, n_offers = rng.integers(0, 30, size=2)
    round_prices = bool(rng.integers(2))
    prices = [rng.uniform(0.0, 1.0, size) for size in (n_bids, n_offers)]
    if round_prices:
        prices = [np.round(price, 1) for price in prices]
    return (
        rng.uniform(0.01, 3.0, n_bids), np.sort(prices[0])[::-1].copy(),
        rng.uniform(0.01, 3.0, n_offers), np.sort(prices[1]),
    )  # fmt: skip


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("rule", range(7))
def test_clearing_gives_the_same_bits_as_plain_python(rule: int, in_order: bool) -> None:
    for seed in range(40):
        bid_kwh, bid_price, offer_kwh, offer_price = _book(seed)
        n_bids, n_offers = bid_kwh.size, offer_kwh.size
        found = []
        for kernels in (auction_kernels, _PLAIN):
            out = [np.zeros(n_bids), np.zeros(n_offers), np.zeros(n_bids), np.zeros(n_offers)]
            traded = kernels.clear_sorted(
                rule, in_order, bid_kwh, bid_price, n_bids, offer_kwh, offer_price, n_offers, *out
            )
            found.append((traded, [column.tobytes() for column in out]))
        assert found[0] == found[1]


@pytest.mark.parametrize("name", ["match_by_gain", "match_dear_offers_first"])
def test_pairing_gives_the_same_bits_as_plain_python(name: str) -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        bid_kwh, bid_price, offer_kwh, offer_price = _book(seed)
        sides = []
        for price in (bid_price, offer_price):
            cluster = rng.integers(0, 3, price.size)
            rows = np.argsort(cluster, kind="stable")
            ends = np.cumsum(np.bincount(cluster, minlength=3))
            last = (rows, ends) if name == "match_by_gain" else (cluster,)
            sides.append((price, rng.integers(0, 4, price.size), *last))
        fee = rng.uniform(0.0, 0.2, (3, 3))
        found = []
        for kernels in (auction_pair_kernels, _PLAIN_PAIRS):
            most = bid_price.size + offer_price.size
            out = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64), np.zeros(most)
            left = bid_kwh.copy(), offer_kwh.copy()
            count = getattr(kernels, name)(left[0], *sides[0], left[1], *sides[1], fee, *out)
            found.append((count, [column.tobytes() for column in (*out, *left)]))
        assert found[0] == found[1]


_KEYS = st.one_of(
    st.lists(st.floats(-1e150, 1e150), max_size=200),
    st.lists(st.sampled_from([0.1, 0.2, 0.3]), max_size=200),
    st.lists(st.sampled_from([0.0, -0.0, 5e-324, 1e-308]), max_size=20),
    # Nearly all crowd into one bucket.
    st.lists(st.integers(0, 400).map(lambda step: 1.0 + step * 1e-12) | st.just(1e6), max_size=400),
)


@_SOME
@given(_KEYS)
def test_slots_are_sorted_by_key_and_equal_keys_by_number(keys: list[float]) -> None:
    key = np.array(keys, dtype=np.float64)
    for kernels in (auction_sort_kernels, _PLAIN_SORT):
        slots = np.arange(key.size)
        kernels.sort_slots(slots, key.size, key, np.empty(key.size, np.int64), np.empty(key.size + 1, np.int64))
        assert slots.tolist() == np.argsort(key, kind="stable").tolist()


def test_a_crowd_of_keys_in_the_worst_order_is_sorted_too() -> None:
    key = np.append(1.0 + np.arange(2_000)[::-1] * 1e-12, 1e6)
    slots = np.arange(key.size)

    auction_sort_kernels.sort_slots(
        slots, key.size, key, np.empty(key.size, np.int64), np.empty(key.size + 1, np.int64)
    )

    assert slots.tolist() == np.argsort(key, kind="stable").tolist()
