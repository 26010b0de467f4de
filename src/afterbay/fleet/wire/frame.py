"""A batch of samples as it came: bytes and where each sample is in them. A sample becomes a message when asked for.

What is in a frame is what protobuf accepts: proven by the scan, or asked of it. So reading it cannot fail later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Literal

import numpy as np

from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.frame_layout import COLUMNS

if TYPE_CHECKING:
    from afterbay.core.compiled import Indices
    from afterbay.fleet.wire.frame_kernels import Bytes

__all__ = ["FrameReader", "FrameSamples", "TelemetryFrame", "read_frame"]

_log = logging.getLogger(__name__)
_TAG = b"\xa2\x06"
"""Field 100 of `AgentToHeadend`, `telemetry_batch`."""
_LEAST_BYTES = 1024
"""Below it (some five samples) protobuf alone is faster than two ways."""


class FrameSamples(Collection[pb.Telemetry]):
    """Samples of one frame, all of them or some, in order."""

    __slots__ = ("raw", "table")

    def __init__(self, raw: bytes, table: Indices) -> None:
        self.raw = raw
        self.table = table
        """Where each sample is in `raw`, and what is decided by: columns as in `frame_layout`, shape (n, COLUMNS)."""

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[pb.Telemetry]:
        for start, end in self.table[:, :2].tolist():
            yield pb.Telemetry.FromString(self.raw[start:end])

    def __contains__(self, sample: object) -> bool:
        return any(sample == own for own in self)

    @property
    def octets(self) -> Bytes:
        """The bytes as an array."""
        return np.frombuffer(self.raw, np.uint8)

    def sample(self, place: int) -> pb.Telemetry:
        """Return one sample."""
        start, end = self.table[place, :2]
        sample: pb.Telemetry = pb.Telemetry.FromString(self.raw[start:end])
        return sample

    def only(self, places: Indices) -> FrameSamples:
        """Return some of them."""
        return FrameSamples(self.raw, self.table[places])


class TelemetryFrame:
    """Stands where an `AgentToHeadend` with a `telemetry_batch` would, and is asked the same."""

    __slots__ = ("batch_seq", "replay", "samples")

    def __init__(self, samples: FrameSamples, batch_seq: int, *, replay: bool) -> None:
        self.samples = samples
        self.batch_seq = batch_seq
        self.replay = replay

    def WhichOneof(self, _: str) -> Literal["telemetry_batch"]:  # noqa: N802
        """Say what the message is, as protobuf does."""
        return "telemetry_batch"

    @property
    def telemetry_batch(self) -> TelemetryFrame:
        """The batch."""
        return self


def read_frame(raw: bytes) -> TelemetryFrame | None:
    """Return a serialised `AgentToHeadend` as a frame; None: protobuf has to read it, for it is not just one batch.

    Raises:
        DecodeError: It is no message; of protobuf, which also raises it for what comes back as None.
    """
    # Compiled code: loaded by those who meet batches, not by every headend.
    from afterbay.fleet.wire.frame_kernels import read_varint, scan_batch

    if not raw.startswith(_TAG):
        return None
    octets = np.frombuffer(raw, np.uint8)
    size, begin = read_varint(octets, len(_TAG), len(raw))
    if begin < 0 or begin + size != len(raw):
        return None
    # A sample takes two bytes at least; pages that are not written cost nothing.
    table = np.empty((len(raw) // 2 + 1, COLUMNS), np.int64)
    count, batch_seq, replay, is_proven = scan_batch(octets, begin, len(raw), table)
    if count < 0:
        return None
    if not is_proven:
        pb.AgentToHeadend.FromString(raw)
    return TelemetryFrame(FrameSamples(raw, table[:count].copy()), int(batch_seq) & (2**64 - 1), replay=bool(replay))


class FrameReader:
    """Reads an agent's messages: large batches as frames, everything else, and what is not readable, by protobuf.

    The compiled code is loaded by a thread when the first large batch comes; until it is there protobuf does alone.
    """

    def __init__(self, prepare: Callable[[], None]) -> None:
        """Start without compiled code; `prepare` loads what the reader's owner needs of it for frames."""
        self._prepare = prepare
        self._loading: Thread | None = None
        self._ready = False

    def read(self, raw: bytes) -> pb.AgentToHeadend | TelemetryFrame:
        """Return a message; protobuf's `DecodeError` when it is none."""
        if len(raw) >= _LEAST_BYTES and raw.startswith(_TAG):
            if self._ready:
                frame = read_frame(raw)
                if frame is not None:
                    return frame
            elif self._loading is None:
                self._loading = Thread(target=self._load, name="kernels", daemon=True)
                self._loading.start()
        message: pb.AgentToHeadend = pb.AgentToHeadend.FromString(raw)
        return message

    def _load(self) -> None:
        try:
            self._prepare()
        except Exception:  # everything works without them, only slower
            _log.exception("the compiled code for telemetry cannot be loaded; protobuf reads it")
        else:
            self._ready = True
