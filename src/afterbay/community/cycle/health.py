"""Is the cycle well? The figures of the workflow's health check, and what is out of its targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from afterbay.community.cycle.contract import STEP, quarter_of
from afterbay.community.cycle.ledger import DONE
from afterbay.community.cycle.schedule import ON_TIME, cycle_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from afterbay.community.cycle.ledger import CycleRecord

__all__ = ["CONDITIONS", "LONGEST_SILENCE", "SLOW", "Health", "Look", "health_of", "settled", "strip"]

LONGEST_SILENCE: Final = timedelta(minutes=20)
SLOW: Final = timedelta(minutes=5)
CONDITIONS: Final = ("no_data", "not_on_time", "slow", "invalid_rows", "user_missing", "imbalance", "failed")
"""What raises an alert, the gravest first but the last, which says why."""
_SIGNS: Final = {"ok": "●", "late": "▲", "failed": "✕", "missed": "◌", "running": "◐", "backfilled": "⟲"}


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to judge."""

    now: datetime
    records: Sequence[CycleRecord]
    """Of the last day, oldest first."""
    last_simulation: datetime | None
    """Start of the newest interval in the store."""
    active_users: int
    energy_today_kwh: Mapping[str, float]
    watching_since: datetime | None
    """When the watch began; None: nobody watches."""
    store_fault: str = ""
    """Why the store cannot be read, if it cannot."""


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the cycle; the first four names are those of the workflow's health check."""

    status: Literal["healthy", "degraded", "down"]
    last_simulation: datetime | None
    """Start of the newest interval that is stored (UTC)."""
    active_users: int
    """Users with a row in that interval."""
    total_energy_today: dict[str, float]
    """Sums of the day (UTC) by column [kWh]."""
    on_time_share: float | None
    """Share of the last day's quarter hours whose cycle began within 30 s [fraction]."""
    duration_s: float | None
    """Length of the last cycle [s]."""
    valid_share: float | None
    """Share of its rows that passed validation at once [fraction]."""
    coverage_share: float | None
    """Share of its users that have a row now [fraction]."""
    balance_kwh: float | None
    """What the community's sums of it leave over [kWh]; rounding alone leaves some."""
    transfer: str
    runner: str
    store: str
    alerts: dict[str, str] = field(default_factory=dict)
    """What is out of its target, in words, by condition."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {
            "status": self.status,
            "last_simulation": self.last_simulation.isoformat() if self.last_simulation else None,
            "active_users": self.active_users,
            "total_energy_today": self.total_energy_today,
            "on_time_share": self.on_time_share,
            "duration_s": self.duration_s,
            "valid_share": self.valid_share,
            "coverage_share": self.coverage_share,
            "balance_kwh": self.balance_kwh,
            "transfer": self.transfer,
            "runner": self.runner,
            "store": self.store,
            "alerts": self.alerts,
        }


def health_of(look: Look) -> Health:
    """Judge the cycle by its records and its store."""
    # Of a cycle that is tried again the try before counts until this one ends: nothing clears in between.
    known = [record if record.previous is None else record.previous for record in look.records]
    ended = [record for record in known if record.ended is not None]
    # The one that ended last, which need not be the youngest quarter hour.
    last = max(ended, key=lambda record: (record.ended, record.at), default=None)
    counted = [record for record in look.records if record.at + ON_TIME <= look.now]
    alerts = _alerts(look, last)
    idle = look.last_simulation is None and look.watching_since is None
    down = "no_data" in alerts or bool(look.store_fault) or idle
    return Health(
        "down" if down else "degraded" if alerts else "healthy",
        look.last_simulation,
        look.active_users,
        dict(look.energy_today_kwh),
        sum(record.state == "ok" for record in counted) / len(counted) if counted else None,
        last.seconds if last else None,
        _share(last, "valid", "rows"),
        _share(last, "covered", "users"),
        last.facts.get("balance_kwh") if last else None,
        _transfer(last),
        _runner(look),
        look.store_fault or ("ok" if look.last_simulation else "empty"),
        alerts,
    )


def settled(record: CycleRecord, *, alive: bool) -> CycleRecord:
    """Return a record as it is: one that is under way while nobody runs it was cut off."""
    from dataclasses import replace

    if record.state != "running" or alive:
        return record
    return replace(record, state="failed", error="its process ended before it did; it is done again")


def strip(records: Sequence[CycleRecord], now: datetime) -> str:
    """Return a day of quarter hours up to now as 96 signs: ● ok, ▲ late, ✕ failed, ◌ missed, ◐ running, ⟲ made up."""
    by_time = {record.at: _SIGNS[record.state] for record in records}
    newest = quarter_of(now)
    return "".join(by_time.get(newest - STEP * age, "·") for age in range(95, -1, -1))


def _alerts(look: Look, last: CycleRecord | None) -> dict[str, str]:
    found: dict[str, str] = {}
    now = look.now
    since = look.last_simulation or look.watching_since
    if since is not None and now - since > LONGEST_SILENCE:
        minutes = (now - since) // timedelta(minutes=1)
        what = f"the newest rows are of {since:%Y-%m-%d %H:%M} UTC" if look.last_simulation else "nothing is stored"
        found["no_data"] = f"no simulation data for {minutes:,} minutes: {what}"
    late = _lateness(look)
    if late:
        found["not_on_time"] = late
    running = [record for record in look.records if record.state == "running" and record.began is not None]
    for record in running:
        if record.began is not None and now - record.began >= SLOW:
            found["slow"] = f"cycle {record.id} has been running for {(now - record.began).total_seconds():,.0f} s"
    if last is None:
        return found
    if last.seconds is not None and last.seconds >= SLOW.total_seconds():
        found["slow"] = f"cycle {last.id} took {last.seconds:,.0f} s, the target is less than 5 minutes"
    for condition, part, whole, words in (
        ("invalid_rows", "valid", "rows", "rows failed validation"),
        ("user_missing", "covered", "users", "users have no row"),
    ):
        share = _share(last, part, whole)
        if share is not None and share < 1.0:
            missing = last.facts[whole] - last.facts[part]
            found[condition] = f"cycle {last.id}: {missing:,} of {last.facts[whole]:,} {words}"
    balance, limit = last.facts.get("balance_kwh"), last.facts.get("balance_limit_kwh")
    if balance is not None and limit is not None and not abs(balance) <= limit:
        found["imbalance"] = f"cycle {last.id}: the community's sums leave {balance:.6f} kWh, at most {limit:.6f}"
    if last.state not in DONE:
        found["failed"] = f"cycle {last.id} failed: {last.error}"
    return found


def _lateness(look: Look) -> str:
    quarter = quarter_of(look.now)
    if look.now - quarter <= ON_TIME:
        # Not yet late; what the quarter hour before was stays known until this one is on time.
        quarter -= STEP
    record = next((record for record in reversed(look.records) if record.at == quarter), None)
    expected = (look.watching_since is not None and look.watching_since < quarter) or any(
        record.at < quarter for record in look.records
    )
    if record is None:
        return f"cycle {cycle_id(quarter)} has not begun" if expected else ""
    if record.began is None:
        return f"cycle {record.id} was missed"
    if "ok" in (record.state, record.previous.state if record.previous else None):
        # It may have been done again since.
        return ""
    late = record.began - record.at
    return f"cycle {record.id} began {late.total_seconds():,.0f} s late" if late > ON_TIME else ""


def _share(record: CycleRecord | None, part: str, whole: str) -> float | None:
    if record is None or not record.facts.get(whole) or part not in record.facts:
        return None
    return float(record.facts[part] / record.facts[whole])


def _transfer(last: CycleRecord | None) -> str:
    if last is None:
        return "not used yet"
    moved = [step for step in last.steps if step.name in ("transfer", "simulate", "fetch")]
    failed = [step for step in moved if not step.ok]
    if not failed:
        return "ok" if moved else "not reached"
    # A later step of the same kind means that another route carried the files.
    return f"{'fell back' if moved[-1].ok else 'failed'}: {failed[-1].note}"


def _runner(look: Look) -> str:
    if look.watching_since is None:
        return "nobody watches"
    return f"watching since {look.watching_since:%Y-%m-%d %H:%M} UTC"
