"""Passwords of accounts: setting, changing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import SessionRepository, UserRepository
from afterbay.server.platform.identity.service.delays import begin_attempt, clear_account, forgive_attempt
from afterbay.server.platform.identity.service.signing_in import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.tables import User
    from afterbay.server.principal import Principal

__all__ = ["change_password", "set_password", "store_password"]


def change_password(
    session: Session, identity: Identity, principal: Principal, caller: Caller, old: str, new: str, *,
    keep: UUID | None = None,
) -> Refused | None:  # fmt: skip
    """Change the password of who asks; every other session of theirs ends.

    A wrong old password counts like a failed sign-in: a browser left open must not become a way to guess it.
    The caller lets the transaction commit also when somebody is refused, so that it is counted.

    Raises:
        InvalidInputError: If the new password is too easy.
        ConflictError: If the account signs in elsewhere and has no password here.
    """
    repository = UserRepository(session)
    user = repository.get(principal.id, lock=True)
    if user is None or user.password_hash is None:
        raise ConflictError("this account has no password here -> ask an administrator for a one-time link")
    identity.passwords.check(new, personal=(user.email, user.name), where="/new_password")
    wait_s = begin_attempt(session, identity, caller, user.email_key)
    if wait_s:
        return Refused(wait_s)
    if not identity.passwords.verify(old, user.password_hash)[0]:
        log_action(session, principal, "platform", "password.refused", user.id)
        return Refused()
    forgive_attempt(session, identity, caller, user.email_key)
    store_password(session, identity, user, new)
    SessionRepository(session).end(user.id, identity.clock(), "password changed", but=keep)
    log_action(session, principal, "platform", "password.changed", user.id)
    return None


def set_password(session: Session, identity: Identity, principal: Principal, user_id: UUID, password: str) -> None:
    """Set the password of a user without asking for the old one, and sign them out everywhere.

    Raises:
        NotFoundError: If there is no such user.
        InvalidInputError: If the password is too easy.
    """
    user = UserRepository(session).get(user_id, lock=True)
    if user is None:
        raise NotFoundError(f"there is no user {user_id}")
    identity.passwords.check(password, personal=(user.email, user.name))
    store_password(session, identity, user, password)
    SessionRepository(session).end(user.id, identity.clock(), "password set")
    log_action(session, principal, "platform", "password.set", user.id)


def store_password(session: Session, identity: Identity, user: User, password: str) -> None:
    """Keep a password that was checked; whoever failed to guess the old one begins anew."""
    now = identity.clock()
    user.password_hash, user.password_changed_at = identity.passwords.hash(password), now
    UserRepository(session).touch(user, now)
    clear_account(session, user.email_key)
