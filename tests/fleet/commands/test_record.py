"""The headend's record: idempotency, order, deadlines, cancelling, words of agents, restart, bounded memory."""

from __future__ import annotations

import json

import pytest
from fleet_orders import NOON, NORTH, PAIR, A, B, C, at, checked

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError
from afterbay.fleet.commands import Command, CommandRecord, command_from_dict
from afterbay.fleet.messages import Acknowledgement


def submit(record: CommandRecord, name: str, mw: float = 10.0, *, now_s: float = 0.0, **rest: object) -> Command:
    return record.submit(checked(mw, **rest), command_id=name, now=at(now_s), actor="ada").command  # type: ignore[arg-type]


def word(record: CommandRecord, name: str, asset_id: str, state: str, after_s: float, **rest: object) -> Command:
    ack = Acknowledgement(name, asset_id, state, at(after_s), **rest)  # type: ignore[arg-type]
    record.acknowledge(ack, at(after_s))
    command = record.get(name)
    assert command is not None
    return command


def test_the_same_key_with_the_same_request_is_one_command_and_with_another_is_refused() -> None:
    record = CommandRecord()
    first = record.submit(checked(10.0), command_id="c1", now=NOON, actor="ada", key="k")

    again = record.submit(checked(10.0), command_id="c2", now=at(5), actor="ada", key="k")

    assert (again.is_new, again.command) == (False, first.command)
    assert record.get("c2") is None
    with pytest.raises(InvalidInputError, match=r"'k' belongs to another request \(10 MW for asset"):
        record.submit(checked(11.0), command_id="c3", now=at(5), actor="ada", key="k")
    with pytest.raises(ConflictError, match="taken"):
        record.submit(checked(11.0), command_id="c1", now=at(5), actor="ada", key="other")


def test_a_life_from_submission_to_its_end_is_told_with_time_actor_and_reason() -> None:
    record = CommandRecord()
    submit(record, "c", duration_s=60.0)
    record.sent("c", at(0.1))
    word(record, "c", A, "received", 0.2)
    word(record, "c", A, "active", 0.3, applied_mw=10.0)
    word(record, "c", A, "limited", 20.0, reason="soc_min", delivered_mw=4.0)
    command = word(record, "c", A, "completed", 60.0, reason="its end")

    assert [(change.state, change.actor, change.reason) for change in command.history] == [
        ("submitted", "ada", ""),
        ("sent", "headend", ""),
        ("received", f"agent:{A}", ""),
        ("active", f"agent:{A}", ""),
        ("limited", f"agent:{A}", "soc_min"),
        ("completed", f"agent:{A}", "its end"),
    ]
    assert (command.applied_mw, command.delivered_mw, command.shortfall_mw) == (10.0, 4.0, 0.0)
    assert command.finished_at == at(60.0)


@pytest.mark.parametrize("state", ["limited", "rejected", "expired", "failed", "cancelled", "superseded"])
def test_a_command_says_itself_why_it_is_not_as_asked(state: str) -> None:
    record = CommandRecord()
    submit(record, "c")
    record.sent("c", NOON)
    if state == "limited":
        word(record, "c", A, "active", 0.5)

    command = word(record, "c", A, state, 1.0, reason="the breaker is open")

    assert (command.state, command.why) == (state, "the breaker is open")


def test_a_site_says_for_how_many_of_its_assets_a_reason_holds() -> None:
    record = CommandRecord()
    submit(record, "c", site_id=NORTH)
    record.sent("c", NOON)
    word(record, "c", A, "active", 1.0, reason="reached")
    word(record, "c", B, "active", 1.0, reason="reached")

    command = word(record, "c", B, "limited", 2.0, reason="soc_min")

    assert (command.state, command.why) == ("limited", "soc_min at 1 of 2 assets")


