"""A file that somebody sends becomes a series, or is refused with everything that is wrong with it.

Before the library reads it, its size in memory is bounded: bytes, rows and cells, whatever it is compressed with.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from afterbay.core.errors import InvalidInputError, Problem, Problems, ProfileError, TooLargeError
from afterbay.profiles import ImportReport, Profile, read_profile, resample
from afterbay.server.profiles.service.series import Made

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["MOST_CELLS", "MOST_ROWS", "ImportOptions", "receive", "safe_name", "series_of_file"]

MOST_ROWS: Final = 1_100_000
"""Two years of minutes."""
MOST_CELLS: Final = 4_000_000
_MOST_TEXT_BYTES: Final = 200_000_000
_MOST_COLUMNS: Final = 1_000
_LONGEST_LINE: Final = 100_000
_MOST_CELLS_TOLD: Final = 100
_BLOCK: Final = 1 << 20
_FORMULA: Final = "=+-@\t\r\n '\"|%."
"""Signs that make a spreadsheet take a cell for a formula or a command, and the dot of hidden files and of `..`."""
_ARGUMENT: Final = re.compile(r"\b([a-z_]+)=(\"|')?([\w/]+)?(?(2)\2)")
_MOST_POWER_MW: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How a file is read; None and `reject` leave it to the reader, which refuses what it cannot tell."""

    column: str | None = None
    date_order: str | None = None
    zone: str | None = None
    unit: str | None = None
    gaps: str = "reject"
    duplicates: str = "reject"
    negatives: str = "reject"
    leap_day: str = "keep"
    unsorted: str = "reject"
    dt_h: float | None = None
    delimiter: str | None = None
    resample_h: float | None = None
    """Step that the series is brought to [h]; the energy stays."""


def safe_name(name: str | None, fallback: str = "profile") -> str:
    """Return the name of a file without its folders, without signs that are none, and no formula for a spreadsheet."""
    base = re.split(r"[/\\]", name or "")[-1]
    clean = "".join(sign for sign in base if sign.isprintable()).strip().lstrip(_FORMULA)
    # A name in a folder has at most 255 bytes.
    return clean.encode()[:200].decode(errors="ignore") or fallback


def receive(stream: BinaryIO, path: Path, most_bytes: int) -> int:
    """Write what is sent into a file and return its size; it stops where there is more than allowed.

    Raises:
        TooLargeError: If there is more.
    """
    size = 0
    with path.open("wb") as file:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > most_bytes:
                raise TooLargeError(
                    f"the file is larger than {most_bytes / 1e6:,.0f} MB (max_file_size_mb) -> send less"
                )
            file.write(block)
    return size


def series_of_file(path: Path, profile_type: str, options: ImportOptions) -> Made:
    """Read a file into a series.

    Args:
        path: A file in a folder of its own, by the name that the user knows.
        profile_type: load or solar.
        options: How it is read.

    Raises:
        InvalidInputError: With everything that is wrong, under `/file` or the option.
        TooLargeError: If it is larger than it looked: rows, cells, or what it unpacks to.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    given = {one.name: getattr(options, one.name) for one in fields(options) if one.name != "resample_h"}
    opened = _bounded(path)
    try:
        profile = read_profile(opened, quantity=profile_type, **given)  # type: ignore[arg-type]
        if options.resample_h is not None:
            profile = resample(profile, options.resample_h)
    except ProfileError as error:
        raise InvalidInputError([_of_file(one, path) for one in error.problems]) from None
    except InvalidInputError as error:
        names = {"dt_h": "resample_h", "profile": "file"} if options.resample_h is not None else {}
        raise InvalidInputError(
            [replace(one, where=f"/{names.get(one.where, one.where)}") for one in error.problems]
        ) from None
    _check(profile, options)
    report = _told(profile.report, path)
    return Made(profile_type, np.array(profile.values), profile.dt_h, profile.start, "upload", report)


def _check(profile: Profile, options: ImportOptions) -> None:
    problems, report = Problems(), profile.report
    if report.values_unit != "MW":
        problems.add(
            "/column", f"{report.column} in {report.values_unit}", "a power", "choose a column, or say its unit"
        )
    missing = int(np.isnan(profile.values).sum())
    if missing:
        problems.add("/file", f"{missing} rows without a value", "a value in every row", "send gaps=fill, or mend them")
    if (profile.values < 0.0).any():
        problems.add("/file", "negative values", "0 MW or more", "send negatives=zero, or mend them")
    if not missing and float(np.abs(profile.values).max()) > _MOST_POWER_MW:
        problems.add(
            "/file", f"{float(profile.values.max()):.3g} MW", f"up to {_MOST_POWER_MW:,.0f} MW", "say the unit"
        )
    if profile.dt_h is None and profile.start is not None:
        problems.add("/file", "rows of different lengths", "one step for all rows",
                     "send rows of one length" + (", or gaps=fill" if options.gaps == "reject" else ""))  # fmt: skip
    problems.raise_if_any()


def _bounded(path: Path) -> Path:
    """Return a file that is safe to read whole: unpacked, and not too long."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        _check_parquet(path)
        return path
    if magic[:2] == b"\x1f\x8b":
        plain = path.with_name(f"unpacked-{path.name}")
        with gzip.open(path, "rb") as packed, plain.open("wb") as file:
            try:
                _copy(iter(lambda: packed.read(_BLOCK), b""), file)
            except (OSError, EOFError, zlib.error):
                raise InvalidInputError(
                    Problem("/file", "a damaged gzip file", "a complete gzip file", "copy the file again")
                ) from None
        path = plain
    if not magic.startswith((b"\xff\xfe", b"\xfe\xff")):
        _check_lines(path)
    return path


