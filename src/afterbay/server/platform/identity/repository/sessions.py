"""Sessions and their refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from afterbay.server.db import Repository
from afterbay.server.platform.identity.tables import RefreshToken, SessionRow, User

__all__ = ["SessionRepository"]


class SessionRepository(Repository):
    """Asks and fills `sessions` and `refresh_tokens`."""

    def add(self, **columns: Any) -> SessionRow:
        """Add a session."""
        row = SessionRow(**columns)
        self.session.add(row)
        self.session.flush()
        return row

    def owner(self, session_id: UUID, user_id: UUID) -> tuple[SessionRow, User] | None:
        """Return a session with its user."""
        query = (
            select(SessionRow, User)
            .join(User, User.id == SessionRow.user_id)
            .where(SessionRow.id == session_id, User.id == user_id)
        )
        row = self.session.execute(query).one_or_none()
        return (row[0], row[1]) if row else None

    def hold(self, session_id: UUID) -> SessionRow | None:
        """Return a session, held against changes by others until the transaction ends."""
        query = select(SessionRow).where(SessionRow.id == session_id).with_for_update()
        return self.session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def of_user(self, user_id: UUID, now: datetime) -> Sequence[SessionRow]:
        """Return the sessions of a user that are alive, newest first."""
        query = select(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.ended_at.is_(None), SessionRow.expires_at > now
        )
        return self.session.scalars(query.order_by(SessionRow.created_at.desc(), SessionRow.id)).all()

    def end(
        self, user_id: UUID, now: datetime, reason: str, *, only: UUID | None = None, but: UUID | None = None
    ) -> int:
        """End sessions of a user and return how many."""
        query = update(SessionRow).where(SessionRow.user_id == user_id, SessionRow.ended_at.is_(None))
        if only is not None:
            query = query.where(SessionRow.id == only)
        if but is not None:
            query = query.where(SessionRow.id != but)
        ended = self.session.execute(query.values(ended_at=now, end_reason=reason).returning(SessionRow.id))
        return len(ended.all())

    def add_token(self, **columns: Any) -> None:
        """Add a refresh token."""
        self.session.add(RefreshToken(**columns))
        self.session.flush()

    def session_of_token(self, token_hash: bytes) -> UUID | None:
        """Return the session that a refresh token belongs to."""
        query = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        return self.session.scalars(query).one_or_none()

    def token(self, token_hash: bytes) -> RefreshToken | None:
        """Return a refresh token; ask after `hold`, so that it is what the one before left."""
        query = select(RefreshToken).where(RefreshToken.token_hash == token_hash)
        return self.session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def newest_used(self, session_id: UUID) -> int:
        """Return the latest generation of which a token was used, or -1."""
        query = select(func.max(RefreshToken.generation)).where(
            RefreshToken.session_id == session_id, RefreshToken.used_at.is_not(None)
        )
        found = self.session.scalars(query).one()
        return -1 if found is None else found

    def use_up(self, session_id: UUID, generation: int, now: datetime) -> None:
        """Mark every token up to a generation as used."""
        self.session.execute(
            update(RefreshToken)
            .where(
                RefreshToken.session_id == session_id,
                RefreshToken.generation <= generation,
                RefreshToken.used_at.is_(None),
            )
            .values(used_at=now)
        )

    def forget(self, before: datetime) -> int:
        """Delete the sessions that ended or ran out before a time, and return how many."""
        over = (SessionRow.expires_at < before) | (SessionRow.ended_at < before)
        return len(self.session.execute(delete(SessionRow).where(over).returning(SessionRow.id)).all())
