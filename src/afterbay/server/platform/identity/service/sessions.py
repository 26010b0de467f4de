"""Sessions: a short access token, and a refresh token that is exchanged for the next one each time it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from afterbay.core.errors import NotFoundError
from afterbay.server.platform.audit.service import log_action
from afterbay.server.platform.identity.repository import SessionRepository, UserRepository
from afterbay.server.platform.identity.service.principals import ACCESS, Mode, session_of
from afterbay.server.platform.identity.service.records import principal_of
from afterbay.server.platform.identity.service.secrets import REFRESH_PREFIX, digest, new_secret, same_secret

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.identity.service.identity import Caller, Identity
    from afterbay.server.platform.identity.tables import SessionRow, User
    from afterbay.server.principal import Principal

__all__ = ["SessionView", "Tokens", "end_all_sessions", "end_session", "list_sessions", "open_session",
           "refresh_session", "sign_out"]  # fmt: skip

_SIGNED_OUT_GRACE: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What somebody who signed in gets, once."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    csrf: str = field(repr=False)
    """Empty for programs: they send the access token in a header, which no other site can."""
    mode: Mode
    access_s: int
    refresh_s: int
    user_id: UUID


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session, as its user sees it."""

    id: UUID
    mode: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


def open_session(session: Session, identity: Identity, caller: Caller, user: User, mode: Mode) -> Tokens:
    """Begin a session for somebody who has shown who they are."""
    now = identity.clock()
    csrf = new_secret() if mode == "cookie" else ""
    row = SessionRepository(session).add(
        id=uuid4(),
        user_id=user.id,
        mode=mode,
        csrf_hash=digest(csrf),
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(seconds=identity.settings.session_s),
        ended_at=None,
        end_reason="",
        address=caller.address[:100],
        user_agent=caller.user_agent.replace("\x00", "")[:300],
    )
    user.last_sign_in_at = now
    return _issue(session, identity, row, 0, csrf)


def refresh_session(
    session: Session, identity: Identity, caller: Caller, token: str, *, mode: Mode, csrf: str | None = None
) -> Tokens | None:
    """Exchange a refresh token for the next tokens, or return None where it is not good any more.

    A token that was used before ends its session: either its owner or a thief shows it, and nobody can tell which.
    Only right after its first use, and while nothing of what it was exchanged for was used, is it taken for the
    same client asking twice.

    The caller lets the transaction commit also when None is returned; the end of a session must stay.

    Args:
        session: Database.
        identity: Settings and clock.
        caller: From where it is asked.
        token: The refresh token.
        mode: How it was shown.
        csrf: What a browser sent in the header.
    """
    repository, now = SessionRepository(session), identity.clock()
    hashed = digest(token)
    session_id = repository.session_of_token(hashed)
    row = repository.hold(session_id) if session_id else None
    user = UserRepository(session).get(row.user_id) if row else None
    found = repository.token(hashed) if row else None
    if row is None or user is None or found is None or row.mode != mode:
        return None
    if mode == "cookie" and not (csrf and digest(csrf) == row.csrf_hash):
        return None
    if row.ended_at is not None or not user.is_active or min(row.expires_at, found.expires_at) <= now:
        return None
    if found.used_at is not None:
        leeway = timedelta(seconds=identity.settings.refresh_leeway_s)
        if now - found.used_at >= leeway or repository.newest_used(row.id) > found.generation:
            _end_stolen(session, identity, caller, row, user)
            return None
    repository.use_up(row.id, found.generation, now)
    row.last_seen_at, row.address = now, caller.address[:100]
    return _issue(session, identity, row, found.generation + 1, csrf or "")


def sign_out(
    session: Session, identity: Identity, caller: Caller, token: str, *, mode: Mode, csrf: str | None = None
) -> bool:
    """End the session of an access token, also of one that has run out; False if there is nothing to end."""
    known = session_of(identity, token, mode=mode, grace=_SIGNED_OUT_GRACE)
    if known is None or (mode == "cookie" and not same_secret(csrf, known[2])):
        return False
    session_id, user_id, _ = known
    user = UserRepository(session).get(user_id)
    if user is None or not SessionRepository(session).end(user_id, identity.clock(), "signed out", only=session_id):
        return False
    log_action(session, principal_of(identity, user, [], caller), "platform", "session.ended", session_id)
    return True


def end_session(session: Session, identity: Identity, principal: Principal, user_id: UUID, session_id: UUID) -> None:
    """End one session of a user.

    Raises:
        NotFoundError: If the user has no such session that is alive.
    """
    if not SessionRepository(session).end(user_id, identity.clock(), "ended", only=session_id):
        raise NotFoundError(f"there is no session {session_id} that is alive -> list the sessions")
    log_action(session, principal, "platform", "session.ended", session_id, {"user": str(user_id)})


def end_all_sessions(
    session: Session, identity: Identity, principal: Principal, user_id: UUID, *, but: UUID | None = None
) -> int:
    """End every session of a user, except perhaps one, and return how many."""
    ended = SessionRepository(session).end(user_id, identity.clock(), "all ended", but=but)
    log_action(session, principal, "platform", "sessions.ended", user_id, {"sessions": ended})
    return ended


def list_sessions(session: Session, identity: Identity, user_id: UUID) -> list[SessionView]:
    """Return the sessions of a user that are alive, newest first."""
    return [
        SessionView(row.id, row.mode, row.created_at, row.last_seen_at, row.expires_at, row.address, row.user_agent)
        for row in SessionRepository(session).of_user(user_id, identity.clock())
    ]


def _issue(session: Session, identity: Identity, row: SessionRow, generation: int, csrf: str) -> Tokens:
    now, settings = identity.clock(), identity.settings
    refresh = new_secret(REFRESH_PREFIX)
    expires = min(now + timedelta(seconds=settings.refresh_s), row.expires_at)
    SessionRepository(session).add_token(
        token_hash=digest(refresh), session_id=row.id, generation=generation, issued_at=now, expires_at=expires,
        used_at=None,
    )  # fmt: skip
    mode: Mode = "cookie" if row.mode == "cookie" else "token"
    claims = {"sub": str(row.user_id), "sid": str(row.id), "mode": mode, "csrf": csrf}
    access = identity.keys.sign(ACCESS, claims, now=now, life_s=settings.access_s)
    return Tokens(
        access, refresh, csrf, mode, settings.access_s, int((expires - now).total_seconds()), row.user_id
    )  # fmt: skip


def _end_stolen(session: Session, identity: Identity, caller: Caller, row: SessionRow, user: User) -> None:
    SessionRepository(session).end(user.id, identity.clock(), "refresh token used twice", only=row.id)
    principal = principal_of(identity, user, [], caller)
    log_action(session, principal, "platform", "session.reuse-detected", row.id)
