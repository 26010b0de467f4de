"""What `afterbay fleet schedule` does: files of intervals read, sent, shown and ended."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from afterbay.cli import numbers, output
from afterbay.cli.fleet_looking import Names
from afterbay.cli.fleet_sending import named_target
from afterbay.cli.fleet_words import NOTHING, signed_mw
from afterbay.cli.tables import table
from afterbay.client.schedules import Schedule, begin_of, schedule_body
from afterbay.client.times import when
from afterbay.core.errors import ConflictError, InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from datetime import datetime

    from afterbay.client import Command, Fleet

__all__ = ["cancel_schedule", "read_schedule_file", "show_schedules", "submit_schedule"]

_COLUMNS: Final = ("start", "end", "mw")
_MOVE: Final = "begin with the line start,end,mw"


def submit_schedule(
    fleet: Fleet,
    file: str,
    *,
    asset: str | None,
    site: str | None,
    group: str | None,
    allow_gaps: bool,
    strict: bool,
    key: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send the intervals of a file, or say what would be sent."""
    rows = read_schedule_file(file)
    target = named_target(fleet, asset=asset, site=site, group=group)
    if dry_run:
        body = schedule_body((target.kind, target.id), rows, strict=strict, allow_gaps=allow_gaps)
        if as_json:
            output.json_document({"sent": False, "schedule": body})
        else:
            output.lines([f"{target.kind:<10} {target.name}", *_plan_lines(body["intervals"]), "nothing was sent"])
        return
    made = target.schedule(rows, key=key or str(uuid4()), strict=strict, allow_gaps=allow_gaps)
    if as_json:
        output.json_document({"sent": True, **_document(made)})
        return
    output.lines(
        [
            f"sent       {made.id}, {len(made.commands)} intervals for {target.kind} {target.name}",
            *_lines(fleet, [made]),
        ]
    )
    output.note(f"how it goes: afterbay fleet schedule list; end it: afterbay fleet schedule cancel {made.id[:8]}")


def show_schedules(fleet: Fleet, *, asset: str | None, site: str | None, everything: bool, as_json: bool) -> None:
    """Show the intervals that are not over, or all of them."""
    asset_id = None if asset is None else fleet.asset(asset).id
    site_id = None if site is None else fleet.site(site).id
    found = fleet.schedules(asset_id=asset_id, site_id=site_id)
    chosen = found if everything else [_left(one) for one in found if not one.is_over]
    if as_json:
        output.json_document({"schedules": [_document(one) for one in chosen]})
    elif not chosen:
        output.lines(["no schedules" if everything else "no schedules that are not over: --all shows those that are"])
    else:
        output.lines(_lines(fleet, chosen))


def cancel_schedule(fleet: Fleet, schedule_id: str, *, reason: str, dry_run: bool, as_json: bool) -> None:
    """End what is left of a schedule."""
    schedule = fleet.schedule(schedule_id)
    if schedule.is_over:
        raise ConflictError(f"schedule {schedule.id} is over already -> nothing is left to cancel")
    ended = _left(schedule).commands if dry_run else schedule.stop(reason)
    if as_json:
        output.json_document({"cancelled": not dry_run, **_document(Schedule(schedule.id, ended))})
    else:
        word = "would end" if dry_run else "ending"
        output.lines([f"{word} {len(ended)} of {len(schedule.commands)} intervals of {schedule.id}"])


def read_schedule_file(name: str) -> list[dict[str, Any]]:
    """Return the intervals of a CSV or JSON file (`-`: CSV from stdin), as `start`, `end` and `mw`.

    Raises:
        InvalidInputError: If it cannot be read, with every row that is not one.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or "no text in UTF-8"
        raise InvalidInputError(Problem(name, got, "a CSV or JSON file", "check its name")) from None
    return _of_json(name, text) if name.lower().endswith(".json") else _of_csv(name, text)


def _of_json(name: str, text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(Problem(name, str(error), "JSON", "mend it")) from None
    rows = document.get("intervals") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInputError(Problem(name, "no list", "a list of objects with start, end and mw", "mend it"))
    return rows


def _of_csv(name: str, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [str(column).strip().lower() for column in reader.fieldnames or ()]
    missing = [column for column in _COLUMNS if column not in columns]
    if missing:
        raise InvalidInputError(Problem(name, f"no column {', '.join(missing)}", ", ".join(_COLUMNS), _MOVE))
    reader.fieldnames = columns
    problems = Problems()
    rows = []
    for row in reader:
        where = f"{name}, line {reader.line_num}"
        if None in row or None in row.values():
            problems.add(where, "another number of cells", ", ".join(columns), "one cell for each column")
            continue
        found: dict[str, Any] = {column: row[column].strip() for column in _COLUMNS}
        found["mw"] = _power(found["mw"])
        if found["mw"] is None:
            problems.add(f"{where}: mw", row["mw"], "a number [MW], + leaves the asset", "0 stops it")
        for column in ("start", "end"):
            if when(found[column]) is None:
                problems.add(f"{where}: {column}", row[column], "a time such as 2026-11-21T18:00Z (UTC)", "mend it")
        rows.append(found)
    if not rows and not problems:
        problems.add(name, "no rows", "at least one interval", "add start, end and mw of each")
    problems.raise_if_any()
    return rows


def _power(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _left(schedule: Schedule) -> Schedule:
    return Schedule(schedule.id, tuple(command for command in schedule.commands if not command.is_final))


def _document(schedule: Schedule) -> dict[str, Any]:
    return {
        "schedule_id": schedule.id,
        "is_over": schedule.is_over,
        "commands": [command.document for command in schedule.commands],
    }


def _plan_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells, energy = [], 0.0
    for row in rows:
        start, end = when(row["start"]), when(row["end"])
        if start is not None and end is not None:
            energy += row["mw"] * (end - start).total_seconds() / 3600.0
        cells.append([_moment(start), _moment(end), signed_mw(row["mw"])])
    total = f"{len(cells)} intervals, {numbers.energy(energy)} in all, + leaves the asset"
    return [*table(("FROM", "TO", "POWER"), cells, left=(0, 1)), "", total]


def _lines(fleet: Fleet, schedules: Iterable[Schedule]) -> list[str]:
    names = Names(fleet)
    cells = [_row(schedule, command, names) for schedule in schedules for command in schedule.commands]
    return table(("SCHEDULE", "TARGET", "FROM", "TO", "POWER", "STATE", "REASON"), cells, left=(0, 1, 2, 3, 5, 6))


def _row(schedule: Schedule, command: Command, names: Names) -> list[str]:
    power = signed_mw(command.mw)
    if command.clamped:
        power += f" of {signed_mw(command.requested_mw)}"
    return [
        schedule.id[:8], names(command.document), _moment(begin_of(command)), _moment(command.valid_until), power,
        command.outcome, command.reason,
    ]  # fmt: skip


def _moment(moment: datetime | None) -> str:
    return NOTHING if moment is None else f"{moment:%d %b %H:%M:%S}"
