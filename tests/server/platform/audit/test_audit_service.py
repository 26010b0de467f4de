"""The trail tells what happened, in the transaction of what happened, and nobody changes it."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.platform.audit.service import (
    AuditQuery,
    _differing,
    _plain,
    all_events,
    find_events,
    known_actions,
    log_action,
)
from afterbay.server.principal import Principal

ANNA = Principal(UUID(int=1), "anna@example.org", "Anna", address="127.0.0.1", request_id="r-1")
BERT = Principal(UUID(int=2), "bert@example.org", "Bert")


def _events(sessions: sessionmaker[Session], wanted: AuditQuery | None = None, **more: int) -> list[str]:
    with sessions() as session:
        return [event.action for event in find_events(session, wanted or AuditQuery(), **more)]


def test_an_event_says_who_did_what_to_what_from_where(sessions: sessionmaker[Session]) -> None:
    project = uuid4()

    with sessions.begin() as session:
        log_action(session, ANNA, "bess-sizing", "project.renamed", project, {"reason": "typo"},
                   before={"name": "a", "tags": []}, after={"name": "b", "tags": []})  # fmt: skip

    with sessions() as session:
        (event,) = find_events(session, AuditQuery())
    assert (event.actor_id, event.actor, event.module, event.action) == (
        ANNA.id, ANNA.email, "bess-sizing", "project.renamed",
    )  # fmt: skip
    assert (event.resource_id, event.address, event.request_id) == (str(project), "127.0.0.1", "r-1")
    assert (event.details, event.before, event.after) == ({"reason": "typo"}, {"name": "a"}, {"name": "b"})
    assert event.at.tzinfo is not None


def test_what_is_rolled_back_leaves_no_event(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        log_action(session, ANNA, "fleet", "dispatch.sent")
        session.rollback()

    assert _events(sessions) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_events WHERE false OR id > 0",
    ],
)
def test_the_database_itself_refuses_to_change_the_trail(
    platform_url: str, sessions: sessionmaker[Session], statement: str
) -> None:
    with sessions.begin() as session:
        log_action(session, ANNA, "fleet", "dispatch.sent")

    with psycopg.connect(platform_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())

    assert _events(sessions) == ["dispatch.sent"]


def test_no_secret_reaches_the_trail(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        log_action(session, ANNA, "platform", "user.changed",
                   details={"new_password": "hunter2", "nested": [{"api_token": "aft_1"}], "name": "x"})  # fmt: skip

    with sessions() as session:
        (event,) = find_events(session, AuditQuery())
    assert event.details == {"new_password": "***", "nested": [{"api_token": "***"}], "name": "x"}


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), lambda inner:
       st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))  # fmt: skip
def test_whatever_somebody_sent_becomes_json_that_the_database_takes(value: object) -> None:
    import json

    text = json.dumps(_plain(value), allow_nan=False)

    assert "\\u0000" not in text


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)),
)
def test_of_two_states_exactly_the_difference_is_kept(before: dict[str, int], after: dict[str, int]) -> None:
    was, became = _differing(before, after)

    assert {**before, **became}.items() >= after.items()
    assert all(after.get(name) != value for name, value in was.items())
    assert all(before.get(name) != value for name, value in became.items())


def test_a_search_narrows_by_each_of_its_words(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        log_action(session, ANNA, "bess-sizing", "project.created", "p-1")
        log_action(session, BERT, "bess-sizing", "simulation.completed", "s_1")
        log_action(session, BERT, "fleet", "dispatch.sent", "NQ%1")

    assert _events(sessions, AuditQuery(actor="BERT")) == ["dispatch.sent", "simulation.completed"]
    assert _events(sessions, AuditQuery(actor_id=ANNA.id)) == ["project.created"]
    assert _events(sessions, AuditQuery(module="fleet")) == ["dispatch.sent"]
    assert _events(sessions, AuditQuery(action="project.*")) == ["project.created"]
    assert _events(sessions, AuditQuery(action="project")) == []
    assert _events(sessions, AuditQuery(resource_id="s_1")) == ["simulation.completed"]
    assert _events(sessions, AuditQuery(text="nq%")) == ["dispatch.sent"]
    assert _events(sessions, AuditQuery(text="p_1")) == []  # signs of the database's own patterns are plain here
    with sessions() as session:
        assert known_actions(session) == [
            ("bess-sizing", "project.created"), ("bess-sizing", "simulation.completed"), ("fleet", "dispatch.sent"),
        ]  # fmt: skip


def test_pages_put_together_are_the_whole_trail(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        for number in range(1_205):
            log_action(session, ANNA, "fleet", f"event.{number}")

    with sessions() as session:
        first = find_events(session, AuditQuery(), limit=7)
        second = find_events(session, AuditQuery(), before_id=first[-1].id, limit=7)
        everything = [event.action for event in all_events(session, AuditQuery())]

    assert [event.action for event in (*first, *second)] == everything[:14]
    assert everything == [f"event.{number}" for number in reversed(range(1_205))]
