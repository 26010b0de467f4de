"""Signs of life of this worker's attempts, and a look after those of others."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from afterbay.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.server.platform.jobs.service.leases import Leases
    from afterbay.server.platform.jobs.tasks.running import Runner
    from afterbay.server.platform.jobs.tasks.timing import Timing

__all__ = ["Beat"]

_log = logging.getLogger(__name__)


class Beat:
    """A thread that says "alive" for every attempt, hears of cancellations, and recovers jobs of dead workers."""

    def __init__(
        self, runner: Runner, leases: Leases, timing: Timing, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runner = runner
        self._leases = leases
        self._timing = timing
        self._clock = clock
        self._reachable_since: float | None = None
        self._recovered_at = clock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job beat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, within one beat."""
        self._ended.set()
        self._thread.join(self._timing.beat_s + 5.0)

    def _run(self) -> None:
        while not self._ended.wait(self._timing.beat_s):
            try:
                self.once()
            except UnavailableError as error:
                self._reachable_since = None
                _log.warning("no sign of life: %s", error)
            except Exception:
                _log.exception("the beat stumbled")

    def once(self) -> None:
        """Do what is due now.

        Raises:
            UnavailableError: If the database does not answer.
        """
        now, running = self._clock(), self._runner.running
        due = now - self._recovered_at >= self._timing.stalled_s / 3.0
        if not running and not due:
            return
        alive = self._leases.beat([one.taken.lease for one in running])
        # After a rest of the database nobody has given a sign of life: everybody gets the time to do so.
        self._reachable_since = now if self._reachable_since is None else self._reachable_since
        for one in running:
            cancelled = alive.get(one.taken.lease)
            if cancelled is None:
                # It has just ended, or another worker took it.
                one.context.interrupt(lost=True)
            elif cancelled:
                one.cancel()
            patience_s = self._timing.cancel_grace_s
            if one.cancelled_at is not None and not one.giving_back and now - one.cancelled_at > patience_s:
                self._runner.cut(one)
        if due:
            self._recovered_at = now
            if now - self._reachable_since >= self._timing.stalled_s:
                self._recover()

    def _recover(self) -> None:
        for job in self._leases.recover(self._timing.stalled_s):
            _log.warning("job %s (%s) had lost its worker: %s", job.id, job.task, job.state)
