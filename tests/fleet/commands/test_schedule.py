"""Schedules are read, checked in words, and become requests that follow each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fleet_orders import FLEET, NOON, A, at, checked, moment, present
from hypothesis import given
from hypothesis import strategies as st

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.commands import (
    CommandRecord,
    Interval,
    LeaseBook,
    check_request,
    interval_key,
    read_intervals,
    schedule_of,
    schedule_requests,
)

HOUR = timedelta(hours=1)


def refusal(*intervals: Interval) -> str:
    with pytest.raises(InvalidInputError) as refused:
        schedule_requests(intervals, now=NOON, asset_id=A)
    return str(refused.value)


def test_rows_are_read_with_their_zones() -> None:
    (interval,) = read_intervals([{"start": "2026-11-21T13:00:00+01:00", "end": "2026-11-21T13:00:00Z", "mw": 5}])

    assert interval == Interval(NOON, NOON + HOUR, 5.0)


def test_every_problem_of_the_rows_is_told() -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_intervals([{"start": "noon", "end": "2026-11-21T13:00:00", "mw": True}])

    assert [problem.where for problem in refused.value.problems] == [
        "intervals[0].start",
        "intervals[0].end",
        "intervals[0].mw",
    ]


def test_overlap_gap_and_backward_and_past_intervals_are_refused_in_words() -> None:
    assert "5 MW from 2026-11-21T12:30:00Z to 2026-11-21T14:00:00Z begins before" in refusal(
        Interval(NOON, NOON + HOUR, 1.0), Interval(NOON + HOUR / 2, NOON + 2 * HOUR, 5.0)
    )
    assert "nothing is planned from 2026-11-21T13:00:00Z to 2026-11-21T14:00:00Z" in refusal(
        Interval(NOON, NOON + HOUR, 1.0), Interval(NOON + 2 * HOUR, NOON + 3 * HOUR, 5.0)
    )
    assert "ends before it starts" in refusal(Interval(NOON + HOUR, NOON, 1.0))
    assert "is over" in refusal(Interval(NOON - 2 * HOUR, NOON - HOUR, 1.0))
    assert "at least one" in refusal()


def test_gaps_can_be_allowed() -> None:
    intervals = [Interval(NOON, NOON + HOUR, 1.0), Interval(NOON + 2 * HOUR, NOON + 3 * HOUR, 5.0)]

    assert len(schedule_requests(intervals, now=NOON, asset_id=A, allow_gaps=True)) == 2


def test_an_interval_that_is_running_begins_now_and_keeps_its_end() -> None:
    (scheduled,) = schedule_requests([Interval(NOON - HOUR, NOON + HOUR, 1.0)], now=NOON, asset_id=A)

    assert scheduled.not_before == NOON
    assert scheduled.request.duration_s == 3600.0


def test_a_schedule_is_followed_without_a_gap_also_while_the_headend_is_gone() -> None:
    record, book = CommandRecord(), LeaseBook([FLEET.assets[0]])
    plan = [Interval(NOON + HOUR * number, NOON + HOUR * (number + 1), 10.0 * number) for number in range(4)]
    for number, each in enumerate(schedule_requests(plan, now=NOON, asset_id=A)):
        checked = check_request(each.request, FLEET, present())
        made = record.submit(checked, command_id=f"c{number}", now=NOON, actor="ada", not_before=each.not_before)
        record.sent(made.command.id, NOON)
        record.acknowledge(book.offer(made.command.lease(), moment(0.0)), NOON)

    seen = []
    for minute in range(0, 300, 10):
        now = moment(minute * 60.0)
        for ack in book.due(now):
            record.acknowledge(ack, now.utc)
        told = book.setpoint(A, now)
        seen.append(told.mw)
        if ack_written := None if told.is_written else book.written(A, told.lease_id, now):
            record.acknowledge(ack_written, now.utc)

    assert seen == [0.0] * 6 + [10.0] * 6 + [20.0] * 6 + [30.0] * 6 + [0.0] * 6
    assert [record.get(f"c{number}").state for number in range(4)] == ["completed"] * 4  # type: ignore[union-attr]
    assert record.due(at(1e6)) == ()


@given(st.text("!~ az09/-", min_size=1), st.integers(0, 999), st.integers(1, 1000))
def test_a_command_knows_the_schedule_that_it_is_an_interval_of(name: str, place: int, count: int) -> None:
    record = CommandRecord()
    key = interval_key(name, place, count)

    command = record.submit(checked(), command_id="c", now=NOON, actor="ada", key=key).command

    assert schedule_of(command) == (name, place, count)


@given(st.none() | st.text([chr(code) for code in range(0x21, 0x7F)], min_size=1))
def test_no_key_that_a_client_can_send_makes_a_schedule(key: str | None) -> None:
    command = CommandRecord().submit(checked(), command_id="c", now=NOON, actor="ada", key=key).command

    assert schedule_of(command) is None
