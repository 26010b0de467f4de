"""Run a community over a horizon: streamed, with progress, to be stopped and taken up again."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import afterbay
from afterbay.community.sharing import Sharing, SharingRule, named_sharing
from afterbay.community.simulation.folder import FolderResults, read_scenario_file
from afterbay.community.simulation.memory import MemoryResults
from afterbay.community.simulation.physics import Physics
from afterbay.community.simulation.result import CommunityRun
from afterbay.community.simulation.scenario import Scenario, scenario_of
from afterbay.community.simulation.shares import share_days
from afterbay.community.step import MeterBlock, tree_arrays
from afterbay.community.topology import grid_from_document
from afterbay.core.errors import CancelledError, InvalidInputError, Problem
from afterbay.core.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from afterbay.community.recipes import ProfileLibrary
    from afterbay.community.topology import Grid

__all__ = ["open_run", "run_community"]


def run_community(
    grid: Grid,
    profiles: ProfileLibrary,
    rules: SharingRule | str = "proportional",
    horizon: Timeline | None = None,
    seed: int = 0,
    *,
    series: Sequence[str] | Literal["all", "none"] = "none",
    keep_meters: bool = False,
    folder: Path | str | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    threads: int | None = None,
    block_days: int | None = None,
) -> CommunityRun:
    """Run every step of a community and share its surplus on paper.

    The result has the same bits whatever the number of threads, the length of the blocks, and whether the
    run was stopped and taken up again.

    Args:
        grid: The topology; everything `check` calls an error is refused.
        profiles: The profiles that the grid names.
        rules: A sharing rule, or the everyday name of one (`SHARING_RULES`).
        horizon: The steps; see `horizon()`.
        seed: Kept with the run for whatever draws numbers later (bidding strategies); the physics draws none.
        series: Houses whose full series is kept, "all" or "none".
        keep_meters: Whether the meter of every house and step is kept; what is not kept is run again when a
            settlement asks for it.
        folder: Where the tables are streamed to as Parquet; None keeps them in memory.
        resume: Go on with a run that was stopped in `folder`; its inputs must be the same.
        progress: Called after each block with the steps done and the steps in all.
        cancelled: Asked after each block; True stops with the finished part kept.
        threads: Threads to run on; default: every core that this process may use.
        block_days: Local days that are run at once; default: by the number of houses.

    Raises:
        InvalidInputError: With every problem that was found; nothing was written.
        CancelledError: If `cancelled` said so.
        ConflictError: If another process writes into the folder.
    """
    if horizon is None:
        raise InvalidInputError(
            Problem("horizon", "None", "a Timeline of quarter hours", "horizon('2023-01-01', days=365, ...)")
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidInputError(Problem("seed", repr(seed), "a whole number >= 0", "0 if nothing draws numbers"))
    sharing = named_sharing(rules) if isinstance(rules, str) else rules
    if isinstance(sharing, Sharing) and sharing.buyers in ("static", "cascade"):
        _require_keys(grid, sharing)
    names = grid.house_names
    chosen_names = _chosen(series, names)
    place = {name: index for index, name in enumerate(names)}
    chosen = np.array([place[name] for name in chosen_names], dtype=np.int64)
    physics = Physics(grid, profiles, horizon, chosen=chosen.tolist(), threads=threads, block_days=block_days)
    scenario = scenario_of(grid, profiles, sharing, horizon, seed)
    results: FolderResults | MemoryResults
    state, first_day = None, 0
    told: dict[str, Any] = {}
    if folder is None:
        results = MemoryResults(keep_meters=keep_meters)
    else:
        results = FolderResults(Path(folder), physics.tree, horizon, physics.days, chosen, keep_meters=keep_meters)
        told = _told(scenario, sharing, chosen_names, profiles, keep_meters=keep_meters)
    with results.alone(make=not resume) if isinstance(results, FolderResults) else nullcontext():
        if isinstance(results, FolderResults):
            if resume:
                taken_up = _take_up(results, told)
                if taken_up is not None:
                    first_day, state = taken_up
            if first_day == 0:
                results.begin(told)
                results.clear()
        _run(physics, sharing, chosen, results, state, first_day, progress, cancelled)
        if isinstance(results, FolderResults):
            results.finish({**told, "complete": True})

    def again() -> Iterator[MeterBlock]:
        return (MeterBlock(run.block.first, run.block.net_kwh) for run in physics.run())

    return CommunityRun(grid, physics.tree, horizon, physics.days, scenario, sharing, chosen_names, results, again)


def open_run(folder: Path | str, profiles: ProfileLibrary | None = None) -> CommunityRun:
    """Open a finished run in a folder.

    Args:
        folder: Where `run_community` wrote it.
        profiles: The profiles of the run; needed only when a settlement asks for meters that were not kept.

    Raises:
        NotFoundError: If there is no run.
        InvalidInputError: If it is not complete, or the profiles are not those of the run.
    """
    path = Path(folder)
    told = read_scenario_file(path)
    if not told.get("complete"):
        raise InvalidInputError(
            Problem(str(path), "a run that was stopped before its end", "a complete run", "finish it with --resume")
        )
    from datetime import datetime, timedelta

    from afterbay.community.simulation.horizon import local_days

    scenario = Scenario(**told["scenario"])
    grid = grid_from_document(scenario.grid)
    timeline = Timeline(datetime.fromisoformat(scenario.start), timedelta(seconds=scenario.step_s), scenario.steps)
    tree, days = tree_arrays(grid), local_days(timeline, grid.time_zone)
    chosen_names = tuple(told["chosen"])
    place = {name: index for index, name in enumerate(tree.house_names)}
    chosen = np.array([place[name] for name in chosen_names], dtype=np.int64)
    results = FolderResults(path, tree, timeline, days, chosen, keep_meters=bool(told["keep_meters"]))
    sharing = Sharing(**told["sharing_rule"]) if told["sharing_rule"] is not None else None
    again = None
    if profiles is not None:
        for name, digest in scenario.profiles.items():
            if name not in profiles or profiles.digest(name) != digest:
                raise InvalidInputError(
                    Problem(
                        f"profile {name}", "another series", "the one that the run was made with", "open both again"
                    )
                )
        physics = Physics(grid, profiles, timeline)

        def again() -> Iterator[MeterBlock]:
            return (MeterBlock(run.block.first, run.block.net_kwh) for run in physics.run())

    return CommunityRun(grid, tree, timeline, days, scenario, sharing, chosen_names, results, again)


def _run(
    physics: Physics,
    sharing: SharingRule,
    chosen: np.ndarray,
    results: FolderResults | MemoryResults,
    state: Any,
    first_day: int,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    total = physics.timeline.count
    for run in physics.run(state, first_day):
        shared = share_days(run, physics.tree, sharing, chosen, dt_h=physics.timeline.dt_h, threads=physics.threads)
        results.keep(shared)
        done = shared.first_step + shared.nodes.shape[1]
        if progress is not None:
            progress(done, total)
        if done < total and cancelled is not None and cancelled():
            raise CancelledError(f"stopped after {done:,} of {total:,} steps")


def _require_keys(grid: Grid, sharing: Sharing) -> None:
    if not any(house.key for house, _ in grid.every_house()):
        raise InvalidInputError(
            Problem(
                "rules", f"{sharing.name}, and no house has a key", "keys of houses that add up to 1",
                "set key on the houses, or choose proportional",
            )
        )  # fmt: skip


def _chosen(series: Sequence[str] | str, names: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(series, str):
        if series not in ("all", "none"):
            raise InvalidInputError(
                Problem("series", repr(series), '"all", "none" or names of houses', "give a tuple of names")
            )
        return names if series == "all" else ()
    known = frozenset(names)
    lost = [name for name in series if name not in known]
    if lost:
        raise InvalidInputError(
            Problem("series", ", ".join(map(repr, lost[:5])), "names of houses of the grid", "see grid.house_names")
        )
    return tuple(dict.fromkeys(series))


def _told(
    scenario: Scenario,
    sharing: SharingRule,
    chosen: tuple[str, ...],
    profiles: ProfileLibrary,
    *,
    keep_meters: bool,
) -> dict[str, Any]:
    return {
        "afterbay": afterbay.__version__,
        "complete": False,
        "digest": scenario.digest,
        "inputs_digest": scenario.inputs_digest,
        "scenario": scenario.to_dict(),
        "sharing_rule": asdict(sharing) if isinstance(sharing, Sharing) else None,
        "chosen": list(chosen),
        "keep_meters": keep_meters,
        "recipes": profiles.to_dict(),
    }


def _take_up(results: FolderResults, told: dict[str, Any]) -> Any:
    before = read_scenario_file(results.path)
    if before.get("complete"):
        raise InvalidInputError(
            Problem(str(results.path), "a complete run", "a run that was stopped", "open it, or run without resume")
        )
    changed = [name for name in ("digest", "chosen", "keep_meters") if before.get(name) != told[name]]
    if changed:
        raise InvalidInputError(
            Problem(
                str(results.path),
                f"a stopped run with another {', '.join(changed)}",
                "the same grid, profiles, steps, rules and kept series",
                "restore them, or run without resume to begin anew",
            )
        )
    return results.resume()
