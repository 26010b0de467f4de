"""The same community without batteries: what peaks and purchases are compared with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from afterbay.community.results.inputs import differing_inputs
from afterbay.community.simulation import run_community
from afterbay.community.topology import Grid, Transformer, grid_to_document
from afterbay.core.errors import InvalidInputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.simulation import CommunityRun

__all__ = ["check_baseline", "run_without_batteries", "without_batteries"]


def without_batteries(grid: Grid) -> Grid:
    """Return the same grid with every battery taken out."""

    def bare(transformer: Transformer) -> Transformer:
        return replace(
            transformer,
            transformers=tuple(bare(child) for child in transformer.transformers),
            houses=tuple(replace(house, batteries=()) for house in transformer.houses),
        )

    return replace(
        grid,
        transformers=tuple(bare(transformer) for transformer in grid.transformers),
        houses=tuple(replace(house, batteries=()) for house in grid.houses),
    )


def run_without_batteries(
    run: CommunityRun,
    profiles: ProfileLibrary,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CommunityRun:
    """Run the houses of a run again without batteries and without sharing, in memory.

    Args:
        run: A finished run.
        profiles: The profiles of the run.
        threads: Threads to run on.
        progress: Called after each block with the steps done and the steps in all.

    Raises:
        InvalidInputError: If these are not the profiles of the run.
    """
    grid = without_batteries(run.grid)
    changed = [
        name
        for name, digest in run.scenario.profiles.items()
        if name not in profiles or profiles.digest(name) != digest
    ]
    if changed:
        raise InvalidInputError(
            Problem("profiles", f"another {', '.join(changed[:5])}", "the profiles of the run", "open both again")
        )
    return run_community(grid, profiles, "none", run.timeline, run.scenario.seed, threads=threads, progress=progress)


def check_baseline(run: CommunityRun, baseline: CommunityRun) -> None:
    """Make sure that a run differs from its baseline in batteries only.

    Raises:
        InvalidInputError: Naming what else differs.
    """
    bare = replace(run.scenario, grid=grid_to_document(without_batteries(run.grid)))
    different = differing_inputs(bare, baseline.scenario)
    if different:
        raise InvalidInputError(
            Problem(
                "baseline",
                f"a run with {'; '.join(different)}",
                "the same community without batteries",
                "make it with run_without_batteries",
            )
        )
