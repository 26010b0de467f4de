"""Commands from the request to their end, as the headend sends and follows them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fleet_link import ASSETS, GROUP, SITE, Clock, acknowledge, connect, inventory, leases, register, running, sample

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.request import CommandRequest
from afterbay.fleet.headend import Headend, Restored
from afterbay.fleet.messages import Acknowledgement, Lease, TelemetryBatch
from afterbay.fleet.wire import agent_message, headend_message, read_headend
from afterbay.fleet.wire import agent_pb2 as pb

A, B, C, D = ASSETS


def submit(headend: Headend, mw: float = 5.0, **more: object) -> Command:
    key = more.pop("key", None)
    request = CommandRequest(mw=mw, **more)  # type: ignore[arg-type]
    return headend.submit(request, actor="maria", key=key).command  # type: ignore[arg-type]


def states(command: Command) -> list[str]:
    return [change.state for change in command.history if change.asset_id is None]


def test_a_command_lives_from_submission_to_completion_with_time_actor_and_reason() -> None:
    headend, clock = running()
    stream = connect(headend, register())
    command = submit(headend, asset_id=A, duration_s=60.0)
    (lease,) = leases(stream)
    for state, reason in (("received", ""), ("active", "reached"), ("completed", "its end")):
        clock.forward(1.0)
        ack = Acknowledgement(lease.id, A, state, clock.now, reason)
        headend.hear(stream, agent_message(ack))

    command = headend.command(command.id)

    assert states(command) == ["submitted", "sent", "received", "active", "completed"]
    assert [change.actor for change in command.history] == [
        "maria", "headend", "gateway:gw-1", "gateway:gw-1", "gateway:gw-1",
    ]  # fmt: skip
    assert command.history[-1].reason == "its end"
    assert (lease.asset_id, lease.mw, lease.valid_until) == (A, 5.0, command.submitted_at + timedelta(seconds=60))


def test_with_both_ids_only_the_asset_moves() -> None:
    headend, _ = running()
    stream = connect(headend, register())

    submit(headend, asset_id=A, site_id=SITE)

    assert [(lease.asset_id, lease.site_id) for lease in leases(stream)] == [(A, None)]


def test_an_unknown_asset_moves_nothing_whatever_the_site_says() -> None:
    headend, _ = running()
    stream = connect(headend, register())

    with pytest.raises(NotFoundError):
        submit(headend, asset_id="nobody", site_id=SITE)

    assert leases(stream) == []
    assert headend.commands() == ()


def test_a_site_command_goes_to_its_gateway_whole_and_each_asset_answers_for_itself() -> None:
    headend, clock = running()
    stream = connect(headend, register(), *(sample(asset_id) for asset_id in (A, B, C)))

    command = submit(headend, 12.0, site_id=SITE)
    (lease,) = leases(stream)
    assert (lease.site_id, lease.asset_id, lease.mw, lease.members) == (SITE, None, 12.0, (A, B, C))
    for asset_id in (A, B):
        headend.hear(stream, agent_message(acknowledge(lease, "active", asset_id=asset_id, at=clock.now)))
    headend.hear(stream, agent_message(acknowledge(lease, "rejected", asset_id=C, at=clock.now)))

    parts = headend.command(command.id).parts
    assert [(part.asset_id, part.state) for part in parts] == [(A, "active"), (B, "active"), (C, "rejected")]


def test_the_gateways_of_a_group_get_their_shares() -> None:
    headend, _ = running()
    north = connect(headend, register([A, B], gateway="north"))
    south = connect(headend, register([D], gateway="south"))

    command = submit(headend, 22.0, group_id=GROUP)

    (to_north,), (to_south,) = leases(north), leases(south)
    assert (to_north.members, to_south.members) == ((A,), (D,))
    assert to_north.mw + to_south.mw == pytest.approx(22.0)
    assert to_north.mw == pytest.approx(12.0)
    assert to_north.id == to_south.id == command.id


def test_an_offline_asset_is_a_conflict_unless_the_command_waits_for_it() -> None:
    headend, _ = running()

    with pytest.raises(ConflictError, match="offline"):
        submit(headend, asset_id=A)
    assert headend.commands() == ()

    command = submit(headend, asset_id=A, deliver_within_s=60.0)
    assert headend.command(command.id).state == "queued"
    stream = connect(headend, register())
    assert [lease.id for lease in leases(stream)] == [command.id]
    assert headend.command(command.id).state == "sent"


def test_a_command_that_waited_too_long_expires_and_is_never_sent() -> None:
    headend, clock = running()
    command = submit(headend, asset_id=A, deliver_within_s=60.0)
    clock.forward(61.0)
    headend.tick()

    stream = connect(headend, register())

    assert headend.command(command.id).state == "expired"
    assert leases(stream) == []


def test_a_command_on_a_lost_stream_is_sent_again_and_still_is_one_command() -> None:
    headend, _ = running()
    first = connect(headend, register())
    command = submit(headend, asset_id=A)
    headend.close_stream(first, "connection lost")
    assert headend.command(command.id).state == "queued"

    second = connect(headend, register())

    assert [(lease.id, lease.seq) for lease in leases(second)] == [(command.id, command.seq)]


def test_the_same_key_is_one_command_and_another_request_with_it_is_refused() -> None:
    headend, _ = running()
    stream = connect(headend, register())
    first = submit(headend, asset_id=A, key="k1")

    again = headend.submit(CommandRequest(mw=5.0, asset_id=A), actor="maria", key="k1")

    assert again.duplicate
    assert again.command.id == first.id
    assert len(leases(stream)) == 1
    with pytest.raises(InvalidInputError, match="another request"):
        submit(headend, 6.0, asset_id=A, key="k1")


def test_an_agent_of_the_original_has_reached_a_power_when_its_telemetry_says_so() -> None:
    headend, _ = running()
    stream = connect(headend, register(protocol=0))
    command = submit(headend, 4.0, asset_id=A)

    def seen(seq: int, mw: float) -> Command:
        headend.hear(stream, agent_message(sample(A, seq, mw, setpoint_mw=4.0)))
        return headend.command(command.id)

    assert (seen(1, 0.0).state, seen(1, 0.0).reached_at) == ("active", None)
    assert seen(2, 3.1).reached_at is None, "three quarters of the way are not there"
    there = seen(3, 3.99)
    assert (there.reached_at, there.delivered_mw) == (headend.now(), 3.99)


def test_a_repetition_is_answered_also_when_the_asset_has_gone() -> None:
    headend, _ = running()
    stream = connect(headend, register())
    first = submit(headend, asset_id=A, key="k1")
    headend.close_stream(stream, "gone")

    assert submit(headend, asset_id=A, key="k1").id == first.id


def test_a_newer_command_supersedes_the_older_once_the_agent_follows_it() -> None:
    headend, clock = running()
    stream = connect(headend, register())
    older, newer = submit(headend, 5.0, asset_id=A), submit(headend, 6.0, asset_id=A)

    for lease in leases(stream):
        headend.hear(stream, agent_message(acknowledge(lease, "active", at=clock.now)))

    assert newer.seq > older.seq
    assert headend.command(older.id).state == "superseded"
    assert headend.command(newer.id).state == "active"


def test_a_cancel_is_told_to_the_agent_and_holds_when_it_confirms() -> None:
    headend, clock = running()
    stream = connect(headend, register())
    command = submit(headend, asset_id=A, fallback_mw=1.0)
    (lease,) = leases(stream)
    headend.hear(stream, agent_message(acknowledge(lease, "active", at=clock.now)))

    headend.cancel(command.id, actor="maria", reason="enough")

    (told,) = leases(stream)
    assert (told.id, told.cancel, told.mw) == (command.id, True, 1.0)
    headend.hear(stream, agent_message(acknowledge(told, "cancelled", at=clock.now)))
    assert headend.command(command.id).state == "cancelled"
    with pytest.raises(ConflictError, match="already"):
        headend.cancel(command.id, actor="maria")


def test_a_cancel_that_was_not_confirmed_is_told_again_after_a_reconnection() -> None:
    headend, clock = running()
    first = connect(headend, register())
    command = submit(headend, asset_id=A)
    headend.hear(first, agent_message(acknowledge(leases(first)[0], "active", at=clock.now)))
    headend.cancel(command.id, actor="maria")
    headend.close_stream(first, "connection lost")

    second = connect(headend, register())

    assert [(lease.id, lease.cancel) for lease in leases(second)] == [(command.id, True)]


def test_only_the_gateway_that_serves_the_asset_is_believed() -> None:
    headend, clock = running()
    connect(headend, register([A], gateway="gw-1"))
    rogue = connect(headend, register([B], gateway="gw-2"))
    command = submit(headend, asset_id=A)

    headend.hear(rogue, agent_message(Acknowledgement(command.id, A, "completed", clock.now)))

    assert headend.command(command.id).state == "sent"


def test_sequences_go_on_above_what_an_agent_has_seen() -> None:
    headend, _ = running()
    connect(headend, register(last_command_seq=2**60))

    assert submit(headend, asset_id=A).seq > 2**60


def test_an_agent_that_does_not_read_is_found_before_a_command_is_accepted() -> None:
    headend, _ = running()
    stream = connect(headend, register())
    for number in range(1024):
        stream.outbox.put(Lease(str(number), 0.0, 1, Clock().now, asset_id=A))

    with pytest.raises(UnavailableError, match="does not read"):
        submit(headend, asset_id=A)

    assert headend.commands() == ()


def test_an_agent_of_the_original_is_believed_by_its_telemetry() -> None:
    headend, _ = running()
    stream = connect(headend, register(protocol=0))
    command = submit(headend, asset_id=A)
    headend.hear(stream, agent_message(sample(A, 0, 0.0)))
    assert headend.command(command.id).state == "sent"

    headend.hear(stream, agent_message(sample(A, 0, 2.0, setpoint_mw=5.0)))

    assert headend.command(command.id).state == "active"


def test_an_agent_of_the_original_gets_a_later_begin_only_when_it_is_due() -> None:
    headend, clock = running()
    stream = connect(headend, register(protocol=0))
    begin = clock.now + timedelta(seconds=30)
    headend.submit(CommandRequest(mw=5.0, asset_id=A, duration_s=60.0), actor="maria", not_before=begin)
    headend.tick()
    assert leases(stream) == []
    (command,) = headend.commands()
    assert (command.state, command.parts[0].reason) == ("queued", "waits for its begin")

    clock.forward(30.0)
    headend.tick()

    (lease,) = leases(stream)
    assert lease.valid_until == begin + timedelta(seconds=60)


def test_an_agent_that_starts_gets_its_last_sample_and_a_command_only_while_it_runs() -> None:
    headend, clock = running()
    stream = connect(headend, register(), TelemetryBatch((sample(A, 3, 5.0),), 1))
    command = submit(headend, asset_id=A, duration_s=60.0)
    headend.hear(stream, agent_message(acknowledge(leases(stream)[0], "active", at=clock.now)))

    restored, unknown_telemetry = headend.bootstrap([A, B, "nobody"])
    clock.forward(60.0)
    (ended,) = headend.bootstrap([A])

    assert restored.telemetry is not None
    assert restored.lease is not None
    assert (restored.lease.id, restored.telemetry.seq) == (command.id, 3)
    assert unknown_telemetry.telemetry is None, "nothing is made up"
    assert ended.lease is None, "a command that has ended is never handed out"


def test_a_part_of_a_site_command_is_handed_out_for_its_asset_alone() -> None:
    headend, clock = running()
    stream = connect(headend, register())
    submit(headend, 12.0, site_id=SITE)
    (lease,) = leases(stream)
    for asset_id, mw in ((A, 7.2), (B, 2.4), (C, 2.4)):
        ack = Acknowledgement(lease.id, asset_id, "active", clock.now, applied_mw=mw)
        headend.hear(stream, agent_message(ack))

    (restored,) = headend.bootstrap([A])

    assert restored.lease is not None
    assert (restored.lease.asset_id, restored.lease.site_id, restored.lease.mw) == (A, None, 7.2)


def test_commands_are_restored_and_delivered_once_after_a_restart() -> None:
    before, clock = running()
    stream = connect(before, register())
    command = submit(before, asset_id=A)
    assert len(leases(stream)) == 1

    after = Headend(inventory(), clock=clock, monotonic=clock.monotonic)
    after.restore(Restored(commands=before.commands()))
    stream = connect(after, register())

    assert [lease.id for lease in leases(stream)] == [command.id]
    assert submit(after, 6.0, asset_id=A).seq > command.seq


def test_a_preview_sends_and_keeps_nothing() -> None:
    headend, _ = running()
    stream = connect(headend, register(), *(sample(asset_id) for asset_id in (A, B, C)))

    preview = headend.preview(CommandRequest(mw=12.0, site_id=SITE, duration_s=60.0))

    assert sum(asset.mw for asset in preview.assets) == pytest.approx(12.0)
    assert leases(stream) == []
    assert headend.commands() == ()


def test_commands_are_listed_newest_first_and_by_asset() -> None:
    headend, _ = running()
    connect(headend, register())
    first, second, third = (submit(headend, 1.0, asset_id=asset_id) for asset_id in (A, B, A))

    assert [command.id for command in headend.commands(limit=2)] == [third.id, second.id]
    assert [command.id for command in headend.commands(asset_id=A)] == [third.id, first.id]
    with pytest.raises(NotFoundError, match="not known"):
        headend.command("nobody")


def test_a_late_command_of_the_outbox_says_what_is_left_of_it() -> None:
    headend, clock = running()
    stream = connect(headend, register(protocol=0))
    submit(headend, asset_id=A, duration_s=60.0)
    clock.forward(20.0)
    (lease,) = leases(stream)

    raw = pb.HeadendToAgent.FromString(headend_message(lease, clock.now).SerializeToString())

    assert raw.setpoint.duration_s == 40
    assert isinstance(read_headend(raw, clock.now), Lease)
