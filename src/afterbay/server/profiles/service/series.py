"""A series before it has a row: values, clock, and how it came to be; and its Parquet file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from afterbay.core.errors import UnavailableError
from afterbay.profiles import Gaps, ImportReport, Profile, TextCell

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Made", "parquet_bytes", "profile_from", "read_values", "series_hash", "table_of", "times_of"]

_LISTS: Final = ("columns", "numeric_columns", "duplicates_where", "outliers_where", "warnings", "changed")


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A series that was read or built."""

    profile_type: str
    """load or solar."""
    values: NDArray[np.float64]
    """Mean power of each step [MW], shape (n,)."""
    dt_h: float | None
    """Step [h]; None: the source does not tell."""
    start: datetime | None
    """Start of the first step; naive where no zone is known, None without a calendar."""
    source: str
    """upload, generated, system."""
    report: ImportReport | None = None
    assumptions: Mapping[str, Any] | None = None
    capacity_mw: float | None = None
    """Of a modelled sun: panels that the values stand for [MWp]."""


def series_hash(values: NDArray[np.float64]) -> str:
    """Return the SHA-256 over values as little-endian doubles."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()


def times_of(start: datetime | None, dt_h: float | None, steps: int) -> pd.Index[Any] | None:
    """Return the start of every step: UTC, or the clock on the wall where it is not UTC; elapsed hours without one.

    A fixed offset from UTC is local standard time: it is written as the clock shows it, because day and night of
    sizing are local hours.
    """
    import pandas as pd

    if dt_h is None:
        return None
    if start is None:
        return None if dt_h == 1.0 else pd.Index(np.arange(steps) * dt_h, name="elapsed_h")
    offset = start.utcoffset()
    shown = start if offset is not None and not offset else start.replace(tzinfo=None)
    return pd.date_range(shown, periods=steps, freq=pd.Timedelta(hours=dt_h), name="time").as_unit("us")


def table_of(profile_type: str, values: NDArray[np.float64], start: datetime | None, dt_h: float | None) -> pa.Table:
    """Return a series as a table with the columns `time` (or `elapsed_h`) and `load_mw` or `solar_mw`."""
    import pyarrow as pa

    times = times_of(start, dt_h, len(values))
    columns: dict[str, Any] = {} if times is None else {str(times.name): pa.array(times)}
    return pa.table({**columns, f"{profile_type}_mw": pa.array(values)})


def parquet_bytes(profile_type: str, values: NDArray[np.float64], start: datetime | None, dt_h: float | None) -> bytes:
    """Return a series as a Parquet file that `read_profile` reads back to the bit."""
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(table_of(profile_type, values, start, dt_h), file, compression="zstd")
    return file.getvalue()


def read_values(content: bytes, expected_hash: str) -> NDArray[np.float64]:
    """Return the values of a stored Parquet file.

    Raises:
        UnavailableError: If they are not those that were stored.
    """
    import pyarrow.parquet as pq

    # Threads take longer to wake than a year of hours takes to read.
    column = pq.read_table(io.BytesIO(content), use_threads=False).columns[-1]
    values = np.array(column.to_numpy(), dtype=np.float64)
    if series_hash(values) != expected_hash:
        raise UnavailableError("the stored values of this profile are damaged -> restore them from a backup")
    values.setflags(write=False)
    return values


def profile_from(
    values: NDArray[np.float64],
    *,
    profile_type: str,
    name: str,
    dt_h: float | None,
    start: datetime | None,
    report: Mapping[str, Any] | None,
) -> Profile:
    """Return a profile of the library from stored facts; `name` stands where the path of a file would."""
    import pandas as pd

    found = _report(report) if report else ImportReport(path=name, column=f"{profile_type}_mw", quantity=profile_type,
                                                        unit="MW", rows_found=len(values))  # fmt: skip
    index = times_of(start, dt_h, len(values))
    frame = pd.DataFrame({f"{profile_type}_mw": values}, index=pd.RangeIndex(len(values)) if index is None else index)
    return Profile(values, frame, found, dt_h, start)


def _report(stored: Mapping[str, Any]) -> ImportReport:
    plain: dict[str, Any] = {name: tuple(one) if name in _LISTS else one for name, one in stored.items()}
    gaps: dict[str, Any] = {**stored["gaps"], "where": tuple(stored["gaps"]["where"])}
    plain["gaps"] = Gaps(**gaps)
    plain["text_cells"] = tuple(TextCell(**cell) for cell in stored["text_cells"])
    return ImportReport(**plain)
