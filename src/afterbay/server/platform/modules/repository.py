"""Keeps two requests of one user from both taking the last of a quota."""

from __future__ import annotations

from sqlalchemy import func, select

from afterbay.server.db import Repository

__all__ = ["QuotaRepository"]


class QuotaRepository(Repository):
    """Locks; the amounts are counted by the modules themselves."""

    def wait_in_line(self, name: str) -> None:
        """Wait until no other transaction holds this name, and hold it until ours ends."""
        self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
