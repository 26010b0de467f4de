"""The watch: a cycle on every quarter hour, in order, without a gap or a double, for as long as it is let."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.community.cycle.ledger import DONE
from afterbay.community.cycle.schedule import cycle_id, due, next_quarter
from afterbay.core.errors import AfterbayError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from afterbay.community.cycle.ledger import CycleRecord, Ledger
    from afterbay.community.cycle.log import CycleLog
    from afterbay.community.cycle.runner import Clocks

__all__ = ["Watch", "watch"]

_NAP_S: Final = 15.0
"""Longest sleep [s], so that a clock that was set, a lid that was closed and a stop are noticed."""
_FIRST_HOLD_S: Final = 60.0
_BUSY_S: Final = 5.0
_SET_BACK: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watch needs."""

    cycle: Callable[[datetime], CycleRecord]
    """Runs the cycle of a quarter hour; raises `ConflictError` while another process runs one."""
    ledger: Ledger
    log: CycleLog
    clocks: Clocks
    stopped: Callable[[], bool]
    """True ends the watch after the cycle that is under way."""
    looked: Callable[[datetime], None]
    """Called at every wake-up, for alerts that only time raises."""
    known: Callable[[], datetime | None]
    """The last quarter hour in the store, for a ledger that was lost."""
    reach: timedelta = timedelta(hours=24)
    """How far back missed quarter hours are made up for."""


def watch(what: Watch) -> int:
    """Run the cycle of every quarter hour until it is stopped; return how many went well.

    Each wait is worked out from the clock anew, so that nothing drifts. What was missed, by a crash or a failure,
    is made up for first and in order, because each battery starts where it was left. A cycle that fails is tried
    again after a minute, then two, four, eight, and at the next quarter hour in any case.
    """
    clocks, count, failures = what.clocks, 0, 0
    hold: datetime | None = None
    last = clocks.now()
    first = next_quarter(last)
    given_up: datetime | None = None
    what.log.write("watch begins", next=cycle_id(first))
    while not what.stopped():
        now = clocks.now()
        if now < last - _SET_BACK:
            what.log.write("the clock was set back", "WARNING", seconds=round((last - now).total_seconds()))
        last = now
        _look(what, now)
        done = _last_done(what, first)
        waiting = due(done, now, reach=what.reach)
        if done is not None and waiting and waiting[0] > done + STEP and given_up != done:
            given_up = done
            lost = (waiting[0] - done) // STEP - 1
            what.log.write(f"{lost:,} quarter hours after {cycle_id(done)} stay missed: too long ago", "WARNING")
        if hold is None or now >= hold:
            _note_missed(what, waiting, now)
        if not waiting or (hold is not None and now < hold):
            until = next_quarter(now) if hold is None or now >= hold else min(hold, next_quarter(now))
            clocks.sleep(min((until - now).total_seconds(), _NAP_S))
            continue
        at = waiting[0]
        record: CycleRecord | None
        try:
            record = what.cycle(at)
        except ConflictError as busy:
            what.log.write(f"{cycle_id(at)} waits", "WARNING", why=str(busy))
            hold = now + timedelta(seconds=_BUSY_S)
            continue
        except AfterbayError as error:
            # Such as a disk that is full: the records cannot be written, and the watch waits until they can.
            what.log.write(f"{cycle_id(at)} could not be run", "ERROR", why=str(error))
            record = None
        ended = clocks.now()
        if record is not None and record.state in DONE:
            count, failures, hold = count + 1, 0, None
        else:
            wait = timedelta(seconds=_FIRST_HOLD_S * 2.0 ** min(failures, 4))
            hold, failures = min(ended + wait, next_quarter(ended)), failures + 1
        if quarter_of(ended) > quarter_of(now):
            what.log.write(f"{cycle_id(at)} overlaps the next quarter hour", "WARNING", next=cycle_id(ended))
    what.log.write("watch ends", done=count)
    return count


def _look(what: Watch, now: datetime) -> None:
    try:
        what.looked(now)
    except AfterbayError as error:
        what.log.write("health could not be told", "ERROR", why=str(error))


def _last_done(what: Watch, first: datetime) -> datetime | None:
    last = what.ledger.last(DONE)
    if last is not None:
        return last.at
    # Nothing ever went well: begin where it was tried first, else where the store ends, else with this watch.
    tried = what.ledger.records()
    if tried:
        return tried[0].at - STEP
    known = what.known()
    return first - STEP if known is None else known


def _note_missed(what: Watch, waiting: list[datetime], now: datetime) -> None:
    current = quarter_of(now)
    for at in waiting:
        if at < current and what.ledger.find(at) is None:
            what.log.write(f"{cycle_id(at)} missed", "WARNING")
            try:
                what.ledger.miss(at, now, "nobody ran it in its quarter hour")
            except AfterbayError as error:
                what.log.write(f"{cycle_id(at)} could not be recorded", "ERROR", why=str(error))
                return
