"""Telemetry as a file: a row per sample, under the names of `Telemetry`; empty is not known."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from afterbay.core.errors import InvalidInputError, MissingExtraError, NotFoundError, Problem, Problems
from afterbay.fleet.messages import Telemetry

__all__ = ["COLUMNS", "read_telemetry_file", "telemetry_csv", "telemetry_parquet", "telemetry_rows"]

_TEXTS: Final = ("asset_id", "site_id", "status", "fault_code", "limited_by", "quality", "origin", "lease_id")
_NUMBERS: Final = (
    "mw", "setpoint_mw", "max_mw", "min_mw", "soc_mwh", "soc_pct", "capacity_mwh", "energy_in_mwh", "energy_out_mwh",
    "available_charge_mw", "available_discharge_mw", "temperature_c", "soh_pct", "cycle_count",
)  # fmt: skip
COLUMNS: Final = ("timestamp", "asset_id", "site_id", *_NUMBERS, "status", "online", "fault_code", "limited_by",
                  "quality", "origin", "seq", "lease_id")  # fmt: skip
_NEEDED: Final = ("timestamp", "mw")
_USUAL: Final[Mapping[str, Any]] = {
    "asset_id": "", "site_id": "", "setpoint_mw": None, "max_mw": 0.0, "min_mw": 0.0, "status": "", "seq": 0,
}  # fmt: skip
_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_MOST_PROBLEMS: Final = 20


def telemetry_rows(samples: Iterable[Telemetry]) -> list[dict[str, Any]]:
    """Return samples as plain values by name; times as RFC 3339 text."""
    return [
        {name: sample.timestamp.isoformat() if name == "timestamp" else getattr(sample, name) for name in COLUMNS}
        for sample in samples
    ]


def telemetry_csv(samples: Iterable[Telemetry]) -> str:
    """Return samples as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in telemetry_rows(samples):
        writer.writerow({name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()})
    return text.getvalue()


def telemetry_parquet(samples: Sequence[Telemetry]) -> bytes:
    """Return samples as a Parquet file; times are UTC to the microsecond.

    Raises:
        MissingExtraError: If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "writing Parquet") from None
    kinds = dict.fromkeys(_TEXTS, pa.string()) | dict.fromkeys(_NUMBERS, pa.float64())
    kinds |= {"timestamp": pa.timestamp("us", tz="UTC"), "online": pa.bool_(), "seq": pa.int64()}
    schema = pa.schema([(name, kinds[name]) for name in COLUMNS])
    columns = {name: [getattr(sample, name) for sample in samples] for name in COLUMNS}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def read_telemetry_file(path: Path) -> list[Telemetry]:
    """Return the samples of a CSV or Parquet file, oldest first; only `timestamp` and `mw` must be there.

    Raises:
        NotFoundError: If there is no such file.
        InvalidInputError: With the problems found, line by line.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {path} -> afterbay fleet history ASSET --csv writes one")
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    problems, samples = Problems(), []
    for number, row in enumerate(rows, 2):
        before = len(problems.found)
        sample = _sample(row, f"{path.name}:{number}", problems)
        if sample is not None and len(problems.found) == before:
            samples.append(sample)
        if len(problems.found) >= _MOST_PROBLEMS:
            break
    problems.raise_if_any()
    return sorted(samples, key=lambda one: (one.timestamp, one.seq))


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            names = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, str(error)) from None
    return _with_columns(path, rows, names)


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("pyarrow", "parquet", "reading Parquet") from None
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, str(error).splitlines()[0]) from None
    return _with_columns(path, table.to_pylist(), table.column_names)


def _with_columns(path: Path, rows: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        got = f"columns {', '.join(list(names)[:8]) or 'none'}"
        raise InvalidInputError(
            Problem(str(path), got, f"timestamp and mw at least; {', '.join(COLUMNS)} are read", "name the columns so")
        )
    return rows


def _sample(row: Mapping[str, Any], where: str, problems: Problems) -> Telemetry | None:
    values: dict[str, Any] = {}
    for name in COLUMNS:
        value = row.get(name)
        if value is None or value == "":
            continue
        try:
            values[name] = _value(name, value)
        except (ValueError, TypeError, OverflowError):
            allowed = {"timestamp": "a time with its zone, such as 2026-11-21T08:00:00Z", "online": "true or false"}
            problems.add(f"{where}: {name}", str(value)[:60], allowed.get(name, "a finite number"), "mend the row")
    missing = [name for name in _NEEDED if name not in values]
    if missing:
        if all(row.get(name) in (None, "") for name in missing):
            problems.add(f"{where}: {missing[0]}", "nothing", "a value", "fill it in, or leave the row out")
        return None
    return Telemetry(**{**_USUAL, **values})


def _value(name: str, value: Any) -> Any:
    if name == "timestamp":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment.astimezone(UTC)
    if name in _TEXTS:
        return str(value)
    if name == "online":
        return value if isinstance(value, bool) else _truth(str(value))
    if isinstance(value, bool):
        raise TypeError("no number")
    if name == "seq":
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _WORDS:
        raise ValueError("neither true nor false")
    return _WORDS[word]


def _unreadable(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(Problem(str(path), why, "a CSV or Parquet file of telemetry", "write it again"))
