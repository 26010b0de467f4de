"""One-time links: how somebody gets in who has no password yet, or forgot it.

The secret stands behind a `#`, which browsers keep to themselves: it is in no log and no referrer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID, uuid4

from afterbay.core.errors import ConflictError, InvalidInputError, NotFoundError, Problem
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import LinkRepository, SessionRepository, UserRepository
from afterbay.server.platform.identity.service.credentials import store_password
from afterbay.server.platform.identity.service.records import check_person, email_key, principal_of, whence
from afterbay.server.platform.identity.service.secrets import LINK_PREFIX, digest, new_secret
from afterbay.server.platform.identity.service.sessions import Tokens, open_session
from afterbay.server.principal import SYSTEM

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.service.principals import Mode
    from afterbay.server.platform.identity.tables import OneTimeLink, User
    from afterbay.server.principal import Principal

__all__ = [
    "FORGOTTEN_S", "Link", "LinkView", "accept_link", "ask_for_link", "create_link", "ensure_first_link",
    "link_for_mail", "look_at_link",
]  # fmt: skip

Purpose = Literal["first", "invite", "reset"]
_PAGE: Final = "/welcome#token="
FORGOTTEN_S: Final = 3_600
"""Life of a link that is mailed to who forgot a password [s]."""


@dataclass(frozen=True, slots=True)
class Link:
    """A new link; its secret is shown once."""

    token: str = field(repr=False)
    purpose: Purpose
    expires_at: datetime

    @property
    def path(self) -> str:
        """Path of the page that takes the link, with its secret."""
        return f"{_PAGE}{self.token}"


@dataclass(frozen=True, slots=True)
class LinkView:
    """What whoever holds a link may know."""

    purpose: str
    email: str
    """Empty: it is yet to be said."""
    name: str
    expires_at: datetime


def create_link(session: Session, identity: Identity, principal: Principal, user_id: UUID) -> Link:
    """Make a link for a user; those made before are over.

    Raises:
        NotFoundError: If there is no such user.
        ConflictError: If the account is closed.
    """
    user = UserRepository(session).get(user_id, lock=True)
    if user is None:
        raise NotFoundError(f"there is no user {user_id}")
    if not user.is_active:
        raise ConflictError(f"the account of {user.email} is closed -> enable it first")
    purpose: Purpose = "reset" if user.password_hash else "invite"
    link = _make(session, identity.clock(), identity.settings.link_s, principal, user.id, purpose)
    log_action(session, principal, "platform", "link.created", user.id, {"purpose": link.purpose})
    return link


def ask_for_link(session: Session, caller: Caller, email: str) -> UUID | None:
    """Record that somebody says they forgot their password, and return whose it is; None: nobody gets a mail.

    Only who has a password gets one: an account of single sign-on alone does not get a password by this way.
    """
    user = UserRepository(session).find(email_key(email))
    known = user is not None and user.is_active and user.password_hash is not None
    log_action(session, whence(SYSTEM, caller), "platform", "link.asked",
               user.id if user is not None else "unknown account")  # fmt: skip
    return user.id if user is not None and known else None


def link_for_mail(session: Session, user_id: UUID, now: datetime) -> tuple[str, Link] | None:
    """Make a link for somebody who asked for it, good for an hour, and return it with their address.

    Made when it is sent, so that its secret is in no queue; None: the account has no password any more, or is closed.
    """
    user = UserRepository(session).get(user_id, lock=True)
    if user is None or not user.is_active or user.password_hash is None:
        return None
    link = _make(session, now, FORGOTTEN_S, SYSTEM, user.id, "reset")
    log_action(session, SYSTEM, "platform", "link.created", user.id, {"purpose": link.purpose, "sent": "by mail"})
    return user.email, link


def ensure_first_link(session: Session, identity: Identity) -> str | None:
    """Return the path of a new link for the first administrator, or None when there is one who can sign in."""
    users = UserRepository(session)
    users.wait_for_administrators()
    if users.can_an_administrator_sign_in():
        return None
    link = _make(session, identity.clock(), identity.settings.link_s, SYSTEM, None, "first")
    log_action(session, SYSTEM, "platform", "link.created", "", {"purpose": link.purpose})
    return link.path


def look_at_link(session: Session, identity: Identity, token: str) -> LinkView:
    """Return what a link is for.

    Raises:
        NotFoundError: If it is not good, or not any more.
    """
    link, user = _open(session, identity, token, lock=False)
    return LinkView(link.purpose, user.email if user else "", user.name if user else "", link.expires_at)


def accept_link(
    session: Session,
    identity: Identity,
    caller: Caller,
    token: str,
    password: str,
    *,
    mode: Mode,
    name: str | None = None,
    email: str | None = None,
) -> Tokens:
    """Use a link: set the password, end what was signed in with the old one, and sign in.

    What is refused leaves the link as it was.

    Args:
        session: Database.
        identity: Settings, clock, passwords.
        caller: From where.
        token: The secret of the link.
        password: The new password.
        mode: How the session is to be carried.
        name: New name of the user; None: as it is.
        email: Address of the first administrator; a link of somebody else takes none.

    Raises:
        NotFoundError: If the link is not good, or not any more.
        InvalidInputError: If the password is too easy, or the address or name is none.
    """
    link, user = _open(session, identity, token, lock=True)
    if user is not None and email is not None and email_key(email) != user.email_key:
        raise InvalidInputError(Problem("/email", email[:100], "left out, or the address that the link was made for"))
    check_person(email if user is None else None, name)
    if user is None:
        user = _first(session, identity, email)
    if name is not None:
        user.name = name.strip()
    identity.passwords.check(password, personal=(user.email, user.name))
    store_password(session, identity, user, password)
    now = identity.clock()
    SessionRepository(session).end(user.id, now, "password set by link")
    LinkRepository(session).close(link.user_id, now)
    principal = principal_of(identity, user, [], caller)
    log_action(session, principal, "platform", "link.used", user.id, {"purpose": link.purpose, "mode": mode})
    return open_session(session, identity, caller, user, mode)


def _first(session: Session, identity: Identity, email: str | None) -> User:
    users, now = UserRepository(session), identity.clock()
    users.wait_for_administrators()
    if users.can_an_administrator_sign_in():
        raise _over()
    if email is None:
        raise InvalidInputError(Problem("/email", "nothing", "the address of the first administrator"))
    found = users.find(email_key(email))
    if found is not None:
        # An account that was made by the command and that nobody can sign in to yet.
        user = found
        user.is_admin, user.is_active, user.admin_source = True, True, "manual"
    else:
        user = users.make(
            id=uuid4(), email=email.strip(), email_key=email_key(email), name="", is_admin=True, admin_source="manual",
            is_active=True, version=1, created_at=now, updated_at=now,
        )  # fmt: skip
    log_action(session, SYSTEM, "platform", "user.created", user.id, after={"email": user.email, "is_admin": True})
    return user


def _open(session: Session, identity: Identity, token: str, *, lock: bool) -> tuple[OneTimeLink, User | None]:
    link = LinkRepository(session).find(digest(token), lock=lock)
    if link is None or link.closed_at is not None or link.expires_at <= identity.clock():
        raise _over()
    users = UserRepository(session)
    if link.user_id is None:
        if users.can_an_administrator_sign_in():
            raise _over()
        return link, None
    user = users.get(link.user_id, lock=lock)
    if user is None or not user.is_active:
        raise _over()
    return link, user


def _make(
    session: Session, now: datetime, life_s: int, principal: Principal, user_id: UUID | None, purpose: Purpose
) -> Link:
    links = LinkRepository(session)
    links.close(user_id, now)
    link = Link(new_secret(LINK_PREFIX), purpose, now + timedelta(seconds=life_s))
    links.add(
        id=uuid4(), user_id=user_id, purpose=purpose, token_hash=digest(link.token), created_at=now,
        created_by=principal.id, expires_at=link.expires_at, closed_at=None,
    )  # fmt: skip
    return link


def _over() -> NotFoundError:
    return NotFoundError("this link is not good, or not any more -> ask for a new one")
