"""The same request twice has its effect once, whatever happens between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import ConflictError, InvalidInputError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.audit.tables import AuditEvent
from afterbay.server.platform.idempotency.service import (
    Answer,
    answer_once,
    check_key,
    fingerprint_of,
    forget_old_keys,
)
from afterbay.server.principal import Principal

ANNA = Principal(UUID(int=1), "anna@example.org")
BERT = Principal(UUID(int=2), "bert@example.org")
SAME = fingerprint_of("POST", "/projects", b"{}")
OTHER = fingerprint_of("POST", "/projects", b"[]")


def _ask(
    sessions: sessionmaker[Session],
    key: str | None,
    fingerprint: str = SAME,
    who: Principal = ANNA,
    *,
    fail: bool = False,
) -> Answer:
    def make() -> Answer:
        log_action(session, who, "fleet", "made")
        if fail:
            raise ConflictError("no")
        made = session.scalars(select(func.count()).select_from(AuditEvent)).one()
        return Answer(201, {"number": made}, {"Location": f"/projects/{made}"})

    with sessions.begin() as session:
        return answer_once(session, who, key, fingerprint, make)


def _effects(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalars(select(func.count()).select_from(AuditEvent)).one()


def test_the_second_request_gets_the_first_answer_and_has_no_effect(sessions: sessionmaker[Session]) -> None:
    first = _ask(sessions, "k")
    second = _ask(sessions, "k")

    assert (first.status, first.body, first.headers) == (second.status, second.body, second.headers)
    assert (first.replayed, second.replayed) == (False, True)
    assert _effects(sessions) == 1


def test_without_a_key_each_request_stands_for_itself(sessions: sessionmaker[Session]) -> None:
    assert _ask(sessions, None).body != _ask(sessions, None).body


def test_a_key_under_another_request_is_refused_and_changes_nothing(sessions: sessionmaker[Session]) -> None:
    _ask(sessions, "k")

    with pytest.raises(InvalidInputError, match="another request"):
        _ask(sessions, "k", OTHER)

    assert _effects(sessions) == 1


def test_keys_of_two_users_have_nothing_to_do_with_each_other(sessions: sessionmaker[Session]) -> None:
    assert _ask(sessions, "k").body != _ask(sessions, "k", OTHER, BERT).body


def test_a_request_that_failed_may_be_tried_again_under_its_key(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(ConflictError):
        _ask(sessions, "k", fail=True)

    assert _ask(sessions, "k").replayed is False
    assert _effects(sessions) == 1


def test_the_same_request_many_times_at_once_has_one_effect(sessions: sessionmaker[Session]) -> None:
    together = Barrier(4)

    def attempt(_: int) -> Answer:
        together.wait()
        return _ask(sessions, "k")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))

    assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert len({str(answer.body) for answer in answers}) == 1
    assert _effects(sessions) == 1


def test_old_keys_are_forgotten_and_young_ones_kept(sessions: sessionmaker[Session]) -> None:
    _ask(sessions, "k")

    with sessions.begin() as session:
        assert forget_old_keys(session, datetime.now(UTC) + timedelta(hours=23)) == 0
        assert forget_old_keys(session, datetime.now(UTC) + timedelta(hours=25)) == 1
    assert _ask(sessions, "k").replayed is False


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "ä", "\x00"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(InvalidInputError, match="Idempotency-Key"):
        check_key(key)


def test_method_path_and_body_tell_requests_apart() -> None:
    made = {
        fingerprint_of(method, path, body)
        for method in ("POST", "PUT") for path in ("/a", "/b") for body in (b"", b"x")
    }  # fmt: skip
    assert len(made) == 8
