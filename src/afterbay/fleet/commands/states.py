"""The life of a command: its states, and the only ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["FINAL", "IN_FORCE", "TRANSITIONS", "CommandState", "may_follow"]

CommandState = Literal[
    "submitted",
    "queued",
    "sent",
    "received",
    "active",
    "limited",
    "completed",
    "superseded",
    "cancelled",
    "expired",
    "rejected",
    "failed",
]

TRANSITIONS: Mapping[CommandState, frozenset[CommandState]] = {
    # Checked and written down; nothing was sent.
    "submitted": frozenset({"queued", "sent", "rejected", "cancelled", "superseded", "expired", "failed"}),
    # Waits for an asset that is offline, until its delivery deadline; one part of a site may have been rejected.
    "queued": frozenset({"sent", "rejected", "cancelled", "superseded", "expired", "failed"}),
    # On the stream; a lost stream puts it back into the queue.
    "sent": frozenset({"received", "active", "limited", "queued", "rejected", "cancelled", "superseded", "expired",
                       "failed", "completed"}),
    # The agent has it and was not yet able to write it.
    "received": frozenset({"active", "limited", "rejected", "cancelled", "superseded", "expired", "failed",
                           "completed"}),
    # The device does what was asked.
    "active": frozenset({"limited", "completed", "cancelled", "superseded", "failed"}),
    # In force, and less than asked is delivered.
    "limited": frozenset({"active", "completed", "cancelled", "superseded", "failed"}),
    "completed": frozenset(),
    "superseded": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
    "rejected": frozenset(),
    "failed": frozenset(),
}  # fmt: skip

FINAL: frozenset[CommandState] = frozenset(state for state, after in TRANSITIONS.items() if not after)
IN_FORCE: frozenset[CommandState] = frozenset({"active", "limited"})


def may_follow(before: CommandState, after: CommandState) -> bool:
    """Can a command go from one state to another? Staying is no transition."""
    return after in TRANSITIONS[before]
