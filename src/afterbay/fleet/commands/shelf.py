"""Where commands are kept: found by id, key and asset, with the next deadline at hand, and forgotten in the end."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

from afterbay.fleet.commands.states import FINAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    from afterbay.fleet.commands.command import Command

__all__ = ["CommandShelf"]


class CommandShelf:
    """All living commands and the last finished ones; nothing here takes longer with more commands."""

    def __init__(self, keep_finished: int, settle: timedelta) -> None:
        """Start empty; `settle` is the time after its end in which a command may still hear from its agent."""
        self._keep = keep_finished
        self._settle = settle
        self._commands: dict[str, Command] = {}
        self._live: dict[str, None] = {}
        self._finished: deque[str] = deque()
        self._keys: dict[str, str] = {}
        self._of_asset: dict[str, dict[str, None]] = {}
        self._planned: dict[str, datetime] = {}
        self._deadlines: list[tuple[datetime, str]] = []

    def __contains__(self, command_id: str) -> bool:
        return command_id in self._commands

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def get(self, command_id: str) -> Command | None:
        """Return a command."""
        return self._commands.get(command_id)

    def by_key(self, key: str) -> Command | None:
        """Return the command of an idempotency key."""
        return self._commands.get(self._keys.get(key, ""))

    def live(self) -> tuple[Command, ...]:
        """Return the commands that are not over, in the order of sequence."""
        return self._in_order(self._live)

    def live_of(self, asset_ids: Iterable[str]) -> tuple[Command, ...]:
        """Return the commands that are not over and mean one of these assets, in the order of sequence."""
        ids = {command_id for asset_id in asset_ids for command_id in self._of_asset.get(asset_id, ())}
        return self._in_order(ids)

    def put(self, command: Command) -> None:
        """Keep a command as it is now; the oldest finished ones beyond the number to keep are forgotten."""
        before = self._commands.get(command.id)
        self._commands[command.id] = command
        self._keys.setdefault(command.key, command.id)
        if not command.is_final:
            self._live[command.id] = None
            for asset_id in command.members:
                self._of_asset.setdefault(asset_id, {})[command.id] = None
            self._plan(command)
            return
        self._live.pop(command.id, None)
        self._planned.pop(command.id, None)
        for asset_id in command.members:
            self._leave(asset_id, command.id)
        if before is None or not before.is_final:
            self._finished.append(command.id)
        while len(self._finished) > self._keep:
            forgotten = self._commands.pop(self._finished.popleft())
            if self._keys.get(forgotten.key) == forgotten.id:
                del self._keys[forgotten.key]

    def take_due(self, now: datetime) -> tuple[Command, ...]:
        """Return the commands whose deadline has come; whoever takes them puts them back as they are then."""
        found = []
        while self._deadlines and self._deadlines[0][0] <= now:
            moment, command_id = heapq.heappop(self._deadlines)
            if self._planned.get(command_id) == moment:
                del self._planned[command_id]
                found.append(self._commands[command_id])
        return tuple(found)

    def next_deadline(self) -> datetime | None:
        """Return the soonest deadline."""
        while self._deadlines and self._planned.get(self._deadlines[0][1]) != self._deadlines[0][0]:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _plan(self, command: Command) -> None:
        moments = []
        if command.deliver_by is not None and any(
            not part.was_sent and part.state not in FINAL for part in command.parts
        ):
            moments.append(command.deliver_by)
        if command.valid_until is not None:
            moments.append(command.valid_until + self._settle)
        soonest = min(moments, default=None)
        if soonest is None:
            self._planned.pop(command.id, None)
        elif self._planned.get(command.id) != soonest:
            self._planned[command.id] = soonest
            heapq.heappush(self._deadlines, (soonest, command.id))

    def _leave(self, asset_id: str, command_id: str) -> None:
        ids = self._of_asset.get(asset_id)
        if ids is not None:
            ids.pop(command_id, None)
            if not ids:
                del self._of_asset[asset_id]

    def _in_order(self, ids: Iterable[str]) -> tuple[Command, ...]:
        return tuple(sorted((self._commands[each] for each in ids), key=lambda command: command.seq))
