"""One cycle: export, transfer, simulate, fetch, validate, store, clean up; every step timed, counted and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from afterbay.community.cycle.ledger import DONE, StepRecord
from afterbay.community.cycle.log import redact
from afterbay.community.cycle.schedule import cycle_id, punctuality
from afterbay.community.cycle.transfer import TransferError
from afterbay.core.errors import AfterbayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from afterbay.community.cycle.ledger import CycleRecord, Ledger, State
    from afterbay.community.cycle.log import CycleLog

__all__ = ["Clocks", "Done", "Plan", "Work", "run_cycle"]

_LEG: Final = ("transfer", "simulate", "fetch")
"""Steps that another route can do again."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time as an argument."""

    now: Callable[[], datetime]
    """The moment, with a zone."""
    monotonic: Callable[[], float]
    """Seconds that only grow."""
    sleep: Callable[[float], None]
    """Waits so many seconds, or less."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did."""

    rows: int
    attempts: int = 1
    note: str = ""
    """In words, without user ids."""


@dataclass(slots=True)
class Work:
    """What the steps of one cycle hand on."""

    at: datetime
    """The quarter hour (UTC)."""
    route: int = 0
    """Which of the routes carries the files."""
    attempts: int = 0
    """Tries of the step that is under way, for when it fails."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Counts and sums for the record."""
    held: dict[str, Any] = field(default_factory=dict)
    """Whatever one step leaves for a later one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a cycle, and how many routes its files may take."""

    steps: Mapping[str, Callable[[Work], Done]]
    """By name, one for each of `ledger.STEPS`."""
    routes: int = 1


def run_cycle(
    at: datetime,
    plan: Plan,
    *,
    ledger: Ledger,
    log: CycleLog,
    clocks: Clocks,
    after_step: Callable[[float], None] | None = None,
    **facts: Any,
) -> CycleRecord:
    """Run one cycle and record it; a failure is a result, not an error.

    The caller holds the lock of the runner. A cycle that ran before may run again: a tick is a pure function and
    the store keeps each row once.

    Args:
        at: The quarter hour (UTC).
        plan: What to do.
        ledger: Where it is recorded.
        log: Where it is told.
        clocks: Time.
        after_step: Called after each step with the seconds since the beginning.
        facts: What the record says of the cycle from the beginning, such as seed and weather.

    Returns:
        The record, in state ok, late, backfilled or failed.
    """
    name, work = cycle_id(at), Work(at)
    began, began_s = clocks.now(), clocks.monotonic()
    log.write(f"{name} begins", late_s=round((began - at).total_seconds(), 1), **facts)
    ledger.begin(at, began, **facts)
    one = _OneStep(work, plan, ledger, log, clocks, began_s, after_step)
    state: State = "failed"
    error = ""
    try:
        _run_steps(one, plan)
        state = punctuality(at, began)
    except Exception as failure:  # a defect must not end the watch; it is recorded as what it is
        error = _sentence(failure)
        work.facts["kind"] = type(failure).__name__
    except KeyboardInterrupt:
        error = "stopped by the user"
        raise
    finally:
        # A crash gets no end: whoever finds the record begins the cycle again.
        if error or state != "failed":
            seconds = clocks.monotonic() - began_s
            ledger.end(at, clocks.now(), state, seconds=seconds, error=error, facts=work.facts)
            _tell(log, name, state, seconds, error, work.facts)
    record = ledger.find(at)
    if record is None:
        raise AfterbayError(f"the record of cycle {name} is gone")
    return record


def _run_steps(one: _OneStep, plan: Plan) -> None:
    one.run("export")
    for route in range(plan.routes):
        one.work.route = route
        try:
            for name in _LEG:
                one.run(name)
            break
        except TransferError as error:
            if route == plan.routes - 1:
                raise
            one.log.write(
                f"{cycle_id(one.work.at)} takes the next route", "WARNING", route=route + 2, why=_sentence(error)
            )
    for name in ("validate", "store", "clean up"):
        one.run(name)


@dataclass(frozen=True, slots=True)
class _OneStep:
    work: Work
    plan: Plan
    ledger: Ledger
    log: CycleLog
    clocks: Clocks
    began_s: float
    after_step: Callable[[float], None] | None

    def run(self, name: str) -> None:
        """Run a step and record it, however it ends."""
        began, began_s = self.clocks.now(), self.clocks.monotonic()
        self.work.attempts = 1
        try:
            done = self.plan.steps[name](self.work)
        except Exception as error:
            self._record(name, False, began, began_s, Done(0, self.work.attempts, _sentence(error)))
            raise
        self._record(name, True, began, began_s, done)

    def _record(self, name: str, ok: bool, began: datetime, began_s: float, done: Done) -> None:
        seconds = self.clocks.monotonic() - began_s
        step = StepRecord(name, ok, began, round(seconds, 6), done.attempts, done.rows, redact(done.note))
        self.ledger.step(self.work.at, step)
        self.log.write(
            f"{cycle_id(self.work.at)} {name}" + ("" if ok else " failed"),
            "INFO" if ok else "WARNING",
            rows=done.rows,
            seconds=round(seconds, 3),
            attempts=done.attempts if done.attempts != 1 else None,
            note=done.note or None,
        )
        if self.after_step is not None:
            self.after_step(self.clocks.monotonic() - self.began_s)


def _sentence(error: BaseException) -> str:
    told = str(error) if isinstance(error, AfterbayError) else f"{type(error).__name__}: {error}"
    return redact(told) or type(error).__name__


def _tell(log: CycleLog, name: str, state: State, seconds: float, error: str, facts: Mapping[str, Any]) -> None:
    counts = {key: facts.get(key) for key in ("users", "rows", "new", "already")}
    log.write(
        f"{name} {state}",
        "INFO" if state in DONE else "ERROR",
        seconds=round(seconds, 3),
        **counts,
        error=error or None,
    )
