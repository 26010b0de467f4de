"""Why: an hour of an option went as it did, or an option stands where it stands among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from afterbay.core.timeline import steps_per_day
from afterbay.server.sizing.service.results_hourly import read_steps
from afterbay.server.sizing.service.runs_outcome import plain
from afterbay.sizing.blockers import blocking_hours
from afterbay.sizing.days import best_day, day_steps, typical_day, worst_day
from afterbay.sizing.explain import explain
from afterbay.sizing.goal import limits_of, read_options
from afterbay.sizing.recommendation import calculate_recommendations

if TYPE_CHECKING:
    from afterbay.server.sizing.service.results import FinishedRun

__all__ = ["DAYS", "explain_day", "explain_option", "explain_step"]

DAYS = {"worst": worst_day, "best": best_day, "typical": typical_day}
"""Days that have a name."""


def explain_step(run: FinishedRun, index: int, at: str) -> dict[str, Any]:
    """Return why one step went as it did, from the decisions that were really taken.

    Args:
        run: The run.
        index: The option.
        at: The step, from 1, or a moment in it (ISO 8601).

    Raises:
        InvalidInputError: If it cannot be read, or the run has no such step.
    """
    hourly = run.hourly(index)
    step = read_steps(hourly, run.project.start, at, None).start
    row = hourly[step]
    return {
        "index": index,
        "label": run.label(index),
        "sentences": [explain(hourly, step + 1)],
        "steps": [{name: getattr(row, name) for name in hourly.columns}],
    }


def explain_day(run: FinishedRun, index: int, day: str) -> dict[str, Any]:
    """Return why each step of a day went as it did.

    Args:
        run: The run.
        index: The option.
        day: worst, best, typical, or a number from 1.

    Raises:
        OutOfRangeError: If the run has no such day.
    """
    hourly = run.hourly(index)
    number = DAYS[day](hourly) if day in DAYS else int(day)
    steps = day_steps(hourly, number)
    rows = [hourly[place] for place in range(steps.start, steps.stop)]
    return {
        "index": index,
        "label": run.label(index),
        "day": number,
        "sentences": [explain(hourly, place + 1) for place in range(steps.start, steps.stop)],
        "steps": [{name: getattr(row, name) for name in hourly.columns} for row in rows],
        "steps_per_day": steps_per_day(hourly.params.dt_h),
    }


def explain_option(run: FinishedRun, index: int) -> dict[str, Any]:
    """Return where an option stands: rank, what it misses of the goal, what it has more or less than the best.

    Args:
        run: The run.
        index: The option.
    """
    project, result = run.project, run.sweep
    rows = result.rows()
    ranked = run.choice["ranked"]
    # Differences are told of as many runners-up as asked for: up to this one.
    runners_up = ranked.index(index) if index in ranked else 0
    choice = calculate_recommendations(rows, project.goal, costs=project.costs, top_n=runners_up)
    options = read_options(rows, needs=(), green_energy_measure=project.goal.green_energy_measure)
    unmet = [limit for limit in limits_of(project.goal, options) if not limit.met[index]]
    missed = [f"{limit.values[index]:,.2f} {limit.unit} where the goal asks {limit.words}" for limit in unmet]
    is_best = choice["recommended"] is not None and choice["recommended"]["index"] == index
    other = next((one for one in choice["alternatives"] if one["index"] == index), None)
    hourly = run.hourly(index)
    sentences = list(choice["reasons"]) if is_best else [*missed]
    if other is not None:
        sentences.append(f"It reaches the goal and ranks {other['rank']} of {len(choice['ranked'])}.")
    if choice["dominated"][index]:
        sentences.append(
            "Another option delivers no less, curtails no more and needs no larger battery, generator or solar plant."
        )
    blocked = blocking_hours(hourly) if any(limit.name == "delivery" for limit in unmet) else ""
    if blocked:
        sentences.append(blocked)
    found: dict[str, Any] = plain({
        "index": index,
        "label": run.label(index),
        "recommended": is_best,
        "meets_goal": not missed,
        "missed": missed,
        "rank": 1 if is_best else (other or {}).get("rank"),
        "dominated": choice["dominated"][index],
        "on_the_front": index in choice["pareto"],
        "vs_recommended": (other or {}).get("vs_recommended"),
        "sentences": sentences,
        "physics": hourly.physics.to_dict(),
    })  # fmt: skip
    return found
