"""A command as the headend knows it: what was asked, by whom, and every state it went through."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from afterbay.fleet.commands.plain import check_state, from_plain, rows_of, to_plain
from afterbay.fleet.commands.states import FINAL
from afterbay.fleet.messages import Lease

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from afterbay.fleet.commands.states import CommandState
    from afterbay.fleet.commands.target import TargetKind

__all__ = ["Change", "Command", "Part", "command_from_dict"]

_UNHINDERED = frozenset({"submitted", "sent", "received", "active", "completed"})
"""States in which nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of a command or of one of its parts."""

    at: datetime
    state: CommandState
    actor: str
    """A user, `headend`, or `agent:<asset id>`."""
    reason: str = ""
    asset_id: str | None = None
    """Part that changed; None: the whole command."""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of a command at one asset."""

    asset_id: str
    state: CommandState = "submitted"
    mw: float | None = None
    """Share that was foreseen when it was submitted [MW]."""
    reason: str = ""
    applied_mw: float | None = None
    delivered_mw: float | None = None
    """Read back from the device [MW]."""
    was_sent: bool = False
    """Was it ever put on a stream? Then the agent may have it, whatever became of the stream."""
    reached: bool = False
    """Has the power read back agreed with the order?"""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command and its life so far."""

    id: str
    """Also the id of its lease."""
    key: str
    """Idempotency key of the client; the id when it gave none."""
    digest: str
    """Of the request, to tell a repetition from another request with the same key."""
    seq: int
    target: TargetKind
    target_id: str
    requested_mw: float
    mw: float
    clamped: bool
    reason: str
    """What stood in the way when it was submitted; `why` says how it is now."""
    submitted_at: datetime
    actor: str
    state: CommandState = "submitted"
    parts: tuple[Part, ...] = ()
    """One per asset that is told, in the order of their ids."""
    members: tuple[str, ...] = ()
    """All assets that are meant, with those that were offline and not waited for."""
    duration_s: float | None = None
    deliver_by: datetime | None = None
    not_before: datetime | None = None
    valid_until: datetime | None = None
    fallback_mw: float = 0.0
    hold_offline_s: float | None = None
    note: str = ""
    cancel_by: str | None = None
    """Who asked to cancel it; it is cancelled when the agents say so."""
    reached_at: datetime | None = None
    """First time that the read-back of every asset agreed with its order."""
    finished_at: datetime | None = None
    history: tuple[Change, ...] = field(default=(), repr=False)

    @property
    def is_final(self) -> bool:
        """Is its life over?"""
        return self.state in FINAL

    @property
    def begins_at(self) -> datetime:
        """When it is to begin."""
        return self.not_before or self.submitted_at

    @property
    def updated_at(self) -> datetime:
        """When its history last grew."""
        return self.history[-1].at if self.history else self.submitted_at

    @property
    def applied_mw(self) -> float | None:
        """Sum of what the agents wrote [MW]; None: nothing yet."""
        return _sum(part.applied_mw for part in self.parts)

    @property
    def delivered_mw(self) -> float | None:
        """Sum of what was read back [MW]; None: nothing yet."""
        return _sum(part.delivered_mw for part in self.parts)

    @property
    def shortfall_mw(self) -> float | None:
        """What was asked for minus what was applied, signed like the power [MW]; None: nothing was applied yet."""
        applied = self.applied_mw
        return None if applied is None else self.requested_mw - applied

    @property
    def why(self) -> str:
        """Why it is where it is: what limits, ended or holds back its parts, else what was said when it was submitted.

        The reasons of a site or a group say for how many of its assets they hold: "soc_min at 2 of 3 assets".
        """
        if self.state in _UNHINDERED:
            return self.reason
        counts = Counter(part.reason for part in self.parts if part.reason and part.state not in _UNHINDERED)
        if len(self.parts) <= 1:
            said = list(counts)
        else:
            said = [f"{reason} at {count} of {len(self.parts)} assets" for reason, count in counts.most_common()]
        return "; ".join(said) or self.reason

    def part(self, asset_id: str) -> Part | None:
        """Return the part of an asset."""
        return next((part for part in self.parts if part.asset_id == asset_id), None)

    def lease(self) -> Lease:
        """Return the lease to send: to the asset, or to the gateway of the site or of the members of a group."""
        return Lease(
            id=self.id,
            mw=self.mw,
            seq=self.seq,
            issued_at=self.submitted_at,
            asset_id=self.target_id if self.target == "asset" else None,
            site_id=self.target_id if self.target == "site" else None,
            group_id=self.target_id if self.target == "group" else None,
            deliver_by=self.deliver_by,
            valid_until=self.valid_until,
            duration_s=self.duration_s,
            fallback_mw=self.fallback_mw,
            hold_offline_s=self.hold_offline_s,
            not_before=self.not_before,
            members=() if self.target == "asset" else self.members,
        )

    def cancel_lease(self) -> Lease:
        """Return the lease that ends this command; its power is what follows."""
        return replace(self.lease(), cancel=True, mw=self.fallback_mw)

    def to_dict(self) -> dict[str, object]:
        """Return everything by name in values that JSON knows."""
        return to_plain(self)


def command_from_dict(values: Mapping[str, object]) -> Command:
    """Return the command that `to_dict` wrote; names that are not known are ignored.

    Raises:
        InvalidInputError: If it is not one.
    """
    parts = tuple(from_plain(Part, part, "part") for part in rows_of(values, "parts"))
    history = tuple(from_plain(Change, change, "change") for change in rows_of(values, "history"))
    members = values.get("members", ())
    whole = {key: value for key, value in values.items() if key not in ("parts", "history", "members")}
    command = from_plain(Command, whole, "command")
    check_state(command.state)
    for state in (*(part.state for part in parts), *(change.state for change in history)):
        check_state(state)
    ids = tuple(str(each) for each in members) if isinstance(members, list | tuple) else ()
    return replace(command, parts=parts, history=history, members=ids)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None
