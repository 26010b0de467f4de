"""Schedules: intervals for one target that were sent together, and what is left of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from afterbay.client.times import stamp, when
from afterbay.core.checks import is_number
from afterbay.core.errors import ConflictError, Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from afterbay.client.commands import Command

__all__ = ["Schedule", "begin_of", "group_schedules", "schedule_body"]

_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Commands of one schedule, by their begin."""

    id: str
    commands: tuple[Command, ...]

    @property
    def is_over(self) -> bool:
        """Is every interval over?"""
        return all(command.is_final for command in self.commands)

    def stop(self, reason: str = "") -> tuple[Command, ...]:
        """End every interval that is not over, the last one first, so that none begins meanwhile; return those."""
        ended = []
        for command in reversed(self.commands):
            if command.is_final:
                continue
            try:
                ended.append(command.stop(reason))
            except ConflictError:
                command.refresh()  # it was over before the word arrived
        return tuple(reversed(ended))


def schedule_body(
    target: tuple[str, str],
    intervals: Sequence[Mapping[str, Any]],
    *,
    strict: bool = False,
    allow_gaps: bool = False,
) -> dict[str, Any]:
    """Return the body of `POST /dispatch/schedule`, checked before it travels.

    Args:
        target: `asset`, `site` or `group`, and its id.
        intervals: Each with `start`, `end` (RFC 3339 or datetimes; UTC without a zone) and `mw`, + leaves the asset.
        strict: Refuse instead of clamping to what can be done.
        allow_gaps: 0 MW holds between intervals that do not touch.

    Raises:
        InvalidInputError: With every problem found, each with the place of its interval.
    """
    problems = Problems()
    rows = []
    for place, interval in enumerate(intervals):
        row: dict[str, Any] = {}
        for name in ("start", "end"):
            value = interval.get(name)
            moment = when(value.isoformat() if isinstance(value, datetime) else value)
            if moment is None:
                problems.add(f"intervals[{place}].{name}", value, "a time such as 2026-11-21T18:00Z", "mend it")
            else:
                row[name] = stamp(moment)
        mw = interval.get("mw")
        if is_number(mw):
            row["mw"] = float(mw)  # type: ignore[arg-type]
        else:
            problems.add(f"intervals[{place}].mw", mw, "a finite number [MW], + leaves the asset", "0 stops it")
        rows.append(row)
    if not rows:
        problems.add("intervals", "none", "at least one interval", "give start, end and mw of each")
    problems.raise_if_any()
    body: dict[str, Any] = {f"{target[0]}_id": target[1], "intervals": rows}
    return body | {name: True for name, value in (("strict", strict), ("allow_gaps", allow_gaps)) if value}


def group_schedules(commands: Iterable[Command]) -> list[Schedule]:
    """Return the schedules that these commands belong to, the one that begins first first."""
    found: dict[str, list[Command]] = {}
    for command in commands:
        schedule_id = command.document.get("schedule_id")
        if isinstance(schedule_id, str) and schedule_id:
            found.setdefault(schedule_id, []).append(command)
    made = [Schedule(key, tuple(sorted(each, key=begin_of))) for key, each in found.items()]
    return sorted(made, key=lambda schedule: begin_of(schedule.commands[0]))


def begin_of(command: Command) -> datetime:
    """Return when a command is to begin."""
    return when(command.document.get("not_before")) or when(command.document.get("submitted_at")) or _FIRST
