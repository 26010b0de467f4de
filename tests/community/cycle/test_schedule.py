"""Which quarter hours are due: aligned, in order, none twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.community.cycle.schedule import cycle_id, cycle_moment, due, next_quarter, punctuality, quarters
from afterbay.core.errors import InvalidInputError, OutOfRangeError

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
AT = datetime(2024, 9, 11, 14, 15, tzinfo=UTC)


@given(MOMENTS)
def test_the_next_quarter_hour_is_aligned_and_ahead_by_at_most_a_quarter(moment: datetime) -> None:
    following = next_quarter(moment)

    assert following == quarter_of(following)
    assert timedelta(0) < following - moment <= STEP


@given(MOMENTS)
def test_a_name_leads_back_to_its_quarter_hour(moment: datetime) -> None:
    assert cycle_moment(cycle_id(moment)) == quarter_of(moment)


def test_a_name_is_in_utc_whatever_the_zone() -> None:
    assert cycle_id(datetime(2024, 9, 11, 16, 29, tzinfo=timezone(timedelta(hours=2)))) == "20240911_1415"


@pytest.mark.parametrize("name", ["", "20240911", "20240911_1407", "20240931_1415", "20240911_2415", "x" * 13])
def test_what_is_no_name_of_a_cycle_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="20240911_1415"):
        cycle_moment(name)


@given(done=MOMENTS, gap_s=st.integers(0, 86_400 * 3), reach_h=st.integers(0, 48))
def test_due_quarter_hours_follow_each_other_up_to_now(done: datetime, gap_s: int, reach_h: int) -> None:
    now = done + timedelta(seconds=gap_s)

    waiting = due(done, now, reach=timedelta(hours=reach_h))

    assert all(later - earlier == STEP for earlier, later in pairwise(waiting))
    if waiting:
        assert waiting[-1] == quarter_of(now)
        assert waiting[0] == max(quarter_of(done) + STEP, quarter_of(now - timedelta(hours=reach_h)))
    else:
        assert quarter_of(now) <= quarter_of(done)


def test_nothing_is_due_before_history_begins() -> None:
    assert due(None, AT, reach=timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("late_s", "state"),
    [(0, "ok"), (30, "ok"), (30.001, "late"), (899.9, "late"), (900, "backfilled"), (1e6, "backfilled")],
)
def test_thirty_seconds_are_on_time_and_a_quarter_hour_is_late(late_s: float, state: str) -> None:
    assert punctuality(AT, AT + timedelta(seconds=late_s)) == state


def test_a_day_has_96_quarter_hours_and_the_end_is_not_among_them() -> None:
    day = list(quarters(AT, AT + timedelta(days=1)))

    assert len(day) == 96
    assert day[-1] == AT + timedelta(days=1) - STEP


def test_more_than_a_year_is_refused() -> None:
    with pytest.raises(OutOfRangeError, match="year"):
        quarters(AT, AT + timedelta(days=400))
