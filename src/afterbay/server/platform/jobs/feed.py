"""News of jobs, as the database tells them: one listening thread for a whole process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from afterbay.server.platform.jobs.view import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import URL

__all__ = ["JobFeed", "Waiter", "feed_of"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.5
_PAUSE_S = 1.0
_making = threading.Lock()


@dataclass(eq=False, slots=True)
class Waiter:
    """Somebody who waits for news, on the loop that it was made on."""

    concerns: Callable[[Mapping[str, Any]], bool]
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> bool:
        """Wait for news that came since the last call; returns False when the time is up."""
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return False
        self.news.clear()
        return True


class JobFeed:
    """Listens to changes of jobs and wakes those whom they concern.

    News carry no state: whoever is woken asks the database, which alone knows.
    """

    def __init__(self, url: URL) -> None:
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._lock = threading.Lock()
        self._waiters: set[Waiter] = set()
        self._ended = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job feed", daemon=True)

    def start(self) -> None:
        """Begin to listen, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def listening(self) -> bool:
        """Does the database tell us its news now?"""
        return self._listening.is_set()

    @contextmanager
    def waiter(self, concerns: Callable[[Mapping[str, Any]], bool]) -> Iterator[Waiter]:
        """Give somebody who is woken by news of `{id, owner, state, version}` that concern them."""
        waiter = Waiter(concerns, asyncio.get_running_loop())
        with self._lock:
            self._waiters.add(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                self._waiters.discard(waiter)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                _log.warning("no news of jobs (%s); trying again", type(error).__name__)
            except Exception:
                _log.exception("no news of jobs; trying again")
            self._listening.clear()
            self._ended.wait(_PAUSE_S)

    def _listen(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5, keepalives_idle=10) as connection:
            connection.execute(f"LISTEN {CHANNEL}".encode())
            self._listening.set()
            # What was told while nobody listened is lost: everybody looks.
            self._wake(None)
            while not self._ended.is_set():
                for notice in connection.notifies(timeout=_LOOK_S):
                    self._wake(json.loads(notice.payload))

    def _wake(self, news: Mapping[str, Any] | None) -> None:
        with self._lock:
            concerned = [one for one in self._waiters if news is None or one.concerns(news)]
        for one in concerned:
            # The loop of a reader who left may be closed.
            with contextlib.suppress(RuntimeError):
                one.loop.call_soon_threadsafe(one.news.set)


def feed_of(state: Any) -> JobFeed:
    """Return the feed of an application, which begins to listen when somebody waits for the first time.

    Args:
        state: Of the application: its `engine`; the feed is kept as `job_feed`.
    """
    with _making:
        feed: JobFeed | None = getattr(state, "job_feed", None)
        if feed is None:
            feed = state.job_feed = JobFeed(state.engine.url)
            feed.start()
        return feed
