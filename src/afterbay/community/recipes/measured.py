"""Measured houses: columns of a Parquet file, read as a run goes along and never all at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from afterbay.community.recipes.recipe import Recipe
from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem, Problems, ProfileError
from afterbay.core.timeline import steps_per_day

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from afterbay.community.recipes.profile import Calendar, Unit
    from afterbay.core.compiled import Floats

__all__ = ["ColumnStream", "ParquetColumn", "measured", "measured_columns", "number_columns"]

_BATCH_ROWS = 4096
_ALLOWED = "a Parquet file with one column of time and one of numbers for each profile"


@dataclass(frozen=True, slots=True, eq=False)
class ParquetColumn:
    """A dated profile whose values stay in their file."""

    name: str
    unit: Unit
    dt_h: float
    """Step [h]."""
    start: datetime
    """Start of the first row (UTC)."""
    count: int
    """Rows [-]."""
    recipe: Recipe
    digest: str
    """SHA-256 of recipe and values."""
    path: str
    column: str
    scale: float = 1.0
    """Factor on the column [-]."""
    repeats: bool = False
    """Whether it goes on outside its own time, by whole weeks."""
    notes: tuple[str, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """Always `dated`: these very steps."""
        return "dated"

    @property
    def end(self) -> datetime:
        """End of the last row (UTC)."""
        return self.start + timedelta(hours=self.dt_h) * self.count

    def load(self) -> Floats:
        """Return all values [kW or kW/kW], shape (count,)."""
        return ColumnStream(self.path, [self.column]).rows(0, self.count)[:, 0] * self.scale


def measured(
    name: str,
    path: str | os.PathLike[str],
    column: str,
    *,
    scale: float = 1.0,
    unit: Unit = "kW",
    repeats: bool = False,
) -> ParquetColumn:
    """Return one column of a Parquet file as a profile; its values are read when a run needs them.

    Args:
        name: Name of the profile.
        path: Parquet file with one time column (UTC, equal steps) and columns of mean power.
        column: Column to use.
        scale: Factor on the column [-], > 0.
        unit: What the values are after scaling.
        repeats: Whether the column goes on outside its own time: shifted by whole weeks, so that week
            days stay and the season moves by a few days at most.

    Raises:
        ProfileError: If the file cannot be used, with all reasons.
        MissingExtraError: If pyarrow is not installed.
    """
    return measured_columns(path, {name: column}, scale=scale, unit=unit, repeats=repeats)[name]


def measured_columns(
    path: str | os.PathLike[str],
    columns: Mapping[str, str] | None = None,
    *,
    scale: float = 1.0,
    unit: Unit = "kW",
    repeats: bool = False,
) -> dict[str, ParquetColumn]:
    """Return many columns of one file, each as a profile; the file is read once.

    Args:
        path: As for `measured`.
        columns: Column of each profile name; by default every number column under its own name.
        scale: As for `measured`; so `unit` and `repeats`.
        unit: As for `measured`.
        repeats: As for `measured`.

    Raises:
        ProfileError: If the file cannot be used, with all reasons.
        MissingExtraError: If pyarrow is not installed.
    """
    if not (np.isfinite(scale) and scale > 0.0):
        raise InvalidInputError(Problem("scale", repr(scale), "a finite number above 0", "1 keeps the values"))
    file = str(path)
    stream = ColumnStream(file, [])
    there = number_columns(stream)
    wanted = {column: column for column in there} if columns is None else dict(columns)
    problems = Problems()
    for name, column in wanted.items():
        if column not in there:
            shown = ", ".join(there[:10]) + (", ..." if len(there) > 10 else "")
            problems.add(f"{file}, column of {name}", repr(column), shown or "no number column", "name one of these")
    if problems:
        raise ProfileError(problems.found)
    start, dt_h = _time_of(stream)
    used = sorted(set(wanted.values()))
    sums = {column: hashlib.sha256() for column in used}
    for first, block in ColumnStream(file, used).walk():
        for place, column in enumerate(used):
            values = np.ascontiguousarray(block[:, place] * scale, dtype="<f8")
            sums[column].update(values.tobytes())
            bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
            if bad.size and not any(problem.where.endswith(f"column {column}") for problem in problems.found):
                got = f"{values[bad[0]]} in row {first + int(bad[0]) + 1}"
                problems.add(f"{file}, column {column}", got, "a finite number >= 0 in every row", "mend the file")
    if problems:
        raise ProfileError(problems.found)
    made = {}
    for name, column in wanted.items():
        recipe = Recipe(
            "measured", {"path": file, "column": column, "scale": float(scale), "unit": unit, "repeats": repeats}
        )
        digest = hashlib.sha256(recipe.digest.encode() + sums[column].digest()).hexdigest()
        made[name] = ParquetColumn(
            name, unit, dt_h, start, stream.count, recipe, digest, file, column, float(scale), repeats
        )
    return made


def number_columns(stream: ColumnStream) -> list[str]:
    """Return the names of the number columns of a file."""
    import pyarrow as pa

    return [
        field.name
        for field in stream.file.schema_arrow
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
    ]


class ColumnStream:
    """Columns of a file, read from the front; a step back starts again."""

    def __init__(self, path: str, columns: Sequence[str]) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError("pyarrow", "parquet", "reading measured profiles") from None
        self.path, self.columns = path, list(columns)
        try:
            self.file: Any = parquet.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            got = "no such file" if not Path(path).exists() else f"a file that cannot be read ({type(error).__name__})"
            raise ProfileError(Problem(path, got, _ALLOWED, "check the path")) from None
        self.count = int(self.file.metadata.num_rows)
        self._batches: Iterator[tuple[int, Floats]] = iter(())
        self._first = self.count
        self._held: Floats = np.empty((0, len(self.columns)))

    def walk(self) -> Iterator[tuple[int, Floats]]:
        """Walk the file in blocks: index of the first row, and values of shape (n_rows, n_columns)."""
        first = 0
        for batch in self.file.iter_batches(batch_size=_BATCH_ROWS, columns=self.columns):
            block = np.empty((batch.num_rows, len(self.columns)))
            for place, column in enumerate(self.columns):
                block[:, place] = batch.column(batch.schema.get_field_index(column)).to_numpy(zero_copy_only=False)
            yield first, block
            first += batch.num_rows

    def rows(self, first: int, count: int) -> Floats:
        """Return rows `first` to `first + count - 1`, shape (count, n_columns)."""
        if first < self._first:
            self._batches, self._first = self.walk(), 0
            self._held = np.empty((0, len(self.columns)))
        while self._first + len(self._held) < first + count:
            try:
                at, block = next(self._batches)
            except StopIteration:
                got = f"fewer than {first + count} rows"
                raise ProfileError(
                    Problem(self.path, got, "the file as it was when its profiles were made", "bring it back")
                ) from None
            keep = self._held[max(first - self._first, 0) :]
            self._first = at - len(keep)
            self._held = np.concatenate([keep, block]) if len(keep) else block
        begin = first - self._first
        return self._held[begin : begin + count]


def _time_of(stream: ColumnStream) -> tuple[datetime, float]:
    """Return start and step [h] of the file's only time column."""
    import pyarrow as pa

    names = [field.name for field in stream.file.schema_arrow if pa.types.is_timestamp(field.type)]
    if len(names) != 1:
        got = f"{len(names)} time columns"
        raise ProfileError(Problem(stream.path, got, _ALLOWED, "keep one column of time stamps"))
    column = stream.file.read(columns=names).column(0)
    where = f"{stream.path}, column {names[0]}"
    if column.type.tz is None:
        raise ProfileError(Problem(where, "stamps without a zone", "stamps in UTC", "write them in UTC"))
    stamps = column.cast(pa.timestamp("s", "UTC"), safe=False).to_numpy().astype("datetime64[s]").astype(np.int64)
    steps = np.unique(np.diff(stamps))
    if len(stamps) < 2 or len(steps) != 1 or steps[0] <= 0:
        got = f"{len(stamps)} rows with {len(steps)} different distances"
        raise ProfileError(Problem(where, got, "rows in equal steps, without gaps", "fill the gaps first"))
    dt_h = float(steps[0]) / 3600.0
    steps_per_day(dt_h)
    start = datetime.fromtimestamp(int(stamps[0]), tz=UTC)
    return start, dt_h
