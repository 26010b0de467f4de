"""People are told what concerns them, once by each way that they chose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError
from afterbay.server.platform.notifications.service import (
    add_channel,
    find_notifications,
    forget_old,
    list_channels,
    mark_read,
    messages_since,
    notify,
    remove_channel,
    send_test,
)
from afterbay.server.principal import SYSTEM, Principal
from afterbay.server.rest.paging import PageRequest

ANNA = Principal(UUID(int=1), "anna@example.org")
BERT = Principal(UUID(int=2), "bert@example.org")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


class _Started:
    """Notes what would be delivered."""

    def __init__(self) -> None:
        self.all: list[tuple[Mapping[str, Any], str]] = []

    def __call__(self, _session: Session, _principal: Principal, args: Mapping[str, Any], key: str) -> object:
        self.all.append((args, key))
        return None


def _tell(
    sessions: sessionmaker[Session], who: Principal, kind: str = "job.succeeded", title: str = "done"
) -> _Started:
    started = _Started()
    with sessions.begin() as session:
        notify(session, SYSTEM, who.id, kind, title, deliver=started)
    return started


def test_a_message_reaches_its_reader_and_nobody_else(sessions: sessionmaker[Session]) -> None:
    _tell(sessions, ANNA, title="for\x00 Anna")

    with sessions() as session:
        assert [one.title for one in find_notifications(session, ANNA).items] == ["for Anna"]
        assert find_notifications(session, BERT).items == []


def test_pages_are_newest_first_without_a_gap(sessions: sessionmaker[Session]) -> None:
    for number in range(7):
        _tell(sessions, ANNA, title=str(number))

    with sessions() as session:
        page = find_notifications(session, ANNA, PageRequest(3))
        first = page.items
        rest = find_notifications(session, ANNA, PageRequest(9, page.next_cursor)).items
        since = messages_since(session, ANNA.id, first[1].created_at)

    assert [one.title for one in (*first, *rest)] == ["6", "5", "4", "3", "2", "1", "0"]
    assert [one.title for one in since] == ["6"]


def test_what_was_read_is_no_longer_unread_and_nobody_reads_for_another(sessions: sessionmaker[Session]) -> None:
    _tell(sessions, ANNA)
    _tell(sessions, ANNA)

    with sessions.begin() as session:
        (newest, _) = find_notifications(session, ANNA).items
        with pytest.raises(NotFoundError):
            mark_read(session, BERT, NOW, newest.id)
        assert mark_read(session, ANNA, NOW, newest.id).unread == 1
        assert len(find_notifications(session, ANNA, unread=True).items) == 1
        assert mark_read(session, ANNA, NOW).unread == 0
        assert mark_read(session, BERT, NOW).unread == 0


def test_each_channel_that_takes_the_kind_gets_the_message_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        mail = add_channel(session, ANNA, kind="email", target="anna@example.org", kinds=["job.failed"])
        hook = add_channel(session, ANNA, kind="webhook", target="https://example.org/x")
        add_channel(session, BERT, kind="email", target="bert@example.org")

    done, failed = _tell(sessions, ANNA), _tell(sessions, ANNA, "job.failed")

    assert [args["channel_id"] for args, _ in done.all] == [str(hook.id)]
    assert [args["channel_id"] for args, _ in failed.all] == [str(mail.id), str(hook.id)]
    assert len({key for _, key in (*done.all, *failed.all)}) == 3


def test_the_key_of_a_webhook_is_shown_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        made = add_channel(session, ANNA, kind="webhook", target="https://example.org/x")
        (listed,) = list_channels(session, ANNA)

    assert made.secret is not None
    assert len(made.secret) >= 32
    assert listed.secret is None


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("email", "anna"),
        ("email", "a@b\nBcc: c@d"),
        ("email", "a@b,c@d"),
        ("webhook", "https://10.0.0.1/"),
        ("sms", "1"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused(sessions: sessionmaker[Session], kind: str, target: str) -> None:
    with sessions() as session, pytest.raises(InvalidInputError):
        add_channel(session, ANNA, kind=kind, target=target)


def test_unknown_kinds_are_refused(sessions: sessionmaker[Session]) -> None:
    with sessions() as session, pytest.raises(InvalidInputError, match=r"job\.failed"):
        add_channel(session, ANNA, kind="email", target="a@b", kinds=["weather"])
    with sessions() as session, pytest.raises(InvalidInputError):
        notify(session, SYSTEM, ANNA.id, "weather", "rain", deliver=_Started())


def test_channels_are_few_and_belong_to_their_owner(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        made = [add_channel(session, ANNA, kind="email", target=f"a{n}@example.org") for n in range(10)]
        with pytest.raises(ConflictError):
            add_channel(session, ANNA, kind="email", target="b@example.org")
        for who, channel in ((BERT, made[0].id), (ANNA, uuid4())):
            with pytest.raises(NotFoundError):
                remove_channel(session, who, channel)
            with pytest.raises(NotFoundError):
                send_test(session, who, channel, deliver=_Started())
        remove_channel(session, ANNA, made[0].id)
        assert len(list_channels(session, ANNA)) == 9


def test_a_trial_goes_by_the_one_channel_whatever_it_takes(sessions: sessionmaker[Session]) -> None:
    started = _Started()
    with sessions.begin() as session:
        made = add_channel(session, ANNA, kind="email", target="a@example.org", kinds=["job.failed"])
        add_channel(session, ANNA, kind="email", target="b@example.org")
        send_test(session, ANNA, made.id, deliver=started)

    assert [args["channel_id"] for args, _ in started.all] == [str(made.id)]


def test_old_messages_are_forgotten(sessions: sessionmaker[Session]) -> None:
    _tell(sessions, ANNA)

    with sessions.begin() as session:
        assert forget_old(session, datetime.now(UTC) + timedelta(days=89)) == 0
        assert forget_old(session, datetime.now(UTC) + timedelta(days=91)) == 1
