"""What came of a run: its options page by page, the hours of any of them, its recommendation and its years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

from afterbay.core.errors import ConflictError, InvalidInputError, OutOfRangeError, Problem
from afterbay.server.recent import Recent
from afterbay.server.sizing.service.runs import label_of, simulate_option, sizes_of, thaw
from afterbay.server.sizing.service.runs_files import INPUTS, SWEEP, folder_of
from afterbay.server.sizing.service.runs_outcome import plain, shown_index
from afterbay.server.sizing.service.runs_project import find_project, profile_hashes
from afterbay.server.sizing.service.runs_sweep import read_sweep
from afterbay.server.sizing.service.runs_years import YearsAsked, live, years_document
from afterbay.server.sizing.service.simulations import SimulationView, find_row, view_of
from afterbay.server.sizing.service.stale import Staleness, staleness_of
from afterbay.sizing.metrics import SummaryMetrics

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from afterbay.server.platform.storage import Storage
    from afterbay.server.principal import Principal
    from afterbay.server.sizing.tables import Simulation
    from afterbay.sizing.project import Project
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = ["METRIC_UNITS", "FinishedRun", "RowsPage", "open_run", "projection_of_run", "recommendation_of", "rows_page",
           "staleness_of_run"]  # fmt: skip

METRIC_UNITS: Final = {
    name: str(item.metadata.get("unit", "")) for name, item in SummaryMetrics.__dataclass_fields__.items()
}
"""Unit of each metric."""
_MOST_STEPS: Final = 400_000
"""Of the years that are kept for who pages through them: some 45 of hours, 100 MB at most."""
_MOST_ROWS: Final = 10_000
"""Of the options that are kept, over all runs: 40 MB."""
_SIZES: Final = ("index", "capacity", "duration", "power", "dg_capacity", "solar_capacity", "capital_cost_usd")
_projects: Recent[UUID, Project] = Recent(_MOST_STEPS)
_choices: Recent[UUID, dict[str, Any]] = Recent(_MOST_ROWS)
_hourly: Recent[tuple[UUID, int], HourlyResults] = Recent(_MOST_STEPS)


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run with results, and where its files are. What it was made from and what it gave never change."""

    row: Simulation
    storage: Storage

    @property
    def id(self) -> UUID:
        """Id of the run."""
        return self.row.id

    @property
    def view(self) -> SimulationView:
        """The run as everybody sees it."""
        return view_of(self.row)

    @property
    def choice(self) -> dict[str, Any]:
        """The recommendation, with rows, nearest changes and physics."""
        return _choices.find(self.id, lambda: self.row.optimization_results or {}, _weight)

    @property
    def shown(self) -> int:
        """The option that is shown unless another is asked for."""
        return shown_index(self.choice)

    @cached_property
    def project(self) -> Project:
        """The project as it was run."""

        def thawed() -> Project:
            return thaw(self.row.config_snapshot["run"], self.storage.get(f"{folder_of(self.id)}/{INPUTS}"))

        return _projects.find(self.id, thawed, lambda project: len(project.load.values))

    @cached_property
    def sweep(self) -> SweepResult:
        """Every option."""
        return read_sweep(self.project, self.storage.get(f"{folder_of(self.id)}/{SWEEP}"))

    def index_of(self, index: int | None) -> int:
        """Return the option that is meant; None: the one that is shown.

        Raises:
            OutOfRangeError: If there is no such option.
        """
        if index is None:
            return self.shown
        count = self.row.cases or 0
        if not 0 <= index < count:
            allowed = f"a whole number 0..{count - 1}"
            raise OutOfRangeError(Problem("/index", str(index), allowed, "take the `index` of a row of the results"))
        return index

    def hourly(self, index: int) -> HourlyResults:
        """Return every hour of an option, simulated again."""
        return _hourly.find((self.id, index), lambda: simulate_option(self.project, index), len)

    def option_row(self, index: int) -> dict[str, Any]:
        """Return the plan's row of an option."""
        rows = self.choice.get("results")
        if rows is not None:
            found: dict[str, Any] = rows[index]
            return found
        return _row(self.sweep, index)

    def label(self, index: int) -> str:
        """Name an option."""
        rows = self.choice.get("results")
        return label_of(rows[index] if rows is not None else sizes_of(self.project, index))


@dataclass(frozen=True, slots=True)
class RowsPage:
    """Some options of a run, in an order."""

    rows: list[dict[str, Any]]
    next_place: int | None
    """Where the next page begins; None: this is the last."""


