"""Keeps what the headend saw: in the database, or on disk until the database is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from afterbay.core.errors import OutOfRangeError, Problem, UnavailableError
from afterbay.server.fleet.recorder.parcel import Parcel, pack_batch, read_parcel

if TYPE_CHECKING:
    from types import TracebackType

    from afterbay.fleet.headend.api import RecordBatch, Restored
    from afterbay.fleet.inventory import Inventory
    from afterbay.server.fleet.recorder.buffer import DiskBuffer
    from afterbay.server.fleet.recorder.store import Store

__all__ = ["DatabaseRecorder", "RecorderStatus"]

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)
_AT_ONCE = 8 * 2**20
_PARTITIONS_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How the recorder is."""

    failing_since: datetime | None
    error: str
    buffered_bytes: int
    samples_written: int
    samples_repeated: int
    """Were in the database already."""
    rejected: int


class DatabaseRecorder:
    """The headend's recorder. Use it in an `async with` block, which drains the disk when the database is back.

    While anything waits on disk everything new goes there too, so that the order stays.
    """

    def __init__(
        self,
        store: Store,
        buffer: DiskBuffer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        retry_s: tuple[float, float] = (0.5, 10.0),
        keep_days: float | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: The database.
            buffer: The disk.
            clock: Wall clock, UTC.
            retry_s: First and longest pause before what failed is tried again [s].
            keep_days: Telemetry of weeks that ended longer ago is dropped; None: everything is kept.

        Raises:
            OutOfRangeError: `keep_days` is less than a day.
        """
        if keep_days is not None and not keep_days >= 1.0:
            raise OutOfRangeError(
                Problem("keep_days", f"{keep_days:g}", "1 or more", "leave it out to keep everything")
            )
        self._store = store
        self._buffer = buffer
        self._clock = clock
        self._retry_s = retry_s
        self._keep_days = keep_days
        # Threads do the work; one at a time touches the buffer and the database.
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._failing_since: datetime | None = None
        self._error = ""
        self._written = 0
        self._repeated = 0

    async def __aenter__(self) -> DatabaseRecorder:
        self._tasks = [asyncio.create_task(self._drain_forever()), asyncio.create_task(self._partition_forever())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._turn:
            if not self._buffer.is_empty:
                _log.warning("%.1f MB wait on disk for the database; the next start writes them", self._megabytes())

    async def prepare(self, inventory: Inventory, *, reset: bool = False, prune: bool = False) -> Restored:
        """Bring the database to today's shape and to the inventory, write what waits on disk, read back the rest.

        Raises:
            UnavailableError: If the database does not answer.
        """
        async with self._turn:
            await _in_thread(
                lambda: self._store.prepare(inventory, reset=reset, prune=prune, now=self._clock())
            )  # fmt: skip
            while not self._buffer.is_empty:
                await self._write_oldest()
            await self._drop_old()
            return await _in_thread(lambda: self._store.restored(inventory))

    async def reconcile(self, inventory: Inventory) -> None:
        """Make the tables equal to an inventory that changed; a database that is away hears of it at the next start."""
        async with self._turn:
            try:
                await _in_thread(lambda: self._store.reconcile(inventory, prune=False, now=self._clock()))
            except UnavailableError as error:
                self._failed(error)

    async def write(self, batch: RecordBatch) -> None:
        """Return when the batch is committed, or on disk until it can be.

        Raises:
            UnavailableError: If neither is possible; nothing of it was kept.
        """
        parcel = await _in_thread(lambda: pack_batch(batch))
        async with self._turn:
            if self._buffer.is_empty:
                try:
                    self._count(parcel, await _in_thread(lambda: self._store.write(parcel)))
                except UnavailableError as error:
                    self._failed(error)
                else:
                    return
            await _in_thread(lambda: self._buffer.append(parcel.to_bytes()))
            self._wake.set()

    def status(self) -> RecorderStatus:
        """Return how it is."""
        return RecorderStatus(
            self._failing_since, self._error, self._buffer.size, self._written, self._repeated, self._store.rejected
        )

    async def _drain_forever(self) -> None:
        pause, longest = self._retry_s
        while True:
            if self._buffer.is_empty:
                self._wake.clear()
                await self._wake.wait()
            try:
                async with self._turn:
                    if not self._buffer.is_empty:
                        await self._write_oldest()
                pause = self._retry_s[0]
                # Whoever wants to add something goes first.
                await asyncio.sleep(0)
            except Exception as error:  # whatever it is: what is on disk stays there until it is written
                self._failed(error)
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, longest)

    async def _partition_forever(self) -> None:
        while True:
            await asyncio.sleep(_PARTITIONS_S)
            try:
                async with self._turn:
                    await _in_thread(lambda: self._store.make_partitions(self._clock()))
            except Exception:
                _log.exception("no partitions were made; samples go to the last one until there are some")
            async with self._turn:
                await self._drop_old()

    async def _drop_old(self) -> None:
        if self._keep_days is None:
            return
        before = self._clock() - timedelta(days=self._keep_days)
        try:
            await _in_thread(lambda: self._store.drop_old(before))
        except Exception:
            _log.exception("old telemetry was not dropped; it is tried again in %g h", _PARTITIONS_S / 3600.0)

    async def _write_oldest(self) -> None:
        def work() -> tuple[Parcel, int, int]:
            entries, place = self._buffer.peek(_AT_ONCE)
            whole = Parcel()
            for entry in entries:
                whole.add(read_parcel(entry))
            return whole, self._store.write(whole), place

        whole, new, place = await _in_thread(work)
        await _in_thread(lambda: self._buffer.drop(place))
        self._count(whole, new)

    def _count(self, parcel: Parcel, new: int) -> None:
        self._written += new
        self._repeated += parcel.sample_count - new
        if self._failing_since is not None:
            _log.warning("the database is back; %.1f MB wait on disk", self._megabytes())
            self._failing_since, self._error = None, ""

    def _failed(self, error: Exception) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock()
            _log.error("the database fails; samples are kept on disk: %s", error)
        self._error = str(error)[:300]

    def _megabytes(self) -> float:
        return self._buffer.size / 1e6


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    """Run blocking work; when the caller is cancelled the work still ends before anybody else has its turn."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise
