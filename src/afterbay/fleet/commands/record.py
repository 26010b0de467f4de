"""The headend's record of commands: each one once, in order, through allowed states only, to its end."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from afterbay.core.errors import ConflictError, NotFoundError
from afterbay.fleet.commands.command import Change, Command, command_from_dict
from afterbay.fleet.commands.making import key_taken, make_command, request_digest
from afterbay.fleet.commands.plain import rows_of
from afterbay.fleet.commands.record_changes import end_parts, move_part, take_word
from afterbay.fleet.commands.shelf import CommandShelf
from afterbay.fleet.commands.states import FINAL, IN_FORCE, TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from afterbay.fleet.commands.limits import CheckedRequest
    from afterbay.fleet.commands.states import CommandState
    from afterbay.fleet.messages import Acknowledgement

__all__ = ["HEADEND", "CommandRecord", "Submission", "request_digest"]

HEADEND = "headend"
"""Actor of what nobody else did."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of a request."""

    command: Command
    is_new: bool
    """False: the same key was there with the same request; nothing was done again."""
    superseded: tuple[Command, ...] = ()
    """Commands that waited for the same assets and will not be sent to them any more."""


class CommandRecord:
    """All commands that are alive, and the last ones that are not.

    Pure: every moment is an argument, and every method that changes something returns the commands as they are
    then, for the database and whoever listens; what did not change is not among them.
    """

    def __init__(self, *, keep_finished: int = 1000, deliver_s: float = 60.0, settle_s: float = 30.0) -> None:
        """Start empty.

        Args:
            keep_finished: Number of finished commands to remember; older ones live in the database only.
            deliver_s: Delivery deadline of a command that does not ask to be queued [s].
            settle_s: How long after its end a command may still hear from its agent [s].
        """
        self._shelf = CommandShelf(keep_finished, timedelta(seconds=settle_s))
        self._deliver = timedelta(seconds=deliver_s)
        self._settle = timedelta(seconds=settle_s)
        self._seq = 0

    def submit(
        self,
        checked: CheckedRequest,
        *,
        command_id: str,
        now: datetime,
        actor: str,
        key: str | None = None,
        not_before: datetime | None = None,
    ) -> Submission:
        """Write a checked request down as a command.

        A command that begins at once replaces what waits for the same assets and was never sent. What was sent is
        replaced when the agent says so: if it refuses the new command, the old one goes on.

        Raises:
            InvalidInputError: If the key belongs to another request.
            ConflictError: If the id is taken.
        """
        key = key or command_id
        before = self._shelf.by_key(key)
        if before is not None:
            if before.digest != request_digest(checked.request, not_before):
                raise key_taken(before)
            return Submission(before, is_new=False)
        if command_id in self._shelf:
            raise ConflictError(f"command id {command_id!r} is taken -> use a new id")
        # Beyond what any headend numbered before, also when it lost its memory.
        self._seq = max(self._seq + 1, int(now.timestamp() * 1000.0))
        command = make_command(
            checked,
            command_id=command_id,
            key=key,
            seq=self._seq,
            now=now,
            actor=actor,
            not_before=not_before,
            deliver=self._deliver,
        )
        superseded = self._supersede_waiting(command, now, actor)
        self._shelf.put(command)
        return Submission(command, is_new=True, superseded=superseded)

    def _supersede_waiting(self, newer: Command, now: datetime, actor: str) -> tuple[Command, ...]:
        """End what was never sent to the same assets and would begin no later than the newer command."""
        changed = []
        ids = {part.asset_id for part in newer.parts}
        for command in self._shelf.live_of(ids):
            if command.begins_at > now and command.not_before != newer.not_before:
                continue  # a schedule's later interval: its agent decides when it begins
            if newer.not_before is not None and command.not_before != newer.not_before:
                continue
            waiting = [
                part.asset_id
                for part in command.parts
                if part.asset_id in ids and not part.was_sent and part.state not in FINAL
            ]
            after = end_parts(command, waiting, "superseded", now, actor, f"replaced by {newer.id}")
            changed += self._put_changed(command, after)
        return tuple(changed)

    def sent(self, command_id: str, now: datetime, *, asset_ids: Collection[str] | None = None) -> Command:
        """Note that the lease was put on the stream of these assets (default: of all that wait).

        Raises:
            NotFoundError: If there is no such command.
        """
        return self._move_waiting(command_id, now, "sent", "", asset_ids)

    def queue(
        self, command_id: str, now: datetime, *, reason: str = "offline", asset_ids: Collection[str] | None = None
    ) -> Command:
        """Note that parts wait for their assets (default: all that were not sent).

        Raises:
            NotFoundError: If there is no such command.
        """
        return self._move_waiting(command_id, now, "queued", reason, asset_ids)

    def _move_waiting(
        self, command_id: str, now: datetime, state: CommandState, reason: str, asset_ids: Collection[str] | None
    ) -> Command:
        command = after = self._need(command_id)
        for part in command.parts:
            if part.state in ("submitted", "queued") and (asset_ids is None or part.asset_id in asset_ids):
                after = move_part(after, part.asset_id, state, now, HEADEND, reason)
        self._put_changed(command, after)
        return after

    def stream_lost(self, asset_ids: Collection[str], now: datetime) -> tuple[Command, ...]:
        """Put what was sent to these assets and not confirmed back into the queue."""
        changed = []
        for command in self._shelf.live_of(asset_ids):
            after = command
            for part in command.parts:
                if part.state == "sent" and part.asset_id in asset_ids:
                    after = move_part(after, part.asset_id, "queued", now, HEADEND, "stream lost")
            changed += self._put_changed(command, after)
        return tuple(changed)

    def to_deliver(
        self, asset_ids: Collection[str], now: datetime, *, knows_leases: bool = True
    ) -> tuple[tuple[Command, tuple[str, ...]], ...]:
        """Return what waits for these assets in the order of sequence: the command and which of them.

        Call it when assets register, after `stream_lost` for the old stream. What was sent once and never confirmed
        is in it also after its delivery deadline: an agent answers for what it has, and refuses what is too late.
        An agent of the original cannot (`knows_leases=False`); it gets nothing late and nothing early.
        """
        found = []
        for command in self._shelf.live_of(asset_ids):
            if command.valid_until is not None and now >= command.valid_until:
                continue
            late = command.deliver_by is not None and now >= command.deliver_by
            early = command.not_before is not None and now < command.not_before
            if not knows_leases and (late or early):
                continue
            waiting = tuple(
                part.asset_id
                for part in command.parts
                if part.state in ("submitted", "queued")
                and part.asset_id in asset_ids
                and not (late and not part.was_sent)
                and not (command.cancel_by is not None and part.was_sent)
            )
            if waiting:
                found.append((command, waiting))
        return tuple(found)

    def too_late_to_repeat(
        self, asset_ids: Collection[str], now: datetime
    ) -> tuple[tuple[Command, tuple[str, ...]], ...]:
        """Return what was on its way to these assets when their stream was lost, and is past its deadline by now."""
        found = []
        for command in self._shelf.live_of(asset_ids):
            if command.deliver_by is not None and now >= command.deliver_by:
                ids = [part.asset_id for part in command.parts if part.state == "queued" and part.was_sent]
                found.append((command, tuple(each for each in ids if each in asset_ids)))
        return tuple(each for each in found if each[1])

    def acknowledge(self, ack: Acknowledgement, now: datetime, *, actor: str = "") -> tuple[Command, ...]:
        """Take an agent's word, in any order, late or repeated.

        Commands that are not remembered, assets that were not meant and unknown states are ignored. A newer command
        in force at an asset ends older ones there.
        """
        command = self._shelf.get(ack.lease_id)
        if command is None or ack.asset_id not in command.members or ack.state not in TRANSITIONS:
            return ()
        state = cast("CommandState", ack.state)
        # The agent's moment, if it can be: a word that waited offline happened when the agent says.
        at = min(max(ack.timestamp, command.updated_at), now)
        after = take_word(command, ack, state, at, actor or f"agent:{ack.asset_id}")
        changed = self._put_changed(command, after)
        part = after.part(ack.asset_id)
        if changed and part is not None and part.state in IN_FORCE:
            changed += self._end_older(after, ack.asset_id, at)
        return tuple(changed)

    def _end_older(self, newer: Command, asset_id: str, at: datetime) -> list[Command]:
        changed = []
        for command in self._shelf.live_of([asset_id]):
            if command.seq < newer.seq and command.begins_at <= newer.begins_at:
                after = move_part(command, asset_id, "superseded", at, HEADEND, f"replaced by {newer.id}")
                changed += self._put_changed(command, after)
        return changed

    def cancel(self, command_id: str, now: datetime, *, actor: str, reason: str = "") -> Command:
        """End a command: at once where it was not sent, else by a lease that says so (`to_cancel`).

        Raises:
            NotFoundError: If there is no such command.
            ConflictError: If it is over already.
        """
        command = self._need(command_id)
        if command.is_final:
            raise ConflictError(f"command {command_id} is {command.state} already -> nothing is left to cancel")
        waiting = [part.asset_id for part in command.parts if not part.was_sent]
        after = end_parts(command, waiting, "cancelled", now, actor, reason)
        if not after.is_final and after.cancel_by is None:
            change = Change(now, after.state, actor, f"cancelling asked for{': ' if reason else ''}{reason}")
            after = replace(after, cancel_by=actor, history=(*after.history, change))
        self._put_changed(command, after)
        return after

    def to_cancel(self, asset_ids: Collection[str] | None = None) -> tuple[tuple[Command, tuple[str, ...]], ...]:
        """Return commands whose cancelling has not been confirmed, and at which assets; send `cancel_lease()`."""
        found = []
        for command in self._shelf.live() if asset_ids is None else self._shelf.live_of(asset_ids):
            if command.cancel_by is None:
                continue
            open_parts = (part.asset_id for part in command.parts if part.was_sent and part.state not in FINAL)
            waiting = tuple(each for each in open_parts if asset_ids is None or each in asset_ids)
            if waiting:
                found.append((command, waiting))
        return tuple(found)

    def fail(
        self,
        command_id: str,
        now: datetime,
        *,
        reason: str,
        state: CommandState = "failed",
        asset_ids: Collection[str] | None = None,
    ) -> Command:
        """End a command (or some parts of it) for a reason of the headend's own, `failed` or `rejected`.

        Raises:
            NotFoundError: If there is no such command.
        """
        command = self._need(command_id)
        meant = [part.asset_id for part in command.parts if asset_ids is None or part.asset_id in asset_ids]
        after = end_parts(command, meant, state, now, HEADEND, reason)
        self._put_changed(command, after)
        return after

    def due(self, now: datetime) -> tuple[Command, ...]:
        """End what is too late; call it every second, or at `next_change`."""
        changed = []
        for command in self._shelf.take_due(now):
            after = self._ended(command, now)
            # Put back in any case: its next deadline is another one.
            self._shelf.put(after)
            changed += [] if after is command else [after]
        return tuple(changed)

    def _ended(self, command: Command, now: datetime) -> Command:
        after = command
        undelivered = command.deliver_by is not None and now >= command.deliver_by
        over = command.valid_until is not None and now >= command.valid_until
        long_over = command.valid_until is not None and now >= command.valid_until + self._settle
        for part in command.parts:
            if part.state in IN_FORCE and long_over:
                reason = "its end has passed at the agent, which was not heard since"
                after = move_part(after, part.asset_id, "completed", now, HEADEND, reason)
            elif part.state in IN_FORCE or part.state in FINAL:
                continue
            elif part.was_sent and long_over:
                reason = "no word from its agent before its end"
                after = move_part(after, part.asset_id, "expired", now, HEADEND, reason)
            elif not part.was_sent and (undelivered or over):
                reason = "not delivered before its end" if over else "not delivered within its deadline"
                after = move_part(after, part.asset_id, "expired", now, HEADEND, reason)
        return after

    def next_change(self) -> datetime | None:
        """Return when `due` may have something to do next; None: nothing is planned."""
        return self._shelf.next_deadline()

    def get(self, command_id: str) -> Command | None:
        """Return a command that is remembered."""
        return self._shelf.get(command_id)

    def by_key(self, key: str) -> Command | None:
        """Return the command of an idempotency key."""
        return self._shelf.by_key(key)

    def live(self) -> tuple[Command, ...]:
        """Return the commands that are not over, in the order of sequence."""
        return self._shelf.live()

    def recent(self, count: int = 200) -> tuple[Command, ...]:
        """Return the newest commands, newest first."""
        return tuple(heapq.nlargest(count, self._shelf, key=lambda command: command.seq))

    def in_force(self, asset_id: str) -> Command | None:
        """Return the command that an asset follows, as far as is known."""
        following = [
            command
            for command in self._shelf.live_of([asset_id])
            if any(part.asset_id == asset_id and part.state in IN_FORCE for part in command.parts)
        ]
        return following[-1] if following else None

    def restore(self, commands: Iterable[Command], now: datetime) -> tuple[Command, ...]:
        """Take commands back after a restart, and return those that are different now.

        All streams are new, so what was sent and not confirmed waits again; what is over by now is ended.
        """
        changed = []
        for command in sorted(commands, key=lambda each: each.seq):
            if command.id in self._shelf:
                continue
            self._seq = max(self._seq, command.seq)
            self._shelf.put(command)
            after = command
            for part in command.parts:
                if part.state == "sent":
                    after = move_part(after, part.asset_id, "queued", now, HEADEND, "headend restarted")
            changed += self._put_changed(command, self._ended(after, now))
        return tuple(changed)

    def raise_sequence(self, seq: int) -> None:
        """Number on above this; an agent has seen it already (`Hello.last_command_seq`)."""
        self._seq = max(self._seq, seq)

    def to_dict(self) -> dict[str, object]:
        """Return everything in values that JSON knows."""
        commands = sorted(self._shelf, key=lambda command: command.seq)
        return {"version": 1, "seq": self._seq, "commands": [command.to_dict() for command in commands]}

    @classmethod
    def from_dict(cls, values: Mapping[str, object], now: datetime, *, keep_finished: int = 1000) -> CommandRecord:
        """Return the record that `to_dict` wrote, as it stands by now.

        Raises:
            InvalidInputError: If it is not one.
        """
        record = cls(keep_finished=keep_finished)
        seq = values.get("seq", 0)
        record.raise_sequence(seq if isinstance(seq, int) else 0)
        record.restore((command_from_dict(row) for row in rows_of(values, "commands")), now)
        return record

    def _need(self, command_id: str) -> Command:
        command = self._shelf.get(command_id)
        if command is None:
            raise NotFoundError(f"no command has the id {command_id!r}, or it ended long ago")
        return command

    def _put_changed(self, before: Command, after: Command) -> list[Command]:
        if after is before:
            return []
        self._shelf.put(after)
        return [after]
