"""Signing in with a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afterbay.server.db import session_scope
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import UserRepository
from afterbay.server.platform.identity.service.delays import begin_attempt, forgive_attempt
from afterbay.server.platform.identity.service.records import email_key, principal_of, whence
from afterbay.server.platform.identity.service.sessions import Tokens, open_session
from afterbay.server.principal import SYSTEM

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session, sessionmaker

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.service.principals import Mode

__all__ = ["Refused", "sign_in"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody may not sign in; why stays with us."""

    retry_after_s: int = 0
    """How long every attempt is refused [s]; 0: the words were wrong."""


def sign_in(
    sessions: sessionmaker[Session], identity: Identity, caller: Caller, email: str, password: str, mode: Mode
) -> Tokens | Refused:
    """Begin a session for somebody who knows their password.

    The answer to a wrong password, an unknown account, a closed one and one without a password is the same, and
    takes the same work. Transactions of its own: the attempt must be counted before it is checked, and checking
    takes long enough that no connection should wait for it.
    """
    key = email_key(email)
    with session_scope(sessions) as session:
        wait_s = begin_attempt(session, identity, caller, key)
        user = UserRepository(session).find(key)
        user_id = user.id if user else None
        stored = user.password_hash if user and user.is_active else None
        if wait_s:
            _log_refused(session, caller, user_id, "sign-in.delayed")
            return Refused(wait_s)
    right, renewed = identity.passwords.verify(password, stored)
    with session_scope(sessions) as session:
        user = UserRepository(session).get(user_id, lock=True) if right and user_id else None
        # What changed while the password was checked counts: closed in between is closed.
        if user is None or not user.is_active or user.password_hash != stored:
            _log_refused(session, caller, user_id, "sign-in.refused")
            return Refused()
        forgive_attempt(session, identity, caller, key)
        if renewed:
            user.password_hash = renewed
        tokens = open_session(session, identity, caller, user, mode)
        log_action(session, principal_of(identity, user, [], caller), "platform", "sign-in.succeeded", user.id,
                   {"mode": mode})  # fmt: skip
        return tokens


def _log_refused(session: Session, caller: Caller, user_id: UUID | None, action: str) -> None:
    # The name that was typed is not kept where it is nobody's: it may be a password in the wrong field.
    log_action(session, whence(SYSTEM, caller), "platform", action, user_id or "unknown account")
