"""Time columns: which one, which date order, which zone. A file that can be read two ways is not read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from afterbay.core.errors import Problem
from afterbay.profiles.table import STAMP

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from afterbay.profiles.report import ImportReport
    from afterbay.profiles.table import Table

__all__ = ["Stamps", "find_time_column", "instants_ns", "read_stamps", "stamp_text"]

_ELAPSED_S = {"s": 1, "sec": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60}
_ELAPSED_S |= {"h": 3600, "hour": 3600, "hours": 3600, "hoy": 3600}
_LONGEST_S = 9e9  # what 64 bits of nanoseconds hold
_TIME_WORDS = {"time", "timestamp", "datetime", "date", "elapsed", "stamp"}
_OPTION = {True: 'date_order="day_first"', False: 'date_order="month_first"'}


@dataclass(frozen=True, slots=True)
class Stamps:
    """The time of every row, in one of three kinds."""

    index: pd.Index[Any]
    """UTC or naive `DatetimeIndex`, `TimedeltaIndex` (elapsed), or a row number."""
    kind: str
    """`calendar`, `elapsed` or `none`."""
    local: ZoneInfo | None = None
    """Zone of the clock on the wall, for calendar days; None means the stamps as they are."""

    def wall(self, index: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Return stamps as the clock on the wall shows them, without a zone."""
        if index.tz is None:
            return index
        return (index if self.local is None else index.tz_convert(self.local)).tz_localize(None)


def find_time_column(table: Table) -> str | None:
    """Return the column that holds calendar stamps, else elapsed time, else None."""
    import pandas as pd

    for name, cells in table.columns.items():
        if isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M":
            return name
        if cells.dtype == object:
            # Whether this is a time column shows in the first rows; odd cells are reported later.
            head = [str(cell) for cell in cells.iloc[:50] if str(cell).strip()]
            if head and sum(bool(STAMP.fullmatch(cell)) for cell in head) > 0.5 * len(head):
                return name
    for name, cells in table.columns.items():
        words = re.split(r"[^a-z0-9]+", name.lower())
        unit_s = _elapsed_unit(words)
        if unit_s is None:
            continue
        numbers = pd.to_numeric(cells, errors="coerce")
        if numbers.isna().any() or float(numbers.abs().max()) * unit_s > _LONGEST_S:
            continue
        if words[0] in _TIME_WORDS or bool((numbers.diff().iloc[1:] > 0).all()):
            return name
    return None


def read_stamps(
    table: Table, column: str | None, report: ImportReport, *, date_order: str | None, zone: str | None
) -> tuple[Stamps, ImportReport, list[Problem]]:
    """Turn the time column into stamps; problems that a repair cannot mend are returned, not raised."""
    import pandas as pd

    report = replace(report, time_column=column)
    if column is None:
        problems = [
            Problem(
                f"{report.path}, column {name}",
                f"time stamps such as {str(cells.iloc[0])!r}",
                "2024-01-31 13:00, 31-01-2024 13:00 or 01/31/2024 1:00 PM, with four digits for the year",
                "write the stamps in one of these forms",
            )
            for name, cells in table.columns.items()
            if cells.dtype == object
            and _TIME_WORDS & set(re.split(r"[^a-z0-9]+", name.lower()))
            and pd.to_numeric(cells, errors="coerce").isna().mean() > 0.5
        ]
        return Stamps(pd.RangeIndex(len(table.rows)), "none"), report, problems
    cells = table.columns[column]
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M":
        lost = np.asarray(cells.isna()).nonzero()[0]
        if lost.size:
            got = f"{lost.size} rows without a stamp (row {', '.join(str(table.rows[i]) for i in lost[:5])})"
            problem = Problem(f"{report.path}, column {column}", got, "a stamp in every row", "mend these rows")
            return Stamps(pd.RangeIndex(len(cells)), "none"), report, [problem]
        naive_or_utc = pd.DatetimeIndex(cells).as_unit("ns")
        report = replace(report, date_order="year_first", date_order_reason="typed stamps in the file")
        return _place(naive_or_utc, table, report, zone, [])
    if cells.dtype != object or not STAMP.fullmatch(str(cells.iloc[0])):
        unit_s = _elapsed_unit(re.split(r"[^a-z0-9]+", column.lower()))
        if unit_s is not None:
            seconds = pd.to_numeric(cells, errors="coerce") * unit_s
            elapsed = pd.to_timedelta(seconds, unit="s")
            return Stamps(pd.TimedeltaIndex(elapsed, name=column), "elapsed"), report, []
    return _read_text(cells, table, report, date_order, zone)


