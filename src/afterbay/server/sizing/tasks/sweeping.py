"""Simulates the sizes of a run: here when they are few, in parts by other processes when they are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from afterbay.server.sizing.service.runs_sweep import SweptPart, join_parts, parts_of, sweep_part
from afterbay.sizing.sweep import sweep

if TYPE_CHECKING:
    from afterbay.server.platform.jobs.compute import Compute
    from afterbay.sizing.project import Project
    from afterbay.sizing.sweep import SweepResult

__all__ = ["MOST_INLINE", "run_sweep"]

MOST_INLINE: Final = 5_000
"""Up to so many sizes of a year of hours, sending them away takes longer than it saves."""
_HOURS: Final = 8_760
_PART: Final = 2_000
"""Sizes of one part: about 0.3 s of work."""


def run_sweep(project: Project, compute: Compute, report: Callable[[int], None]) -> SweepResult:
    """Simulate every size of a run; the place where it is done does not change a bit.

    Args:
        project: The project of the run.
        compute: Where many sizes are simulated.
        report: Told how many sizes are done; what it raises stops the work.

    Raises:
        PhysicsError: If a case breaks a balance or a bound.
    """
    count, years = len(project.grid), len(project.load.values) / _HOURS
    if count * years <= MOST_INLINE:

        def progress(done: int, _all: int) -> None:
            report(done)

        return sweep(project.params(), project.template, project.grid, costs=project.costs, progress=progress)
    done = 0

    def on_done(_place: int, part: SweptPart) -> None:
        nonlocal done
        done += len(part.places)
        report(done)

    parts = parts_of(project, max(1, round(_PART / max(years, 1e-3))))
    return join_parts(project, compute.map(sweep_part, parts, on_done=on_done))
