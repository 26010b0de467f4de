"""Where validated rows are kept: each row once, whatever is sent again.

`EnergyStore` is what the cycle needs of a store; `ParquetStore` keeps rows in files. A store knows a row by run,
user and quarter hour: what is there stays as it is, so that doing a cycle again changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from afterbay.community.cycle import store_files
from afterbay.community.cycle.contract import ENERGY_COLUMNS, quarter_of
from afterbay.community.cycle.rows import MICRO, Rows
from afterbay.community.cycle.state import CycleState
from afterbay.community.cycle.users import locate
from afterbay.core.errors import InvalidInputError, Problem
from afterbay.core.folder_lock import only_one

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from afterbay.community.cycle.store_files import Sums
    from afterbay.community.cycle.users import Keys

__all__ = ["DayTotals", "EnergyStore", "ParquetStore", "Stored"]

_RUN: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_LOCK_S: Final = 60.0
_MEMORY: Final = timedelta(days=31)
"""A user without a row for longer starts anew; nobody's battery keeps its charge that long."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of rows that were put into a store."""

    new: int
    already: int
    """Rows that were there: kept as they were."""
    differing: int = 0
    """Those of them that were there with other numbers."""

    def __str__(self) -> str:
        if not self.already:
            return f"{self.new:,} new"
        other = f", {self.differing:,} of them with other numbers, which were kept" if self.differing else ""
        return f"{self.already:,} rows already stored{other}, {self.new:,} new"


@dataclass(frozen=True, slots=True)
class DayTotals:
    """The sums of a day (UTC)."""

    rows: int
    intervals: int
    energy_kwh: dict[str, float] = field(default_factory=dict)
    """Sum of each flow [kWh]; the state of charge is no flow."""


class EnergyStore(Protocol):
    """What the cycle needs of a store; each method takes the name of the run."""

    def put(self, run: str, rows: Rows) -> Stored:
        """Add the rows that are not there yet, all or none."""
        ...

    def rows(self, run: str, moment: datetime) -> Rows:
        """Return the rows of a quarter hour; none there: no rows."""
        ...

    def state(self, run: str, before: datetime, keys: Keys) -> CycleState:
        """Return what each user's battery held at the end of the last quarter hour before `before`."""
        ...

    def frame(self, run: str, start: datetime, end: datetime, *, user: str | None = None) -> pd.DataFrame:
        """Return the rows from `start` up to `end`, the end not included, in the ten columns."""
        ...

    def last_moment(self, run: str) -> datetime | None:
        """Return the newest quarter hour that has rows, or None."""
        ...

    def totals(self, run: str, day: date) -> DayTotals:
        """Return the sums of a day (UTC)."""
        ...

    def compact(self, run: str, before: date) -> int:
        """Put what is older into a form that is cheap to keep; return how many days were."""
        ...


