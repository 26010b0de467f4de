"""`afterbay cycle run, retry, backfill, export-users, init`: what changes something, once."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from afterbay.cli import output
from afterbay.cli.cycle_looking import record_document, record_lines
from afterbay.cli.failures import INTERRUPTED, INVALID_INPUT, NOT_FOUND, PARTIAL, UNAVAILABLE, UNEXPECTED
from afterbay.community.cycle.contract import input_name
from afterbay.community.cycle.ledger import DONE
from afterbay.community.cycle.runner import Clocks, Work
from afterbay.community.cycle.runner_service import CycleService
from afterbay.community.cycle.runner_settings import SAMPLE, read_settings
from afterbay.community.cycle.schedule import cycle_id, quarters
from afterbay.community.cycle.transfer import ObjectTransfer, Route, open_transfer
from afterbay.community.cycle.weather import ConstantWeather
from afterbay.core.errors import ConflictError, InvalidInputError, Problem
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.community.cycle.ledger import CycleRecord

__all__ = ["backfill_cycles", "make_config", "open_cycle", "run_one", "send_users"]

_KINDS = {"TransferError": UNAVAILABLE, "ConflictError": UNAVAILABLE, "NotFoundError": NOT_FOUND}


def open_cycle(
    config: Path,
    *,
    seed: int | None = None,
    weather: float | None = None,
    echo: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> CycleService:
    """Return the cycle of a configuration file, with what the command line says in place of it."""
    settings = read_settings(config)
    if seed is not None:
        settings = replace(settings, seed=seed)
    if weather is not None:
        settings = replace(settings, weather=ConstantWeather(weather))
    clocks = Clocks(lambda: datetime.now(UTC), time.monotonic, sleep)
    return CycleService.open(settings, clocks, random.random, echo=output.note if echo else None)


def run_one(service: CycleService, at: datetime, *, dry_run: bool, as_json: bool) -> None:
    """Run one cycle and show it."""
    if dry_run:
        _show_plan(service, [at], as_json=as_json)
        return
    _warn_of_later_rows(service, at)
    try:
        record = service.run(at)
    except KeyboardInterrupt:
        output.note(f"stopped; nothing is half stored: afterbay cycle retry {cycle_id(at)}")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        output.json_document(record_document(record))
    else:
        output.lines(record_lines(record))
    raise typer.Exit(_exit_code(record))


def backfill_cycles(service: CycleService, start: datetime, end: datetime, *, dry_run: bool, as_json: bool) -> None:
    """Run the cycles of a time in order and say what they added."""
    moments = list(quarters(start, end))
    if dry_run:
        _show_plan(service, moments, as_json=as_json)
        return
    _warn_of_later_rows(service, moments[-1])
    records = []
    try:
        for record in service.backfill(start, end):
            records.append(record)
            output.note(f"{record.id}  {record.state}  {_counts([record])}")
    except KeyboardInterrupt:
        output.note(f"stopped: {len(records):,} of {len(moments):,} cycles are done; the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        output.json_document({"cycles": [record_document(record) for record in records], "asked": len(moments)})
    else:
        done = sum(record.state in DONE for record in records)
        output.lines([f"{done:,} of {len(moments):,} cycles: {_counts(records)}"])
    failed = next((record for record in records if record.state not in DONE), None)
    if failed is not None:
        output.note(f"stopped at {failed.id}: {failed.error}")
        raise typer.Exit(PARTIAL if len(records) > 1 else _exit_code(failed))


def send_users(service: CycleService, to: str, at: datetime, *, link: bool, dry_run: bool, as_json: bool) -> None:
    """Write the input file of a quarter hour somewhere."""
    transfer = open_transfer(Route(to))
    if to.startswith("http"):
        raise InvalidInputError(
            Problem("TO", transfer.label, "a folder, file://, s3:// or gs://", "afterbay cycle run posts to webhooks")
        )
    if link and not isinstance(transfer, ObjectTransfer):
        raise InvalidInputError(Problem("--link", transfer.label, "s3:// or gs://", "leave out --link"))
    work = Work(at)
    done = service.steps().export(work)
    name, content = input_name(at), work.held["input"]
    document: dict[str, Any] = {
        "name": name,
        "to": transfer.label,
        "users": done.rows,
        "bytes": len(content),
        "note": done.note,
    }
    if done.note:
        output.note(done.note)
    if not dry_run:
        document["sha256"] = transfer.send(name, content).sha256
        if link and isinstance(transfer, ObjectTransfer):
            document["link"] = transfer.link(name)
    if as_json:
        output.json_document(document)
    else:
        would = "would be " if dry_run else ""
        output.lines([f"{done.rows:,} users {would}written: {name} in {transfer.label}"])
        output.lines([document["link"]] if "link" in document else [])


def make_config(path: Path, *, dry_run: bool, as_json: bool) -> None:
    """Write a configuration file; one that is there stays."""
    if path.exists():
        raise ConflictError(f"{path} is there already -> edit it, or name another file")
    if not dry_run:
        if not path.parent.is_dir():
            raise InvalidInputError(Problem("FILE", str(path), "a file in a folder that exists", "make the folder"))
        write_whole(path, SAMPLE.encode())
    if as_json:
        output.json_document({"path": str(path), "written": not dry_run, "content": SAMPLE})
    else:
        output.lines([f"would write {path}" if dry_run else f"written: {path}"])
        output.note(f"next: put your users into {path.parent / 'users.csv'}, then afterbay cycle run")


def _show_plan(service: CycleService, moments: list[datetime], *, as_json: bool) -> None:
    rows = []
    for at in moments:
        record = service.ledger.find(at)
        rows.append(
            {
                "id": cycle_id(at),
                "state": record.state if record else None,
                "stored": len(service.store.rows(service.settings.run, at)),
                "seed": service.seed(at),
            }
        )
    if as_json:
        output.json_document({"would_run": rows})
        return
    from afterbay.cli.tables import table

    cells = [[str(row["id"]), str(row["state"] or "new"), f"{row['stored']:,}", str(row["seed"])] for row in rows]
    output.lines(table(("WOULD RUN", "STATE", "ROWS STORED", "SEED"), cells, left=(0, 1)))


def _warn_of_later_rows(service: CycleService, at: datetime) -> None:
    last = service.store.last_moment(service.settings.run)
    if last is not None and last > at and not len(service.store.rows(service.settings.run, at)):
        output.warn(f"rows up to {last:%Y-%m-%d %H:%M} UTC are stored and stay; their batteries began without this one")


def _counts(records: list[CycleRecord]) -> str:
    new, already = (sum(record.facts.get(name) or 0 for record in records) for name in ("new", "already"))
    return f"{already:,} rows already stored, {new:,} new" if already else f"{new:,} new"


def _exit_code(record: CycleRecord) -> int:
    if record.state in DONE and record.facts.get("kind") is None:
        return PARTIAL if record.facts.get("covered", 0) < record.facts.get("users", 0) else 0
    kind = str(record.facts.get("kind"))
    if kind in _KINDS:
        return _KINDS[kind]
    return INVALID_INPUT if kind in ("InvalidInputError", "OutOfRangeError", "MissingExtraError") else UNEXPECTED
