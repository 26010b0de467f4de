"""From what a request shows to who asks; asked anew for every request, so that an end is an end at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from afterbay.server.platform.identity.repository import SessionRepository, TokenRepository, UserRepository
from afterbay.server.platform.identity.service.identity import Caller, Identity, SignedIn
from afterbay.server.platform.identity.service.records import principal_of
from afterbay.server.platform.identity.service.secrets import digest

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy.orm import Session

__all__ = ["ACCESS", "Mode", "find_by_api_token", "find_by_session", "session_of"]

ACCESS: Final = "access"
"""Purpose of the tokens that a session is recognised by."""
Mode = Literal["cookie", "token"]


def find_by_session(session: Session, identity: Identity, caller: Caller, token: str, *, mode: Mode) -> SignedIn | None:
    """Return who an access token belongs to, or None if it, its session or its user is not good any more."""
    known = session_of(identity, token, mode=mode)
    if known is None:
        return None
    session_id, user_id, csrf = known
    found = SessionRepository(session).owner(session_id, user_id)
    if found is None:
        return None
    row, user = found
    if row.ended_at is not None or row.expires_at <= identity.clock() or row.mode != mode or not user.is_active:
        return None
    grants = UserRepository(session).grants([user.id])
    return SignedIn(principal_of(identity, user, grants, caller), row.id, csrf)


def find_by_api_token(
    session: Session, identity: Identity, caller: Caller, token: str, *, mode: Mode = "token"
) -> SignedIn | None:
    """Return who a personal token belongs to, limited to its scopes, or None if it is not good any more."""
    repository = TokenRepository(session)
    found = repository.owner(digest(token)) if mode == "token" else None
    if found is None:
        return None
    row, user = found
    now = identity.clock()
    if row.revoked_at is not None or row.expires_at <= now or not user.is_active:
        return None
    repository.seen(row, now, caller.address)
    grants = UserRepository(session).grants([user.id])
    return SignedIn(principal_of(identity, user, grants, caller, scopes=frozenset(row.scopes)))


def session_of(
    identity: Identity, token: str, *, mode: Mode, grace: timedelta | None = None
) -> tuple[UUID, UUID, str] | None:
    """Return session, user and CSRF secret of an access token that we signed, or None.

    Args:
        identity: Keys and clock.
        token: The token.
        mode: How it was shown; one of a browser is no bearer token and the other way round.
        grace: Accept one that has been over for less than this; signing out needs no fresh one.
    """
    more = {} if grace is None else {"grace": grace}
    claims = identity.keys.read(ACCESS, token, now=identity.clock(), **more)
    if claims is None or claims.get("mode") != mode:
        return None
    try:
        return UUID(str(claims.get("sid"))), UUID(str(claims.get("sub"))), str(claims.get("csrf", ""))
    except ValueError:
        return None