def instants_ns(index: Any) -> NDArray[np.int64]:
    """Return a time index as whole nanoseconds, with or without a zone."""
    return np.asarray(index.as_unit("ns").asi8, dtype=np.int64)


def stamp_text(stamp: Any, stamps: Stamps) -> str:
    """Show a stamp on the clock of the file's zone."""
    if stamps.kind != "calendar":
        return str(stamp)
    if stamps.local is not None and stamp.tzinfo is not None:
        stamp = stamp.tz_convert(stamps.local)
    return str(stamp.isoformat(sep=" ", timespec="minutes" if stamp.second == 0 else "seconds"))


def _elapsed_unit(words: list[str]) -> int | None:
    """`time_s`, `elapsed_min`, `minute_of_day`, `hour_of_year`, `seconds`: seconds per unit."""
    if words[0] in {"time", "elapsed", "t"} and len(words) == 2:
        return _ELAPSED_S.get(words[1])
    if len(words) == 1 or words[1:] in (["of", "day"], ["of", "year"]):
        return _ELAPSED_S.get(words[0])
    return None


def _read_text(
    cells: pd.Series[Any], table: Table, report: ImportReport, date_order: str | None, zone: str | None
) -> tuple[Stamps, ImportReport, list[Problem]]:
    import pandas as pd

    where = f"{report.path}, column {report.time_column}"
    problems: list[Problem] = []
    parts = cells.astype(str).str.extract(f"^{STAMP.pattern}$")
    number = {name: pd.to_numeric(parts[name], errors="coerce") for name in "abc"}
    year_first = bool((number["a"] > 31).any())
    if year_first:
        year, month, day = number["a"], number["b"], number["c"]
        report = replace(report, date_order="year_first", date_order_reason="the year stands first")
    else:
        day_first, reason, found = _order(cells, number["a"], number["b"], where, date_order)
        problems += found
        report = replace(
            report,
            date_order=None if day_first is None else "day_first" if day_first else "month_first",
            date_order_reason=reason,
        )
        if day_first is None:
            return Stamps(pd.RangeIndex(len(cells)), "none"), report, problems
        day, month = (number["a"], number["b"]) if day_first else (number["b"], number["a"])
        year = number["c"]
    hour, minute, second = (pd.to_numeric(parts[name]).fillna(0) for name in ("hour", "minute", "second"))
    half = parts["ampm"].str.upper()
    hour = hour.mask(half.notna(), hour % 12 + 12 * (half == "PM"))
    clock_ok = (hour <= 24) & (minute < 60) & (second < 60) & ((hour < 24) | (minute + second == 0))
    moment = pd.to_datetime(
        pd.DataFrame({"year": year.where(year > 1000), "month": month, "day": day}), errors="coerce"
    ) + pd.to_timedelta(hour * 3600 + minute * 60 + second, unit="s")
    bad = (moment.isna() | ~clock_ok).to_numpy().nonzero()[0]
    if bad.size:
        shown = ", ".join(f"row {table.rows[i]}: {cells.iloc[i]!r}" for i in bad[:5])
        allowed = "a date and time that exist, all in one order"
        problems.append(Problem(where, f"{bad.size} stamps ({shown})", allowed, "mend or remove these rows"))
        return Stamps(pd.RangeIndex(len(cells)), "none"), report, problems
    if bool((hour == 24).any()):
        report = replace(report, warnings=(*report.warnings, "24:00 is read as 00:00 of the next day"))
    offsets = parts["offset"]
    naive = pd.DatetimeIndex(moment).as_unit("ns")
    if offsets.notna().any() and offsets.isna().any():
        problems.append(
            Problem(where, "stamps with and without a zone", "one way in all rows", "write them all in UTC")
        )
    elif offsets.notna().all():
        naive = (naive - pd.TimedeltaIndex(offsets.map(_offset))).tz_localize("UTC")
    return _place(naive, table, report, zone, problems)


