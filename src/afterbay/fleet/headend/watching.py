"""What is new, for whoever listens: at most one change per thing waits, so a slow listener costs no memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from types import TracebackType

from afterbay.fleet.commands.command import Command
from afterbay.fleet.headend.api import Change, ChangeKind
from afterbay.fleet.messages import Event

__all__ = ["Subscription", "Watchers"]

_MOST_EVENTS = 256
_Key = tuple[ChangeKind, str]
_Reader = Callable[[ChangeKind, str], Change | None]


class Subscription(AsyncIterator[Change]):
    """Changes as they come. What changes again before it is read is read once, in its newest form.

    Use it in a `with` block, or call `close`: until then it costs the headend a little for every change.
    """

    def __init__(
        self,
        watchers: Watchers,
        read: _Reader,
        kinds: frozenset[ChangeKind] | None,
        asset_ids: frozenset[str] | None,
    ) -> None:
        self._watchers = watchers
        self._read = read
        self.kinds = kinds
        self.asset_ids = asset_ids
        self._dirty: dict[_Key, None] = {}
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._ready = asyncio.Event()
        self._closed = False
        self.events_dropped = 0
        """Events that came faster than they were read."""

    def __len__(self) -> int:
        """Number of changes that wait."""
        return len(self._dirty) + len(self._events)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hear nothing more; the iteration ends."""
        self._closed = True
        self._watchers.leave(self)
        self._ready.set()

    async def __anext__(self) -> Change:
        while not self._closed:
            change = self._next()
            if change is not None:
                return change
            self._ready.clear()
            await self._ready.wait()
        raise StopAsyncIteration

    def mark(self, kind: ChangeKind, keys: Iterable[str]) -> None:
        """Note that things changed."""
        if self.asset_ids is not None and kind in {"telemetry", "session"}:
            keys = self.asset_ids.intersection(keys)
        self._dirty.update(((kind, key), None) for key in keys)
        self._ready.set()

    def tell(self, event: Event) -> None:
        """Note an event; every one of them counts, up to a bound."""
        if self.asset_ids is not None and event.asset_id not in self.asset_ids:
            return
        self.events_dropped += len(self._events) == _MOST_EVENTS
        self._events.append(event)
        self._ready.set()

    def _next(self) -> Change | None:
        if self._events:
            event = self._events.popleft()
            return Change("event", event.asset_id or None, event)
        while self._dirty:
            kind, key = next(iter(self._dirty))
            del self._dirty[kind, key]
            change = self._read(kind, key)
            if change is not None and self._concerns(change):
                return change
        return None

    def _concerns(self, change: Change) -> bool:
        if self.asset_ids is None or not isinstance(change.data, Command):
            return True
        return any(part.asset_id in self.asset_ids for part in change.data.parts)


class Watchers:
    """All subscriptions."""

    def __init__(self, read: _Reader) -> None:
        self._read = read
        self._all: set[Subscription] = set()

    def __len__(self) -> int:
        return len(self._all)

    def subscribe(self, kinds: Collection[ChangeKind] | None, asset_ids: Collection[str] | None) -> Subscription:
        """Begin to listen."""
        subscription = Subscription(
            self,
            self._read,
            None if kinds is None else frozenset(kinds),
            None if asset_ids is None else frozenset(asset_ids),
        )
        self._all.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Stop listening."""
        self._all.discard(subscription)

    def wants(self, kind: ChangeKind) -> bool:
        """Does anybody listen to this kind?"""
        return any(one.kinds is None or kind in one.kinds for one in self._all)

    def mark(self, kind: ChangeKind, keys: Collection[str]) -> None:
        """Tell who wants to know that things changed."""
        for one in self._all:
            if one.kinds is None or kind in one.kinds:
                one.mark(kind, keys)

    def tell(self, event: Event) -> None:
        """Tell who wants to know of an event."""
        for one in self._all:
            if one.kinds is None or "event" in one.kinds:
                one.tell(event)

    def close(self) -> None:
        """End all iterations."""
        for one in tuple(self._all):
            one.close()
