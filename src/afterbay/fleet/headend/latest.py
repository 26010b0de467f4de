"""The newest sample of every asset, and the way of samples to it: refused, seen before, or new.

This is the hot path. A sample is kept as the bytes it came in (a few hundred) and becomes a record when somebody
reads it. The samples of a frame are decided on in compiled code; what is not plain there, and single messages, here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Any

import numpy as np

from afterbay.core.errors import InvalidInputError
from afterbay.fleet.headend.arrival_layout import (
    DUPLICATE,
    FRESH,
    HIGH,
    LOW,
    RECEIVED_US,
    REFUSED,
    REPLAY,
    SEQ,
    SERVER,
    SIZE,
    UNREADABLE,
)
from afterbay.fleet.headend.newest import NewestRows
from afterbay.fleet.headend.seen import SequenceSet
from afterbay.fleet.headend.stream import Stream
from afterbay.fleet.messages import Telemetry
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire import telemetry_message, telemetry_record, telemetry_values
from afterbay.fleet.wire.frame import FrameSamples
from afterbay.fleet.wire.telemetry import brief_record
from afterbay.fleet.wire.times import LATEST_US, from_micros, from_text, to_micros

__all__ = ["Arrival", "Block", "LatestMap"]

_KEPT_NUMBERINGS = 4
_MOST_STOPS = 8
"""So often compiled code may ask about a frame; then the rest of it is decided on without it, which is faster."""
_MOST_SEQ = (1 << 63) - 1
"""The highest number that a database keeps."""


class Block:
    """New samples of one message, on their way to the recorder."""

    __slots__ = ("_messages", "_received_at", "_replay")

    def __init__(self, messages: Collection[pb.Telemetry], received_at: datetime, *, replay: bool) -> None:
        self._messages = messages
        self._received_at = received_at
        self._replay = replay

    @property
    def received_at(self) -> datetime:
        """When the headend got them."""
        return self._received_at

    @property
    def replay(self) -> bool:
        """Did they wait in a spool?"""
        return self._replay

    @property
    def frame(self) -> FrameSamples | None:
        """The samples as they came, if they came in a frame: for who can read those faster than `rows`."""
        return self._messages if isinstance(self._messages, FrameSamples) else None

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
        self.fresh: Collection[pb.Telemetry] = ()
        self.duplicates = 0
        self.refused: set[str] = set()
        """Assets that the stream does not serve."""
        self.unreadable = 0


class _Entry:
    """What is known of one asset besides its row."""

    __slots__ = ("heartbeat_at", "numbering", "others", "place", "seen", "server")

    def __init__(self) -> None:
        self.place = 0
        self.server: Stream | None = None
        self.numbering = ""
        self.seen = SequenceSet()
        """Up to the last range, whose end its row knows."""
        self.others: dict[str, SequenceSet] | None = None
        self.heartbeat_at: datetime | None = None


class LatestMap:
    """Newest samples and heartbeats by asset, and which samples have been seen."""

    def __init__(self, asset_ids: Iterable[str]) -> None:
        self._entries: dict[str, _Entry] = {}
        self._rows = NewestRows(())
        self.replace_assets(asset_ids)

    def replace_assets(self, asset_ids: Iterable[str]) -> None:
        """Go on with these assets; what is known of those that stay is kept."""
        known, rows = self._entries, NewestRows(asset_ids)
        rows.move_in(self._rows)
        self._rows = rows
        self._entries = {asset_id: known.get(asset_id) or _Entry() for asset_id in rows.places}
        for entry, place in zip(self._entries.values(), rows.places.values(), strict=True):
            entry.place = place

    def hand_over(self, asset_id: str, server: Stream | None) -> None:
        """Let a stream, or nobody, give samples of an asset; another spool of samples counts for itself."""
        entry = self._entries.get(asset_id)
        if entry is None:
            return
        entry.server = server
        # The entry keeps the stream alive, so nothing else can have its identity.
        self._rows.numbers[entry.place, SERVER] = 0 if server is None else id(server)
        if server is None or server.protocol == 0 or server.spool_id == entry.numbering:
            return
        if not entry.numbering:
            entry.numbering = server.spool_id  # restored, or an agent that does not name its spool
            return
        others = entry.others if entry.others is not None else {}
        others[entry.numbering] = self._seen(entry)
        entry.seen = others.pop(server.spool_id) if server.spool_id in others else SequenceSet()
        while len(others) >= _KEPT_NUMBERINGS:
            del others[next(iter(others))]
        entry.others, entry.numbering = others, server.spool_id
        self._note_last(entry)
        self._rows.numbers[entry.place, SEQ] = entry.seen.highest

    def take(
        self, stream: Stream, samples: Collection[pb.Telemetry], received_at: datetime, *, replay: bool
    ) -> Arrival:
        """Sort samples into new, seen and refused, and keep the newest; the order of arrival does not matter."""
        received_us = to_micros(received_at)
        if isinstance(samples, FrameSamples):
            return self._take_frame(stream, samples, received_us, replay)
        arrival, fresh = Arrival(), []
        for sample in samples:
            code = self._take_one(stream, sample, received_us, replay)
            if code == FRESH:
                fresh.append(sample)
            elif code == DUPLICATE:
                arrival.duplicates += 1
            elif code == REFUSED:
                arrival.refused.add(sample.asset_id)
            else:
                arrival.unreadable += 1
        arrival.fresh = fresh
        return arrival

    def push(self, sample: Telemetry, received_at: datetime) -> Block:
        """Take a sample that came on no stream; it stands in nobody's numbering."""
        message = telemetry_message(sample)
        place = self._entries[sample.asset_id].place
        before = int(self._rows.numbers[place, SEQ])
        self._rows.put(place, message.SerializeToString(), before, to_micros(received_at), replay=False)
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
        received_us = int(self._rows.numbers[self._entries[asset_id].place, RECEIVED_US])
        return from_micros(received_us) if received_us else None

    def newest(self, asset_id: str) -> Telemetry | None:
        """Return the newest sample of an asset."""
        place = self._entries[asset_id].place
        raw = self._rows.get(place)
        if raw is None:
            return None
        replay = bool(self._rows.numbers[place, REPLAY])
        return telemetry_record(pb.Telemetry.FromString(raw), replay=replay, received_at=self.received_at(asset_id))

    def brief(self, asset_id: str) -> Telemetry | None:
        """Return what a decision about power needs of the newest sample."""
        raw = self._rows.get(self._entries[asset_id].place)
        return None if raw is None else brief_record(pb.Telemetry.FromString(raw))

    def with_samples(self) -> Iterator[str]:
        """Yield the assets that ever gave a sample."""
        size = self._rows.numbers[:, SIZE]
        return (asset_id for asset_id, entry in self._entries.items() if size[entry.place])

    def seen(self, asset_id: str) -> tuple[tuple[int, int], ...]:
        """Return the numbers seen of an asset, in its present numbering."""
        return self._seen(self._entries[asset_id]).ranges()

    def restore(self, sample: Telemetry | None, asset_id: str, seen: Iterable[tuple[int, int]]) -> None:
        """Take back what a recorder remembers of an asset; a later sample replaces it whatever its number."""
        entry = self._entries.get(asset_id)
        if entry is None:
            return
        if sample is not None and not self._rows.numbers[entry.place, SIZE]:
            raw = telemetry_message(sample).SerializeToString()
            received_us = 0 if sample.received_at is None else to_micros(sample.received_at)
            self._rows.put(entry.place, raw, sample.seq, received_us, replay=sample.origin == "replay")
        ranges = tuple(seen)
        if ranges:
            entry.seen = SequenceSet((*self._seen(entry).ranges(), *ranges))
            self._note_last(entry)

    def _take_frame(self, stream: Stream, samples: FrameSamples, received_us: int, replay: bool) -> Arrival:
        count, at, stops = len(samples), 0, 0
        codes = np.zeros(count, np.int8)
        while at < count:
            if stops < _MOST_STOPS:
                at = self._rows.take(id(stream), samples, at, received_us, codes, replay=replay)
            if at < count:
                stops += 1
                codes[at] = self._take_one(stream, samples.sample(at), received_us, replay)
                at += 1
        arrival = Arrival()
        if not codes.any():
            arrival.fresh = samples
            return arrival
        arrival.fresh = samples.only(np.flatnonzero(codes == FRESH))
        arrival.duplicates = int(np.count_nonzero(codes == DUPLICATE))
        arrival.unreadable = int(np.count_nonzero(codes == UNREADABLE))
        arrival.refused = {sample.asset_id for sample in samples.only(np.flatnonzero(codes == REFUSED))}
        return arrival

    def _take_one(self, stream: Stream, sample: pb.Telemetry, received_us: int, replay: bool) -> int:
        """Decide on one sample."""
        entry = self._entries.get(sample.asset_id)
        if entry is None or entry.server is not stream:
            return REFUSED
        if not -inf < sample.current_mw < inf or not (0 < sample.timestamp_us < LATEST_US or _says_time(sample)):
            return UNREADABLE
        seq = sample.seq
        if seq > _MOST_SEQ:
            return UNREADABLE
        if seq:
            seen = self._seen(entry)
            if not seen.add(seq):
                return DUPLICATE
            self._note_last(entry)
        if not seq or seq > self._rows.numbers[entry.place, SEQ]:
            self._rows.put(entry.place, sample.SerializeToString(), seq, received_us, replay=replay)
        return FRESH

    def _seen(self, entry: _Entry) -> SequenceSet:
        """Return the numbers seen of an asset, with those that its row alone knows of."""
        entry.seen.stretch(int(self._rows.numbers[entry.place, HIGH]))
        return entry.seen

    def _note_last(self, entry: _Entry) -> None:
        self._rows.numbers[entry.place, LOW : HIGH + 1] = entry.seen.last


def _says_time(sample: pb.Telemetry) -> bool:
    """Does a sample without microseconds, as the original sends it, say its time in words?"""
    if sample.timestamp_us:
        return False
    try:
        from_text(sample.timestamp)
    except InvalidInputError:
        return False
    return True
