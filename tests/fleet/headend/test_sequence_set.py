"""Which numbers were seen."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from afterbay.fleet.headend.seen import SequenceSet

numbers = st.lists(st.integers(1, 60), max_size=200)


@given(numbers)
def test_it_is_a_set_whatever_the_order_and_the_repetitions(given_numbers: list[int]) -> None:
    seen, expected = SequenceSet(), set[int]()

    for number in given_numbers:
        assert seen.add(number) == (number not in expected)
        expected.add(number)

    assert {number for number in range(70) if number in seen} == expected
    assert seen.highest == max(expected, default=0)


@given(numbers)
def test_its_ranges_are_apart_in_order_and_bring_it_back(given_numbers: list[int]) -> None:
    seen = SequenceSet()
    for number in given_numbers:
        seen.add(number)

    ranges = seen.ranges()

    assert all(start <= end for start, end in ranges)
    assert all(later > end + 1 for (_, end), (later, _) in pairwise(ranges))
    assert SequenceSet(reversed(ranges)).ranges() == ranges


def test_numbers_in_order_are_one_range() -> None:
    seen = SequenceSet()

    assert all(seen.add(number) for number in range(1, 10_001))

    assert seen.ranges() == ((1, 10_000),)


def test_too_many_gaps_give_up_the_oldest_one_and_memory_stays_bounded() -> None:
    seen = SequenceSet()

    for number in range(1, 1000, 2):
        seen.add(number)

    assert len(seen.ranges()) == 64
    assert seen.given_up == 500 - 64
    assert 2 in seen, "the oldest gap counts as lost"
    assert 998 not in seen


def test_ranges_that_overlap_are_joined() -> None:
    assert SequenceSet([(5, 9), (1, 3), (4, 6)]).ranges() == ((1, 9),)
