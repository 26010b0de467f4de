"""The law of refresh tokens, whoever shows them in whatever order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from server_identity import CALLER, START, Clock, person
from sqlalchemy.orm import Session, sessionmaker

from afterbay.server.platform.identity import service
from afterbay.server.platform.identity.repository import UserRepository
from afterbay.server.platform.identity.service import Identity, Tokens
from afterbay.server.principal import SYSTEM


@dataclass
class Shown:
    """What the model knows of a refresh token."""

    token: str
    access: str
    generation: int
    issued_at: datetime
    used_at: datetime | None = None


class Family(RuleBasedStateMachine):
    """A session whose tokens are shown by its owner and by a thief, in any order and at any time."""

    sessions: sessionmaker[Session]
    identity: Identity
    clock: Clock
    numbers = count()

    def __init__(self) -> None:
        super().__init__()
        self.clock.now = START
        email = f"user{next(self.numbers)}@example.org"
        self.user_id: UUID = person(self.sessions, self.identity, email)
        with self.sessions.begin() as session:
            user = UserRepository(session).get(self.user_id)
            assert user is not None
            first = service.open_session(session, self.identity, CALLER, user, "token")
        self.ended = False
        self.shown = [Shown(first.refresh, first.access, 0, START)]

    def show(self, token: str) -> Tokens | None:
        with self.sessions.begin() as session:
            return service.refresh_session(session, self.identity, CALLER, token, mode="token")

    @rule(seconds=st.sampled_from([1, 4, 9, 10, 11, 599, 600, 86_400, 13 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_time(seconds=seconds)

    @rule(data=st.data())
    def somebody_shows_a_token(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.shown))
        now = self.clock.now
        alive = not self.ended and now < one.issued_at + timedelta(days=14) and now < START + timedelta(days=90)
        later_used = any(other.generation > one.generation and other.used_at for other in self.shown)
        again = one.used_at is not None and (now - one.used_at >= timedelta(seconds=10) or later_used)

        found = self.show(one.token)

        assert (found is not None) == (alive and not again)
        if alive and again:
            self.ended = True
        if found is not None:
            for other in self.shown:
                if other.generation <= one.generation and other.used_at is None:
                    other.used_at = now
            assert found.refresh not in {other.token for other in self.shown}
            self.shown.append(Shown(found.refresh, found.access, one.generation + 1, now))

    @precondition(lambda self: not self.ended)
    @rule()
    def the_owner_signs_out(self) -> None:
        with self.sessions.begin() as session:
            service.end_all_sessions(session, self.identity, SYSTEM, self.user_id)
        self.ended = True

    @invariant()
    def an_access_token_is_good_exactly_while_it_is_young_and_its_session_alive(self) -> None:
        now = self.clock.now
        for one in self.shown[-3:]:
            with self.sessions.begin() as session:
                found = service.find_by_session(session, self.identity, CALLER, one.access, mode="token")
            young = now < one.issued_at + timedelta(seconds=600) and now < START + timedelta(days=90)
            assert (found is not None) == (young and not self.ended)

    @invariant()
    def at_most_the_newest_generation_is_unused(self) -> None:
        unused = {one.generation for one in self.shown if one.used_at is None}
        assert unused <= {max(one.generation for one in self.shown)}


def test_refresh_tokens_keep_their_law_in_whatever_order_they_are_shown(
    identity: Identity, clock: Clock, sessions: sessionmaker[Session]
) -> None:
    machine: Any = type("Machine", (Family,), {"sessions": sessions, "identity": identity, "clock": clock})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
