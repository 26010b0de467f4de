"""The state of a whole from its parts, over every combination."""

from __future__ import annotations

import itertools

import pytest

from afterbay.fleet.commands.states import FINAL, IN_FORCE, TRANSITIONS, CommandState, may_follow
from afterbay.fleet.commands.whole import whole_state

STATES = tuple(TRANSITIONS)


def test_a_whole_only_goes_ways_that_the_table_has_and_is_never_over_before_its_parts() -> None:
    for before in STATES:
        for parts in itertools.combinations_with_replacement(STATES, 3):
            after = whole_state(before, parts)

            assert after == before or may_follow(before, after)
            if before not in FINAL and not all(part in FINAL for part in parts):
                assert after not in FINAL


@pytest.mark.parametrize("state", STATES)
def test_a_whole_of_one_part_follows_it(state: CommandState) -> None:
    before = next((each for each in STATES if may_follow(each, state)), state)

    assert whole_state(before, [state]) == state


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("active", "active"), "active"),
        (("active", "limited"), "limited"),
        (("active", "rejected"), "limited"),
        (("active", "completed"), "active"),
        (("active", "queued"), "limited"),
        (("active", "sent"), "received"),
        (("sent", "received"), "received"),
        (("sent", "rejected"), "sent"),
        (("completed", "failed"), "completed"),
        (("failed", "rejected"), "failed"),
        (("superseded", "cancelled"), "cancelled"),
    ],
)
def test_a_site_that_was_sent_is_where_its_parts_are(parts: tuple[CommandState, ...], whole: str) -> None:
    assert whole_state("sent", parts) == whole


def test_final_states_lead_nowhere_and_every_other_state_leads_to_an_end() -> None:
    for state, after in TRANSITIONS.items():
        reachable = set(after)
        while more := {each for found in reachable for each in TRANSITIONS[found]} - reachable:
            reachable |= more

        assert bool(after) != (state in FINAL)
        assert state in FINAL or reachable & FINAL
        assert state not in after
    assert set(TRANSITIONS) - FINAL >= IN_FORCE
