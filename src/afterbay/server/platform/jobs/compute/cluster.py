"""Big work on a Dask cluster."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from afterbay.core.errors import InvalidInputError, MissingExtraError, Problem, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from afterbay.server.platform.jobs.compute.interface import Chunk, Result

__all__ = ["ClusterCompute"]

_LOOK_S = 0.1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ClusterCompute:
    """A Dask scheduler by address; certificates come from Dask's own settings (`DASK_DISTRIBUTED__COMM__TLS__...`)."""

    def __init__(self, address: str, *, connect_s: float = 10.0, away_s: float = 30.0) -> None:
        """Remember a scheduler; nothing is connected yet.

        Args:
            address: `tls://host:8786`, or `tcp://127.0.0.1:8786`.
            connect_s: Longest wait for the first answer [s].
            away_s: How long the scheduler may be out of reach before work is given up [s].

        Raises:
            InvalidInputError: If the address is none, or would carry code in the clear beyond this machine.
        """
        parts = urlsplit(address)
        plain = parts.scheme == "tcp" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (plain or parts.scheme == "tls"):
            raise InvalidInputError(
                Problem("AFTERBAY_DASK", address, "tls://host:port (tcp:// on this machine only)",
                        "whoever reaches a scheduler runs code on it: give it certificates")
            )  # fmt: skip
        self._address = address
        self._connect_s = connect_s
        self._away_s = away_s
        self._lock = threading.Lock()
        self._client: Any = None

    @property
    def label(self) -> str:
        """The scheduler's address."""
        return f"Dask at {self._address}"

    def map(
        self,
        function: Callable[[Chunk], Result],
        chunks: Sequence[Chunk],
        *,
        on_done: Callable[[int, Result], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> list[Result]:
        """Return the function's results; see `Compute.map`."""
        client = self._open()
        finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        # Not pure: two jobs with equal chunks must not share futures, or cancelling one would take the other's.
        futures = [client.submit(function, chunk, pure=False) for chunk in chunks]
        results: dict[int, Result] = {}
        try:
            for index, future in enumerate(futures):
                future.add_done_callback(lambda _, index=index: finished.put(index))
            while len(results) < len(chunks):
                index = self._next(finished, client, check)
                if index not in results:
                    results[index] = self._result(futures[index])
                    if on_done is not None:
                        on_done(index, results[index])
                    # The cluster may forget it now.
                    futures[index].release()
        except BaseException:
            self._cancel(client, [future for index, future in enumerate(futures) if index not in results])
            raise
        return [results[index] for index in range(len(chunks))]

    def close(self) -> None:
        """Leave the cluster; a later call connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close(timeout=2)

    def _open(self) -> Any:
        try:
            import distributed
        except ImportError:
            raise MissingExtraError("distributed", "cluster", "a Dask cluster") from None
        with self._lock:
            if self._client is None or self._client.status != "running":
                try:
                    api: Any = distributed
                    self._client = api.Client(self._address, timeout=self._connect_s, set_as_default=False)
                except (OSError, TimeoutError, ValueError) as error:
                    raise UnavailableError(
                        f"{self.label} does not answer ({type(error).__name__}) -> is the scheduler up, and do its "
                        f"certificates fit?"
                    ) from error
            return self._client

    def _next(self, finished: queue.SimpleQueue[int], client: Any, check: Callable[[], None] | None) -> int:
        """Wait until a chunk is finished."""
        away_since: float | None = None
        while True:
            if check is not None:
                check()
            try:
                return finished.get(timeout=_LOOK_S)
            except queue.Empty:
                pass
            if client.status == "running":
                away_since = None
                continue
            away_since = away_since or time.monotonic()
            if client.status == "closed" or time.monotonic() - away_since > self._away_s:
                raise UnavailableError(f"{self.label} went away -> is the scheduler up?")

    def _result(self, future: Any) -> Any:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            return future.result(timeout=self._away_s)
        except KilledWorker as error:
            raise UnavailableError(
                f"{self.label}: the machines that worked on a chunk died, each time -> they may need more memory"
            ) from error
        except (CancelledError, TimeoutError, OSError) as error:
            if future.status == "error":
                raise
            raise UnavailableError(
                f"{self.label} lost a chunk ({type(error).__name__}) -> is the cluster up?"
            ) from error

    def _cancel(self, client: Any, futures: list[Any]) -> None:
        if futures and client.status == "running":
            client.cancel(futures, force=True)
