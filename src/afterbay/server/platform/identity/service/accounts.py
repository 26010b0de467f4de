"""Users and their grants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import (
    LinkRepository,
    SessionRepository,
    TokenRepository,
    UserQuery,
    UserRepository,
)
from afterbay.server.platform.identity.service.delays import clear_account, is_locked
from afterbay.server.platform.identity.service.records import Account, account_of, check_person, email_key
from afterbay.server.rest.paging import Slice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Identity
    from afterbay.server.platform.identity.tables import User
    from afterbay.server.principal import Principal
    from afterbay.server.rest.paging import PageRequest

__all__ = ["UserChange", "UserQuery", "account_is_locked", "change_user", "create_user", "find_account",
           "find_accounts", "get_account", "give_grant", "take_grant", "unlock_user"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserChange:
    """What becomes different about a user; None stays as it is."""

    name: str | None = None
    email: str | None = None
    is_admin: bool | None = None
    is_active: bool | None = None


def create_user(
    session: Session, identity: Identity, principal: Principal, email: str, name: str = "", *, is_admin: bool = False
) -> Account:
    """Make an account that nobody can sign in to yet; a one-time link lets its owner set a password.

    Raises:
        InvalidInputError: If that is no address or no name.
        ConflictError: If there is an account with this address.
    """
    check_person(email, name)
    now, repository = identity.clock(), UserRepository(session)
    if repository.find(email_key(email)) is not None:
        raise _taken(email)
    try:
        with session.begin_nested():
            user = repository.make(
                id=uuid4(), email=email.strip(), email_key=email_key(email), name=name.strip(), is_admin=is_admin,
                admin_source="manual", is_active=True, version=1, created_at=now, updated_at=now,
            )  # fmt: skip
    except IntegrityError:
        # Somebody else made it between the question and the answer.
        raise _taken(email) from None
    account = account_of(user, [])
    log_action(session, principal, "platform", "user.created", user.id, after=_shown(account))
    return account


def get_account(session: Session, user_id: UUID) -> Account:
    """Return a user.

    Raises:
        NotFoundError: If there is none.
    """
    user = UserRepository(session).get(user_id)
    if user is None:
        raise _unknown(user_id)
    return _account(session, user)


def find_account(session: Session, email: str) -> Account:
    """Return the user with an address.

    Raises:
        NotFoundError: If there is none.
    """
    user = UserRepository(session).find(email_key(email))
    if user is None:
        raise _unknown(email)
    return _account(session, user)


def find_accounts(session: Session, wanted: UserQuery, page: PageRequest) -> Slice[Account]:
    """Return one page of users, by address.

    Raises:
        InvalidInputError: If the cursor is none of this list.
    """
    repository = UserRepository(session)
    users = repository.page(wanted, page)
    grants = repository.grants([user.id for user in users.items])
    return Slice([account_of(user, grants) for user in users.items], users.next_cursor)


def change_user(
    session: Session, identity: Identity, principal: Principal, user_id: UUID, change: UserChange
) -> Account:
    """Change a user; one who is closed is signed out everywhere at once, and their tokens and links end.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If that is no address or no name.
        ConflictError: If nobody would be left to administrate, or the address is taken.
    """
    check_person(change.email, change.name)
    repository, now = UserRepository(session), identity.clock()
    if change.is_admin is False or change.is_active is False:
        repository.wait_for_administrators()
    user = repository.get(user_id, lock=True)
    if user is None:
        raise _unknown(user_id)
    before = _account(session, user)
    leaves = user.is_admin and user.is_active and (change.is_admin is False or change.is_active is False)
    if leaves and repository.count_administrators() <= 1:
        raise ConflictError(f"{user.email} is the last administrator -> make an administrator of somebody else first")
    if change.name is not None:
        user.name = change.name.strip()
    if change.email is not None:
        _move(session, repository, user, change.email)
    if change.is_admin is not None:
        user.is_admin, user.admin_source = change.is_admin, "manual"
    if change.is_active is not None:
        user.is_active = change.is_active
        if not change.is_active:
            SessionRepository(session).end(user.id, now, "account closed")
            TokenRepository(session).revoke_all(user.id, now)
            LinkRepository(session).close(user.id, now)
    repository.touch(user, now)
    after = _account(session, user)
    action = _action(before, after)
    log_action(session, principal, "platform", action, user.id, before=_shown(before), after=_shown(after))
    return after


def unlock_user(session: Session, principal: Principal, user_id: UUID) -> None:
    """Let somebody who failed too often try again now.

    Raises:
        NotFoundError: If there is no such user.
    """
    user = UserRepository(session).get(user_id)
    if user is None:
        raise _unknown(user_id)
    if clear_account(session, user.email_key):
        log_action(session, principal, "platform", "user.unlocked", user.id)


def account_is_locked(session: Session, identity: Identity, account: Account) -> bool:
    """Must a user wait before they may sign in, because it failed too often?"""
    return is_locked(session, identity, email_key(account.email))


def give_grant(
    session: Session,
    identity: Identity,
    principal: Principal,
    user_id: UUID,
    module: str,
    role: str,
    *,
    expires_at: datetime | None = None,
) -> Account:
    """Give a user a role in a module, in place of another one there.

    Raises:
        NotFoundError: If there is no such user.
        InvalidInputError: If there is no such module or role, or the grant would be over already.
    """
    if module not in identity.roles:
        raise InvalidInputError(Problem("/module", module, f"one of {', '.join(identity.roles)}"))
    if role not in identity.roles[module]:
        raise InvalidInputError(Problem("/role", role, f"one of {', '.join(identity.roles[module])}"))
    now, repository = identity.clock(), UserRepository(session)
    if expires_at is not None and expires_at <= now:
        raise InvalidInputError(Problem("/expires_at", expires_at.isoformat(), "a time that is yet to come"))
    user = repository.get(user_id, lock=True)
    if user is None:
        raise _unknown(user_id)
    before = _grant_shown(_account(session, user), module)
    repository.give(
        user_id=user.id, module=module, role=role, source="manual", granted_at=now, granted_by=principal.id,
        expires_at=expires_at,
    )  # fmt: skip
    repository.touch(user, now)
    account = _account(session, user)
    log_action(session, principal, "platform", "grant.given", user.id, {"module": module}, before=before,
               after=_grant_shown(account, module))  # fmt: skip
    return account


def take_grant(session: Session, identity: Identity, principal: Principal, user_id: UUID, module: str) -> Account:
    """Take a user's role in a module away.

    Raises:
        NotFoundError: If there is no such user, or they have no role there.
    """
    repository = UserRepository(session)
    user = repository.get(user_id, lock=True)
    if user is None:
        raise _unknown(user_id)
    before = _grant_shown(_account(session, user), module)
    if not repository.take(user.id, module):
        raise NotFoundError(f"{user.email} has no role in {module!r}")
    repository.touch(user, identity.clock())
    log_action(session, principal, "platform", "grant.revoked", user.id, {"module": module}, before=before)
    return _account(session, user)


def _move(session: Session, repository: UserRepository, user: User, email: str) -> None:
    other = repository.find(email_key(email))
    if other is not None and other.id != user.id:
        raise _taken(email)
    try:
        with session.begin_nested():
            user.email, user.email_key = email.strip(), email_key(email)
    except IntegrityError:
        raise _taken(email) from None


def _account(session: Session, user: User) -> Account:
    return account_of(user, UserRepository(session).grants([user.id]))


def _action(before: Account, after: Account) -> str:
    if before.is_active != after.is_active:
        return "user.enabled" if after.is_active else "user.disabled"
    return "user.changed"


def _shown(account: Account) -> dict[str, object]:
    return {"email": account.email, "name": account.name, "is_admin": account.is_admin, "is_active": account.is_active}


def _grant_shown(account: Account, module: str) -> dict[str, object] | None:
    for one in account.grants:
        if one.module == module:
            return {"role": one.role, "expires_at": one.expires_at and one.expires_at.isoformat()}
    return None


def _taken(email: str) -> ConflictError:
    return ConflictError(f"there is an account with the address {email.strip()} already")


def _unknown(who: object) -> NotFoundError:
    return NotFoundError(f"there is no user {who}")
