"""Quotas hold, also for two requests at once, and are shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from afterbay.core.errors import InvalidInputError, QuotaError, TooLargeError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.audit.tables import AuditEvent
from afterbay.server.platform.modules.service import (
    Quotas,
    check_file_size,
    check_quota,
    list_modules,
    permissions_of,
    read_overrides,
)
from afterbay.server.principal import Principal

ANNA = Principal(
    UUID(int=1), "anna@example.org", permissions={"bess-sizing": permissions_of("bess-sizing", "engineer")}
)


def _events_of(session: Session, user_id: UUID) -> tuple[int, int | None]:
    # Any table that a module fills will do; the trail is one.
    return session.scalars(select(func.count()).where(AuditEvent.actor_id == user_id)).one(), 3_600


def _quotas(most: int) -> Quotas:
    quotas = Quotas({("bess-sizing", "max_simulations_per_day"): most})
    quotas.count_by("bess-sizing", "max_simulations_per_day", _events_of)
    return quotas


def _use(sessions: sessionmaker[Session], quotas: Quotas) -> None:
    with sessions.begin() as session:
        check_quota(session, ANNA, "bess-sizing", "max_simulations_per_day", quotas)
        log_action(session, ANNA, "bess-sizing", "simulation.started")


def test_a_quota_is_enforced_to_the_last_one_with_a_next_move(sessions: sessionmaker[Session]) -> None:
    quotas = _quotas(3)
    for _ in range(3):
        _use(sessions, quotas)

    with pytest.raises(QuotaError, match=r"3 of 3 simulations a day.*-> try again when") as caught:
        _use(sessions, quotas)

    assert caught.value.retry_after_s == 3_600


def test_two_requests_at_once_cannot_both_take_the_last_one(sessions: sessionmaker[Session]) -> None:
    quotas = _quotas(1)
    together = Barrier(4)

    def attempt(_: int) -> bool:
        together.wait()
        try:
            _use(sessions, quotas)
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_another_user_has_a_quota_of_their_own(sessions: sessionmaker[Session]) -> None:
    quotas = _quotas(1)
    _use(sessions, quotas)
    bert = Principal(UUID(int=2), "bert@example.org")

    with sessions.begin() as session:
        check_quota(session, bert, "bess-sizing", "max_simulations_per_day", quotas)


def test_a_file_up_to_the_limit_passes_and_one_byte_more_does_not() -> None:
    check_file_size(50_000_000, "bess-sizing", Quotas())

    with pytest.raises(TooLargeError, match="at most 50 MB"):
        check_file_size(50_000_001, "bess-sizing", Quotas())


def test_a_user_sees_the_modules_they_may_read_with_what_is_left(sessions: sessionmaker[Session]) -> None:
    quotas = _quotas(3)
    _use(sessions, quotas)

    with sessions() as session:
        (view,) = list_modules(session, ANNA, quotas)
        everything = list_modules(session, Principal(UUID(int=3), "root@example.org", is_admin=True), quotas)

    assert view.manifest.id == "bess-sizing"
    assert view.permissions == {"create", "read", "update", "export"}
    assert {(one.quota, one.most, one.used) for one in view.usage} == {
        ("max_projects_per_user", 100, None), ("max_simulations_per_day", 3, 1), ("max_file_size_mb", 50, None),
    }  # fmt: skip
    assert [one.manifest.id for one in everything] == ["bess-sizing", "community", "fleet"]


@given(st.sampled_from(["bess-sizing", "fleet"]), st.integers(0, 10**6))
def test_a_limit_that_the_operator_sets_wins(module: str, most: int) -> None:
    quotas = Quotas(read_overrides(f" {module}.max_projects_per_user = {most} ,"))

    assert quotas.most(module, "max_projects_per_user") == most
    assert quotas.most("community", "max_projects_per_user") == 100


@pytest.mark.parametrize(
    "text",
    ["max_projects_per_user=3", "sizing.max_projects_per_user=3", "fleet.x=1", "fleet.max_file_size_mb=-1", "fleet"],
)
def test_a_limit_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="AFTERBAY_QUOTAS"):
        read_overrides(text)


def test_scopes_narrow_what_an_administrator_may_do() -> None:
    root = Principal(UUID(int=3), "root@example.org", is_admin=True, scopes=frozenset({"fleet:read"}))

    assert root.may("fleet", "read")
    assert not root.may("fleet", "dispatch")
    assert not root.may("bess-sizing", "read")
