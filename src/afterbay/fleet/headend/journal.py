"""What changes: to the recorder, to whoever listens, and the last events for whoever asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import uuid4

from afterbay.fleet.commands.command import Command
from afterbay.fleet.headend.api import SessionRow
from afterbay.fleet.headend.recording import RecorderPump
from afterbay.fleet.headend.watching import Watchers
from afterbay.fleet.messages import Event, Severity

__all__ = ["Journal"]

_KEPT_EVENTS = 1000


class Journal:
    """One place through which events and changes of commands and sessions go."""

    def __init__(
        self,
        pump: RecorderPump,
        watchers: Watchers,
        clock: Callable[[], datetime],
        site_of: Callable[[str], str],
    ) -> None:
        self._pump = pump
        self._watchers = watchers
        self._clock = clock
        self._site_of = site_of
        self._events: deque[Event] = deque(maxlen=_KEPT_EVENTS)

    def event(self, kind: str, severity: Severity, message: str, asset_ids: Iterable[str] = ("",)) -> None:
        """Note an event of the headend's own, once for every asset that it concerns."""
        for asset_id in asset_ids:
            self.note(Event(str(uuid4()), asset_id, self._site_of(asset_id), self._clock(), kind, severity, message))

    def note(self, event: Event) -> None:
        """Note an event."""
        self._events.append(event)
        self._pump.event(event)
        self._watchers.tell(event)

    def session(self, session: SessionRow) -> None:
        """Note that a session opened or closed."""
        self._pump.session(session)
        self._watchers.mark("session", (session.asset_id,))

    def command(self, command: Command) -> None:
        """Note that a command changed."""
        self._pump.command(command)
        self._watchers.mark("command", (command.id,))

    def recent(self, asset_id: str | None, limit: int) -> tuple[Event, ...]:
        """Return the newest events, newest first."""
        found = (event for event in reversed(self._events) if asset_id is None or event.asset_id == asset_id)
        return tuple(event for event, _ in zip(found, range(limit), strict=False))