def test_a_command_that_does_what_was_asked_says_only_what_was_foreseen_against_it() -> None:
    record = CommandRecord()
    clamped = submit(record, "c", 100.0)
    record.sent("c", NOON)

    command = word(record, "c", A, "active", 1.0, reason="reached")

    assert clamped.why == command.why == command.reason
    assert "clamped from 100 to 60 MW" in command.why


def test_a_command_that_waits_says_for_what() -> None:
    record = CommandRecord()
    record.submit(checked(offline=(A,), deliver_within_s=60.0), command_id="c", now=NOON, actor="ada")

    assert record.queue("c", NOON).why == "offline"


def test_reached_is_noted_when_every_asset_has_reached_its_part() -> None:
    record = CommandRecord()
    submit(record, "c", site_id=NORTH)
    record.sent("c", NOON)
    for asset_id in (A, B):
        word(record, "c", asset_id, "active", 1.0, applied_mw=5.0)

    assert word(record, "c", A, "active", 2.0, reason="reached", delivered_mw=5.0).reached_at is None
    assert word(record, "c", B, "active", 3.0, reason="reached", delivered_mw=5.0).reached_at == at(3.0)


def test_words_that_come_late_repeated_or_backwards_change_nothing() -> None:
    record = CommandRecord()
    submit(record, "c")
    record.sent("c", NOON)
    word(record, "c", A, "active", 1.0)

    assert record.acknowledge(Acknowledgement("c", A, "active", at(1.0)), at(2.0)) == ()
    assert word(record, "c", A, "received", 2.0).state == "active"
    assert word(record, "c", A, "completed", 3.0).state == "completed"
    assert word(record, "c", A, "active", 4.0).state == "completed"


@pytest.mark.parametrize(
    ("lease_id", "asset_id", "state"), [("other", A, "active"), ("c", B, "active"), ("c", A, "dancing")]
)
def test_words_about_unknown_commands_other_assets_and_unknown_states_are_ignored(
    lease_id: str, asset_id: str, state: str
) -> None:
    record = CommandRecord()
    before = submit(record, "c")

    assert record.acknowledge(Acknowledgement(lease_id, asset_id, state, NOON), NOON) == ()
    assert record.get("c") is before


def test_a_word_that_waited_offline_happened_when_the_agent_says() -> None:
    record = CommandRecord()
    submit(record, "c")
    record.sent("c", NOON)

    (command,) = record.acknowledge(Acknowledgement("c", A, "active", at(10.0)), at(500.0))
    (later,) = record.acknowledge(Acknowledgement("c", A, "limited", at(9e9)), at(501.0))

    assert command.updated_at == at(10.0)
    assert later.updated_at == at(501.0)


def test_what_was_sent_and_lost_with_its_stream_waits_again_and_its_late_word_counts() -> None:
    record = CommandRecord()
    submit(record, "c")
    record.sent("c", NOON)

    (queued,) = record.stream_lost([A], at(1.0))
    command = word(record, "c", A, "active", 2.0)

    assert queued.state == "queued"
    assert [change.state for change in command.history] == ["submitted", "sent", "queued", "sent", "active"]


def test_what_was_never_sent_expires_at_its_delivery_deadline() -> None:
    record = CommandRecord()
    submit(record, "c", offline=(A,), deliver_within_s=100.0)
    record.queue("c", NOON)

    assert record.next_change() == at(100.0)
    assert record.due(at(99.9)) == ()
    (command,) = record.due(at(100.0))
    assert (command.state, command.history[-1].reason) == ("expired", "not delivered within its deadline")
    assert record.to_deliver([A], at(100.0)) == ()
    assert record.next_change() is None


def test_what_was_sent_once_is_asked_for_again_after_the_deadline_but_not_from_an_agent_of_the_original() -> None:
    record = CommandRecord()
    submit(record, "c", deliver_within_s=100.0)
    record.sent("c", NOON)
    record.stream_lost([A], at(1.0))

    assert record.due(at(200.0)) == ()
    assert [(command.id, ids) for command, ids in record.to_deliver([A], at(200.0))] == [("c", (A,))]
    assert record.to_deliver([A], at(200.0), knows_leases=False) == ()
    assert word(record, "c", A, "expired", 201.0).state == "expired"


