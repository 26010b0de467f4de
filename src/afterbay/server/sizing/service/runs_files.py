"""The files of a run in the store: profiles, all options, the hours of the option that is shown."""

from __future__ import annotations

import io
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from afterbay.sizing.simulation import HourlyResult

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from afterbay.sizing.simulation import HourlyResults

__all__ = [
    "FILES", "HOURLY", "INPUTS", "SWEEP", "UNITS", "folder_of", "hourly_parquet", "hourly_table", "owner_of",
    "parquet_bytes",
]  # fmt: skip

FILES: Final = "sizing/simulations/"
"""Where the files of all runs are kept."""
INPUTS: Final = "inputs.npz"
SWEEP: Final = "sweep.parquet"
HOURLY: Final = "hourly.parquet"

_ENERGY: Final = ("soc", "soc_from_dg", "bess_standing_loss")
_PLAIN: Final = ("t", "day", "daily_cycles", "dg_mode", "bess_state", "dg_running", "cycle_charging", "bess_assisted",
                 "bess_disabled", "is_night", "is_day", "is_blackout")  # fmt: skip
UNITS: Final[dict[str, str]] = {
    name: (
        "MWh" if name in _ENERGY
        else "L" if name == "dg_fuel_consumed"
        else "%" if name == "soc_pct"
        else "h" if name == "hour_of_day"
        else "" if name in _PLAIN
        else "MW"
    )
    for name in HourlyResult.__dataclass_fields__
}  # fmt: skip
"""Unit of each column of the steps; nothing for names, counts and flags."""


def folder_of(simulation_id: UUID) -> str:
    """Return where the files of a run are kept in the store."""
    return f"{FILES}{simulation_id}"


def owner_of(key: str) -> UUID | None:
    """Return the run that a file of the store belongs to; None: none of ours."""
    name = key.removeprefix(FILES).partition("/")[0]
    try:
        return UUID(name) if key.startswith(FILES) else None
    except ValueError:
        return None


def hourly_table(hourly: HourlyResults, start: datetime | None, steps: slice = slice(None)) -> pa.Table:
    """Return steps of an option as an Arrow table; each column carries its unit.

    Args:
        hourly: The steps.
        start: Start of the first step; gives a column `time`.
        steps: Which of them.
    """
    import pyarrow as pa

    arrays: dict[str, Any] = {}
    fields = []
    if start is not None:
        kind = pa.timestamp("us", tz="UTC" if start.tzinfo else None)
        first = np.datetime64(start.astimezone(UTC).replace(tzinfo=None) if start.tzinfo else start, "us")
        offsets = np.arange(len(hourly))[steps] * np.timedelta64(timedelta(hours=hourly.params.dt_h), "us")
        arrays["time"] = pa.array(first + offsets).cast(kind)
        fields.append(pa.field("time", kind, metadata={"unit": ""}))
    for name in hourly.columns:
        values = getattr(hourly, name)[steps]
        arrays[name] = pa.array(values.tolist() if values.dtype.kind == "U" else values)
        fields.append(pa.field(name, arrays[name].type, metadata={"unit": UNITS[name]}))
    return pa.table(list(arrays.values()), schema=pa.schema(fields))


def hourly_parquet(hourly: HourlyResults, start: datetime | None) -> bytes:
    """Return every step of an option as a Parquet file."""
    return parquet_bytes(hourly_table(hourly, start))


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    import pyarrow.parquet as pq

    raw = io.BytesIO()
    pq.write_table(table, raw, compression="zstd")
    return raw.getvalue()
