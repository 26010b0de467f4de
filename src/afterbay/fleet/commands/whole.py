"""The state of a command from the states of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.fleet.commands.states import FINAL, IN_FORCE, may_follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.fleet.commands.states import CommandState

__all__ = ["whole_state"]

_ENDS: tuple[CommandState, ...] = ("completed", "failed", "rejected", "expired", "cancelled", "superseded")
"""How a command ended when its parts ended differently: the first of these that one of them has."""


def whole_state(before: CommandState, parts: Sequence[CommandState]) -> CommandState:
    """Return the state of a command whose parts have these states.

    It is over when all parts are. It is in force when none is on its way any more, `active` if all deliver what
    was asked, `limited` if one does not (or is missing). It never goes back by a way that a part could not go.
    """
    after = _over(before, parts) if all(part in FINAL for part in parts) else _alive(before, parts)
    return after if after == before or may_follow(before, after) else before


def _over(before: CommandState, parts: Sequence[CommandState]) -> CommandState:
    return next((end for end in _ENDS if end in parts and may_follow(before, end)), before)


def _alive(before: CommandState, parts: Sequence[CommandState]) -> CommandState:
    in_force = any(part in IN_FORCE for part in parts)
    if "sent" in parts or "received" in parts:
        if before in IN_FORCE:
            return "limited"
        return "received" if in_force or "received" in parts else "sent"
    if in_force:
        return "active" if all(part in ("active", "completed") for part in parts) else "limited"
    if before in IN_FORCE:
        return "limited"
    return "queued" if "queued" in parts else "submitted"