def _copy(blocks: Iterable[bytes], file: BinaryIO) -> None:
    size = 0
    for block in blocks:
        size += len(block)
        if size > _MOST_TEXT_BYTES:
            raise TooLargeError(f"the file unpacks to more than {_MOST_TEXT_BYTES / 1e6:,.0f} MB -> send less at once")
        file.write(block)


def _check_lines(path: Path) -> None:
    rows, separators, longest = 0, 0, 0
    with path.open("rb") as file:
        # Bounded reads: a line may be as long as the file.
        while line := file.readline(_LONGEST_LINE):
            rows += 1
            columns = max(line.count(sign) for sign in (b",", b";", b"\t", b"|"))
            separators += columns
            longest = max(longest, len(line))
            if rows > MOST_ROWS or separators > MOST_CELLS or longest >= _LONGEST_LINE or columns > _MOST_COLUMNS:
                raise _too_many()


def _check_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        facts, schema = file.metadata, file.schema_arrow
        if (
            facts.num_columns > _MOST_COLUMNS
            or facts.num_rows > MOST_ROWS
            or facts.num_rows * max(facts.num_columns, 1) > MOST_CELLS
        ):
            raise _too_many()
        odd = [field.name for field in schema if not _is_plain(field.type)]
        if odd:
            got = f"columns that are neither numbers, times nor text: {', '.join(repr(name)[:60] for name in odd[:5])}"
            raise InvalidInputError(Problem("/file", got, "numbers, times and text", "leave these columns out"))
        _check_texts(pq, path, [field.name for field in schema if _is_text(field.type)], facts.num_rows)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(
            Problem("/file", "a damaged Parquet file", "a complete Parquet file", "copy the file again")
        ) from None


def _check_texts(pq: Any, path: Path, names: list[str], rows: int) -> None:
    """Bound text columns by their dictionaries: a few bytes of a file may stand for gigabytes of text."""
    for name in names:
        table = pq.ParquetFile(path, read_dictionary=[name]).read(columns=[name])
        longest = 0
        for chunk in table.columns[0].chunks:
            words = getattr(chunk, "dictionary", chunk)
            longest = max([longest, *(len(word.as_py() or "") for word in words)]) if len(words) else longest
        if longest * rows > _MOST_TEXT_BYTES:
            raise _too_many()


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_temporal, pa.types.is_decimal)
    return _is_text(kind) or any(is_one(kind) for is_one in plain)


def _too_many() -> TooLargeError:
    return TooLargeError(
        f"at most {MOST_ROWS:,} rows and {MOST_CELLS:,} cells are read -> send one column, or less time"
    )


def _of_file(problem: Problem, path: Path) -> Problem:
    """Name the file, not where it lies on this machine, and options as the request has them."""
    place = problem.where.removeprefix(str(path)).removeprefix(str(path.with_name(f"unpacked-{path.name}"))).strip(", ")
    got = f"{place}: {problem.got}" if place else problem.got
    return Problem("/file", _local(got, path), problem.allowed, _ARGUMENT.sub(r"\1=\3", problem.next_move))


def _told(report: ImportReport, path: Path) -> ImportReport:
    """Return a report without the folder of this machine, and not longer than somebody reads."""
    changed: dict[str, Any] = {"path": path.name, "text_cells": report.text_cells[:_MOST_CELLS_TOLD]}
    for name in ("warnings", "changed"):
        changed[name] = tuple(_ARGUMENT.sub(r"\1=\3", _local(text, path)) for text in getattr(report, name))
    return replace(report, **changed)


def _local(text: str, path: Path) -> str:
    return text.replace(str(path.parent) + "/", "").replace(f"unpacked-{path.name}", path.name)
