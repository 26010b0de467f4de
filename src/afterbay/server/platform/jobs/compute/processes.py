"""Big work in processes of this machine, which start when they are needed and end when they are not."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from afterbay.core.errors import UnavailableError
from afterbay.server.platform.jobs.compute.interface import MOST_DEATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from afterbay.server.platform.jobs.compute.interface import Chunk, Result

__all__ = ["ProcessCompute"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.1


class ProcessCompute:
    """A pool of processes, shared by the jobs of a worker."""

    def __init__(self, count: int, *, idle_s: float = 60.0) -> None:
        """Prepare a pool of `count` processes that end when nothing was asked of them for `idle_s` [s]."""
        self._count = count
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._users = 0
        self._timer: threading.Timer | None = None

    @property
    def label(self) -> str:
        """How many processes there are at most."""
        return f"{self._count} processes"

    def map(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        on_done: Callable[[int, Result], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[Result]:
        """Return the function's results; see `Compute.map`."""
        results: dict[int, Result] = {}
        deaths: Counter[int] = Counter()
        self._enter()
        try:
            while len(results) < len(chunks):
                left = [index for index in range(len(chunks)) if index not in results]
                # After a death nobody knows whose fault it was. One may be chance; then the suspects go one at a time.
                alone = [index for index in left if deaths[index] >= MOST_DEATHS - 1]
                batch = alone[:1] or left
                if not self._run(function, chunks, batch, results, on_done, check):
                    deaths.update(index for index in batch if index not in results)
                    _give_up(deaths)
        except BaseException:
            self._leave(unwanted=True)
            raise
        self._leave()
        return [results[index] for index in range(len(chunks))]

    def close(self) -> None:
        """End the processes; a later call begins anew."""
        with self._lock:
            self._end_pool()

    def pids(self) -> list[int]:
        """Return the ids of the processes that run now."""
        with self._lock:
            return list(self._pool._processes or ()) if self._pool is not None else []  # noqa: SLF001

    def _run(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        batch: Iterable[int],
        results: dict[int, Result],
        on_done: Callable[[int, Result], None] | None,
        check: Callable[[], None] | None,
    ) -> bool:
        """Run some chunks; returns False when a process died meanwhile."""
        pool = self._open_pool()
        futures: dict[Future[Result], int] = {}
        broken = False
        try:
            futures = {pool.submit(function, chunks[index]): index for index in batch}
            pending = set(futures)
            while pending:
                done, pending = wait(pending, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=futures.__getitem__):
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        broken = True
                        continue
                    results[futures[future]] = result
                    if on_done is not None:
                        on_done(futures[future], result)
                if check is not None:
                    check()
        except BrokenProcessPool:
            broken = True
        finally:
            for future in futures:
                future.cancel()
        if broken:
            self._drop(pool)
        return not broken

    def _open_pool(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                # Not fork: this process has threads, and their locks would be copied as they happen to be.
                method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
                context = multiprocessing.get_context(method)
                self._pool = ProcessPoolExecutor(self._count, mp_context=context, initializer=_begin)
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                _log.warning("a process of the pool died; its work is done again in new ones")
                self._end_pool()

    def _enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _leave(self, *, unwanted: bool = False) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._pool is None:
                return
            if unwanted:
                # What the processes are at would keep them busy to its end, and nobody waits for it.
                self._end_pool()
            else:
                self._timer = threading.Timer(self._idle_s, self._rest)
                self._timer.daemon = True
                self._timer.start()

    def _rest(self) -> None:
        with self._lock:
            if self._users == 0:
                self._end_pool()

    def _end_pool(self) -> None:
        pool, self._pool = self._pool, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())  # noqa: SLF001 -- `kill_workers` came with 3.14
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            # A compiled kernel would not listen to anything milder.
            process.kill()


def _give_up(deaths: Counter[int]) -> None:
    worst = [index for index, count in deaths.items() if count >= MOST_DEATHS]
    if worst:
        raise UnavailableError(
            f"the process that worked on chunk {worst[0]} died {MOST_DEATHS} times "
            f"-> it may need more memory than there is: ask for less at once, or give the worker more"
        )


def _begin() -> None:
    """Let a process end with its parent, also when that is killed."""
    parent: Any = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=follow, name="afterbay-follow", daemon=True).start()
