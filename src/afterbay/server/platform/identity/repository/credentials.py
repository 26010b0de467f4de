"""Personal tokens and one-time links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from afterbay.server.db import Repository
from afterbay.server.platform.identity.tables import ApiToken, OneTimeLink, User

__all__ = ["LinkRepository", "TokenRepository"]

_SEEN_EVERY = timedelta(minutes=1)


class TokenRepository(Repository):
    """Asks and fills `api_tokens`."""

    def add(self, **columns: Any) -> ApiToken:
        """Add a token."""
        token = ApiToken(**columns)
        self.session.add(token)
        self.session.flush()
        return token

    def owner(self, token_hash: bytes) -> tuple[ApiToken, User] | None:
        """Return a token with its user."""
        query = select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(ApiToken.token_hash == token_hash)
        row = self.session.execute(query).one_or_none()
        return (row[0], row[1]) if row else None

    def of_user(self, user_id: UUID) -> Sequence[ApiToken]:
        """Return the tokens of a user, newest first, without the revoked ones."""
        query = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        return self.session.scalars(query.order_by(ApiToken.created_at.desc(), ApiToken.id)).all()

    def get(self, token_id: UUID) -> ApiToken | None:
        """Return a token, held against changes by others until the transaction ends."""
        return self.session.scalars(select(ApiToken).where(ApiToken.id == token_id).with_for_update()).one_or_none()

    def revoke_all(self, user_id: UUID, now: datetime) -> int:
        """Revoke the tokens of a user and return how many."""
        query = update(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        return len(self.session.execute(query.values(revoked_at=now).returning(ApiToken.id)).all())

    def seen(self, token: ApiToken, now: datetime, address: str) -> None:
        """Note the use of a token; not more than once a minute, and never waiting for another request."""
        if token.last_used_at is not None and token.last_used_at >= now - _SEEN_EVERY:
            return
        old = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - _SEEN_EVERY)
        free = select(ApiToken.id).where(ApiToken.id == token.id, old).with_for_update(skip_locked=True)
        self.session.execute(
            update(ApiToken)
            .where(ApiToken.id.in_(free.scalar_subquery()))
            .values(last_used_at=now, last_used_address=address)
            .execution_options(synchronize_session=False)
        )


class LinkRepository(Repository):
    """Asks and fills `one_time_links`."""

    def add(self, **columns: Any) -> None:
        """Add a link."""
        self.session.add(OneTimeLink(**columns))
        self.session.flush()

    def find(self, token_hash: bytes, *, lock: bool = False) -> OneTimeLink | None:
        """Return a link, held against a second use at the same time if that is asked."""
        query = select(OneTimeLink).where(OneTimeLink.token_hash == token_hash)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return self.session.scalars(query).one_or_none()

    def close(self, user_id: UUID | None, now: datetime) -> None:
        """Close every open link of a user, or those of the first administrator."""
        owner = OneTimeLink.user_id.is_(None) if user_id is None else OneTimeLink.user_id == user_id
        self.session.execute(
            update(OneTimeLink).where(owner, OneTimeLink.closed_at.is_(None)).values(closed_at=now)
        )  # fmt: skip

    def forget(self, before: datetime) -> int:
        """Delete the links that were over before a time, and return how many."""
        over = (OneTimeLink.expires_at < before) | (OneTimeLink.closed_at < before)
        return len(self.session.execute(delete(OneTimeLink).where(over).returning(OneTimeLink.id)).all())