def open_run(
    session: Session, principal: Principal, storage: Storage, simulation_id: UUID, *, whole: bool = True
) -> FinishedRun:
    """Return a run that has results.

    Args:
        session: To find it by.
        principal: Who asks.
        storage: Where its files are.
        simulation_id: The run.
        whole: Read all of its row at once; else what it was made from and gave only when it is not at hand.

    Raises:
        NotFoundError: If there is none that the principal may see.
        ConflictError: If it has no results: it is not finished, or failed.
    """
    row = find_row(session, principal, simulation_id, whole=whole)
    if row.status != "completed":
        moves = {"failed": "start it again", "cancelled": "start it again"}
        why = f" ({row.error_message})" if row.error_message else ""
        move = moves.get(row.status, "follow GET .../status until it is completed")
        raise ConflictError(f"the run is {row.status}{why}, so it has no results -> {move}")
    return FinishedRun(row, storage)


def staleness_of_run(session: Session, principal: Principal, run: FinishedRun) -> Staleness:
    """Return whether the project still says what the run was made from."""
    row = find_project(session, principal, run.view.project_id, edit=False)
    return staleness_of(run.row.config_snapshot, row, profile_hashes(session, row))


def _weight(choice: Mapping[str, Any]) -> int:
    return 1 + len(choice.get("dominated", ()))


def rows_page(run: FinishedRun, sort: str, place: int, limit: int) -> RowsPage:
    """Return some options in the plan's shape.

    Args:
        run: The run.
        sort: A size, `capital_cost_usd` or a metric; with `-` the largest first.
        place: How many options to pass over.
        limit: Most options of the page.

    Raises:
        InvalidInputError: If there is nothing of this name to sort by.
    """
    name, falling = sort.removeprefix("-"), sort.startswith("-")
    if name not in _SIZES and name not in METRIC_UNITS:
        allowed = f"{', '.join(_SIZES)}, or a metric such as delivery_pct"
        raise InvalidInputError(Problem("/sort", repr(sort[:100]), allowed, "write -name for the largest first"))
    rows = run.choice.get("results")
    count = run.row.cases or 0
    if name == "index":
        order = range(count - 1, -1, -1) if falling else range(count)
        places = [int(index) for index in order[place : place + limit]]
    else:
        values = np.array(
            [_value(row, name) for row in rows] if rows is not None else _column(run.sweep, name), dtype=np.float64
        )
        # What is not known stands last, either way.
        keys = np.where(np.isnan(values), np.inf, -values if falling else values)
        places = np.argsort(keys, kind="stable")[place : place + limit].tolist()
    found = [rows[index] if rows is not None else _row(run.sweep, index) for index in places]
    return RowsPage(found, place + limit if place + limit < count else None)


def recommendation_of(run: FinishedRun) -> dict[str, Any]:
    """Return what is recommended, with reasons; without a match what is nearest, what blocks it and what would help."""
    return {name: value for name, value in run.choice.items() if name not in ("results", "physics")}


def projection_of_run(run: FinishedRun, index: int | None, asked: YearsAsked) -> dict[str, Any]:
    """Return the years of an option and their money; of a `multi_year` run as they were computed then.

    Args:
        run: The run.
        index: The option; None: the one that is shown.
        asked: What replaces the assumptions of the project.

    Raises:
        OutOfRangeError: If there is no such option.
        InvalidInputError: If the assumptions cannot be used.
    """
    chosen = run.index_of(index)
    stored = run.row.projection_results
    if stored is not None and chosen == stored["index"] and asked == YearsAsked():
        return stored
    financial = asked.financial_of(run.row.config_snapshot["financial"])
    return years_document(run.project, chosen, live(run.project, chosen, financial))


def _row(result: SweepResult, index: int) -> dict[str, Any]:
    sizes = {name: float(column[index]) for name, column in result.sizes.items()}
    found: dict[str, Any] = plain({
        "index": index,
        **sizes,
        "capital_cost_usd": float(result.capital_cost_usd[index]),
        "metrics": result.metrics_of(index).to_dict(),
    })  # fmt: skip
    return found


def _value(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name) if name in _SIZES else row["metrics"].get(name)
    return float("nan") if value is None else float(value)


def _column(result: SweepResult, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name == "capital_cost_usd":
        return result.capital_cost_usd
    if name in _SIZES:
        return result.sizes.get(name, np.full(len(result), np.nan))
    return result.metrics[name]
