"""The Parquet files of the store: rows of one or more quarter hours, with the sums of each in the file's head."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.community.cycle.contract import ENERGY_COLUMNS
from afterbay.community.cycle.rows import MICRO, Rows
from afterbay.community.cycle.users import parse_ids
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["DAY_FILE", "Sums", "read", "sums", "sums_of", "write"]

DAY_FILE: Final = "day.parquet"
_HEAD: Final = b"afterbay"


@dataclass(frozen=True, slots=True)
class Sums:
    """What the rows of a quarter hour add up to."""

    rows: int
    micro: tuple[int, ...]
    """Sum of each column of `ENERGY_COLUMNS` in millionths of a kWh."""


def sums_of(rows: Rows) -> Sums:
    """Return what some rows add up to."""
    return Sums(len(rows), tuple(int(value) for value in rows.micro.sum(axis=0)))


def write(path: Path, parts: Sequence[Rows]) -> None:
    """Write rows into a file, whole or not at all.

    Raises:
        InvalidInputError: If it cannot be written.
    """
    pa, pq = _arrow()
    moments = np.concatenate(
        [np.full(len(rows), np.datetime64(rows.moment.replace(tzinfo=None), "us")) for rows in parts]
    )
    micro = np.concatenate([rows.micro for rows in parts])
    ids = np.concatenate([rows.user_id for rows in parts]).astype("U36").astype(object)
    columns = {
        "user_id": pa.array(ids, pa.string()),
        "timestamp": pa.array(moments, pa.timestamp("us", tz="UTC")),
        **{name: pa.array(micro[:, place] / MICRO) for place, name in enumerate(ENERGY_COLUMNS)},
    }
    head = {rows.moment.isoformat(): [len(rows), *sums_of(rows).micro] for rows in parts}
    table = pa.table(columns).replace_schema_metadata({_HEAD: json.dumps(head).encode()})
    raw = io.BytesIO()
    pq.write_table(table, raw, compression="zstd")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _broken(path, error.strerror or "no folder") from None
    write_whole(path, raw.getvalue())


def read(path: Path, moment: datetime) -> Rows:
    """Return the rows of a quarter hour in a file; no file: no rows.

    Raises:
        InvalidInputError: If the file is damaged.
    """
    pa, pq = _arrow()
    try:
        with path.open("rb") as stream:
            file = pq.ParquetFile(stream)
            if moment.isoformat() not in _head_of(file.schema_arrow.metadata):
                return _none(moment)
            table = file.read(["user_id", "timestamp", *ENERGY_COLUMNS])
    except FileNotFoundError:
        return _none(moment)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _broken(path, type(error).__name__) from None
    stamps = table["timestamp"].to_numpy()
    chosen = np.flatnonzero(stamps == np.datetime64(moment.replace(tzinfo=None), "us"))
    ids = np.array(table["user_id"].take(pa.array(chosen)).to_pylist(), dtype="S36")
    kwh = np.column_stack([table[name].to_numpy()[chosen] for name in ENERGY_COLUMNS])
    return Rows(ids, parse_ids(ids)[0], moment, np.rint(kwh * MICRO).astype(np.int64))


def sums(path: Path) -> dict[datetime, Sums]:
    """Return the sums of each quarter hour in a file, from its head; no file: none.

    Raises:
        InvalidInputError: If the file is damaged.
    """
    pa, pq = _arrow()
    try:
        with path.open("rb") as stream:
            head = _head_of(pq.read_schema(stream).metadata)
        return {datetime.fromisoformat(name): Sums(told[0], tuple(told[1:])) for name, told in head.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _broken(path, type(error).__name__) from None


def _head_of(metadata: Any) -> dict[str, list[int]]:
    head: dict[str, list[int]] = json.loads(metadata[_HEAD])
    return head


def _none(moment: datetime) -> Rows:
    return Rows(np.empty(0, "S36"), np.empty(0, "S16"), moment, np.empty((0, len(ENERGY_COLUMNS)), np.int64))


def _broken(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        Problem(str(path), f"a damaged file ({why})", "a Parquet file of this store", "restore it from a backup")
    )


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "the store of the solar cycle") from None
    return pa, pq
