"""The agent's book: what is taken and refused, what is in force, how it ends, and what survives a restart."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from fleet_orders import FLEET, NORTH, A, B, at, moment

from afterbay.core.errors import InvalidInputError, NotFoundError
from afterbay.fleet.commands import AssetNow, LeaseBook, resting_mw, split_power
from afterbay.fleet.inventory.records import Asset
from afterbay.fleet.messages import Lease

PLANTS = tuple(FLEET.assets_of(NORTH))


def lease(name: str = "c", mw: float = 10.0, seq: int = 1, *, end_s: float | None = 60.0, **rest: Any) -> Lease:
    values: dict[str, Any] = {"asset_id": A, "issued_at": at(0.0), **rest}
    return Lease(name, mw, seq, valid_until=None if end_s is None else at(end_s), **values)


def book_with(*leases: Lease, now_s: float = 0.0) -> LeaseBook:
    """Return a book whose device has taken these leases one after the other."""
    book = LeaseBook(PLANTS)
    for each in leases:
        assert book.offer(each, moment(now_s)).state == "received"
        book.written(A, each.id, moment(now_s))
    book.due(moment(now_s))
    return book


def restarted(book: LeaseBook, before_s: float, after_s: float, **clock: Any) -> LeaseBook:
    saved = json.loads(json.dumps(book.to_dict(moment(before_s))))
    return LeaseBook.from_dict(saved, PLANTS, moment(after_s, **clock))


def test_a_lease_is_in_force_to_its_end_and_then_its_fallback() -> None:
    book = book_with(lease(fallback_mw=2.0))

    assert (book.setpoint(A, moment(59.9)).mw, book.setpoint(A, moment(59.9)).lease_id) == (10.0, "c")
    assert (book.setpoint(A, moment(60.0)).mw, book.setpoint(A, moment(60.0)).lease_id) == (2.0, None)
    (ack,) = book.due(moment(60.0))
    assert (ack.state, ack.reason, ack.timestamp) == ("completed", "its end", at(60.0))
    assert not book.setpoint(A, moment(61.0)).is_written
    book.written(A, None, moment(61.0))
    assert book.setpoint(A, moment(62.0)).is_written


def test_before_the_first_command_nothing_is_to_be_written() -> None:
    told = LeaseBook(PLANTS).setpoint(A, moment(0.0))

    assert (told.mw, told.lease_id, told.is_written) == (0.0, None, True)


def test_a_repetition_is_answered_with_the_same_word_and_changes_nothing() -> None:
    book = LeaseBook(PLANTS)
    first = book.offer(lease(), moment(0.0))

    assert book.offer(lease(), moment(1.0)) is first
    done = book.written(A, "c", moment(2.0))
    assert book.offer(lease(), moment(3.0)) is done
    (over,) = book.due(moment(60.0))
    assert book.offer(lease(end_s=999.0), moment(61.0)) is over
    assert book.setpoint(A, moment(61.0)).lease_id is None


def test_an_older_command_never_replaces_a_newer_one() -> None:
    book = book_with(lease("new", seq=5))

    late = book.offer(lease("old", 3.0, seq=4), moment(1.0))

    assert late.state == "superseded"
    assert book.setpoint(A, moment(1.0)).lease_id == "new"
    assert book.offer(lease("old", 3.0, seq=4), moment(70.0)) is late


def test_a_forgotten_command_is_refused_by_its_sequence() -> None:
    book = LeaseBook(PLANTS, remember=2)
    for number in range(1, 6):
        book.offer(lease(f"c{number}", seq=number, end_s=None), moment(float(number)))

    assert book.offer(lease("c1", seq=1, end_s=None), moment(9.0)).state == "superseded"


def test_the_newer_command_ends_the_older_and_the_next_tick_says_so() -> None:
    book = book_with(lease("old", seq=1))

    book.offer(lease("new", 20.0, seq=2), moment(1.0))

    (ack,) = book.due(moment(1.0))
    assert (ack.lease_id, ack.state, ack.reason) == ("old", "superseded", "replaced by new")
    assert book.setpoint(A, moment(1.0)).mw == 20.0


@pytest.mark.parametrize(
    ("offered", "state", "reason"),
    [
        (lease(deliver_by=at(9.0)), "expired", "arrived after"),
        (lease(end_s=10.0), "expired", "its end"),
        (lease(asset_id="somebody", site_id=NORTH), "rejected", "unknown_asset"),
        (lease(asset_id=None, site_id=NORTH), "rejected", "no_target"),
        (lease(mw=math.nan), "rejected", "not_finite"),
        (lease(mw=math.inf), "rejected", "not_finite"),
        (lease(fallback_mw=math.nan), "rejected", "not_finite"),
        (lease(duration_s=math.nan), "rejected", "not_finite"),
        (lease(name=""), "rejected", "no_id"),
    ],
)
def test_what_cannot_be_done_is_refused_and_moves_nothing(offered: Lease, state: str, reason: str) -> None:
    book = LeaseBook(PLANTS)

    ack = book.offer(offered, moment(10.0))

    assert ack.state == state
    assert ack.reason.startswith(reason)
    assert all(book.setpoint(asset.id, moment(10.0)).is_written for asset in PLANTS)
    assert book.leases() == ()


def test_cancelling_ends_a_lease_with_the_power_that_follows() -> None:
    book = book_with(lease())

    ack = book.offer(replace(lease(), cancel=True, mw=3.0), moment(5.0))

    assert ack.state == "cancelled"
    assert (book.setpoint(A, moment(5.0)).mw, book.setpoint(A, moment(5.0)).lease_id) == (3.0, None)


def test_a_cancelling_that_overtakes_its_command_stops_it() -> None:
    book = LeaseBook(PLANTS)
    (a, b) = book.cancel("c", moment(0.0))

    assert (a.state, b.state) == ("cancelled", "cancelled")
    assert book.offer(lease(), moment(1.0)) is a


@pytest.mark.parametrize("off_s", [-7200.0, -30.0, 30.0, 7200.0])
def test_a_clock_that_jumps_never_makes_a_lease_longer(off_s: float) -> None:
    book = book_with(lease())

    assert book.setpoint(A, moment(60.0, wall_off_s=off_s)).lease_id is None
    assert book.setpoint(A, moment(60.0)).lease_id is None


@pytest.mark.parametrize("off_s", [-7200.0, -30.0, 30.0])
def test_an_agent_whose_clock_is_off_never_holds_a_lease_for_more_than_its_length(off_s: float) -> None:
    book = LeaseBook(PLANTS)
    book.offer(lease(), moment(0.0, wall_off_s=off_s))

    last = max(second for second in range(120) if book.setpoint(A, moment(second, wall_off_s=off_s)).lease_id)
    assert last == 59 - max(off_s, 0.0)


def test_a_lease_that_a_clock_has_ended_does_not_come_back_with_the_clock() -> None:
    book = book_with(lease())

    assert book.setpoint(A, moment(1.0, wall_off_s=100.0)).lease_id is None
    assert book.setpoint(A, moment(2.0)).lease_id is None


def test_an_original_headends_setpoint_with_a_duration_and_no_end_ends_too() -> None:
    book = book_with(lease(seq=0, end_s=None, duration_s=30.0))

    assert book.setpoint(A, moment(29.0)).remaining_s == pytest.approx(1.0)
    assert book.setpoint(A, moment(30.0)).lease_id is None
    assert book.offer(lease("d", 4.0, seq=0, end_s=None), moment(31.0)).state == "received"


def test_without_the_headend_a_command_holds_for_as_long_as_it_says() -> None:
    book = book_with(lease(end_s=None, hold_offline_s=20.0))

    book.link(False, moment(10.0))
    assert book.next_change(moment(10.0)) == pytest.approx(20.0)
    assert book.setpoint(A, moment(29.9)).lease_id == "c"
    assert book.setpoint(A, moment(30.0)).lease_id is None
    book.link(True, moment(31.0))

    (ack,) = book.due(moment(31.0))
    assert (ack.state, ack.reason) == ("completed", "headend out of reach for 20 s")
    assert book.setpoint(A, moment(31.0)).lease_id is None


def test_a_link_that_comes_back_in_time_ends_nothing() -> None:
    book = book_with(lease(end_s=None, hold_offline_s=20.0))
    for start in (10.0, 40.0, 70.0):
        book.link(False, moment(start))
        book.link(True, moment(start + 19.0))

    assert book.setpoint(A, moment(100.0)).lease_id == "c"


def test_a_command_that_the_device_refuses_has_failed_and_its_fallback_follows() -> None:
    book = LeaseBook(PLANTS)
    book.offer(lease(), moment(0.0))

    ack = book.written(A, "c", moment(1.0), accepted=False, reason="local mode")

    assert ack is not None
    assert (ack.state, ack.reason) == ("failed", "local mode")
    assert (book.setpoint(A, moment(1.0)).lease_id, book.setpoint(A, moment(1.0)).is_written) == (None, False)


def test_a_command_that_the_device_never_took_has_expired_at_its_end() -> None:
    book = LeaseBook(PLANTS)
    book.offer(lease(), moment(0.0))

    (ack,) = book.due(moment(60.0))

    assert (ack.state, ack.reason) == ("expired", "its end; the device never took it")


def test_a_word_of_the_device_about_what_was_replaced_meanwhile_is_ignored() -> None:
    book = LeaseBook(PLANTS)
    book.offer(lease("old", seq=1), moment(0.0))
    book.offer(lease("new", seq=2), moment(0.0))

    assert book.written(A, "old", moment(1.0)) is None
    assert not book.setpoint(A, moment(1.0)).is_written


def test_the_power_read_back_says_reached_limited_and_active_again_once_each() -> None:
    book = book_with(lease(mw=30.0, end_s=600.0))

    seen = [
        (second, ack.state, ack.reason)
        for second, power, by in (
            (1, 5.0, "ramp"),
            (2, 15.0, None),
            (3, 30.0, None),
            (4, 30.1, None),
            (5, 12.0, "soc_min"),
            (6, 11.0, "soc_min"),
            (7, 30.0, None),
            (50, 9.0, None),
            (51, math.nan, None),
        )
        if (ack := book.report(A, power, by, moment(second))) is not None  # type: ignore[arg-type]
    ]

    assert seen == [
        (3, "active", "reached"),
        (5, "limited", "soc_min"),
        (7, "active", ""),
        (50, "limited", "not_reached"),
    ]


def test_a_device_that_reads_back_less_has_limited_the_command() -> None:
    book = LeaseBook(PLANTS)
    book.offer(lease(), moment(0.0))

    ack = book.written(A, "c", moment(1.0), read_back_mw=4.0)

    assert ack is not None
    assert (ack.state, ack.applied_mw, ack.delivered_mw) == ("limited", 10.0, 4.0)


def test_a_site_command_becomes_one_part_per_asset_and_can_be_divided_anew() -> None:
    book = LeaseBook(PLANTS)
    site = lease(mw=12.0, asset_id=None, site_id=NORTH)
    now = [AssetNow(asset, soc_mwh=20.0) for asset in PLANTS]

    acks = book.offer_split(site, split_power(12.0, now), moment(0.0))
    for asset_id in (A, B):
        book.written(asset_id, "c", moment(0.0))
    book.reassign("c", split_power(12.0, [replace(now[0], soc_mwh=0.0), now[1]]), moment(5.0))

    assert [(ack.asset_id, ack.state) for ack in acks] == [(A, "received"), (B, "received")]
    assert [book.setpoint(asset_id, moment(5.0)).mw for asset_id in (A, B)] == pytest.approx([0.0, 12.0])
    assert not book.setpoint(A, moment(5.0)).is_written
    assert [(ack.state, ack.applied_mw) for ack in book.due(moment(5.0))] == [("active", 0.0), ("active", 12.0)]


def test_an_offline_member_of_a_site_answers_that_it_is() -> None:
    book = LeaseBook(PLANTS)
    split = split_power(12.0, [AssetNow(PLANTS[0]), AssetNow(PLANTS[1], online=False, mw=2.0)])

    acks = book.offer_split(lease(mw=12.0, asset_id=None, site_id=NORTH), split, moment(0.0))

    assert [(ack.asset_id, ack.state, ack.reason) for ack in acks] == [(A, "received", ""), (B, "rejected", "offline")]
    assert book.setpoint(B, moment(0.0)).is_written


def test_a_command_for_later_waits_and_a_newer_one_in_force_keeps_it_out() -> None:
    book = book_with(lease("now", seq=1, end_s=None))
    assert book.offer(lease("later", 20.0, seq=2, not_before=at(30.0)), moment(1.0)).state == "received"
    book.offer(lease("manual", 5.0, seq=3, end_s=None), moment(10.0))
    book.due(moment(10.0))

    assert book.next_change(moment(10.0)) == pytest.approx(20.0)
    (ack,) = book.due(moment(30.0))
    assert (ack.lease_id, ack.state) == ("later", "superseded")
    assert book.setpoint(A, moment(30.0)).lease_id == "manual"


def test_a_restart_goes_on_with_what_is_left_and_writes_it_again() -> None:
    book = restarted(book_with(lease()), 10.0, 25.0)

    told = book.setpoint(A, moment(25.0))
    assert (told.lease_id, told.is_written) == ("c", False)
    assert told.remaining_s == pytest.approx(35.0)
    assert book.written(A, "c", moment(25.0)) is None
    assert book.offer(lease(), moment(26.0)).state == "active"


def test_a_lease_that_ended_while_the_agent_was_down_is_told_and_never_begun_again() -> None:
    book = restarted(book_with(lease()), 10.0, 100.0)

    assert book.setpoint(A, moment(100.0)).lease_id is None
    (ack,) = book.due(moment(100.0))
    assert (ack.state, ack.reason) == ("completed", "its end")
    assert book.offer(lease(), moment(101.0)) is ack


@pytest.mark.parametrize("off_s", [-7200.0, -20.0])
def test_a_clock_that_went_back_while_the_agent_was_down_gives_a_lease_no_time(off_s: float) -> None:
    same_boot = restarted(book_with(lease()), 10.0, 30.0, wall_off_s=off_s)
    rebooted = restarted(book_with(lease()), 10.0, 15.0, wall_off_s=off_s, boot_id="another")

    assert same_boot.setpoint(A, moment(30.0, wall_off_s=off_s)).remaining_s == pytest.approx(30.0)
    assert rebooted.setpoint(A, moment(15.0, wall_off_s=off_s)).lease_id is None


def test_the_silence_of_the_headend_is_counted_across_a_restart() -> None:
    book = book_with(lease(end_s=None, hold_offline_s=20.0))
    book.link(False, moment(10.0))

    again = restarted(book, 15.0, 25.0)

    assert again.setpoint(A, moment(29.0)).lease_id == "c"
    assert again.setpoint(A, moment(30.0)).lease_id is None


def test_a_fallback_is_written_again_after_a_restart() -> None:
    book = book_with(lease(fallback_mw=2.0))
    book.due(moment(60.0))
    book.written(A, None, moment(60.0))

    told = restarted(book, 70.0, 80.0).setpoint(A, moment(80.0))

    assert (told.mw, told.is_written) == (2.0, False)


def test_words_that_were_not_told_yet_survive_a_restart() -> None:
    book = book_with(lease("old", seq=1))
    book.offer(lease("new", seq=2), moment(1.0))

    assert [ack.lease_id for ack in restarted(book, 1.0, 2.0).due(moment(2.0))] == ["old"]


@pytest.mark.parametrize("broken", [{}, {"utc": "noon"}, {"utc": at(0).isoformat(), "assets": {A: {}}}])
def test_what_is_no_book_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        LeaseBook.from_dict(broken, PLANTS, moment(0.0))


def test_memory_is_bounded() -> None:
    book = LeaseBook(PLANTS, remember=10)
    for number in range(1, 3000):
        later = at(1e6 + number) if number % 2 else None
        book.offer(lease(f"c{number}", seq=number, end_s=None, not_before=later), moment(0.0))
        book.due(moment(0.0))

    assert len(book.acknowledgements()) <= 10 + 1 + 1024
    assert book.offer(lease("more", seq=9999, end_s=None, not_before=at(2e6)), moment(0.0)).reason.startswith(
        "too_many"
    )


def test_an_unknown_asset_has_no_setpoint() -> None:
    with pytest.raises(NotFoundError, match="unknown_asset"):
        LeaseBook(PLANTS).setpoint("somebody", moment(0.0))


def test_what_nobody_commands_is_not_held_back() -> None:
    assert resting_mw(PLANTS[0]) == 0.0
    assert resting_mw(Asset("pv", NORTH, "PV", 0.0, 30.0, 0.0, asset_type="pv")) == 30.0
    assert resting_mw(Asset("ev", NORTH, "EV", 0.0, 0.0, -3.0, asset_type="ev")) == -3.0


def test_changes_worth_saving_are_counted() -> None:
    book = LeaseBook(PLANTS)
    before = book.revision
    book.setpoint(A, moment(0.0))
    assert book.due(moment(0.0)) == ()
    assert book.revision == before
    book.offer(lease(), moment(0.0))
    assert book.revision > before
    assert book.last_seq == 1
