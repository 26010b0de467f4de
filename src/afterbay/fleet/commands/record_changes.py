"""One step in the life of a command: only ways that the state table allows, each written into its history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from afterbay.fleet.commands.command import Change, Part
from afterbay.fleet.commands.states import FINAL, IN_FORCE, may_follow
from afterbay.fleet.commands.whole import whole_state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from afterbay.fleet.commands.command import Command
    from afterbay.fleet.commands.states import CommandState
    from afterbay.fleet.messages import Acknowledgement

__all__ = ["end_parts", "move_part", "take_word"]

_OLDEST, _NEWEST = 20, 180
"""Changes that a command keeps in memory when it has had more; the database has all."""


def move_part(
    command: Command, asset_id: str, state: CommandState, at: datetime, actor: str, reason: str = ""
) -> Command:
    """Move one part on, and the whole with it; a way that the table does not allow changes nothing."""
    part = command.part(asset_id)
    if part is None or not may_follow(part.state, state):
        return command
    moved = replace(
        part, state=state, reason=reason, updated_at=at, was_sent=part.was_sent or state not in ("queued", *FINAL)
    )
    command = _with_part(command, moved)
    if len(command.members) > 1:
        command = _noted(command, Change(at, state, actor, reason, asset_id))
    whole = whole_state(command.state, [each.state for each in command.parts])
    if whole == command.state:
        return command
    # The reason of one part does not speak for a site, unless they all end by it.
    said = reason if len(command.members) == 1 or whole in FINAL else _in_numbers(command)
    command = replace(command, state=whole, finished_at=at if whole in FINAL else None)
    return _noted(command, Change(at, whole, actor, said))


def end_parts(
    command: Command, asset_ids: Iterable[str], state: CommandState, at: datetime, actor: str, reason: str
) -> Command:
    """Move several parts to an end."""
    for asset_id in asset_ids:
        command = move_part(command, asset_id, state, at, actor, reason)
    return command


def take_word(command: Command, ack: Acknowledgement, state: CommandState, at: datetime, actor: str) -> Command:
    """Take what an agent says of its part, in any order: what is over stays over, nothing goes backwards."""
    part = command.part(ack.asset_id)
    if part is None:
        part = Part(ack.asset_id)
        parts = (*command.parts, part)
        command = replace(command, parts=tuple(sorted(parts, key=lambda each: each.asset_id)))
    if part.state in FINAL:
        return command
    if state == "expired" and part.state in IN_FORCE:
        # Killed between its word and its disk, the agent no longer knows that the command had begun.
        state, ack = "completed", replace(ack, reason="its end; the agent was restarted meanwhile")
    if part.state in ("submitted", "queued"):
        # The agent has it, so it did arrive, whatever became of the stream.
        command = move_part(command, ack.asset_id, "sent", at, "headend", "arrived before the stream was lost")
    command = move_part(command, ack.asset_id, state, at, actor, ack.reason)
    part = command.part(ack.asset_id)
    if part is None or part.state != state:
        return command
    reached = part.reached or (state == "active" and ack.reason == "reached")
    word = replace(
        part,
        reason=ack.reason,
        applied_mw=part.applied_mw if ack.applied_mw is None else ack.applied_mw,
        delivered_mw=part.delivered_mw if ack.delivered_mw is None else ack.delivered_mw,
        reached=reached,
    )
    if word == part:
        return command
    command = _with_part(command, replace(word, updated_at=at))
    running = [each for each in command.parts if each.state not in FINAL]
    if command.reached_at is None and running and all(each.reached for each in running):
        command = replace(command, reached_at=at)
    return command


def _with_part(command: Command, part: Part) -> Command:
    return replace(
        command, parts=tuple(part if each.asset_id == part.asset_id else each for each in command.parts)
    )  # fmt: skip


def _noted(command: Command, change: Change) -> Command:
    history = (*command.history, change)
    if len(history) > _OLDEST + _NEWEST:
        history = history[:_OLDEST] + history[-_NEWEST:]
    return replace(command, history=history)


def _in_numbers(command: Command) -> str:
    """Say how many parts are in force."""
    running = sum(1 for part in command.parts if part.state in IN_FORCE)
    return f"{running} of {len(command.parts)} assets in force"
