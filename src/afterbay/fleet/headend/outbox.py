"""What waits to be written to one agent: bounded, and never growing while the agent does not read."""

from __future__ import annotations

import asyncio
from collections import deque

from afterbay.fleet.messages import Lease, Notice, Receipt, Welcome

__all__ = ["Outbox"]

_MOST_NOTICES = 64


class Outbox:
    """Messages to an agent, commands first. Receipts are merged into one, old notices make room for new ones."""

    def __init__(self, *, most_leases: int = 1024) -> None:
        self._welcome: Welcome | None = None
        self._leases: deque[Lease] = deque()
        self._notices: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self._receipt = 0
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
                self._receipt = max(self._receipt, message.batch_seq)
                self._refused.update(message.refused)
        self._ready.set()

    def close(self, reason: str) -> None:
        """Write nothing more; whoever waits for a message gets None."""
        if self.closed_because is None:
            self.closed_because = reason
        self._ready.set()

    async def next(self) -> Lease | Notice | Receipt | Welcome | None:
        """Return the next message, waiting for it; None when the outbox was closed."""
        while True:
            if self.closed_because is not None:
                return None
            message = self.take()
            if message is not None:
                return message
            self._ready.clear()
            await self._ready.wait()

    def take(self) -> Lease | Notice | Receipt | Welcome | None:
        """Return the next message if there is one."""
        if self._welcome is not None:
            welcome, self._welcome = self._welcome, None
            return welcome
        if self._leases:
            return self._leases.popleft()
        if self._receipt:
            receipt = Receipt(self._receipt, tuple(sorted(self._refused)))
            self._receipt = 0
            self._refused.clear()
            return receipt
        return self._notices.popleft() if self._notices else None
