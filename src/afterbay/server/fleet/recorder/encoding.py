"""Samples as tuples of PostgreSQL's binary COPY: packed once, then sent to the database or kept on disk as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from math import isfinite
from operator import itemgetter
from struct import Struct
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from afterbay.fleet.headend.latest import Block
from afterbay.fleet.wire import COLUMNS, telemetry_values
from afterbay.fleet.wire.frame import FrameSamples
from afterbay.fleet.wire.frame_layout import COLUMNS as COLUMNS_OF_TABLE
from afterbay.fleet.wire.times import to_micros

if TYPE_CHECKING:
    from afterbay.fleet.headend.api import TelemetryBlock

__all__ = ["load_packing", "pack_block", "pack_rows", "split_rows"]

_NULL = b"\xff\xff\xff\xff"
_COUNT = Struct(">h")
_LENGTH = Struct(">i")
_FLOAT = Struct(">id").pack
_BIGINT = Struct(">iq").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LITTLE = Struct("<d").unpack_from
_TRUE, _FALSE = b"\0\0\0\1\1", b"\0\0\0\1\0"
_KEPT_WORDS = 100_000
_LONGEST_WORD = 200


@lru_cache(_KEPT_WORDS)
def _uuid(text: str) -> bytes:
    try:
        return _LENGTH.pack(16) + UUID(text).bytes
    except ValueError:
        return _NULL


@lru_cache(_KEPT_WORDS)
def _word(text: str) -> bytes:
    # Half a surrogate pair is text for Python and for nobody else.
    raw = text[:_LONGEST_WORD].replace("\0", "").encode("utf-8", "replace")
    return _LENGTH.pack(len(raw)) + raw


def _text(value: Any) -> bytes:
    return _NULL if value is None else _word(value)


def _number(value: Any) -> bytes:
    return _NULL if value is None else _FLOAT(8, value)


def _moment(value: Any) -> bytes:
    if value is None:
        return _NULL
    span = value - _EPOCH
    return _BIGINT(8, (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds)


def _flag(value: Any) -> bytes:
    return _TRUE if value else _FALSE


def _count(value: Any) -> bytes:
    return _BIGINT(8, value)


def _document(value: Any) -> bytes:
    if not value:
        return _NULL
    raw = b"\1" + json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(raw)) + raw


_PACK: dict[str, Callable[[Any], bytes]] = {
    "asset_id": _uuid, "site_id": _uuid, "timestamp": _moment, "mw": _number, "setpoint_mw": _number,
    "max_mw": _number, "min_mw": _number, "status": _text, "soc_mwh": _number, "soc_pct": _number,
    "capacity_mwh": _number, "asset_type": _text, "online": _flag, "fault_code": _text, "limited_by": _text,
    "quality": _text, "origin": _text, "seq": _count, "lease_id": _text, "energy_in_mwh": _number,
    "energy_out_mwh": _number, "available_charge_mw": _number, "available_discharge_mw": _number,
    "temperature_c": _number, "soh_pct": _number, "cycle_count": _number, "details": _document,
    "received_at": _moment,
}  # fmt: skip
"""In the order of `repository.COPY_COLUMNS`; the name of the site is not stored with every sample."""

_PLAN = tuple((COLUMNS.index(name), pack) for name, pack in _PACK.items())
_HEAD = _COUNT.pack(len(_PLAN))


def pack_rows(rows: Iterable[tuple[object, ...]]) -> list[bytes]:
    """Pack rows of plain values in the order of `afterbay.fleet.wire.COLUMNS`, one `bytes` each."""
    plan = _PLAN
    return [_HEAD + b"".join([pack(row[place]) for place, pack in plan]) for row in rows]


class _Compiled:
    """Loads the compiled code aside: commands are written with samples, and must not wait while it is compiled."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._ready = False

    def is_ready(self) -> bool:
        """Is it loaded? If not, it is being loaded from now on."""
        if not self._ready and self._thread is None:
            self._thread = Thread(target=self.load, name="kernels", daemon=True)
            self._thread.start()
        return self._ready

    def load(self) -> None:
        """Load it now."""
        from afterbay.server.fleet.recorder.copy_kernels import pack_samples

        octets, codes = np.frombuffer(b"\0", np.uint8), np.zeros(0, np.int8)
        tables = np.empty((0, COLUMNS_OF_TABLE), np.int64), np.empty((0, 4), np.int64)
        pack_samples(octets, tables[0], 0, False, np.empty(1, np.uint8), codes, tables[1])
        self._ready = True


_compiled = _Compiled()


def load_packing() -> None:
    """Load the compiled code that packs frames; without this the first frame begins to load it."""
    _compiled.load()


def pack_block(block: TelemetryBlock) -> bytes:
    """Pack the samples of a block; a frame's by compiled code, in their order but for those that it leaves."""
    if isinstance(block, Block) and block.frame is not None and _compiled.is_ready():
        return _pack_frame(block.frame, block.received_at, replay=block.replay)
    return b"".join(pack_rows(block.rows()))


def _pack_frame(samples: FrameSamples, received_at: datetime, *, replay: bool) -> bytes:
    from afterbay.server.fleet.recorder.copy_kernels import pack_samples
    from afterbay.server.fleet.recorder.copy_layout import MOST_EXTRAS, ROOM

    count = len(samples)
    out, left = np.empty(ROOM * count + len(samples.raw), np.uint8), np.zeros(count, np.int8)
    details = np.empty((MOST_EXTRAS * count, 4), np.int64)
    size, found = pack_samples(
        samples.octets, samples.table, to_micros(received_at), replay, out, left, details
    )  # fmt: skip
    packed = _with_details(out[:size].tobytes(), samples.raw, details[:found].tolist())
    others = samples.only(np.flatnonzero(left))
    if not len(others):
        return packed
    values = (telemetry_values(sample, replay=replay, received_at=received_at) for sample in others)
    return packed + b"".join(pack_rows(values))


def _with_details(packed: bytes, raw: bytes, details: list[list[int]]) -> bytes:
    """Put the details of rows where NULL stands for them: Python knows how to write a double for JSON."""
    if not details:
        return packed
    pieces, done = [], 0
    for to, entries in groupby(details, key=itemgetter(0)):
        known = {raw[start:end]: _LITTLE(raw, at)[0] for _, start, end, at in entries}
        texts = [
            b"%b:%b" % (_name(name), repr(known[name]).encode()) for name in sorted(known) if isfinite(known[name])
        ]
        if texts:
            document = b"\1{" + b",".join(texts) + b"}"
            pieces += [packed[done:to], _LENGTH.pack(len(document)), document]
            done = to + len(_NULL)
    return b"".join((*pieces, packed[done:]))


@lru_cache(_KEPT_WORDS)
def _name(raw: bytes) -> bytes:
    return json.dumps(raw.decode("ascii")).encode()


def split_rows(packed: bytes) -> Iterator[bytes]:
    """Take packed rows apart again."""
    place, size = 0, len(packed)
    while place < size:
        start = place
        (fields,) = _COUNT.unpack_from(packed, place)
        place += 2
        for _ in range(fields):
            (length,) = _LENGTH.unpack_from(packed, place)
            place += 4 + max(length, 0)
        yield packed[start:place]
