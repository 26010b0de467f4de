"""The durable record of cycles: one line per event, appended and never changed, so that a crash costs one line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from afterbay.community.cycle.schedule import cycle_id, cycle_moment
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["DONE", "STATES", "STEPS", "CycleRecord", "Ledger", "State", "StepRecord"]

State = Literal["ok", "late", "failed", "missed", "running", "backfilled"]
STATES: Final[tuple[State, ...]] = ("ok", "late", "failed", "missed", "running", "backfilled")
DONE: Final = frozenset({"ok", "late", "backfilled"})
"""States in which every row is stored."""
STEPS: Final = ("export", "transfer", "simulate", "fetch", "validate", "store", "clean up")


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a cycle, once."""

    name: str
    ok: bool
    began: datetime
    seconds: float
    attempts: int
    rows: int
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {
            "name": self.name,
            "ok": self.ok,
            "began": self.began.isoformat(),
            "seconds": self.seconds,
            "attempts": self.attempts,
            "rows": self.rows,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """What is known of one cycle: its last try, and how it stands."""

    id: str
    at: datetime
    """The quarter hour that it simulates (UTC)."""
    state: State
    tries: int = 0
    began: datetime | None = None
    ended: datetime | None = None
    seconds: float | None = None
    error: str = ""
    steps: tuple[StepRecord, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """Counts and sums of the last try: users, rows, new, already, valid, ..."""
    previous: CycleRecord | None = None
    """While it is running: how the try before ended, if there was one."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "state": self.state,
            "tries": self.tries,
            "began": self.began.isoformat() if self.began else None,
            "ended": self.ended.isoformat() if self.ended else None,
            "seconds": self.seconds,
            "error": self.error,
            "steps": [step.to_dict() for step in self.steps],
            "facts": self.facts,
        }


class Ledger:
    """Records of cycles in a folder, one file per day of their quarter hours.

    One process writes at a time (the lock of a cycle sees to that); any number may read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], dict[str, CycleRecord]]] = {}

    def begin(self, at: datetime, time: datetime, **facts: Any) -> None:
        """Note that a cycle begins."""
        self._append(at, {"event": "begin", "time": time.isoformat(), "facts": facts})

    def step(self, at: datetime, step: StepRecord) -> None:
        """Note that a step ended."""
        self._append(at, {"event": "step", **step.to_dict()})

    def end(
        self, at: datetime, time: datetime, state: State, *, seconds: float, error: str = "", facts: dict[str, Any]
    ) -> None:
        """Note how a cycle ended."""
        self._append(
            at,
            {
                "event": "end",
                "time": time.isoformat(),
                "state": state,
                "seconds": round(seconds, 6),
                "error": error,
                "facts": facts,
            },
        )

    def miss(self, at: datetime, time: datetime, why: str) -> None:
        """Note that a quarter hour passed without its cycle."""
        self._append(at, {"event": "missed", "time": time.isoformat(), "error": why})

    def find(self, at: datetime) -> CycleRecord | None:
        """Return the record of a quarter hour, or None."""
        return self._day(_day_of(at)).get(cycle_id(at))

    def get(self, name: str) -> CycleRecord:
        """Return the record of a cycle by its name, or by the beginning of it that no other cycle has.

        Raises:
            NotFoundError: If there is none, or several.
        """
        found = [
            record
            for day in self._days()
            if day[: len(name)] == name[:8]
            for record in self._day(day).values()
            if record.id.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFoundError(f"there is no cycle {name[:40]!r} -> afterbay cycle list")
        raise NotFoundError(f"{len(found):,} cycles begin with {name!r}, such as {found[0].id} -> give more of it")

    def records(self, start: datetime | None = None, end: datetime | None = None) -> list[CycleRecord]:
        """Return the records of quarter hours from `start` up to `end`, oldest first, the end not included."""
        days = [
            day
            for day in self._days()
            if (start is None or day >= _day_of(start)) and (end is None or day <= _day_of(end))
        ]
        return [
            record
            for day in days
            for _, record in sorted(self._day(day).items())
            if (start is None or record.at >= start) and (end is None or record.at < end)
        ]

    def last(self, states: Iterable[str] = STATES) -> CycleRecord | None:
        """Return the newest record in one of some states, or None."""
        wanted = frozenset(states)
        for day in reversed(self._days()):
            for _, record in sorted(self._day(day).items(), reverse=True):
                if record.state in wanted:
                    return record
        return None

    def _days(self) -> list[str]:
        names = (path.name for path in self._folder.glob("cycles_*.jsonl"))
        return sorted(name[7:15] for name in names if len(name) == 21 and name[7:15].isdigit())

    def _day(self, day: str) -> dict[str, CycleRecord]:
        path = self._folder / f"cycles_{day}.jsonl"
        try:
            told = path.stat()
            mark = (told.st_size, told.st_mtime_ns)
            # Files only grow, so that one of the same size is the same; a watch looks often.
            if day in self._read and self._read[day][0] == mark:
                return self._read[day][1]
            raw = path.read_bytes()
        except FileNotFoundError:
            return {}
        events: dict[str, list[dict[str, Any]]] = {}
        for line in raw.split(b"\n"):
            try:
                event = json.loads(line)
                events.setdefault(event["cycle"], []).append(event)
            except (ValueError, KeyError, TypeError):
                # The line that a crash cut off; what it would have told is done again.
                continue
        found = {name: record for name, lines in events.items() if (record := _folded(name, lines)) is not None}
        self._read[day] = (mark, found)
        return found

    def _append(self, at: datetime, event: dict[str, Any]) -> None:
        path = self._folder / f"cycles_{_day_of(at)}.jsonl"
        line = json.dumps({"cycle": cycle_id(at), **event}, ensure_ascii=False).encode() + b"\n"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as stream:
                if stream.tell() and _last_byte(stream) != b"\n":
                    line = b"\n" + line
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InvalidInputError(
                Problem(str(path), error.strerror or "no file", "a file that can be written", "make room, or move it")
            ) from None


def _last_byte(stream: Any) -> bytes:
    stream.seek(-1, os.SEEK_END)
    return bytes(stream.read(1))


def _day_of(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d}"


def _folded(name: str, events: list[dict[str, Any]]) -> CycleRecord | None:
    """Return what the events of one cycle add up to."""
    try:
        at = cycle_moment(name)
        state: State = "missed"
        done: State | None = None
        tries, began, ended, seconds, error = 0, None, None, None, ""
        steps: list[StepRecord] = []
        facts: dict[str, Any] = {}
        previous: CycleRecord | None = None
        for event in events:
            kind = event["event"]
            if kind == "begin":
                if ended is not None:
                    previous = CycleRecord(
                        name, at, done or state, tries, began, ended, seconds, error, tuple(steps), facts
                    )
                tries, state, began, ended, seconds, error = tries + 1, "running", _time(event), None, None, ""
                steps, facts = [], dict(event["facts"])
            elif kind == "step":
                steps.append(_step(event))
            elif kind == "end":
                state, ended, seconds, error = event["state"], _time(event), event["seconds"], event["error"]
                facts |= event["facts"]
                # Done again, a cycle is what it was the first time: its rows were there then.
                done = done or (state if state in DONE else None)
            elif kind == "missed" and not tries:
                error = event["error"]
    except (InvalidInputError, KeyError, TypeError, ValueError):
        return None
    if state != "running":
        state, previous = done or state, None
    return CycleRecord(name, at, state, tries, began, ended, seconds, error, tuple(steps), facts, previous)


def _time(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


def _step(event: dict[str, Any]) -> StepRecord:
    return StepRecord(
        event["name"],
        event["ok"],
        datetime.fromisoformat(event["began"]),
        event["seconds"],
        event["attempts"],
        event["rows"],
        event["note"],
    )
