"""What is kept is what was made; what weighs too much goes, the oldest first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import mul

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.server.recent import Recent


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 12))
def test_it_answers_as_if_everything_were_made_anew_and_never_keeps_too_much(keys: list[int], most: int) -> None:
    recent: Recent[int, list[int]] = Recent(most)
    for key in keys:
        assert recent.find(key, partial(mul, [key], key), len) == [key] * key
        assert sum(weight for _, weight in recent._kept.values()) == recent._sum <= most


def test_what_is_at_hand_is_not_made_again_and_the_one_asked_for_longest_ago_goes() -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    recent: Recent[str, str] = Recent(2)
    for key in "abacabc":
        recent.find(key, partial(make, key))

    # c takes the place of b, then b that of c, as a was asked for later, then c that of a.
    assert made == ["a", "b", "c", "b", "c"]
    assert len(recent) == 2


def test_an_error_is_not_kept() -> None:
    recent: Recent[str, int] = Recent(2)
    with pytest.raises(ZeroDivisionError):
        recent.find("a", lambda: 1 // 0)

    assert recent.find("a", lambda: 7) == 7


def test_threads_do_not_break_the_sum() -> None:
    recent: Recent[int, int] = Recent(5)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: recent.find(n % 11, lambda: n % 11), range(5_000)))

    assert found == [n % 11 for n in range(5_000)]
    assert recent._sum == len(recent) <= 5
