"""What goes into the headend and what comes out of it, as plain records, and what it asks of a recorder.

Commands are those of `afterbay.fleet.commands` (`CommandRequest` in, `Command` out).
Times are UTC, power is in MW and + leaves the asset. Nothing here knows a transport, a database or the web.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from afterbay.fleet.commands.command import Command
from afterbay.fleet.commands.limits import CheckedRequest
from afterbay.fleet.messages import Event, Heartbeat, Telemetry

__all__ = [
    "AgentRow",
    "Change",
    "ChangeKind",
    "HeadendHealth",
    "Outcome",
    "RecordBatch",
    "Recorder",
    "Restored",
    "SessionRow",
    "TelemetryBlock",
]

ChangeKind = Literal["telemetry", "command", "session", "event", "inventory"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answer to a request that was accepted."""

    command: Command
    checked: CheckedRequest | None
    """What was foreseen; None for a repetition, of which nothing was done again."""
    duplicate: bool = False
    """The same key with the same request was accepted before; `command` is that one, as it stands now."""
    superseded: tuple[Command, ...] = ()
    """Commands that waited for the same assets and will not be sent any more."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One time that an asset was served by a stream."""

    id: str
    asset_id: str
    peer: str
    gateway_id: str
    connected_at: datetime
    disconnected_at: datetime | None = None
    reason: str = ""
    """Why it ended."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One configured asset and who serves it; also for an asset that never connected."""

    asset_id: str
    asset_name: str
    site_id: str
    site_name: str
    connected: bool
    peer: str | None = None
    gateway_id: str | None = None
    protocol: int | None = None
    software: str = ""
    connected_at: datetime | None = None
    last_seen: datetime | None = None
    """Telemetry or heartbeat, whichever came last."""
    last_heartbeat: datetime | None = None
    reconnects: int = 0
    tick_s: float | None = None
    """Time between two of its samples, as its agent says [s]."""
    clock_skew_s: float | None = None
    """How far its agent's clock is ahead of the headend's [s]."""
    sessions: tuple[SessionRow, ...] = ()
    """Newest first, at most five, at most one of them open."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something new, for whoever listens."""

    kind: ChangeKind
    asset_id: str | None
    data: Telemetry | Command | AgentRow | Event | None


@dataclass(frozen=True, slots=True)
class HeadendHealth:
    """Figures about the headend itself."""

    streams: int
    assets: int
    assets_connected: int
    samples_received: int
    samples_duplicate: int
    samples_refused: int
    """From a gateway that does not serve the asset, or unreadable."""
    samples_waiting: int
    """Not yet taken by the recorder."""
    recorder_failing_since: datetime | None = None
    recorder_error: str = ""
    commands_open: int = 0
    subscribers: int = 0


class TelemetryBlock(Protocol):
    """Samples on their way to a recorder, still in the form in which they came."""

    @property
    def received_at(self) -> datetime:
        """When the headend got them."""

    def __len__(self) -> int:
        """Number of samples."""

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield plain values in the order of `afterbay.fleet.wire.COLUMNS`: the fast way into a table."""

    def records(self) -> Iterator[Telemetry]:
        """Yield records: the comfortable way."""


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """What happened since the last write, in order within each kind."""

    telemetry: Sequence[TelemetryBlock] = ()
    commands: Sequence[Command] = ()
    """Every command that changed, as it now stands, once, with its history."""
    sessions: Sequence[SessionRow] = ()
    """Opened (without end) and closed (with end); by id, the later replaces the earlier."""
    heartbeats: Sequence[Heartbeat] = ()
    events: Sequence[Event] = ()

    @property
    def samples(self) -> int:
        """Number of telemetry samples."""
        return sum(len(block) for block in self.telemetry)


class Recorder(Protocol):
    """Keeps what the headend saw. Called by one task, never on the path of a message."""

    async def write(self, batch: RecordBatch) -> None:
        """Return when the batch is safe (committed, or on disk until it can be).

        Gateways get the receipt for their samples only then, and forget them only with the receipt. An exception
        means that nothing of the batch was kept: the headend tries the same batch again, and its queue, then the
        gateways' spools, hold what comes meanwhile.
        """


@dataclass(frozen=True, slots=True)
class Restored:
    """What a recorder remembers, for `Headend.restore` before the first stream is let in."""

    telemetry: Sequence[Telemetry] = ()
    """Newest sample of every asset."""
    commands: Sequence[Command] = ()
    """Commands that were not final, and the last that were: a repetition with their key is still no new command."""
    seen: dict[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    """Sequence numbers already kept, per asset, as inclusive ranges."""
