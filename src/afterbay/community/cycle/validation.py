"""Check results before anybody stores them: good rows are kept, bad rows are named and set apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from afterbay.community.cycle.cells import lines_in_words
from afterbay.community.cycle.contract import ENERGY_COLUMNS, RESULT_COLUMNS, read_moment, stamp, step_index
from afterbay.community.cycle.users import locate
from afterbay.community.cycle.validation_rules import RULES, breaches
from afterbay.community.cycle.validation_table import ResultsTable, read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from afterbay.community.cycle.state import CycleState
    from afterbay.community.cycle.users import Users

__all__ = ["RowProblem", "ValidationReport", "validate_results"]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One rule that one row breaks."""

    row: int
    """Line of the file, the header is line 1."""
    rule: str
    """One of `RULES`."""
    column: str
    """Empty where the rule concerns the row as a whole."""
    value: Any
    """What stands there."""
    allowed: str

    def message(self) -> str:
        """Return the problem in the words of the document, where it has some."""
        return {
            "uuid": f"Invalid UUID: {self.value}",
            "timestamp": f"Invalid timestamp: {self.value}",
            "negative": f"Negative values found in {self.column}",
            "surplus": "Surplus calculation mismatch",
        }.get(self.rule, f"{self.column or 'row'}: must be {self.allowed}")


@dataclass(frozen=True, slots=True, eq=False)
class ValidationReport:
    """What was found in results; `ok` when nothing."""

    name: str
    """The file, or "the frame"."""
    rows: int
    file_problems: tuple[str, ...]
    """What is wrong with the file as a whole; then no row of it is good."""
    problems: tuple[RowProblem, ...]
    missing: Mapping[str, NDArray[np.int64]]
    """Users without a good row, as rows of the input, by timestamp; empty without users to compare with."""
    good: pd.DataFrame
    """Rows that break no rule: ids as text, timestamps in UTC, energies in kWh."""
    bad: pd.DataFrame
    """The others as they came, after the columns `line` and `rules`."""
    notices: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every row is good and every user is there."""
        return not (self.file_problems or self.problems or self.missing)

    @property
    def valid_share(self) -> float:
        """Good rows over all rows [-]; 0 when the file cannot be used, 1 when it is rightly empty."""
        if self.file_problems:
            return 0.0
        return len(self.good) / self.rows if self.rows else 1.0

    @property
    def counts(self) -> dict[str, int]:
        """Rows that break each rule, in the order of `RULES`."""
        found = Counter(rule for rule, _ in {(problem.rule, problem.row) for problem in self.problems})
        return {rule: found[rule] for rule in RULES if rule in found}

    @property
    def errors(self) -> tuple[str, ...]:
        """Messages, those of the document word for word; each once."""
        said = [*self.file_problems, *(problem.message() for problem in self.problems)]
        said += [f"Missing users at {moment}: {len(rows)}" for moment, rows in self.missing.items()]
        return tuple(dict.fromkeys(said))

    def totals(self) -> dict[str, float]:
        """Return the sum of every energy over the good rows [kWh]; the sum of the stored energy is a stock."""
        return {column: round(float(self.good[column].sum()), 6) for column in ENERGY_COLUMNS}

    def lines(self) -> tuple[str, ...]:
        """Return the report in words for a log: line numbers and rules, no user ids and no values."""
        said = [f"{self.name}: {len(self.good)} of {self.rows} rows are good", *self.file_problems]
        by_rule: dict[str, dict[int, None]] = {}
        for problem in self.problems:
            by_rule.setdefault(problem.rule, {})[problem.row] = None
        said += [
            f"{rule} ({lines_in_words(list(by_rule[rule]))}): must be {RULES[rule]}"
            for rule in RULES
            if rule in by_rule
        ]
        said += [f"users without a good row at {moment}: {len(rows)}" for moment, rows in self.missing.items()]
        return (*said, *self.notices)


def validate_results(
    results: pd.DataFrame | str | os.PathLike[str],
    users: Users | None = None,
    previous: CycleState | None = None,
    *,
    expected: datetime | str | Sequence[datetime | str] | None = None,
) -> ValidationReport:
    """Check results by every rule of the document and by physics.

    Args:
        results: A results file, or a frame with the ten columns.
        users: Who took part; without them the rules on panels, inverter, battery and coverage are left out.
        previous: State before the first row; without it the stored energy is followed from the first row on.
        expected: The quarter hours that were asked for; without them every user must be there once at least.

    Returns:
        The report. Bad results are no error here: they are what the report is about.

    Raises:
        InvalidInputError: If an expected moment is no quarter hour.
    """
    table = read_table(results)
    moments = _moments(expected)
    if table.file_problems:
        missing = _missing(table, np.zeros(0, dtype=np.bool_), users, moments)
        empty = _good_frame(table, np.zeros(0, dtype=np.bool_))
        return ValidationReport(table.name, 0, table.file_problems, (), missing, empty, _bad_frame(table, {}))
    problems: list[RowProblem] = []
    rules: dict[int, list[str]] = {}
    for breach in breaches(table, users, previous, moments):
        for row in np.flatnonzero(breach.rows).tolist():
            problems.append(
                RowProblem(int(table.lines[row]), breach.rule, breach.column, breach.value(row), breach.allowed(row))
            )
            rules.setdefault(row, []).append(breach.rule)
    good = np.ones(len(table), dtype=np.bool_)
    good[list(rules)] = False
    return ValidationReport(
        table.name,
        len(table),
        (),
        tuple(problems),
        _missing(table, good, users, moments),
        _good_frame(table, good),
        _bad_frame(table, rules),
        table.notices,
    )


def _moments(expected: datetime | str | Sequence[datetime | str] | None) -> list[datetime] | None:
    if expected is None:
        return None
    if isinstance(expected, (str, datetime)):
        return [read_moment(expected)]
    return [read_moment(moment) for moment in expected]


def _missing(
    table: ResultsTable, good: NDArray[np.bool_], users: Users | None, moments: Sequence[datetime] | None
) -> dict[str, NDArray[np.int64]]:
    if users is None:
        return {}
    absent: dict[str, NDArray[np.int64]] = {}
    for moment in [None] if moments is None else moments:
        there = good if moment is None else good & (table.steps == step_index(moment))
        rows = np.flatnonzero(locate(users.keys, table.keys[there]) < 0)
        if len(rows):
            absent["any time" if moment is None else stamp(moment)] = rows
    return absent


def _good_frame(table: ResultsTable, good: NDArray[np.bool_]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, object] = {
        "user_id": table.user_id[good].astype("U36").astype(object),
        "timestamp": pd.to_datetime(table.seconds[good], unit="s", utc=True).as_unit("us"),
    }
    return pd.DataFrame(columns | {name: table.kwh[name][good] for name in ENERGY_COLUMNS})


def _bad_frame(table: ResultsTable, rules: Mapping[int, Sequence[str]]) -> pd.DataFrame:
    import pandas as pd

    rows = sorted(rules)
    columns: dict[str, object] = {
        "line": [int(table.lines[row]) for row in rows],
        "rules": [" ".join(dict.fromkeys(rules[row])) for row in rows],
    }
    columns |= {name: pd.Series([table.texts[name][row] for row in rows], dtype=object) for name in RESULT_COLUMNS}
    return pd.DataFrame(columns)
