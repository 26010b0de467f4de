"""Claims keys and keeps their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from afterbay.server.db import Repository
from afterbay.server.platform.idempotency.tables import IdempotencyKey

__all__ = ["IdempotencyRepository"]


class IdempotencyRepository(Repository):
    """Asks and fills `idempotency_keys`."""

    def claim(self, user_id: UUID, key: str, fingerprint: str) -> bool:
        """Take a key for this transaction; waits for another transaction that is just taking it.

        Returns:
            False, if an earlier request has it.
        """
        row = insert(IdempotencyKey).values(user_id=user_id, key=key, fingerprint=fingerprint)
        claimed = self.session.execute(row.on_conflict_do_nothing().returning(IdempotencyKey.key))
        return claimed.scalar_one_or_none() is not None

    def find(self, user_id: UUID, key: str) -> IdempotencyKey | None:
        """Return what is kept under a key."""
        query = select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
        return self.session.scalars(query).one_or_none()

    def keep(self, user_id: UUID, key: str, status: int, headers: dict[str, str], body: Any) -> None:
        """Keep the answer of the request that claimed a key."""
        chosen = update(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
        self.session.execute(chosen.values(status=status, headers=headers, body=body))

    def forget(self, before: datetime) -> int:
        """Delete keys that are older; return how many."""
        done = self.session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < before))
        return int(getattr(done, "rowcount", 0))