def test_only_the_latest_waits_for_an_asset() -> None:
    record = CommandRecord()
    submit(record, "old", offline=(A,), deliver_within_s=1000.0)
    record.queue("old", NOON)

    submission = record.submit(
        checked(5.0, offline=(A,), deliver_within_s=1000.0), command_id="new", now=at(1.0), actor="bob"
    )

    assert [(command.id, command.state) for command in submission.superseded] == [("old", "superseded")]
    assert [command.id for command, _ in record.to_deliver([A], at(2.0))] == ["new"]


def test_a_command_in_force_goes_on_until_the_newer_one_is() -> None:
    record = CommandRecord()
    for name in ("old", "new"):
        submit(record, name)
        record.sent(name, NOON)
        if name == "old":
            word(record, "old", A, "active", 1.0)

    assert record.in_force(A) is record.get("old")
    word(record, "new", A, "active", 2.0)

    old = record.get("old")
    assert old is not None
    assert (old.state, old.history[-1].reason) == ("superseded", "replaced by new")
    assert record.in_force(A) is record.get("new")


def test_a_newer_command_that_is_rejected_ends_nothing() -> None:
    record = CommandRecord()
    for name in ("old", "new"):
        submit(record, name)
        record.sent(name, NOON)
    word(record, "old", A, "active", 1.0)
    word(record, "new", A, "rejected", 2.0)

    assert record.in_force(A) is record.get("old")


def test_a_narrower_command_takes_its_asset_out_of_a_site_command() -> None:
    record = CommandRecord()
    submit(record, "site", site_id=NORTH)
    record.sent("site", NOON)
    for asset_id in (A, B):
        word(record, "site", asset_id, "active", 1.0)
    submit(record, "one", asset_id=B)
    record.sent("one", at(2.0))
    word(record, "one", B, "active", 3.0)

    site = record.get("site")
    assert site is not None
    assert [(part.asset_id, part.state) for part in site.parts] == [(A, "active"), (B, "superseded")]
    assert site.state == "limited"
    assert site.history[-1].reason == "1 of 2 assets in force"


def test_cancelling_what_was_not_sent_is_done_at_once_and_else_when_the_agent_says_so() -> None:
    record = CommandRecord()
    submit(record, "waits")
    submit(record, "runs", asset_id=B)
    record.sent("runs", NOON)
    word(record, "runs", B, "active", 1.0)

    waits = record.cancel("waits", at(2.0), actor="bob")
    runs = record.cancel("runs", at(2.0), actor="bob", reason="wrong site")

    assert (waits.state, waits.history[-1].actor) == ("cancelled", "bob")
    assert (runs.state, runs.cancel_by) == ("active", "bob")
    assert [(command.id, ids) for command, ids in record.to_cancel()] == [("runs", (B,))]
    assert (runs.cancel_lease().cancel, runs.cancel_lease().mw) == (True, 0.0)
    assert word(record, "runs", B, "cancelled", 3.0).state == "cancelled"
    assert record.to_cancel() == ()
    with pytest.raises(ConflictError, match="cancelled already"):
        record.cancel("runs", at(4.0), actor="bob")
    with pytest.raises(NotFoundError):
        record.cancel("nobody", at(4.0), actor="bob")


def test_a_command_whose_agent_is_not_heard_ends_some_time_after_its_end() -> None:
    record = CommandRecord(settle_s=30.0)
    submit(record, "c", duration_s=60.0)
    record.sent("c", NOON)
    word(record, "c", A, "active", 1.0)

    assert record.due(at(89.0)) == ()
    (command,) = record.due(at(90.0))
    assert (command.state, command.history[-1].actor) == ("completed", "headend")


