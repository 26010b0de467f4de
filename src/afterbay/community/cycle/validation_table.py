"""Results as columns that rules can be asked about, from a file or a frame; nothing is dropped or mended."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afterbay.community.cycle.cells import read_cells, read_numbers
from afterbay.community.cycle.contract import ENERGY_COLUMNS, RESULT_COLUMNS, as_utc
from afterbay.community.cycle.users import Ids, Keys, parse_ids
from afterbay.core.compiled import Floats, Indices
from afterbay.core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["ResultsTable", "read_table"]

_NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class ResultsTable:
    """The cells of a results file and what they mean; row i of each array is row i of the file."""

    name: str
    file_problems: tuple[str, ...]
    """What is wrong with the file as a whole, such as a missing column."""
    notices: tuple[str, ...]
    lines: Indices
    """Line of the file, the header is line 1; for a frame its place + 2, as if it were written."""
    texts: dict[str, Sequence[Any]]
    """The cells as they came."""
    ragged: NDArray[np.bool_]
    """Rows with too few or too many cells."""
    user_id: Ids
    keys: Keys
    known_id: NDArray[np.bool_]
    seconds: Indices
    """Timestamp in seconds since 1970 UTC, `no_time` where there is none."""
    kwh: dict[str, Floats]
    """Energies, nan where a cell is no finite number."""

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def timed(self) -> NDArray[np.bool_]:
        """Rows whose timestamp is a time."""
        return np.asarray(self.seconds != _NO_TIME, dtype=np.bool_)

    @property
    def steps(self) -> Indices:
        """Number of the quarter hour of each row; only meaningful where `timed`."""
        return np.where(self.timed, self.seconds, 0) // 900


def read_table(results: pd.DataFrame | str | os.PathLike[str]) -> ResultsTable:
    """Read results from a file or take them from a frame with the columns of the contract."""
    if not isinstance(results, (str, os.PathLike)):
        return _from_frame(results)
    path = Path(results)
    try:
        cells = read_cells(path, RESULT_COLUMNS)
    except InvalidInputError as error:
        return _empty(path.name, tuple(str(problem) for problem in error.problems))
    problems = tuple(problem.got for problem in cells.header_problems)
    if problems:
        return _empty(path.name, problems)
    ragged = np.isin(cells.lines, [*cells.short, *cells.long])
    return _table(path.name, cells.columns, cells.lines, ragged, cells.notices)


def _from_frame(frame: pd.DataFrame) -> ResultsTable:
    names = [str(name) for name in frame.columns]
    problems = [f"Missing column: {name}" for name in RESULT_COLUMNS if name not in names]
    problems += [f"Unknown column: {name}" for name in dict.fromkeys(names) if name not in RESULT_COLUMNS]
    problems += [f"Duplicated column: {name}" for name in RESULT_COLUMNS if names.count(name) > 1]
    if problems:
        return _empty("the frame", tuple(problems))
    columns: dict[str, Sequence[Any]] = {name: frame[name].tolist() for name in RESULT_COLUMNS}
    lines = np.arange(2, len(frame) + 2, dtype=np.int64)
    return _table("the frame", columns, lines, np.zeros(len(frame), dtype=np.bool_), ())


def _table(name: str, texts: Any, lines: Indices, ragged: NDArray[np.bool_], notices: tuple[str, ...]) -> ResultsTable:
    raw = np.array([str(cell).encode("ascii", "replace")[:37] for cell in texts["user_id"]], dtype="S37")
    user_id = raw.astype("S36")
    keys, known = parse_ids(user_id)
    known &= np.char.str_len(raw) == 36
    times = {cell: _seconds(cell) for cell in set(texts["timestamp"])}
    return ResultsTable(
        name,
        (),
        notices,
        lines,
        texts,
        ragged,
        user_id,
        keys,
        known,
        np.array([times[cell] for cell in texts["timestamp"]], dtype=np.int64),
        {column: _numbers(texts[column]) for column in ENERGY_COLUMNS},
    )


def _numbers(cells: Sequence[Any]) -> Floats:
    if set(map(type, cells)) == {str}:
        return read_numbers(cells)[0]
    values = np.array([_float(cell) for cell in cells], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _float(cell: Any) -> float:
    if isinstance(cell, str):
        return float(read_numbers([cell])[0][0])
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def _seconds(cell: Any) -> int:
    try:
        moment = as_utc(cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell)))
        return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)
    except (ValueError, OverflowError, TypeError):  # NaT is a datetime that cannot do anything
        return _NO_TIME


def _empty(name: str, problems: tuple[str, ...]) -> ResultsTable:
    nothing = np.empty(0, dtype=np.int64)
    none = np.empty(0, dtype=np.bool_)
    ids = np.empty(0, dtype="S36")
    columns: dict[str, Sequence[Any]] = dict.fromkeys(RESULT_COLUMNS, ())
    energies = {column: np.empty(0) for column in ENERGY_COLUMNS}
    return ResultsTable(
        name, problems, (), nothing, columns, none, ids, np.empty(0, dtype="S16"), none, nothing, energies
    )
