"""The agent's memory on disk: samples that the headend does not have yet, and the state that a restart needs.

One SQLite file, one transaction per tick. What the headend has confirmed goes first; then what is older than the
limit; and only then, as the last resort, the oldest: an operator is served by what is new. Whatever goes unconfirmed
is told as a gap. A disk that takes nothing stops nobody: samples wait in memory, and go out from there.
"""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections import deque
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from afterbay.core.errors import UnavailableError
from afterbay.fleet.agent.records import Gap, SpoolLimits, StoredBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["SPOOL_FILE", "Spool"]

SPOOL_FILE = "agent.sqlite"
_MARK_FILE = "unsaved.mark"
_VERSION = 1
_MOST_AGED_US = 60_000_000
_LEAP = 1_000_000
"""Numbers left out after a crash in which samples were sent that the disk never saw."""
_SCHEMA = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS batches(
    row INTEGER PRIMARY KEY AUTOINCREMENT, at_us INTEGER NOT NULL, kept_us INTEGER NOT NULL,
    samples INTEGER NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS state(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_SELECT = "SELECT row, at_us, samples, crc, payload FROM batches"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Spool:
    """See the module. All methods but `confirm` block for the disk, and belong to one thread at a time.

    Args:
        folder: The agent's data folder; it exists.
        limits: How much is kept.
        now: Stamps a broken file that is set aside.
        max_pages: A quota in pages of 4 KiB, as a full disk has one; None: no quota.

    Raises:
        UnavailableError: If no file can be made in the folder.
    """

    def __init__(self, folder: Path, limits: SpoolLimits, now: datetime, *, max_pages: int | None = None) -> None:
        self._folder = folder
        self._limits = limits
        self._max_pages = max_pages
        self._unsaved: deque[StoredBatch] = deque()
        self._unsaved_bytes = 0
        self._confirmed: deque[int] = deque()
        self._newest_first = 0
        self._aged_at: datetime | None = None
        self._forget: set[int] = set()
        self._spoilt: list[Gap] = []
        """Batches that came back from the disk other than they were; told with the next `save`."""
        self.set_aside: Path | None = None
        """A broken file that was replaced by a new one."""
        self.failing = ""
        """Why the disk takes nothing; empty: it does."""
        self._db = self._open(now)
        self.spool_id: str
        self.keep_newest = True
        """Keep the newest tick, also when it is confirmed: with it a restart knows where the devices were."""
        self.numbering: dict[str, int] = {}
        """Last sequence number of every asset."""
        self._take_up()

    @property
    def waiting(self) -> tuple[int, int]:
        """Samples and bytes that the headend has not confirmed."""
        return self._samples + sum(batch.samples for batch in self._unsaved), self._bytes + self._unsaved_bytes

    @property
    def unconfirmed(self) -> bool:
        """Is there a batch that the headend has not confirmed?"""
        return bool(self._unsaved) or self._rows > len(self._forget) + len(self._confirmed)

    @property
    def last_row(self) -> int:
        """Number of the newest batch."""
        return self._last_row

    def state(self, key: str) -> bytes | None:
        """Return what was saved under this name."""
        found = self._db.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def confirm(self, rows: Iterable[int]) -> None:
        """The headend has these batches for good; they go with the next `save`. From any thread."""
        self._confirmed.extend(rows)

    def save(
        self,
        batches: Sequence[tuple[int, bytes]],
        numbering: Mapping[str, int],
        state: Mapping[str, bytes],
        now: datetime,
    ) -> tuple[Gap, ...]:
        """Keep a tick: its batches (samples, payload), the numbers used, and the state, all or nothing.

        Returns:
            What had to be dropped; the oldest first.
        """
        self.numbering.update(numbering)
        self._age(now)
        if batches:
            self._newest_first = self._last_row + 1
        for samples, payload in batches:
            self._last_row += 1
            self._unsaved.append(StoredBatch(self._last_row, now, samples, payload))
            self._unsaved_bytes += len(payload)
        self._take_confirmed()
        told, self._spoilt = tuple(_merged(self._spoilt)), []
        try:
            gaps = self._write(state)
        except sqlite3.Error as error:
            self._undo()
            self._survive(error, now)
            return told + self._hold_in_memory(state)
        self._saved()
        return told + gaps

    def read(self, after_row: int, *, until_row: int | None = None, most: int = 16) -> list[StoredBatch]:
        """Return the next unconfirmed batches, oldest first."""
        self._take_confirmed()
        last = self._last_row if until_row is None else until_row
        found: list[StoredBatch] = []
        query = _SELECT + " WHERE row > ? AND row <= ? ORDER BY row LIMIT ?"
        try:
            spoilt = -1
            # Once more without those that the disk has spoilt: "none" means that there are no others.
            while not found and spoilt != len(self._spoilt):
                spoilt = len(self._spoilt)
                found = self._sound(query, (after_row, last, most + len(self._forget)))
        except sqlite3.Error as error:
            self.failing = _reason(error)
        found += [batch for batch in self._unsaved if after_row < batch.row <= last]
        found = [batch for batch in found if batch.row not in self._forget][:most]
        if any(batch in self._unsaved for batch in found):
            self._mark(True)
        return found

    def newest(self) -> list[StoredBatch]:
        """Return the batches of the last tick that the disk has."""
        latest = "SELECT at_us FROM batches ORDER BY row DESC LIMIT 1"
        query = f"{_SELECT} WHERE row > ? AND at_us = ({latest}) ORDER BY row"
        with suppress(sqlite3.Error):
            return self._sound(query, (self._last_row - 1000,))
        return []

    def _sound(self, query: str, values: tuple[int, ...]) -> list[StoredBatch]:
        """Return batches as they were written; one that the disk has changed since is forgotten and told as a gap."""
        found: list[StoredBatch] = []
        with closing(self._db.execute(query, values)) as rows:
            for row, at_us, samples, crc, payload in rows:
                if zlib.crc32(payload) == crc:
                    found.append(StoredBatch(row, _moment(at_us), samples, payload))
                elif row not in self._forget:
                    self._forget.add(row)
                    self._spoilt.append(Gap(samples, _moment(at_us), _moment(at_us), "spoilt"))
        return found

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _open(self, now: datetime) -> sqlite3.Connection:
        path = self._folder / SPOOL_FILE
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            # A disk that is full or away is no reason to throw a good file away.
            if not _is_broken(error) or not path.exists():
                raise UnavailableError(f"{path}: {_reason(error)} -> check the disk and the folder") from None
        self._put_aside(now)
        try:
            return self._connect()
        except sqlite3.Error as error:
            raise UnavailableError(f"{path}: {_reason(error)} -> check the disk and the folder") from None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._folder / SPOOL_FILE, timeout=5.0, check_same_thread=False, isolation_level=None)
        try:
            if self._max_pages is not None:
                db.execute(f"PRAGMA max_page_count = {self._max_pages:d}")
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)  # noqa: TRY301 - as SQLite itself says it of a worse one
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
        return db

    def _put_aside(self, now: datetime) -> None:
        path = self._folder / SPOOL_FILE
        aside = path.with_name(f"{SPOOL_FILE}.broken-{now:%Y%m%dT%H%M%S}")
        for ending in ("", "-wal", "-shm"):
            part = path.with_name(path.name + ending)
            if part.exists():
                part.replace(aside.with_name(aside.name + ending))
        self.set_aside = aside

    def _take_up(self) -> None:
        saved = self.state("numbering")
        known = json.loads(saved) if saved is not None else {}
        if known.get("version") == _VERSION:
            self.spool_id, self.numbering = known["spool_id"], {key: int(seq) for key, seq in known["assets"].items()}
        else:
            self.spool_id = uuid4().hex
        self._last_row: int = self._db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()[0]
        self._newest_first = self._last_row + 1
        self._kept_us: int = self._db.execute("SELECT coalesce(max(kept_us), 0) FROM batches").fetchone()[0]
        mark = self._folder / _MARK_FILE
        with suppress(OSError):
            if mark.exists() and mark.read_bytes()[:1] == b"1":
                self.numbering = {key: seq + _LEAP for key, seq in self.numbering.items()}
                self._last_row += _LEAP
            # Made now, while there is room: later only its one byte is overwritten, for which a full disk has room.
            mark.write_bytes(b"0")
        self._count()

    def _count(self) -> None:
        self._rows, self._samples, self._bytes = 0, 0, 0
        with suppress(sqlite3.Error):
            self._rows, self._samples, self._bytes = self._db.execute(
                "SELECT count(*), coalesce(sum(samples), 0), coalesce(sum(size), 0) FROM batches"
            ).fetchone()

    def _write(self, state: Mapping[str, bytes], *, give_up: int = 0) -> tuple[Gap, ...]:
        """Write everything in one transaction, after dropping `give_up` bytes of the oldest batches."""
        numbering = {"version": _VERSION, "spool_id": self.spool_id, "assets": self.numbering}
        rows = [(batch.row, _micros(batch.at), self._kept_us, batch.samples, len(batch.payload),
                 zlib.crc32(batch.payload), batch.payload) for batch in self._unsaved]  # fmt: skip
        values = [("numbering", json.dumps(numbering).encode()), *state.items()]
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        # First what gives room: a full disk may take the rest then.
        gaps = self._forget_confirmed_and_old()
        gaps += self._make_room(max(self._bytes - give_up, 0) if give_up else self._limits.max_bytes)
        db.executemany(
            "INSERT OR REPLACE INTO batches(row, at_us, kept_us, samples, size, crc, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        db.executemany("INSERT OR REPLACE INTO state(key, value) VALUES (?, ?)", values)
        self._rows += len(rows)
        self._samples += sum(row[3] for row in rows)
        self._bytes += sum(row[4] for row in rows)
        gaps += self._make_room(self._limits.max_bytes)
        db.execute("COMMIT")
        db.execute("PRAGMA incremental_vacuum(64)").fetchall()
        return tuple(gaps)

    def _forget_confirmed_and_old(self) -> list[Gap]:
        first_new = self._newest_first if self.keep_newest else math.inf
        for row in [one for one in self._forget if one < first_new]:
            gone = self._db.execute("DELETE FROM batches WHERE row = ? RETURNING samples, size", (row,)).fetchone()
            if gone is not None:
                self._rows -= 1
                self._samples -= gone[0]
                self._bytes -= gone[1]
        oldest = self._kept_us - int(self._limits.max_age_s * 1e6)
        return self._drop("row IN (SELECT row FROM batches ORDER BY row LIMIT 256) AND kept_us < ?", oldest, "too_old")

    def _age(self, now: datetime) -> None:
        """Move the clock by which samples grow old; a wall clock that is set by years makes none of them old."""
        passed_us = 0 if self._aged_at is None else _micros(now) - _micros(self._aged_at)
        self._kept_us += min(max(passed_us, 0), _MOST_AGED_US)
        self._aged_at = now

    def _make_room(self, most_bytes: int) -> list[Gap]:
        gaps: list[Gap] = []
        while self._bytes > most_bytes and self._samples:
            gaps += self._drop("row = (SELECT min(row) FROM batches) AND ? = 0", 0, "no_room")
        return _merged(gaps)

    def _drop(self, which: str, value: int, reason: str) -> list[Gap]:
        gone = self._db.execute(
            f"DELETE FROM batches WHERE {which} RETURNING at_us, samples, size",  # noqa: S608 - our own words
            (value,),
        ).fetchall()
        if not gone:
            return []
        self._rows -= len(gone)
        self._samples -= sum(row[1] for row in gone)
        self._bytes -= sum(row[2] for row in gone)
        moments = [row[0] for row in gone]
        return [Gap(sum(row[1] for row in gone), _moment(min(moments)), _moment(max(moments)), reason)]

    def _saved(self) -> None:
        self.failing = ""
        self._unsaved.clear()
        self._unsaved_bytes = 0
        first_new = self._newest_first if self.keep_newest else math.inf
        self._forget = {row for row in self._forget if row >= first_new}
        self._mark(False)

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._db.rollback()
        self._count()

    def _survive(self, error: sqlite3.Error, now: datetime) -> None:
        """Note why the disk takes nothing, and begin a new file when this one is broken."""
        self.failing = _reason(error)
        if _is_broken(error):
            self.close()
            with suppress(OSError, UnavailableError):
                self._put_aside(now)
                self._db = self._open(now)
            self._count()

    def _hold_in_memory(self, state: Mapping[str, bytes]) -> tuple[Gap, ...]:
        """Keep in memory what the disk does not take; what is too much for it costs the oldest samples."""
        if self._unsaved_bytes > self._limits.memory_bytes and self._bytes:
            try:
                gaps = self._write(state, give_up=2 * self._unsaved_bytes)
            except sqlite3.Error:
                self._undo()
            else:
                self._saved()
                return gaps
        with suppress(sqlite3.Error):
            # Small, and in place of what is there: commands and batteries are remembered also when samples are not.
            self._db.executemany("INSERT OR REPLACE INTO state(key, value) VALUES (?, ?)", state.items())
        lost: list[Gap] = []
        while self._unsaved_bytes > self._limits.memory_bytes:
            batch = self._unsaved.popleft()
            self._unsaved_bytes -= len(batch.payload)
            lost.append(Gap(batch.samples, batch.at, batch.at, "disk"))
        return tuple(_merged(lost))

    def _take_confirmed(self) -> None:
        while self._confirmed:
            self._forget.add(self._confirmed.popleft())
        if self._forget and self._unsaved:
            kept = [batch for batch in self._unsaved if batch.row not in self._forget]
            self._unsaved = deque(kept)
            self._unsaved_bytes = sum(len(batch.payload) for batch in kept)

    def _mark(self, unsaved_is_sent: bool) -> None:
        """Leave word for the next start that numbers were used which the disk does not know."""
        with suppress(OSError), (self._folder / _MARK_FILE).open("r+b", buffering=0) as mark:
            wanted = b"1" if unsaved_is_sent else b"0"
            if mark.read(1) != wanted:
                mark.seek(0)
                mark.write(wanted)


def _merged(gaps: Sequence[Gap]) -> list[Gap]:
    if len(gaps) < 2:
        return list(gaps)
    first = gaps[0]
    return [
        Gap(sum(gap.samples for gap in gaps), min(gap.since for gap in gaps), max(gap.until for gap in gaps),
            first.reason)
    ]  # fmt: skip


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _is_broken(error: sqlite3.Error) -> bool:
    """Is the file itself no good (SQLITE_CORRUPT, SQLITE_NOTADB)? Its subclasses are other troubles."""
    return type(error) is sqlite3.DatabaseError


def _reason(error: sqlite3.Error) -> str:
    return str(error) or type(error).__name__
