"""Samples as tuples of PostgreSQL's binary COPY: packed once, then sent to the database or kept on disk as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct
from typing import Any
from uuid import UUID

from afterbay.fleet.wire import COLUMNS

__all__ = ["pack_rows", "split_rows"]

_NULL = b"\xff\xff\xff\xff"
_COUNT = Struct(">h")
_LENGTH = Struct(">i")
_FLOAT = Struct(">id").pack
_BIGINT = Struct(">iq").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
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
