"""What comes of a run: the options judged, the one to show hour by hour, and what would help where none will do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from afterbay.server.sizing.service.runs_sweep import rows_of
from afterbay.sizing.nearest import nearest_changes
from afterbay.sizing.recommendation import calculate_recommendations

if TYPE_CHECKING:
    from afterbay.sizing.project import Project
    from afterbay.sizing.simulation import HourlyResults
    from afterbay.sizing.sweep import SweepResult

__all__ = ["MOST_ROWS", "Outcome", "judge", "plain", "shown_index"]

MOST_ROWS: Final = 500
"""More rows than this stand in a file instead of the database."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A sweep and all that is said about it."""

    result: SweepResult
    rows: list[dict[str, Any]]
    """The plan's rows."""
    choice: dict[str, Any]
    """Of `calculate_recommendations`."""
    nearest: dict[str, Any] | None
    """What would reach the goal, where no option does."""
    shown: int
    """The recommended option, or the one nearest to the goal."""
    hourly: HourlyResults
    """Every hour of that one."""

    @property
    def reached(self) -> bool:
        """Does an option reach the goal?"""
        return self.choice["recommended"] is not None

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """The metrics of the option that is shown."""
        return dict(self.rows[self.shown]["metrics"])

    def to_json(self) -> dict[str, Any]:
        """Return what the plan's column `optimization_results` holds: the recommendation, with rows and reasons."""
        kept = self.rows if len(self.rows) <= MOST_ROWS else None
        return {
            **self.choice,
            "results": kept,
            "nearest": self.nearest,
            "physics": plain(self.hourly.physics.to_dict()),
        }


def judge(project: Project, result: SweepResult) -> Outcome:
    """Judge the options of a run as `afterbay size run` does.

    Args:
        project: The project of the run.
        result: Its whole sweep.
    """
    rows = list(rows_of(result))
    choice = plain(calculate_recommendations(rows, project.goal, costs=project.costs))
    found = None if choice["recommended"] else nearest_changes(result, project.goal)
    nearest = {**found.to_dict(), "lines": found.lines()} if found else None
    shown = shown_index(choice)
    return Outcome(result, plain(rows), choice, plain(nearest), shown, result.simulate(shown))


def shown_index(choice: Mapping[str, Any]) -> int:
    """Return the option that a recommendation is about: the recommended one, else the nearest to the goal."""
    return int((choice["recommended"] or choice["best_reached"])["index"])


def plain(value: Any) -> Any:
    """Return JSON without numbers that are not finite, which the database would not take."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
