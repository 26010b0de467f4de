"""`afterbay cycle status, list, show, validate`: what only looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.cli import numbers, output
from afterbay.cli.cycle_times import read_since
from afterbay.cli.tables import table
from afterbay.community.cycle.health import strip
from afterbay.community.cycle.ledger import STATES
from afterbay.core.errors import InvalidInputError, NotFoundError, Problem

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from pathlib import Path

    from afterbay.community.cycle.health import Health
    from afterbay.community.cycle.ledger import CycleRecord
    from afterbay.community.cycle.runner_service import CycleService
    from afterbay.community.cycle.validation import ValidationReport

__all__ = ["record_document", "record_lines", "show_list", "show_status", "show_validation"]


def record_document(record: CycleRecord) -> dict[str, Any]:
    """Return a cycle as plain values."""
    return record.to_dict()


def record_lines(record: CycleRecord) -> list[str]:
    """Return a cycle step by step, as text."""
    facts = record.facts
    tries = f", try {record.tries}" if record.tries > 1 else ""
    began = f", began {_late(record)}" if record.began else ""
    lines = [f"{record.id}  {record.state}{tries}{began}"]
    if record.steps:
        cells = [
            [
                step.name, "ok" if step.ok else "failed", f"{step.rows:,}", _seconds(step.seconds),
                str(step.attempts), step.note,
            ]
            for step in record.steps
        ]  # fmt: skip
        lines += ["", *table(("STEP", "STATE", "ROWS", "TIME", "TRIES", "NOTE"), cells, left=(0, 1, 5)), ""]
    if "users" in facts and "rows" in facts:
        lines.append(
            f"{facts['users']:,} users, {facts['rows']:,} rows, {facts['valid']:,} valid, "
            f"{facts['quarantined']:,} quarantined, {facts['repaired']:,} computed again"
        )
    if "new" in facts:
        already = f"{facts['already']:,} rows already stored, " if facts["already"] else ""
        lines.append(f"{already}{facts['new']:,} new; balance {_balance(facts['balance_kwh'])}")
    if "seed" in facts:
        lines.append(f"run {facts['run']}, seed {facts['seed']}, {facts['results']}")
    return [*lines, *([f"why: {record.error}"] if record.error else [])]


def _balance(kwh: float) -> str:
    return f"{round(kwh, 6) + 0.0:.6f} kWh"  # adding 0 takes the sign from a zero


def show_list(service: CycleService, *, state: str | None, since: str, as_json: bool) -> None:
    """Print the cycles of some time."""
    if state is not None and state not in STATES:
        raise InvalidInputError(Problem("--state", state, ", ".join(STATES), "choose one of these"))
    records = [
        record
        for record in service.records(read_since(since, service.clocks.now()))
        if state is None or record.state == state
    ]
    if as_json:
        output.json_document({"cycles": [record_document(record) for record in records]})
        return
    if not records:
        output.note("no such cycles; longer ago: --since 7d")
        return
    cells = [
        [
            record.id, record.state, _late(record), _seconds(record.seconds), _count(record, "users"),
            _count(record, "new"), _count(record, "already"), record.error[:80],
        ]
        for record in records
    ]  # fmt: skip
    head = ("CYCLE", "STATE", "BEGAN", "TIME", "USERS", "NEW", "ALREADY", "WHY")
    output.lines(table(head, cells, left=(0, 1, 7)))


def show_status(service: CycleService, *, as_json: bool) -> bool:
    """Print how the cycle is; return whether it is healthy."""
    from afterbay.community.cycle.schedule import cycle_id

    now = service.clocks.now()
    health = service.health(now)
    records = service.records(now - _day())
    signs = strip(records, now)
    if as_json:
        output.json_document({**health.to_dict(), "strip": signs, "strip_ends": cycle_id(now)})
    else:
        output.lines(_status_lines(health, signs, now))
    return health.status == "healthy"


def _status_lines(health: Health, signs: str, now: datetime) -> list[str]:
    last = f"{health.last_simulation:%Y-%m-%d %H:%M} UTC" if health.last_simulation else "never"
    energy = ", ".join(
        f"{name.removesuffix('_kwh').replace('_', ' ')} {numbers.plain(kwh, 1)}"
        for name, kwh in health.total_energy_today.items()
    )
    duration = "—" if health.duration_s is None else _seconds(health.duration_s)
    balance = "—" if health.balance_kwh is None else _balance(health.balance_kwh)
    cells = [
        ["status", f"{health.status}, {health.runner}"],
        ["last simulation", f"{last}, {health.active_users:,} active users"],
        ["energy today [kWh]", energy or "—"],
        ["on time (30 s)", _share(health.on_time_share)],
        ["cycle time", f"{duration} (target: less than 300 s)"],
        ["rows valid", _share(health.valid_share)],
        ["users covered", _share(health.coverage_share)],
        ["balance", balance],
        ["transfer", health.transfer],
        ["store", health.store],
    ]
    width = max(len(name) for name, _ in cells)
    lines = [f"{name.ljust(width)}  {value}" for name, value in cells]
    lines += ["", *(f"alert {name}: {words}" for name, words in health.alerts.items())]
    lines += [] if health.alerts else ["no alerts"]
    # Four lines of six hours: short enough for any terminal.
    lines += ["", f"last 24 h up to {now:%Y-%m-%d %H:%M} UTC, six hours a line"]
    lines += [signs[place : place + 24] for place in range(0, 96, 24)]
    return [*lines, "● ok  ▲ late  ✕ failed  ◌ missed  ◐ running  ⟲ backfilled  · nothing"]


def show_validation(file: Path, users: Path | None, *, as_json: bool) -> bool:
    """Print the validation report of a results file; return whether all is well."""
    from afterbay.community.cycle.users_file import read_users
    from afterbay.community.cycle.validation import validate_results

    for path in (file, users):
        if path is not None and not path.exists():
            raise NotFoundError(f"there is no {path}")
    report = validate_results(file, read_users(users).users if users is not None else None)
    if as_json:
        output.json_document(_report_document(report))
    else:
        output.lines(report.lines())
        for problem in report.problems[:20]:
            output.note(f"line {problem.row}: {problem.rule}: {problem.message()}")
        if len(report.problems) > 20:
            output.note(f"and {len(report.problems) - 20:,} more; all of them: --json")
    return report.ok


def _report_document(report: ValidationReport) -> dict[str, Any]:
    return {
        "file": report.name,
        "ok": report.ok,
        "rows": report.rows,
        "good_rows": len(report.good),
        "valid_share": report.valid_share,
        "file_problems": list(report.file_problems),
        "counts": report.counts,
        "missing_users": {moment: len(rows) for moment, rows in report.missing.items()},
        "problems": [
            {
                "row": problem.row,
                "rule": problem.rule,
                "column": problem.column,
                "value": str(problem.value),
                "allowed": problem.allowed,
            }
            for problem in report.problems
        ],
        "errors": list(report.errors),
        "notices": list(report.notices),
    }


def _day() -> timedelta:
    from datetime import timedelta

    return timedelta(days=1)


def _late(record: CycleRecord) -> str:
    if record.began is None:
        return "—"
    late_s = (record.began - record.at).total_seconds()
    if late_s < 120.0:
        return f"+{late_s:.1f} s"
    return f"+{late_s / 60.0:,.0f} min" if late_s < 7200.0 else f"+{late_s / 3600.0:,.1f} h"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f} s"


def _share(value: float | None) -> str:
    return "—" if value is None else numbers.percent(100.0 * value)


def _count(record: CycleRecord, name: str) -> str:
    value = record.facts.get(name)
    return "—" if value is None else f"{value:,}"
