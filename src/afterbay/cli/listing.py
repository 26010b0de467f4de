"""`afterbay size results`: which rows, in which order."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from afterbay.cli.options_table import SORT_KEYS
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from afterbay.cli.runfolder import StoredRun

__all__ = ["chosen_rows", "rows_document"]


def chosen_rows(run: StoredRun, *, pareto: bool, top: int | None, sort: str) -> list[int]:
    """Return the rows to list, in their order; equal ones keep the order of their numbers.

    Raises:
        InvalidInputError: If there is no such key to sort by.
    """
    if sort not in SORT_KEYS:
        near = difflib.get_close_matches(sort, SORT_KEYS, n=1)
        move = f"did you mean {near[0]}?" if near else "choose one of these"
        raise InvalidInputError(Problem("--sort", sort, ", ".join(SORT_KEYS), move))
    front = set(run.facts["recommendation"]["pareto"])
    rows = [row for row in range(len(run.results["option"])) if not pareto or row in front]
    column, more_is_better = SORT_KEYS[sort]
    values = run.results[column]
    rows.sort(key=lambda row: -values[row] if more_is_better else values[row])
    return rows[:top]


def rows_document(run: StoredRun, rows: Sequence[int]) -> dict[str, Any]:
    """Return the rows as plain values, with the verdict."""
    facts = run.facts
    choice = facts["recommendation"]
    return {
        "input_hash": facts["input_hash"],
        "complete": facts["complete"],
        "stale": run.stale,
        "goal": choice["goal"],
        "recommended_option": facts["hourly_option"] if choice["recommended"] else None,
        "rows": [{name: column[row] for name, column in run.results.items()} for row in rows],
    }
