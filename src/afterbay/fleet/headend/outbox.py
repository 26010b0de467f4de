"""What waits to be written to one agent: bounded, and never growing while the agent does not read."""

from __future__ import annotations

import asyncio
from collections import deque

from afterbay.fleet.messages import Lease, Notice, Receipt, Welcome

__all__ = ["Outbox"]

_MOST_NOTICES = 64
_RECEIPT_PAUSE_S = 0.02
"""A receipt waits so long for later ones that replace it, unless something else is to be written."""
_MOST_MERGED = 16
"""Receipts that one may stand for before it is written at once: half of an agent's usual window."""


class Outbox:
    """Messages to an agent, commands first. Receipts are merged into one, old notices make room for new ones."""

    def __init__(self, *, most_leases: int = 1024) -> None:
        self._welcome: Welcome | None = None
        self._leases: deque[Lease] = deque()
        self._notices: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self._receipt = 0
        self._merged = 0
        self._refused: set[str] = set()
        self._most_leases = most_leases
        self._ready = asyncio.Event()
        self.closed_because: str | None = None
        """Why nothing more is written; None: it is open."""

    def __len__(self) -> int:
        """Number of messages that wait."""
        return len(self._leases) + len(self._notices) + (self._receipt > 0) + (self._welcome is not None)

    @property
    def is_full(self) -> bool:
        """Do so many commands wait that the agent cannot be reading?"""
        return len(self._leases) >= self._most_leases

    def put(self, message: Lease | Notice | Receipt | Welcome) -> None:
        """Add a message; nothing happens when the outbox is closed."""
        if self.closed_because is not None:
            return
        match message:
            case Lease():
                self._leases.append(message)
            case Notice():
                self._notices.append(message)
            case Welcome():
                self._welcome = message
            case Receipt():
                self._merged += 1
                self._receipt = max(self._receipt, message.batch_seq)
                self._refused.update(message.refused)
                if 1 < self._merged < _MOST_MERGED:
                    return  # whoever writes knows of the first one
        self._ready.set()

    def close(self, reason: str) -> None:
        """Write nothing more; whoever waits for a message gets None."""
        if self.closed_because is None:
            self.closed_because = reason
        self._ready.set()

    async def next(self) -> Lease | Notice | Receipt | Welcome | None:
        """Return the next message, waiting for it; None when the outbox was closed."""
        is_ripe = False
        while True:
            if self.closed_because is not None:
                return None
            if is_ripe or self._merged >= _MOST_MERGED or self._has_more_than_receipts():
                message = self.take()
                if message is not None:
                    return message
            self._ready.clear()
            if not self._merged:
                await self._ready.wait()
                continue
            try:
                async with asyncio.timeout(_RECEIPT_PAUSE_S):
                    await self._ready.wait()
            except TimeoutError:
                is_ripe = True

    def _has_more_than_receipts(self) -> bool:
        return bool(self._leases or self._notices) or self._welcome is not None

    def take(self) -> Lease | Notice | Receipt | Welcome | None:
        """Return the next message if there is one."""
        if self._welcome is not None:
            welcome, self._welcome = self._welcome, None
            return welcome
        if self._leases:
            return self._leases.popleft()
        if self._receipt:
            receipt = Receipt(self._receipt, tuple(sorted(self._refused)))
            self._receipt = self._merged = 0
            self._refused.clear()
            return receipt
        return self._notices.popleft() if self._notices else None
