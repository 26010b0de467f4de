"""Whether runs have the same inputs, and if not, what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterbay.community.topology import compare_grids, grid_from_document
from afterbay.core.errors import InvalidInputError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from afterbay.community.simulation import CommunityRun
    from afterbay.community.simulation.scenario import Scenario

__all__ = ["differing_inputs", "require_same_inputs"]

_SHOWN = 3


def differing_inputs(first: Scenario, second: Scenario) -> tuple[str, ...]:
    """Return in words what the physics of two scenarios does not have in common; nothing when it is the same."""
    if first.inputs_digest == second.inputs_digest:
        return ()
    found = []
    if first.grid != second.grid:
        lines = str(compare_grids(grid_from_document(first.grid), grid_from_document(second.grid))).splitlines()
        changes = [line.removeprefix("~ ") for line in lines]
        more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        found.append(f"another grid ({'; '.join(changes[:_SHOWN])}{more})")
    names = sorted({*first.profiles, *second.profiles})
    other = [name for name in names if first.profiles.get(name) != second.profiles.get(name)]
    if other:
        more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
        found.append(f"other profiles ({', '.join(other[:_SHOWN])}{more})")
    for word, one, two in (
        ("start", first.start, second.start),
        ("step in seconds", first.step_s, second.step_s),
        ("number of steps", first.steps, second.steps),
    ):
        if one != two:
            found.append(f"another {word} ({one} and {two})")
    return tuple(found)


def require_same_inputs(runs: Mapping[str, CommunityRun]) -> None:
    """Make sure that runs differ in their sharing rule and seed only.

    Args:
        runs: Runs by the name they are shown under; at least one.

    Raises:
        InvalidInputError: Naming for each run which part of its inputs differs from the first run's.
    """
    if not runs:
        raise InvalidInputError(Problem("runs", "none", "at least one run", "name the runs to compare"))
    names = list(runs)
    first = runs[names[0]].scenario
    problems = Problems()
    for name in names[1:]:
        different = differing_inputs(first, runs[name].scenario)
        if different:
            problems.add(
                f"run {name}", "; ".join(different), f"the inputs of run {names[0]}", "run both on the same inputs"
            )
    problems.raise_if_any()