def _order(
    cells: pd.Series[Any], first: pd.Series[Any], second: pd.Series[Any], where: str, wish: str | None
) -> tuple[bool | None, str, list[Problem]]:
    """Settle day first (True) or month first (False); None with a problem when the file cannot."""
    row_a, row_b = ((number > 12).to_numpy().nonzero()[0] for number in (first, second))
    if row_a.size and row_b.size:
        got = f"{cells.iloc[row_a[0]]!r} (day first) and {cells.iloc[row_b[0]]!r} (month first)"
        problem = Problem(where, got, "one date order in the whole file", "write the dates as 2024-01-31")
        return None, "two orders in one file", [problem]
    if row_a.size or row_b.size:
        day_first = bool(row_a.size)
        proof = str(cells.iloc[(row_a if day_first else row_b)[0]])
        reason = f"settled by {proof}: no month is above 12"
        if wish is not None and wish != ("day_first" if day_first else "month_first"):
            problem = Problem(f"{where}, date_order", repr(wish), f"{_OPTION[day_first]}: {reason}", "leave it out")
            return None, reason, [problem]
        return day_first, reason, []
    if wish is not None:
        return wish == "day_first", "as asked with date_order", []
    differ = (first != second).to_numpy().nonzero()[0]
    if not differ.size:
        return True, "every date reads the same both ways", []
    at = differ[0]
    a, b, year = int(first.iloc[at]), int(second.iloc[at]), STAMP.fullmatch(str(cells.iloc[at]))
    c = year["c"] if year else "?"
    return (
        None,
        "ambiguous",
        [
            Problem(
                f"{where}, date order",
                f"ambiguous: {cells.iloc[at]!r} is {c}-{b:02d}-{a:02d} day first or {c}-{a:02d}-{b:02d} "
                "month first, and no date in the file settles it",
                "one of the two",
                f"say {_OPTION[True]} or {_OPTION[False]}",
            )
        ],
    )


def _offset(text: str) -> Any:
    import pandas as pd

    if text in "Zz":
        return pd.Timedelta(0)
    sign = -1 if text[0] == "-" else 1
    return sign * pd.Timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))


def _place(
    index: pd.DatetimeIndex, table: Table, report: ImportReport, zone: str | None, problems: list[Problem]
) -> tuple[Stamps, ImportReport, list[Problem]]:
    """Put stamps on the UTC time line where their zone is known."""
    local = None if zone is None else ZoneInfo(zone)
    index = index.rename(report.time_column)
    if index.tz is not None:
        shown = "in the stamps, kept in UTC"
        if zone is not None:
            shown += f"; calendar days of {zone}"
        return Stamps(index.tz_convert("UTC"), "calendar", local), replace(report, zone=shown), problems
    if local is None:
        shown = "not stated in the file and none given: stamps stay naive"
        return Stamps(index, "calendar"), replace(report, zone=shown), problems
    report = replace(report, zone=f"{zone}, as given; kept in UTC")
    utc = index.tz_localize(local, ambiguous=_first_is_summer(index), nonexistent="NaT").tz_convert("UTC")
    lost = np.asarray(utc.isna()).nonzero()[0]
    if lost.size:
        shown = ", ".join(f"row {table.rows[i]}: {index[i]}" for i in lost[:3])
        problems = [
            *problems,
            Problem(
                f"{report.path}, zone",
                f"{lost.size} stamps that {zone} skips when its clock goes forward ({shown})",
                "stamps of a clock that changes, or the right zone",
                'if the file keeps standard time or UTC, name that zone, such as "Etc/GMT-1" or "UTC"',
            ),
        ]
        return Stamps(index, "calendar"), report, problems
    return Stamps(utc, "calendar", local), report, problems


def _first_is_summer(index: pd.DatetimeIndex) -> Any:
    """Tell the two passes through the repeated autumn hour apart by their order in the file."""
    return ~index.duplicated(keep="first")