def test_a_command_is_numbered_above_everything_that_any_headend_numbered_before() -> None:
    record = CommandRecord()
    first = submit(record, "c1")
    record.raise_sequence(first.seq + 1000)
    second = submit(record, "c2", asset_id=B)
    after_losing_everything = submit(CommandRecord(), "c3", now_s=5000.0)

    assert second.seq == first.seq + 1001
    assert after_losing_everything.seq > second.seq


def test_a_lease_carries_everything_that_the_agent_needs() -> None:
    record = CommandRecord()
    command = submit(record, "c", 12.0, group_id=PAIR, duration_s=60.0, deliver_within_s=20.0, hold_offline_s=9.0,
                     fallback_mw=1.0)  # fmt: skip

    lease = command.lease()

    assert (lease.id, lease.mw, lease.seq, lease.group_id, lease.asset_id) == ("c", 12.0, command.seq, PAIR, None)
    assert (lease.issued_at, lease.deliver_by, lease.valid_until) == (NOON, at(20.0), at(60.0))
    assert (lease.hold_offline_s, lease.fallback_mw, lease.members) == (9.0, 1.0, (A, C))


def test_the_delivery_deadline_is_never_after_the_end() -> None:
    assert submit(CommandRecord(), "c", duration_s=5.0, deliver_within_s=60.0).deliver_by == at(5.0)


def test_finished_commands_leave_after_a_count_and_living_ones_do_not() -> None:
    record = CommandRecord(keep_finished=3)
    submit(record, "alive", asset_id=B)
    for number in range(10):
        submit(record, f"c{number}")
        record.cancel(f"c{number}", at(1.0), actor="ada")

    assert {command.id for command in record.recent()} == {"alive", "c7", "c8", "c9"}
    assert record.by_key("c0") is None
    assert record.by_key("c9") is not None


def test_a_history_does_not_grow_without_bound() -> None:
    record = CommandRecord()
    submit(record, "c")
    record.sent("c", NOON)
    for second in range(600):
        word(record, "c", A, "limited" if second % 2 else "active", float(second), reason=str(second))

    history = record.get("c").history  # type: ignore[union-attr]
    assert len(history) == 200
    assert (history[0].state, history[-1].reason) == ("submitted", "599")


def test_a_restarted_record_is_the_same_but_for_what_was_on_its_way_and_what_is_over() -> None:
    record = CommandRecord()
    submit(record, "active")
    submit(record, "sent", asset_id=B, duration_s=600.0)
    submit(record, "short", asset_id=C, offline=(C,), deliver_within_s=10.0)
    for name in ("active", "sent"):
        record.sent(name, NOON)
    word(record, "active", A, "active", 1.0, applied_mw=10.0)

    again = CommandRecord.from_dict(json.loads(json.dumps(record.to_dict())), at(100.0))

    assert again.get("active") == record.get("active")
    assert {command.id: command.state for command in again.recent()} == {
        "active": "active",
        "sent": "queued",
        "short": "expired",
    }
    assert submit(again, "next").seq > max(command.seq for command in record.recent())
    assert again.restore(record.recent(), at(100.0)) == ()


@pytest.mark.parametrize(
    "change",
    [{"state": "dancing"}, {"mw": "ten"}, {"submitted_at": "noon"}, {"seq": None}, {"parts": [7]}, {"clamped": 1}],
)
def test_what_is_no_command_is_refused(change: dict[str, object]) -> None:
    values = submit(CommandRecord(), "c").to_dict()

    assert command_from_dict(values).id == "c"
    with pytest.raises(InvalidInputError):
        command_from_dict({**values, **change})


def test_an_agent_that_was_killed_before_it_wrote_down_what_it_had_begun_completes_it_all_the_same() -> None:
    record = CommandRecord()
    submit(record, "c", duration_s=60.0)
    record.sent("c", NOON)
    word(record, "c", A, "active", 0.3, applied_mw=10.0)
    command = word(record, "c", A, "expired", 60.0, reason="its end; the device never took it")

    assert command.state == "completed"
    assert command.history[-1].reason == "its end; the agent was restarted meanwhile"
    assert command.parts[0].reason == command.history[-1].reason
