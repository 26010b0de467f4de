"""Rows of the latest map: per asset the newest sample as it came, and the last range of numbers seen.

They stand in arrays, so that compiled code can take a whole frame of samples at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from afterbay.fleet.headend.arrival_layout import COLUMNS, LONGEST, LOW, RECEIVED_US, REPLAY, SEQ, SIZE, Assets, Newest
from afterbay.fleet.wire import agent_pb2 as pb
from afterbay.fleet.wire.frame import FrameSamples, read_frame

if TYPE_CHECKING:
    from afterbay.core.compiled import Codes

__all__ = ["NewestRows", "load_kernels"]


class NewestRows:
    """Rows of a set of assets, by place."""

    def __init__(self, asset_ids: Iterable[str]) -> None:
        self.places = {asset_id: place for place, asset_id in enumerate(asset_ids)}
        count = len(self.places)
        self.numbers = np.zeros((count, COLUMNS), np.int64)
        self.numbers[:, LOW] = 1
        self._samples = np.zeros((count, LONGEST), np.uint8)
        self._newest = Newest(self.numbers, self._samples)
        self._long: dict[int, bytes] = {}
        self._assets: Assets | None = None

    def move_in(self, earlier: NewestRows) -> None:
        """Take over the rows of the assets that another set has too."""
        for asset_id, place in self.places.items():
            before = earlier.places.get(asset_id)
            if before is None:
                continue
            self.numbers[place] = earlier.numbers[before]
            if before in earlier._long:
                self._long[place] = earlier._long[before]
            size = max(int(self.numbers[place, SIZE]), 0)  # rows that were never written stay untouched: no memory
            self._samples[place, :size] = earlier._samples[before, :size]

    def put(self, place: int, raw: bytes, seq: int, received_us: int, *, replay: bool) -> None:
        """Keep a sample as the newest of its asset."""
        known, size = self.numbers[place], len(raw)
        known[SEQ], known[RECEIVED_US], known[REPLAY] = seq, received_us, replay
        if size <= LONGEST:
            self._samples[place, :size] = np.frombuffer(raw, np.uint8)
            known[SIZE] = size
            self._long.pop(place, None)
        else:
            self._long[place] = raw
            known[SIZE] = -1

    def get(self, place: int) -> bytes | None:
        """Return the newest sample of an asset."""
        size = int(self.numbers[place, SIZE])
        if size < 0:
            return self._long[place]
        return self._samples[place, :size].tobytes() if size else None

    def take(self, stream: int, samples: FrameSamples, first: int, received_us: int, codes: Codes, *,
             replay: bool) -> int:  # fmt: skip
        """Take samples of a frame from `first` on; see `arrival_kernels.take`."""
        # Only those who have a frame have loaded the compiled code already.
        from afterbay.fleet.headend import arrival_kernels

        if self._assets is None:
            self._assets = self._index()
            arrival_kernels.enter_names(self._assets)
        return int(
            arrival_kernels.take(
                self._assets, self._newest, samples.octets, samples.table, first, stream, received_us,
                int(replay), codes,
            )
        )  # fmt: skip

    def _index(self) -> Assets:
        names = [asset_id.encode("utf-8", "surrogatepass") for asset_id in self.places]
        ends = np.cumsum([0, *(len(name) for name in names)], dtype=np.int64)
        room = 1 << (2 * len(names) + 1).bit_length()
        return Assets(np.full(room, -1, np.int64), np.frombuffer(b"".join(names), np.uint8).copy(), ends)


def load_kernels() -> None:
    """Load the compiled code that takes frames; on a machine's first run it is compiled, which takes seconds."""
    batch = pb.TelemetryBatch(samples=[pb.Telemetry(asset_id="any")])
    frame = read_frame(pb.AgentToHeadend(telemetry_batch=batch).SerializeToString())
    if frame is not None:
        NewestRows(("any",)).take(1, frame.samples, 0, 0, np.zeros(1, np.int8), replay=False)
