"""Bad rows set apart, and their users simulated once more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from afterbay.community.cycle.contract import read_moment
from afterbay.community.cycle.rows import results_frame
from afterbay.community.cycle.sun import DEFAULT_PLACE, Place
from afterbay.community.cycle.tick import run_ticks
from afterbay.community.cycle.users import Users, locate, parse_ids
from afterbay.community.cycle.validation import ValidationReport, validate_results
from afterbay.core.output_file import check_file, write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from afterbay.community.cycle.rows import Rows
    from afterbay.community.cycle.state import CycleState
    from afterbay.community.cycle.weather import Weather
    from afterbay.core.compiled import Indices

__all__ = ["Recomputed", "quarantine_name", "recompute", "write_quarantine"]

_LOG = logging.getLogger("afterbay.cycle")


@dataclass(frozen=True, slots=True, eq=False)
class Recomputed:
    """Results after the users of bad rows were simulated once more."""

    frame: pd.DataFrame
    """Good rows of both, ordered as the input, by timestamp."""
    first: ValidationReport
    """Of the results as they came; its `bad` rows are the quarantine."""
    second: ValidationReport
    """Of the frame."""
    users: Indices
    """Users that were simulated once more, as rows of the input."""
    rows: tuple[Rows, ...]
    """What the second simulation gave, one tick after the other; empty when nobody had to be."""


def recompute(
    report: ValidationReport,
    users: Users,
    state: CycleState,
    weather: Weather,
    moments: Sequence[datetime | str],
    seed: int,
    run_id: str = "",
    *,
    place: Place = DEFAULT_PLACE,
) -> Recomputed:
    """Simulate the users of bad or missing rows once more and put their rows among the good ones.

    A tick of some users gives the numbers that a tick of all would have given, so nothing else changes. All
    rows of such a user are replaced, because what a battery holds runs through all of them.

    Args:
        report: Of the results, made with the same users and moments.
        users: Who took part.
        state: Before the first of the moments.
        weather: Provider of the weather factor.
        moments: The quarter hours of the results, one after the other.
        seed: As for the tick.
        run_id: As for the tick.
        place: As for the tick.
    """
    times = [read_moment(moment) for moment in moments]
    again = _users_of(report, users)
    if not len(again):
        return Recomputed(report.good, report, report, again, ())
    _LOG.warning("%s: %d users are simulated once more", report.name, len(again))
    _, ticks = run_ticks(state, users.take(again), weather, times, seed, run_id, place=place)
    frame = _merged(report.good, results_frame(ticks), users, again)
    second = validate_results(frame, users, state, expected=times)
    if not second.ok:
        _LOG.error("%s: still wrong after one more simulation: %s", report.name, "; ".join(second.lines()))
    return Recomputed(second.good, report, second, again, tuple(ticks))


def write_quarantine(report: ValidationReport, path: str | os.PathLike[str]) -> int:
    """Write the bad rows as they came, with line and rules, whole or not at all; return their number.

    Raises:
        InvalidInputError: If the file cannot be written.
    """
    file = Path(path)
    check_file(file, ".csv")
    write_whole(file, report.bad.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    return len(report.bad)


def quarantine_name(results: str) -> str:
    """Return the name for the bad rows of a results file: quarantine_20240911_1415.csv."""
    return f"quarantine_{Path(results).name.removeprefix('results_')}"


def _users_of(report: ValidationReport, users: Users) -> Indices:
    """Return the rows of the input whose results are bad or missing, in order."""
    ids = np.array([str(text).encode("ascii", "replace")[:36] for text in report.bad["user_id"]], dtype="S36")
    keys, good = parse_ids(ids)
    found = locate(keys[good], users.keys)
    return np.unique(np.concatenate([found[found >= 0], *report.missing.values()]).astype(np.int64))


def _merged(good: pd.DataFrame, new: pd.DataFrame, users: Users, again: Indices) -> pd.DataFrame:
    import pandas as pd

    row_of = {user: row for row, user in enumerate(users.user_id.astype("U36").tolist())}
    replaced = set(users.user_id[again].astype("U36").tolist())
    kept = good[~good["user_id"].isin(replaced)]
    both = pd.concat([kept, new], ignore_index=True)
    place = both["user_id"].map(row_of)
    order = np.lexsort((place.to_numpy(), both["timestamp"].to_numpy()))
    return both.iloc[order].reset_index(drop=True)
