"""How often signing in failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select

from afterbay.server.db import Repository
from afterbay.server.platform.identity.tables import SignInDelay

__all__ = ["DelayRepository"]


class DelayRepository(Repository):
    """Asks and fills `sign_in_delays`."""

    def hold(self, keys: Sequence[bytes], now: datetime) -> dict[bytes, SignInDelay]:
        """Return the counts of keys, each held against others until the transaction ends; missing ones are made."""
        found = {}
        # In one order for everybody: two requests with the same keys cannot wait for each other.
        for key in sorted(keys):
            self.session.execute(
                select(func.pg_advisory_xact_lock(func.hashtextextended(f"afterbay.delay.{key.hex()}", 0)))
            )
            row = self.session.get(SignInDelay, key, populate_existing=True)
            if row is None:
                row = SignInDelay(key=key, failures=0, last_at=now, locked_until=None)
                self.session.add(row)
            found[key] = row
        return found

    def clear(self, key: bytes) -> bool:
        """Forget the failures under a key; False if there were none."""
        query = delete(SignInDelay).where(SignInDelay.key == key).returning(SignInDelay.key)
        return self.session.execute(query).first() is not None

    def locked_until(self, key: bytes) -> datetime | None:
        """Return until when nobody may sign in under a key."""
        return self.session.scalars(select(SignInDelay.locked_until).where(SignInDelay.key == key)).one_or_none()

    def forget(self, before: datetime) -> int:
        """Delete counts that nothing was added to since a time, and return how many."""
        query = delete(SignInDelay).where(SignInDelay.last_at < before).returning(SignInDelay.key)
        return len(self.session.execute(query).all())
