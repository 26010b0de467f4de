"""What is written at once: packed samples and plain rows, the same for the database and for the disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from struct import Struct
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from afterbay.server.fleet.recorder.encoding import pack_block

if TYPE_CHECKING:
    from afterbay.fleet.commands.command import Command
    from afterbay.fleet.headend.api import RecordBatch

__all__ = ["Parcel", "as_uuid", "pack_batch", "read_parcel"]

_SIZE = Struct(">I")
_TIMES = ("at", "ts", "submitted_at", "updated_at", "acked_at", "connected_at", "disconnected_at")
_IDS = ("asset_id", "site_id", "group_id", "dispatch_id")


@dataclass(slots=True)
class Parcel:
    """Rows by table, ready to be written."""

    samples: bytes = b""
    sample_count: int = 0
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """dispatches, dispatch_changes, agent_sessions, heartbeats, events: by column, in values that JSON knows."""

    def to_bytes(self) -> bytes:
        """Return the parcel for the disk."""
        head = json.dumps({"samples": self.sample_count, "rows": self.rows}, separators=(",", ":")).encode()
        return _SIZE.pack(len(head)) + head + self.samples

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table in the values that the database's driver wants."""
        return [{column: _typed(column, value, name) for column, value in row.items()}
                for row in self.rows.get(name, ())]  # fmt: skip

    def add(self, other: Parcel) -> None:
        """Add what came after; a command that came again stands once, as it stands there."""
        self.samples += other.samples
        self.sample_count += other.sample_count
        for name, rows in other.rows.items():
            mine = self.rows.setdefault(name, [])
            if name in ("dispatches", "agent_sessions"):
                newer = {row["id"] for row in rows}
                mine[:] = [row for row in mine if row["id"] not in newer]
            mine.extend(rows)


def read_parcel(raw: bytes) -> Parcel:
    """Return what `to_bytes` made."""
    (size,) = _SIZE.unpack_from(raw)
    head = json.loads(raw[_SIZE.size : _SIZE.size + size])
    return Parcel(raw[_SIZE.size + size :], head["samples"], head["rows"])


def pack_batch(batch: RecordBatch) -> Parcel:
    """Return a batch of the headend as a parcel."""
    packed = [pack_block(block) for block in batch.telemetry]
    rows: dict[str, list[dict[str, Any]]] = {
        "dispatches": [_command(command) for command in batch.commands],
        "dispatch_changes": [change for command in batch.commands for change in _changes(command)],
        "agent_sessions": [
            {**asdict(session), "connected_at": _iso(session.connected_at),
             "disconnected_at": _iso(session.disconnected_at)}
            for session in batch.sessions if as_uuid(session.asset_id)
        ],
        "heartbeats": [
            {"asset_id": beat.asset_id, "ts": _iso(beat.timestamp)}
            for beat in batch.heartbeats if as_uuid(beat.asset_id)
        ],
        "events": [
            {"id": event.id, "asset_id": event.asset_id if as_uuid(event.asset_id) else None,
             "site_id": event.site_id, "ts": _iso(event.timestamp), "event_type": event.event_type,
             "severity": event.severity, "message": event.message}
            for event in batch.events
        ],
    }  # fmt: skip
    return Parcel(b"".join(packed), batch.samples, {name: found for name, found in rows.items() if found})


def as_uuid(text: str | None) -> UUID | None:
    """Return an id as the database keeps it, or None for what is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _command(command: Command) -> dict[str, Any]:
    agents = [change.at for change in command.history if change.actor.startswith(("gateway:", "agent:"))]
    ids = {f"{command.target}_id": command.target_id}
    return {
        "id": _identity(command.id),
        "asset_id": ids.get("asset_id"),
        "site_id": ids.get("site_id"),
        "group_id": ids.get("group_id"),
        "asset_ids": [part.asset_id for part in command.parts] or list(command.members),
        "mw": command.mw,
        "requested_mw": command.requested_mw,
        "clamped": command.clamped,
        "duration_s": command.duration_s,
        "status": "accepted",
        "state": command.state,
        "is_final": command.is_final,
        "reason": command.reason or None,
        "actor": command.actor,
        "note": command.note,
        "submitted_at": _iso(command.submitted_at),
        "updated_at": _iso(command.updated_at),
        "acked_at": _iso(min(agents, default=None)),
        "document": command.to_dict(),
    }


def _changes(command: Command) -> list[dict[str, Any]]:
    return [
        {"dispatch_id": _identity(command.id), "asset_id": change.asset_id, "at": _iso(change.at),
         "state": change.state, "actor": change.actor, "reason": change.reason}
        for change in command.history
    ]  # fmt: skip


def _identity(command_id: str) -> str:
    """Ids of commands are UUIDs; one that is not still gets a place of its own, always the same."""
    return command_id if as_uuid(command_id) else str(uuid5(NAMESPACE_URL, f"afterbay:command:{command_id}"))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _typed(column: str, value: Any, table: str) -> Any:
    if column == "asset_ids":
        return [found for found in map(as_uuid, value) if found]
    if column in _IDS or (column == "id" and table == "dispatches"):
        return as_uuid(value)
    if column in _TIMES:
        return None if value is None else datetime.fromisoformat(value)
    return value.replace("\0", "") if isinstance(value, str) else value
