"""The steps of one option: a part of them as columns with units, or all of them as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from afterbay.core.errors import InvalidInputError, OutOfRangeError, Problem
from afterbay.server.sizing.service.runs_files import UNITS, hourly_table, parquet_bytes

if TYPE_CHECKING:
    from afterbay.server.sizing.service.results import FinishedRun
    from afterbay.sizing.simulation import HourlyResults

__all__ = ["StepsPage", "hourly_csv", "hourly_file", "read_steps", "steps_page"]

_STEP: Final = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class StepsPage:
    """Some steps of an option as columns of one length."""

    index: int
    label: str
    dt_h: float
    start: datetime | None
    """Start of step 1."""
    steps: int
    """Of the whole run."""
    first_step: int
    """Of this page, from 1."""
    columns: dict[str, list[Any]]
    units: dict[str, str]
    next_step: int | None
    """Where the next page begins; None: this is the last."""


def read_steps(hourly: HourlyResults, start: datetime | None, first: str | None, end: str | None) -> slice:
    """Return the steps from one moment or step to (and without) another.

    Args:
        hourly: The steps.
        start: Start of step 1, if there is a calendar.
        first: A step from 1, or a moment (ISO 8601); None: the first step.
        end: The same; None: to the last.

    Raises:
        InvalidInputError: If one cannot be read.
        OutOfRangeError: If the run has no such steps.
    """
    count, dt_h = len(hourly), hourly.params.dt_h
    low = 0 if first is None else _place("/from", first, start, dt_h)
    high = count if end is None else _place("/to", end, start, dt_h)
    if not 0 <= low < count:
        span = f"1..{count}" + (f", from {start.isoformat()} on" if start else "")
        raise OutOfRangeError(Problem("/from", str(first), f"a step or moment of this run: {span}"))
    if high <= low:
        raise OutOfRangeError(Problem("/to", str(end), "later than `from`", "swap the two"))
    return slice(low, min(high, count))


def steps_page(run: FinishedRun, index: int, first: str | None, end: str | None, limit: int) -> StepsPage:
    """Return a part of the steps of an option.

    Args:
        run: The run.
        index: The option.
        first: A step from 1, or a moment; None: the first step.
        end: The same, not included; None: to the last.
        limit: Most steps of the page.

    Raises:
        InvalidInputError: If the part cannot be read, or is not in this run.
    """
    hourly, start = run.hourly(index), run.project.start
    wanted = read_steps(hourly, start, first, end)
    stop = min(wanted.stop, wanted.start + limit)
    part = slice(wanted.start, stop)
    columns = {name: getattr(hourly, name)[part].tolist() for name in hourly.columns}
    times = {} if start is None else {"time": _times(start, hourly.params.dt_h, part)}
    return StepsPage(
        index,
        run.label(index),
        hourly.params.dt_h,
        start,
        len(hourly),
        part.start + 1,
        {**times, **columns},
        {**dict.fromkeys(times, ""), **UNITS},
        stop + 1 if stop < wanted.stop else None,
    )


def hourly_csv(hourly: HourlyResults, start: datetime | None, steps: slice = slice(None)) -> str:
    """Return steps as CSV text, as `afterbay size show --csv` does; a column `time` where there is a calendar."""
    columns: list[Sequence[Any]] = [getattr(hourly, name)[steps].tolist() for name in hourly.columns]
    names = list(hourly.columns)
    if start is not None:
        part = slice(*steps.indices(len(hourly)))
        names.insert(0, "time")
        columns.insert(0, _times(start, hourly.params.dt_h, part))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def hourly_file(run: FinishedRun, index: int, form: str, first: str | None, end: str | None) -> bytes:
    """Return steps of an option as a file.

    Args:
        run: The run.
        index: The option.
        form: csv, parquet or arrow (a stream of the Arrow format).
        first: A step from 1, or a moment; None: the first step.
        end: The same, not included; None: to the last.
    """
    path = run.row.hourly_data_path
    if form == "parquet" and index == run.shown and first is None and end is None and path is not None:
        return run.storage.get(path)
    hourly, start = run.hourly(index), run.project.start
    steps = read_steps(hourly, start, first, end)
    if form == "csv":
        return hourly_csv(hourly, start, steps).encode()
    table = hourly_table(hourly, start, steps)
    if form == "parquet":
        return parquet_bytes(table)
    import pyarrow as pa

    raw = io.BytesIO()
    with pa.ipc.new_stream(raw, table.schema) as stream:
        stream.write_table(table)
    return raw.getvalue()


def _times(start: datetime, dt_h: float, part: slice) -> list[str]:
    step = timedelta(hours=dt_h)
    return [(start + step * place).isoformat() for place in range(part.start, part.stop)]


def _place(where: str, text: str, start: datetime | None, dt_h: float) -> int:
    if _STEP.fullmatch(text):
        return int(text) - 1
    allowed = "a step from 1, or a moment such as 2019-12-14T03:00"
    try:
        # A plus sign in an address arrives as a blank unless it is written %2B.
        moment = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text))
    except ValueError:
        raise InvalidInputError(Problem(where, repr(text[:60]), allowed, "write it in ISO 8601")) from None
    if start is None:
        raise InvalidInputError(Problem(where, text, "a step from 1", "this run has no calendar: count its steps"))
    if moment.tzinfo is not None and start.tzinfo is None:
        raise InvalidInputError(
            Problem(where, text, "a moment without a zone", "the calendar of this run has no zone: leave it out")
        )
    if moment.tzinfo is None and start.tzinfo is not None:
        moment = moment.replace(tzinfo=start.tzinfo)
    # Inside a step counts as the step.
    return int((moment - start) / timedelta(hours=dt_h) // 1)
