"""The newest sample of every asset, and the way of samples to it: refused, seen before, or new.

This is the hot path. A sample is kept as the bytes it came in (a few hundred) and becomes a record when somebody
reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Any

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.headend.seen import SequenceSet
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Telemetry
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire import telemetry_message, telemetry_record, telemetry_values
from afterbay.fleet.wire.telemetry import brief_record
from afterbay.fleet.wire.times import LATEST_US, from_text

__all__ = ["Arrival", "Block", "LatestMap"]

_KEPT_NUMBERINGS = 4


class Block:
    """New samples of one message, on their way to the recorder."""

    __slots__ = ("_messages", "_received_at", "_replay")

    def __init__(self, messages: list[pb.Telemetry], received_at: datetime, *, replay: bool) -> None:
        self._messages = messages
        self._received_at = received_at
        self._replay = replay

    @property
    def received_at(self) -> datetime:
        """When the headend got them."""
        return self._received_at

    def __len__(self) -> int:
        return len(self._messages)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield plain values in the order of `afterbay.fleet.wire.COLUMNS`."""
        for message in self._messages:
            yield telemetry_values(message, replay=self._replay, received_at=self._received_at)

    def records(self) -> Iterator[Telemetry]:
        """Yield records."""
        for values in self.rows():
            yield Telemetry(*values)


class Arrival:
    """What became of the samples of one message."""

    __slots__ = ("duplicates", "fresh", "refused", "unreadable")

    def __init__(self) -> None:
        self.fresh: list[pb.Telemetry] = []
        self.duplicates = 0
        self.refused: set[str] = set()
        """Assets that the stream does not serve."""
        self.unreadable = 0


class _Entry:
    """What is known of one asset."""

    __slots__ = ("heartbeat_at", "is_replay", "newest", "newest_seq", "numbering", "others", "received_at", "seen",
                 "server")  # fmt: skip

    def __init__(self) -> None:
        self.server: Stream | None = None
        self.numbering = ""
        self.seen = SequenceSet()
        self.others: dict[str, SequenceSet] | None = None
        self.newest: bytes | None = None
        self.newest_seq = 0
        self.is_replay = False
        self.received_at: datetime | None = None
        self.heartbeat_at: datetime | None = None


class LatestMap:
    """Newest samples and heartbeats by asset, and which samples have been seen."""

    def __init__(self, asset_ids: Iterable[str]) -> None:
        self._entries = {asset_id: _Entry() for asset_id in asset_ids}

    def replace_assets(self, asset_ids: Iterable[str]) -> None:
        """Go on with these assets; what is known of those that stay is kept."""
        known = self._entries
        self._entries = {asset_id: known.get(asset_id) or _Entry() for asset_id in asset_ids}

    def hand_over(self, asset_id: str, server: Stream | None) -> None:
        """Let a stream, or nobody, give samples of an asset; another spool of samples counts for itself."""
        entry = self._entries.get(asset_id)
        if entry is None:
            return
        entry.server = server
        if server is None or server.protocol == 0 or server.spool_id == entry.numbering:
            return
        if not entry.numbering:
            entry.numbering = server.spool_id  # restored, or an agent that does not name its spool
            return
        others = entry.others if entry.others is not None else {}
        others[entry.numbering] = entry.seen
        entry.seen = others.pop(server.spool_id) if server.spool_id in others else SequenceSet()
        while len(others) >= _KEPT_NUMBERINGS:
            del others[next(iter(others))]
        entry.others, entry.numbering = others, server.spool_id
        entry.newest_seq = entry.seen.highest

    def take(self, stream: Stream, samples: Iterable[pb.Telemetry], received_at: datetime, *, replay: bool) -> Arrival:
        """Sort samples into new, seen and refused, and keep the newest; the order of arrival does not matter."""
        arrival = Arrival()
        fresh = arrival.fresh
        entries = self._entries
        for sample in samples:
            entry = entries.get(sample.asset_id)
            if entry is None or entry.server is not stream:
                arrival.refused.add(sample.asset_id)
                continue
            if not -inf < sample.current_mw < inf or not (0 < sample.timestamp_us < LATEST_US or _says_time(sample)):
                arrival.unreadable += 1
                continue
            seq = sample.seq
            if seq and not entry.seen.add(seq):
                arrival.duplicates += 1
                continue
            fresh.append(sample)
            if seq > entry.newest_seq or not seq:
                entry.newest = sample.SerializeToString()
                entry.newest_seq = seq
                entry.is_replay = replay
                entry.received_at = received_at
        return arrival

    def push(self, sample: Telemetry, received_at: datetime) -> Block:
        """Take a sample that came on no stream; it stands in nobody's numbering."""
        message = telemetry_message(sample)
        entry = self._entries[sample.asset_id]
        entry.newest = message.SerializeToString()
        entry.is_replay = False
        entry.received_at = received_at
        return Block([message], received_at, replay=False)

    def beat(self, asset_id: str, at: datetime) -> None:
        """Note a heartbeat."""
        entry = self._entries.get(asset_id)
        if entry is not None:
            entry.heartbeat_at = at

    def heartbeat_of(self, asset_id: str) -> datetime | None:
        """Return the newest heartbeat of an asset."""
        return self._entries[asset_id].heartbeat_at

    def received_at(self, asset_id: str) -> datetime | None:
        """Return when the newest sample of an asset came."""
        return self._entries[asset_id].received_at

    def newest(self, asset_id: str) -> Telemetry | None:
        """Return the newest sample of an asset."""
        entry = self._entries[asset_id]
        if entry.newest is None:
            return None
        message = pb.Telemetry.FromString(entry.newest)
        return telemetry_record(message, replay=entry.is_replay, received_at=entry.received_at)

    def brief(self, asset_id: str) -> Telemetry | None:
        """Return what a decision about power needs of the newest sample."""
        newest = self._entries[asset_id].newest
        return None if newest is None else brief_record(pb.Telemetry.FromString(newest))

    def with_samples(self) -> Iterator[str]:
        """Yield the assets that ever gave a sample."""
        return (asset_id for asset_id, entry in self._entries.items() if entry.newest is not None)

    def seen(self, asset_id: str) -> tuple[tuple[int, int], ...]:
        """Return the numbers seen of an asset, in its present numbering."""
        return self._entries[asset_id].seen.ranges()

    def restore(self, sample: Telemetry | None, asset_id: str, seen: Iterable[tuple[int, int]]) -> None:
        """Take back what a recorder remembers of an asset; a later sample replaces it whatever its number."""
        entry = self._entries.get(asset_id)
        if entry is None:
            return
        if sample is not None and entry.newest is None:
            entry.newest = telemetry_message(sample).SerializeToString()
            entry.newest_seq = sample.seq
            entry.is_replay = sample.origin == "replay"
            entry.received_at = sample.received_at
        ranges = tuple(seen)
        if ranges:
            entry.seen = SequenceSet((*entry.seen.ranges(), *ranges))


def _says_time(sample: pb.Telemetry) -> bool:
    """Does a sample without microseconds, as the original sends it, say its time in words?"""
    if sample.timestamp_us:
        return False
    try:
        from_text(sample.timestamp)
    except InvalidInputError:
        return False
    return True
