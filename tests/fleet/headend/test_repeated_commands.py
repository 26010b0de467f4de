"""A request that comes twice is one command, whatever the headend has forgotten; and when a command may begin."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from fleet_link import ASSETS, NOON, acknowledge, connect, inventory, leases, register, running

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend import Headend, Outcome, Restored
from afterbay.fleet.wire import agent_message

A, B, C, D = ASSETS


def submit(headend: Headend, mw: float = 5.0, *, key: str | None = None, **more: object) -> Outcome:
    request = CommandRequest(mw=mw, **{"asset_id": A, **more})  # type: ignore[arg-type]
    return headend.submit(request, actor="maria", key=key)


def test_a_repetition_is_the_same_command_for_its_agent_also_when_the_headend_forgot_everything() -> None:
    before, _ = running()
    after, _ = running()
    for headend in (before, after):
        connect(headend, register())

    first, again = submit(before, key="k").command, submit(after, key="k").command

    assert again.id == first.id
    assert submit(before, key="l").command.id != submit(after, 6.0, key="l").command.id
    assert submit(after).command.id != submit(after).command.id


def test_a_key_stays_taken_by_a_command_that_is_over_also_after_a_restart() -> None:
    before, clock = running()
    stream = connect(before, register())
    command = submit(before, duration_s=60.0, key="k").command
    before.hear(stream, agent_message(acknowledge(leases(stream)[0], "completed", at=clock.now)))

    after = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    after.restore(Restored(commands=before.commands()))
    stream = connect(after, register())
    again = submit(after, duration_s=60.0, key="k")

    assert (again.command.id, again.duplicate) == (command.id, True)
    assert leases(stream) == []
    assert after.health().commands_open == 0


@pytest.mark.parametrize(
    ("begin", "duration_s", "said"),
    [
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), 60.0, "366 days"),
        (NOON + timedelta(days=367), None, "366 days"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), 60.0, "is over"),
        (NOON - timedelta(seconds=60), 60.0, "is over"),
    ],
)
def test_a_begin_that_cannot_be_meant_is_refused(begin: datetime, duration_s: float | None, said: str) -> None:
    headend, _ = running()
    connect(headend, register())

    with pytest.raises(InvalidInputError, match=said):
        headend.submit(CommandRequest(mw=5.0, asset_id=A, duration_s=duration_s), actor="maria", not_before=begin)

    assert headend.commands() == ()
