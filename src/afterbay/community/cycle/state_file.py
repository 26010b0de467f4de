"""The memory of a cycle as a file, so that no tick ever restarts a battery.

It holds the stored energy before and after the last run. The same run asked for again starts from `before` and
gives the same results; the next one starts from `after`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle.cells import lines_in_words, read_cells, read_numbers
from afterbay.community.cycle.contract import STEP, read_moment, stamp
from afterbay.community.cycle.rows import MICRO
from afterbay.community.cycle.state import CycleState
from afterbay.community.cycle.users import locate, parse_ids, repeated
from afterbay.core.errors import InvalidInputError, Problem, Problems
from afterbay.core.output_file import write_whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from afterbay.core.compiled import Floats

__all__ = ["Memory", "read_memory", "state_before", "write_memory"]

_COLUMNS = ("user_id", "first_timestamp", "timestamp", "soc_before_kwh", "battery_soc_kwh")


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Two states and the run between them."""

    first: datetime
    """First quarter hour of the last run (UTC)."""
    last: datetime
    before: CycleState
    after: CycleState


def state_before(path: Path, moment: datetime) -> CycleState:
    """Return the state that a run from `moment` on begins with; nobody is known when there is no file.

    Raises:
        InvalidInputError: If the file cannot be used, or what it remembers lies after `moment`.
    """
    if not path.exists():
        return CycleState()
    memory = read_memory(path)
    if moment == memory.first:
        return memory.before
    if moment > memory.last:
        return memory.after
    raise InvalidInputError(
        Problem(
            str(path),
            f"batteries as {stamp(memory.last)} left them",
            f"a start at {stamp(memory.first)} (the last run again) or after {stamp(memory.last)}",
            f"start at {stamp(memory.last + STEP)}, or give another state file",
        )
    )


def read_memory(path: Path) -> Memory:
    """Read a state file.

    Raises:
        InvalidInputError: With every problem of the file.
    """
    cells = read_cells(path, _COLUMNS)
    problems = Problems()
    problems.extend(cells.header_problems)
    problems.raise_if_any()
    ids = np.array([cell.encode("ascii", "replace")[:36] for cell in cells.columns["user_id"]], dtype="S36")
    keys, good = parse_ids(ids)
    before, unread_before = read_numbers(cells.columns["soc_before_kwh"])
    after, unread_after = read_numbers(cells.columns["battery_soc_kwh"])
    wrong = ~good | repeated(keys) | unread_before | unread_after | np.isnan(after) | (before < 0.0) | (after < 0.0)
    wrong |= np.isin(cells.lines, [*cells.short, *cells.long])
    times = {
        (first, last) for first, last in zip(cells.columns["first_timestamp"], cells.columns["timestamp"], strict=True)
    }
    if wrong.any():
        lines = lines_in_words(cells.lines[wrong].tolist())
        problems.add(f"{path.name} {lines}", "no user, or no stored energy", "one row per user", _MOVE)
    if len(times) != 1:
        problems.add(path.name, f"{len(times)} runs", "the times of one run in all rows", _MOVE)
    problems.raise_if_any()
    first, last = next(iter(times))
    there = ~np.isnan(before)
    return Memory(
        read_moment(first),
        read_moment(last),
        CycleState(ids[there], keys[there], _micro(before[there])),
        CycleState(ids, keys, _micro(after)),
    )


def write_memory(path: Path, memory: Memory) -> None:
    """Write a state file, whole or not at all.

    Raises:
        InvalidInputError: If it cannot be written.
    """
    rows = locate(memory.after.keys, memory.before.keys)
    before = ["" if row < 0 else _decimal(int(memory.before.stored_micro[row])) for row in rows.tolist()]
    times = f"{stamp(memory.first)},{stamp(memory.last)}"
    lines = [",".join(_COLUMNS)]
    lines += [
        f"{user.decode('ascii')},{times},{was},{_decimal(micro)}"
        for user, was, micro in zip(
            memory.after.user_id.tolist(), before, memory.after.stored_micro.tolist(), strict=True
        )
    ]
    write_whole(path, ("\n".join(lines) + "\n").encode("ascii"))


_MOVE = "restore the file, or delete it and every battery begins at 50 % again"


def _decimal(micro: int) -> str:
    return f"{micro // MICRO}.{micro % MICRO:06d}"


def _micro(kwh: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.floor(kwh * MICRO + 0.5).astype(np.int64)