@dataclass(frozen=True, slots=True)
class ParquetStore:
    """A folder of Parquet files: `run=<run>/day=<YYYY-MM-DD>/<HHMM>.parquet`, later one `day.parquet` a day.

    Files are replaced whole; one writer at a time, by a lock file; readers need no lock.
    """

    folder: Path

    def put(self, run: str, rows: Rows) -> Stored:
        """Add the rows that are not there yet, all or none.

        Raises:
            ConflictError: If another process writes for a minute.
            InvalidInputError: If the files cannot be written, or one of them cannot be read.
        """
        if not len(rows):
            return Stored(0, 0)
        day = self._day(run, rows.moment.date())
        with only_one(self.folder / "store.lock", "storing rows", wait_s=_LOCK_S):
            held = self.rows(run, rows.moment)
            place = locate(rows.keys, held.keys)
            there = place >= 0
            differing = int((rows.micro[there] != held.micro[place[there]]).any(axis=1).sum())
            stored = Stored(int((~there).sum()), int(there.sum()), differing)
            if stored.new:
                # Rows that lie in a compacted day stay there; this file takes what is new beside them.
                beside = store_files.read(day / _file_of(rows.moment), rows.moment)
                store_files.write(day / _file_of(rows.moment), [_joined(beside, _take(rows, ~there))])
        return stored

    def rows(self, run: str, moment: datetime) -> Rows:
        """Return the rows of a quarter hour; none there: no rows."""
        at = quarter_of(moment)
        day = self._day(run, at.date())
        return _joined(store_files.read(day / store_files.DAY_FILE, at), store_files.read(day / _file_of(at), at))

    def state(self, run: str, before: datetime, keys: Keys) -> CycleState:
        """Return what each user's battery held at the end of the last quarter hour before `before`.

        Args:
            run: Name of the run.
            before: A quarter hour (UTC).
            keys: Users to look for; one without a row in the last 31 days is left out.
        """
        state = CycleState()
        wanted = np.unique(keys)
        for moment in self._moments(run, before - _MEMORY, before):
            rows = self.rows(run, moment)
            found = _take(rows, locate(rows.keys, wanted) >= 0)
            if len(found):
                # The newest comes first, so that older rows only tell of users not seen yet.
                state = _older(state, found)
                wanted = wanted[locate(wanted, found.keys) < 0]
            if not len(wanted):
                break
        return state

    def frame(self, run: str, start: datetime, end: datetime, *, user: str | None = None) -> pd.DataFrame:
        """Return the rows from `start` up to `end`, the end not included, in the ten columns.

        Args:
            run: Name of the run.
            start: First moment (UTC).
            end: Moment after the last (UTC).
            user: Only this user's rows.
        """
        import pandas as pd

        parts = [self.rows(run, moment).frame() for moment in reversed(list(self._moments(run, start, end)))]
        empty = Rows(np.empty(0, "S36"), np.empty(0, "S16"), quarter_of(start), np.empty((0, len(ENERGY_COLUMNS)), int))
        whole = pd.concat(parts, ignore_index=True) if parts else empty.frame()
        if user is not None:
            whole = whole[whole["user_id"].str.lower() == user.lower()].reset_index(drop=True)
        return whole

    def last_moment(self, run: str) -> datetime | None:
        """Return the newest quarter hour that has rows, or None."""
        return next(self._moments(run, None, None), None)

    def totals(self, run: str, day: date) -> DayTotals:
        """Return the sums of a day (UTC)."""
        found = self._sums(run, day)
        flows = [name for name in ENERGY_COLUMNS if name != "battery_soc_kwh"]
        places = [ENERGY_COLUMNS.index(name) for name in flows]
        energy = {
            name: sum(sums.micro[place] for sums in found.values()) / MICRO
            for name, place in zip(flows, places, strict=True)
        }
        return DayTotals(sum(sums.rows for sums in found.values()), len(found), energy)

    def compact(self, run: str, before: date) -> int:
        """Join the files of each day before `before` into one; return how many days were."""
        count = 0
        for day in self._days(run):
            folder = self._day(run, day)
            parts = _interval_files(folder)
            if day >= before or not parts:
                continue
            with only_one(self.folder / "store.lock", "compacting the store", wait_s=_LOCK_S):
                moments = sorted(self._sums(run, day))
                store_files.write(folder / store_files.DAY_FILE, [self.rows(run, moment) for moment in moments])
                # A crash here leaves rows twice; every reader takes them once.
                for part in parts:
                    part.unlink(missing_ok=True)
            count += 1
        return count

    def _sums(self, run: str, day: date) -> dict[datetime, Sums]:
        """Return the sums of each quarter hour of a day, from the files' heads alone where that can be."""
        folder = self._day(run, day)
        joined = store_files.sums(folder / store_files.DAY_FILE)
        found = dict(joined)
        for part in _interval_files(folder):
            for moment, sums in store_files.sums(part).items():
                found[moment] = store_files.sums_of(self.rows(run, moment)) if moment in joined else sums
        return found

    def _moments(self, run: str, start: datetime | None, end: datetime | None) -> Iterator[datetime]:
        """Walk the quarter hours that have rows, newest first."""
        for day in reversed(self._days(run)):
            if (start is not None and day < start.date()) or (end is not None and day > end.date()):
                continue
            folder = self._day(run, day)
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            there = {
                midnight + timedelta(hours=int(part.name[:2]), minutes=int(part.name[2:4]))
                for part in _interval_files(folder)
            } | set(store_files.sums(folder / store_files.DAY_FILE))
            for moment in sorted(there, reverse=True):
                if (start is None or moment >= start) and (end is None or moment < end):
                    yield moment

    def _days(self, run: str) -> list[date]:
        found = []
        for folder in self._run(run).glob("day=*"):
            try:
                found.append(date.fromisoformat(folder.name[4:]))
            except ValueError:
                continue
        return sorted(found)

    def _run(self, run: str) -> Path:
        if not _RUN.fullmatch(run):
            raise InvalidInputError(
                Problem("run", repr(run), "letters, digits, _ . - up to 64 characters", "such as home")
            )
        return self.folder / f"run={run}"

    def _day(self, run: str, day: date) -> Path:
        return self._run(run) / f"day={day.isoformat()}"


def _file_of(moment: datetime) -> str:
    return f"{quarter_of(moment):%H%M}.parquet"


def _interval_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[0-9][0-9][0-9][0-9].parquet"))


def _take(rows: Rows, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Rows:
    return Rows(rows.user_id[chosen], rows.keys[chosen], rows.moment, rows.micro[chosen])


def _joined(first: Rows, second: Rows) -> Rows:
    """Return the rows of both; of a user in both, those of the first."""
    if not len(second):
        return first
    more = _take(second, locate(second.keys, first.keys) < 0)
    if not len(first):
        return more
    return Rows(
        np.concatenate([first.user_id, more.user_id]),
        np.concatenate([first.keys, more.keys]),
        first.moment,
        np.concatenate([first.micro, more.micro]),
    )


def _older(state: CycleState, rows: Rows) -> CycleState:
    stored = ENERGY_COLUMNS.index("battery_soc_kwh")
    return CycleState(
        np.concatenate([state.user_id, rows.user_id]),
        np.concatenate([state.keys, rows.keys]),
        np.concatenate([state.stored_micro, rows.micro[:, stored]]),
    )
