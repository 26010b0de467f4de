"""A cycle with everything it needs: settings, store, records, log, locks, health and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from afterbay.community.cycle.contract import STEP, results_name
from afterbay.community.cycle.health import Look, health_of, settled
from afterbay.community.cycle.health_alerts import AlertBook, command_hook, url_hook
from afterbay.community.cycle.ledger import DONE, Ledger
from afterbay.community.cycle.log import CycleLog
from afterbay.community.cycle.run import seed_of
from afterbay.community.cycle.runner import run_cycle
from afterbay.community.cycle.runner_steps import CycleSteps
from afterbay.community.cycle.runner_watch import Watch, watch
from afterbay.community.cycle.schedule import quarters
from afterbay.community.cycle.store import ParquetStore
from afterbay.community.cycle.transfer import open_transfer
from afterbay.core.errors import AfterbayError
from afterbay.core.folder_lock import locked, only_one
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from afterbay.community.cycle.health import Health
    from afterbay.community.cycle.health_alerts import Alert
    from afterbay.community.cycle.ledger import CycleRecord
    from afterbay.community.cycle.runner import Clocks, Plan
    from afterbay.community.cycle.runner_settings import CycleSettings
    from afterbay.community.cycle.store import EnergyStore

__all__ = ["CycleService", "hook_of"]

_DAY = timedelta(days=1)
_LOOK_EVERY = timedelta(seconds=30)
_SHORT_WAIT_S = 1.0


def hook_of(settings: CycleSettings) -> Callable[[Alert], None] | None:
    """Return what tells the alerts of a configuration: a command, an address, both or nothing."""
    hooks = [command_hook(settings.alert_command)] if settings.alert_command else []
    if settings.alert_url is not None:
        hooks.append(url_hook(settings.alert_url))
    if not hooks:
        return None

    def tell(alert: Alert) -> None:
        for hook in hooks:
            hook(alert)

    return tell


@dataclass(frozen=True, slots=True)
class CycleService:
    """What the command, and later a server, do with a cycle."""

    settings: CycleSettings
    clocks: Clocks
    random: Callable[[], float]
    store: EnergyStore
    ledger: Ledger
    log: CycleLog
    plan: Plan | None = None
    """Other steps than the real ones."""

    @classmethod
    def open(
        cls,
        settings: CycleSettings,
        clocks: Clocks,
        random: Callable[[], float],
        *,
        echo: Callable[[str], None] | None = None,
    ) -> CycleService:
        """Return the cycle of a configuration, on its folders."""
        folder = settings.folder
        return cls(
            settings, clocks, random, ParquetStore(settings.store), Ledger(folder / "records" / f"run={settings.run}"),
            CycleLog(folder / "logs", clocks.now, echo),
        )  # fmt: skip

    def run(self, at: datetime, *, after_step: Callable[[float], None] | None = None) -> CycleRecord:
        """Run the cycle of a quarter hour; running it again adds nothing.

        Raises:
            ConflictError: If another process runs a cycle.
        """
        settings = self.settings
        with only_one(self._cycle_lock, "a cycle", wait_s=_SHORT_WAIT_S):
            facts: dict[str, Any] = {"seed": self.seed(at), "run": settings.run, "results": results_name(at)}
            return run_cycle(
                at, self.plan or self.steps().plan(), ledger=self.ledger, log=self.log, clocks=self.clocks,
                after_step=after_step, **facts,
            )  # fmt: skip

    def backfill(self, start: datetime, end: datetime) -> Iterator[CycleRecord]:
        """Run every quarter hour from `start` up to `end` in order; stop at the first that fails."""
        for at in quarters(start, end):
            record = self.run(at)
            yield record
            if record.state not in DONE:
                return

    def seed(self, at: datetime) -> int:
        """Return the seed of a quarter hour: the configured one, or one that follows from it."""
        if self.settings.seed is not None:
            return self.settings.seed
        return seed_of(at)

    def records(self, start: datetime | None = None, end: datetime | None = None) -> list[CycleRecord]:
        """Return the records of some time, oldest first; one that was cut off is a failed one."""
        alive = locked(self._cycle_lock)
        return [settled(record, alive=alive) for record in self.ledger.records(start, end)]

    def record(self, name: str) -> CycleRecord:
        """Return one record by its name or the beginning of it.

        Raises:
            NotFoundError: If there is none, or several.
        """
        return settled(self.ledger.get(name), alive=locked(self._cycle_lock))

    def watching_since(self) -> datetime | None:
        """Return when the watch began that is going on, or None."""
        if not locked(self.watch_lock):
            return None
        try:
            return datetime.fromtimestamp(self.watch_lock.stat().st_mtime, UTC)
        except OSError:
            return None

    def health(self, now: datetime, *, watching_since: datetime | None = None) -> Health:
        """Return how the cycle is."""
        run, fault, last, users, energy = self.settings.run, "", None, 0, dict[str, float]()
        try:
            last = self.store.last_moment(run)
            users = len(self.store.rows(run, last)) if last is not None else 0
            energy = self.store.totals(run, now.astimezone(UTC).date()).energy_kwh
        except AfterbayError as error:
            fault = str(error)
        records = self.records(now - _DAY, now + STEP)
        since = watching_since or self.watching_since()
        return health_of(Look(now, records, last, users, energy, since, fault))

    def watch(self, stopped: Callable[[], bool], hook: Callable[[Alert], None] | None = None) -> int:
        """Run the cycle of every quarter hour until it is stopped; return how many went well.

        Raises:
            ConflictError: If this cycle is watched already.
        """
        with only_one(self.watch_lock, "the watch", wait_s=_SHORT_WAIT_S):
            book = AlertBook(self.settings.folder / "alerts.json", hook, self.log)
            began = self.clocks.now()

            looked = [began - _DAY]

            def look(now: datetime, *, at_once: bool = False) -> None:
                if not at_once and abs(now - looked[0]) < _LOOK_EVERY:
                    return
                looked[0] = now
                health = self.health(now, watching_since=began)
                book.update(health.alerts, now)
                told = {**health.to_dict(), "time": now.isoformat()}
                write_whole(self.settings.folder / "health.json", _json(told))

            return watch(
                Watch(
                    cycle=lambda at: self.run(at, after_step=lambda _: look(self.clocks.now(), at_once=True)),
                    ledger=self.ledger,
                    log=self.log,
                    clocks=self.clocks,
                    stopped=stopped,
                    looked=look,
                    known=lambda: self.store.last_moment(self.settings.run),
                    reach=self.settings.backfill,
                )
            )

    @property
    def watch_lock(self) -> Path:
        """The lock file of the watch."""
        return self.settings.folder / "watch.lock"

    @property
    def _cycle_lock(self) -> Path:
        return self.settings.folder / "cycle.lock"

    def steps(self) -> CycleSteps:
        """Return the real steps of a cycle on these settings."""
        settings = self.settings
        transfers = [
            open_transfer(route, base=settings.base, result_name=lambda form: results_name(form.timestamp))
            for route in settings.routes
        ]
        return CycleSteps(settings, transfers, self.store, self.clocks, self.random, self.seed)


def _json(document: dict[str, Any]) -> bytes:
    import json

    return json.dumps(document, indent=1, ensure_ascii=False).encode()
